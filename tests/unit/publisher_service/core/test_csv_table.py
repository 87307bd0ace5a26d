"""Rows for spreadsheets: what they hold, and that no cell is a formula."""

import csv
import io

import orjson
import pytest

from publisher_service.core.csv_table import csv_table
from shared.table import Entry, Row


def cells(rows: dict[str, Row]) -> list[list[str]]:
    made = csv_table((key, Entry(orjson.dumps(row), 1)) for key, row in rows.items())
    return list(csv.reader(io.StringIO(made.decode(), newline="")))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x";"y")'])
def test_a_text_that_a_spreadsheet_would_reckon_with_has_an_apostrophe_before_it(text: str) -> None:
    assert cells({text: {text: text}}) == [["key", f"'{text}"], [f"'{text}", f"'{text}"]]


def test_numbers_and_other_texts_are_as_they_are() -> None:
    row: Row = {
        "change": -1.25,
        "rate": -3,
        "none": None,
        "is": True,
        "bids": [[-1, 2]],
        "name": "Bánh - kẹo =",
        "empty": "",
    }

    assert cells({"SSI": row})[1] == ["SSI", "-1.25", "-3", "", "true", "[[-1,2]]", "Bánh - kẹo =", ""]
