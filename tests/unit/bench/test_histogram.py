"""What share of the ages is below which."""

import pytest

from bench.histogram import Histogram


def test_a_per_cent_is_the_least_value_that_so_many_do_not_exceed() -> None:
    ages = Histogram((value_us, 1) for value_us in range(1000, 101_000, 1000))

    assert [ages.below_ms(per_cent) for per_cent in (1, 50, 99, 99.9, 100)] == [1, 50, 99, 100, 100]


def test_one_stall_among_a_thousand_shows_in_the_last_per_mille_only() -> None:
    ages = Histogram([(2000, 9985), (800_000, 15)])

    assert ages.below_ms(99) == 2
    assert ages.below_ms(99.9) == 800


def test_counts_of_several_processes_are_one() -> None:
    ages = Histogram([(10, 3)])

    ages.add([(10, 1), (30, 4)])

    assert ages.total == 8
    assert ages.below_ms(50) == 0.01
    assert ages.below_ms(51) == 0.03


def test_of_nothing_there_is_no_per_cent() -> None:
    with pytest.raises(ValueError, match="nothing was counted"):
        Histogram().below_ms(50)
