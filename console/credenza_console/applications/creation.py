"""Creating an application: whose it is, of which type, its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    Client,
    ClientType,
    ConsoleDone,
    ConsoleForm,
    ConsoleView,
    ConsoleVisit,
    Link,
    clients,
    console_get,
    console_post,
    naming_mistakes,
    new_id,
    transaction,
)

from .application import LISTS, TEMPLATES, address_of_client
from .secrets import add_secret
from .snippets import DEVICE_CODE

CREATE = "/console/applications/create"
GRANTS = {  # what an administrator reads of a grant type that may be chosen
    DEVICE_CODE: (
        "Device authorization",
        "For televisions and command line tools: the user signs in on another device.",
    ),
    "urn:ietf:params:oauth:grant-type:token-exchange": (
        "Token exchange",
        "The application may exchange a token for one that another API accepts.",
    ),
}
PARTIES = {"my-app": False, "third-party-app": True}
UP = Link("Applications", "/console/applications")


@dataclass(kw_only=True)
class PartyPage(ConsoleView):
    template: ClassVar[str] = "applications/create_party.html"
    folder: ClassVar[Path | None] = TEMPLATES


@dataclass(kw_only=True)
class TypePage(ConsoleView):
    template: ClassVar[str] = "applications/create_type.html"
    folder: ClassVar[Path | None] = TEMPLATES
    address: str
    types: tuple[ClientType, ...]


@dataclass(kw_only=True)
class CreatePage(ConsoleForm):
    template: ClassVar[str] = "applications/create.html"
    folder: ClassVar[Path | None] = TEMPLATES
    kind: ClientType
    action: str

    @property
    def asks_for_pkce(self) -> bool:
        """Others always need it, or have no authorization request."""
        return self.kind.redirects and self.kind.confidential and self.kind.pkce == "optional"

    @property
    def grants(self) -> tuple[tuple[str, str, str], ...]:
        """What may be chosen besides: its name, and words for it."""
        return tuple((name, *GRANTS.get(name, (name, ""))) for name in self.kind.optional_grant_types)


@console_get(CREATE, "applications:write")
async def choose_party(visit: ConsoleVisit) -> PartyPage:
    return PartyPage(title="Create application", lead="Whose application is it?", path=(UP,))


@console_get(CREATE + "/{party:str}", "applications:write")
async def choose_type(visit: ConsoleVisit, party: str) -> TypePage:
    third_party = _third_party(party)
    types = tuple(kind for kind in visit.server.client_types.values() if kind.third_party or not third_party)
    return TypePage(
        title=f"Create {_article(third_party)}",
        lead="Choose the type. It cannot be changed later.",
        path=(UP, Link("Create application", CREATE)),
        address=f"{CREATE}/{party}",
        types=types,
    )


@console_get(CREATE + "/{party:str}/{kind:str}", "applications:write")
async def show_form(visit: ConsoleVisit, party: str, kind: str) -> CreatePage:
    return _form(visit, party, kind)


@console_post(CREATE + "/{party:str}/{kind:str}", "applications:write")
async def create(visit: ConsoleVisit, party: str, kind: str) -> ConsoleDone | CreatePage:
    page = _form(visit, party, kind)
    page.values = visit.typed("name", "description", "require_pkce")
    chosen = tuple(name for name in page.kind.optional_grant_types if name in visit.form.all_values("grant_type"))
    if errors := naming_mistakes(page.values):
        return page.refused(errors, **dict.fromkeys(chosen, "on"))
    client = Client(
        id=new_id(),
        name=page.values["name"],
        description=page.values["description"],
        type=page.kind,
        third_party=_third_party(party),
        grant_types=(*page.kind.grant_types, *chosen),
        auth_method=page.kind.auth_methods[0],
        require_pkce=page.asks_for_pkce and page.values["require_pkce"] == "on",
    )
    secret: Mapping[str, str] = {}
    async with transaction():
        await clients.insert_client(client, visit.server.now())
        await visit.changed(
            "application",
            "created",
            client.id,
            client=client.id,
            after={
                "name": client.name,
                "description": client.description,
                "type": client.type.name,
                "third_party": client.third_party,
                "require_pkce": client.require_pkce,
                "grant_types": client.grant_types,
            },
        )
        if client.type.confidential:
            secret = await add_secret(visit, client, "First secret", None)
    return ConsoleDone(address_of_client(client.id), f"{client.name} was created.", secret)


def _form(visit: ConsoleVisit, party: str, kind: str) -> CreatePage:
    third_party = _third_party(party)
    found = visit.server.client_types.get(kind)
    if found is None or (third_party and not found.third_party):
        raise NotFoundException
    address = f"{CREATE}/{party}"
    return CreatePage(
        title=f"Create {_article(third_party)}",
        lead=f"{found.title}. {found.description}",
        path=(UP, Link("Create application", CREATE), Link(LISTS[third_party][0].removesuffix("s"), address)),
        kind=found,
        action=f"{address}/{kind}",
    )


def _third_party(party: str) -> bool:
    if party not in PARTIES:
        raise NotFoundException
    return PARTIES[party]


def _article(third_party: bool) -> str:
    return "a third-party app" if third_party else "an app of your own"
