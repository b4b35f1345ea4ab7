"""Clients that nobody registered: they register themselves (RFC 7591, RFC 7592), or their id is an address.

They are third-party clients under one shared ceiling, and unverified until an administrator says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from litestar import Router
from piccolo.conf.apps import AppConfig

from credenza import (
    Cleaner,
    Client,
    ClientSource,
    ConsolePage,
    ConsolePanel,
    Listener,
    ObjectChanged,
    Settings,
    StateSection,
    hookimpl,
)

from . import ceiling, hosts, management, registration
from .ceiling import Ceiling
from .console import PAGE, PANELS
from .documents import POLICY as DOCUMENT
from .documents import Documents
from .hosts import Decisions, under
from .state import SECTION
from .store import delete_logos, delete_unused
from .tables import APP_CONFIG


class UnregisteredClients(ClientSource):
    """Puts the shared ceiling over every client that came by itself, and finds those whose id is an address."""

    name = "unregistered"

    def __init__(self) -> None:
        self._ceiling = Ceiling()
        self._decisions = Decisions()
        self._documents: Documents | None = None

    def concerns(self, client_id: str, stored: Client | None) -> bool:
        return client_id.startswith("https://") if stored is None else stored.self_registered

    async def find(self, client_id: str, stored: Client | None, *, fresh: bool) -> Client | None:
        if client_id.startswith("https://") or (stored and stored.metadata["registered_by"] == DOCUMENT.by):
            stored = await self._of_document(client_id, stored, fresh)
        if stored is None:
            return None
        stored = replace(stored, ceiling={**await self._ceiling.get(), **(stored.ceiling or {})})
        return under(hosts.about(await self._decisions.all(), stored), stored)

    async def forget(self, source: str, resource: str, scope: str) -> None:
        await ceiling.forget(source, resource, scope)
        await hosts.forget(source, resource, scope)

    async def _of_document(self, client_id: str, stored: Client | None, fresh: bool) -> Client | None:
        """The last good copy is enough for tokens that are there already; the client itself needs the document."""
        if not self.server.settings.client_id_metadata_documents:
            return None
        if not fresh or (stored is not None and not stored.enabled):
            return stored
        if self._documents is None:
            self._documents = Documents(self.server, self._decisions)
        return await self._documents.client(client_id, stored)


@hookimpl
def register_tables() -> AppConfig:
    return APP_CONFIG


@hookimpl
def register_client_sources() -> ClientSource:
    return UnregisteredClients()


@hookimpl
def register_metadata(settings: Settings) -> Mapping[str, object]:
    members: dict[str, object] = {}
    if settings.registration != "off":
        members["registration_endpoint"] = f"{settings.issuer}/register"
    if settings.client_id_metadata_documents:
        members["client_id_metadata_document_supported"] = True
    return members


@hookimpl
def register_routes(settings: Settings) -> Router | None:
    if settings.registration == "off":
        return None
    return Router(
        "/",
        route_handlers=[
            registration.preflight,  # first, or Litestar answers OPTIONS by itself
            registration.register,
            management.read,
            management.update,
            management.remove,
        ],
    )


@hookimpl
def register_listeners() -> Listener:
    return on_event


async def on_event(event: ObjectChanged) -> None:
    if event.kind == "application" and event.action in ("enabled", "disabled"):
        await hosts.decided_by_itself(event.client)


@hookimpl
def register_cleaners() -> Sequence[Cleaner]:
    return delete_unused, delete_logos


@hookimpl
def register_state() -> StateSection:
    return SECTION


@hookimpl(optionalhook=True)
def console_pages() -> ConsolePage:
    return PAGE


@hookimpl(optionalhook=True)
def console_panels() -> Sequence[ConsolePanel]:
    return PANELS
