"""How one signs in: the password, and what other plugins bring to the Security tab."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from litestar import Response
from litestar import route as litestar_route
from litestar.handlers import HTTPRouteHandler

from credenza import (
    AccountDone,
    AccountPage,
    AccountRoute,
    AccountSection,
    AccountShown,
    AccountVisit,
    AnyRequest,
    AnyResponse,
    PluginError,
    Words,
    set_session_cookie,
)

from .frame import TEMPLATES, done, posted, show, visit

logger = logging.getLogger("credenza.plugins")

HERE = "/account/security"


@dataclass(frozen=True, slots=True)
class Line:
    """`summary` says how it stands."""

    title: str
    summary: str
    address: str
    icon: str


@dataclass(kw_only=True)
class SecurityPage(AccountPage):
    """How the user signs in, a line for each AccountSection."""

    template: ClassVar[str] = "account/security.html"
    folder: ClassVar[Path | None] = TEMPLATES
    lines: tuple[Line, ...]


class Sections:
    """The sections of one server. Made at the start, never written to afterwards."""

    def __init__(self, sections: Sequence[tuple[str, AccountSection]]) -> None:
        self._sections = sorted(sections, key=lambda item: item[1].order)
        self.notices = {key: text for _, section in sections for key, text in section.notices.items()}

    def handlers(self) -> list[HTTPRouteHandler]:
        handlers = [self._overview()]
        for plugin, section in self._sections:
            for route in section.routes:
                if not route.path.startswith("/account/"):
                    raise PluginError(f"plugin {plugin!r}: {route.path} is not an address below /account")
                handlers.append(self._handler(section, route))
        return handlers

    def _overview(self) -> HTTPRouteHandler:
        @litestar_route(HERE, http_method=["GET"], status_code=200, name="account security")
        async def overview(request: AnyRequest) -> AnyResponse:
            here = await visit(request)
            lines = [await self._line(plugin, section, here) for plugin, section in self._sections]
            page = SecurityPage(title=Words("Security"), lines=tuple(line for line in lines if line is not None))
            return await show(here, page, self.notices)

        return overview

    async def _line(self, plugin: str, section: AccountSection, here: AccountVisit) -> Line | None:
        """A section that fails is named in the log; its line still leads to its page."""
        try:
            summary = await section.summary(here)
        except Exception:
            logger.exception("plugin %r failed to sum up its account section %r", plugin, section.title)
            summary = ""
        return None if summary is None else Line(section.title, summary, section.address, section.icon)

    def _handler(self, section: AccountSection, route: AccountRoute) -> HTTPRouteHandler:
        method: Any = route.method

        @litestar_route(route.path, http_method=[method], status_code=200, name=f"{route.method} {route.path}")
        async def handler(request: AnyRequest) -> AnyResponse:
            if route.method == "POST":
                here = await posted(request, section.address, fresh=route.fresh)
            else:
                here = await visit(request, fresh=route.fresh)
            outcome = await route.handle(here)
            if isinstance(outcome, AccountDone):
                response = done(here, outcome.address, outcome.notice)
                if outcome.session:
                    set_session_cookie(response, here.server.settings, outcome.session)
                return response
            if isinstance(outcome, AccountShown):
                response = await show(here, outcome.page, self.notices, session=outcome.session)
                set_session_cookie(response, here.server.settings, outcome.session)
                return response
            if isinstance(outcome, AccountPage):
                return await show(here, outcome, self.notices)
            if not isinstance(outcome, Response):
                takes = f"{route.method} {route.path} takes an AccountPage, an AccountDone or a response"
                raise TypeError(f"{takes}, not {outcome!r}")
            return outcome

        return handler

    async def export(self, here: AccountVisit) -> dict[str, Any]:
        """What the data file holds of each section, by the last part of its address."""
        found: dict[str, Any] = {}
        for plugin, section in self._sections:
            if section.export is not None:
                try:
                    found[section.address.rpartition("/")[2]] = dict(await section.export(here))
                except Exception:
                    logger.exception("plugin %r failed to export its account section %r", plugin, section.title)
                    raise  # a file that leaves something out would say that there is nothing
        return found
