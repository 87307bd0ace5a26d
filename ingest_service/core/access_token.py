"""The token that opens REST and stream: what it says about its own life."""

import base64
from dataclasses import dataclass, field

import orjson

# For a token that does not tell its end: short enough to be safe with the eight hours that are usual.
UNKNOWN_LIFE_S = 3600.0
# So long a failing renewal can be repeated while the old token still serves; a tenth of its life if that is less.
RENEWAL_LEAD_S = 600.0


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token and its times, Unix seconds."""

    text: str = field(repr=False)
    renew_at_s: float
    expires_at_s: float

    @classmethod
    def issued(cls, text: str, now_s: float) -> "AccessToken":
        """The token just received. Its end is the `exp` of its payload, the only thing to rely on."""
        expires_at_s = _expiry_s(text)
        if expires_at_s is None:
            expires_at_s = now_s + UNKNOWN_LIFE_S
        lead_s = min(RENEWAL_LEAD_S, max(0.0, expires_at_s - now_s) / 10)
        return cls(text, expires_at_s - lead_s, expires_at_s)


def _expiry_s(text: str) -> float | None:
    """`exp` of a JWT, None if there is none. Both base64 alphabets occur, with and without padding."""
    parts = text.split(".")
    if len(parts) != 3:
        return None
    payload = parts[1].replace("+", "-").replace("/", "_").rstrip("=")
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:  # of either decoder
        return None
    match claims:
        case {"exp": int() | float() as expires_at_s}:
            return float(expires_at_s)
        case _:
            return None
