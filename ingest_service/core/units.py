"""
The units of what stands in the rows, and the mark that puts a field's meaning and unit into its schema.

Units are words, the same for programs and for people. A number without `decimals` is whole, but for prices: their
schema says what is VND and what is points.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

Unit: TypeAlias = Literal[
    "price",
    "VND",
    "points",
    "per cent",
    "shares",
    "contracts",
    "shares or contracts",
    "shares a minute",
    "shares or contracts a minute",
    "matches a minute",
    "ratio",
    "count",
    "Unix ms",
    "day",
    "symbol",
    "name",
    "code",
    "text",
    "true or false",
]

UNITS: dict[Unit, str] = {
    "price": "VND, an integer below 2⁵³; of index futures (their underlying is `VN30` or `VN100`) points, 1 decimal; "
    "where it is the value of an index, points, 2 decimals",
    "VND": "an integer below 2⁵³",
    "points": "of an index, with a fixed number of decimals",
    "per cent": "with a fixed number of decimals",
    "shares": "an integer below 2⁵³",
    "contracts": "an integer below 2⁵³",
    "shares or contracts": "an integer below 2⁵³; contracts of futures, shares or units of all else",
    "shares a minute": "an integer",
    "shares or contracts a minute": "an integer",
    "matches a minute": "with a fixed number of decimals",
    "ratio": "of two volumes, with a fixed number of decimals",
    "count": "an integer; of what, the meaning says",
    "Unix ms": "milliseconds since 1970, UTC",
    "day": "ISO date, `2026-11-23`, of Vietnam",
    "symbol": "the code of an instrument or of an index",
    "name": "a word from a list, for programs; of exchanges `HOSE`, `HNX`, `UPCOM`, `DERIVATIVES`, `HNXBOND`",
    "code": "a word of the exchange, as the meaning says, or whatever else it sends",
    "text": "for people",
    "true or false": "a boolean",
}


def described(meaning: str, unit: Unit | None, decimals: int | None = None) -> FieldInfo:
    """
    A field's meaning and unit, for its schema. A list or an object has none itself: its parts have.

    `decimals`: how many a number of points or per cents has at most.
    """
    marks: JsonDict = {}
    if unit is not None:
        marks["unit"] = unit
    if decimals is not None:
        marks["decimals"] = decimals
    field: FieldInfo = Field(description=meaning, json_schema_extra=marks)
    return field


_VND = Field(json_schema_extra={"unit": "VND"})
#: Of the price of anything that is traded. As `rounding.Price`, with what its two kinds are.
MarkedPrice: TypeAlias = (
    Annotated[int, _VND] | Annotated[float, Field(json_schema_extra={"unit": "points", "decimals": 1})]
)
MarkedAverage: TypeAlias = (
    Annotated[int, _VND] | Annotated[float, Field(json_schema_extra={"unit": "points", "decimals": 2})]
)
