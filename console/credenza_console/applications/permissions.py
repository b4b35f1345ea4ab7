"""What an application may ask for: the ceiling, in two halves (user data and organization data)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    Client,
    ConsoleDone,
    ConsoleVisit,
    Permission,
    Reach,
    Scope,
    bump_version,
    clients,
    console_get,
    console_post,
    permission_catalogue,
    segment_of,
    transaction,
)

from .application import ONE, ApplicationForm, ApplicationView, address_of_client, back_to, find, tabs, touched

PERMISSIONS = ONE + "/permissions"
HALVES = {
    "user": ("User data", "What the application may learn about a user, and what it may do in their name."),
    "organization": ("Organization data", "What it may do in the organization that the user chooses."),
}

ITS_OWN = {
    "user": ("Its own permissions", "What the application may do at APIs in its own name. Its roles can allow more.")
}


@dataclass(frozen=True, slots=True)
class Line:
    """One permission. `missing` when no plugin knows it any more."""

    key: str
    scope: str
    title: str
    description: str
    icon: str
    required: bool = True
    missing: bool = False
    enabled: bool = False

    @property
    def anchor(self) -> str:
        return segment_of(self.key)


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    hint: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Half:
    """`offered` is whether anything can be enabled in it, `known` whether a plugin is there that could offer it."""

    title: str
    description: str
    section: str
    groups: tuple[Group, ...]
    offered: bool
    known: bool


@dataclass(kw_only=True)
class PermissionsPage(ApplicationView):
    """`unlimited` is a first-party application, which may ask for everything."""

    template: ClassVar[str] = "applications/permissions.html"
    halves: tuple[Half, ...]
    unlimited: bool


@dataclass(kw_only=True)
class PickerPage(ApplicationForm):
    template: ClassVar[str] = "applications/add_permissions.html"
    halves: tuple[Half, ...]


@dataclass(kw_only=True)
class RemovePage(ApplicationForm):
    template: ClassVar[str] = "applications/remove_permission.html"
    line: Line
    touched: Reach


Catalogue = Mapping[Permission, Scope]


async def catalogue(visit: ConsoleVisit) -> dict[Permission, Scope]:
    """Everything that may be enabled, from every source; what is always allowed needs no enabling."""
    return {p: scope for p, scope in (await permission_catalogue(visit.server)).items() if not scope.always}


async def offered(visit: ConsoleVisit, client: Client) -> dict[Permission, Scope]:
    """What may be enabled on this one: an application that acts for itself has no user's data to ask for."""
    known, sources = await catalogue(visit), visit.server.scope_providers
    return {p: scope for p, scope in known.items() if client.type.interactive or sources[p.source].for_clients}


@console_get(PERMISSIONS, "applications:read")
async def list_permissions(visit: ConsoleVisit, application: str) -> PermissionsPage:
    client = await find(visit, application)
    enabled, known = dict(client.ceiling or {}), await catalogue(visit)
    shown = [*(p for p in known if p in enabled), *(p for p in enabled if p not in known)]  # in the picker's order
    return PermissionsPage(
        title=client.name,
        lead=client.description,
        tabs=tabs(client, "Permissions"),
        client=client,
        halves=_halves(visit, client, known, shown, enabled),
        unlimited=client.ceiling is None,
    )


@console_post(PERMISSIONS, "applications:write")
async def edit_permission(visit: ConsoleVisit, application: str) -> ConsoleDone:
    """Make one permission required, or optional so that users may decline it."""
    client = await _limited(visit, application)
    permission = _named(client.ceiling or {}, visit.form.get("permission", ""))
    required = visit.form.get("required") == "on"
    await _save(visit, client, lambda ceiling: {p: required if p == permission else r for p, r in ceiling.items()})
    word = "required" if required else "optional"
    address = f"{address_of_client(client.id)}/permissions#{segment_of(permission.key)}"
    return ConsoleDone(address, f"{permission.scope} is {word} now.")


@console_get(PERMISSIONS + "/add", "applications:write")
async def show_picker(visit: ConsoleVisit, application: str) -> PickerPage:
    return await _picker(visit, await _limited(visit, application))


@console_post(PERMISSIONS + "/add", "applications:write")
async def add_permissions(visit: ConsoleVisit, application: str) -> ConsoleDone | PickerPage:
    client = await _limited(visit, application)
    known = {permission.key: permission for permission in await offered(visit, client)}
    chosen = visit.form.all_values("permission")
    unknown = [key for key in chosen if key not in known]
    if unknown or not chosen:
        page = await _picker(visit, client)
        message = f"There is no permission {unknown[0][:200]}." if unknown else "Choose at least one permission."
        return page.refused({"": message})
    optional = visit.form.get("optional") == "on"
    fresh = {known[key]: not optional for key in chosen if known[key] not in (client.ceiling or {})}
    await _save(visit, client, lambda ceiling: {**fresh, **ceiling})
    count = f"{len(fresh)} permission{'' if len(fresh) == 1 else 's'}"
    return ConsoleDone(address_of_client(client.id) + "/permissions", f"{count} added.")


