"""Other providers in the console: what an administrator enters, checked against what the provider says of itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsolePage,
    ConsoleView,
    ConsoleVisit,
    Link,
    Moment,
    Refused,
    alone,
    bump_version,
    changed_meanwhile,
    console_get,
    console_post,
    state_of,
    transaction,
    unchanged,
)

from . import store
from .checks import mistakes
from .pages import TEMPLATES
from .provider import callback_of, metadata
from .store import Upstream

LIST = "/console/sign-in-providers"
ONE = LIST + "/{upstream:str}"
UP = Link("Sign-in providers", LIST)
TAKEN = "There is one of this name already."
TEXTS = ("title", "issuer", "client_id", "scope")
SWITCHES = ("enabled", "create_users")


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    title: str
    issuer: str
    enabled: bool
    links: int
    created: Moment | None


@dataclass(kw_only=True)
class UpstreamList(ConsoleView):
    template: ClassVar[str] = "upstream/list.html"
    folder: ClassVar[Path | None] = TEMPLATES
    rows: tuple[Row, ...]


@dataclass(kw_only=True)
class UpstreamForm(ConsoleForm):
    """A new provider, or one that is there: then its name in addresses stays, and an empty secret keeps the old one."""

    template: ClassVar[str] = "upstream/form.html"
    folder: ClassVar[Path | None] = TEMPLATES
    action: str
    callback: str
    known: str = ""
    links: int = 0


@console_get(LIST, "providers:read")
async def list_upstreams(visit: ConsoleVisit) -> UpstreamList:
    rows = [
        Row(u.id, u.title, u.issuer, u.enabled, await store.count_links(u.id), visit.moment(u.created_at))
        for u in await store.list_upstreams()
    ]
    return UpstreamList(
        title="Sign-in providers",
        lead="Other OpenID Providers whose accounts people can use to sign in here.",
        rows=tuple(rows),
    )


@console_get(LIST + "/create", "providers:write")
async def show_create(visit: ConsoleVisit) -> UpstreamForm:
    return _new_form(visit)


@console_post(LIST + "/create", "providers:write")
async def create(visit: ConsoleVisit) -> ConsoleDone | UpstreamForm:
    page, name = _new_form(visit), visit.form.get("id", "").strip()
    typed = _typed(visit)
    errors = await _errors(visit, name, typed)
    if "id" not in errors and await store.find_upstream(name) is not None:
        errors["id"] = TAKEN
    if errors:
        return page.refused(errors, id=name, **typed)
    upstream = Upstream(
        id=name,
        **{text: typed[text] for text in TEXTS},
        secret=store.sealed_secret(visit.server, name, visit.form.get("secret", "").strip()),
        enabled=typed["enabled"] == "on",
        create_users=typed["create_users"] == "on",
        created_at=visit.server.now(),
    )
    async with transaction():
        if not await store.insert_upstream(upstream):
            return page.refused({"id": TAKEN}, id=name, **typed)  # somebody else was quicker
        await _written(visit, upstream, "created", {}, store.shown(upstream))
    return ConsoleDone(LIST, f"{upstream.title} was added.")


@console_get(ONE, "providers:read")
async def show_upstream(visit: ConsoleVisit, upstream: str) -> UpstreamForm:
    return await _form(visit, await _find(upstream))


@console_post(ONE, "providers:write")
async def save(visit: ConsoleVisit, upstream: str) -> ConsoleDone | UpstreamForm:
    """The issuer stays: links are to accounts of that one."""
    found = await _find(upstream)
    typed = _typed(visit) | {"issuer": found.issuer}
    wrong = await _errors(visit, found.id, typed)
    if errors := changed_meanwhile(visit.form, asdict(found), beside=wrong):
        return (await _form(visit, found)).refused(errors, **typed)
    secret = visit.form.get("secret", "").strip()
    changed = Upstream(
        id=found.id,
        **{text: typed[text] for text in TEXTS},
        secret=store.sealed_secret(visit.server, found.id, secret) if secret else found.secret,
        enabled=typed["enabled"] == "on",
        create_users=typed["create_users"] == "on",
        created_at=found.created_at,
    )
    before, after = store.shown(found), store.shown(changed)
    if secret:
        before, after = before | {"client_secret": "…"}, after | {"client_secret": "… (changed)"}
    if before != after:
        async with unchanged(found, partial(_find, found.id)):
            await store.save_upstream(changed)
            await _written(visit, changed, "updated", before, after)
    return ConsoleDone(LIST, f"{changed.title} was saved.")


@console_get(ONE + "/delete", "providers:write")
async def show_delete(visit: ConsoleVisit, upstream: str) -> UpstreamForm:
    return await _delete_form(visit, await _find(upstream))


@console_post(ONE + "/delete", "providers:write")
async def delete(visit: ConsoleVisit, upstream: str) -> ConsoleDone | UpstreamForm:
    found = await _find(upstream)
    if not visit.confirms(found.id):
        return (await _delete_form(visit, found)).refused(
            {"confirm": "That is not its name."}, confirm=visit.form.get("confirm", "")
        )
    async with alone():
        if not await store.delete_upstream(found.id):
            raise NotFoundException  # by somebody else in this very moment
        await bump_version()
        await visit.changed("sign-in provider", "deleted", found.id, before={"issuer": found.issuer})
    return ConsoleDone(LIST, f"{found.title} was deleted.")


async def _written(
    visit: ConsoleVisit, upstream: Upstream, action: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    await bump_version()
    await visit.changed("sign-in provider", action, upstream.id, before=before, after=after)


def _typed(visit: ConsoleVisit) -> dict[str, str]:
    return {name: visit.form.get(name, "").strip() for name in (*TEXTS, *SWITCHES)}


async def _errors(visit: ConsoleVisit, name: str, typed: dict[str, str]) -> dict[str, str]:
    """The provider itself is asked, so that a mistake shows here and not at somebody's sign-in."""
    errors = mistakes(name, typed)
    if "issuer" in errors:
        return errors
    try:
        await metadata(visit.server, typed["issuer"], fresh=True)
    except Refused as refused:
        errors["issuer"] = f"Its discovery document cannot be used: {refused}."
    return errors


