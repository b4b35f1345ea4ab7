"""Somebody must choose a new password: when their old one may be known to somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsoleVisit,
    User,
    address_of,
    console_get,
    console_post,
    end_most_sessions,
    require_new_password,
)

from .user import LIST, ONE, StakeView, at_stake, back_to, find


@dataclass(kw_only=True)
class NewPasswordPage(StakeView, ConsoleForm):
    template: ClassVar[str] = "users/new_password.html"


@console_get(ONE + "/new-password", "users:write")
async def show_new_password(visit: ConsoleVisit, user: str) -> NewPasswordPage:
    return await _page(visit, await find(user))


@console_post(ONE + "/new-password", "users:write")
async def require(visit: ConsoleVisit, user: str) -> ConsoleDone | NewPasswordPage:
    """`required` is what the form was for when it was made; without `sign_out` what is open stays open."""
    found = await find(user)
    required = visit.form.get("required") == "on"
    if found.password_hash is None:
        return (await _page(visit, found)).refused({"": f"{found.username} has no password."})
    if required and found.id == visit.user.id:
        return (await _page(visit, found)).refused({"": "This is your own account: change its password in /account."})
    sign_out = required and "sign_out" in visit.form
    if sign_out:
        await end_most_sessions(visit.server, found.id)
    await require_new_password(
        visit.server,
        found,
        required=required,
        actor=visit.user.id,
        address=address_of(visit.request),
        sign_out=sign_out,
    )
    done = "must choose a new password before anything else" if required else "may keep the password"
    return ConsoleDone(f"{LIST}/{found.id}", f"{found.username} {done}.")


async def _page(visit: ConsoleVisit, user: User) -> NewPasswordPage:
    return NewPasswordPage(
        title="No longer ask for a new password" if user.password_change_required else "Ask for a new password",
        path=back_to(user),
        user=user,
        values={"sign_out": "on"},
        **await at_stake(visit, user),
    )
