"""All views of a replica, and which of them a changed key concerns, without asking each."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from publisher_service.core.views import Mode, View, ViewKey
from shared.channels import Channel

#: Each costs some 400 bytes if nobody else watches it: 200 MB in all.
MAX_WATCHED_KEYS = 500_000


class ViewIndex:
    """Views by what makes them differ, and by the keys they watch."""

    def __init__(self) -> None:
        self._views: dict[ViewKey, View] = {}
        self._of_key: dict[tuple[Channel, str], set[View]] = {}
        self._of_all_keys: dict[Channel, set[View]] = {channel: set() for channel in Channel}
        self._of_fields: Counter[Channel] = Counter()
        self.watched_keys = 0  # of all views together, names that stand for nothing included

    def __len__(self) -> int:
        """How many views there are."""
        return len(self._views)

    def __iter__(self) -> Iterator[View]:
        """All views; the index may change meanwhile."""
        return iter(list(self._views.values()))

    def get(self, key: ViewKey) -> View | None:
        """The view that subscriptions of this kind share, if there is one."""
        return self._views.get(key)

    def has_room_for(self, view: View) -> bool:
        """Whether its keys may be watched as well."""
        return self.watched_keys + len(view.keys or ()) <= MAX_WATCHED_KEYS

    def add(self, view: View) -> None:
        """Take a view in."""
        self._views[view.key] = view
        self._of_fields[view.key.channel] += view.key.mode is Mode.FIELDS
        self._enter(view)

    def remove(self, view: View) -> None:
        """Forget a view."""
        del self._views[view.key]
        self._of_fields[view.key.channel] -= view.key.mode is Mode.FIELDS
        self._leave(view)

    @property
    def compared(self) -> set[Channel]:
        """The channels of which some view tells the changed fields only."""
        return {channel for channel, views in self._of_fields.items() if views}

    def of_all_keys(self, channel: Channel) -> Collection[View]:
        """The views that watch a whole channel."""
        return self._of_all_keys[channel]

    def of_key(self, channel: Channel, key: str) -> Iterable[View]:
        """The views that name this key, or the ring that it is in: a view may come twice."""
        watching = self._of_key.get((channel, key), ())
        if "#" not in key:
            return watching
        return [*watching, *self._of_key.get((channel, key.partition("#")[0]), ())]

    def resolve(self, view: View) -> bool:
        """Look the view's groups up again; True if one of them changed."""
        self._leave(view)
        changed = view.resolve()
        self._enter(view)
        return changed

    def _enter(self, view: View) -> None:
        self.watched_keys += len(view.keys or ())
        if view.keys is None:
            self._of_all_keys[view.key.channel].add(view)
        else:
            for key in view.keys:
                self._of_key.setdefault((view.key.channel, key), set()).add(view)

    def _leave(self, view: View) -> None:
        self._of_all_keys[view.key.channel].discard(view)
        self.watched_keys -= len(view.keys or ())
        for key in view.keys or ():
            watching = self._of_key[view.key.channel, key]
            watching.discard(view)
            if not watching:
                del self._of_key[view.key.channel, key]
