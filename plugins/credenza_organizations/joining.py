"""The page behind an invitation's link: "Join Acme?", for whoever is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from litestar import route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from credenza import (
    AnyRequest,
    AnyResponse,
    AuthorizationServer,
    ErrorPage,
    FormPage,
    Mail,
    ObjectChanged,
    Session,
    SignInNeeded,
    User,
    Words,
    address_of,
    alone,
    csrf_token,
    how_long,
    language_of,
    render,
    server_of,
    signed_in,
    signed_in_form,
    users,
)

from .invitations import Invitation, find_invitation, spend_invitation
from .store import add_member, member_roles
from .template import template_roles

ADDRESS = "/organization-invitation"
HOME = (Words("Go to the start page"), "/")
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(kw_only=True)
class JoinPage(FormPage):
    """Asks whether to join; with `done` it says that this has happened. `inviter` is a person's name."""

    template: ClassVar[str] = "joining/join.html"
    name: ClassVar[str] = "account"
    folder: ClassVar[Path | None] = TEMPLATES
    organization: str
    inviter: str
    account: str
    account_name: str
    done: bool = False


class Unusable(Exception):
    """This link does not work for this person: an error page says why, and the link stays as it was."""

    def __init__(self, code: str, heading: str, description: str, status: int, link: tuple[str, str]) -> None:
        super().__init__(code)
        self.page = ErrorPage(title=heading, code=code, heading=heading, description=description, links=(link,))
        self.status = status


@route(
    ADDRESS + "/{token:str}",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    status_code=200,
    name="organization invitation",
)
async def join(request: AnyRequest, token: FromPath[str]) -> AnyResponse:
    server = server_of(request)
    if request.method == "POST":
        session, user, _ = await signed_in_form(request)
    else:
        session, user = await _welcomed(request)
    try:
        invitation, inviter = await _check(server, user, token)
        if request.method == "POST":
            await _accept(request, user, invitation, token)
    except Unusable as unusable:
        return await render(request, unusable.page, status=unusable.status)
    page = JoinPage(
        title=Words("Join %(organization)s", organization=invitation.organization_name),
        action=f"{ADDRESS}/{token}",
        csrf_token=csrf_token(request, session),
        organization=invitation.organization_name,
        inviter=inviter.display_name,
        account=user.email or user.username,
        account_name=user.display_name,
        done=request.method == "POST",
    )
    return await render(request, page)


async def _welcomed(request: AnyRequest) -> tuple[Session, User]:
    """Who is signed in. Raises SignInNeeded, which says what for, and nothing of what only the invited may know."""
    try:
        return await signed_in(request)
    except SignInNeeded as needed:
        if any(link.newcomers for link in server_of(request).sign_in_links):
            notice = Words("You are invited to join an organization. Sign in to accept, or create an account first.")
        else:
            notice = Words(
                "You are invited to join an organization. Sign in to accept. "
                "If you have no account here, ask whoever sent you the link."
            )
        raise SignInNeeded(needed.return_to, needed.max_age, notice) from None


async def _check(server: AuthorizationServer, user: User, token: str) -> tuple[Invitation, User]:
    """The invitation, and who made it. Raises Unusable. SECURITY.md A-ORG-03."""
    invitation = await find_invitation(token, server.now())
    inviter = await users.find_user(invitation.invited_by) if invitation is not None else None
    # An invitation counts for no more than the right of whoever made it.
    if invitation is None or inviter is None or inviter.suspended or inviter.administrator != "full":
        raise _used_or_too_old()
    theirs = (user.email or "").lower() == invitation.email
    if invitation.email and theirs and not user.email_verified:
        raise _unconfirmed(user)
    if invitation.email and not theirs:
        raise Unusable(
            "other_account",
            Words("This invitation is for another account"),
            Words(
                "It was made for one email address, and your account %(account)s does not have it. "
                "Sign in with the account that has, and open the link again.",
                account=user.email or user.username,
            ),
            403,
            (Words("Sign out"), "/logout"),
        )
    if await member_roles(invitation.organization, user.id) is not None:
        raise _member_already(invitation)
    return invitation, inviter


async def _accept(request: AnyRequest, user: User, invitation: Invitation, token: str) -> None:
    server = server_of(request)
    now = server.now()
    names = {role["id"]: name for name, role in (await template_roles()).items()}
    roles = [role for role in invitation.roles if role in names]  # others were deleted since
    async with alone():  # or an administrator who adds the same person at this moment is not seen
        if not await spend_invitation(token, now):
            raise _used_or_too_old()
        if await member_roles(invitation.organization, user.id) is not None:
            raise _member_already(invitation)
        await add_member(invitation.organization, user.id, roles, now)
        await server.emit(
            ObjectChanged(
                actor=user.id,
                user=user.id,
                target=f"{user.username} of {invitation.organization_name}",
                address=address_of(request),
                kind="member",
                action="joined",
                after={"roles": sorted(names[role] for role in roles), "invited_by": invitation.invited_by},
            )
        )


def _used_or_too_old() -> Unusable:
    return Unusable(
        "invitation_expired",
        Words("This invitation cannot be used"),
        Words("It was used before, taken back, or is too old. Ask for a new one."),
        404,
        HOME,
    )


def _unconfirmed(user: User) -> Unusable:
    return Unusable(
        "other_account",
        Words("Your email address is not confirmed"),
        Words(
            "The invitation is for %(account)s. Confirm on your account page that this is your address, "
            "or ask whoever looks after your account, and open the link again.",
            account=user.email,
        ),
        403,
        (Words("Go to your account"), "/account/security"),
    )


def _member_already(invitation: Invitation) -> Unusable:
    name = invitation.organization_name
    return Unusable(
        "already_member",
        Words("You are in %(organization)s already", organization=name),
        Words("There is nothing left to do here."),
        409,
        HOME,
    )


async def joining_mail(server: AuthorizationServer, inviter: User, organization: str, email: str, link: str) -> Mail:
    """The link, to the one person who may use it."""
    return Mail(
        to=email,
        subject=Words("Join %(organization)s", organization=organization),
        lines=(
            Words(
                "%(name)s invites you to join %(organization)s.", name=inviter.display_name, organization=organization
            ),
            how_long(server.settings.invitation_lifetime),
            Words("It is for an account with this address."),
        ),
        link=(Words("Join"), link),
        language=language_of(inviter),
    )
