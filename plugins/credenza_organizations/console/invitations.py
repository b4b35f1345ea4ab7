"""Invitations to an organization: made here, with a link that is shown once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsoleVisit,
    Link,
    Listing,
    Moment,
    as_identifier,
    console_get,
    console_post,
    email_mistake,
    transaction,
    users,
)

from .. import invitations, template
from ..joining import ADDRESS, joining_mail
from .organization import (
    GONE,
    ONE,
    OrganizationView,
    RoleChoices,
    address_of,
    back_to,
    chosen_in,
    find,
    role_choices,
    tabs,
    wanted_roles,
)

ORDERS = ("email", "created_at")
INVITATIONS = ONE + "/invitations"
INVITATION = INVITATIONS + "/{invitation:str}"


@dataclass(frozen=True, slots=True)
class Row:
    """`inviter` is a user name, empty when the account is gone."""

    address: str
    email: str
    roles: tuple[str, ...]
    inviter: str
    created: Moment | None
    expires: Moment | None


@dataclass(kw_only=True)
class InvitationList(OrganizationView):
    """`link` is there once, after it was made."""

    template: ClassVar[str] = "organizations/invitations.html"
    fragment: str = "table"
    listing: Listing
    rows: tuple[Row, ...]
    link: str


@dataclass(kw_only=True)
class CreatePage(OrganizationView, ConsoleForm):
    template: ClassVar[str] = "organizations/invite.html"
    roles: RoleChoices
    mail: bool
    """Whether the link can be mailed."""
    signup: bool
    """Whether those who follow it may make an account."""


@dataclass(kw_only=True)
class RevokePage(OrganizationView, ConsoleForm):
    """`query` leads back to the page of the list that one came from."""

    template: ClassVar[str] = "organizations/revoke_invitation.html"
    invitation: str
    query: str
    email: str
    created: Moment | None


@console_get(INVITATIONS, "organizations:read")
async def list_invitations(visit: ConsoleVisit, organization: str) -> InvitationList:
    row = await find(organization)
    listing = Listing.of(visit, ORDERS)
    now = visit.server.now()
    shown = await invitations.list_invitations(
        row["id"],
        now,
        search=listing.search,
        order=listing.order,
        descending=listing.descending,
        offset=listing.offset,
        limit=listing.size,
    )
    listing = await listing.counted(shown, lambda: invitations.count_invitations(row["id"], now, search=listing.search))
    inviters = await users.list_users_by_id([i.invited_by for i in shown])
    names = {role["id"]: name for name, role in (await template.template_roles()).items()}
    return InvitationList(
        title=row["name"],
        tabs=tabs(row, "Invitations"),
        organization=row,
        listing=listing,
        rows=tuple(
            Row(
                address=f"{address_of(row['id'])}/invitations/{i.key}",
                email=i.email,
                roles=tuple(sorted(names[role] for role in i.roles if role in names)),
                inviter=inviters[i.invited_by].username if i.invited_by in inviters else "",
                created=visit.moment(i.created_at),
                expires=visit.moment(i.expires_at),
            )
            for i in shown
        ),
        link=visit.secret.get("link", ""),
    )


@console_get(INVITATIONS + "/create", "organizations:write")
async def show_create(visit: ConsoleVisit, organization: str) -> CreatePage:
    return await _create_page(visit, await find(organization))


@console_post(INVITATIONS + "/create", "organizations:write")
async def create(visit: ConsoleVisit, organization: str) -> ConsoleDone | CreatePage:
    row = await find(organization)
    page = await _create_page(visit, row)
    typed = visit.form.get("email", "").strip()
    wanted = wanted_roles(visit, page.roles)
    page.roles = chosen_in(page.roles, set(visit.form.all_values("role")))
    email = as_identifier(typed)
    if message := email_mistake(email):
        return page.refused({"email": message}, email=typed)
    if wanted is None:
        return page.refused({"": GONE}, email=typed)
    mailer = visit.server.mailer if "send" in visit.form else None
    if mailer is not None and not email:
        return page.refused({"email": "Where should the mail go?"}, email=typed)
    async with transaction():
        token = await invitations.create_invitation(
            row["id"],
            email=email,
            roles=wanted,
            invited_by=visit.user.id,
            now=visit.server.now(),
            lifetime=visit.server.settings.invitation_lifetime,
        )
        after = {"email": email, "roles": sorted(wanted.values())}
        link = f"{visit.server.issuer}{ADDRESS}/{token}"
        if mailer is not None:
            await visit.server.send_mail(await joining_mail(visit.server, visit.user, str(row["name"]), email, link))
        await visit.changed("organization_invitation", "created", row["name"], after=after)
    if mailer is not None:
        return ConsoleDone(f"{page.address}/invitations", f"An invitation is on its way to {email}.")
    return ConsoleDone(f"{page.address}/invitations", "The invitation was created.", {"link": link})


@console_get(INVITATION + "/revoke", "organizations:write")
async def show_revoke(visit: ConsoleVisit, organization: str, invitation: str) -> RevokePage:
    row = await find(organization)
    found = await _find_invitation(visit, row, invitation)
    return RevokePage(
        title="Revoke invitation",
        path=_back_to_invitations(row),
        organization=row,
        invitation=found.key,
        query=Listing.of(visit, ORDERS).query,
        email=found.email,
        created=visit.moment(found.created_at),
    )


@console_post(INVITATION + "/revoke", "organizations:write")
async def revoke(visit: ConsoleVisit, organization: str, invitation: str) -> ConsoleDone:
    row = await find(organization)
    found = await _find_invitation(visit, row, invitation)
    async with transaction():
        if not await invitations.delete_invitation(row["id"], found.key, visit.server.now()):
            raise NotFoundException  # used in this very moment
        await visit.changed("organization_invitation", "deleted", row["name"], before={"email": found.email})
    return ConsoleDone(
        f"{address_of(row['id'])}/invitations{Listing.of(visit, ORDERS).query}", "The link no longer works."
    )


async def _find_invitation(visit: ConsoleVisit, row: dict[str, Any], key: str) -> invitations.Invitation:
    """One of this organization that can still be used. Raises NotFoundException."""
    found = await invitations.find_pending(row["id"], key, visit.server.now())
    if found is None:
        raise NotFoundException
    return found


async def _create_page(visit: ConsoleVisit, row: dict[str, Any]) -> CreatePage:
    return CreatePage(
        title="Invite by link",
        lead="You get a link to pass on. One person can join with it, once.",
        path=_back_to_invitations(row),
        organization=row,
        roles=await role_choices(),
        mail=visit.server.mailer is not None,
        signup=any(link.newcomers for link in visit.server.sign_in_links),
    )


def _back_to_invitations(row: dict[str, Any]) -> tuple[Link, ...]:
    return (*back_to(row), Link("Invitations", f"{address_of(row['id'])}/invitations"))
