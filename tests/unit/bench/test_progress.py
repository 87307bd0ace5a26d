"""Who waits is told what runs, and for how long."""

import pytest

from bench.progress import Progress, duration


def test_turns_that_are_alike_tell_how_long_the_others_take(capsys: pytest.CaptureFixture[str]) -> None:
    now_s = 0.0
    progress = Progress(3, now_s=lambda: now_s)

    for what in ("floor", "banggia", "floor again"):
        progress.turn(what)
        now_s += 20

    told = capsys.readouterr()
    assert told.out == ""  # where the results go
    assert told.err.splitlines() == [
        "1 of 3: floor",
        "2 of 3: banggia (about 40 s to go)",
        "3 of 3: floor again (about 20 s to go)",
    ]


def test_what_is_known_before_is_told_before(capsys: pytest.CaptureFixture[str]) -> None:
    Progress(4, 60.0).turn("first")

    assert capsys.readouterr().err == "1 of 4: first (about 4 min to go)\n"


def test_of_turns_that_differ_nothing_is_foretold(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(2, alike=False)

    progress.turn("short")
    progress.turn("long")

    assert capsys.readouterr().err == "1 of 2: short\n2 of 2: long\n"


def test_a_duration_is_never_none() -> None:
    assert [duration(seconds) for seconds in (0.2, 99, 150)] == ["1 s", "99 s", "2 min"]
