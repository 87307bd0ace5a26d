"""Which keys of a channel a client wants: names, groups (`@VN30`), or all."""

from collections.abc import Iterable
from sys import intern
from typing import NamedTuple
from zlib import crc32

from shared.channels import Channel
from shared.table import Table

#: A longer list is a mistake: groups name the large sets.
MAX_KEYS = 2000
MAX_KEY_LENGTH = 64


class InvalidKeys(ValueError):  # noqa: N818 (the name says what it is)
    """A key expression that cannot be meant."""


class Resolved(NamedTuple):
    """A selection at one moment of the groups."""

    keys: frozenset[str] | None  # names of rows, and of rings of rows: see `Table.matching`; None: all
    rev: int  # of the newest change of a group in it


class Selection(NamedTuple):
    """A key expression in canonical order. Equal selections are equal values, so clients share a view."""

    names: tuple[str, ...]  # empty: all keys

    @classmethod
    def of(cls, keys: Iterable[str] | None) -> "Selection":
        """From the keys as the client wrote them; None means all. Raises InvalidKeys."""
        if keys is None:
            return ALL
        names = sorted({intern(key.strip()) for key in keys})  # thousands of lists name the same keys
        if not names or not all(names):
            raise InvalidKeys("keys must name at least one key, and none may be empty; leave keys out for all")
        if len(names) > MAX_KEYS or max(map(len, names)) > MAX_KEY_LENGTH:
            raise InvalidKeys(
                f"keys may hold {MAX_KEYS} names of {MAX_KEY_LENGTH} characters; use groups, such as @VN30"
            )
        if not all(map(str.isprintable, names)):
            raise InvalidKeys("keys may hold no control characters, nor others that cannot be printed")
        return cls(tuple(names))

    def resolve(self, groups: Table) -> Resolved:
        """The keys meant now. A group that is not known yet is empty: it may come tomorrow."""
        if not self.names:
            return Resolved(None, 0)
        keys: set[str] = set()
        rev = 0
        for name in self.names:
            if not name.startswith("@"):
                keys.add(name)
            elif (entry := groups.get(name[1:])) is not None:
                rev = max(rev, entry.rev)
                members = entry.row.get("keys") if entry.row else None
                keys.update(intern(str(member)) for member in members) if isinstance(members, list) else None
        return Resolved(frozenset(keys), rev)

    def fingerprint(self, channel: Channel) -> str:
        """Eight hexadecimal digits that tell one channel and selection from another, the same on all replicas."""
        words = "\0".join((channel, *self.names))  # no key holds that character
        return f"{crc32(words.encode()):08x}"


ALL = Selection(())
