"""An experiment as an executed notebook: its text, its code, its claims and its figure, in Jupyter's JSON."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from demos import report
from demos.arc import scene_of
from demos.perform import Performance

MEDIA = {".png": "image/png", ".svg": "image/svg+xml", ".pdf": "application/pdf"}


def notebook(performance: Performance) -> str:
    """Return the notebook, in format 4.5; its last cell has the output of this run."""
    source = Path(str(performance.experiment.module.__file__)).read_text(encoding="utf-8")
    head, *cells = re.split(r"^# %% ", source, flags=re.MULTILINE)
    _, docstring, imports = head.split('"""', 2)
    titled = [cell.partition("\n") for cell in cells]
    parts = [_text(performance, docstring), _code(imports)]
    for title, _, code in titled:
        parts += [_markdown(f"## {title}"), _code(code)]
    _, _, here = titled[-1]
    parts[-1] = _code(here.replace("Setup()", _call(performance)), _outputs(performance))
    for k, part in enumerate(parts):
        part["id"] = f"cell-{k}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    found = {"cells": parts, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _text(performance: Performance, docstring: str) -> dict[str, Any]:
    """The lesson as heading, the question of the lecture, the theory; what is indented stays a block."""
    lesson, _, theory = docstring.partition("\n")
    scene = scene_of(performance.experiment.name)
    asks = f"\n*{scene.asks}*\n" if scene else ""
    source = performance.experiment.module.SOURCE
    return _markdown(f"# {lesson}\n{asks}{theory.rstrip()}\n\nSource: {source}")


def _call(performance: Performance) -> str:
    """The set-up of this run, as it is made."""
    usual = performance.experiment.setup()
    turned = {k: v for k, v in vars(performance.setup).items() if v != getattr(usual, k)}
    return f"Setup({', '.join(f'{k}={v!r}' for k, v in turned.items())})"


def _outputs(performance: Performance) -> list[dict[str, Any]]:
    """What `present` prints, and the figure that it returns."""
    printed = report.table(performance.result.claims) + "\n"
    data = performance.figure.read_bytes()
    kind = MEDIA[performance.figure.suffix]
    image = data.decode() if kind == MEDIA[".svg"] else base64.b64encode(data).decode()
    shown = {"output_type": "display_data", "data": {kind: image}, "metadata": {}}
    return [{"output_type": "stream", "name": "stdout", "text": _lines(printed)}, shown]


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(text)}


def _code(text: str, outputs: Any = ()) -> dict[str, Any]:
    count = 1 if outputs else None
    cell = {"cell_type": "code", "metadata": {}, "execution_count": count, "outputs": list(outputs)}
    return cell | {"source": _lines(text.strip("\n"))}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
