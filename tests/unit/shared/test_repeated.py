"""What goes wrong again and again does not fill a log."""

from shared.repeated import LONGEST_PAUSE_S, MOST_REASONS, Repeated


def told_s(faults: Repeated, reason: str, seconds: int) -> list[int]:
    """When a line is written, of one fault a second."""
    return [second for second in range(seconds) if faults.is_worth_telling(reason, float(second))]


def test_a_fault_is_told_at_once_and_then_after_pauses_that_double_up_to_a_bound() -> None:
    night = told_s(Repeated(), "refused", 8 * 3600)

    assert night[:6] == [0, 2, 6, 14, 30, 62]
    assert night[-1] - night[-2] == LONGEST_PAUSE_S
    assert len(night) < 70


def test_another_reason_is_told_at_once() -> None:
    faults = Repeated()
    told_s(faults, "refused", 100)

    assert faults.is_worth_telling("no password", 100.0)
    assert not faults.is_worth_telling("no password", 101.0)


def test_reasons_that_come_in_turn_do_not_fill_a_log_either() -> None:
    faults = Repeated()

    told = [second for second in range(8 * 3600) if faults.is_worth_telling(f"reason {second % 2}", float(second))]

    assert len(told) < 140


def test_of_ever_new_reasons_only_some_are_held() -> None:
    faults = Repeated()

    assert all(faults.is_worth_telling(f"reason {number}", 0.0) for number in range(MOST_REASONS + 1))
    assert faults.is_worth_telling("reason 0", 0.0)
    assert not faults.is_worth_telling(f"reason {MOST_REASONS}", 0.0)


def test_what_has_ended_and_comes_back_is_told_anew() -> None:
    faults = Repeated()
    told_s(faults, "refused", 100)

    assert faults.ended()
    assert not faults.ended()
    assert faults.is_worth_telling("refused", 100.0)
