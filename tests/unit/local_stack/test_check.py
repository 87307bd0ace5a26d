"""What the check calls a difference, and how it counts."""

from local_stack.board_client import BoardClient
from local_stack.check import CHANNELS, MarketLedger, Tables, client_differences, figures, ledger_differences

LEDGER = MarketLedger.model_validate(
    {
        "symbols": {
            "SSI": {"last": 31500, "total_volume": 700, "foreign_buy_volume": 30, "foreign_sell_volume": 20},
            "IDLE": {"last": 0, "total_volume": 0, "foreign_buy_volume": 0, "foreign_sell_volume": 0},
        },
        "indices": {"VNINDEX": {"value": 1234.5678}},
    }
)


def test_tables_that_say_what_the_market_did_have_no_differences() -> None:
    assert list(ledger_differences(LEDGER, some_tables())) == []


def test_every_figure_that_is_not_the_markets_is_named() -> None:
    tables = some_tables()
    tables["market"]["SSI"] = {"last": 31450, "total_volume": 600}
    tables["foreign"]["SSI"] = {"buy_volume": 31, "sell_volume": None}
    tables["index"].clear()

    differences = list(ledger_differences(LEDGER, tables))

    assert differences == [
        "market SSI last: 31450 in Redis, 31500 in the market",
        "market SSI total_volume: 600 in Redis, 700 in the market",
        "foreign SSI buy_volume: 31 in Redis, 30 in the market",
        "foreign SSI sell_volume: None in Redis, 20 in the market",
        "index VNINDEX value: None in Redis, 1234.57 in the market",
    ]


def test_a_client_with_the_rows_of_redis_has_no_differences() -> None:
    client = a_client(some_tables())

    assert list(client_differences(client, some_tables())) == []


def test_rows_and_fields_that_a_client_holds_otherwise_are_named() -> None:
    held = some_tables()
    del held["index"]["VNINDEX"]
    held["market"]["GHOST"] = {"last": 1}
    held["market"]["SSI"] = {"last": 31400, "total_volume": 700}

    differences = list(client_differences(a_client(held), some_tables()))

    assert differences == [
        "market GHOST: a row at ws://here/ws, but not so in Redis",
        "market SSI last: 31400 at ws://here/ws, 31500 in Redis",
        "index VNINDEX: no row at ws://here/ws, but not so in Redis",
    ]


def test_figures_come_from_what_the_counters_grew_by() -> None:
    client = a_client(some_tables())
    client.ages_ms["market"] = [float(age) for age in range(1, 102)]
    grown = {
        ("ingest_messages_total", "X"): 90.0,
        ("ingest_messages_total", "F"): 10.0,
        ("ingest_messages_total", "MI"): 5.0,
        ("ingest_commits_total", "market"): 40.0,
        ("publisher_frames_total", "market"): 8.0,
        ("publisher_changes_total", "market"): 200.0,
        ("publisher_changes_merged_total", "market"): 50.0,
    }

    market, index = figures("market", grown, [client]), figures("index", grown, [client])

    assert (market.messages_in, market.commits, market.frames_out, market.merge_ratio) == (100, 40, 8, 0.25)
    assert (market.data_age_p50_ms, market.data_age_p99_ms) == (51.0, 100.0)
    assert (index.messages_in, index.merge_ratio, index.data_age_p99_ms) == (5, None, None)


def some_tables() -> Tables:
    return {
        "market": {"SSI": {"last": 31500, "total_volume": 700}},
        "foreign": {"SSI": {"buy_volume": 30, "sell_volume": 20}},
        "index": {"VNINDEX": {"value": 1234.57}},
        "derivatives": {},
    }


def a_client(tables: Tables) -> BoardClient:
    client = BoardClient("ws://here/ws", CHANNELS, "rows")
    for channel, table in client.tables.items():
        table.rows = tables[channel]
    return client
