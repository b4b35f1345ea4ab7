"""The objects that plugins register: what each one promises, with defaults for what most need not say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from .protocol.assurance import MFA, PASSWORD
from .protocol.authorization_request import AuthorizationRequest
from .protocol.clients import Branding, Client
from .protocol.errors import InteractionRequired, ProtocolError
from .protocol.parameters import Parameters
from .protocol.scopes import Asked, Permission, Scope
from .store.sessions import Session
from .store.users import User

if TYPE_CHECKING:
    from .server import AuthorizationServer

Choices = Mapping[str, str]  # the user's answers to questions of scope sources, by the name of the question


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


class ScopeProvider:
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

    async def catalogue(self) -> Sequence[Scope]:
        """Every permission that an administrator may enable on a client."""
        raise NotImplementedError

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
        """Seconds that a token for this audience may live; None leaves it to the client."""
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

    async def answer_title(self, question: str, answer: str) -> str | None:
        """The answer in words, for pages that list consents; None when the question is another source's."""
        return None

    async def branding(self, choices: Choices) -> Branding | None:
        """How pages look once the user has answered this source's question: it comes over the provider's and the
        application's. None when nothing is chosen, or for no branding of its own. It is shown before anybody signs in.
        """
        return None


class ClientSource:
    """Where clients come from that no administrator registered. Subclass it and set `name`."""

    name: ClassVar[str]
    server: AuthorizationServer
    """Set when the server starts, before any method is called."""

    def concerns(self, client_id: str, stored: Client | None) -> bool:
        """Whether `find` has anything to say; asked about every request, so answer from what is at hand."""
        return True

    async def find(self, client_id: str, stored: Client | None, *, fresh: bool) -> Client | None:
        """The client as it counts now: `stored`, unless this source knows better. Asked when it `concerns` this source.

        `fresh` when the client itself asks for something (authorization and token endpoint): only then may this wait on
        the network, for at most `plugins_timeout` seconds, and raise InvalidClient with a sentence for its developer.
        """
        return stored


@dataclass(frozen=True, slots=True)
class Theme:
    """A brand: `static` holds files served at /theme/{name}/, `stylesheets` are some of them, `templates` replace ours.

    A template may extend the one it replaces: `{% extends "core:consent.html" %}`.
    """

    name: str
    title: str
    stylesheets: tuple[str, ...] = ()
    static: Path | None = None
    templates: Path | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Authentication:
    """A proof that the user is there. `amr` are values of RFC 8176, `acr` is the class of authentication it reaches."""

    user: User
    amr: tuple[str, ...]
    acr: str = PASSWORD


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
        """The user, or a sentence that says why not without telling whether the account exists."""
        raise NotImplementedError

    def place(self) -> AbstractAsyncContextManager[None]:
        """A place among those who try at this moment, taken before anything is read for the try and held to its end.

        Raises TemporarilyUnavailable when there is none: whoever is refused must cost nothing.
        """
        return nullcontext()

    async def ways(self, waiting: Waiting) -> Sequence[Way]:
        """Its buttons on the sign-in page: one, unless there are several of a kind, or none at present.

        What is noted in `waiting.state` is there again when the answer comes.
        """
        return () if self.name == "password" else (Way(self.name, self.title, self.icon),)

    async def answer(self, waiting: Waiting, form: Parameters) -> Authentication | str:
        """The same as `authenticate`, for a way that needs to know about the sign-in it is part of."""
        return await self.authenticate(waiting.server, form, waiting.address)


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one person: paragraphs of plain words, and at most one link (its label and address).

    `language` is the tag of the language that it is written in.
    """

    to: str
    subject: str
    lines: tuple[str, ...]
    link: tuple[str, str] | None = None
    language: str = "en"


class Mailer:
    """Brings mails to people. Subclass it and set `name`; there is one at most."""

    name: ClassVar[str]
    server: AuthorizationServer
    """Set when the server starts, before any method is called."""

    async def send(self, mail: Mail) -> None:
        """Take it, with the transaction that is open, and return at once: nobody waits for a mail server."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link on the sign-in page ("Forgot your password?"), to a path of ours.

    The interaction that waits is appended as `continue`; `way_on` leads back to it.
    """

    label: str
    path: str
    order: int = 500


@dataclass(frozen=True, slots=True)
class HeldFactor:
    """A second factor that somebody has set up, in words; times are Unix times."""

    title: str
    detail: str = ""
    added_at: int = 0
    last_used_at: int | None = None


class SecondFactor:
    """A proof asked for after the first one. Subclass it, set `name`, `title` and `amr`, and write the methods.

    It is asked of whoever has set it up (`demanded`), of those who must have a second factor, and when an application
    asks for a class of authentication that only it reaches (`acr`). A wrong answer is counted and slowed down by us.
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

    async def held(self, user: User) -> Sequence[HeldFactor]:
        """What this user has set up; empty for nothing."""
        raise NotImplementedError

    async def page(self, waiting: Waiting, user: User) -> Any:
        """The page that asks for it, a `SecondFactorPage`."""
        raise NotImplementedError

    async def check(self, waiting: Waiting, user: User, form: Parameters) -> str:
        """Empty when the answer is right, and then it can not be given again; else a sentence that says what to do."""
        raise NotImplementedError

    async def reset(self, user: User) -> int:
        """Forget what this user has set up, and say how much that was."""
        raise NotImplementedError

    async def enrolment(self, waiting: Waiting, user: User) -> Any:
        """The page that sets it up, a `SecondFactorPage`; only asked of a factor that `enrols`."""
        raise NotImplementedError

    async def enrol(self, waiting: Waiting, user: User, form: Parameters) -> Any:
        """A sentence that says what is wrong, or, when it is set up, the page to show then (None for none)."""
        raise NotImplementedError


