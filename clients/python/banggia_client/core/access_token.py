"""When a token has to be renewed, by its own account. It is not verified here: that is the server's business."""

import base64
import json

#: Of what is left of its time, the part after which a new one is asked for.
RENEW_AFTER = 0.8


def renewal_delay_s(token: str, unix_s: float) -> float | None:
    """Seconds until it should be renewed; None if it does not say when it expires."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires_s = float(claims["exp"])
    except (ValueError, LookupError, TypeError, OverflowError):
        return None
    return max(1.0, RENEW_AFTER * (expires_s - unix_s))
