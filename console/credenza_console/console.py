"""All pages of the console, its own and other plugins', behind one guard."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from litestar import Response
from litestar import route as litestar_route
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.plugins.htmx import ClientRefresh, HTMXDetails
from markupsafe import Markup

from credenza import (
    ADMINISTRATOR_ROLES,
    AnyRequest,
    AnyResponse,
    ChangedMeanwhile,
    ConsoleDone,
    ConsoleFrame,
    ConsolePage,
    ConsolePanel,
    ConsoleRoute,
    ConsoleView,
    ConsoleVisit,
    Link,
    Listing,
    NotAllowed,
    Parameters,
    PluginError,
    ShownPanel,
    SignInNeeded,
    StaticFiles,
    User,
    csrf_token,
    missing_administrator,
    redirect_response,
    render,
    server_of,
    signed_in,
    signed_in_form,
    signed_in_upload,
)

from .access import allows
from .notices import COOKIE, Notice, leave, take

logger = logging.getLogger("credenza.plugins")

FRONT_DOOR = "/console"
LOOKS = 5  # at what others keep changing
TYPE = re.compile(r":\w+(?=})")  # {user_id:str} is called {user_id} in a request's template
SECTIONS = ("Directory", "Policy", "System")


@dataclass(kw_only=True)
class DeadEnd(ConsoleView):
    """Why there is nothing to see, with the menu around it: nobody has to go back to where they came from."""

    template: ClassVar[str] = "dead_end.html"
    folder: ClassVar[Path | None] = Path(__file__).parent / "templates"


def nothing_here() -> DeadEnd:
    lead = "It may have been deleted since the page that led here was opened."
    return DeadEnd(title="There is nothing here", lead=lead, status=404)


def not_for(user: User, route: ConsoleRoute) -> DeadEnd | None:
    """What is said to an administrator whose role does not hold the permission. Raises NotAllowed for others."""
    if user.administrator not in ADMINISTRATOR_ROLES:
        raise NotAllowed  # in words of the core, because the page is in the language of whoever strayed here
    if allows(user.administrator, route.permission):
        return None
    lead = f"Your role ({ADMINISTRATOR_ROLES[user.administrator].title}) does not allow this. Ask a full administrator."
    return DeadEnd(title="Not for your role", lead=lead, status=403)


class Console:
    """The pages and panels of one server. Made at the start, never written to afterwards."""

    def __init__(
        self,
        pages: Sequence[tuple[str, ConsolePage]],
        panels: Sequence[tuple[str, ConsolePanel]],
        static: StaticFiles,
        extra: Sequence[ConsoleRoute] = (),
    ) -> None:
        self.pages = sorted((page for _, page in pages), key=lambda page: page.order)
        self.panels = sorted(panels, key=lambda panel: panel[1].order)
        self._static = static
        self.routes: dict[tuple[str, str], ConsoleRoute] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._add("console", extra)
        for plugin, page in pages:
            self._add(plugin, page.routes)
        for plugin, panel in panels:
            self._add(plugin, panel.routes)
        for (method, path), plugin in self._owners.items():
            if method == "POST" and ("GET", path) not in self.routes:
                raise PluginError(
                    f"plugin {plugin!r}: {path} needs a console_get: who must sign in again comes back there"
                )

    def _add(self, plugin: str, routes: Sequence[ConsoleRoute]) -> None:
        for route in routes:
            if not isinstance(route, ConsoleRoute):
                name = getattr(route, "__name__", repr(route))
                raise PluginError(
                    f"plugin {plugin!r}: {name} is no route; write @console_get or @console_post above it"
                )
            if not route.permission or not route.path.startswith("/console"):
                raise PluginError(f"plugin {plugin!r}: {route.path} needs a permission and an address below /console")
            if owner := self._owners.get((route.method, route.path)):
                raise PluginError(
                    f"plugin {plugin!r}: {route.method} {route.path} is there already, from plugin {owner!r}"
                )
            self._owners[route.method, route.path] = plugin
            self.routes[route.method, route.path] = route

    def handlers(self) -> list[HTTPRouteHandler]:
        """One for all addresses with the same methods: each handler takes its time when the server starts."""
        methods: dict[str, list[str]] = {}
        for method, path in self.routes:
            methods.setdefault(path, []).append(method)
        alike: dict[tuple[str, ...], list[str]] = {}
        for path, found in methods.items():
            alike.setdefault(tuple(sorted(found)), []).append(path)
        return [self._static.handler(), *(self._handler(paths, found) for found, paths in alike.items())]

    def _handler(self, paths: list[str], methods: tuple[str, ...]) -> HTTPRouteHandler:
        routes = {(method, TYPE.sub("", path)): self.routes[method, path] for method in methods for path in paths}
        allowed: Any = [*methods, "OPTIONS"]  # or the framework makes another handler for each address, for OPTIONS
        told = ", ".join([*allowed, *(["HEAD"] if "GET" in methods else [])])

        @litestar_route(paths, http_method=allowed, status_code=200, name=f"console {' '.join(methods)}")
        async def handler(request: AnyRequest) -> AnyResponse:
            if request.method == "OPTIONS":
                return Response(b"", status_code=204, headers={"Allow": told})
            try:
                return await self.answer(routes[request.method, request.scope["path_template"]], request)
            except SignInNeeded as error:
                if HTMXDetails(request):  # a part of a page cannot become a sign-in page; the whole one can
                    return ClientRefresh()
                raise SignInNeeded(error.return_to, error.max_age, await missing_administrator()) from error

        return handler

    async def answer(self, route: ConsoleRoute, request: AnyRequest) -> AnyResponse:
        """The guard: signed in, an administrator whose role holds the permission, and for a form its token.

        A form may be long on its way, and with it whoever sends it must still be all of that.
        """
        server = server_of(request)
        session, user = await signed_in(request)
        form, files = Parameters([]), dict[str, bytes]()
        refusal = not_for(user, route)
        if route.method == "POST" and refusal is None:
            if route.uploads:
                session, user, form, files = await signed_in_upload(request)
            else:
                session, user, form = await signed_in_form(request)
            refusal = not_for(user, route)
        fragment = bool(HTMXDetails(request)) and not HTMXDetails(request).history_restore_request
        kept = refusal is not None or fragment or route.method != "GET"
        notice = None if kept else take(server, session, request)
        visit = ConsoleVisit(
            request=request,
            server=server,
            session=session,
            user=user,
            may=partial(allows, user.administrator),
            shown_panels=self._shown_panels,
            form=form,
            files=files,
            secret=notice.secret if notice is not None else {},
        )
        outcome = refusal or await self._outcome(route, visit)
        if isinstance(outcome, ConsoleDone):
            response = redirect_response(server.settings, server.issuer + outcome.address)
            leave(server, session, response, Notice(outcome.notice, outcome.secret))
            return response
        if isinstance(outcome, Response):
            return outcome
        if not isinstance(outcome, ConsoleView):
            takes = f"{route.method} {route.path} takes a ConsoleView, a ConsoleDone or a response"
            raise TypeError(f"plugin {self._owners[route.method, route.path]!r}: {takes}, not {outcome!r}")
        listing = getattr(outcome, "listing", None)
        if notice is not None and isinstance(listing, Listing) and listing.gone:  # with the last thing on that page
            return redirect_response(server.settings, server.issuer + listing.last)
        outcome.frame = self._frame(visit, notice.text if notice is not None else "")
        block = outcome.fragment if fragment else ""
        response = await render(
            request,
            outcome,
            status=200 if block else outcome.status,
            block=block,
            frame_src="'self'" if outcome.frames else "",
            headers={"Vary": "HX-Request"},
        )
        if notice is not None:
            COOKIE.clear(server, response)
        outcome.sent(response)
        return response

    async def _outcome(self, route: ConsoleRoute, visit: ConsoleVisit) -> ConsoleView | ConsoleDone | AnyResponse:
        parameters = visit.request.path_params
        try:
            if not all(isinstance(value, str) and value.isprintable() for value in parameters.values()):
                raise NotFoundException
            for _ in range(LOOKS - 1):
                with suppress(ChangedMeanwhile):  # see credenza.unchanged
                    return await route.handle(visit, **parameters)
            logger.warning("console: %s was changed at each of %d looks; is it read as it was?", route.path, LOOKS - 1)
            return await route.handle(visit, **parameters)
        except NotFoundException:
            return nothing_here()

    def _frame(self, visit: ConsoleVisit, notice: str) -> ConsoleFrame:
        path = visit.request.url.path
        allowed = [page for page in self.pages if self._reachable(page, visit.may)]
        under = [p.path for p in allowed if path == p.path or (path.startswith(p.path + "/") and p.path != FRONT_DOOR)]
        current = max(under, key=len, default="")
        names = dict.fromkeys([*SECTIONS, *(page.section for page in allowed)])
        sections = [
            (name, tuple(Link(p.title, p.path, p.icon, p.path == current) for p in allowed if p.section == name))
            for name in names
        ]
        return ConsoleFrame(
            menu=tuple((name, links) for name, links in sections if links),
            account=visit.user.email or visit.user.username,
            account_page="/account" if "account" in visit.server.plugins_named else "",
            role=ADMINISTRATOR_ROLES[visit.user.administrator].title,
            csrf_token=csrf_token(visit.request, visit.session),
            notice=notice,
            assets={name: self._static.address(name) for name in ("console.css", "console.js")},
            languages=tuple(visit.server.languages),
            may=visit.may,
        )

    def _reachable(self, page: ConsolePage, may: Callable[[str], bool]) -> bool:
        route = self.routes.get(("GET", page.path))
        return route is not None and may(route.permission)

    async def _shown_panels(self, visit: ConsoleVisit, about: str, target: Any) -> list[ShownPanel]:
        """Each in its own `try`: a broken panel is named in the log, and the page says that it could not be shown."""
        shown = []
        for plugin, panel in self.panels:
            if panel.about != about or not visit.may(panel.permission):
                continue
            try:
                async with asyncio.timeout(visit.server.settings.plugins_timeout):
                    html = await self._panel(visit, panel, target)
            except Exception:
                logger.exception("plugin %r failed to show its panel %r", plugin, panel.title)
                html = ""
            if html is not None:
                shown.append(ShownPanel(panel.title, html))
        return shown

    async def _panel(self, visit: ConsoleVisit, panel: ConsolePanel, target: Any) -> str | None:
        view = await panel.show(visit, target)
        if view is None:
            return None
        view.frame = self._frame(visit, "")
        response = await render(visit.request, view)
        return Markup(response.content.decode())  # noqa: S704  # our own answer, escaped by its template
