"""Tokens of clients: JSON Web Tokens (RFC 7519), signed by a secret or by the owner of a public key."""

from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from publisher_service.core.grant import Grant, InvalidToken, parse_scope
from publisher_service.settings import PublisherSettings

#: Clocks differ.
LEEWAY_S = 10.0
#: The year 5138.
LATEST_S = 100_000_000_000
#: Shorter ones can be factored (NIST SP 800-57).
MIN_RSA_BITS = 2048


class UnusableKey(Exception):  # noqa: N818 (the name says what it is)
    """A key that no token can be checked with; the text is for who set it."""


_REASONS: dict[type[jwt.InvalidTokenError], str] = {
    jwt.InvalidSignatureError: "its signature is not that of our key",
    jwt.InvalidAlgorithmError: "it is signed by another algorithm than our key's",
    jwt.ImmatureSignatureError: "its time has not come yet",
    jwt.InvalidIssuerError: "it has another issuer",
    jwt.InvalidAudienceError: "it is for another audience",
}

PublicKey = RSAPublicKey | EllipticCurvePublicKey


class Tokens:
    """Reads tokens. One algorithm for one key: what the token says of itself is not believed."""

    def __init__(self, key: str | PublicKey, *, issuer: str | None, audience: str | None) -> None:
        self._key = key
        self._algorithm = "HS256" if isinstance(key, str) else "RS256" if isinstance(key, RSAPublicKey) else "ES256"
        self._issuer = issuer
        self._audience = audience

    def read(self, token: str) -> Grant:
        """What a valid token permits. Raises InvalidToken."""
        try:
            claims: dict[str, Any] = jwt.decode(  # Any: claims are of many types; the two that matter are checked below
                token,
                self._key,
                algorithms=[self._algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["exp"], "verify_aud": self._audience is not None},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidToken("the token has expired") from None
        except jwt.MissingRequiredClaimError as error:
            raise InvalidToken(f"the token has no {error.claim}") from None
        except jwt.InvalidTokenError as error:
            raise InvalidToken(f"the token is not valid: {_REASONS.get(type(error), 'it cannot be read')}") from None
        if "scope" in claims and not isinstance(claims["scope"], str):
            raise InvalidToken("the token's scope is no text")
        # What is beyond is for ever, and more than clocks can count.
        expires_s = min(int(claims["exp"]), LATEST_S) + LEEWAY_S
        return Grant(int(expires_s * 1000), parse_scope(claims["scope"]) if "scope" in claims else None)


def tokens_of(settings: PublisherSettings) -> Tokens | None:
    """As the settings say; None: nobody needs a token. Raises UnusableKey."""
    if settings.jwt_secret is not None:
        secret = settings.jwt_secret.get_secret_value()
        try:
            jwt.encode({}, secret, "HS256")
        except jwt.PyJWTError:
            raise UnusableKey("JWT_SECRET: looks like a key of another kind; use random characters") from None
        key: str | PublicKey = secret
    elif settings.jwt_public_key_file is not None:
        key = _load(settings.jwt_public_key_file)
    else:
        return None
    return Tokens(key, issuer=settings.jwt_issuer, audience=settings.jwt_audience)


def _load(path: Path) -> PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise UnusableKey(f"JWT_PUBLIC_KEY_FILE: cannot be read: {error.strerror}") from None
    except ValueError:
        raise UnusableKey("JWT_PUBLIC_KEY_FILE: holds no public key in PEM form") from None
    if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise UnusableKey(f"JWT_PUBLIC_KEY_FILE: must be an RSA key of {MIN_RSA_BITS} bits or more, or one on P-256")
