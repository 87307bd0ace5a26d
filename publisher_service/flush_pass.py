"""A pass over the views that are due together, and what they share."""

from publisher_service.client import Client
from publisher_service.core.frames import Frame
from publisher_service.core.news import News, NewsKey
from publisher_service.core.replica import Replica
from publisher_service.core.views import View

#: Frames that are compressed in one pass though a single client takes them: some ten milliseconds. The others leave as
#: they are, which any client understands.
MAX_OWN_DEFLATIONS = 200


class FlushPass:
    """What is shared by the views that are flushed together."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._news: dict[NewsKey, News] = {}
        self._deflations_left = MAX_OWN_DEFLATIONS
        self.joint: dict[Client, list[bytes]] = {}  # of clients that watch several channels: their frames

    def news(self, view: View) -> News:
        """What changed since the view was flushed last."""
        key = NewsKey(view.key.channel, view.key.mode, view.rev)
        news = self._news.get(key)
        if news is None:
            news = self._news[key] = News(key, self._replica)
        return news

    def data(self, frame: Frame, *, deflates: bool, takers: int = 1) -> bytes:
        """The frame as it leaves for clients that agreed on compression, or did not."""
        if not deflates:
            return frame.plain
        if takers == 1 and not frame.is_deflated:
            if self._deflations_left == 0:
                return frame.plain
            self._deflations_left -= 1
        return frame.deflated
