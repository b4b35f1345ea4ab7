"""The account page of any user, or of a made-up one, for the console's live preview."""

from __future__ import annotations

from credenza import AccountVisit, Branding, ConsolePreview, ConsoleVisit, Parameters, User, Words, consents

from .applications import PAGE_SIZE, ApplicationsPage
from .consents import Application, Line, list_of
from .frame import framed

MADE_UP = User("", "ada", "ada@example.com", profile={"name": "Ada Lovelace"})


async def show(visit: ConsoleVisit, user: User | None) -> ApplicationsPage:
    here = AccountVisit(visit.request, visit.server, visit.session, user or MADE_UP, Parameters([]))
    if user is not None:
        found = await consents.list_consents(user_id=user.id, limit=PAGE_SIZE)
        applications = tuple(await list_of(here, found))
    else:
        applications = (_made_up(here),)
    page = ApplicationsPage(title=Words("Applications"), applications=applications)
    page.frame = framed(here, page.tab)
    return page


def _made_up(here: AccountVisit) -> Application:
    now = here.server.now()
    return Application(
        id="",
        name="Harbour Wiki",
        description="Notes and charts of the harbour",
        branding=Branding(),
        third_party=True,
        context="",
        since=here.moment(now - 3 * 86400),
        used=here.moment(now - 3600),
        lines=(
            Line("", "Your profile", "Name, picture and locale", "Ada Lovelace", "user", ""),
            Line("", "Your email address", "", "ada@example.com", "mail", ""),
        ),
    )


PREVIEW = ConsolePreview("account", "Account", show)
