"""Who shows themselves on users' pages, for the editor of the console."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from ..objects import Choices
from ..protocol.clients import Branding, Client
from .addresses import Link
from .routes import ConsoleVisit


@dataclass(kw_only=True)
class Branded:
    """Something whose branding the console edits: what is published, and what stands around the page that edits it.

    `owner` is the key of its drafts and versions ("organization 42"), at most 300 characters. `client` is the
    application it is previewed with, `choices` are the user's answers that lead to it.
    """

    owner: str
    address: str
    title: str
    branding: Branding
    lead: str = ""
    path: tuple[Link, ...] = ()
    tabs: tuple[Link, ...] = ()
    client: Client | None = None
    choices: Choices = field(default_factory=dict)


class BrandingEditor:
    """Who shows themselves on users' pages, beside the provider and its applications. Subclass it.

    The console brings the page at `path` ("/console/organizations/{organization:str}/branding"): with drafts, a live
    preview, and a way back. `permission` is the first half of what its routes ask for. `level` is where the branding
    stands in a page's Look: "provider", "application" or "context". `fields` are those of `Branding` that are edited.
    """

    path: ClassVar[str]
    permission: ClassVar[str]
    level: ClassVar[str] = "context"
    fields: ClassVar[tuple[str, ...]] = (
        "display_name",
        "terms_uri",
        "policy_uri",
        "primary_color",
        "dark_primary_color",
        "theme",
        "logo",
        "dark_logo",
        "favicon",
    )

    async def find(self, visit: ConsoleVisit, **parameters: str) -> Branded:
        """What the parameters of the path name; raises litestar's NotFoundException."""
        raise NotImplementedError

    async def publish(self, visit: ConsoleVisit, branded: Branded, branding: Branding) -> None:
        """Make it what users see, and say so in the audit log (`visit.changed`). A transaction is open."""
        raise NotImplementedError
