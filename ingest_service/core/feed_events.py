"""What the feed tells its owner."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ingest_service.core import signalr


class LinkUp(NamedTuple):
    """All connections of the layout stand, and each has taken its subscription."""

    layout: tuple[str, ...]  # the channel expression of each connection; more than one: split


class LinkDown(NamedTuple):
    """A connection was lost or could not be made; it is being made anew. Told for each attempt that fails."""

    reason: str
    quota: bool = False  # the server said that it is too much: of connections, or of calls


class Broadcasts(NamedTuple):
    """Market messages in the order in which they were read. With several connections they may come before `LinkUp`."""

    arguments: list[str]  # the text of each, as its feed reads it: of FastConnect the JSON of {"DataType", "Content"}
    received_ms: int  # when the newest was read, Unix ms


class HubMessage(NamedTuple):
    """The server's complaint, in its own words."""

    text: str


class SubscriptionRefused(NamedTuple):
    """The server refused this channel expression. The others live on; it is asked for again after minutes."""

    expression: str
    reason: str


class FrameSkipped(NamedTuple):
    """A frame, or a call in it, that could not be used: to be counted by its reason."""

    reason: str  # "malformed", "method", "arguments" or "frame"


FeedEvent = LinkUp | LinkDown | Broadcasts | HubMessage | SubscriptionRefused | FrameSkipped


def told_by(events: Sequence[signalr.Event], received_ms: int) -> Iterator[FeedEvent]:
    """What a frame, read at this moment, tells the owner: its messages first, then what was odd."""
    arguments = [event.argument for event in events if isinstance(event, signalr.Broadcast)]
    if arguments:
        yield Broadcasts(arguments, received_ms)
    if len(arguments) == len(events):
        return  # as nearly always
    for event in events:
        match event:
            case signalr.Unknown(what):
                yield FrameSkipped(what)
            case signalr.HubError(text):
                yield HubMessage(text)
            case _:
                pass
