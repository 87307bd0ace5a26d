"""What can go wrong so that a program has to know."""


class TableFailed(Exception):  # noqa: N818 (it is what happened)
    """The server refused a subscription, or ended it; `code` is one of the protocol's."""

    def __init__(self, channel: str, code: str, message: str) -> None:
        super().__init__(f"{channel}: {message} ({code})")
        self.channel, self.code, self.message = channel, code, message


class NotLoaded(TimeoutError):  # noqa: N818 (it is what happened)
    """There is nothing to show in the time given; the text says why, as far as it is known."""
