"""Clients that no administrator registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..protocol.clients import Client

if TYPE_CHECKING:
    from ..server import AuthorizationServer


class ClientSource:
    """Where clients come from that no administrator registered. Subclass it and set `name`."""

    name: ClassVar[str]
    server: AuthorizationServer
    """Set when the server starts, before any method is called."""

    def concerns(self, client_id: str, stored: Client | None) -> bool:
        """Whether `find` has anything to say. Called for every request, so it must not wait."""
        return True

    async def find(self, client_id: str, stored: Client | None, *, fresh: bool) -> Client | None:
        """The client as it counts now: `stored`, unless this source knows better. Asked when it `concerns` this source.

        `fresh` when the client itself asks for something (authorization and token endpoint): only then may this wait on
        the network, for at most `plugins_timeout` seconds, and raise InvalidClient with a sentence for its developer.
        """
        return stored

    async def forget(self, source: str, resource: str, scope: str) -> None:
        """Permissions are deleted, in the transaction that is open: those of a scope source at a resource, or one of
        them; an empty `source` or `scope` is each. What this source allows of them goes too. It may be told twice.
        """
