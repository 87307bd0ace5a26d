"""Orders of faults: counts, seconds, clearing."""

import pytest

from ssi_simulator.faults import FAULTS, FaultError, Faults, Order, parse_order


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_fault_with_a_count_happens_so_often() -> None:
    faults = Faults(Hands())
    faults.order(Order("duplicate", value=4, count=2))

    assert [faults.use("duplicate") for _ in range(3)] == [4, 4, None]
    assert faults.happened == {"duplicate": 2}
    assert not faults


def test_a_fault_with_seconds_ends_by_itself() -> None:
    clock = Hands()
    faults = Faults(clock)
    faults.order(Order("bad-gateway", seconds=5))

    clock.now_s += 4.9
    before = faults.use("bad-gateway")
    clock.now_s += 0.1

    assert (before, faults.use("bad-gateway"), faults.active()) == (502, None, [])


def test_a_fault_without_limits_lasts_until_it_is_cleared() -> None:
    faults = Faults(Hands())
    faults.order(Order("malformed"))
    faults.order(Order("burst"))

    faults.clear("malformed")

    assert [fault.name for fault in faults.active()] == ["burst"]
    faults.clear()
    assert not faults


def test_a_later_order_of_the_same_name_replaces_the_earlier() -> None:
    faults = Faults(Hands())
    faults.order(Order("batch", value=2, count=1))
    faults.order(Order("batch", value=3))

    assert [faults.use("batch") for _ in range(2)] == [3, 3]


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("drop", Order("drop")),
        ("close=1012", Order("close", value=1012)),
        ("stall,seconds=2.5", Order("stall", seconds=2.5)),
        ("batch=20,count=5,seconds=60", Order("batch", value=20, count=5, seconds=60)),
    ],
)
def test_the_command_line_names_fault_value_and_limits(text: str, order: Order) -> None:
    assert parse_order(text) == order


@pytest.mark.parametrize(
    "text",
    ["", "earthquake", "drop,often=1", "drop=hard", "drop,count=1.5", "drop,count=0", "stall,seconds=0", "burst=-1"],
)
def test_an_order_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(FaultError):
        parse_order(text)


def test_a_fault_that_is_none_is_told_with_those_that_there_are() -> None:
    with pytest.raises(FaultError, match="there is no fault 'dorp'; there are: drop, "):
        parse_order("dorp,count=1")


def test_every_fault_of_the_catalogue_can_be_ordered_and_used_by_its_default_value() -> None:
    faults = Faults(Hands())
    for name in FAULTS:
        faults.order(Order(name, count=1))

    assert {name: faults.use(name) for name in FAULTS} == {name: kind.value for name, kind in FAULTS.items()}
