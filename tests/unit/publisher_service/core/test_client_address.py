"""Whose address counts, behind balancers that may be trusted and headers that may not."""

from ipaddress import ip_address

import pytest

from publisher_service.core.client_address import Proxies, client_address

INSIDE = Proxies.parse(["10.0.0.0/8", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "203.0.113.1", "198.51.100.7"),  # not a proxy of ours: anybody may write a header
        ("10.0.0.2", "203.0.113.1", "203.0.113.1"),
        ("10.0.0.2", "203.0.113.1, 10.0.0.9", "203.0.113.1"),  # two balancers of ours
        ("10.0.0.2", "192.0.2.66, 203.0.113.1", "203.0.113.1"),  # what the client wrote itself stands further left
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "10.0.0.3", "10.0.0.3"),
        ("10.0.0.2", "203.0.113.1:54321", "203.0.113.1"),
        ("10.0.0.2", "[2001:db9::1]:443", "2001:db9::1"),
        ("2001:db8::5", "2001:db9::1", "2001:db9::1"),
        ("::ffff:10.0.0.2", "203.0.113.1", "203.0.113.1"),
        ("10.0.0.2", "203.0.113.1, unknown", "10.0.0.2"),
        ("10.0.0.2", "203.0.113.1, <script>", "10.0.0.2"),
        ("10.0.0.2", " , ,203.0.113.1, ", "203.0.113.1"),
        ("", "203.0.113.1", ""),
    ],
)
def test_the_address_is_the_last_one_that_no_trusted_proxy_has(peer: str, header: str, client: str) -> None:
    assert client_address(peer, header, INSIDE, ()) == client


def test_nobody_is_trusted_unless_set() -> None:
    assert client_address("127.0.0.1", "203.0.113.1", Proxies(), ()) == "127.0.0.1"


def test_a_proxy_with_a_name_is_trusted_at_the_address_that_was_looked_up() -> None:
    proxies = Proxies.parse(["lb"])

    found = client_address("172.18.0.5", "203.0.113.1", proxies, [ip_address("172.18.0.5")])
    other = client_address("172.18.0.6", "203.0.113.1", proxies, [ip_address("172.18.0.5")])

    assert (found, other) == ("203.0.113.1", "172.18.0.6")


def test_addresses_networks_and_names_are_told_apart() -> None:
    proxies = Proxies.parse(["192.0.2.1", "10.0.0.0/8", "::1", "lb", "lb-1.internal.example"])

    assert [str(network) for network in proxies.networks] == ["192.0.2.1/32", "10.0.0.0/8", "::1/128"]
    assert proxies.names == ("lb", "lb-1.internal.example")


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "10.0.0.1/8", "300.1.1.1", "1.2.3", "a b", "lb:80", "http://lb", ""])
def test_what_is_none_of_them_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="addresses, networks"):
        Proxies.parse([entry])
