"""A question asked of the user while an authorization request waits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..protocol.authorization_request import AuthorizationRequest
from ..protocol.clients import Client
from ..protocol.errors import InteractionRequired, ProtocolError
from ..protocol.parameters import Parameters
from ..store.sessions import Session
from ..store.users import User

if TYPE_CHECKING:
    from ..server import AuthorizationServer


@dataclass(slots=True)
class Waiting:
    """An authorization request in front of its user, as a prompt sees it.

    `request` and `client` are None when one of our own pages asked for a sign-in. `state` is what this prompt noted
    for this interaction and this user; it is kept between the page and the answer, `memory` for one HTTP request.
    `choices` become part of the grant, and of what a consent is about; a prompt notes its own in `required`, each time.
    A prompt that begins a session puts the value for its cookie in `new_cookie`. `token` names the interaction in
    addresses; `begun` is what this sign-in has proved so far, and only sign-in's; `known` are accounts that signed in
    with this browser before, by names that only this server can make. `pushed` and `device` are what a pushed request
    (RFC 9126) and a device's (RFC 8628) are stored under, empty for any other; `user_code` is the device's.
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
    known: tuple[str, ...] = ()


class Prompt(ABC):
    """One question asked of the user: its rule, its page and its form together.

    `order` decides who is asked first (sign-in is 100, consent 900). `error` is what `prompt=none` is answered with: a
    code of OpenID Connect Core §3.1.2.6. With `own_pages` it is also asked when no application is waiting, before the
    console for example; `request` and `client` are None then.
    """

    name: ClassVar[str]
    order: ClassVar[int] = 500
    error: ClassVar[type[ProtocolError]] = InteractionRequired
    own_pages: ClassVar[bool] = False

    @abstractmethod
    async def required(self, waiting: Waiting) -> bool:
        """Whether the user must be asked (again)."""

    async def show(self, waiting: Waiting) -> Any:
        """The page (GET), an instance of a `Page`; not for a prompt that never asks."""
        raise NotImplementedError

    def place(self, server: AuthorizationServer, form: Parameters) -> AbstractAsyncContextManager[None]:
        """Limits how many answers are taken at once, as Authenticator.place does."""
        return nullcontext()

    async def submit(self, waiting: Waiting, form: Parameters) -> Any:
        """Take the answer (POST): None when it is settled, or the page to show again. AccessDenied is a refusal."""
        raise NotImplementedError
