"""Creating a user: an account, and a link with which its owner chooses the password."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from credenza import (
    AlreadyExists,
    ConsoleDone,
    ConsoleForm,
    ConsoleVisit,
    Link,
    User,
    as_identifier,
    console_get,
    console_post,
    email_mistake,
    invitation_mail,
    invite,
    name_mistake,
    unchanged,
    username_mistake,
    users,
)

from .user import LIST, TEMPLATES

TAKEN = "Somebody has this username already."


@dataclass(kw_only=True)
class CreatePage(ConsoleForm):
    template: ClassVar[str] = "users/create.html"
    folder: ClassVar[Path | None] = TEMPLATES
    mail: bool = False
    """Whether the link can be mailed."""


async def taken_mistake(email: str, user_id: str = "") -> str:
    owner = await users.find_confirmed_owner(email, user_id) if email else None
    return f"This is the confirmed address of {owner.username}." if owner is not None else ""


@console_get(LIST + "/create", "users:write")
async def show_form(visit: ConsoleVisit) -> CreatePage:
    return _page(visit)


@console_post(LIST + "/create", "users:write")
async def create(visit: ConsoleVisit) -> ConsoleDone | CreatePage:
    typed = {name: visit.form.get(name, "").strip() for name in ("username", "email", "name", "send")}
    username, email = as_identifier(typed["username"]), as_identifier(typed["email"])
    checks = {
        "username": username_mistake(username),
        "email": email_mistake(email),
        "name": name_mistake(typed["name"], 200),
    }
    checks["email"] = checks["email"] or await taken_mistake(email)
    if errors := {name: message for name, message in checks.items() if message}:
        return _page(visit).refused(errors, **typed)
    mailer = visit.server.mailer if typed["send"] == "on" else None
    if mailer is not None and not email:
        return _page(visit).refused({"email": "Where should the mail go?"}, **typed)
    now = visit.server.now()
    profile = {"name": typed["name"]} if typed["name"] else {}
    user = User(users.new_user_id(), username, email or None, profile=profile, created_at=now, updated_at=now)
    try:
        async with unchanged("", partial(taken_mistake, email)):
            await users.insert_user(user)
            link = await invite(visit.server, purpose="password", user_id=user.id)
            if mailer is not None:
                await visit.server.send_mail(await invitation_mail(visit.server, user, link))
            await visit.changed(
                "user", "created", username, user=user.id, after={"username": username, "email": email, **profile}
            )
    except AlreadyExists:
        return _page(visit).refused({"username": TAKEN}, **typed)
    if mailer is not None:
        return ConsoleDone(f"{LIST}/{user.id}", f"{username} was created. An invitation is on its way to {email}.")
    return ConsoleDone(f"{LIST}/{user.id}", f"{username} was created.", {"link": link})


def _page(visit: ConsoleVisit) -> CreatePage:
    mail = visit.server.mailer is not None
    return CreatePage(
        title="Create user",
        lead="They choose a password with a link that is emailed to them, or that you pass on."
        if mail
        else "They choose a password with a link that you pass on.",
        path=(Link("Users", LIST),),
        values={"send": "on"} if mail else {},
        mail=mail,
    )