@console_get(PERMISSIONS + "/remove", "applications:write")
async def show_remove(visit: ConsoleVisit, application: str) -> RemovePage:
    return await _removal(visit, application, visit.query.get("permission", ""))


@console_post(PERMISSIONS + "/remove", "applications:write")
async def remove_permission(visit: ConsoleVisit, application: str) -> ConsoleDone | RemovePage:
    page = await _removal(visit, application, visit.form.get("permission", ""))
    client = page.client
    ceiling = client.ceiling or {}
    gone = _named(ceiling, page.line.key)
    if page.touched.any and not visit.confirms(gone.scope):
        errors = {"confirm": "That is not the permission."}
        return page.refused(errors, confirm=visit.form.get("confirm", ""))
    await _save(visit, client, lambda ceiling: {p: required for p, required in ceiling.items() if p != gone})
    return ConsoleDone(f"{page.address}/permissions", f"{page.line.title} was removed.")


Ceiling = Mapping[Permission, bool]


async def _save(visit: ConsoleVisit, client: Client, change: Callable[[Ceiling], Ceiling]) -> None:
    """Change what is enabled by now, so that two who change something at once do not undo each other's."""
    async with transaction():
        await bump_version()  # whoever else changes something waits here
        now = await clients.find_client(client.id, visit.server.client_types)
        before = (now.ceiling if now is not None else None) or {}
        ceiling = change(before)
        if now is None or dict(before) == dict(ceiling):
            return
        await clients.save_permissions(client.id, ceiling)
        await visit.changed(
            "permissions", "updated", client.id, client=client.id, before=_shown(before), after=_shown(ceiling)
        )


def _shown(ceiling: Mapping[Permission, bool]) -> dict[str, str]:
    return {permission.key: "required" if required else "optional" for permission, required in sorted(ceiling.items())}


async def _limited(visit: ConsoleVisit, application: str) -> Client:
    """An application with a ceiling; raises NotFoundException for one that may ask for everything."""
    client = await find(visit, application)
    if client.ceiling is None:
        raise NotFoundException
    return client


def _named(permissions: Iterable[Permission], key: str) -> Permission:
    for permission in permissions:
        if permission.key == key:
            return permission
    raise NotFoundException


async def _picker(visit: ConsoleVisit, client: Client) -> PickerPage:
    known = await offered(visit, client)
    seen = " Users see these words when they are asked." if client.type.interactive else ""
    return PickerPage(
        title="Add permissions",
        lead=f"What {client.name} may ask for.{seen}",
        path=back_to(client, "Permissions", "/permissions"),
        client=client,
        halves=_halves(visit, client, known, known, client.ceiling or {}),
    )


async def _removal(visit: ConsoleVisit, application: str, key: str) -> RemovePage:
    client = await _limited(visit, application)
    permission = _named(client.ceiling or {}, key)
    known = await catalogue(visit)
    return RemovePage(
        title=f"Remove {permission.scope}",
        path=back_to(client, "Permissions", "/permissions"),
        client=client,
        line=_line(permission, known, client.ceiling or {}),
        touched=await touched(visit, client, permission),
    )


def _halves(
    visit: ConsoleVisit,
    client: Client,
    known: Catalogue,
    shown: Iterable[Permission],
    enabled: Mapping[Permission, bool],
) -> tuple[Half, ...]:
    """`shown` permissions by half, and in it by source and API."""
    sources = visit.server.scope_providers
    halves = []
    for section, (title, description) in (HALVES if client.type.interactive else HALVES | ITS_OWN).items():
        groups: dict[tuple[str, str], list[Line]] = {}
        for permission in shown:
            source = sources.get(permission.source)
            if (source.section if source is not None else "user") != section:
                continue
            group = permission.resource and known[permission].group if permission in known else ""
            name = source.title if source is not None else permission.source
            heading = (group or name, permission.resource)
            groups.setdefault(heading, []).append(_line(permission, known, enabled))
        if not groups and section not in ITS_OWN and not client.type.interactive:
            continue
        halves.append(
            Half(
                title,
                description,
                section,
                tuple(Group(title, hint, tuple(lines)) for (title, hint), lines in groups.items()),
                offered=any(sources[p.source].section == section for p in known),
                known=any(source.section == section for source in sources.values()),
            )
        )
    return tuple(halves)


def _line(permission: Permission, known: Catalogue, enabled: Mapping[Permission, bool]) -> Line:
    scope = known.get(permission)
    return Line(
        key=permission.key,
        scope=permission.scope,
        title=scope.title if scope is not None else permission.scope,
        description=scope.description if scope is not None else "",
        icon=scope.icon if scope is not None else "circle-alert",
        required=enabled.get(permission, True),
        missing=scope is None,
        enabled=permission in enabled,
    )
