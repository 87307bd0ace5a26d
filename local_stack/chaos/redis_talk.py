"""One connection to Redis, overheard: which request was made, and what it was answered."""

from collections import deque
from typing import NamedTuple

import hiredis

from shared.wire import Commit, Envelope, InvalidEnvelope, NewerContract, decode_envelope

#: What a command consists of, as it is sent: name and arguments.
Request = list[bytes]


class ScriptCall(NamedTuple):
    """A script that was run with its keys and arguments."""

    keys: list[bytes]
    arguments: list[bytes]

    @property
    def envelope(self) -> Envelope | None:
        """What the script publishes; None: nothing."""
        for argument in self.arguments:
            if argument.startswith(b'{"type":"'):
                try:
                    return decode_envelope(argument)
                except (InvalidEnvelope, NewerContract):
                    continue
        return None


def script_call(request: Request) -> ScriptCall | None:
    """The script that a request runs; None if it is another command."""
    if len(request) < 3 or request[0].upper() not in (b"EVALSHA", b"EVAL"):
        return None
    keys = int(request[2])
    return ScriptCall(request[3 : 3 + keys], request[3 + keys :])


def is_commit(request: Request) -> bool:
    """Whether it commits rows."""
    call = script_call(request)
    return call is not None and isinstance(call.envelope, Commit)


class RedisTalk:
    """
    Bytes of both directions in, whole requests and answers out (RESP2).

    Messages of a subscription answer nothing and are left out.
    """

    def __init__(self) -> None:
        self._requests = hiredis.Reader()
        self._replies = hiredis.Reader()
        self._unanswered: deque[Request] = deque()

    def sent(self, data: bytes) -> list[Request]:
        """The requests that these bytes complete."""
        self._requests.feed(data)
        requests: list[Request] = []
        while isinstance(request := self._requests.gets(), list):
            requests.append(request)
        self._unanswered += requests
        return requests

    def answered(self, data: bytes) -> list[tuple[Request, object]]:
        """The answers that these bytes complete, each with its request. An error is a `hiredis.HiredisError`."""
        self._replies.feed(data)
        answers: list[tuple[Request, object]] = []
        while (reply := self._replies.gets()) is not False:
            if not self._unanswered or _is_push(reply):
                continue
            answers.append((self._unanswered.popleft(), reply))
        return answers


def _is_push(reply: object) -> bool:
    return isinstance(reply, list) and len(reply) == 3 and reply[0] == b"message"
