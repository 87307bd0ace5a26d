"""The command line of `chaos`."""

import pytest

from local_stack.chaos.__main__ import parse
from local_stack.chaos.faults import FAULTS


def test_alone_it_takes_three_minutes_of_all_faults_by_a_seed_of_its_own() -> None:
    one, other = parse([]), parse([])

    assert (one.minutes, one.publishers, one.faults) == (3.0, 2, tuple(FAULTS))
    assert one.seed != other.seed


def test_faults_may_be_chosen() -> None:
    options = parse(["--seed", "1", "--minutes", "0.5", "--fault", "leader killed", "--fault", "valkey flushed"])

    assert (options.seed, options.minutes, options.faults) == (1, 0.5, ("leader killed", "valkey flushed"))


@pytest.mark.parametrize("arguments", [["--minutes", "-1"], ["--seed", "x"], ["--fault", "meteor"]])
def test_what_cannot_be_is_an_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        parse(arguments)

    assert ending.value.code == 2
    assert arguments[1] in capsys.readouterr().err
