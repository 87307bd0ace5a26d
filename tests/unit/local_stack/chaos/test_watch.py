"""What a subscription's frames must be: each violation is found, and nothing else."""

from typing import Any

import pytest

from ingest_service.core import market as ingest_market
from local_stack.chaos.complaint import Kind
from local_stack.chaos.watch import ANSWER_DEADLINE_S, PARTS, Wish
from shared.channels import Channel
from tests.unit.local_stack.chaos.a_market import EPOCH, Market

OTHER_EPOCH = "20261124-zzzzzz"


@pytest.fixture
def market() -> Market:
    """Two rows at revision 2, and the client has both."""
    market = Market()
    market.commit(1, {"SSI": {"last": 1, "high": 5}})
    market.commit(2, {"VNM": {"last": 2, "high": 6}})
    market.connect()
    market.snapshot(2, {"SSI": {"last": 1, "high": 5}, "VNM": {"last": 2, "high": 6}}, id=1)
    assert market.complaints == []
    return market


def test_frames_that_follow_and_hold_what_was_written_are_right(market: Market) -> None:
    market.commit(3, {"SSI": {"last": 3, "high": 5}})
    market.update(2, 3, {"SSI": {"last": 3, "high": 5}})
    market.commit(4, {"VNM": None})
    market.update(3, 4, {"VNM": None})
    market.update(4, 4, {})
    market.oracle.check_tables()

    assert market.complaints == []


def test_a_wrong_value_is_found(market: Market) -> None:
    market.commit(3, {"SSI": {"last": 3, "high": 5}})
    market.update(2, 3, {"SSI": {"last": 4, "high": 5}})

    assert market.complaints == [Kind.DIVERGENCE]
    assert "SSI at revision 3: last is 4 and should be 3" in market.oracle.complaints[0].text


def test_a_change_that_an_update_leaves_out_is_found(market: Market) -> None:
    market.commit(3, {"SSI": {"last": 3, "high": 5}})
    market.commit(4, {"VNM": {"last": 4, "high": 6}})
    market.update(2, 4, {"VNM": {"last": 4, "high": 6}})

    assert market.complaints == [Kind.DIVERGENCE]


def test_a_value_that_came_too_early_is_found(market: Market) -> None:
    market.commit(3, {"SSI": {"last": 3, "high": 5}})
    market.commit(4, {"SSI": {"last": 4, "high": 5}})
    market.update(2, 3, {"SSI": {"last": 4, "high": 5}})

    assert market.complaints == [Kind.DIVERGENCE]


def test_a_row_that_stays_after_its_removal_is_found(market: Market) -> None:
    market.commit(3, {"VNM": None})
    market.update(2, 3, {})

    assert market.complaints == [Kind.DIVERGENCE]


def test_a_row_that_nobody_wrote_is_found(market: Market) -> None:
    market.snapshot(2, {"SSI": {"last": 1, "high": 5}, "VNM": {"last": 2, "high": 6}, "GHOST": {"last": 1}})

    assert market.complaints == [Kind.DIVERGENCE]


def test_a_row_that_a_snapshot_leaves_out_is_found(market: Market) -> None:
    market.snapshot(2, {"SSI": {"last": 1, "high": 5}})

    assert market.complaints == [Kind.DIVERGENCE]


def test_a_table_that_was_spoilt_later_is_found_by_a_look_at_all_of_it(market: Market) -> None:
    market.oracle.watches[Channel.MARKET].table.rows["SSI"]["last"] = 7

    market.oracle.check_tables()

    assert market.complaints == [Kind.DIVERGENCE]


def test_a_revision_that_nobody_wrote_is_found(market: Market) -> None:
    market.update(2, 3, {})

    assert market.complaints == [Kind.DIVERGENCE]


