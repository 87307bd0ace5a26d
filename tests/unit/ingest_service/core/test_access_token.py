"""What a token says about its own life."""

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.access_token import UNKNOWN_LIFE_S, AccessToken

NOW_S = 1795400000.0


def a_jwt(claims: object, encode: object = base64.b64encode) -> str:
    assert callable(encode)
    return f"eyJhbGciOiJSUzI1NiJ9.{encode(orjson.dumps(claims)).decode()}.c2ln"


def test_the_end_is_what_exp_says_and_renewal_comes_ten_minutes_before() -> None:
    token = AccessToken.issued(a_jwt({"exp": NOW_S + 28800}), NOW_S)

    assert token.expires_at_s == NOW_S + 28800
    assert token.renew_at_s == NOW_S + 28200


def test_a_short_lived_token_is_not_renewed_all_the_time() -> None:
    token = AccessToken.issued(a_jwt({"exp": NOW_S + 100}), NOW_S)

    assert token.renew_at_s == NOW_S + 90


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padding", [True, False])
def test_both_alphabets_are_read_with_and_without_padding(encode: object, *, padding: bool) -> None:
    # "?>~" gives "+" and "/" in one alphabet and "-" and "_" in the other.
    text = a_jwt({"name": "?>~?>~ÿÿÿ", "exp": NOW_S + 50}, encode)

    token = AccessToken.issued(text if padding else text.replace("=", ""), NOW_S)

    assert token.expires_at_s == NOW_S + 50


@pytest.mark.parametrize("text", ["opaque", "a.b", "a.!!!.c", a_jwt([1]), a_jwt({"exp": "soon"}), a_jwt({}), "a.é.c"])
def test_a_token_that_does_not_tell_its_end_lives_an_hour(text: str) -> None:
    token = AccessToken.issued(text, NOW_S)

    assert token.expires_at_s == NOW_S + UNKNOWN_LIFE_S


@given(st.text())
def test_no_text_is_too_strange_to_be_a_token(text: str) -> None:
    token = AccessToken.issued(f"a.{text}.c", NOW_S)

    assert token.renew_at_s <= token.expires_at_s


def test_the_token_does_not_show_in_its_representation() -> None:
    assert "secret" not in repr(AccessToken("secret", 0.0, 0.0))
