"""One of those that are measured: how it is started, fed, and subscribed to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
#: What is compared with, and the clients' program.
VAR = ROOT / "var" / "bench"


class Unavailable(Exception):  # noqa: N818 (the name says what it is)
    """It cannot be installed or started here; the text says why."""


class Feeding(StrEnum):
    """By which way the data gets into it."""

    MESSAGES = "one PUBLISH a frame"
    COMMITS = "one commit a frame, as the ingest makes it"
    POSTS = "one POST a frame, which it passes on by its own Redis engine"


class Place(NamedTuple):
    """Where it is to run."""

    port: int
    folder: Path  # for what it writes
    redis_host: str
    redis_port: int
    redis_password: str
    redis_prefix: str  # of the tables that commits go to
    redis_channel: str  # of the messages

    @property
    def redis_url(self) -> str:
        """It holds the password; never log it."""
        return f"redis://:{self.redis_password}@{self.redis_host}:{self.redis_port}/0"


@dataclass(frozen=True)
class Contestant:
    """A server, and what its clients say."""

    name: str
    version: str
    command: Callable[[Place], Sequence[str]]
    environment: Callable[[Place], Mapping[str, str]] = lambda _: {}
    folder: Path | None = None  # the working directory; None: this one
    ready: str = ""  # a path that answers with 200 when it is; empty: it listens when it is ready
    feeding: Feeding = Feeding.MESSAGES
    post: str = ""  # the path of posts
    post_body: Callable[[str], str] = lambda message: message
    rows: int = 1  # of a commit
    path: str = "/"
    paths: tuple[str, ...] = ()  # of client after client, instead
    says: tuple[str, ...] = ()  # what each client says after the handshake
    first: str = '"type":"update"'  # what the first data frame of a client holds
    post_headers: Mapping[str, str] = field(default_factory=dict)
