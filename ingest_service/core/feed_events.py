"""What the feed tells its owner."""

from typing import NamedTuple


class LinkUp(NamedTuple):
    """All connections of the layout stand, and each has taken its subscription."""

    layout: tuple[str, ...]  # the channel expression of each connection; more than one: split


class LinkDown(NamedTuple):
    """A connection was lost or could not be made; it is being made anew. Told for each attempt that fails."""

    reason: str
    quota: bool = False  # the server said that it is too much: of connections, or of calls


class Broadcasts(NamedTuple):
    """Market messages in the order in which they were read. With several connections they may come before `LinkUp`."""

    arguments: list[str]  # each the JSON text of {"DataType", "Content"}
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
