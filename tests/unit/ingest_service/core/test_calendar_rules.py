"""What a calendar file may say, and what is told of a wrong one."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.calendar_rules import EXCHANGES, InvalidCalendar, rules_of, shipped_rules

NOON = ((0, "closed"), (9 * 3_600_000, "continuous"), (11 * 3_600_000 + 30 * 60_000, "closed"))
FILE = """
[holidays]
2028 = [2028-01-03, 2028-05-01]

[trading_weekends]
2028 = [2028-01-08]

[[hours]]
exchanges = ["HOSE", "HNX"]
on = [2028-01-21]
phases = ["09:00 continuous", "11:30 closed"]

[[hours]]
exchanges = ["UPCOM"]
from = 2028-02-01
phases = ["09:00 continuous", "11:30 closed"]
"""


def test_the_shipped_file_has_hours_of_each_exchange_and_the_holidays_of_this_year_and_the_next() -> None:
    rules = shipped_rules()

    assert all(rules.hours_from[name] for name in EXCHANGES)
    assert {2025, 2026, 2027} <= rules.holidays.keys()
    assert date(2026, 2, 17) in rules.holidays[2026]
    assert [day for days in rules.holidays.values() for day in days if day.weekday() > 4] == []


def test_a_file_is_read_into_holidays_trading_weekends_and_hours() -> None:
    rules = rules_of(FILE, "my.toml")

    assert rules.holidays == {2028: {date(2028, 1, 3), date(2028, 5, 1)}}
    assert rules.trading_weekends == {2028: {date(2028, 1, 8)}}
    assert rules.hours_on["HOSE"] == rules.hours_on["HNX"] == {date(2028, 1, 21): NOON}
    assert rules.hours_from["UPCOM"] == {date(2028, 2, 1): NOON}


def test_what_a_file_says_replaces_and_what_it_leaves_out_stays() -> None:
    shipped = shipped_rules()
    at_ten = "[[hours]]\nexchanges = ['HOSE']\nfrom = 2025-05-05\nphases = ['10:00 closed']"
    rules = shipped.but_for(rules_of(FILE + at_ten, "my.toml"))

    assert rules.holidays[2026] == shipped.holidays[2026]
    assert rules.holidays[2028] == {date(2028, 1, 3), date(2028, 5, 1)}
    assert rules.hours_from["HNX"] == shipped.hours_from["HNX"]
    assert rules.hours_from["UPCOM"].keys() == {*shipped.hours_from["UPCOM"], date(2028, 2, 1)}
    assert rules.hours_from["HOSE"] == {date(2025, 5, 5): ((0, "closed"), (10 * 3_600_000, "closed"))}


def test_an_empty_file_changes_nothing() -> None:
    assert shipped_rules().but_for(rules_of("", "my.toml")) == shipped_rules()


HOURS = '[[hours]]\nexchanges = ["HOSE"]\nfrom = 2028-01-03\nphases = ["09:00 continuous", "15:00 closed"]\n'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[holidays\n", "this is no TOML: .*line 1"),
        ("[holiday]\n2028 = []", "holiday: there is no such section; there are holidays, trading_weekends, hours"),
        ("holidays = 3", r"holidays: write \[holidays\]"),
        ("[holidays]\nnext = []", "holidays: 'next' is no year"),
        ("[holidays]\n2028 = 2028-01-03", "holidays 2028: write a list of dates"),
        ("[holidays]\n2028 = [2028-01-03, '2028-01-04']", "holidays 2028, entry 2: '2028-01-04' is no date"),
        ("[holidays]\n2028 = [2028-01-03T00:00:00]", "holidays 2028, entry 1: 2028-01-03 00:00:00 is no date"),
        ("[holidays]\n2028 = [2027-01-03]", "holidays 2028: 2027-01-03 is of another year"),
        ("[holidays]\n2028 = [2028-02-30]", "this is no TOML: .*line 2"),
        ("[trading_weekends]\n2028 = [2028-01-03]", "trading_weekends 2028: 2028-01-03 is a Monday, a trading day by"),
        (
            "[holidays]\n2028 = [2028-01-08]\n[trading_weekends]\n2028 = [2028-01-08]",
            "2028-01-08 is in holidays and in trading_weekends",
        ),
        ("[hours]\nfrom = 2028-01-03", r"hours: write \[\[hours\]\]"),
        (HOURS + "until = 2028-02-03", "hours, entry 1: until: an entry has"),
        (HOURS + "on = [2028-02-03]", "hours, entry 1: write either from = .*, or on ="),
        (HOURS.replace("from = 2028-01-03", ""), "hours, entry 1: write either from = .*, or on ="),
        (HOURS.replace("from = 2028-01-03", "from = 2028"), "hours, entry 1, from: 2028 is no date"),
        (HOURS.replace("from = 2028-01-03", "on = 2028-01-03"), "hours, entry 1, on: write a list of dates"),
        (HOURS.replace("HOSE", "HSX"), "hours, entry 1, exchanges: write a list of some of HOSE, HNX, UPCOM"),
        (HOURS.replace('["HOSE"]', "[]"), "hours, entry 1, exchanges: write a list"),
        (HOURS.replace('["HOSE"]', '"HOSE"'), "hours, entry 1, exchanges: write a list"),
        (
            HOURS.replace("09:00", "9:00"),
            "hours, entry 1, phases, entry 1: '9:00 continuous' is no beginning of a phase",
        ),
        (HOURS.replace("15:00", "24:00"), "hours, entry 1, phases, entry 2: '24:00 closed' is no beginning"),
        (HOURS.replace("continuous", "lunch"), "phases, entry 1: '09:00 lunch' is no .* one of pre_open, ato"),
        (HOURS.replace('"09:00 continuous"', "900"), "hours, entry 1, phases, entry 1: 900 is no beginning"),
        (HOURS.replace("09:00", "16:00"), "hours, entry 1, phases, entry 2: '15:00 closed' is not later than"),
        (HOURS.replace(', "15:00 closed"', ""), "hours, entry 1, phases: the day does not end"),
        (HOURS.partition("phases")[0], "hours, entry 1, phases: write a list such as"),
        (HOURS + HOURS, "hours, entry 2: an entry above has hours of HOSE for 2028-01-03 already"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_place_and_what_to_write(text: str, what: str) -> None:
    with pytest.raises(InvalidCalendar, match=what) as refused:
        rules_of(text, "my.toml")

    assert str(refused.value).startswith("my.toml: ")
    assert "\n" not in str(refused.value)


@given(st.text(max_size=300) | st.from_regex(r"\[?(holidays|hours)\]?\n(2028|phases) = [\[\]\"0-9:a-z -]{0,40}"))
def test_any_other_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidCalendar):
        rules_of(text, "my.toml")
