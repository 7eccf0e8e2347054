"""Keep a run in a file, and set a later one beside it: before and after.

Times of two runs differ by what else the machine did; the ratios within a run do much less. Both are shown.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.catalogue import Record

COMPARED = "step", "curve", "import", "memory"
RELATIVE_TO = "NumPy", "PyTorch"
MISSING = "not installed"


def save(path: Path, records: list[Record]) -> None:
    """Write all records, those of the machine included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load(path: Path) -> list[Record]:
    """Read what `save` has written."""
    return json.loads(path.read_text(encoding="utf-8"))


def comparison(before: list[Record], now: list[Record]) -> str:
    """A table of what is in both runs."""
    lines = ["Before and after", *_other_machine(before, now)]
    relative = "".join(f"{f'to {name}, before → now':>26}" for name in RELATIVE_TO)
    lines.append(f"{'':46}{'threads':>8}{'now / before':>14}{relative}")
    then = {_key(record): record for record in before}
    both = [(then[_key(record)], record) for record in now if _key(record) in then]
    lines += [_row(old, new) for old, new in both if new["section"] in COMPARED]
    return "\n".join(lines)


def _key(record: Record) -> tuple:
    return record["section"], record.get("name"), record.get("size"), record["threads"]


def _row(old: Record, new: Record) -> str:
    name = new["name"] + (f": {new['size']:,}" if "size" in new else "")
    change, cells = new["median"]["ours"] / old["median"]["ours"], ""
    for peer in RELATIVE_TO:
        ratios = [run["ratio"][peer][1] for run in (old, new) if peer in run["ratio"]]
        cells += f"{'{:.2f} → {:.2f}'.format(*ratios) if len(ratios) == 2 else '–':>26}"
    return f"{name:46}{new['threads']:8}{change:14.2f}{cells}"


def _other_machine(before: list[Record], now: list[Record]) -> list[str]:
    """On what the two runs were not alike."""
    old, new = (
        next(record["on"] for record in run if record["section"] == "machine") for run in (before, now)
    )
    return [
        f"{what}: {old.get(what, MISSING)} then, {new.get(what, MISSING)} now"
        for what in {**old, **new}
        if old.get(what) != new.get(what)
    ]
