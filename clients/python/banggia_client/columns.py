"""Tables for people who count: columns, and the data frames of pandas and polars (extras of these names)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from .core.change import Row


def columns(rows: "Mapping[str, Row]", key: str = "key") -> dict[str, list[Any]]:
    """Field → its values, in the order of the keys, which are the first column; None where a row has no such field."""
    ordered = sorted(rows)
    fields = dict.fromkeys(field for name in ordered for field in rows[name])
    return {key: list(ordered)} | {field: [rows[name].get(field) for name in ordered] for field in fields}


def to_pandas(rows: "Mapping[str, Row]") -> "pd.DataFrame":
    """One line a row, with the keys as index."""
    import pandas as pd  # noqa: PLC0415 (an extra)

    return pd.DataFrame(columns(rows)).set_index("key")


def to_polars(rows: "Mapping[str, Row]") -> "pl.DataFrame":
    """One line a row, with the keys as the column `key`."""
    import polars as pl  # noqa: PLC0415 (an extra)

    # All values count: a column may begin with None, or with whole numbers.
    return pl.DataFrame(columns(rows), strict=False, infer_schema_length=None)
