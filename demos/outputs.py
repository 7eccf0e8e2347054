"""The files that a run leaves: their places checked before the work, their contents put together after it."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from demos.perform import Performance


def check(options: argparse.Namespace) -> None:
    """Raise ValueError, before any work is done, for a place that cannot be written to."""
    check_directory("--save", options.save)
    if options.json:
        if options.json.is_dir():
            raise ValueError(f"--json: {options.json} is a directory; name a file")
        check_directory("--json", options.json.parent)


def check_directory(flag: str, directory: Path) -> None:
    """Raise ValueError for a directory in which no file can be made; make it, if it is not there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise ValueError(f"{flag}: cannot write to {directory}: {error.strerror}") from None


def texts(performances: Sequence[Performance], options: argparse.Namespace) -> dict[Path, str]:
    """All that is written at the end of a run, but for the figures."""
    from demos import as_json, page

    whole = not options.experiment
    files = {options.save / f"{p.experiment.name}.csv": p.matrix.csv() for p in performances if p.matrix}
    files[options.save / "index.html"] = page.page(performances, whole)
    if options.slides:
        from demos.slides import slides

        files[options.save / "slides.html"] = slides(performances)
    if options.handout:
        from demos.handout import handout

        files[options.save / "handout.html"] = handout(performances)
    if options.ipynb:
        from demos.ipynb import notebook

        files |= {
            options.save / "notebooks" / f"{p.experiment.name}.ipynb": notebook(p) for p in performances
        }
    if options.json:
        files[options.json] = json.dumps(as_json.rows(performances), ensure_ascii=False, indent=1) + "\n"
    return files
