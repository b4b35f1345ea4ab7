"""What plugins and the admin console say to each other. The console is a plugin too; the core only lends the words.

A plugin brings pages with the hook `console_pages` and parts of other pages with `console_panels`. Both are the
console's hooks, so a plugin marks them `@hookimpl(optionalhook=True)` and also runs where there is no console:

    @console_get("/console/roles", "roles:read")
    async def list_roles(visit: ConsoleVisit) -> RoleList: ...

    @hookimpl(optionalhook=True)
    def console_pages() -> ConsolePage:
        return ConsolePage("Roles", "/console/roles", icon="shield", routes=(list_roles, …))

The console asks nobody in who has no right to come: before a handler is called, an administrator is signed in, their
role holds the route's permission, and a form carries its token. Templates extend `console:layout.html`.
"""

from .addresses import Link, identifier_of, segment_of
from .branding import Branded, BrandingEditor
from .listing import Listing
from .pages import (
    ConsoleDone,
    ConsoleForm,
    ConsoleFrame,
    ConsoleView,
    ShownPanel,
    changed_meanwhile,
    naming_mistakes,
    state_of,
    typed_of,
    unchanged,
)
from .routes import ConsolePage, ConsolePanel, ConsolePreview, ConsoleRoute, ConsoleVisit, console_get, console_post

__all__ = [
    "Branded",
    "BrandingEditor",
    "ConsoleDone",
    "ConsoleForm",
    "ConsoleFrame",
    "ConsolePage",
    "ConsolePanel",
    "ConsolePreview",
    "ConsoleRoute",
    "ConsoleView",
    "ConsoleVisit",
    "Link",
    "Listing",
    "ShownPanel",
    "changed_meanwhile",
    "console_get",
    "console_post",
    "identifier_of",
    "naming_mistakes",
    "segment_of",
    "state_of",
    "typed_of",
    "unchanged",
]
