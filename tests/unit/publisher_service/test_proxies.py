"""When the names of trusted proxies are looked up, and what counts if nobody answers."""

import asyncio
import socket
from typing import Any

import pytest
from starlette.types import Scope

from publisher_service.core.client_address import Proxies
from publisher_service.proxies import TrustedProxies


class Names:
    """Stands in for the name server and for time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.address: str | None = "10.0.0.1"
        self.asked = 0
        self.now_s = 100.0
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "getaddrinfo", self._look_up)
        monkeypatch.setattr(loop, "time", lambda: self.now_s)

    async def _look_up(self, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        self.asked += 1
        if self.address is None:
            raise socket.gaierror("no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self.address, 0))]


def request(peer: str, forwarded: str = "203.0.113.1") -> Scope:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return {"type": "websocket", "client": (peer, 1), "headers": headers}


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


async def test_a_name_is_looked_up_again_and_the_old_address_is_not_believed_any_more(names: Names) -> None:
    proxies = TrustedProxies(Proxies.parse(["lb"]))

    first = await proxies.client_of(request("10.0.0.1"))
    names.address, names.now_s = "10.0.0.2", names.now_s + 6
    moved = await proxies.client_of(request("10.0.0.2"))
    old = await proxies.client_of(request("10.0.0.1"))

    assert (first, moved, old) == ("203.0.113.1", "203.0.113.1", "10.0.0.1")


async def test_a_name_server_that_fails_does_not_make_all_clients_one(names: Names) -> None:
    proxies = TrustedProxies(Proxies.parse(["lb"]))
    await proxies.client_of(request("10.0.0.1"))

    names.address, names.now_s = None, names.now_s + 60

    assert await proxies.client_of(request("10.0.0.1")) == "203.0.113.1"


async def test_nobody_is_looked_up_for_who_speaks_for_itself_nor_too_often_for_anybody(names: Names) -> None:
    proxies = TrustedProxies(Proxies.parse(["lb"]))

    await proxies.client_of(request("198.51.100.1", forwarded=""))
    quiet = names.asked
    for _ in range(20):
        await proxies.client_of(request("198.51.100.1"))

    assert (quiet, names.asked) == (0, 1)
