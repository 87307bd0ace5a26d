"""How much is compressed for single clients: a share of the processor, whatever they ask for."""

from publisher_service.core.frames import Frame

#: Of finished frames, not compressed: what takes up to a tenth of a core. Beyond, they leave as they are, which any
#: client understands. What several clients take is compressed once for all of them, and does not count.
OWN_BYTES_PER_S = 8_000_000
#: So much at once: eight milliseconds. Not more is saved up.
OWN_BURST_BYTES = 1_000_000
#: To begin takes time, however small a frame is: each counts as so many bytes.
LEAST_BYTES = 3_000


class Deflation:
    """Chooses the form in which a frame leaves. A little is saved up."""

    def __init__(self, now_s: float) -> None:
        self._left_bytes = float(OWN_BURST_BYTES)
        self._at_s = now_s

    def form(self, frame: Frame, *, takers: int, now_s: float) -> bytes:
        """The frame as it leaves for so many clients that agreed on compression."""
        if takers == 1 and not frame.is_deflated:
            grown = self._left_bytes + (now_s - self._at_s) * OWN_BYTES_PER_S
            self._left_bytes, self._at_s = min(float(OWN_BURST_BYTES), grown), now_s
            cost = max(LEAST_BYTES, len(frame.plain))
            if self._left_bytes < cost:
                return frame.plain
            self._left_bytes -= cost
        return frame.deflated
