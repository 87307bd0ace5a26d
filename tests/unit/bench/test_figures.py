"""How figures are told."""

import json
from pathlib import Path

import pytest

from bench.figures import doubt_window, finish, print_figures, print_table, spread, told


def test_a_figure_of_several_runs_keeps_each_of_them() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"runs": [3.0, 1.0, 2.0], "median": 2.0, "min": 1.0, "max": 3.0}


def test_a_cell_has_the_one_in_the_middle_and_both_ends() -> None:
    assert told([10_300.4, 9.0, 11_000.0], 0) == "10,300 (9–11,000)"  # noqa: RUF001 (a range)


def test_a_table_has_its_names_to_the_left_and_its_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("", "µs", "frames"), [("floor", "8.0", "1"), ("x", "12.0", "20,000")])

    assert capsys.readouterr().out.splitlines() == [
        "         µs  frames",
        "floor   8.0       1",
        "x      12.0  20,000",
    ]


def test_a_list_of_figures_has_names_and_units_instead_of_keys(capsys: pytest.CaptureFixture[str]) -> None:
    titles = {
        "taken_per_s": ("messages taken a second", "{:,}"),
        "share": ("core", "{:.1%}"),
        "ms": ("p99 ms", "{:.1f}"),
    }

    print_figures({"ms": [1.0, 2.25], "share": 0.126, "taken_per_s": 30_000, "left_out": 1}, titles)

    assert capsys.readouterr().out.splitlines() == [
        "messages taken a second  30,000",
        "core                     12.6%",
        "p99 ms                   1.0, 2.2",
    ]


@pytest.mark.parametrize(("seconds", "doubted"), [(0.5, True), (1.9, True), (2.0, False), (60.0, False)])
def test_a_window_that_is_too_short_is_doubted(
    seconds: float,
    doubted: bool,  # noqa: FBT001 (a column of the table)
    capsys: pytest.CaptureFixture[str],
) -> None:
    doubt_window(seconds)

    assert ("Take 2 s or more" in capsys.readouterr().out) == doubted


def test_the_last_line_is_the_same_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finish({"clients": 20}, tmp_path / "figures.json")

    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"clients": 20}
    assert json.loads((tmp_path / "figures.json").read_text("utf-8")) == {"clients": 20}
