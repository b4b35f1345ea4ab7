"""A source of scopes: which permissions there are, who holds them, and which claims they release."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..protocol.clients import Branding, Client
from ..protocol.scopes import Asked, Permission, Scope
from ..store.users import User

if TYPE_CHECKING:
    from ..server import AuthorizationServer


Choices = Mapping[str, str]
"""The user's answers to the questions of scope sources, by the name of the question (an organization's id, say)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token is about: a user, or a client that acts for itself.

    One is made for each request; `memory` is where a scope source may keep what it has read about it until then.
    """

    user: User | None = None
    client: Client | None = None
    memory: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def id(self) -> str:
        if self.user is not None:
            return self.user.id
        assert self.client is not None
        return self.client.id


@dataclass(frozen=True, slots=True)
class Question:
    """Something the user must choose before permissions can be told; options are pairs of a value and a label.

    `name` is the name of the form field and of the answer in `choices`. Answers outside the options are refused.
    """

    name: str
    title: str
    options: tuple[tuple[str, str], ...]
    description: str = ""


class ScopeProvider(ABC):
    """A source of scopes. Subclass it, set `name` and `title`, and answer what differs from the defaults.

    `name` is also the key of this source in the desired-state file (`permissions: {name: […]}`). `section` says in
    which half of the Permissions tab it stands: "user" or "organization" data. With `refuses` a request that asks for
    something of this source that is not enabled on the client is an error (invalid_scope); without, it is ignored.
    Methods may wait on the network; each is given `plugins_timeout` seconds, and raising denies.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    server: AuthorizationServer
    """Set when the server starts, before any method is called."""
    order: ClassVar[int] = 500
    """Lower comes first on the consent page and in the console: the user's own data is at 100, APIs at 500."""
    section: ClassVar[str] = "user"
    refuses: ClassVar[bool] = False
    for_clients: ClassVar[bool] = False
    """Whether `held` also answers for clients that act for themselves, beyond what is enabled on them."""
    steady: ClassVar[bool] = False
    """Whether `catalogue`, `requested` and `knows` follow from the configuration alone. Then their answers are kept
    until the next `bump_version`, and not asked for with every token."""
    question_parameter: ClassVar[tuple[str, str] | None] = None
    """A token request parameter that answers a question: (parameter, question), for example at refresh."""

    @abstractmethod
    async def catalogue(self) -> Sequence[Scope]:
        """Every permission that an administrator may enable on a client."""

    async def requested(self, asked: Asked) -> Sequence[Scope]:
        """Which of them a request names: by scope and resource, or by one of the claims a scope releases."""
        return [
            scope
            for scope in await self.catalogue()
            if (not scope.permission.resource or scope.permission.resource in asked.resources)
            and (scope.permission.scope in asked.scopes or asked.claims.intersection(scope.claims))
        ]

    async def knows(self, resource: str) -> bool:
        """Whether a resource (RFC 8707) is one of this source's."""
        return any(scope.permission.resource == resource for scope in await self.catalogue())

    async def held(
        self, subject: Subject, permissions: Sequence[Permission], choices: Choices
    ) -> Mapping[Permission, str]:
        """Which of these the subject holds, each with what it is held through (a role's name; empty for everybody)."""
        return dict.fromkeys(permissions, "")

    async def question(self, subject: Subject, permissions: Sequence[Permission]) -> Question | None:
        """What must be chosen first, if anything."""
        return None

    async def claims(self, subject: Subject, permissions: Sequence[Permission], choices: Choices) -> Mapping[str, Any]:
        """The claims that these granted permissions release, for UserInfo (and the ID token, when asked for there)."""
        return {}

    async def access_token_claims(self, subject: Subject, audience: str, choices: Choices) -> Mapping[str, Any]:
        """Claims to add to a JWT access token for this audience. Standard claims cannot be replaced."""
        return {}

    async def access_token_lifetime(self, audience: str) -> int | None:
        """Seconds that a token for this audience may live, a day at most. None leaves it to client and server."""
        return None

    def audience(self, permission: Permission, choices: Choices) -> str:
        """The `aud` of an access token that carries the permission; empty for the provider itself."""
        return permission.resource

    def binding(self, permission: Permission, choices: Choices) -> str:
        """What a token with the permission is bound to beside its audience (an organization, say); empty for nothing.

        Permissions with different bindings never share a token, so that a right in one place is not read as a right in
        another.
        """
        return ""

    def implied(self, ceiling: Mapping[Permission, bool]) -> Mapping[Permission, bool]:
        """What is enabled on a client together with what an administrator enabled there."""
        return {}

    async def still_valid(self, subject: Subject, choices: Choices) -> bool:
        """Whether the answers to this source's question still stand: no token is issued once they do not."""
        return True

    async def forget(self, resource: str, scope: str) -> None:  # noqa: B027 - nothing, unless a source says more
        """An API is deleted, or one of its scopes (else `scope` is empty), in the transaction that is open: what this
        source keeps about that name goes too. It may be told twice: `clear_permissions` comes before.
        """

    async def answer_title(self, question: str, answer: str) -> str | None:
        """The answer in words, for pages that list consents; None when the question is another source's."""
        return None

    async def branding(self, choices: Choices) -> Branding | None:
        """How pages look once the user has answered this source's question: it comes over the provider's and the
        application's. None when nothing is chosen, or for no branding of its own. It is shown before anybody signs in.
        """
        return None
