"""Linked accounts on the account page. Nothing is ever linked because two email addresses are alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    AccountDone,
    AccountPage,
    AccountSection,
    AccountVisit,
    FactorChanged,
    LastWayIn,
    Moment,
    Refused,
    SignInWishes,
    Words,
    account_get,
    account_post,
    address_of,
    transaction,
    visitor_of,
)

from . import store
from .pages import ACCOUNT as HERE
from .pages import TEMPLATES, sent_away


@dataclass(frozen=True, slots=True)
class Line:
    """`id` is what the form posts."""

    id: str
    provider: str
    label: str
    added: Moment
    used: Moment | None


@dataclass(kw_only=True)
class LinkedPage(AccountPage):
    """`others` are ids and titles of providers with which an account can be linked."""

    template: ClassVar[str] = "upstream/linked.html"
    folder: ClassVar[Path | None] = TEMPLATES
    lines: tuple[Line, ...]
    others: tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class LeavingPage(AccountPage):
    """On to the other provider: by itself, or with a click."""

    template: ClassVar[str] = "upstream/leaving.html"
    folder: ClassVar[Path | None] = TEMPLATES
    provider: str
    address: str


@account_get(HERE, fresh=True)
async def show_linked(visit: AccountVisit) -> LinkedPage:
    return await _page(visit)


@account_post(HERE, fresh=True)
async def link(visit: AccountVisit) -> LeavingPage | LinkedPage:
    """A form with its token, and a session with a name: nobody can be made to link somebody else's account."""
    upstream = await store.find_upstream(visit.form.get("provider", ""))
    if upstream is None or not upstream.enabled:
        raise NotFoundException
    why = {"user": visit.user.id, "session": visit.session.id}
    try:
        address = await sent_away(visitor_of(visit.request), upstream, why, SignInWishes(choose=True))
    except Refused:
        page = await _page(visit)
        page.message, page.status = (
            Words("%(provider)s is not answering. Try again later.", provider=upstream.title),
            422,
        )
        return page
    return LeavingPage(
        title=Words("Continue to %(provider)s", provider=upstream.title), provider=upstream.title, address=address
    )


@account_post(f"{HERE}/remove", fresh=True)
async def unlink(visit: AccountVisit) -> AccountDone | LinkedPage:
    try:
        async with transaction():
            if not await store.delete_link(visit.user.id, visit.form.get("link", "")):
                raise NotFoundException
            await visit.check_way_in()
            await visit.server.emit(
                FactorChanged(
                    actor=visit.user.id,
                    user=visit.user.id,
                    address=address_of(visit.request),
                    factor="upstream",
                    action="removed",
                )
            )
            cookie = await visit.renew_session()
    except LastWayIn as refused:
        page = await _page(visit)
        page.message, page.status = refused.text, 422
        return page
    return AccountDone(HERE, "upstream-removed", cookie)


async def summary(visit: AccountVisit) -> str | None:
    links = await store.list_links(visit.user.id)
    if not links and not await store.list_upstreams(enabled=True):
        return None
    return Words("%(count)s linked", count=len(links)) if links else Words("None yet")


async def export(visit: AccountVisit) -> Mapping[str, Any]:
    return {
        "linked_accounts": [
            {
                "provider": link.upstream,
                "subject": link.subject,
                "label": link.label,
                "linked_at": visit.moment(link.added_at).iso,
            }
            for link in await store.list_links(visit.user.id)
        ]
    }


SECTION = AccountSection(
    Words("Linked accounts"),
    HERE,
    summary,
    routes=(show_linked, link, unlink),
    icon="log-in",
    order=400,
    notices={"upstream-removed": Words("The account is not linked any more.")},
    export=export,
)


async def _page(visit: AccountVisit) -> LinkedPage:
    upstreams = {upstream.id: upstream for upstream in await store.list_upstreams()}
    links = await store.list_links(visit.user.id)
    return LinkedPage(
        title=Words("Linked accounts"),
        action=HERE,
        lines=tuple(
            Line(
                link.id,
                upstreams[link.upstream].title,
                link.label,
                visit.moment(link.added_at),
                visit.moment(link.last_used_at) if link.last_used_at else None,
            )
            for link in links
            if link.upstream in upstreams
        ),
        others=tuple((upstream.id, upstream.title) for upstream in upstreams.values() if upstream.enabled),
    )
