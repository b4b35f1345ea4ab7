"""The integration kit: what a developer needs, filled in for this application, to read or to take away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from credenza import AnyResponse, ConsoleVisit, console_get, download_response, provider_metadata

from .application import ONE, ApplicationView, find, tabs
from .settings import endpoints
from .snippets import Filled, Snippet, environment, filled, snippets


@dataclass(kw_only=True)
class KitPage(ApplicationView):
    """`endpoints` are labels and addresses, those that a library finds by itself."""

    template: ClassVar[str] = "applications/kit.html"
    kit: Filled
    environment: str
    snippets: tuple[Snippet, ...]
    endpoints: tuple[tuple[str, str], ...]
    redirect_missing: bool


@console_get(ONE + "/kit", "applications:read")
async def show_kit(visit: ConsoleVisit, application: str) -> KitPage:
    client = await find(visit, application)
    document = await provider_metadata(visit.server)
    kit = await filled(visit.server, client, document)
    first, others = endpoints(visit.server, document)
    return KitPage(
        title=client.name,
        lead=client.description,
        tabs=tabs(client, "Integration kit"),
        client=client,
        kit=kit,
        environment=environment(kit),
        snippets=snippets(kit),
        endpoints=(*first[1:], *others),
        redirect_missing=client.type.redirects and not client.redirect_uris,
    )


@console_get(ONE + "/kit/env", "applications:read")
async def download_environment(visit: ConsoleVisit, application: str) -> AnyResponse:
    client = await find(visit, application)
    kit = await filled(visit.server, client, await provider_metadata(visit.server))
    content = f"# {client.name!r} signs people in with {kit.issuer}\n{environment(kit)}\n"
    return download_response(visit.server.settings, ".env", "text/plain", content.encode())
