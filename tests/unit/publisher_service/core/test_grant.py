"""What a scope permits."""

import pytest

from publisher_service.core.grant import EVERYTHING, Grant, InvalidToken, parse_scope
from publisher_service.core.selection import Selection
from shared.channels import Channel
from shared.table import Table
from tests.fakes.texts import texts


def groups() -> Table:
    table = Table()
    table.apply(texts({"VN30": {"keys": ["SSI", "VNM"]}, "HNX30": {"keys": ["SHS"]}}), 1)
    return table


def permits(scope: str, channel: str, keys: list[str] | None) -> bool:
    return Grant(None, parse_scope(scope)).permits(Channel(channel), Selection.of(keys), groups())


@pytest.mark.parametrize(
    ("scope", "channel", "keys"),
    [
        ("market", "market", None),
        ("market", "market", ["@VN30", "ANY"]),
        ("index:VN30,VNINDEX", "index", ["VN30"]),
        ("market:@VN30", "market", ["@VN30"]),
        ("market:@VN30", "market", ["SSI"]),
        ("market:@VN30,FPT", "market", ["@VN30", "FPT", "VNM"]),
        ("market:SSI market:FPT", "market", ["SSI", "FPT"]),
        ("market:SSI market", "market", None),
        ("market:SSI", "market", ["SSI#17"]),
        ("market:@VN30", "market", ["SSI#17"]),
        ("openid market other:thing", "market", None),
    ],
)
def test_what_lies_within_the_scope_is_permitted(scope: str, channel: str, keys: list[str] | None) -> None:
    assert permits(scope, channel, keys)


@pytest.mark.parametrize(
    ("scope", "channel", "keys"),
    [
        ("market", "index", None),
        ("market:SSI", "market", None),
        ("market:SSI", "market", ["SSI", "FPT"]),
        ("market:SSI,VNM", "market", ["@VN30"]),  # its members now, but it may have others tomorrow
        ("market:@VN30", "market", ["@HNX30"]),
        ("market:@VN30", "market", ["SHS"]),
        ("market:@NONE", "market", ["SSI"]),
        ("", "market", ["SSI"]),
        ("market:SSI", "foreign", ["SSI"]),
        ("market:SSI#17", "market", ["SSI"]),
        ("market:@VN30", "market", ["@VN30#1"]),
    ],
)
def test_what_lies_beyond_it_is_not(scope: str, channel: str, keys: list[str] | None) -> None:
    assert not permits(scope, channel, keys)


def test_without_a_scope_everything_is_permitted() -> None:
    assert EVERYTHING.permits(Channel.MARKET, Selection.of(None), groups())
    assert EVERYTHING.covers(Channel.MARKET)


def test_a_scope_covers_the_channels_that_it_names() -> None:
    grant = Grant(None, parse_scope("market:SSI"))

    assert (grant.covers(Channel.MARKET), grant.covers(Channel.INDEX)) == (True, False)


@pytest.mark.parametrize("scope", ["market:", "market:SSI,,VNM", "market:" + "X" * 65])
def test_a_scope_with_keys_that_cannot_be_meant_makes_the_token_invalid(scope: str) -> None:
    with pytest.raises(InvalidToken, match="scope"):
        parse_scope(scope)