@dataclass(slots=True)
class Waiting:
    """An authorization request in front of its user, as a prompt sees it.

    `request` and `client` are None when one of our own pages asked for a sign-in. `state` is what this prompt noted
    for this interaction; it is kept between the page and the answer, while `memory` lasts for one HTTP request.
    `choices` become part of the grant. A prompt that begins a session puts the value for its cookie in `new_cookie`.
    `token` names the interaction in addresses; `begun` is what this sign-in has proved so far, and only sign-in's.
    """

    server: AuthorizationServer
    request: AuthorizationRequest | None
    client: Client | None
    session: Session | None
    user: User | None
    state: dict[str, Any] = field(default_factory=dict)
    action: str = ""
    csrf_token: str = ""
    address: str = ""
    user_agent: str = ""
    new_cookie: str = ""
    choices: dict[str, str] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    pushed: str = ""
    device: str = ""
    user_code: str = ""
    token: str = ""
    begun: dict[str, Any] = field(default_factory=dict)


class Prompt:
    """One question asked of the user: its rule, its page and its form together.

    `order` decides who is asked first (sign-in is 100, consent 900). `error` is what `prompt=none` is answered with: a
    code of OpenID Connect Core §3.1.2.6. With `own_pages` it is also asked when no application is waiting, before the
    console for example; `request` and `client` are None then.
    """

    name: ClassVar[str]
    order: ClassVar[int] = 500
    error: ClassVar[type[ProtocolError]] = InteractionRequired
    own_pages: ClassVar[bool] = False

    async def required(self, waiting: Waiting) -> bool:
        """Whether the user must be asked (again)."""
        raise NotImplementedError

    async def show(self, waiting: Waiting) -> Any:
        """The page (GET), an instance of a `Page`."""
        raise NotImplementedError

    def place(self, server: AuthorizationServer, form: Parameters) -> AbstractAsyncContextManager[None]:
        """A place among those whose answers are being taken, as an authenticator has it."""
        return nullcontext()

    async def submit(self, waiting: Waiting, form: Parameters) -> Any:
        """Take the answer (POST): None when it is settled, or the page to show again. AccessDenied is a refusal."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request whose client is authenticated. `jkt` is the thumbprint of the key that its DPoP proof was made
    with (RFC 9449), empty without a proof; `address` is where it comes from.
    """

    client: Client
    parameters: Parameters
    address: str = ""
    jkt: str = ""


@runtime_checkable
class GrantType(Protocol):
    """A `grant_type` of the token endpoint, asked when the client may use it."""

    name: str

    async def token_response(self, server: AuthorizationServer, request: TokenRequest) -> Mapping[str, Any]:
        """The members of a successful response; raises a ProtocolError otherwise. RFC 6749 §5.1."""


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand of `credenza`: `run` gets the rest of the command line and returns the exit status."""

    name: str
    help: str
    run: Callable[[Sequence[str]], int]


@dataclass(frozen=True, slots=True)
class StateSection:
    """A part of the desired-state file that a plugin owns.

    `apply` gets the part as it stands in the file and reports each change through `change(action, kind, name, values)`,
    which also says whether to write (not in a dry run). `export` gives the part as it is now. Sections are applied by
    `order`; users come at 100, applications at 500. `user_keys` are members of a user in the file that belong to this
    section: `apply_user(run, user, members)` and `export_user(user)` see to them; likewise for applications.
    """

    name: str
    order: int
    apply: Callable[[Any, Any], Awaitable[None]]
    export: Callable[[], Awaitable[Any]]
    user_keys: tuple[str, ...] = ()
    apply_user: Callable[[Any, User, Mapping[str, Any]], Awaitable[None]] | None = None
    export_user: Callable[[User], Awaitable[Mapping[str, Any]]] | None = None
    client_keys: tuple[str, ...] = ()
    apply_client: Callable[[Any, Client, Mapping[str, Any]], Awaitable[None]] | None = None
    export_client: Callable[[Client], Awaitable[Mapping[str, Any]]] | None = None
