"""What a user has set up beside the password, and taking it away when it is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    ConsoleDone,
    ConsoleVisit,
    FactorChanged,
    Moment,
    address_of,
    console_get,
    console_post,
    transaction,
)

from .user import ONE, UserView, find, tabs


@dataclass(frozen=True, slots=True)
class FactorRow:
    """`factor` is its kind: what the form posts takes away all of one kind."""

    factor: str
    title: str
    detail: str
    added: Moment | None
    used: Moment | None


@dataclass(kw_only=True)
class FactorsPage(UserView):
    template: ClassVar[str] = "users/factors.html"
    rows: tuple[FactorRow, ...]
    password_changed: Moment | None


@console_get(ONE + "/sign-in", "users:read")
async def show_factors(visit: ConsoleVisit, user: str) -> FactorsPage:
    found = await find(user)
    rows = [
        FactorRow(factor.name, held.title, held.detail, visit.moment(held.added_at), visit.moment(held.last_used_at))
        for factor in visit.server.second_factors.values()
        for held in await visit.server.answer_of(factor, factor.held(found))
    ]
    return FactorsPage(
        title=found.display_name,
        tabs=tabs(found, "Sign-in"),
        user=found,
        rows=tuple(rows),
        password_changed=visit.moment(found.password_changed_at),
    )


@console_post(ONE + "/sign-in", "users:write")
async def reset_factor(visit: ConsoleVisit, user: str) -> ConsoleDone:
    """All of one kind: whoever lost the telephone lost everything that was on it."""
    found = await find(user)
    factor = visit.server.second_factors.get(visit.form.get("factor", ""))
    if factor is None:
        raise NotFoundException
    async with transaction():
        many = await visit.server.answer_of(factor, factor.reset(found))
        if many:
            await visit.server.emit(
                FactorChanged(
                    actor=visit.user.id,
                    user=found.id,
                    address=address_of(visit.request),
                    factor=factor.name,
                    action="reset",
                )
            )
            await visit.changed("second factor", "reset", found.username, user=found.id, before={"factor": factor.name})
    return ConsoleDone(f"/console/users/{found.id}/sign-in", "It was removed." if many else "There was none.")
