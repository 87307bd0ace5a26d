"""What is on its way to a client: the frames of one message."""

from dataclasses import dataclass

from publisher_service.core import frames
from shared.table import JSON


@dataclass(slots=True, eq=False)
class Delivery:
    """
    Frames, one after the other, and the revision that the last one brings a client to.

    The finished frames may be let go, for everybody who shares them: then they are made anew, see `View.part`.
    """

    parts: frames.Parts
    rev: int
    from_rev: int | None = None  # of an update; None: a snapshot
    request_id: JSON = None

    def __len__(self) -> int:
        """How many frames."""
        return len(self.parts.keys)

    @property
    def size(self) -> int:
        """Bytes of the finished frames, not compressed."""
        return sum(len(frame.plain) for frame in self.parts.frames)

    @property
    def let_go(self) -> bool:
        """The finished frames are gone."""
        return not self.parts.frames

    def thin(self) -> None:
        """Keep only what the frames are made of."""
        self.parts.frames.clear()
