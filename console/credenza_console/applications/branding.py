"""How an application shows itself on the sign-in and consent pages."""

from __future__ import annotations

from dataclasses import asdict, replace

from credenza import Branded, Branding, BrandingEditor, ConsoleVisit, Link, clients

from .application import LISTS, ONE, address_of_client, find, kind_of, tabs


class ApplicationBranding(BrandingEditor):
    path = ONE + "/branding"
    permission = "applications"
    level = "application"
    fields = tuple(name for name in BrandingEditor.fields if name != "favicon")

    async def find(self, visit: ConsoleVisit, **parameters: str) -> Branded:
        client = await find(visit, parameters["application"])
        return Branded(
            owner=f"application {client.id}",
            address=f"{address_of_client(client.id)}/branding",
            title=client.name,
            lead=kind_of(client),
            path=(Link(*LISTS[client.third_party]),),
            tabs=tabs(client, "Branding"),
            branding=client.branding,
            client=client,
        )

    async def publish(self, visit: ConsoleVisit, branded: Branded, branding: Branding) -> None:
        client = branded.client
        assert client is not None
        before, after = asdict(client.branding), asdict(branding)
        differing = [name for name in after if before[name] != after[name]]
        await clients.edit_client(replace(client, branding=branding), ("branding",), visit.server.now())
        await visit.changed(
            "branding",
            "updated",
            client.id,
            client=client.id,
            before={name: before[name] for name in differing},
            after={name: after[name] for name in differing},
        )