async def _find(upstream_id: str) -> Upstream:
    found = await store.find_upstream(upstream_id)
    if found is None:
        raise NotFoundException
    return found


def _new_form(visit: ConsoleVisit) -> UpstreamForm:
    return UpstreamForm(
        title="Add a sign-in provider",
        lead="Register this server there with the redirect URI below, then enter the values that you get.",
        path=(UP,),
        action=f"{LIST}/create",
        callback=callback_of(visit.server, "SHORT-NAME"),
        values={"scope": store.SCOPE, "enabled": "on"},
    )


async def _form(visit: ConsoleVisit, upstream: Upstream) -> UpstreamForm:
    return UpstreamForm(
        title=upstream.title,
        path=(UP,),
        action=f"{LIST}/{upstream.id}",
        callback=callback_of(visit.server, upstream.id),
        known=upstream.id,
        links=await store.count_links(upstream.id),
        seen=state_of(asdict(upstream)),
        values={
            **{name: getattr(upstream, name) for name in TEXTS},
            **{name: "on" if getattr(upstream, name) else "" for name in SWITCHES},
        },
    )


@dataclass(kw_only=True)
class DeleteForm(UpstreamForm):
    template: ClassVar[str] = "upstream/delete.html"


async def _delete_form(visit: ConsoleVisit, upstream: Upstream) -> DeleteForm:
    return DeleteForm(
        title=f"Delete {upstream.title}",
        path=(UP, Link(upstream.title, f"{LIST}/{upstream.id}")),
        action=f"{LIST}/{upstream.id}/delete",
        callback="",
        known=upstream.id,
        links=await store.count_links(upstream.id),
    )


async def find_upstreams(visit: ConsoleVisit, words: str) -> list[Link]:
    """For the search: by name, or by the provider's address."""
    known = await store.list_upstreams()
    called = (u for u in known if words.lower() in u.title.lower() or words.lower() in u.issuer.lower())
    return [Link(u.title, f"{LIST}/{u.id}", "log-in") for u in called]


PAGE = ConsolePage(
    "Sign-in providers",
    LIST,
    (list_upstreams, show_create, create, show_upstream, save, show_delete, delete),
    icon="log-in",
    section="Policy",
    order=300,
    find=find_upstreams,
)
