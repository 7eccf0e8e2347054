"""A user's file passes mypy, and an editor knows what `torch.tanh(x)` is."""

import subprocess
import sys
from pathlib import Path

import pytest

USERS_FILE = """
import tinygrad_stab as torch
import tinygrad_stab.nn as nn

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2, device=device)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.fc(x)).sum(dim=1).view(-1)


x = torch.randn(4, 3, requires_grad=True)
y = torch.tanh(x)
reveal_type(y)
reveal_type(x.exp().mean())
reveal_type(torch.mean(x, dim=0))
reveal_type(x.unsqueeze(0).to(device))
reveal_type(torch.cat([x, y]))
optimizer = torch.optim.SGD(Net().parameters(), lr=0.1)
loss = (Net()(x) - 1).pow(2).mean()
loss.backward()
optimizer.step()
print(loss.item(), x.shape[0], y.tolist())
"""


def test_a_users_file_passes_mypy(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "users_file.py").write_text(USERS_FILE)
    here = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file=",
        "--cache-dir",
        str(tmp_path),
        "--follow-imports=silent",
    ]
    environment = {"MYPYPATH": str(here), "PATH": ""}
    done = subprocess.run(
        [*command, str(tmp_path / "users_file.py")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count('Revealed type is "tinygrad_stab.tensor.tensor.Tensor"') == 5, done.stdout


def test_the_package_says_that_it_has_types() -> None:
    import tinygrad_stab

    assert (Path(tinygrad_stab.__file__).parent / "py.typed").exists()
