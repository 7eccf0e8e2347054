"""What the README prints and promises is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from tinygrad_stab.numpy_protocol import ANSWERS

import tinygrad_stab
from tinygrad_stab.engine.primitive import TABLE, primitive

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_the_numbers_shown(capsys):
    code, shown = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", README, re.S).groups()
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == shown


def test_the_factors_in_the_text_are_those_of_the_example():
    shown = [float(number) for number in re.findall(r"^(?:sigmoid|ReLU), \w+ +(\S+)$", README, re.M)]
    assert len(shown) == 3
    for ratio, factor in zip(shown, (0.236, 0.5**0.5, 1.0)):
        assert abs(ratio ** (1 / 29) / factor - 1) < 0.02


def test_what_is_shown_of_stability_runs_and_chi_is_a_half(capsys):
    code = re.search(r"```python\n(from tinygrad_stab\.stability.*?)```", README, re.S).group(1)
    nn, x = tinygrad_stab.nn, tinygrad_stab.randn(16, 4)
    y, loss_fn = (x[:, 0] > 0).long(), nn.CrossEntropyLoss()
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    exec(code, {"model": model, "x": x, "y": y, "loss_fn": loss_fn, "loss": loss_fn(model(x), y)})
    assert re.search(r"^0\.(5|49999)", capsys.readouterr().out, re.M)


def test_the_op_shown_works():
    line = re.search(r"^arctan = (primitive\(.*\))$", README, re.M).group(1)
    try:
        arctan = eval(line, {"primitive": primitive, "np": np})
        x = tinygrad_stab.tensor([0.3, -2.0], requires_grad=True)
        arctan(x).sum().backward()
        np.testing.assert_allclose(x.grad, [1 / 1.09, 1 / 5], rtol=1e-6)
    finally:
        TABLE.pop("arctan")
        ANSWERS.pop(np.arctan)


def test_importing_the_library_does_not_import_matplotlib():
    code = "import sys, tinygrad_stab; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def lines_of(names):
    package = Path(tinygrad_stab.__file__).parent
    return sum(len((package / name).read_text(encoding="utf-8").splitlines()) for name in names)


def test_the_reading_is_as_long_as_it_says():
    package = Path(tinygrad_stab.__file__).parent
    section = README.split("## Reading the source")[1].split("##")[0]
    minimal, above = section.split("Then what is built on them")
    alone = [
        path.relative_to(package).as_posix()
        for room in ("engine", "ops")
        for path in (package / room).glob("*.py")
    ]
    of_table = re.findall(r"`([a-z_/]+\.py)`", "".join(re.findall(r"^\|.*$", above, re.M)))
    for text, names in ((minimal, alone), (above, of_table)):
        said = "".join(re.search(r"about (\d) (\d00) lines", text).groups())
        assert abs(lines_of(names) - int(said)) < 100
    for name in re.findall(r"`([a-z_/]+\.py)`", section):
        assert (package / name).is_file(), name
