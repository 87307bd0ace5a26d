"""A ledger with a few commits, and the frames that a publisher would make of them."""

from typing import Any

import orjson

from local_stack.chaos.complaint import Kind, Weather
from local_stack.chaos.ledger import Ledger
from local_stack.chaos.oracle import Oracle
from local_stack.chaos.watch import Wish
from shared.channels import Channel
from shared.table import Row
from shared.wire import Commit
from tests.fakes.texts import texts

EPOCH = "20261123-abcdef"


class Market:
    """One oracle of the market's channel, in calm weather, asked and greeted."""

    def __init__(self, *wishes: Wish, ordinary: bool = True, with_ids: bool = True) -> None:
        self.ledger = Ledger()
        self.weather = Weather(calm=True)
        wished = wishes or (Wish(Channel.MARKET, "rows", 100),)
        self.oracle = Oracle("one", wished, self.ledger, self.weather, with_ids=with_ids, ordinary=ordinary)
        self.now_s = 1000.0
        self.asked: list[dict[str, object]] = []

    def connect(self) -> None:
        """A connection opens, and the status comes."""
        self.asked = self.oracle.opened(self.now_s)
        self.status(connected=True)

    def commit(
        self,
        rev: int,
        rows: dict[str, Row | None],
        channel: Channel = Channel.MARKET,
        epoch: str = EPOCH,
        *,
        ran: bool = True,
    ) -> None:
        """An ingest commits."""
        ledger = self.ledger.epoch(epoch)
        sent = ledger.send(Commit(epoch, rev - 1, rev, 0, {channel: texts(rows)}), f"commit {rev}", self.now_s)
        if ran:
            ledger.confirm(sent, rev - 1)

    def snapshot(self, rev: int, rows: dict[str, Any], **more: Any) -> Channel | None:
        """A snapshot comes."""
        return self.frame({"type": "snapshot", "epoch": EPOCH, "rev": rev, "data": rows, **more})

    def update(self, from_rev: int, rev: int, rows: dict[str, Any], **more: Any) -> Channel | None:
        """An update comes."""
        return self.frame({"type": "update", "from": from_rev, "rev": rev, "data": rows, **more})

    def status(self, *, connected: bool, feed: str = "live") -> None:
        """A status comes."""
        self.take({"type": "status", "connected": connected, "feed": feed, "reason": None})

    def frame(self, frame: dict[str, Any]) -> Channel | None:
        """A data frame comes, of the market and of now unless it says something else."""
        epoch = frame.get("epoch", EPOCH)
        known = {"channel": "market", "position": f"{epoch}.{frame['rev']}.f00d", "time": round(self.now_s * 1000)}
        return self.take({**known, **frame})

    def take(self, message: dict[str, Any]) -> Channel | None:
        """Any message comes."""
        return self.oracle.take(orjson.dumps(message), self.now_s, self.now_s * 1000)

    @property
    def complaints(self) -> list[Kind]:
        """Of what kind they are, in their order."""
        return [complaint.kind for complaint in self.oracle.complaints]