def test_half_of_a_larger_change_is_found(market: Market) -> None:
    market.commit(3, {"SSI": {"last": 3, "high": 5}})
    market.ledger.epochs[EPOCH]._sent[-1].more = True
    market.update(2, 3, {"SSI": {"last": 3, "high": 5}})

    assert market.complaints == [Kind.DIVERGENCE]


def test_an_epoch_that_nobody_opened_is_found(market: Market) -> None:
    market.snapshot(1, {}, epoch=OTHER_EPOCH)

    assert market.complaints == [Kind.DIVERGENCE]


def test_a_gap_is_found_and_the_client_asks_again_from_where_it_stands(market: Market) -> None:
    market.commit(3, {"SSI": {"last": 3, "high": 5}})
    market.commit(4, {"SSI": {"last": 4, "high": 5}})

    missing = market.update(3, 4, {"SSI": {"last": 4, "high": 5}})
    again = market.oracle.ask(Channel.MARKET, market.now_s)

    assert missing is Channel.MARKET
    assert market.complaints == [Kind.GAP]
    assert again["since"] == f"{EPOCH}.2.f00d"


@pytest.mark.parametrize("frame", [{"type": "update", "from": 0}, {"type": "snapshot"}])
def test_a_revision_that_falls_is_found(market: Market, frame: dict[str, Any]) -> None:
    market.frame({**frame, "rev": 1, "data": {"SSI": {"last": 1, "high": 5}}})

    assert Kind.RULE in market.complaints


def test_an_update_of_another_epoch_without_a_snapshot_is_found(market: Market) -> None:
    market.commit(3, {"SSI": {"last": 3}}, epoch=OTHER_EPOCH)

    market.frame({"type": "update", "epoch": OTHER_EPOCH, "from": 2, "rev": 3, "data": {"SSI": {"last": 3}}})

    assert market.complaints[0] is Kind.RULE


def test_a_new_epoch_begins_with_a_snapshot_of_any_revision(market: Market) -> None:
    market.commit(1, {"SSI": {"last": 9}}, epoch=OTHER_EPOCH)

    market.snapshot(1, {"SSI": {"last": 9}}, epoch=OTHER_EPOCH)

    assert market.complaints == []


def test_one_of_two_commits_of_a_number_may_stand_until_it_is_known_which_one_ran(market: Market) -> None:
    market.commit(3, {"SSI": {"last": 8, "high": 5}}, ran=False)
    market.update(2, 3, {"SSI": {"last": 8, "high": 5}})
    at_first = market.complaints

    market.ledger.epochs[EPOCH]._sent[-1].identity = "of a dead leader"
    market.commit(3, {"SSI": {"last": 3, "high": 5}})
    market.oracle.check_tables()

    assert at_first == []
    assert market.complaints == [Kind.DIVERGENCE]


class TestFieldsOnly:
    """Frames of mode `fields`."""

    def test_fields_are_merged_into_the_row(self, market: Market) -> None:
        market.commit(3, {"SSI": {"last": 3, "high": 5}})

        market.update(2, 3, {"SSI": {"last": 3}})

        assert market.complaints == []

    def test_a_field_that_is_left_out_is_found(self, market: Market) -> None:
        market.commit(3, {"SSI": {"last": 3, "high": 9}})

        market.update(2, 3, {"SSI": {"last": 3}})

        assert market.complaints == [Kind.DIVERGENCE]


