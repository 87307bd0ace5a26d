"""
Groups: lists of symbols under a name that clients can select (`@VN30`).

Indices have the components that the exchange names; the others follow from what each symbol is.
"""

from collections.abc import Mapping

from ingest_service.core.rows import GroupRow, SymbolRow

#: Groups by exchange.
EXCHANGES = ("HOSE", "HNX", "UPCOM")
_BY_TYPE = {"future": "futures", "warrant": "warrants", "etf": "etfs"}
#: Groups that are no index.
DERIVED = (*EXCHANGES, *_BY_TYPE.values())


def derived_groups(symbols: Mapping[str, SymbolRow]) -> dict[str, GroupRow]:
    """The groups by exchange and type. In order of symbols, but futures in order of expiry: the front month first."""
    keys: dict[str, list[str]] = {name: [] for name in DERIVED}
    for symbol in sorted(symbols):
        row = symbols[symbol]
        if row["exchange"] in EXCHANGES:
            keys[row["exchange"]].append(symbol)
        if row["type"] in _BY_TYPE:
            keys[_BY_TYPE[row["type"]]].append(symbol)
    keys["futures"].sort(key=lambda symbol: symbols[symbol]["expiry"] or "")
    return {name: {"keys": symbols} for name, symbols in keys.items()}
