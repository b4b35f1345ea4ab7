"""The way to another provider and back: to sign in, or to link an account of theirs. OpenID Connect Core §3.1.2.

What comes back must come to the browser that was sent, with the state it was sent with, once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from credenza import (
    AccountVisit,
    AnyRequest,
    AnyResponse,
    Authentication,
    FactorChanged,
    Limiter,
    ObjectChanged,
    Page,
    Parameters,
    Refused,
    Rule,
    SignInFailed,
    SignInNeeded,
    SignInWishes,
    User,
    Visitor,
    Words,
    address_of,
    alone,
    as_identifier,
    complete_sign_in,
    email_mistake,
    is_name,
    is_token,
    neighbourhood,
    new_error_id,
    new_id,
    new_token,
    query_parameters,
    redirect_response,
    render,
    server_of,
    set_session_cookie,
    sign_in_wishes,
    signed_in,
    transaction,
    users,
    visitor_of,
    way_on,
)

from . import store
from .provider import NotFresh, authenticated_at, authorization_address, new_request, redeem, said
from .store import Upstream

logger = logging.getLogger("credenza.plugins.upstream")

TEMPLATES = Path(__file__).parent / "templates"
ACCOUNT = "/account/security/linked"
ACR = "urn:credenza:acr:federated"
# Each is remembered until it ends; a company may sit behind one address.
BY_ADDRESS = Rule("sign-ins begun elsewhere by address", burst=3000, seconds=600)
WRITTEN_DOWN = Rule("sign-ins elsewhere that failed, in the audit log by address", burst=600, seconds=3600)


@dataclass(kw_only=True)
class StoppedPage(Page):
    """It did not work, and says how to go on: back to `address`."""

    template: ClassVar[str] = "upstream/stopped.html"
    name: ClassVar[str] = "error"
    folder: ClassVar[Path | None] = TEMPLATES
    code: str
    explanation: str
    address: str
    error_id: str = ""
    """Finds the event in the console, and the line in the log."""


@get("/upstream/{upstream_id:str}/begin", name="sign in elsewhere", opt={"head": False})
async def begin(request: AnyRequest, upstream_id: FromPath[str]) -> AnyResponse:
    """Only from a sign-in that this browser began: a link from elsewhere leads nowhere."""
    token = query_parameters(request).get("continue", "")
    upstream = await store.find_upstream(upstream_id)
    wishes = await sign_in_wishes(request, token)
    if upstream is None or not upstream.enabled or wishes is None:
        raise NotFoundException
    visitor, limiter = visitor_of(request), request.app.state.limiter
    assert isinstance(limiter, Limiter)
    try:
        if not await limiter.allow((BY_ADDRESS, neighbourhood(address_of(request)))):
            raise Refused("too many were begun from this address")
        address = await sent_away(visitor, upstream, {"continue": token}, wishes)
    except Refused as refused:
        return await _stopped(request, upstream, refused, way_on(token))
    return visitor.known(redirect_response(server_of(request).settings, address))


async def sent_away(visitor: Visitor, upstream: Upstream, why: Mapping[str, str], wishes: SignInWishes) -> str:
    """The address of the other provider; what must come back is kept. Raises Refused."""
    server = server_of(visitor.request)
    state, kept = new_token("upstream_state"), new_request(wishes, server.now())
    address = await authorization_address(server, upstream, state, kept, choose=wishes.choose)
    await store.keep_state(server, state, upstream, visitor.cookie, {**kept, **why})
    return address


@get("/upstream/{upstream_id:str}/callback", name="back from elsewhere", opt={"head": False})
async def callback(request: AnyRequest, upstream_id: FromPath[str]) -> AnyResponse:
    server, visitor, answer = server_of(request), visitor_of(request), query_parameters(request)
    state = answer.get("state", "")
    kept = None
    if is_token(state, "upstream_state"):
        kept = await store.spend_state(server, state, visitor.cookie, upstream_id)
    upstream = await store.find_upstream(upstream_id) if kept is not None else None
    if kept is None or upstream is None or not upstream.enabled:
        return await _stopped(request, upstream, Refused("the state is not one of this browser and provider"), "/")
    back = ACCOUNT if "user" in kept else way_on(kept.get("continue", ""))
    try:
        if answer.repeated or "error" in answer or "code" not in answer:
            raise Refused(f"it answered with {said(answer) or 'nothing'}")
        claims, lacking = await redeem(server, upstream, answer, kept)
        at = authenticated_at(claims, kept, server.now())
    except Refused as refused:
        return await _stopped(request, upstream, refused, back)
    if lacking:
        link = await store.find_link(upstream.issuer, claims["sub"])
        event = SignInFailed(user=link.user if link is not None else "", reason=lacking, result="incomplete")
        await _write_down(request, upstream, event)
    if "user" in kept:
        return await _link(request, upstream, claims, kept)
    return await _sign_in(request, upstream, claims, kept["continue"], at)


async def _sign_in(
    request: AnyRequest, upstream: Upstream, claims: Mapping[str, Any], token: str, at: int | None
) -> AnyResponse:
    server = server_of(request)
    link = await store.find_link(upstream.issuer, claims["sub"])
    if link is None and upstream.create_users:
        user: User | None = await _create(request, upstream, claims)
    elif link is None:
        page = StoppedPage(
            title=Words("This account is not linked"),
            code="account_not_linked",
            explanation=Words(
                "No account here is linked to this one at %(provider)s. Sign in the usual way, and link it on your "
                "account page, under Security.",
                provider=upstream.title,
            ),
            address=way_on(token),
        )
        return await render(request, page, status=403)
    else:
        user = await users.find_user(link.user)
        await store.touch_link(link, server.now())
    if user is None or user.suspended:
        return await _stopped(request, upstream, Refused("the account is suspended"), way_on(token))
    return await complete_sign_in(request, token, Authentication(user, (), ACR, at))


class _LinkedMeanwhile(Exception):
    """By another tab: what was begun here is undone."""


async def _create(request: AnyRequest, upstream: Upstream, claims: Mapping[str, Any]) -> User | None:
    """A new account, or the one that another tab made in this very moment.

    An address that they did not verify is not kept: who has it could get into this account by mail, and would share
    it with whoever claimed it. One that they did is unconfirmed here, and finds no account of ours.
    """
    server, now = server_of(request), server_of(request).now()
    email = as_identifier(_text(claims, "email")) if claims.get("email_verified") is True else ""
    given = {name: _text(claims, name) for name in ("name", "given_name", "family_name")}
    user = User(
        users.new_user_id(),
        f"{upstream.id}-{new_id()[:10]}",
        profile={name: value for name, value in given.items() if value},
        created_at=now,
        updated_at=now,
    )
    try:
        async with alone():  # or of two who come with one address at this moment each has it
            if email and not email_mistake(email) and await users.find_user_signing_in(email) is None:
                user = replace(user, email=email)
            await users.insert_user(user)
            if not await store.insert_link(upstream, user.id, claims["sub"], label_of(claims), now):
                raise _LinkedMeanwhile
            await server.emit(
                ObjectChanged(
                    actor=user.id,
                    user=user.id,
                    target=user.username,
                    address=address_of(request),
                    kind="user",
                    action="created",
                    after={"username": user.username, "upstream": upstream.id},
                )
            )
    except _LinkedMeanwhile:
        link = await store.find_link(upstream.issuer, claims["sub"])
        return await users.find_user(link.user) if link is not None else None
    return user


async def _link(
    request: AnyRequest, upstream: Upstream, claims: Mapping[str, Any], kept: Mapping[str, str]
) -> AnyResponse:
    """To whoever asked for it, in the session they asked in, which goes on under a new id."""
    server = server_of(request)
    try:
        session, user = await signed_in(request, fresh=True)
    except SignInNeeded as needed:
        raise SignInNeeded(ACCOUNT, needed.max_age) from None
    if user.id != kept["user"] or session.id != kept["session"]:
        return await _stopped(request, upstream, Refused("somebody else is signed in now"), ACCOUNT)
    label, cookie = label_of(claims), ""
    async with transaction():
        if await users.hold_user(user.id) is None:  # before the session, as whoever suspends them does
            raise SignInNeeded(ACCOUNT)
        linked = await store.insert_link(upstream, user.id, claims["sub"], label, server.now())
        if linked:
            await server.emit(
                FactorChanged(
                    actor=user.id,
                    user=user.id,
                    address=address_of(request),
                    factor="upstream",
                    action="added",
                    title=upstream.title,
                )
            )
            cookie = await AccountVisit(request, server, session, user, Parameters([])).renew_session()
    existing = await store.find_link(upstream.issuer, claims["sub"])
    if not linked and (existing is None or existing.user != user.id):
        page = StoppedPage(
            title=Words("This account is linked already"),
            code="account_linked",
            explanation=Words("It belongs to another account here, and can belong to one only."),
            address=ACCOUNT,
        )
        return await render(request, page, status=409)
    response = redirect_response(server.settings, server.issuer + ACCOUNT)
    if linked:
        set_session_cookie(response, server.settings, cookie)
    return response


def label_of(claims: Mapping[str, Any]) -> str:
    """What people know their account there by."""
    return _text(claims, "email") or _text(claims, "preferred_username") or _text(claims, "name")


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) and is_name(value, 200) else ""


async def _stopped(request: AnyRequest, upstream: Upstream | None, refused: Refused, back: str) -> AnyResponse:
    """The reason is for administrators, who find it by its id; people are told how to go on."""
    logger.warning("sign-in with %s stopped: %s", upstream.id if upstream is not None else "another provider", refused)
    error_id = new_error_id()
    if upstream is not None:
        await _write_down(request, upstream, SignInFailed(error_id=error_id, reason=str(refused)))
    if upstream is not None and isinstance(refused, NotFresh):
        explanation = Words(
            "You have to sign in anew, and %(provider)s does not say that you did. Use another way.",
            provider=upstream.title,
        )
        title = Words("Please sign in again")
        page = StoppedPage(
            title=title, code="upstream_not_fresh", explanation=explanation, address=back, error_id=error_id
        )
        return await render(request, page, status=403)
    page = StoppedPage(
        title=Words("That did not work"),
        code="upstream_failed",
        explanation=Words(
            "The other service did not sign you in, or its answer was not valid. Try again, or use another way."
        ),
        address=back,
        error_id=error_id,
    )
    return await render(request, page, status=400)


async def _write_down(request: AnyRequest, upstream: Upstream, event: SignInFailed) -> None:
    """For the audit log, which nobody can fill from one address."""
    limiter, address = request.app.state.limiter, address_of(request)
    assert isinstance(limiter, Limiter)
    if await limiter.allow((WRITTEN_DOWN, f"{event.result} {neighbourhood(address)}")):
        event = replace(event, target=upstream.id, address=address, reason=event.reason[:2000])
        await server_of(request).emit(event)
