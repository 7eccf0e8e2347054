"""The table that answers which fix cures which pathology: printed, as CSV, and for the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import NamedTuple

import numpy as np

CURED = 0.8  # accuracy
NAME, COLUMN = 9, 10  # columns of the printed table


class Cell(NamedTuple):
    """An accuracy, NaN where the net diverged, and a mark, if something is to be said about it."""

    accuracy: float
    mark: str = ""

    @property
    def cures(self) -> bool:
        return self.accuracy >= CURED

    def __str__(self) -> str:
        return f"{100 * self.accuracy:.0f}{self.mark}" if np.isfinite(self.accuracy) else "diverges"

    def html(self) -> str:
        if not np.isfinite(self.accuracy):
            return '<td class="lost">–</td>'
        return f'<td class="{"good" if self.cures else ""}">{escape(str(self))}</td>'


@dataclass(frozen=True)
class Matrix:
    """For every pathology and every fix a cell."""

    fixes: list[str]
    rows: dict[str, list[Cell]]  # by the name of the pathology, a cell for each fix
    legend: str  # what is measured, and what the marks mean

    def text(self) -> str:
        """In eighty columns, so a line for each fix; in per cent."""
        heads = [wrap(name.replace(",", ""), COLUMN - 1) for name in self.rows]
        height = max(map(len, heads))
        above = zip(*([""] * (height - len(words)) + words for words in heads))
        below = zip(
            self.fixes, *([str(x) + " " * (not x.mark) for x in cells] for cells in self.rows.values())
        )
        lines = (
            f"{name:{NAME}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells)
            for name, *cells in [*(("", *words) for words in above), *below]
        )
        return "\n".join([*map(str.rstrip, lines), f"({self.legend})"])

    def csv(self) -> str:
        """A line for each cell, with the accuracy as a number."""
        file = io.StringIO()
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["pathology", "fix", "accuracy", "mark"])
        for row, cells in self.rows.items():
            lines.writerows([row, fix, f"{x:.4f}", mark] for fix, (x, mark) in zip(self.fixes, cells))
        return file.getvalue()

    def html(self, lesson: str, name: str, more: Sequence[str] = ()) -> str:
        """The table, a link to the experiment of this name, the answers, and what more there is to say."""
        heads = "".join(f'<th scope="col">{escape(fix)}</th>' for fix in ["", *self.fixes])
        heads = heads.replace("+", "+<wbr>")
        lines = "\n".join(
            f'<tr><th scope="row">{escape(row)}</th>{"".join(cell.html() for cell in cells)}</tr>'
            for row, cells in self.rows.items()
        )
        link = f'<a href="#{name}">How it was measured</a>'
        items = "\n".join(f"<li>{item}</li>" for item in [*self._answers(), *more])
        return f"""<p>{escape(lesson)} Marked is what reaches {100 * CURED:.0f} %. {link}</p>
<div class="wide"><table class="matrix">
<thead><tr>{heads}</tr></thead>
<tbody>
{lines}
</tbody>
</table></div>
<p class="source">{escape(self.legend[:1].upper() + self.legend[1:])}; – the loss diverges.</p>
<ul>
{items}
</ul>"""

    def _answers(self) -> list[str]:
        """For every pathology the fixes that cure it, the best first; then what cures most pathologies."""
        items = []
        for row, cells in self.rows.items():
            order = sorted(zip(self.fixes, cells), key=lambda pair: -np.nan_to_num(pair[1].accuracy))
            reached = [f"{fix} ({100 * cell.accuracy:.0f}\N{NO-BREAK SPACE}%)" for fix, cell in order]
            cures = ", ".join(words for words, (_, cell) in zip(reached, order) if cell.cures)
            items.append(f"<b>{escape(row)}:</b> {escape(cures or f'nothing here; best is {reached[0]}')}")
        counts = {
            fix: sum(cells[k].cures for cells in self.rows.values()) for k, fix in enumerate(self.fixes)
        }
        most = max(counts.values())
        winners = ", ".join(fix for fix, count in counts.items() if count == most)
        items.append(f"<b>most of them:</b> {escape(winners)}, {most} of {len(self.rows)}")
        return items
