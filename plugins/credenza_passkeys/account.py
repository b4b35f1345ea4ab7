"""Passkeys on the account page: the list, a new one, and removing one; each needs a fresh sign-in."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    PHISHING_RESISTANT,
    AccountDone,
    AccountPage,
    AccountSection,
    AccountVisit,
    Authentication,
    FactorChanged,
    LastWayIn,
    Moment,
    Undecryptable,
    Words,
    account_get,
    account_post,
    address_of,
    base64url,
    name_mistake,
    transaction,
)

from . import ceremonies, store
from .ways import FAILED, SCRIPT, for_script

HERE = "/account/security/passkeys"
TEMPLATES = Path(__file__).parent / "templates"
PATIENCE = 600  # seconds between the page and its answer
MOST_CHARACTERS = 100  # of a name


@dataclass(frozen=True, slots=True)
class Line:
    """`id` is what the form posts."""

    id: str
    name: str
    synced: bool
    added: Moment
    used: Moment | None


@dataclass(kw_only=True)
class PasskeysPage(AccountPage):
    """`data` is for the script behind the button; `ticket` comes back with its answer. `wrong`: the name is."""

    template: ClassVar[str] = "passkeys/passkeys.html"
    folder: ClassVar[Path | None] = TEMPLATES
    lines: tuple[Line, ...]
    data: Mapping[str, str]
    ticket: str
    more: bool
    typed: str = ""
    wrong: bool = False


@account_get(HERE, fresh=True)
async def list_passkeys(visit: AccountVisit) -> PasskeysPage:
    return await _page(visit)


@account_post(HERE, fresh=True)
async def add_passkey(visit: AccountVisit) -> AccountDone | PasskeysPage:
    name = visit.form.get("name", "").strip()
    if message := name_mistake(name, MOST_CHARACTERS):
        page = await _refused(visit, message, name[:MOST_CHARACTERS])
        page.wrong = True
        return page
    try:
        challenge = _challenge_of(visit)
        passkey = ceremonies.registered(
            visit.server, visit.user, visit.form.get("credential", ""), challenge, name or Words("Passkey")
        )
    except ceremonies.Refused:
        return await _refused(visit, FAILED, name)
    if len(await store.list_passkeys(visit.user.id)) >= store.MOST:
        return await _refused(visit, Words("An account cannot have more passkeys than these."), name)
    async with transaction():
        if not await store.insert_passkey(passkey):
            return await _refused(visit, Words("This passkey is registered already."), name)
        await _changed(visit, "added", passkey.name)
        amr = ("swk" if passkey.synced else "hwk", "user", "mfa")
        cookie = await visit.renew_session(Authentication(visit.user, amr, PHISHING_RESISTANT))
    return AccountDone(HERE, "passkey-added", cookie)


@account_post(f"{HERE}/remove", fresh=True)
async def remove_passkey(visit: AccountVisit) -> AccountDone | PasskeysPage:
    try:
        async with transaction():
            name = await store.delete_passkey(visit.user.id, visit.form.get("passkey", ""))
            if name is None:
                raise NotFoundException
            await visit.check_way_in()
            await _changed(visit, "removed", name)
            cookie = await visit.renew_session()
    except LastWayIn as refused:
        return await _refused(visit, refused.text)
    return AccountDone(HERE, "passkey-removed", cookie)


async def summary(visit: AccountVisit) -> str:
    many = len(await store.list_passkeys(visit.user.id))
    return Words("%(count)s set up", count=many) if many else Words("None yet")


async def export(visit: AccountVisit) -> Mapping[str, Any]:
    return {
        "passkeys": [
            {
                "name": passkey.name,
                "synced": passkey.synced,
                "added_at": visit.moment(passkey.added_at).iso,
                "last_used_at": visit.moment(passkey.last_used_at).iso if passkey.last_used_at else None,
            }
            for passkey in await store.list_passkeys(visit.user.id)
        ]
    }


SECTION = AccountSection(
    Words("Passkeys"),
    HERE,
    summary,
    routes=(list_passkeys, add_passkey, remove_passkey),
    icon="key-round",
    order=200,
    notices={
        "passkey-added": Words("The passkey is added. You can sign in with it from now on."),
        "passkey-removed": Words("The passkey is removed."),
    },
    export=export,
)


def _place(visit: AccountVisit) -> str:
    return f"a new passkey of {visit.user.id} in {visit.session.id}"


def _challenge_of(visit: AccountVisit) -> bytes:
    """The challenge of the page that this form stood on. Raises Refused."""
    try:
        ticket = json.loads(visit.server.keyring.decrypt(visit.form.get("ticket", ""), place=_place(visit)))
    except (Undecryptable, ValueError) as error:
        raise ceremonies.Refused("the form is not of this session") from error
    if ticket["at"] + PATIENCE < visit.server.now():
        raise ceremonies.Refused("the page was too old")
    return base64url.decode(ticket["challenge"])


async def _page(visit: AccountVisit) -> PasskeysPage:
    challenge = secrets.token_bytes(32)
    ticket = json.dumps({"challenge": base64url.encode(challenge), "at": visit.server.now()}).encode()
    passkeys = await store.list_passkeys(visit.user.id)
    return PasskeysPage(
        title=Words("Passkeys"),
        action=HERE,
        script=SCRIPT,
        lines=tuple(
            Line(
                p.id,
                p.name,
                p.synced,
                visit.moment(p.added_at),
                visit.moment(p.last_used_at) if p.last_used_at else None,
            )
            for p in passkeys
        ),
        data=for_script("create", await ceremonies.creation_options(visit.server, visit.user, challenge)),
        ticket=visit.server.keyring.encrypt(ticket, place=_place(visit)),
        more=len(passkeys) < store.MOST,
    )


async def _refused(visit: AccountVisit, message: str, typed: str = "") -> PasskeysPage:
    page = await _page(visit)
    page.message, page.status, page.typed = message, 422, typed
    return page


async def _changed(visit: AccountVisit, action: str, name: str) -> None:
    user = visit.user.id
    address = address_of(visit.request)
    await visit.server.emit(
        FactorChanged(actor=user, user=user, address=address, factor="passkey", action=action, title=name)
    )