class TestParts:
    """Messages of several frames."""

    def test_the_table_is_judged_after_the_last_part(self, market: Market) -> None:
        market.commit(3, {"SSI": {"last": 3, "high": 5}, "VNM": {"last": 3, "high": 6}})

        market.update(2, 3, {"SSI": {"last": 3, "high": 5}}, part=1, parts=2)
        market.update(2, 3, {"VNM": {"last": 3, "high": 6}}, part=2, parts=2)

        assert market.complaints == []

    def test_a_part_may_carry_a_row_newer_than_its_revision_and_the_next_update_tells_it_again(
        self, market: Market
    ) -> None:
        market.commit(3, {"SSI": {"last": 3, "high": 5}, "VNM": {"last": 3, "high": 6}})
        market.commit(4, {"VNM": {"last": 4, "high": 6}})

        market.update(2, 3, {"SSI": {"last": 3, "high": 5}}, part=1, parts=2)
        market.update(2, 3, {"VNM": {"last": 4, "high": 6}}, part=2, parts=2)
        market.oracle.check_tables()
        market.update(3, 4, {"VNM": {"last": 4, "high": 6}})

        assert market.complaints == []

    def test_a_part_with_a_row_that_never_was_is_found(self, market: Market) -> None:
        market.commit(3, {"SSI": {"last": 3, "high": 5}})
        market.commit(4, {"SSI": {"last": 4, "high": 5}})

        market.update(2, 3, {"VNM": {"last": 2, "high": 6}}, part=1, parts=2)
        market.update(2, 3, {"SSI": {"last": 7, "high": 5}}, part=2, parts=2)

        assert market.complaints == [Kind.DIVERGENCE]

    def test_what_an_unfinished_message_has_merged_is_told_again_by_the_resume(self, market: Market) -> None:
        market.commit(3, {"SSI": {"last": 3, "high": 5}, "VNM": {"last": 3, "high": 6}})
        market.commit(4, {"SSI": {"last": 4, "high": 5}})

        market.update(2, 3, {"SSI": {"last": 4, "high": 5}}, part=1, parts=2)
        market.oracle.closed()
        market.oracle.check_tables()
        market.connect()
        market.update(2, 4, {"SSI": {"last": 4, "high": 5}, "VNM": {"last": 3, "high": 6}}, id=2)
        market.oracle.check_tables()

        assert market.complaints == []

    def test_within_a_snapshot_there_is_no_position(self, market: Market) -> None:
        market.snapshot(2, {"SSI": {"last": 1, "high": 5}}, part=1, parts=2)
        market.oracle.closed()

        market.connect()

        assert "since" not in market.asked[0]


class TestAnswers:
    """Each subscription is answered by one snapshot or update."""

    @pytest.fixture
    def back(self, market: Market) -> Market:
        """Connected anew, the resume from revision 2 not answered yet."""
        market.commit(3, {"SSI": {"last": 3, "high": 5}})
        market.oracle.closed()
        market.connect()
        assert market.asked[0]["since"] == f"{EPOCH}.2.f00d"
        return market

    def test_a_resume_is_answered_from_the_revision_it_names(self, back: Market) -> None:
        back.update(2, 3, {"SSI": {"last": 3, "high": 5}}, id=2)

        assert back.complaints == []
        assert back.oracle.watches[Channel.MARKET].resumes == 1

    def test_an_answer_from_another_revision_is_found(self, back: Market) -> None:
        back.update(1, 3, {"SSI": {"last": 3, "high": 5}, "VNM": {"last": 2, "high": 6}}, id=2)

        assert back.complaints == [Kind.RULE]

    def test_an_update_for_a_client_that_named_no_position_is_found(self) -> None:
        market = Market()
        market.commit(1, {"SSI": {"last": 1}})
        market.connect()

        market.update(0, 1, {"SSI": {"last": 1}}, id=1)

        assert any("named no position" in complaint.text for complaint in market.oracle.complaints)

    def test_a_second_answer_is_found(self, back: Market) -> None:
        back.update(2, 3, {"SSI": {"last": 3, "high": 5}}, id=2)
        back.update(3, 3, {}, id=2)

        assert back.complaints == [Kind.RULE]

    def test_data_before_the_answer_is_found(self, back: Market) -> None:
        back.update(2, 3, {"SSI": {"last": 3, "high": 5}})

        assert back.complaints == [Kind.RULE]

    def test_an_answer_may_come_in_parts(self, back: Market) -> None:
        back.update(2, 3, {"SSI": {"last": 3, "high": 5}}, id=2, part=1, parts=2)
        back.update(2, 3, {"VNM": {"last": 2, "high": 6}}, id=2, part=2, parts=2)

        assert back.complaints == []

    def test_no_answer_is_found_when_nothing_is_in_its_way(self, back: Market) -> None:
        back.weather.calm = False
        back.now_s += ANSWER_DEADLINE_S + 1
        back.oracle.watches[Channel.MARKET].check(back.now_s)
        in_a_storm = back.complaints
        back.weather.calm = True
        back.oracle.watches[Channel.MARKET].check(back.now_s)

        assert in_a_storm == []
        assert back.complaints == [Kind.RULE]

    def test_a_snapshot_older_than_the_position_is_excused_by_a_fault_only(self, back: Market) -> None:
        back.weather.calm = False
        back.snapshot(1, {"SSI": {"last": 1, "high": 5}}, id=2)
        in_a_storm = back.complaints
        back.update(1, 2, {"VNM": {"last": 2, "high": 6}})
        back.oracle.closed()
        back.weather.calm = True
        back.connect()
        back.snapshot(1, {"SSI": {"last": 1, "high": 5}}, id=3)

        assert in_a_storm == []
        assert back.complaints == [Kind.RULE]


