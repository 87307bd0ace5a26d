"""The balancers whose word about a client's address is believed, and the present addresses of those with names."""

import asyncio
import logging
import socket
from collections.abc import Iterable

from starlette.types import Scope

from publisher_service.core.client_address import Address, Proxies, client_address, parse_address

log = logging.getLogger(__name__)

#: A balancer that was moved is believed at its new address after this long at most, and no longer at its old one.
MAX_AGE_S = 5.0
#: Whoever is not known may be a balancer that has just started; so often at most is looked again.
MIN_AGE_S = 0.5
LOOKUP_DEADLINE_S = 2.0


class TrustedProxies:
    """Tells whom a connection comes from. Looks names up when somebody refers to a proxy, not all the time."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies
        self._addresses: dict[str, frozenset[Address]] = {}  # name → where it was found last
        self._looked_up_at_s = float("-inf")
        self._looking = asyncio.Lock()

    async def client_of(self, scope: Scope) -> str:
        """The client's address; empty for a local socket, which has none."""
        peer = scope["client"][0] if scope.get("client") else ""
        told = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        if not told and ":" not in peer:
            return peer  # as the kernel writes it, and nobody speaks for another
        forwarded_for = ",".join(told)
        if forwarded_for and self._proxies.names:
            await self._keep_fresh(peer)
        return client_address(peer, forwarded_for, self._proxies, self._known)

    @property
    def _known(self) -> frozenset[Address]:
        return frozenset().union(*self._addresses.values())

    async def _keep_fresh(self, peer: str) -> None:
        loop = asyncio.get_running_loop()
        max_age_s = MAX_AGE_S if parse_address(peer) in self._known else MIN_AGE_S
        async with self._looking:  # those who come at the same time wait for the same answer
            if loop.time() - self._looked_up_at_s < max_age_s:
                return
            for name in self._proxies.names:
                try:
                    async with asyncio.timeout(LOOKUP_DEADLINE_S):
                        found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
                except (OSError, UnicodeError, TimeoutError) as error:
                    # What was found before stays: a name server that fails must not make all clients one.
                    log.warning(
                        "a trusted proxy's name is not found", extra={"proxy": name, "reason": type(error).__name__}
                    )
                    continue
                self._addresses[name] = frozenset(_addresses(entry[4][0] for entry in found))
            self._looked_up_at_s = loop.time()


def _addresses(texts: Iterable[str | int]) -> Iterable[Address]:
    return (address for text in texts if (address := parse_address(str(text))) is not None)
