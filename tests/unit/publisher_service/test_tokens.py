"""Which tokens count."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from publisher_service.core.grant import InvalidToken
from publisher_service.settings import PublisherSettings
from publisher_service.tokens import UnusableKey, tokens_of
from shared.channels import Channel

SECRET = "a secret of a test, long enough for HS512 as well, which needs 64 bytes"
# {"alg":"none"} . {"exp":4000000000} . no signature
UNSIGNED = "eyJhbGciOiJub25lIn0.eyJleHAiOjQwMDAwMDAwMDB9."
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def signed(key: str | PrivateKey = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    return jwt.encode({"exp": int(time.time()) + 3600} | claims, key, algorithm)


def public_pem(key: PrivateKey, path: Path) -> Path:
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def reads(token: str, **settings: Any) -> Any:
    tokens = tokens_of(PublisherSettings(**({"jwt_secret": SECRET} | settings)))
    assert tokens is not None
    return tokens.read(token)


def test_a_valid_token_tells_its_end_and_its_scope() -> None:
    grant = reads(signed(exp=4_000_000_000, scope="market:SSI index"))

    assert grant.expires_ms == 4_000_000_010_000  # clocks differ
    assert grant.covers(Channel.INDEX)
    assert not grant.covers(Channel.FOREIGN)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (signed(exp=int(time.time()) - 11), "expired"),
        (jwt.encode({"scope": "market"}, SECRET), "has no exp"),
        (signed("another secret " * 6), "signature"),
        (UNSIGNED, "algorithm"),
        (signed(algorithm="HS512"), "algorithm"),
        (signed(nbf=int(time.time()) + 36_000), "time has not come"),
        (signed(exp="never"), "cannot be read"),
        (signed(scope=["market"]), "no text"),
        (signed(scope=None), "no text"),
        ("nonsense", "cannot be read"),
        ("", "cannot be read"),
        ("a.b.c", "cannot be read"),
    ],
)
def test_any_other_is_refused_with_a_reason_that_does_not_repeat_it(token: str, reason: str) -> None:
    with pytest.raises(InvalidToken, match=reason) as refused:
        reads(token)

    assert not token or token not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_issuer_and_audience_count_if_they_are_set() -> None:
    wanted = {"jwt_issuer": "https://login.example", "jwt_audience": "banggia"}

    reads(signed(iss="https://login.example", aud="banggia"), **wanted)
    reads(signed(iss="anyone", aud="anything"))
    for claims in ({}, {"iss": "https://login.example"}, {"iss": "x", "aud": "banggia"}, {"iss": "x", "aud": "y"}):
        with pytest.raises(InvalidToken):
            reads(signed(**claims), **wanted)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(rsa.generate_private_key(65537, 2048), "RS256"), (ec.generate_private_key(ec.SECP256R1()), "ES256")],
    ids=["RS256", "ES256"],
)
def test_a_public_key_checks_what_its_owner_signed_and_nothing_else(
    key: PrivateKey, algorithm: str, tmp_path: Path
) -> None:
    path = public_pem(key, tmp_path / "key.pem")
    settings = {"jwt_secret": None, "jwt_public_key_file": path}

    grant = reads(signed(key, algorithm, scope="market"), **settings)

    assert grant.covers(Channel.MARKET)
    with pytest.raises(InvalidToken):
        reads(signed(ec.generate_private_key(ec.SECP256R1()), "ES256"), **settings)
    with pytest.raises(InvalidToken):
        reads(signed(SECRET), **settings)


def test_keys_that_cannot_be_trusted_are_refused_at_the_start(tmp_path: Path) -> None:
    weak = public_pem(rsa.generate_private_key(65537, 1024), tmp_path / "weak.pem")
    other_curve = public_pem(ec.generate_private_key(ec.SECP384R1()), tmp_path / "curve.pem")
    private = tmp_path / "private.pem"
    private.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )

    for path in (weak, other_curve, private):
        with pytest.raises(UnusableKey, match="JWT_PUBLIC_KEY_FILE"):
            tokens_of(PublisherSettings(jwt_public_key_file=path))


@pytest.mark.parametrize("exp", [10**12, 10**400])
def test_an_end_beyond_all_clocks_is_taken_for_never(exp: int) -> None:
    assert reads(signed(exp=exp)).expires_ms == (10**11 + 10) * 1000


PEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize("secret", ["ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ", PEM])
def test_a_secret_that_is_a_key_of_another_kind_is_refused_at_the_start(secret: str) -> None:
    with pytest.raises(UnusableKey, match="JWT_SECRET"):
        tokens_of(PublisherSettings(jwt_secret=secret))


def test_without_a_key_nobody_needs_a_token() -> None:
    assert tokens_of(PublisherSettings()) is None
