"""Messages as the feed writes them, and a board that is checked at each step. Figures are invented."""

from contextlib import suppress
from datetime import date

import orjson

from ingest_service.core.board import Board
from ingest_service.core.guard import AGREEING, Offence
from ingest_service.core.rows import row_type
from ingest_service.core.sessions import midnight_ms
from ingest_service.core.ticks import SecurityTick, Tick, parse
from shared.channels import STORED, Channel, Stored
from shared.table import JSON, Row

DAY = date(2026, 11, 16)  # a Monday
FUTURE = "41I1GB000"

_STAMP: dict[str, JSON] = {"TradingDate": "16/11/2026", "Time": "10:42:17"}
_HOSE: dict[str, JSON] = {"MarketId": "HOSE", "Exchange": "HOSE"}
_NO_BOOK: dict[str, JSON] = {
    f"{side}{what}{level}": 0.0 for what in ("Price", "Vol") for side in ("Bid", "Ask") for level in range(1, 11)
}

X: dict[str, JSON] = {
    "RType": "X",
    **_STAMP,
    "Isin": "SSI",
    "Symbol": "SSI",
    "Ceiling": 33350.0,
    "Floor": 29050.0,
    "RefPrice": 31200.0,
    "Open": 31300.0,
    "High": 31650.0,
    "Low": 31150.0,
    "Close": 31500.0,
    "AvgPrice": 31416.2657141,
    "PriorVal": 31200.0,
    "LastPrice": 31500.0,
    "LastVol": 1200.0,
    "TotalVal": 387852650000.0,
    "TotalVol": 12345600.0,
    **_NO_BOOK,
    "BidPrice1": 31450.0,
    "BidPrice2": 31400.0,
    "BidPrice3": 31350.0,
    "BidVol1": 41200.0,
    "BidVol2": 88500.0,
    "BidVol3": 60300.0,
    "AskPrice1": 31500.0,
    "AskPrice2": 31550.0,
    "AskPrice3": 31600.0,
    "AskVol1": 12700.0,
    "AskVol2": 95400.0,
    "AskVol3": 130800.0,
    **_HOSE,
    "TradingSession": "LO",
    "TradingStatus": "N",
    "Change": 300.0,
    "RatioChange": 0.96,
    "EstMatchedPrice": 0.0,
    "Side": None,
    "CloseQtty": 0.0,
}
UNTRADED: dict[str, JSON] = {
    "Open": 0.0,
    "High": 0.0,
    "Low": 0.0,
    "Close": 0.0,
    "AvgPrice": "NaN",
    "LastPrice": 0.0,
    "LastVol": 0.0,
    "TotalVal": 0.0,
    "TotalVol": 0.0,
    "Change": -31200.0,
    "RatioChange": -100.0,
}
FUTURE_X: dict[str, JSON] = {
    **X,
    "Isin": FUTURE,
    "Symbol": FUTURE,
    "Ceiling": 2022.8,
    "Floor": 1758.2,
    "RefPrice": 1890.5,
    "Open": 1889.0,
    "High": 1897.2,
    "Low": 1886.4,
    "Close": 1894.2,
    "AvgPrice": 189370000.0,
    "PriorVal": 1890.5,
    "LastPrice": 1894.2,
    "LastVol": 3.0,
    "TotalVal": 22421786740000.0,
    "TotalVol": 118402.0,
    **_NO_BOOK,
    "BidPrice1": 1894.1,
    "BidVol1": 31.0,
    "AskPrice1": 1894.3,
    "AskVol1": 8.0,
    "MarketId": "DERIVATIVES",
    "Exchange": "DERIVATIVES",
    "TradingStatus": "Normal",
    "Change": 3.7000000000000455,
    "RatioChange": 0.2,
    "EstMatchedPrice": 1894.2,
}
X_QUOTE: dict[str, JSON] = {
    **_STAMP,
    "Exchange": "HOSE",
    "Symbol": "SSI",
    "RType": "X-QUOTE",
    **_NO_BOOK,
    "AskPrice1": 31550.0,
    "AskVol1": 95400.0,
    "BidPrice1": 31500.0,
    "BidVol1": 700.0,
    "TradingSession": "LO",
}
X_TRADE: dict[str, JSON] = {
    "RType": "X-TRADE",
    **_STAMP,
    "Isin": None,
    "Symbol": "SSI",
    "Ceiling": 33350.0,
    "Floor": 29050.0,
    "RefPrice": 31200.0,
    "AvgPrice": 31416.266,
    "PriorVal": 31200.0,
    "LastPrice": 31500.0,
    "LastVol": 1200.0,
    "TotalVal": 387852650000.0,
    "TotalVol": 12345600.0,
    **_HOSE,
    "TradingSession": "LO",
    "TradingStatus": "N",
    "Change": 300.0,
    "RatioChange": 0.96,
    "EstMatchedPrice": 0.0,
    "Highest": 31650,
    "Lowest": 31150,
    "Side": "BU",
}
R: dict[str, JSON] = {
    "RType": "R",
    **_STAMP,
    "Isin": "SSI",
    "Symbol": "SSI",
    "TotalRoom": 2503089220.0,
    "CurrentRoom": 1740112345.0,
    "BuyVol": 845300.0,
    "SellVol": 1204600.0,
    "BuyVal": 26626950000.0,
    "SellVal": 37944900000.0,
    **_HOSE,
}
MI: dict[str, JSON] = {
    "IndexId": "VN30",
    "IndexValue": 1890.44,
    "PriorIndexValue": 1885.1,
    **_STAMP,
    "TotalTrade": 0.0,
    "TotalQtty": 312448900.0,
    "TotalValue": 8127334500000.0,
    "IndexName": "VN30",
    "Advances": 17,
    "NoChanges": 5,
    "Declines": 8,
    "Ceilings": 2,
    "Floors": 1,
    "Change": 5.34,
    "RatioChange": 0.28,
    "TotalQttyPt": 11250400.0,
    "TotalValuePt": 402118000000.0,
    **_HOSE,
    "AllQty": 323699300.0,
    "AllValue": 8529452500000.0,
    "IndexType": "Main",
    "TradingSession": "LO",
    "RType": "MI",
    "TotalQttyOd": 0.0,
    "TotalValueOd": 0.0,
}
F: dict[str, JSON] = {
    "RType": "F",
    **_STAMP,
    "Symbol": "SSI",
    **_HOSE,
    "TradingSession": "LO",
    "TradingStatus": "N",
    "TradingOlSession": "",
}
B: dict[str, JSON] = {
    "RType": "B",
    **_STAMP,
    "Symbol": "SSI",
    "Open": 31500.0,
    "High": 31500.0,
    "Low": 31500.0,
    "Close": 31500.0,
    "Volume": 1200.0,
    "Value": 0.0,
}
OL: dict[str, JSON] = {
    "RType": "OL",
    **_STAMP,
    "StockNo": 2731,
    "Symbol": "SSI",
    "Ceiling": 33350,
    "Floor": 29050,
    "RefPrice": 31200,
    "Open": 31200,
    "High": 31600,
    "Low": 31100,
    "LastPrice": 31450,
    "LastVol": 37,
    "TotalVal": 388015409650.0,
    "TotalVol": 12350781,
    "BidPrice1": 31450,
    "BidPrice2": 31400,
    "BidPrice3": 31350,
    "BidVol1": 312,
    "BidVol2": 145,
    "BidVol3": 88,
    "AskPrice1": 31550,
    "AskPrice2": 31600,
    "AskPrice3": 31700,
    "AskVol1": 60,
    "AskVol2": 210,
    "AskVol3": 75,
    "Exchange": "HOSE",
    "TradingSession": "LO",
    "TradingStatus": "N",
    "Change": 250,
    "RatioChange": 0.8,
    "StockType": "Stock",
}


