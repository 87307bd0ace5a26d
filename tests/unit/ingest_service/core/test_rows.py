"""The published form of rows."""

import pytest
from pydantic import ValidationError

from ingest_service.core import foreign, indices, market
from ingest_service.core.rows import row_type
from shared.channels import Channel
from shared.table import JSON


def test_empty_rows_are_of_their_types() -> None:
    for channel, row in (
        (Channel.MARKET, market.EMPTY),
        (Channel.FOREIGN, foreign.EMPTY),
        (Channel.INDEX, indices.EMPTY),
    ):
        assert row_type(channel).validate_python(row) == row


@pytest.mark.parametrize(
    "change",
    [{"last": "31500"}, {"last": float("nan")}, {"total_volume": 1.5}, {"total_volume": True}, {"surprise": 1}],
)
def test_a_row_with_a_wrong_value_or_a_further_field_is_refused(change: dict[str, JSON]) -> None:
    with pytest.raises(ValidationError):
        row_type(Channel.MARKET).validate_python({**market.EMPTY, **change})


def test_a_row_without_one_of_its_fields_is_refused() -> None:
    row = {field: value for field, value in market.EMPTY.items() if field != "last"}

    with pytest.raises(ValidationError):
        row_type(Channel.MARKET).validate_python(row)


def test_the_two_special_rows_have_types_of_their_own() -> None:
    assert row_type(Channel.FOREIGN, "_total") is not row_type(Channel.FOREIGN, "SSI")
    assert row_type(Channel.STATUS, "feed") is not row_type(Channel.STATUS, "HOSE")
    assert row_type(Channel.FOREIGN, "VNM") is row_type(Channel.FOREIGN, "SSI")
