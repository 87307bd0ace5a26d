"""The command line of `chaos`."""

import pytest

from local_stack.chaos import __main__ as command_line
from local_stack.chaos.__main__ import parse
from local_stack.chaos.chaos import Options
from local_stack.chaos.faults import FAULTS
from local_stack.chaos.report import Report, report


def test_alone_it_takes_three_minutes_of_all_faults_by_a_seed_of_its_own() -> None:
    one, other = parse([]), parse([])

    assert (one.minutes, one.publishers, one.faults) == (3.0, 2, tuple(FAULTS))
    assert one.seed != other.seed


def test_faults_may_be_chosen() -> None:
    options = parse(["--seed", "1", "--minutes", "0.5", "--fault", "leader killed", "--fault", "valkey flushed"])

    assert (options.seed, options.minutes, options.faults) == (1, 0.5, ("leader killed", "valkey flushed"))


@pytest.mark.parametrize("arguments", [["--minutes", "-1"], ["--minutes", "0"], ["--seed", "x"], ["--fault", "meteor"]])
def test_what_cannot_be_is_an_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        parse(arguments)

    assert ending.value.code == 2
    assert arguments[1] in capsys.readouterr().err


@pytest.mark.parametrize(("redis_url", "told"), [("redis://elsewhere", True), ("", False)])
def test_a_redis_that_is_named_and_not_used_is_told_and_a_run_without_a_fault_is_a_failure(
    redis_url: str,
    told: bool,  # noqa: FBT001 (a parameter of the test)
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def nothing(_: Options) -> Report:
        return report(1, 0.0, (), [], [])

    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setattr(command_line, "chaos", nothing)

    code = command_line.main([])

    assert code == 1
    assert ("REDIS_URL is set and ignored" in capsys.readouterr().out) is told
