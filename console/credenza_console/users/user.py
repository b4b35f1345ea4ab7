"""One user in the console: the view, its tabs, and what hangs on the account."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import ConsoleView, ConsoleVisit, Link, Reach, User, count_open, users

LIST = "/console/users"
ONE = LIST + "/{user:str}"
LAST = "This is the last administrator with the full role. Give it to somebody else first."
TEMPLATES = Path(__file__).parent.parent / "templates"
TABS = (("Profile", ""), ("Sign-in", "/sign-in"), ("Sessions", "/sessions"), ("Consents", "/consents"))


async def find(user_id: str) -> User:
    """Raises NotFoundException."""
    user = await users.find_user(user_id)
    if user is None:
        raise NotFoundException
    return user


@dataclass(kw_only=True)
class UserView(ConsoleView):
    """A view of one user. `address` is where all of them begin."""

    folder: ClassVar[Path | None] = TEMPLATES
    user: User

    @property
    def address(self) -> str:
        return f"{LIST}/{self.user.id}"

    def __post_init__(self) -> None:
        self.path = (Link("Users", LIST), *self.path)


@dataclass(kw_only=True)
class StakeView(UserView):
    """A view that says what ends: how many sessions, and what else hangs on the user."""

    sessions: int
    touched: Reach


async def at_stake(visit: ConsoleVisit, user: User) -> dict[str, Any]:
    """The members of a StakeView."""
    alive, touched = await count_open(user.id, visit.server.now())
    return {"sessions": alive, "touched": touched}


def tabs(user: User, current: str) -> tuple[Link, ...]:
    return tuple(Link(title, f"{LIST}/{user.id}{path}", current=title == current) for title, path in TABS)


def back_to(user: User) -> tuple[Link, ...]:
    return (Link(user.display_name, f"{LIST}/{user.id}"),)
