"""Where the views of unknown applications are, and the host in such an address."""

from __future__ import annotations

from pathlib import Path

from litestar.exceptions import NotFoundException

from credenza import Link, identifier_of, segment_of

HERE = "/console/unknown-applications"
HOST = HERE + "/hosts/{host:str}"
TEMPLATES = Path(__file__).parent.parent / "templates"
UP = Link("Unknown applications", HERE)
NONE = "~none"  # in an address, the clients that no single host stands for; no host begins like this


def address_of_host(host: str) -> str:
    return f"{HERE}/hosts/{segment_of(host) if host else NONE}"


def host_in(segment: str) -> str:
    """The host of an address, empty for clients without one. Raises NotFoundException for what cannot be a host."""
    if segment == NONE:
        return ""
    host = identifier_of(segment)
    if not host or len(host) > 255 or "/" in host:
        raise NotFoundException
    return host


def called(host: str) -> str:
    return host or "No host of their own"
