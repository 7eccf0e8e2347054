"""What is saved comes back, nothing else is accepted, and nothing that a file says is run."""

import io
import json
import math
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_stab
from tinygrad_stab import Tensor, nn, optim
from tinygrad_stab.serialization import load, save


def there_and_back(obj: Any, path: Path) -> Any:
    save(obj, path / "file")
    return load(path / "file")


def same(a: Any, b: Any) -> bool:
    """Equal in type, dtype, shape and value; nan is nan."""
    if isinstance(a, (Tensor, np.ndarray)):
        x, y = np.asarray(a), np.asarray(b)
        equal = (
            x.dtype == y.dtype and x.shape == y.shape and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")
        )
        return (
            type(a) is type(b) and equal and getattr(a, "requires_grad", 0) == getattr(b, "requires_grad", 0)
        )
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


@pytest.mark.parametrize(
    "obj",
    [
        None, True, 3, -(2**70), 0.1, -0.0, math.inf, math.nan, "", "Größe \n\x00 \ud800",
        [], (), {}, [1, (2.0, [None])], {"a": 1, 2: "b", 2.5: [], None: {}, True: ()}, {"list": [1]},
        np.arange(6).reshape(2, 3)[:, ::2], np.array(3.5), np.zeros((0, 3), np.float32), np.array([True]),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(["a", "bc"]),
        tinygrad_stab.tensor([[1.5, math.nan]]), tinygrad_stab.tensor(3),
        tinygrad_stab.ones(2, requires_grad=True),
        nn.Parameter(tinygrad_stab.zeros(2)), nn.Parameter(tinygrad_stab.zeros(2), requires_grad=False),
        nn.Parameter(tinygrad_stab.arange(2), requires_grad=False),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_saved_comes_back(obj: Any, tmp_path: Path) -> None:
    assert same(obj, there_and_back(obj, tmp_path))


def test_subclasses_become_what_they_are_made_of(tmp_path: Path) -> None:
    shape = tinygrad_stab.zeros(2, 3).shape
    found = there_and_back([OrderedDict(b=1, a=2), shape, np.float32(0.5), np.int64(7)], tmp_path)
    assert same(found, [{"b": 1, "a": 2}, (2, 3), 0.5, 7])


def test_a_computed_tensor_comes_back_without_its_history(tmp_path: Path) -> None:
    x = tinygrad_stab.ones(2, requires_grad=True)
    found = there_and_back(x * 3, tmp_path)
    assert found.tolist() == [3, 3]
    assert found.requires_grad
    assert found.is_leaf


def test_training_continues_as_if_it_had_not_been_interrupted(tmp_path: Path) -> None:
    def made() -> tuple[nn.Module, Any]:
        tinygrad_stab.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
        return model, optim.Adam(model.parameters(), lr=0.01, amsgrad=True)

    def train(model: nn.Module, opt: Any, steps: range) -> list[float]:
        losses = []
        for k in steps:
            x = tinygrad_stab.randn(8, 3, generator=tinygrad_stab.Generator().manual_seed(k))
            loss = (model(x) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        return losses

    model, opt = made()
    train(model, opt, range(5))
    save({"model": model.state_dict(), "opt": opt.state_dict(), "epoch": 5}, tmp_path / "checkpoint.pt")
    expected = train(model, opt, range(5, 10))

    model, opt = made()
    checkpoint = load(tmp_path / "checkpoint.pt", map_location="cpu", weights_only=True)
    assert checkpoint["epoch"] == 5
    model.load_state_dict(checkpoint["model"])
    opt.load_state_dict(checkpoint["opt"])
    assert train(model, opt, range(5, 10)) == expected


def test_files_may_be_paths_of_any_name_or_open() -> None:
    file = io.BytesIO()
    save([1, tinygrad_stab.ones(2)], file)
    file.seek(0)
    assert load(file)[1].tolist() == [1, 1]


def test_numpy_and_json_can_read_it_too(tmp_path: Path) -> None:
    save({"w": tinygrad_stab.arange(3)}, str(tmp_path / "w.pt"))
    with np.load(tmp_path / "w.pt") as arrays:
        assert arrays["0"].tolist() == [0, 1, 2]
        assert json.loads(arrays["structure.json"]) == {"dict": [["w", {"tensor": [0, False]}]]}


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({1, 2}, r"save: obj is of type set, but a file holds"),
        ({"f": [0, abs]}, r"obj\['f'\]\[1\] is of type builtin_function_or_method"),
        ({"model": nn.Linear(1, 1)}, r"obj\['model'\] is of type Linear.*save its state_dict\(\)"),
        ([1j], r"obj\[0\] is of type complex"),
        ({(1, abs): 2}, r"a key of obj\[1\] is of type builtin_function_or_method"),
        (np.array([abs]), "obj is of type ndarray"),
        (b"bytes", "obj is of type bytes"),
    ],
)
def test_what_a_file_cannot_hold_is_named_and_nothing_is_written(
    obj: Any, message: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"as before")
    with pytest.raises(TypeError, match=message):
        save(obj, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"as before"


def refusal(content: bytes, path: Path) -> str:
    (path / "file").write_bytes(content)
    with pytest.raises(RuntimeError) as refused:
        load(path / "file")
    (path / "file").unlink()  # also where a file cannot be deleted while it is open
    with pytest.raises(RuntimeError):
        load(io.BytesIO(content))
    return str(refused.value)


def saved(obj: Any) -> bytes:
    file = io.BytesIO()
    save(obj, file)
    return file.getvalue()


def test_foreign_files_are_recognized(tmp_path: Path) -> None:
    npz = io.BytesIO()
    np.savez(npz, w=np.ones(3))
    assert "for a plain .npz file use numpy.load" in refusal(npz.getvalue(), tmp_path)
    assert "which makes zip files; it looks like a pickle" in refusal(pickle.dumps([1]), tmp_path)
    assert "which makes zip files (" in refusal(b"just some text", tmp_path)
    assert "which makes zip files (" in refusal(b"", tmp_path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere")


def test_a_file_of_pytorchs_is_recognized_and_not_run(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("weights/data.pkl", pickle.dumps(print))
    assert "by PyTorch, as a pickle" in refusal(archive.getvalue(), tmp_path)
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.save({"w": torch.ones(2)}, tmp_path / "theirs.pt")
    assert "by PyTorch, as a pickle" in refusal((tmp_path / "theirs.pt").read_bytes(), tmp_path)


def test_every_truncated_file_is_refused(tmp_path: Path) -> None:
    content = saved({"w": tinygrad_stab.randn(40), "b": [1, "x"]})
    for length in range(2, len(content), 7):
        message = refusal(content[:length], tmp_path)
        assert "incomplete: its end is missing" in message or "damaged" in message


def test_changed_values_are_noticed(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal(100)
    content = bytearray(saved(tinygrad_stab.tensor(values)))
    content[content.find(values.tobytes()) + 333] ^= 1
    assert "or it is damaged (Bad CRC-32" in refusal(bytes(content), tmp_path)


@pytest.mark.parametrize(
    "structure",
    [
        '{"tensor": [7, false]}',
        '{"tensor": 0}',
        '{"set": [1]}',
        "{}",
        '{"a": 1, "b": 2}',
        "[1",
        '{"list": 3}',
    ],
)
def test_a_structure_that_makes_no_sense_is_damage(structure: str, tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("structure.json", structure)
    assert "or it is damaged" in refusal(archive.getvalue(), tmp_path)


def test_an_array_of_objects_is_refused_without_being_unpickled(tmp_path: Path) -> None:
    array = io.BytesIO()
    np.save(array, np.array([print], dtype=object), allow_pickle=True)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("structure.json", '{"array": 0}')
        file.writestr("0.npy", array.getvalue())
    assert "Object arrays cannot be loaded when allow_pickle=False" in refusal(archive.getvalue(), tmp_path)


def test_another_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the only device is the CPU"):
        load(tmp_path / "file", map_location="cuda")


# --- nothing is lost, and nothing is let in -----------------------------------------------------------------


def test_a_full_disk_leaves_the_older_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights"
    save({"w": tinygrad_stab.ones(2)}, path)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="No space left"):
        save({"w": tinygrad_stab.zeros(2)}, path)
    monkeypatch.undo()
    assert load(path)["w"].tolist() == [1, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["weights"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    save(tinygrad_stab.ones(2), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load(tmp_path / "target").tolist() == [1, 1]


def test_what_holds_itself_is_refused(tmp_path: Path) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="holds itself"):
        save(circle, tmp_path / "circle")
    assert not list(tmp_path.iterdir())


def test_a_recursive_or_swollen_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    deep = '{"list": [' * 100_000 + "]}" * 100_000
    for name, kind, structure in (
        ("deep", zipfile.ZIP_STORED, deep),
        ("swollen", zipfile.ZIP_DEFLATED, " " * 10**7),
    ):
        with zipfile.ZipFile(tmp_path / name, "w", kind) as file:
            file.writestr("structure.json", structure)
        with pytest.raises(RuntimeError, match="was not written by save"):
            load(tmp_path / name)
