"""Which messages one connection has asked for: channel expressions and what a further call does to them."""

from enum import StrEnum
from typing import TypeAlias

CHANNELS = ("F", "X", "X-QUOTE", "X-TRADE", "R", "MI", "B", "OL")


class ReplaceMode(StrEnum):
    """What a `SwitchChannels` call does to the selections made before it. SSI does not say, so all three exist."""

    ALL = "replace-all"
    PER_CHANNEL = "replace-per-channel"
    ADDITIVE = "additive"


class _Everything:
    """The keys of `X:ALL`."""

    def __contains__(self, key: object) -> bool:
        return True


EVERYTHING = _Everything()
Keys: TypeAlias = _Everything | frozenset[str]


class Selection:
    """Channel → keys. Letter case and spaces do not matter; a name that does not exist selects nothing."""

    def __init__(self, mode: ReplaceMode = ReplaceMode.PER_CHANNEL, *, first_only: bool = False) -> None:
        self._mode = mode
        # Of a comma list, only the first channel counts. One observer of the real feed saw it so.
        self._first_only = first_only
        self._keys: dict[str, Keys] = {}

    def __bool__(self) -> bool:
        return any(self._keys.values())

    def wants(self, data_type: str, key: str) -> bool:
        """Whether a message of this type about this symbol or index is to be sent."""
        keys = self._keys.get(data_type)
        return keys is not None and key.upper() in keys

    def names(self, data_type: str) -> bool:
        """Whether anything of this type is selected."""
        return bool(self._keys.get(data_type))

    def switch(self, expression: str) -> "Selection":
        """Apply one `SwitchChannels` call. What was selected before comes back, to be compared."""
        before = Selection(self._mode, first_only=self._first_only)
        before._keys = self._keys
        asked = parse(expression, first_only=self._first_only)
        if self._mode is ReplaceMode.ALL:
            self._keys = asked
        elif self._mode is ReplaceMode.PER_CHANNEL:
            self._keys = {**self._keys, **asked}
        else:
            self._keys = {
                **self._keys,
                **{channel: _union(self._keys, channel, keys) for channel, keys in asked.items()},
            }
        return before

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selection) and self._keys == other._keys

    __hash__ = None  # type: ignore[assignment]  # mutable, so it has no hash

    def document(self) -> dict[str, str | list[str]]:
        """For people and tests: channel → sorted names, or `"ALL"`."""
        return {
            channel: "ALL" if isinstance(keys, _Everything) else sorted(keys)
            for channel, keys in self._keys.items()
            if keys
        }


def parse(expression: str, *, first_only: bool = False) -> dict[str, Keys]:
    """
    `X:ALL, MI:VN30-HNXIndex` → channel → keys in upper case; `ALL` alone names every channel.

    Channels joined by commas, keys by dashes. A channel named twice takes the keys of both. What cannot be understood
    selects nothing, and silently: so does the real server.
    """
    parts = [part.strip().upper() for part in expression.split(",")]
    asked: dict[str, Keys] = {}
    for part in parts[:1] if first_only else parts:
        if part == "ALL":
            return dict.fromkeys(CHANNELS, EVERYTHING)
        channel, _, selector = (piece.strip() for piece in part.partition(":"))
        if channel in CHANNELS:
            names = frozenset(name.strip() for name in selector.split("-")) - {""}
            asked[channel] = _union(asked, channel, EVERYTHING if "ALL" in names else names)
    return asked


def _union(held: dict[str, Keys], channel: str, keys: Keys) -> Keys:
    already = held.get(channel, frozenset[str]())
    if isinstance(already, _Everything) or isinstance(keys, _Everything):
        return EVERYTHING
    return already | keys
