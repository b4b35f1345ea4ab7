"""Who sent a request that proxies passed on. Pure functions of addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable


def first_sender(address: str, forwarded: Iterable[str], proxies: tuple[str, ...]) -> str:
    """The last address that one of these proxies vouches for; `forwarded` are the values of X-Forwarded-For, in order.

    Some proxies add a header of their own below the one that came: all of them are one list. RFC 9110 §5.3.
    """
    hops = [hop.strip() for hop in ",".join(forwarded).split(",") if hop.strip()]
    while hops and is_in(address, proxies):
        address = _without_port(hops.pop())
    return address


def is_in(address: str, networks: tuple[str, ...]) -> bool:
    """Whether the address is one of these, or in one of these networks; IPv4 also as a socket for both tells it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(
        parsed in network
        for network in (ipaddress.ip_network(n, strict=False) for n in networks)
        if network.version == parsed.version
    )


def _without_port(hop: str) -> str:
    """Some proxies add it, and IPv6 has brackets then. It says nothing of who that is."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
