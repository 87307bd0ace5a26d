"""
Which web pages may connect: the one rule for websockets and for HTTP.

A browser names the page's origin in a header; programs name none, and are not what this is about.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origins(NamedTuple):
    """Same origin only, if the list is empty; `*` stands for all."""

    allowed: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, entries: tuple[str, ...]) -> "Origins":
        """From `https://board.example` and the like. Raises ValueError."""
        if any(entry != "*" and not _is_origin(entry) for entry in entries):
            raise ValueError("is neither * nor a list of origins such as https://board.example, without a path")
        return cls(frozenset(_without_default_port(entry.lower()) for entry in entries))

    def allows(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may use the service that it knows by this `Host`."""
        origin = origin.lower()
        return "*" in self.allowed or origin in self.allowed or _is_same(origin, host.lower())

    def refusal(self, origin: str) -> str:
        """What to tell a page that may not, and whom to ask."""
        return f"pages of the origin {origin[:200]} may not connect; add it to ALLOWED_ORIGINS to let them"


def _without_default_port(origin: str) -> str:
    """As browsers write it."""
    scheme = origin.partition(":")[0]
    return origin.removesuffix(f":{_DEFAULT_PORTS[scheme]}") if scheme in _DEFAULT_PORTS else origin


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and text == f"{parts.scheme}://{parts.netloc}"


def _is_same(origin: str, host: str) -> bool:
    """
    The page was served under the name and port that it now connects to.

    A balancer that ends TLS leaves the scheme unknown to us; a host without a port means the default one of the page's.
    """
    try:
        page, here = urlsplit(origin), urlsplit(f"//{host}")
        ports = page.port or _DEFAULT_PORTS.get(page.scheme), here.port or _DEFAULT_PORTS.get(page.scheme)
    except ValueError:
        return False
    return page.hostname is not None and page.hostname == here.hostname and ports[0] == ports[1]
