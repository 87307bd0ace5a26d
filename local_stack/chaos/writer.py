"""One ingest's conversation with Redis, written into the ledger."""

from collections.abc import Callable
from typing import NamedTuple

from local_stack.chaos.ledger import EpochLedger, Ledger, Sent
from local_stack.chaos.redis_talk import Request, ScriptCall, script_call
from shared.channels import Channel, RedisNames
from shared.table import Row
from shared.wire import Commit, Replaced, decode_key, decode_row

#: Where the scripts of the ingest have a commit's id, and a replacement's head.
COMMIT_ID_AT = 3
HEAD_AT = 8


class _InFlight(NamedTuple):
    request: Request
    epoch: EpochLedger
    from_rev: int
    sent: Sent


class Writer:
    """The observer of one ingest's proxy. One commit is in flight, and one replacement is built at a time."""

    def __init__(self, ledger: Ledger, names: RedisNames, now_s: Callable[[], float]) -> None:
        self._ledger = ledger
        self._now_s = now_s
        self._aside = {names.next_rows(channel).encode(): channel for channel in Channel}
        self._built: dict[Channel, dict[str, tuple[int, Row | None]]] = {}
        self._in_flight: _InFlight | None = None

    def sent(self, request: Request) -> None:
        """Note rows before Redis has them."""
        if request[0].upper() == b"DEL" and (channel := self._aside.get(request[1])) is not None:
            self._built.pop(channel, None)
        elif (call := script_call(request)) is not None:
            if len(call.keys) == 2 and (channel := self._aside.get(call.keys[1])) is not None:
                self._build(channel, call.arguments[1:])
            else:
                self._publish(request, call)

    def answered(self, request: Request, reply: object) -> None:
        """Note that a commit or a replacement ran."""
        if (waiting := self._in_flight) is not None and request is waiting.request and reply == b"done":
            waiting.epoch.confirm(waiting.sent, waiting.from_rev)

    def _build(self, channel: Channel, pairs: list[bytes]) -> None:
        rows = self._built.setdefault(channel, {})
        for key, stored in zip(pairs[::2], pairs[1::2], strict=True):
            row, rev = decode_row(stored)
            rows[decode_key(key)] = (rev, row)

    def _publish(self, request: Request, call: ScriptCall) -> None:
        envelope, now_s = call.envelope, self._now_s()
        if isinstance(envelope, Commit):
            epoch = self._ledger.epoch(envelope.epoch)
            sent = epoch.send(envelope, call.arguments[COMMIT_ID_AT].decode(), now_s)
            self._in_flight = _InFlight(request, epoch, envelope.from_rev, sent)
        elif isinstance(envelope, Replaced):
            epoch = self._ledger.epoch(envelope.epoch)
            fields = call.arguments[HEAD_AT:]
            head = dict(zip(fields[::2], fields[1::2], strict=True))
            commit_id, more = head[b"commit"].decode(), head[b"more"] != b"0"
            sent = epoch.replace(commit_id, envelope.rev, self._built, now_s, more=more)
            self._in_flight = _InFlight(request, epoch, 0, sent)
