"""A client that knows only the client's rule: snapshot replaces, update merges, anything else is a gap."""

from typing import Any


class TableClient:
    """One channel's table as a client holds it. A frame that does not continue what is held fails the test."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.rev = -1
        self.position = ""
        self.updates = 0

    def take(self, message: dict[str, Any]) -> None:
        """Apply a message; others than data are ignored."""
        if message["type"] not in ("snapshot", "update"):
            return
        if message["type"] == "snapshot":
            if message.get("part", 1) == 1:
                # Until the last part has come nothing is held that could be resumed.
                self.rows, self.position = {}, ""
        else:
            if message["rev"] <= self.rev < message["rev"] + 1 and not message["data"]:
                self.position = message["position"]
                return
            assert message["from"] <= self.rev, f"gap: holds {self.rev}, update from {message['from']}"
            assert self.rev <= message["rev"], "revisions never go back"
            self.updates += 1
        for key, row in message["data"].items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = self.rows.get(key, {}) | row
        if message.get("part", 1) == message.get("parts", 1):
            self.rev, self.position = message["rev"], message["position"]
