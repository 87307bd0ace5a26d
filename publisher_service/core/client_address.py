"""
The address of who speaks to us, behind balancers that pass it on in `X-Forwarded-For`.

The header is believed only from an address that is trusted, and only as far as each hop in it is trusted as well:
whatever stands before that could have been written by anybody.
"""

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

# A last part that is all digits makes it an address, and one that is wrong.
_HOST_NAME = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*(?!\d+$)[A-Za-z0-9_-]{1,63}")

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Proxies(NamedTuple):
    """Who may say for whom it speaks."""

    networks: tuple[Network, ...] = ()
    names: tuple[str, ...] = ()  # host names: an edge looks their addresses up

    @classmethod
    def parse(cls, entries: Collection[str]) -> "Proxies":
        """From addresses, networks (`10.0.0.0/8`) and host names. Raises ValueError."""
        networks: list[Network] = []
        names: list[str] = []
        for entry in entries:
            try:
                networks.append(ip_network(entry))
            except ValueError:
                if not _HOST_NAME.fullmatch(entry):
                    raise ValueError("is no list of addresses, networks such as 10.0.0.0/8, and host names") from None
                names.append(entry)
        return cls(tuple(networks), tuple(names))


def client_address(peer: str, forwarded_for: str, proxies: Proxies, looked_up: Collection[Address]) -> str:
    """
    The client's address: the last one in `forwarded_for` that is not a trusted proxy's.

    `peer` is the other end of the connection; `looked_up` are the present addresses of the proxies with names.
    """
    client = parse_address(peer)
    if client is None:
        return peer  # a unix socket has none
    hops = [hop for hop in forwarded_for.split(",") if hop.strip()]
    while hops and _is_trusted(client, proxies, looked_up):
        hop = parse_address(hops.pop())
        if hop is None:
            break  # what nobody can read is nobody's address
        client = hop
    return str(client)


def _is_trusted(address: Address, proxies: Proxies, looked_up: Collection[Address]) -> bool:
    return address in looked_up or any(address in network for network in proxies.networks)


def parse_address(text: str) -> Address | None:
    """An address as proxies write it: with or without brackets and a port."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
