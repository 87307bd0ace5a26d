"""What a token permits: until when, and which channels and keys."""

from typing import NamedTuple

from publisher_service.core.selection import Selection
from shared.channels import Channel
from shared.table import Table


class InvalidToken(Exception):  # noqa: N818 (the name says what it is)
    """A token that permits nothing; the text says why, and holds nothing of the token."""


class Grant(NamedTuple):
    """The content of a valid token. Without a scope all channels are permitted, without an end for ever."""

    expires_ms: int | None = None  # Unix ms
    scope: dict[Channel, Selection] | None = None

    def permits(self, channel: Channel, selection: Selection, groups: Table) -> bool:
        """
        Whether all that is selected lies within the scope.

        A group in the scope permits itself and the members that it has now. A group that is asked for must stand in the
        scope by its name: its members may be others tomorrow. With the name of a ring its keys are permitted.
        """
        if self.scope is None:
            return True
        permitted = self.scope.get(channel)
        if permitted is None:
            return False
        if not permitted.names:
            return True
        if not selection.names:
            return False  # all rows are more than some
        members = permitted.resolve(groups).keys or frozenset()
        return all(
            name in permitted.names or name in members or name.partition("#")[0] in members for name in selection.names
        )

    def covers(self, channel: Channel) -> bool:
        """Whether anything of the channel is permitted."""
        return self.scope is None or channel in self.scope


#: What everybody may where no tokens are asked for.
EVERYTHING = Grant()


def parse_scope(text: str) -> dict[Channel, Selection]:
    """
    From a claim such as `index market:@VN30,SSI foreign:@VN30`: channels, some of them with keys.

    Names that are no channels are left alone: a token may serve several services. Raises InvalidToken.
    """
    scope: dict[Channel, Selection] = {}
    for item in text.split():
        name, colon, keys = item.partition(":")
        channel = next((channel for channel in Channel if channel == name), None)
        if channel is None:
            continue
        try:
            wider = Selection.of(keys.split(",")) if colon else Selection.of(None)
        except ValueError as error:
            raise InvalidToken(f"the token's scope has no valid keys for {name}") from error
        before = scope.get(channel)
        if before is None:
            scope[channel] = wider
        elif before.names and wider.names:
            scope[channel] = Selection.of([*before.names, *wider.names])
        else:
            scope[channel] = Selection.of(None)
    return scope
