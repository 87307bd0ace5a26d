"""The refusal of one message of the feed."""

from typing import Literal, TypeAlias

Reason: TypeAlias = Literal[
    "json", "no_content", "unknown_type", "no_key", "no_day", "old_day", "future_day", "too_many_rows",
    "off_band", "off_tick", "falling_total", "future_time",
]  # fmt: skip

_EXPLANATIONS: dict[Reason, str] = {
    "json": "it is no JSON object",
    "no_content": "it has no content",
    "unknown_type": "its type is not known",
    "no_key": "it names no symbol or index",
    "no_day": "it names no trading day, and none has begun",
    "old_day": "it is of an earlier trading day than the board",
    "future_day": "its trading day cannot have begun yet",
    "too_many_rows": "the board is full",
    "off_band": "a traded price is beyond the band of the day",
    "off_tick": "the traded price is between two price steps",
    "falling_total": "a total of the day falls",
    "future_time": "its time has not come yet",
}


class InvalidRow(Exception):  # noqa: N818 - the name says what it is
    """A message of the feed that cannot be used: count it by `reason` and drop it. No other message is affected."""

    def __init__(self, reason: Reason, data_type: str = "", field: str = "") -> None:
        self.reason = reason
        # The feed's own words are cut: they may be anything, and this text may go to a log.
        self.data_type = data_type[:16]
        self.field = field
        named = f" ({field})" if field else ""
        super().__init__(f"{self.data_type or 'a'} message dropped: {_EXPLANATIONS[reason]}{named}")
