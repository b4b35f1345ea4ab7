"""Start here: `create_app` puts the parts together."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.handlers.base import BaseRouteHandler

from .cleaning import keep_clean
from .defaults import Defaults
from .ending import keep_marking
from .endpoints import (
    authorization,
    device_authorization,
    discovery,
    end_session,
    interaction,
    introspection,
    invitation,
    operations,
    pages,
    pushed_authorization,
    revocation,
    token,
    userinfo,
)
from .logout import keep_delivering
from .plugins import OURS, PluginError, collect, load_plugins
from .rotation import keep_rotated
from .server import AuthorizationServer
from .settings import Settings
from .starting import OnUp, started
from .web.accounts import SignInNeeded
from .web.errors import APP_HANDLERS, PROTOCOL_HANDLERS, awaited
from .web.head import Heads, PageRequest
from .web.limits import Limiter
from .web.observing import Application
from .web.passwords import Passwords
from .web.rendering import Renderer
from .web.requests import MAX_PAGE_BODY
from .web.turnstile import Turnstile

MEMORY = [discovery.discovery, discovery.jwks]
PROTOCOL = [
    *MEMORY,
    token.token,
    userinfo.userinfo,
    revocation.revoke,
    introspection.introspect,
    pushed_authorization.pushed_authorization,
    device_authorization.device_authorization,
]
OPERATIONS = [operations.healthz, operations.readyz, operations.metrics]
PAGES = [
    authorization.authorize,
    interaction.resume,
    interaction.switch_account,
    interaction.prompt,
    end_session.end_session,
    device_authorization.device,
    pages.front_door,
    *OPERATIONS,
    operations.security_txt,
    pages.branding_stylesheet,
    pages.image,
    invitation.invitation,
]


def create_server(
    settings: Settings, extra_plugins: Iterable[tuple[str, object]] = ()
) -> tuple[AuthorizationServer, Passwords, Limiter]:
    """The server without its web application, for the command line; raises PluginError and SettingsError."""
    passwords = Passwords(settings)
    limiter = Limiter(enabled=settings.rate_limit, cache_url=settings.cache_url)
    manager = load_plugins(
        disabled=settings.plugins_disabled,
        path=settings.plugins_path,
        extra=[(OURS, Defaults(passwords, limiter)), *extra_plugins],
    )
    server = AuthorizationServer(settings, manager)
    passwords.metrics = server.metrics
    return server, passwords, limiter


def create_app(
    settings: Settings,
    extra_plugins: Iterable[tuple[str, object]] = (),
    *,
    migrate: bool = True,
    on_up: OnUp | None = None,
) -> Litestar:
    """The whole application. `extra_plugins` are pairs of a name and a plugin that is not installed, for tests.

    With `migrate` the database is brought up to date first; of processes that start together, one does it.
    """
    return create_application(create_state(settings, extra_plugins), migrate=migrate, on_up=on_up)


def create_state(settings: Settings, extra_plugins: Iterable[tuple[str, object]] = ()) -> State:
    """What requests find in `app.state`: one server and whatever belongs to it alone."""
    server, passwords, limiter = create_server(settings, extra_plugins)
    return State(
        {
            "server": server,
            "renderer": Renderer(server),
            "passwords": passwords,
            "limiter": limiter,
            "discovery": discovery.Document(),
            "jwks": discovery.Document(),
            "turns": _turns(),
        }
    )


def create_application(state: State, *, migrate: bool = True, on_up: OnUp | None = None) -> Application:
    """The routes of the core and of the plugins, and what runs beside them."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        server = app.state.server
        try:
            async with (
                started(server, migrate=migrate, on_up=on_up),
                keep_clean(server),
                keep_delivering(server),
                keep_marking(server),
                keep_rotated(server),
            ):
                yield
        finally:
            await app.state.limiter.close()

    ours: list[BaseRouteHandler | Router] = [
        Router("/", route_handlers=PROTOCOL, exception_handlers=awaited(PROTOCOL_HANDLERS)),
        Router("/", route_handlers=PAGES),
        *(files.handler() for files in state.renderer.static.values()),
    ]
    theirs = _plugin_routes(state.server)
    check_addresses([*[("credenza", item) for item in ours], *theirs])
    app = Application(
        route_handlers=[*ours, *(item for _, item in theirs)],
        exception_handlers=awaited({**APP_HANDLERS, SignInNeeded: pages.on_sign_in_needed}),
        request_class=PageRequest,
        plugins=[Heads()],
        request_max_body_size=MAX_PAGE_BODY,
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app.serve(state)
    return app


def _turns() -> dict[str, Turnstile | None]:
    alone = dict.fromkeys(path for handler in (*PROTOCOL, *OPERATIONS) for path in handler.paths)
    quick = Turnstile(at_once=8)  # to wait costs as much as such an answer; eight are a third of a millisecond
    return alone | dict.fromkeys((path for handler in MEMORY for path in handler.paths), quick)


def _plugin_routes(server: AuthorizationServer) -> list[tuple[str, BaseRouteHandler | Router]]:
    found = collect(
        server.plugins, "register_routes", (BaseRouteHandler, Router), settings=server.settings, plugins=server.plugins
    )
    for plugin, item in found:
        if isinstance(item, BaseRouteHandler):
            _check_annotations(plugin, item)
    return found


def _check_annotations(plugin: str, handler: BaseRouteHandler) -> None:
    """Raises PluginError for a parameter without one: litestar would not say whose handler it is."""
    for parameter in inspect.signature(handler.fn).parameters.values():
        if parameter.annotation is parameter.empty:
            where = f"{handler.handler_name} ({' '.join(sorted(handler.paths))})"
            raise PluginError(f"plugin {plugin!r}: {where}: {parameter.name!r} needs an annotation, such as AnyRequest")


def check_addresses(found: Iterable[tuple[str, BaseRouteHandler | Router]]) -> None:
    """Raises PluginError for two that answer the same requests; litestar would not say whose they are."""
    answered: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for plugin, item in found:
        for path, methods in _addresses(item):
            others = answered.setdefault(path, [])
            for other, theirs in others:
                if not methods or not theirs or methods & theirs:
                    both = f"both {other!r} and {plugin!r} answer {path}"
                    raise PluginError(f"register_routes: {both}; give one of them another address, or disable it")
            others.append((plugin, methods))


def _addresses(item: BaseRouteHandler | Router) -> Iterator[tuple[str, frozenset[str]]]:
    """Paths with their methods; none for what answers all of them."""
    if isinstance(item, Router):
        for route in item.routes:
            yield route.path, frozenset(getattr(route, "methods", ())) - {"OPTIONS"}
    else:
        for path in item.paths:
            yield path, frozenset(getattr(item, "http_methods", ()))


__all__ = ["create_app", "create_application", "create_server", "create_state"]
