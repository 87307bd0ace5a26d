"""
What a day's raw messages add up to, by a plain script: nothing of the services is used.

It reads a recording as any program could: gzip, one record a line, JSON in JSON in JSON.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict


class Totals(TypedDict):
    """The end of the day, by symbol or index; prices as on the wire."""

    market: dict[str, dict[str, float]]
    foreign: dict[str, dict[str, float]]
    index: dict[str, dict[str, float]]


def messages(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Data type and content of each message."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            _, kind, _, text = line.rstrip("\n").split(" ", 3)
            if kind == "f":
                for call in json.loads(text).get("M", []):
                    message = json.loads(call["A"][0])
                    yield message["DataType"], json.loads(message["Content"])


def totals(file: Path) -> Totals:
    """The newest word on everything, and the extremes of what was traded."""
    market: dict[str, dict[str, float]] = {}
    foreign: dict[str, dict[str, float]] = {}
    index: dict[str, dict[str, float]] = {}
    for data_type, content in messages(file):
        if data_type == "X":
            market[content["Symbol"]] = {
                "last": content["LastPrice"],
                "total_volume": content["TotalVol"],
                "total_value": content["TotalVal"],
                "high": content["High"],
                "low": content["Low"],
                "open": content["Open"],
            }
        elif data_type == "R":
            foreign[content["Symbol"]] = {
                "buy_volume": content["BuyVol"],
                "sell_volume": content["SellVol"],
                "buy_value": content["BuyVal"],
                "sell_value": content["SellVal"],
                "net_volume": content["BuyVol"] - content["SellVol"],
            }
        elif data_type == "MI":
            index[content["IndexId"]] = {
                "value": content["IndexValue"],
                "total_volume": content["TotalQtty"],
                "total_value": content["TotalValue"],
            }
    return {"market": market, "foreign": foreign, "index": index}


class Trades(TypedDict):
    """What the day's matches of one symbol add up to; of each side, by the book that stood before."""

    active_buy_volume: int
    active_sell_volume: int
    neutral_volume: int
    unseen_volume: int
    active_buy_trades: int
    active_sell_trades: int
    neutral_trades: int
    trades: int
    high: float | None
    low: float | None


def trades_of_the_day(file: Path) -> dict[str, Trades]:
    """By symbol: each rise of the total volume is a match, but for the first one since the link was opened."""
    days: dict[str, Trades] = {}
    total: dict[str, float] = {}
    book: dict[str, dict[str, Any]] = {}
    watched: set[str] = set()
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            _, kind, _, text = line.rstrip("\n").split(" ", 3)
            if kind == "d":  # the link was lost
                watched.clear()
            for call in json.loads(text).get("M", []) if kind == "f" else []:
                message = json.loads(call["A"][0])
                if message["DataType"] == "X":
                    x = json.loads(message["Content"])
                    symbol = x["Symbol"]
                    day = days.setdefault(symbol, Trades(**dict.fromkeys(Trades.__annotations__, 0)))  # type: ignore[typeddict-item]  # all of its names
                    _count(day, x, x["TotalVol"] - total.get(symbol, 0), book.get(symbol, {}), seen=symbol in watched)
                    total[symbol], book[symbol] = x["TotalVol"], x
                    watched.add(symbol)
    return days


def _count(day: Trades, x: dict[str, Any], rise: float, before: dict[str, Any], *, seen: bool) -> None:
    day["high"], day["low"] = x["High"] or None, x["Low"] or None
    if not rise:
        return
    if not seen:
        day["unseen_volume"] += int(rise)
        return
    day["trades"] += 1
    if x["TradingSession"] in ("ATO", "ATC"):
        day["neutral_volume"] += int(rise)
        day["neutral_trades"] += 1
    elif before.get("AskVol1") and x["LastPrice"] >= before["AskPrice1"] > 0:
        day["active_buy_volume"] += int(rise)
        day["active_buy_trades"] += 1
    elif before.get("BidVol1") and x["LastPrice"] <= before["BidPrice1"]:
        day["active_sell_volume"] += int(rise)
        day["active_sell_trades"] += 1
    else:
        day["neutral_volume"] += int(rise)
        day["neutral_trades"] += 1
