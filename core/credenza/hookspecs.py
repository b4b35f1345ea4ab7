"""Every hook, on one page. All but the last two are called once, at the start, in pluggy's order.

A hook returns an object or a list of objects; whatever waits on the network is an async method of such an object.
`docs/plugins/hooks.md` explains each, with an example.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy
from litestar import Router
from litestar.handlers.base import BaseRouteHandler
from piccolo.conf.apps import AppConfig

from .objects import (
    Authenticator,
    ClientSource,
    Command,
    GrantType,
    Mailer,
    Prompt,
    ScopeProvider,
    SecondFactor,
    SignInLink,
    StateSection,
    Theme,
)
from .protocol.clients import Client, ClientType
from .settings import Settings

if TYPE_CHECKING:
    from .server import AuthorizationServer

hookspec = pluggy.HookspecMarker("credenza")
hookimpl = pluggy.HookimplMarker("credenza")

Listener = Callable[[Any], Awaitable[None]]
"""Takes an Event; if its parameter names one (`async def note(event: UserSignedIn)`), it hears of no other."""
Cleaner = Callable[[int], Awaitable[int]]
"""Takes a Unix time, deletes a batch of what has expired by then, and returns how many rows that were."""


@hookspec
def register_client_types(settings: Settings) -> ClientType | Sequence[ClientType]:
    """Kinds of applications. Called at the start; the console offers them when an application is created."""
    raise NotImplementedError


@hookspec
def register_client_sources(settings: Settings) -> ClientSource | Sequence[ClientSource]:
    """Where unregistered clients come from. Called at the start; asked about each `client_id` after the store."""
    raise NotImplementedError


@hookspec
def register_scopes(settings: Settings) -> ScopeProvider | Sequence[ScopeProvider]:
    """Sources of scopes. Called at the start; their methods are asked during each request."""
    raise NotImplementedError


@hookspec
def register_prompts(settings: Settings) -> Prompt | Sequence[Prompt]:
    """Questions to the user. Called at the start; `required` is asked for each authorization request."""
    raise NotImplementedError


@hookspec
def register_themes(settings: Settings) -> Theme | Sequence[Theme]:
    """Looks of the users' pages. Called at the start; their files are then served."""
    raise NotImplementedError


@hookspec
def register_grant_types(settings: Settings) -> GrantType | Sequence[GrantType]:
    """Values of `grant_type`. Called at the start; the token endpoint dispatches on them."""
    raise NotImplementedError


@hookspec
def register_authenticators(settings: Settings) -> Authenticator | Sequence[Authenticator]:
    """Ways to sign in. Called at the start; offered on the sign-in page."""
    raise NotImplementedError


@hookspec
def register_second_factors(settings: Settings) -> SecondFactor | Sequence[SecondFactor]:
    """Second proofs at sign-in. Called at the start; users who have set one up, or must have one, are asked for it."""
    raise NotImplementedError


@hookspec
def register_mailers(settings: Settings) -> Mailer | None:
    """What sends mail to people. Called at the start; there can be only one, and a second one stops the start."""
    raise NotImplementedError


@hookspec
def register_sign_in_links(settings: Settings) -> SignInLink | Sequence[SignInLink]:
    """Links below the form of the sign-in page. Called at the start; they are shown on every sign-in page."""
    raise NotImplementedError


@hookspec
def register_routes(
    settings: Settings, plugins: pluggy.PluginManager
) -> BaseRouteHandler | Router | Sequence[BaseRouteHandler | Router]:
    """Pages and endpoints of the plugin's own. Called before the application is built.

    `plugins` is for a plugin with hooks of its own: `credenza.collect(plugins, "my_hook", MyObject, …)`.
    """
    raise NotImplementedError


@hookspec
def register_metadata(settings: Settings) -> Mapping[str, object]:
    """Members to add to the metadata document. Called at the start; a member of ours is never replaced."""
    raise NotImplementedError


@hookspec
def register_tables(settings: Settings) -> AppConfig | Sequence[AppConfig]:
    """A Piccolo app: tables and migrations. Called at the start and by `credenza migrate`."""
    raise NotImplementedError


@hookspec
def register_listeners(settings: Settings, server: AuthorizationServer) -> Listener | Sequence[Listener]:
    """Async callables that take an Event. Called at the start; each is awaited after the commit, in its own `try`.

    Keep `server` for later: when this hook is called, it is not complete yet.
    """
    raise NotImplementedError


@hookspec
def register_cleaners(settings: Settings, server: AuthorizationServer) -> Cleaner | Sequence[Cleaner]:
    """Async callables that take a Unix time, delete a batch of what has expired by then, and return how many rows.

    Called at the start; each is awaited every minute, and again until it returns 0.
    """
    raise NotImplementedError


@hookspec
def register_commands(settings: Settings) -> Command | Sequence[Command]:
    """Subcommands of `credenza`. Called by the command line."""
    raise NotImplementedError


@hookspec
def register_state(settings: Settings) -> StateSection | Sequence[StateSection]:
    """Parts of the desired-state file. Called by `credenza apply`, `diff` and `export`."""
    raise NotImplementedError


@hookspec(firstresult=True)
def choose_theme(client: Client | None, path: str) -> str | None:
    """The name of a theme, or None to let others choose. Called before a page is rendered; it must not wait."""


@hookspec(firstresult=True)
def render_consent(page: Any) -> str | None:
    """The name of a template for this ConsentPage, or None for ours. Called before it is rendered; it must not wait."""
