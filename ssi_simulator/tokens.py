"""Tokens: the bearer of the REST answer, and the connection token of negotiate. Both are signed, so none is kept."""

import base64
import hashlib
import hmac
import json
import secrets
from uuid import UUID

TOKEN_LIFE_S = 8 * 3600


class Tokens:
    """Issues and checks tokens. The key comes from the consumer's secret, so that they outlive a restart."""

    def __init__(self, consumer_id: str, consumer_secret: str, *, life_s: float = TOKEN_LIFE_S) -> None:
        self._consumer = (consumer_id, consumer_secret)
        self._life_s = life_s
        self._key = hashlib.sha256(consumer_secret.encode()).digest()

    def knows(self, consumer_id: str, consumer_secret: str) -> bool:
        """Whether these are the consumer's id and secret."""
        return (consumer_id, consumer_secret) == self._consumer

    def issue(self, now_unix_s: float) -> str:
        """
        A bearer that looks like a JWT: base64 in the standard alphabet, `exp` in Unix seconds.

        The signature is written in hexadecimal digits, so the token can stand in a query as it is.
        """
        header = _base64(b'{"alg":"RS256","typ":"JWT"}').rstrip("=")
        payload = _base64(json.dumps({"exp": int(now_unix_s + self._life_s)}).encode()).rstrip("=")
        return f"{header}.{payload}.{self._signature(f'{header}.{payload}'.encode()).hex()}"

    def is_valid(self, bearer: str, now_unix_s: float) -> bool:
        """Whether a bearer was issued here and has not expired."""
        head, _, signature = bearer.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(head.encode()).hex().encode()):
            return False
        payload = head.partition(".")[2]
        expires_unix_s = json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4)))["exp"]
        return bool(now_unix_s < expires_unix_s)

    def connection_token(self, connection_id: str) -> str:
        """
        An opaque token for a connection id.

        It always contains `+`, `/` and `=`, as real ones may: a client that forgets to percent-encode it fails here.
        """
        identity = UUID(connection_id).bytes
        while True:
            signed = secrets.token_bytes(4) + identity
            token = _base64(signed + self._signature(signed))
            if "+" in token and "/" in token:
                return token

    def connection_id(self, connection_token: str) -> str | None:
        """The id that a connection token stands for; None if the token is not one of ours."""
        try:
            raw = base64.b64decode(connection_token, validate=True)
        except ValueError:
            return None
        signed, signature = raw[:20], raw[20:]
        if not hmac.compare_digest(signature, self._signature(signed)):
            return None
        return str(UUID(bytes=signed[4:]))

    def _signature(self, signed: bytes) -> bytes:
        return hmac.digest(self._key, signed, "sha256")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
