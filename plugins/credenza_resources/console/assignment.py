"""Who holds which roles: a panel on the page of a user and of a machine-to-machine application, with its form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    Client,
    ConsoleDone,
    ConsoleForm,
    ConsolePanel,
    ConsoleView,
    ConsoleVisit,
    Link,
    User,
    changed_meanwhile,
    clients,
    console_get,
    console_post,
    identifier_of,
    segment_of,
    state_of,
    unchanged,
    users,
)

from .. import store
from .api_resources import TEMPLATES

USER = "/console/users/{user:str}/roles"
CLIENT = "/console/applications/{application:str}/roles"
GONE = {"": "One of these roles does not exist any more."}


@dataclass(kw_only=True)
class RolesPanel(ConsoleView):
    """`roles` are ids and names; `edit` is the address of the form, empty for who may not change them."""

    template: ClassVar[str] = "roles/panel.html"
    folder: ClassVar[Path | None] = TEMPLATES
    roles: tuple[tuple[str, str], ...]
    edit: str


@dataclass(kw_only=True)
class RolesForm(ConsoleForm):
    """`roles` are ids, names, descriptions and whether they are ticked."""

    template: ClassVar[str] = "roles/assignment.html"
    folder: ClassVar[Path | None] = TEMPLATES
    action: str
    back: str
    roles: tuple[tuple[str, str, str, bool], ...]


async def show_user_panel(visit: ConsoleVisit, user: User) -> RolesPanel:
    held = await store.user_roles(user.id)
    edit = f"/console/users/{user.id}/roles" if visit.may("roles:write") else ""
    return RolesPanel(title="Roles", roles=_sorted(held), edit=edit)


async def show_client_panel(visit: ConsoleVisit, client: Client) -> RolesPanel | None:
    """Only an application that acts for itself holds roles; others act for their users."""
    if client.type.interactive:
        return None
    held = await _client_roles(client)
    edit = f"/console/applications/{segment_of(client.id)}/roles" if visit.may("roles:write") else ""
    return RolesPanel(title="Roles", roles=_sorted(held), edit=edit)


@console_get(USER, "roles:write")
async def show_user_roles(visit: ConsoleVisit, user: str) -> RolesForm:
    found = await _user(user)
    held = await store.user_roles(found.id)
    return await _user_form(found, held, held)


@console_post(USER, "roles:write")
async def save_user_roles(visit: ConsoleVisit, user: str) -> ConsoleDone | RolesForm:
    found = await _user(user)
    before = await store.user_roles(found.id)
    page = await _user_form(found, before, visit.form.all_values("role"))
    read, write = partial(store.user_roles, found.id), partial(store.set_user_roles, found.id)
    return await _save(visit, page, before, read, write, "user roles", found.username, user=found.id)


@console_get(CLIENT, "roles:write")
async def show_client_roles(visit: ConsoleVisit, application: str) -> RolesForm:
    found = await _client(visit, application)
    held = await _client_roles(found)
    return await _client_form(found, held, held)


@console_post(CLIENT, "roles:write")
async def save_client_roles(visit: ConsoleVisit, application: str) -> ConsoleDone | RolesForm:
    found = await _client(visit, application)
    before = await _client_roles(found)
    page = await _client_form(found, before, visit.form.all_values("role"))
    read, write = partial(_client_roles, found), partial(store.set_client_roles, found.id)
    return await _save(visit, page, before, read, write, "application roles", found.id, client=found.id)


async def _save(
    visit: ConsoleVisit,
    page: RolesForm,
    before: dict[str, str],
    read: Callable[[], Awaitable[dict[str, str]]],
    write: Callable[[Iterable[str]], Awaitable[None]],
    kind: str,
    target: str,
    *,
    user: str = "",
    client: str = "",
) -> ConsoleDone | RolesForm:
    """`read` finds ids to names, as `before`; `write` takes the ids that were chosen. The rest is for the audit log."""
    wanted = _wanted(visit, page)
    errors = changed_meanwhile(visit.form, sorted(before), beside=GONE if wanted is None else {})
    if wanted is None or errors:
        return page.refused(errors)
    if wanted != before:
        async with unchanged(before, read):
            await write(wanted)
            await visit.changed(
                kind,
                "updated",
                target,
                user=user,
                client=client,
                before={"roles": sorted(before.values())},
                after={"roles": sorted(wanted.values())},
            )
    return ConsoleDone(page.back, "The roles were saved.")


def _wanted(visit: ConsoleVisit, page: RolesForm) -> dict[str, str] | None:
    """Ids to names of the roles that are ticked; None when one of them does not exist."""
    known = {role: name for role, name, _, _ in page.roles}
    chosen = visit.form.all_values("role")
    return {role: known[role] for role in chosen} if known.keys() >= set(chosen) else None


async def _user(user_id: str) -> User:
    user = await users.find_user(user_id)
    if user is None:
        raise NotFoundException
    return user


async def _client(visit: ConsoleVisit, segment: str) -> Client:
    client = await clients.find_client(identifier_of(segment), visit.server.client_types)
    if client is None or client.type.interactive:
        raise NotFoundException
    return client


async def _client_roles(client: Client) -> dict[str, str]:
    """Ids to names."""
    return {role: name for name, role in (await store.client_roles(client.id)).items()}


def _sorted(held: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(held.items(), key=lambda item: item[1]))


async def _user_form(user: User, held: Collection[str], chosen: Collection[str]) -> RolesForm:
    up, back = Link("Users", "/console/users"), f"/console/users/{user.id}"
    return await _form(user.display_name, up, back, held, chosen)


async def _client_form(client: Client, held: Collection[str], chosen: Collection[str]) -> RolesForm:
    up, back = Link("Applications", "/console/applications"), f"/console/applications/{segment_of(client.id)}"
    return await _form(client.name, up, back, held, chosen)


async def _form(name: str, up: Link, back: str, held: Collection[str], chosen: Collection[str]) -> RolesForm:
    return RolesForm(
        title=f"Roles of {name}",
        lead="Applications can ask for what these roles allow. Changes apply from the next token on.",
        path=(up, Link(name, back)),
        action=f"{back}/roles",
        back=back,
        seen=state_of(sorted(held)),
        roles=tuple((r["id"], r["name"], r["description"], r["id"] in chosen) for r in await store.list_roles()),
    )


USER_PANEL = ConsolePanel(
    "Roles", "user", "roles:read", show_user_panel, routes=(show_user_roles, save_user_roles), order=100
)
CLIENT_PANEL = ConsolePanel(
    "Roles", "application", "roles:read", show_client_panel, routes=(show_client_roles, save_client_roles), order=100
)
