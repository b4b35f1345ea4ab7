"""Deleting one's own account, with a fresh sign-in and the user name typed. GDPR Art. 17."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from litestar import get, post
from litestar.exceptions import NotFoundException

from credenza import (
    AccountPage,
    AccountVisit,
    AnyRequest,
    AnyResponse,
    ObjectChanged,
    Page,
    SignInNeeded,
    Words,
    address_of,
    as_typed,
    clear_user,
    end_all_sessions,
    end_most_sessions,
    render,
    revoke_grants,
    sessions,
    transaction,
    users,
)

from .frame import TEMPLATES, posted, show, visit

HERE = "/account/data/delete"
DATA = "/account/data"


@dataclass(kw_only=True)
class DeletionPage(AccountPage):
    """Asks for the user name. An administrator (`blocked`) has to ask another one."""

    template: ClassVar[str] = "account/deletion.html"
    folder: ClassVar[Path | None] = TEMPLATES
    tab: ClassVar[str] = DATA
    username: str
    blocked: bool
    typed: str = ""


@dataclass(kw_only=True)
class DeletedPage(Page):
    """The account is gone."""

    template: ClassVar[str] = "account/deleted.html"
    name: ClassVar[str] = "account-deleted"
    folder: ClassVar[Path | None] = TEMPLATES


@get(HERE, name="account deletion")
async def show_deletion(request: AnyRequest) -> AnyResponse:
    here = await visit(request, fresh=True)
    _check_allowed(here)
    return await show(here, _page(here))


@post(HERE, status_code=200, name="delete account")
async def delete_account(request: AnyRequest) -> AnyResponse:
    """Sessions, consents, tokens and factors go with the account; its identifier is never used again."""
    here = await posted(request, HERE, fresh=True)
    _check_allowed(here)
    page = _page(here)
    page.typed = here.form.get("confirm", "").strip()[:150]
    if page.blocked or as_typed(page.typed) != as_typed(here.user.username):
        page.status = 422
        page.message = "" if page.blocked else Words("That is not your username.")
        return await show(here, page)
    user = here.user
    await end_most_sessions(here.server, user.id, but=here.session.id)
    await clear_user(user.id, lambda: _sign_out_elsewhere(here))
    async with transaction():
        if not await sessions.hold_signed_in(here.session):
            raise SignInNeeded(HERE)
        await end_all_sessions(here.server, user.id)
        await users.delete_user(user.id)
        await here.server.emit(
            ObjectChanged(
                actor=user.id,
                user=user.id,
                target=user.username,
                address=address_of(request),
                kind="user",
                action="deleted",
            )
        )
    return await render(request, DeletedPage(title=Words("Your account is deleted")))


async def _sign_out_elsewhere(here: AccountVisit) -> None:
    """Before very much goes a little at a time; who is here stays, to ask once more should it stop in the middle."""
    async with transaction():
        if not await sessions.hold_signed_in(here.session):
            raise SignInNeeded(HERE)
        await end_all_sessions(here.server, here.user.id, but=here.session.id)
        await revoke_grants(here.server.now(), user_id=here.user.id)


def _check_allowed(here: AccountVisit) -> None:
    if not here.server.settings.account_deletion:
        raise NotFoundException


def _page(here: AccountVisit) -> DeletionPage:
    return DeletionPage(
        title=Words("Delete your account"),
        action=HERE,
        username=here.user.username,
        blocked=bool(here.user.administrator),
    )
