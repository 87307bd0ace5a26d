"""A pass over the views that are due together, and what they share."""

from publisher_service.client import Client
from publisher_service.core.news import News, NewsKey
from publisher_service.core.replica import Replica
from publisher_service.core.views import View


class FlushPass:
    """What is shared by the views that are flushed together."""

    def __init__(self, replica: Replica, now_s: float) -> None:
        self.now_s = now_s
        self._replica = replica
        self._news: dict[NewsKey, News] = {}
        self.joint: dict[Client, list[bytes]] = {}  # of clients that watch several channels: their frames

    def news(self, view: View) -> News:
        """What changed since the view was flushed last."""
        key = NewsKey(view.key.channel, view.key.mode, view.rev)
        news = self._news.get(key)
        if news is None:
            news = self._news[key] = News(key, self._replica)
        return news
