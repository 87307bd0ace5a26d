"""Bearers and connection tokens."""

import base64
import json
from uuid import uuid4

from ssi_simulator.tokens import Tokens


def test_a_bearer_is_valid_until_it_expires_and_survives_a_restart() -> None:
    bearer = Tokens("demo", "demo", life_s=60).issue(1000.0)
    restarted = Tokens("demo", "demo")

    assert restarted.is_valid(bearer, 1059.0)
    assert not restarted.is_valid(bearer, 1060.0)
    assert not Tokens("demo", "another").is_valid(bearer, 1059.0)


def test_a_bearer_that_was_tampered_with_is_not_valid() -> None:
    tokens = Tokens("demo", "demo")
    header, _, signature = tokens.issue(1000.0).split(".")
    longer = base64.b64encode(json.dumps({"exp": 10**10}).encode()).decode().rstrip("=")

    for bearer in ("", ".", "..", "a.b.c", f"{header}.{longer}.{signature}", "á.b.c"):
        assert not tokens.is_valid(bearer, 1001.0)


def test_a_connection_token_stands_for_its_id_and_needs_percent_encoding() -> None:
    tokens = Tokens("demo", "demo")
    connection_id = str(uuid4())

    token = tokens.connection_token(connection_id)

    assert tokens.connection_id(token) == connection_id
    assert all(sign in token for sign in "+/=")
    for other in ("", "nonsense", token.replace("+", " "), token[:-4], f"A{token[1:]}", "é"):
        assert tokens.connection_id(other) is None or other == token
