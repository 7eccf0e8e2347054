"""What every result of this package is: a table of typed rows that prints, shows in a notebook, and exports.

A row is a dataclass whose fields say how they are headed and formatted; a report is a list of rows with a
title and notes.

    @dataclass
    class Row:
        layer: str = column("layer")
        std: float = column("std", ".3g")
"""

from __future__ import annotations

import csv
import dataclasses
import html
import os
from collections.abc import Iterator
from typing import Any


def column(header: str, format: str = "") -> Any:
    """A field of a row: its header in the printed table, and the format specification of its values."""
    return dataclasses.field(metadata={"header": header, "format": format})


@dataclasses.dataclass(repr=False)
class Report:
    """Rows under a title, with notes below. `print(report)` aligns them; iterating yields the rows."""

    title: str
    rows: list[Any]
    notes: list[str] = dataclasses.field(default_factory=list, kw_only=True)

    def printed_rows(self) -> list[Any]:
        """The rows of the printed table: all of them, unless a report has a shorter account to give."""
        return self.rows

    def to_rows(self) -> list[dict[str, Any]]:
        """One dict per row, values as they are: ready for a data frame."""
        return [{f.name: getattr(row, f.name) for f in dataclasses.fields(row)} for row in self.rows]

    def to_csv(self, path: str | os.PathLike) -> None:
        """Write the rows to a file, under the names of their fields."""
        write_csv(self.to_rows(), path)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __repr__(self) -> str:
        header, cells, is_text = self._table()
        widths = [max(map(len, texts)) for texts in zip(header, *cells)]
        lines = [
            "  ".join(t.ljust(w) if left else t.rjust(w) for t, w, left in zip(texts, widths, is_text))
            for texts in [header, *cells]
        ]
        rule = ["─" * max(map(len, lines))] if cells else []
        return "\n".join([self.title, *(line.rstrip() for line in lines[:1] + rule + lines[1:]), *self.notes])

    def _repr_html_(self) -> str:
        header, cells, is_text = self._table()
        aligned = [f"style='text-align:{'left' if left else 'right'}'" for left in is_text]
        rows = [
            "<tr>" + "".join(f"<{tag} {a}>{html.escape(t)}</{tag}>" for a, t in zip(aligned, texts)) + "</tr>"
            for tag, texts in [("th", header), *(("td", texts) for texts in cells)]
        ]
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return f"<table><caption>{html.escape(self.title)}</caption>{''.join(rows)}</table>{notes}"

    def _table(self) -> tuple[list[str], list[list[str]], list[bool]]:
        """Headers, the text of every cell, and which columns hold text and stand to the left."""
        rows = self.printed_rows()
        fields = dataclasses.fields(rows[0]) if rows else ()
        cells = [[_text(getattr(row, f.name), f.metadata["format"]) for f in fields] for row in rows]
        is_text = [any(isinstance(getattr(row, f.name), str) for row in rows) for f in fields]
        return [f.metadata["header"] for f in fields], cells, is_text


def write_csv(rows: list[dict[str, Any]], path: str | os.PathLike) -> None:
    """Write dicts with the same keys to a file, the keys first."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def _text(value: Any, spec: str) -> str:
    if value is None:
        return "–"
    return str(value) if isinstance(value, (str, bool, tuple)) else format(value, spec)
