"""Secrets of an application: several at once, so that the old one works until the new one is in use. Shown once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    Client,
    ConsoleDone,
    ConsoleVisit,
    Moment,
    Reach,
    clients,
    console_get,
    console_post,
    digest_secret,
    name_mistake,
    new_token,
    transaction,
)

from .application import ONE, ApplicationForm, address_of_client, back_to, find, touched

DAY = 24 * 3600
LIFETIMES = (("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("180", "In 180 days"), ("365", "In a year"))
MOST = 20


@dataclass(frozen=True, slots=True)
class SecretRow:
    id: str
    name: str
    hint: str
    created: Moment | None
    expires: Moment | None
    expired: bool
    last_used: Moment | None


@dataclass(kw_only=True)
class NewSecretPage(ApplicationForm):
    template: ClassVar[str] = "applications/new_secret.html"
    lifetimes: tuple[tuple[str, str], ...] = LIFETIMES


@dataclass(kw_only=True)
class DeleteSecretPage(ApplicationForm):
    template: ClassVar[str] = "applications/delete_secret.html"
    secret: SecretRow
    touched: Reach
    last: bool


async def list_secrets(visit: ConsoleVisit, client: Client) -> tuple[SecretRow, ...]:
    now = visit.server.now()
    return tuple(
        SecretRow(
            id=row["id"],
            name=row["name"],
            hint=row["hint"],
            created=visit.moment(row["created_at"]),
            expires=visit.moment(row["expires_at"]),
            expired=row["expires_at"] is not None and row["expires_at"] <= now,
            last_used=visit.moment(row["last_used_at"]),
        )
        for row in await clients.list_secrets(client.id)
    )


async def add_secret(visit: ConsoleVisit, client: Client, name: str, expires_at: int | None) -> Mapping[str, str]:
    """Store the hash of a new secret; returns the secret for the one time that it is shown."""
    secret = new_token("client_secret")
    async with transaction():
        secret_id = await clients.insert_secret(
            client.id,
            name=name,
            digest=digest_secret(secret),
            hint=secret[-4:],
            now=visit.server.now(),
            expires_at=expires_at,
        )
        await visit.changed(
            "client secret",
            "created",
            secret_id,
            client=client.id,
            after={"name": name, "expires_at": expires_at},
        )
    return {"name": name, "value": secret}


@console_get(ONE + "/secrets/create", "applications:write")
async def show_new_secret(visit: ConsoleVisit, application: str) -> NewSecretPage:
    return _form(await _confidential(visit, application))


@console_post(ONE + "/secrets/create", "applications:write")
async def create_secret(visit: ConsoleVisit, application: str) -> ConsoleDone | NewSecretPage:
    client = await _confidential(visit, application)
    page = _form(client)
    page.values = {name: visit.form.get(name, "").strip() for name in ("name", "expires")}
    errors = {}
    if message := name_mistake(page.values["name"], 100, missing="Give it a name, so that you recognize it."):
        errors["name"] = message
    if page.values["expires"] not in dict(LIFETIMES):
        errors["expires"] = "Choose when it expires."
    if not errors and len(client.secrets) >= MOST:
        errors["name"] = f"An application has at most {MOST} secrets. Delete one first."
    if errors:
        return page.refused(errors)
    days = page.values["expires"]
    expires_at = visit.server.now() + int(days) * DAY if days else None
    secret = await add_secret(visit, client, page.values["name"], expires_at)
    return ConsoleDone(address_of_client(client.id), f"The secret {page.values['name']} was created.", secret)


@console_get(ONE + "/secrets/{secret:str}/delete", "applications:write")
async def show_delete_secret(visit: ConsoleVisit, application: str, secret: str) -> DeleteSecretPage:
    return await _delete_page(visit, application, secret)


@console_post(ONE + "/secrets/{secret:str}/delete", "applications:write")
async def delete_secret(visit: ConsoleVisit, application: str, secret: str) -> ConsoleDone | DeleteSecretPage:
    page = await _delete_page(visit, application, secret)
    if not visit.confirms(page.secret.name):
        errors = {"confirm": "That is not its name."}
        return page.refused(errors, confirm=visit.form.get("confirm", ""))
    async with transaction():
        if not await clients.delete_secret(page.client.id, secret):
            raise NotFoundException  # by somebody else in this very moment
        await visit.changed(
            "client secret", "deleted", secret, client=page.client.id, before={"name": page.secret.name}
        )
    return ConsoleDone(page.address, f"The secret {page.secret.name} was deleted.")


def _form(client: Client) -> NewSecretPage:
    return NewSecretPage(
        title="Create secret",
        lead="Shown only once, on the next page. Other secrets keep working until they expire or you delete them.",
        path=back_to(client),
        client=client,
        values={"expires": ""},
    )


async def _confidential(visit: ConsoleVisit, application: str) -> Client:
    client = await find(visit, application)
    if not client.type.confidential:
        raise NotFoundException
    return client


async def _delete_page(visit: ConsoleVisit, application: str, secret: str) -> DeleteSecretPage:
    client = await _confidential(visit, application)
    rows = {row.id: row for row in await list_secrets(visit, client)}
    if secret not in rows:
        raise NotFoundException
    return DeleteSecretPage(
        title=f"Delete the secret {rows[secret].name}",
        path=back_to(client),
        client=client,
        secret=rows[secret],
        touched=await touched(visit, client),
        last=len([row for row in rows.values() if not row.expired]) <= 1 and not rows[secret].expired,
    )
