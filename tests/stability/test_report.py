"""Tables: how they print, what they export."""

import csv
from dataclasses import dataclass

import pytest

from tinygrad_stab.stability.report import Report, column


@dataclass
class Row:
    name: str = column("layer")
    value: float | None = column("‖∂L/∂h‖", ".1e")
    count: int = column("n", ",")


@pytest.fixture
def report():
    return Report("A title", [Row("first", 1234.5, 12000), Row("b<", None, 3)], notes=["A note."])


def test_columns_are_aligned_text_left_numbers_right(report):
    assert str(report).split("\n") == [
        "A title",
        "layer  ‖∂L/∂h‖       n",
        "──────────────────────",
        "first  1.2e+03  12,000",
        "b<           –       3",
        "A note.",
    ]


def test_what_is_not_finite_is_shown():
    text = str(Report("", [Row("a", float("nan"), 1), Row("b", float("inf"), 1)]))
    assert "nan" in text
    assert "inf" in text


def test_html_has_one_row_each_and_escapes(report):
    html = report._repr_html_()
    assert html.count("<tr>") == 3
    assert html.count("<td") == 6
    assert "b&lt;" in html
    assert "<p>A note.</p>" in html


def test_rows_keep_their_values(report):
    assert report.to_rows()[0] == {"name": "first", "value": 1234.5, "count": 12000}
    assert (len(report), report[1].count, [row.name for row in report]) == (2, 3, ["first", "b<"])


def test_csv_has_a_header_and_a_line_each(report, tmp_path):
    report.to_csv(tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["name", "value", "count"],
            ["first", "1234.5", "12000"],
            ["b<", "", "3"],
        ]


def test_an_empty_report_prints_and_exports(tmp_path):
    empty = Report("Nothing", [])
    assert str(empty).startswith("Nothing")
    assert empty.to_rows() == []
    empty.to_csv(tmp_path / "empty.csv")