def argument(data_type: str, content: dict[str, JSON]) -> str:
    """The argument of `Broadcast`, as on the wire: JSON in JSON."""
    return orjson.dumps({"DataType": data_type, "Content": orjson.dumps(content).decode()}).decode()


def a_tick(template: dict[str, JSON], **changes: JSON) -> Tick:
    """A parsed message: one of the templates above, with changes; its type is that of the template."""
    return parse(argument(str(template["RType"]), {**template, **changes}))


def a_security_tick(template: dict[str, JSON], **changes: JSON) -> SecurityTick:
    """The same, where a test looks into the tick."""
    tick = a_tick(template, **changes)
    assert isinstance(tick, SecurityTick)
    return tick


def at_ms(hour: int, minute: int, second: int = 0, *, day: date = DAY) -> int:
    """A moment in Vietnam, Unix ms."""
    return midnight_ms(day) + ((hour * 60 + minute) * 60 + second) * 1000


class CheckedBoard:
    """A board whose changes are taken after each step, checked against their types, and kept as a reader would."""

    def __init__(self) -> None:
        self.board = Board()
        self.tables: dict[Stored, dict[str, Row]] = {channel: {} for channel in STORED}
        self.last_changes: dict[Stored, dict[str, Row | None]] = {}

    def tell(self, template: dict[str, JSON], **changes: JSON) -> Row:
        """Apply a message; the market row of its symbol, or its index row."""
        tick = a_tick(template, **changes)
        self.board.apply(tick)
        self.take()
        table = self.tables[Channel.INDEX if tick.data_type == "MI" else Channel.MARKET]
        return table.get(tick.key, {})

    def insist(self, template: dict[str, JSON], **changes: JSON) -> Row:
        """Tell something against the rules until it is believed."""
        for _ in range(AGREEING - 1):
            with suppress(Offence):
                self.board.apply(a_tick(template, **changes))
        return self.tell(template, **changes)

    def take(self) -> None:
        """Take what changed."""
        self.last_changes = self.board.take_changes()
        for channel, rows in self.last_changes.items():
            for key, row in rows.items():
                if row is None:
                    self.tables[channel].pop(key)
                    continue
                row_type(channel, key).validate_python(row)
                if channel is Channel.MARKET:
                    assert_totals_add_up(row)
                self.tables[channel][key] = row

    def settle(self, market_ms: int) -> None:
        """The market's time moves on to this, and all that follows from other rows is made."""
        self.board.set_time(market_ms, now_ms=market_ms)
        self.take()
        while self.board.unfinished:
            self.take()

    def row(self, channel: Stored, key: str) -> Row:
        """What a reader holds."""
        return self.tables[channel][key]


def assert_totals_add_up(row: Row) -> None:
    """Every traded share and dong is somebody's, nobody's, or unseen; and like each match in one phase."""
    sides = {side: _int(row[f"{side}_volume"]) for side in ("active_buy", "active_sell", "neutral")}
    assert sum(sides.values()) + _int(row["unseen_volume"]) == _int(row["total_volume"] or 0)
    for side, volume in sides.items():
        phases = [row[f"{phase}_volumes"] for phase in ("ato", "continuous", "atc", "other")]
        assert sum(_int(phase[side]) for phase in phases if isinstance(phase, dict)) == volume
    value, trades = (_sum(row, what, "active_buy", "active_sell", "neutral") for what in ("value", "trades"))
    assert value + _int(row["unseen_value"]) == _int(row["total_value"] or 0)
    assert value == _sum(row, "value", "ato", "continuous", "atc", "other")
    assert trades == _sum(row, "trades", "ato", "continuous", "atc", "other") == _int(row["trades"])


def _sum(row: Row, what: str, *whose: str) -> int:
    return sum(_int(row[f"{one}_{what}"]) for one in whose)


def _int(value: JSON) -> int:
    assert isinstance(value, int)
    return value
