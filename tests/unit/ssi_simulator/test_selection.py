"""Channel expressions, and what a further call replaces."""

from hypothesis import given
from hypothesis import strategies as st

from ssi_simulator.selection import CHANNELS, ReplaceMode, Selection, parse


def selected(selection: Selection, *expressions: str) -> dict[str, str | list[str]]:
    for expression in expressions:
        selection.switch(expression)
    return selection.document()


def test_channels_are_joined_by_commas_and_names_by_dashes() -> None:
    selection = Selection()

    document = selected(selection, "X:SSI-HPG,MI:VN30-HNXIndex")

    assert document == {"X": ["HPG", "SSI"], "MI": ["HNXINDEX", "VN30"]}
    assert selection.wants("MI", "HNXIndex")
    assert not selection.wants("X", "VNM")
    assert not selection.wants("R", "SSI")


def test_all_alone_selects_every_channel() -> None:
    assert selected(Selection(), "all") == dict.fromkeys(CHANNELS, "ALL")


def test_case_and_spaces_do_not_matter() -> None:
    assert selected(Selection(), " x-Quote : ssi - Hpg , ol:All") == {"X-QUOTE": ["HPG", "SSI"], "OL": "ALL"}


def test_a_channel_named_twice_takes_the_keys_of_both() -> None:
    assert selected(Selection(), "X:SSI,X:HPG") == {"X": ["HPG", "SSI"]}


def test_none_clears_one_channel_per_channel() -> None:
    assert selected(Selection(), "X:ALL,R:ALL", "X:") == {"R": "ALL"}


def test_three_modes_differ_in_what_a_further_call_replaces() -> None:
    outcomes = {mode: selected(Selection(mode), "X:SSI,R:ALL", "X:HPG") for mode in ReplaceMode}

    assert outcomes == {
        ReplaceMode.ALL: {"X": ["HPG"]},
        ReplaceMode.PER_CHANNEL: {"X": ["HPG"], "R": "ALL"},
        ReplaceMode.ADDITIVE: {"X": ["HPG", "SSI"], "R": "ALL"},
    }


def test_what_was_selected_before_comes_back_unchanged() -> None:
    selection = Selection()
    selection.switch("X:SSI")

    before = selection.switch("X:ALL")

    assert before.wants("X", "SSI")
    assert not before.wants("X", "HPG")
    assert selection.wants("X", "HPG")


def test_of_a_list_only_the_first_may_count() -> None:
    assert selected(Selection(first_only=True), "X:SSI,R:ALL") == {"X": ["SSI"]}


@given(st.text())
def test_no_expression_is_too_strange(expression: str) -> None:
    assert parse(expression).keys() <= set(CHANNELS)
