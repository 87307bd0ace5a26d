"""
Messages as server-sent events (HTML, section 9.2): the same JSON, and beside it where a client stands afterwards.

All of them are of the default type, `message`: one called `error` would be taken for a lost connection by browsers.
"""

import orjson

#: The id of whoever is in the middle of a snapshot: its table is half, and no position goes with it.
NOWHERE = "none"
#: Between tokens of JSON, which a row may have been written with; a line would end the field.
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def event(text: bytes) -> bytes:
    """The event of a message to clients. Only the last part of a message moves a client's position."""
    opening, has_rows, _ = text.partition(b',"data":{')
    told = orjson.loads(opening + b"}" if has_rows else text)
    field = b""
    if told["type"] == "goodbye":
        field = b"retry: %d\n" % told["reconnect_after_ms"]
    elif "position" in told:
        part, parts = told.get("part", 1), told.get("parts", 1)
        if part == parts:
            field = b"id: %b\n" % told["position"].encode()
        elif part == 1 and told["type"] == "snapshot":
            field = b"id: %b\n" % NOWHERE.encode()
    return b"%bdata: %b\n\n" % (field, text.translate(_ONE_LINE))


def closed(code: int, reason: str) -> bytes:
    """The last event of a stream: what a websocket says by its close code."""
    return event(orjson.dumps({"type": "closed", "code": code, "reason": reason}))


def patience(reconnect_after_ms: int) -> bytes:
    """How long a browser waits before it comes back after a connection was lost."""
    return b"retry: %d\n\n" % reconnect_after_ms
