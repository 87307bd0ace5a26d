"""The texts of the stream: SignalR 2 frames, and the websocket frame around each."""

import json

import orjson

HUB = "FcMarketDataV2Hub"
KEEPALIVE = b"{}"


def cursor(server_id: str, sequence: int) -> str:
    """The `C` of a frame: opaque to clients, who name the last one as `messageId` when they reconnect."""
    return f"d-{server_id}-B,{sequence:X}|Qx2,0|Qx3,1"


def sequence_of(message_id: str) -> int | None:
    """The sequence number that a cursor carries; None if it is not one of ours."""
    try:
        return int(message_id.split(",")[1].partition("|")[0], 16)
    except (IndexError, ValueError):
        return None


def invocation(method: str, argument: bytes | str) -> bytes:
    """One call of a method of the client, as an element of a frame's `M`."""
    return b'{"H":"%b","M":"%b","A":[%b]}' % (HUB.encode(), method.encode(), orjson.dumps(_text(argument)))


def broadcast(data_type: str, content: str, *, as_object: bool = False) -> bytes:
    """One data message: JSON (`content`) in JSON in JSON. `as_object` leaves out the innermost quotation."""
    inner = content.encode() if as_object else orjson.dumps(content)
    return invocation("Broadcast", b'{"DataType":%b,"Content":%b}' % (orjson.dumps(data_type), inner))


def data(at: str, invocations: bytes) -> bytes:
    """A data frame; `invocations` are joined by commas, and may be none."""
    return b'{"C":"%b","M":[%b]}' % (at.encode(), invocations)


def init(at: str) -> bytes:
    """The first frame of a connection."""
    return b'{"C":"%b","S":1,"M":[]}' % at.encode()


def groups(at: str, token: str) -> bytes:
    """The membership of the connection has changed."""
    return b'{"C":"%b","G":"%b","M":[]}' % (at.encode(), token.encode())


def reconnect(at: str) -> bytes:
    """The server asks the client to connect anew."""
    return b'{"C":"%b","T":1,"M":[]}' % at.encode()


def result(invocation_id: object) -> bytes:
    """A call of the client has succeeded. Its id comes back as a string whatever it was."""
    return orjson.dumps({"I": _scalar(invocation_id)})


def error(invocation_id: object, method: str) -> bytes:
    """A call of the client has failed."""
    message = f"There was an error invoking Hub method '{HUB}.{method}'."
    return orjson.dumps({"I": _scalar(invocation_id), "E": message})


def websocket_frame(payload: bytes) -> bytes:
    """A finished text frame. A server does not mask, so it is the same bytes for every client."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def _text(argument: bytes | str) -> str:
    return argument.decode() if isinstance(argument, bytes) else argument


def _scalar(invocation_id: object) -> str:
    return invocation_id if isinstance(invocation_id, str) else json.dumps(invocation_id)
