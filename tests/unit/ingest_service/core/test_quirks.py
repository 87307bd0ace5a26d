"""
What is odd about the feed, where it shows only from the frame to the table, or over a day.

docs/feed.md names the proof of each oddity; those of a single field are among the tests of its file.
"""

from collections import defaultdict

import orjson

from ingest_service.core.alerts import RING as ALERTS
from ingest_service.core.board import Board
from ingest_service.core.feed_events import Broadcasts, told_by
from ingest_service.core.signalr import parse_frame
from ingest_service.core.tape import RING
from ingest_service.core.ticks import parse
from shared.channels import Channel
from tests.data.make_day import DAY_FILE
from tests.fakes.totals import messages
from tests.unit.ingest_service.core.a_feed import (
    FUTURE,
    FUTURE_X,
    MI,
    OL,
    X_QUOTE,
    X_TRADE,
    CheckedBoard,
    F,
    R,
    X,
    argument,
    at_ms,
)


def test_one_frame_with_calls_of_several_types_each_json_in_json_in_json_becomes_rows_of_several_tables() -> None:
    calls = [
        {"H": "FcMarketDataV2Hub", "M": "Broadcast", "A": [argument(str(template["RType"]), template)]}
        for template in (X, FUTURE_X, R, MI, OL)
    ]
    frame = orjson.dumps({"C": "d-5A1C20F4-B,0|Qx2,1", "M": calls})
    board = Board()

    (told,) = told_by(parse_frame(frame), at_ms(10, 42))
    assert isinstance(told, Broadcasts)
    for text in told.arguments:
        board.apply(parse(text))

    changes = board.take_changes()
    assert set(changes[Channel.MARKET]) == {"SSI", FUTURE}
    for channel, key in ((Channel.FOREIGN, "SSI"), (Channel.INDEX, "VN30"), (Channel.ODDLOT, "SSI")):
        assert key in changes[channel]


def test_what_each_subscription_tells_anew_is_no_trade_and_no_change_whatever_its_time() -> None:
    checked = CheckedBoard()
    for template in (X, X_TRADE, X_QUOTE, FUTURE_X, R, MI, F, OL):
        checked.tell(template)

    checked.board.link_restored()
    for template in (X_QUOTE, X_TRADE, FUTURE_X, R, MI, F, OL):
        checked.tell(template)
        assert checked.last_changes == {}

    held = checked.row(Channel.MARKET, "SSI")
    assert checked.tell(X_TRADE, Time="09:15:00", TradingSession="ATO") == held
    assert held["trades"] == 0


def test_a_symbol_with_a_dash_which_no_selector_can_name_comes_with_all_and_has_a_row_like_any() -> None:
    checked = CheckedBoard()

    row = checked.tell(X, Symbol="A-B")

    assert row["last"] == 31500
    assert "A-B" in checked.tables[Channel.SYMBOLS]


def test_the_day_of_a_message_counts_and_not_the_hour_so_an_evening_of_yesterday_is_not_tonight() -> None:
    checked = CheckedBoard()
    checked.tell(X, TradingDate="13/11/2026", Time="15:32:00", TotalVol=9e6)

    row = checked.tell(X, TradingDate="16/11/2026", Time="08:00:07", TotalVol=0.0)

    assert row["total_volume"] == 0


def test_no_row_that_clients_get_grows_with_the_time_of_day() -> None:
    board, longest = Board(), {half: defaultdict[str, int](int) for half in ("morning", "afternoon")}
    places = defaultdict[str, set[str]](set)
    for number, (data_type, content) in enumerate(messages(DAY_FILE)):
        board.apply(parse({"DataType": data_type, "Content": content}))
        if number % 50:
            continue
        half = longest["morning" if content["Time"] < "12" else "afternoon"]
        for channel, rows in board.take_changes().items():
            if isinstance(channel, Channel):
                half[channel] = max(half[channel], *(len(orjson.dumps(row)) for row in rows.values()))
                for key in rows:
                    places[f"{channel} {key.partition('#')[0]}"].add(key)

    # Digits are added, and symbols to lists of a fixed length, but no list is longer for having gone on.
    assert {
        channel for channel, size in longest["afternoon"].items() if size > 1.1 * longest["morning"][channel]
    } == set()
    # Nor are there more rows: what goes on has its places in a ring.
    rings = {"trades": RING, "bars": 2, "basis": 2, "alerts": ALERTS}
    assert {
        whose: len(keys) for whose, keys in places.items() if len(keys) > rings.get(whose.partition(" ")[0], 1)
    } == {}
