"""Creating a user: an account, and a link with which its owner chooses the password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsoleVisit,
    Link,
    User,
    check_email,
    check_username,
    console_get,
    console_post,
    invite,
    is_unique_violation,
    transaction,
    users,
)

from .common import LIST, TEMPLATES


@dataclass(kw_only=True)
class CreatePage(ConsoleForm):
    template: ClassVar[str] = "users/create.html"
    folder: ClassVar[Path | None] = TEMPLATES


@console_get(LIST + "/create", "users:write")
async def show_form(visit: ConsoleVisit) -> CreatePage:
    return _page()


@console_post(LIST + "/create", "users:write")
async def create(visit: ConsoleVisit) -> ConsoleDone | CreatePage:
    typed = {name: visit.form.get(name, "").strip() for name in ("username", "email", "name")}
    username, email = typed["username"].lower(), typed["email"].lower()
    checks = {"username": check_username(username), "email": check_email(email), "name": check_name(typed["name"])}
    if errors := {name: message for name, message in checks.items() if message}:
        return _page().refused(errors, **typed)
    now = visit.server.now()
    profile = {"name": typed["name"]} if typed["name"] else {}
    user = User(users.new_user_id(), username, email or None, profile=profile, created_at=now, updated_at=now)
    try:
        async with transaction():
            await users.insert_user(user)
            link = await invite(visit.server, purpose="password", user_id=user.id)
            await visit.changed(
                "user", "created", username, user=user.id, after={"username": username, "email": email, **profile}
            )
    except Exception as error:
        if is_unique_violation(error):
            return _page().refused({"username": "Somebody has this user name already."}, **typed)
        raise
    return ConsoleDone(f"{LIST}/{user.id}", f"{username} was created.", {"link": link})


def check_name(name: str) -> str:
    """What is wrong with a person's name; empty when nothing is."""
    return "" if len(name) <= 200 and name.isprintable() else "A name has at most 200 characters."


def _page() -> CreatePage:
    return CreatePage(
        title="Create user",
        lead="You get a link to hand over; with it the person chooses a password.",
        path=(Link("Users", LIST),),
    )
