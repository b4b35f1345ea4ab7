"""Branding of an organization: its page in the console, the one for all brandings."""

from __future__ import annotations

import json
from dataclasses import asdict

from credenza import Branded, Branding, BrandingEditor, ConsolePreview, ConsoleVisit, Link, User, Words

from .. import store
from ..joining import JoinPage
from ..scopes import QUESTION
from .organization import LIST, ONE, address_of, find, tabs


class OrganizationBranding(BrandingEditor):
    path = ONE + "/branding"
    permission = "organizations"

    async def find(self, visit: ConsoleVisit, **parameters: str) -> Branded:
        row = await find(parameters["organization"])
        return Branded(
            owner=f"organization {row['id']}",
            address=f"{address_of(row['id'])}/branding",
            title=row["name"],
            lead="Shown when somebody signs in for this organization, instead of any other branding.",
            path=(Link("Organizations", LIST),),
            tabs=tabs(row, "Branding"),
            branding=Branding.load(json.loads(row["branding"])),
            choices={QUESTION: row["id"]},
        )

    async def publish(self, visit: ConsoleVisit, branded: Branded, branding: Branding) -> None:
        organization = branded.choices[QUESTION]
        await store.save_branding(organization, branding)
        await visit.changed(
            "organization",
            "branding updated",
            branded.title,
            before={name: value for name, value in asdict(branded.branding).items() if value},
            after={name: value for name, value in asdict(branding).items() if value},
        )


async def show_join(visit: ConsoleVisit, user: User | None) -> JoinPage:
    """The page behind an invitation's link."""
    return JoinPage(
        title=Words("Join %(organization)s", organization="Acme"),
        action="",
        csrf_token="",
        organization="Acme",
        inviter="Grace Hopper",
        account=(user.email or user.username) if user is not None else "ada@example.com",
        account_name=user.display_name if user is not None else "Ada Lovelace",
    )


EDITOR = OrganizationBranding()
JOIN_PREVIEW = ConsolePreview("join", "Invitation", show_join)
