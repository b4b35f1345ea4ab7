"""The authenticator app on the account page: set up, removed, and new recovery codes; each needs a fresh sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException
from markupsafe import Markup

from credenza import (
    MFA,
    AccountDone,
    AccountPage,
    AccountSection,
    AccountShown,
    AccountVisit,
    Authentication,
    FactorChanged,
    Moment,
    Words,
    account_get,
    account_post,
    address_of,
    transaction,
)

from . import seeds, store
from .factors import TEMPLATES, WRONG, digits
from .seeds import matching_step, new_seed, sealed, unsealed

HERE = "/account/security/authenticator"


@dataclass(kw_only=True)
class AppPage(AccountPage):
    """What is set up (`on`), or the picture to set it up with; `address` opens an app that is on the same
    device; `codes` are shown once."""

    template: ClassVar[str] = "totp/app.html"
    folder: ClassVar[Path | None] = TEMPLATES
    on: bool = False
    added: Moment | None = None
    used: Moment | None = None
    left: int = 0
    picture: str = ""
    address: str = ""
    seed: str = ""
    sealed: str = ""
    codes: tuple[str, ...] = ()


@account_get(HERE, fresh=True)
async def show_app(visit: AccountVisit) -> AppPage:
    found = await store.has_app(visit.user)
    if found is None:
        return await _new(visit, new_seed())
    added, used = found
    left, _ = await store.recovery_codes(visit.user)
    return _page(on=True, added=visit.moment(added), used=visit.moment(used) if used else None, left=left)


@account_post(HERE, fresh=True)
async def save_app(visit: AccountVisit) -> AccountDone | AccountShown | AppPage:
    """Whoever has one must remove it first: the form of an old tab replaces nothing."""
    seed = unsealed(visit.server, visit.user, visit.form.get("seed", ""))
    if seed is None or await store.has_app(visit.user) is not None:
        return AccountDone(HERE)
    step = matching_step(seed, digits(visit.form), visit.server.now())
    if step is None:
        page = await _new(visit, seed)
        page.message, page.status = WRONG, 422
        return page
    async with transaction():
        if not await store.save_app(visit.server, visit.user, seed, step):
            return AccountDone(HERE)
        codes = await store.new_recovery_codes(visit.server, visit.user)
        await _changed(visit, "totp", "added")
        cookie = await visit.renew_session(Authentication(visit.user, ("otp", "mfa"), MFA))
    return AccountShown(_page(codes=tuple(codes)), cookie)


@account_post(f"{HERE}/remove", fresh=True)
async def remove_app(visit: AccountVisit) -> AccountDone:
    async with transaction():
        if not await store.delete_app(visit.user):
            raise NotFoundException
        await store.delete_recovery_codes(visit.user)
        await _changed(visit, "totp", "removed")
        cookie = await visit.renew_session()
    return AccountDone(HERE, "totp-removed", cookie)


@account_post(f"{HERE}/recovery-codes", fresh=True)
async def renew_codes(visit: AccountVisit) -> AccountShown:
    if await store.has_app(visit.user) is None:
        raise NotFoundException
    async with transaction():
        codes = await store.new_recovery_codes(visit.server, visit.user)
        await _changed(visit, "recovery-code", "added")
        cookie = await visit.renew_session()
    return AccountShown(_page(codes=tuple(codes)), cookie)


async def summary(visit: AccountVisit) -> str:
    found = await store.has_app(visit.user)
    if found is None:
        return Words("Not set up")
    left, _ = await store.recovery_codes(visit.user)
    return Words("On · %(left)s recovery codes left", left=left)


async def export(visit: AccountVisit) -> Mapping[str, Any]:
    found = await store.has_app(visit.user)
    left, _ = await store.recovery_codes(visit.user)
    return {"set_up_at": visit.moment(found[0]).iso if found else None, "recovery_codes_left": left}


SECTION = AccountSection(
    Words("Authenticator app"),
    HERE,
    summary,
    routes=(show_app, save_app, remove_app, renew_codes),
    icon="smartphone",
    order=300,
    notices={"totp-removed": Words("The second step is removed.")},
    export=export,
)


async def _new(visit: AccountVisit, seed: str) -> AppPage:
    provider = (await visit.server.provider_branding()).display_name
    address = seeds.address_of(seed, visit.user, provider)
    drawn = Markup(seeds.picture(address))  # noqa: S704  # drawn by us
    return _page(picture=drawn, address=address, seed=seed, sealed=sealed(visit.server, visit.user, seed))


def _page(**values: Any) -> AppPage:
    return AppPage(title=Words("Authenticator app"), action=HERE, **values)


async def _changed(visit: AccountVisit, factor: str, action: str) -> None:
    await visit.server.emit(
        FactorChanged(
            actor=visit.user.id, user=visit.user.id, address=address_of(visit.request), factor=factor, action=action
        )
    )
