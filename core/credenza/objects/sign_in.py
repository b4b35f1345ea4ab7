"""Ways to prove who one is: the first proof, which the sign-in page offers, and the second one after it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..protocol.assurance import MFA, PASSWORD
from ..protocol.clients import Client
from ..protocol.errors import InvalidRequest
from ..protocol.parameters import Parameters
from ..protocol.words import Words
from ..store.users import User
from .prompts import Waiting

if TYPE_CHECKING:
    from ..server import AuthorizationServer


_OUR_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")


@dataclass(frozen=True, slots=True)
class Authentication:
    """A proof that the user is there. `amr` are values of RFC 8176, `acr` is the class of authentication it reaches.

    `at` is when it was given (Unix time), where that was earlier and elsewhere.
    """

    user: User
    amr: tuple[str, ...]
    acr: str = PASSWORD
    at: int | None = None


@dataclass(frozen=True, slots=True)
class SignInWishes:
    """What a sign-in has to fulfil, beside proving who it is.

    `max_age` is how many seconds ago the user may have been authenticated: 0 for just now, None for whenever. With
    `choose` they may want another account than last time. `client` is the application that will be told when it was,
    None for a page of ours.
    """

    max_age: int | None = None
    choose: bool = False
    client: Client | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """Another way to prove who one is: a button that posts `authenticator` with its name, or a link to `address`.

    A way that needs a `script` (an address on our origin) is hidden until the script shows it; `data` becomes `data-…`
    attributes of the button, for the script.
    """

    name: str
    title: str
    icon: str = "key"
    address: str = ""
    script: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


class Authenticator:
    """A way to sign in, offered on the sign-in page. The one named "password" owns the form's two fields.

    `amr` states how it authenticates (RFC 8176), `acr` is the class of authentication that it reaches.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    amr: ClassVar[tuple[str, ...]]
    acr: ClassVar[str] = PASSWORD
    icon: ClassVar[str] = "key"
    server: AuthorizationServer
    """Set when the server starts, before any method is called."""

    async def authenticate(self, server: AuthorizationServer, form: Parameters, address: str) -> Authentication | str:
        """The user, or a sentence that says why not without telling whether the account exists.

        Not for a way whose buttons lead to pages of its own: whoever posts its name all the same is refused.
        """
        raise InvalidRequest(Words("There is no such way to sign in."))

    def place(self) -> AbstractAsyncContextManager[None]:
        """Limits how many try at once: entered before anything is read for the attempt, and left at its end.

        Raises TemporarilyUnavailable when too many do, before the attempt has cost anything.
        """
        return nullcontext()

    async def ways(self, waiting: Waiting) -> Sequence[Way]:
        """Its buttons on the sign-in page: usually one; several for several providers, none while it cannot be used.

        What this notes in `waiting.state` is there again when the answer comes.
        """
        return () if self.name == "password" else (Way(self.name, self.title, self.icon),)

    async def opens(self, user: User) -> bool:
        """Whether this user can sign in this way; asked so that nobody removes the last way into their own account."""
        return False

    async def answer(self, waiting: Waiting, form: Parameters) -> Authentication | str:
        """Like `authenticate`, for a way that needs to know the sign-in it is part of; write one of the two."""
        return await self.authenticate(waiting.server, form, waiting.address)


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link on the sign-in page ("Forgot your password?"), to a path of ours.

    The interaction that waits is appended as `continue`; `way_on` leads back to it. One for `newcomers` is left out
    where somebody is asked to confirm that it is them.
    """

    label: str
    path: str
    order: int = 500
    newcomers: bool = False

    def __post_init__(self) -> None:
        """Another host would learn which sign-in waits: browsers take a backslash for a slash, and leave out a tab."""
        if not _OUR_PATH.fullmatch(self.path):
            raise ValueError(
                f"SignInLink {self.label!r}: path begins with one slash, and is ASCII without spaces and backslashes, "
                f"not {self.path!r}"
            )


@dataclass(frozen=True, slots=True)
class HeldFactor:
    """A second factor that somebody has set up, in words; times are Unix times."""

    title: str
    detail: str = ""
    added_at: int = 0
    last_used_at: int | None = None


class SecondFactor(ABC):
    """A proof asked for after the first one. Subclass it, set `name`, `title` and `amr`, and write the methods.

    Users are asked for it when they have set it up (`demanded`), when they must have a second factor, and when an
    application asks for a class of authentication that only it reaches (`acr`). The server slows down wrong answers.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    amr: ClassVar[tuple[str, ...]]
    acr: ClassVar[str] = MFA
    icon: ClassVar[str] = "shield-check"
    order: ClassVar[int] = 500
    """The lowest is asked first; the others are offered beside it."""
    demanded: ClassVar[bool] = True
    """Whether having it is enough to be asked for it after every password."""
    enrols: ClassVar[bool] = False
    """Whether it can be set up during a sign-in, by somebody who must have a second factor and has none."""
    server: AuthorizationServer
    """Set when the server starts, before any method is called."""

    @abstractmethod
    async def held(self, user: User) -> Sequence[HeldFactor]:
        """What this user has set up; empty for nothing."""

    @abstractmethod
    async def page(self, waiting: Waiting, user: User) -> Any:
        """The page that asks for it, a `SecondFactorPage`."""

    @abstractmethod
    async def check(self, waiting: Waiting, user: User, form: Parameters) -> str:
        """Empty when the answer is right, which must not be accepted again; else a sentence that says what to do."""

    @abstractmethod
    async def reset(self, user: User) -> int:
        """Forget what this user has set up, and say how much that was."""

    async def enrolment(self, waiting: Waiting, user: User) -> Any:
        """The page that sets it up, a `SecondFactorPage`; only asked of a factor that `enrols`."""
        raise NotImplementedError

    async def enrol(self, waiting: Waiting, user: User, form: Parameters) -> Any:
        """A sentence that says what is wrong, or, when it is set up, the page to show then (None for none)."""
        raise NotImplementedError
