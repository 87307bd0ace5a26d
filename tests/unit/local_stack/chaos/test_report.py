"""What a run tells at its end."""

import json
from collections import Counter

from local_stack.chaos.complaint import Kind
from local_stack.chaos.oracle import Oracle
from local_stack.chaos.report import Blow, Report, report, report_line, report_table
from tests.unit.local_stack.chaos.a_market import Market

NAMES = ("leader killed", "valkey flushed", "feed dropped")


def test_blows_of_a_kind_stand_in_one_line_with_their_longest_blind_window() -> None:
    done = a_report([a_blow("leader killed", 2.5), a_blow("valkey flushed", 1.0), a_blow("leader killed", 2.1)])

    lines = [line.split() for line in report_table(done).splitlines()]
    assert ["leader", "killed", "2", "2.5", "s", "0"] in lines
    assert ["valkey", "flushed", "1", "1.0", "s", "0"] in lines
    assert done.ok


def test_a_fault_for_which_there_was_no_time_is_named() -> None:
    done = a_report([a_blow("leader killed", 2.5)])

    assert done.not_tried == ["feed dropped", "valkey flushed"]
    assert "(no time for it)" in report_table(done)
    assert done.ok


def test_one_divergence_is_a_failure_and_is_told() -> None:
    market = Market()
    market.commit(1, {"SSI": {"last": 1}})
    market.connect()
    market.snapshot(1, {"SSI": {"last": 2}}, id=1)

    done = a_report([a_blow("leader killed", 2.5, market.oracle.counts)], market.oracle)

    assert (done.ok, done.divergences, done.faults["leader killed"].divergences) == (False, 1, 1)
    assert "last is 2 and should be 1" in report_table(done)


def test_a_fault_that_never_healed_is_a_failure() -> None:
    done = a_report([a_blow("leader killed", 60.0, trouble="not everything is well after 60 s")])

    assert not done.ok
    assert done.not_healed == ["leader killed: not everything is well after 60 s"]


def test_late_data_is_told_and_is_no_failure() -> None:
    market = Market()
    market.oracle.counts[Kind.DELAY] += 1

    done = a_report([], market.oracle)

    assert (done.ok, done.late_frames) == (True, 1)


def test_the_last_line_is_json() -> None:
    done = a_report([a_blow("leader killed", 2.5)])

    assert json.loads(report_line(done)) == done.model_dump()


def a_blow(fault: str, blind_s: float, complaints: Counter[Kind] | None = None, trouble: str | None = None) -> Blow:
    return Blow(fault, blind_s, blind_s + 1, complaints or Counter(), trouble)


def a_report(blows: list[Blow], *oracles: Oracle) -> Report:
    return report(7, 60.0, NAMES, blows, oracles)
