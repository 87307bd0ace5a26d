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