class TestGroup:
    """Only the members of a group."""

    @pytest.fixture
    def market(self) -> Market:
        market = Market(Wish(Channel.MARKET, "rows", 100, "VN30"))
        market.commit(1, {"VN30": {"keys": ["SSI"]}}, Channel.GROUPS)
        market.commit(2, {"SSI": {"last": 1}, "VNM": {"last": 2}})
        market.connect()
        market.snapshot(2, {"SSI": {"last": 1}}, id=1)
        return market

    def test_rows_of_others_do_not_count(self, market: Market) -> None:
        market.commit(3, {"VNM": {"last": 3}})
        market.update(2, 3, {})

        assert market.asked[0]["keys"] == ["@VN30"]
        assert market.complaints == []

    def test_a_row_of_another_is_found(self, market: Market) -> None:
        market.commit(3, {"VNM": {"last": 3}})
        market.update(2, 3, {"VNM": {"last": 3}})

        assert market.complaints == [Kind.DIVERGENCE]

    def test_after_the_group_changed_the_table_has_its_new_members(self, market: Market) -> None:
        market.commit(3, {"VN30": {"keys": ["VNM"]}}, Channel.GROUPS)
        market.snapshot(3, {"VNM": {"last": 2}})

        assert market.complaints == []

    def test_a_table_without_a_new_member_is_found(self, market: Market) -> None:
        market.commit(3, {"VN30": {"keys": ["SSI", "VNM"]}}, Channel.GROUPS)
        market.update(2, 3, {})
        market.oracle.check_tables()

        assert market.complaints == [Kind.DIVERGENCE]


