"""A listener of a publisher's subscription, as long as a test wants."""

from contextlib import suppress

from publisher_service.updates import Updates

DEADLINE_S = 5.0


class EnoughError(Exception):
    """Of what a test waits for."""


class Heard:
    """Takes messages, until it has so many."""

    def __init__(self, updates: Updates) -> None:
        self.messages: list[bytes] = []
        self._updates = updates
        self._enough = 0

    async def until(self, number: int) -> list[bytes]:
        """All, when there are so many."""
        self._enough = number
        with suppress(EnoughError):
            await self._updates.deliver(self.take, DEADLINE_S)
        return self.messages

    def take(self, message: bytes) -> None:
        self.messages.append(message)
        if len(self.messages) == self._enough:
            raise EnoughError
