"""
The content of one message: JSON fields, each read as what it should be.

Anything can stand where a number should, so reading never fails: what cannot be understood is None ("not told"), and
each thing that was tolerated is noted by a name from a closed list.
"""

import json
from datetime import date
from functools import lru_cache

import orjson

from ingest_service.core.invalid_row import InvalidRow
from ingest_service.core.rounding import MAX_NUMBER, Price, rounded
from ingest_service.core.rows import Level

_MAX_TEXT = 16  # codes, dates and times are shorter


def decoded(text: str | bytes, oddities: list[str]) -> dict[str, object]:
    """A JSON object. Raises InvalidRow with reason json."""
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        # Bare NaN is no JSON, but programs write it. Only the slow decoder reads it.
        try:
            value = json.loads(text)
            json.dumps(value, ensure_ascii=False).encode()  # half characters (`\ud800`) could not be published
        except (ValueError, RecursionError) as error:
            raise InvalidRow("json") from error
        oddities.append("bare_nan")
    if not isinstance(value, dict):
        raise InvalidRow("json")
    return value


class Content:
    """The fields of a message, and what was odd about them (`oddities`, appended to by each reading)."""

    __slots__ = ("decimals", "fields", "oddities")

    def __init__(self, fields: dict[str, object], oddities: list[str]) -> None:
        self.fields = fields
        self.oddities = oddities
        self.decimals = 0  # of prices: 0 for VND, 1 for points

    def text(self, name: str, max_length: int = _MAX_TEXT) -> str | None:
        """A text without outer spaces; None for missing, empty, too long, or no text at all."""
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > max_length:
            self.oddities.append("bad_text")
            return None
        return value.strip() or None

    def code(self, name: str, known: dict[str, str]) -> str | None:
        """A code in capital letters, translated if it has another name with us."""
        text = self.text(name)
        if text is None:
            return None
        text = text.upper()
        return known.get(text, text)

    def day(self, name: str) -> date | None:
        """A date, dd/MM/yyyy."""
        text = self.text(name)
        day = None if text is None else day_from(text)
        if day is None:
            self.oddities.append("missing_day" if text is None else "bad_day")
        return day

    def clock_ms(self, name: str) -> int | None:
        """A time of day, HH:mm:ss, as milliseconds since midnight."""
        text = self.text(name)
        clock_ms = None if text is None else _clock_ms(text)
        if clock_ms is None:
            self.oddities.append("missing_time" if text is None else "bad_time")
        return clock_ms

    def number(self, name: str) -> Price | None:
        """A finite number that is not negative."""
        value = self.fields.get(name)
        # The comparison is false for NaN, too.
        if (type(value) is float or type(value) is int) and 0 <= value < MAX_NUMBER:
            return value
        return self._odd_number(name, value)

    def quantity(self, name: str) -> int | None:
        """A volume, a value or a count: whole."""
        value = self.number(name)
        return None if value is None else round(value)

    def price(self, name: str) -> Price | None:
        """A price in VND as an int, or in points with one decimal. 0 means: none yet."""
        value = self.number(name)
        return None if value is None else self._price(value)

    def points(self, name: str) -> float | None:
        """An index value, two decimals. 0 means: none yet."""
        value = self.number(name)
        return None if value is None else rounded(value, 2)

    def levels(self, names: tuple[tuple[str, str], ...]) -> list[Level]:
        """
        Book levels from the fields named (price, volume), without the empty ones.

        A price of 0 with a volume is an auction order at whatever price: null.
        """
        fields, decimals = self.fields, self.decimals
        levels: list[Level] = []
        for price_name, volume_name in names:
            volume = fields.get(volume_name, 0)
            if volume == 0:  # most levels are empty
                continue
            price = fields.get(price_name)
            # As `number`, but without calls: a third of the time spent on a message is spent here.
            if not (type(volume) is float and type(price) is float and 0 < volume < MAX_NUMBER > price >= 0):
                volume, price = self.number(volume_name), self.number(price_name)
                if not volume or price is None:
                    continue
                price = float(price)  # a whole number of points is published as 1900.0, however it was written
            if whole := round(volume):
                levels.append([(round(price, decimals) if decimals else round(price)) or None, whole])
        return levels

    def _price(self, value: Price) -> Price:
        return rounded(value, self.decimals) if self.decimals else round(value)

    def _odd_number(self, name: str, value: object) -> Price | None:
        if value is None:
            if name in self.fields:
                self.oddities.append("null_number")
            return None
        text = value if isinstance(value, str) else None
        if text is not None:
            try:
                value = float(text)
            except ValueError:
                self.oddities.append("not_a_number" if text.strip() else "empty_number")
                return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.oddities.append("not_a_number")
            return None
        if 0 <= value < MAX_NUMBER:
            self.oddities.append("numeric_text")
            return value
        self.oddities.append("negative" if value < 0 else "out_of_range" if value > 0 else "nan")
        return None


@lru_cache(maxsize=64)
def day_from(text: str) -> date | None:
    """A date from dd/MM/yyyy; None if it is none."""
    day, _, rest = text.partition("/")
    month, _, year = rest.partition("/")
    try:
        parsed = date(int(year), int(month), int(day))
    except (ValueError, OverflowError):
        return None
    return parsed if 2000 <= parsed.year < 2100 else None


@lru_cache(maxsize=8192)
def _clock_ms(text: str) -> int | None:
    try:
        hours, minutes, seconds = int(text[0:2]), int(text[3:5]), int(text[6:8])
    except ValueError:
        return None
    if text[2] != ":" or text[5] != ":" or not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60):
        return None
    return ((hours * 60 + minutes) * 60 + seconds) * 1000
