"""What the check calls a difference, and how its figures come about."""

import json

from local_stack.board_client import BoardClient, DataFrame
from local_stack.check import (
    CHANNELS,
    ChannelFigures,
    MarketLedger,
    Report,
    Tables,
    client_differences,
    figures,
    ledger_differences,
    report_line,
)


def test_a_market_that_redis_holds_has_no_difference() -> None:
    assert list(ledger_differences(a_ledger(), some_tables())) == []


def test_each_wrong_total_is_a_difference_with_both_sides() -> None:
    tables = some_tables()
    tables["market"]["SSI"] |= {"last": 31550, "total_volume": 900}
    tables["foreign"]["SSI"] |= {"buy_volume": 301, "sell_volume": None}
    tables["index"]["VNINDEX"] |= {"value": 1809.57}

    assert list(ledger_differences(a_ledger(), tables)) == [
        "market SSI last: 31550 in Redis, 31500 in the market",
        "market SSI total_volume: 900 in Redis, 1000 in the market",
        "foreign SSI buy_volume: 301 in Redis, 300 in the market",
        "foreign SSI sell_volume: None in Redis, 200 in the market",
        "index VNINDEX value: 1809.57 in Redis, 1809.58 in the market",
    ]


def test_a_symbol_that_did_nothing_needs_no_row() -> None:
    ledger = MarketLedger.model_validate(
        {"symbols": {"IDLE": _totals(0, 0, 0, 0)}, "indices": {"VNNEW": {"value": 0.0}}}
    )

    assert list(ledger_differences(ledger, no_tables())) == []


def test_a_client_that_holds_what_redis_holds_has_no_difference() -> None:
    tables = some_tables()

    assert list(client_differences(a_client(tables), tables)) == []


def test_a_client_differs_by_rows_and_by_fields() -> None:
    client, stored = a_client(some_tables()), some_tables()
    stored["market"]["SSI"]["last"] = 31550
    del stored["foreign"]["SSI"]
    stored["index"]["VN30"] = {"value": 1900.0}

    assert list(client_differences(client, stored)) == [
        "market SSI last: 31500 at ws://a/ws, 31550 in Redis",
        "foreign SSI: a row at ws://a/ws, but not so in Redis",
        "index VN30: no row at ws://a/ws, but not so in Redis",
    ]


def test_a_client_without_a_snapshot_differs_even_from_empty_tables() -> None:
    client = BoardClient("ws://a/ws", ["market"], "rows")

    assert list(client_differences(client, no_tables())) == ["market: no snapshot has come to ws://a/ws"]


def test_figures_count_what_a_channel_is_made_of() -> None:
    client = a_client(some_tables())
    client.ages_ms["foreign"] = [float(age) for age in range(101)]
    grown = {
        ("ingest_messages_total", "R"): 500.0,
        ("ingest_messages_total", "X"): 7.0,
        ("ingest_commits_total", "foreign"): 80.0,
        ("publisher_frames_total", "foreign"): 40.0,
        ("publisher_changes_total", "foreign"): 200.0,
        ("publisher_changes_merged_total", "foreign"): 50.0,
    }

    assert figures("foreign", grown, [client]) == ChannelFigures(
        messages_in=500,
        commits=80,
        frames_out=40,
        merge_ratio=0.25,
        data_age_p50_ms=50.0,
        data_age_p99_ms=99.0,
    )


def test_a_channel_without_traffic_has_no_ratio_and_no_ages() -> None:
    quiet = figures("index", {}, [a_client(no_tables())])

    assert quiet.messages_in == quiet.commits == quiet.frames_out == 0
    assert quiet.merge_ratio is quiet.data_age_p50_ms is quiet.data_age_p99_ms is None


def test_the_report_is_one_line_of_json() -> None:
    quiet = figures("index", {}, [])

    line = report_line(Report(ok=False, differences=["one"], seconds=20.0, channels={"index": quiet}))

    assert "\n" not in line
    report = json.loads(line)
    assert (report["ok"], report["differences"]) == (False, ["one"])
    assert set(report["channels"]["index"]) == {
        "messages_in",
        "commits",
        "frames_out",
        "merge_ratio",
        "data_age_p50_ms",
        "data_age_p99_ms",
    }


def a_ledger() -> MarketLedger:
    return MarketLedger.model_validate(
        {"symbols": {"SSI": _totals(31500.0, 1000, 300, 200)}, "indices": {"VNINDEX": {"value": 1809.579}}}
    )


def _totals(last: float, total_volume: int, bought: int, sold: int) -> dict[str, float]:
    return {"last": last, "total_volume": total_volume, "foreign_buy_volume": bought, "foreign_sell_volume": sold}


def no_tables() -> Tables:
    return {channel: {} for channel in CHANNELS}


def some_tables() -> Tables:
    """What Redis holds when all has arrived."""
    return no_tables() | {
        "market": {"SSI": {"last": 31500, "total_volume": 1000}},
        "foreign": {"SSI": {"buy_volume": 300, "sell_volume": 200}},
        "index": {"VNINDEX": {"value": 1809.58}},
    }


def a_client(tables: Tables) -> BoardClient:
    """A client that holds these tables."""
    client = BoardClient("ws://a/ws", CHANNELS, "rows")
    for channel, rows in tables.items():
        snapshot = {"type": "snapshot", "channel": channel, "rev": 1, "position": "p", "time": 0, "data": rows}
        assert client.tables[channel].take(DataFrame.model_validate(snapshot))
    return client
