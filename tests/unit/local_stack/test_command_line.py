"""The demo's command line."""

import pytest

from local_stack.__main__ import CHECK_SECONDS, parse


def test_alone_it_runs_until_told_to_stop() -> None:
    options = parse([])

    assert (options.port, options.publishers, options.seconds, options.check, options.browser) == (
        (None, 2, None, False, True)
    )


def test_a_check_ends_by_itself_and_opens_no_browser() -> None:
    options = parse(["--check"])

    assert (options.seconds, options.browser) == (CHECK_SECONDS, False)


@pytest.mark.parametrize("arguments", [["--port", "0"], ["--port", "x"], ["--publishers", "0"], ["--seconds", "nan"]])
def test_a_number_that_cannot_be_is_an_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        parse(arguments)

    assert ending.value.code == 2
    assert f"{arguments[1]} is no number from" in capsys.readouterr().err