class TestNumbers:
    """What must be right in a row of the market, whatever the ingest wrote."""

    @pytest.fixture
    def market(self) -> Market:
        """The client has one row that has traded 10."""
        market = Market()
        market.commit(1, {"SSI": traded(10)})
        market.connect()
        market.snapshot(1, {"SSI": traded(10)}, id=1)
        return market

    def test_a_row_of_the_ingest_has_the_parts_that_are_added(self) -> None:
        assert {*PARTS, "total_volume"} <= ingest_market.EMPTY.keys()

    def test_a_total_that_rises_and_is_the_sum_of_its_parts_is_right(self, market: Market) -> None:
        market.commit(2, {"SSI": traded(12), "VNM": {**traded(0), "total_volume": None}})
        market.update(1, 2, {"SSI": traded(12), "VNM": {**traded(0), "total_volume": None}})

        assert market.complaints == []

    @pytest.mark.parametrize("total", [13, None])
    def test_a_total_that_is_not_the_sum_of_its_parts_is_found(self, market: Market, total: int | None) -> None:
        market.commit(2, {"SSI": {**traded(12), "total_volume": total}})
        market.update(1, 2, {"SSI": {"total_volume": total, "unseen_volume": 9}})

        assert market.complaints[0] is Kind.NUMBERS

    def test_a_total_that_falls_is_found(self, market: Market) -> None:
        market.commit(2, {"SSI": traded(9)})
        market.update(1, 2, {"SSI": traded(9)})

        assert market.complaints == [Kind.NUMBERS]
        assert "total_volume fell from 10 to 9" in market.oracle.complaints[0].text

    def test_a_total_that_falls_while_nobody_is_connected_is_found(self, market: Market) -> None:
        market.oracle.closed()
        market.commit(2, {"SSI": traded(9)})
        market.connect()
        market.snapshot(2, {"SSI": traded(9)}, id=2)

        assert market.complaints == [Kind.NUMBERS]

    def test_an_older_table_has_smaller_totals_and_what_was_seen_is_not_forgotten(self, market: Market) -> None:
        market.commit(2, {"SSI": traded(12)})
        market.update(1, 2, {"SSI": traded(12)})
        market.commit(3, {"SSI": traded(11)})
        market.oracle.closed()
        market.weather.calm = False
        market.connect()
        market.snapshot(1, {"SSI": traded(10)}, id=2)
        by_an_older_table = market.complaints
        market.update(1, 3, {"SSI": traded(11)})

        assert by_an_older_table == []
        assert market.complaints == [Kind.NUMBERS]

    def test_totals_begin_anew_with_an_epoch(self, market: Market) -> None:
        market.commit(1, {"SSI": traded(1)}, epoch=OTHER_EPOCH)
        market.snapshot(1, {"SSI": traded(1)}, epoch=OTHER_EPOCH)

        assert market.complaints == []

    def test_another_market_excuses_a_fall_for_its_day_only(self, market: Market) -> None:
        market.weather.mixed_days.add("20261123")
        market.commit(2, {"SSI": traded(9)})
        market.update(1, 2, {"SSI": traded(9)})
        on_that_day = market.complaints
        for rev, total in ((1, 5), (2, 4)):
            market.commit(rev, {"SSI": traded(total)}, epoch=OTHER_EPOCH)
        market.snapshot(1, {"SSI": traded(5)}, epoch=OTHER_EPOCH)
        market.update(1, 2, {"SSI": traded(4)}, epoch=OTHER_EPOCH)

        assert on_that_day == []
        assert market.complaints == [Kind.NUMBERS]


class TestDelay:
    """How old data is when it comes."""

    def test_data_may_be_as_old_as_its_interval_and_a_margin(self, market: Market) -> None:
        market.commit(3, {"SSI": {"last": 3, "high": 5}})
        market.update(2, 3, {"SSI": {"last": 3, "high": 5}}, time=round(market.now_s * 1000) - 2050)

        assert market.complaints == []
        assert market.oracle.watches[Channel.MARKET].longest_delay_s == pytest.approx(1.95)

    def test_older_data_is_found(self, market: Market) -> None:
        market.commit(3, {"SSI": {"last": 3, "high": 5}})
        market.update(2, 3, {"SSI": {"last": 3, "high": 5}}, time=round(market.now_s * 1000) - 2200)

        assert market.complaints == [Kind.DELAY]

    def test_faults_excuse_it(self, market: Market) -> None:
        market.weather.calm = False
        market.commit(3, {"SSI": {"last": 3, "high": 5}})
        market.update(2, 3, {"SSI": {"last": 3, "high": 5}}, time=round(market.now_s * 1000) - 2200)

        assert market.complaints == []


def traded(volume: int) -> dict[str, Any]:
    """A row that has traded so much; three of it seen."""
    parts = {"active_buy_volume": min(volume, 1), "active_sell_volume": 0, "neutral_volume": min(max(volume - 1, 0), 2)}
    return {"total_volume": volume, **parts, "unseen_volume": max(volume - 3, 0)}
