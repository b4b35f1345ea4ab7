"""From a grant to tokens. Every grant type comes through here, so that no check is forgotten in one of them.

RFC 6749 §5.1, RFC 9068 §3, OpenID Connect Core §3.1.3.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, NamedTuple

from ..events import TokenIssued
from ..objects import Choices, ScopeProvider, Subject, TokenRequest
from ..permissions import OPENID, Decision, as_json, ask, claims, consented, context_of, still_valid, verdicts
from ..protocol import jose
from ..protocol.assurance import MFA, satisfies
from ..protocol.clients import Client
from ..protocol.errors import InvalidGrant
from ..protocol.scopes import Asked, Permission
from ..protocol.tokens import access_token_claims, digest, from_plugins, id_token_claims, new_id, new_token
from ..server import AuthorizationServer
from ..settings import AT_MOST
from ..store.access_tokens import AccessToken, insert_access_token
from ..store.consents import touch_consent
from ..store.grants import Details, Grant, lock_grant
from ..store.users import find_user
from .targets import Target, choose_target


class Authorized(NamedTuple):
    """What a grant is worth at this moment: its user as `subject`, and the verdicts computed now."""

    grant: Grant
    subject: Subject
    decision: Decision


async def authorized(
    server: AuthorizationServer, client: Client, grant: Grant, choices: Choices | None = None
) -> Authorized:
    """Decide everything anew, in the same way for every grant. Raises InvalidGrant when the user or the consent is
    gone, or when that sign-in would not be enough any more.
    """
    details = grant.details
    chosen = details.choices if choices is None else choices
    user = grant.user or await find_user(grant.user_id)
    if user is None or user.suspended or not client.enabled:
        raise InvalidGrant("The user or the application is no longer active.")
    if await server.has_ended(grant):
        raise InvalidGrant("The authorization has ended.")
    if server.wants_second_factor(client) and not satisfies(details.acr, MFA):
        raise InvalidGrant("A second factor is needed by now, and there was none.")
    subject = Subject(user=user)
    if not await still_valid(server, subject, chosen):
        raise InvalidGrant("What the user chose when authorizing is no longer there.")
    # Nobody vouches for a client that registered itself: when it changes, its tokens end too.
    changed = not client.self_registered
    consent = await consented(server, client, user.id, chosen, changed=changed, said=grant.said)
    if client.third_party and consent is None:
        if context_of(chosen) != context_of(details.choices):
            raise InvalidGrant(
                "The user has not authorized what this request chooses; send a new authorization request."
            )
        raise InvalidGrant("The authorization was withdrawn, or has expired; send a new authorization request.")
    allowed = consent.granted if client.third_party and consent is not None else None
    if consent is not None:
        key = consent.id
        await server.touch(f"consent {key}", lambda: touch_consent(key, server.now()))
    names = frozenset(details.userinfo_claims) | frozenset(details.id_token_claims)
    asked = Asked(details.scopes, details.resources, names - {"sub"})
    decision = await verdicts(server, client, subject, asked, chosen, allowed)
    return Authorized(grant, subject, decision)


async def hold(server: AuthorizationServer, grant: Grant) -> None:
    """Nobody else changes it until the transaction ends. Raises InvalidGrant when it has ended meanwhile."""
    held = await lock_grant(grant.id)
    if held is None or await server.has_ended(held):
        raise InvalidGrant("The authorization has ended.")


class Minted(NamedTuple):
    """Tokens that are made but not stored: everything that waits for plugins is done, and `keep` makes them valid."""

    response: dict[str, Any]
    token: AccessToken
    event: TokenIssued


async def keep(server: AuthorizationServer, minted: Minted) -> dict[str, Any]:
    """Store the tokens and their event, in the transaction that spends what they are given for."""
    await insert_access_token(minted.token)
    await server.emit(minted.event)
    return minted.response


async def mint_access_token(
    server: AuthorizationServer,
    request: TokenRequest,
    subject: Subject,
    target: Target,
    choices: Choices,
    *,
    grant_type: str,
    grant: Grant | None,
    extra: Mapping[str, Any] | None = None,
    not_after: int | None = None,
    origins: tuple[tuple[str, str, str], ...] = (),
) -> Minted:
    """A JWT for an API, an opaque token for ourselves; a hash of either is stored, so that both can be revoked.

    `cnf` names the key that it is bound to: RFC 9449 §6.1.
    """
    client, scope, now = request.client, target.scope, server.now()
    expires_at = now + await _lifetime(server, client, target)
    if not_after is not None:
        expires_at = min(expires_at, not_after)
    bound = {"cnf": {"jkt": request.jkt}} if request.jkt else {}
    if target.audience:
        jti = new_id()
        token = await _jwt(server, client, subject, target, choices, now, expires_at, jti, {**(extra or {}), **bound})
        key = digest(jti)
    else:
        token = new_token("access_token")
        key = digest(token)
    response = {
        "access_token": token,
        "token_type": "DPoP" if request.jkt else "Bearer",
        "expires_in": expires_at - now,
        "scope": scope,
    }
    kept = AccessToken(
        key,
        grant,
        client.id,
        scope,
        target.audience,
        now,
        expires_at,
        binding=target.binding,
        jkt=request.jkt,
        context=context_of(choices),
        origins=origins,
    )
    event = TokenIssued(
        actor=client.id,
        user=subject.user.id if subject.user is not None else "",
        client=client.id,
        address=request.address,
        grant_type=grant_type,
        scope=scope,
        audience=target.audience,
        grant=grant.id if grant is not None else "",
    )
    return Minted(response, kept, event)


async def _lifetime(server: AuthorizationServer, client: Client, target: Target) -> int:
    """Seconds: the shortest lifetime that the client or the API sets, and the server's when neither does; never more
    than the server's may be, after which a key that signed it may be gone.
    """
    lifetimes = [client.access_token_lifetime] if client.access_token_lifetime else []
    if target.audience:
        for name in {p.source for p in target.permissions}:
            provider = server.scope_providers[name]
            answer = provider.access_token_lifetime(target.audience)
            seconds = await ask(server, provider, "access_token_lifetime", answer, int, NoneType)
            lifetimes += [seconds] if seconds else []
    return min(AT_MOST["access_token_lifetime"], *(lifetimes or [server.settings.access_token_lifetime]))


async def added_claims(
    server: AuthorizationServer, subject: Subject, permissions: Sequence[Permission], audience: str, choices: Choices
) -> dict[str, Any]:
    """What the sources of these permissions say in a token for an API: for which organization it is, for example."""
    added: dict[str, Any] = {}
    for name in {p.source for p in permissions}:
        provider = server.scope_providers[name]
        if type(provider).access_token_claims is ScopeProvider.access_token_claims:
            continue  # it adds nothing
        answer = provider.access_token_claims(subject, audience, choices)
        added |= await ask(server, provider, "access_token_claims", as_json(answer))
    return from_plugins(added)


async def _jwt(
    server: AuthorizationServer,
    client: Client,
    subject: Subject,
    target: Target,
    choices: Choices,
    now: int,
    expires_at: int,
    jti: str,
    extra: dict[str, Any],
) -> str:
    """Signed, and of a type of its own. RFC 9068 §2, §2.1."""
    added = await added_claims(server, subject, target.permissions, target.audience, choices)
    keys = await server.keys()
    body = access_token_claims(
        issuer=server.issuer,
        audience=target.audience,
        subject=server.subject_for(client, subject.id) if subject.user is not None else subject.id,
        client_id=client.id,
        scope=target.scope,
        issued_at=now,
        expires_at=expires_at,
        jti=jti,
        extra=added | extra,
    )
    return jose.sign(body, keys.active[client.id_token_alg], typ="at+jwt")


async def issue_id_token(
    server: AuthorizationServer, client: Client, state: Authorized, access_token: str, *, nonce: str | None
) -> str:
    """The claims asked for by name in `claims.id_token`; the rest is at UserInfo, unless the client is set to have them
    here too. Core §5.4.
    """
    details, now = state.grant.details, server.now()
    extra: dict[str, Any] = {}
    if details.id_token_claims or client.claims_in_id_token:
        released = await claims(server, state.subject, state.decision, details.id_token_claims)
        whole = client.claims_in_id_token
        chosen = {name: value for name, value in released.items() if whole or name in details.id_token_claims}
        extra = from_plugins(chosen)
    body = id_token_claims(
        issuer=server.issuer,
        client_id=client.id,
        subject=server.subject_for(client, state.subject.id),
        issued_at=now,
        expires_at=now + server.settings.id_token_lifetime,
        auth_time=details.auth_time,
        nonce=nonce,
        acr=details.acr,
        amr=details.amr,
        session_id=server.session_name_for(client, session) if (session := state.grant.session_id) else None,
        access_token=access_token,
        alg=client.id_token_alg,
        extra=extra,
    )
    keys = await server.keys()
    return jose.sign(body, keys.active[client.id_token_alg], typ="JWT")


async def mint_tokens(
    server: AuthorizationServer, request: TokenRequest, state: Authorized, *, grant_type: str, nonce: str | None
) -> Minted:
    """An access token, and an ID token when `openid` was granted. Refresh tokens are the caller's.

    An access token that is a JWT says how its user signed in: RFC 9068 §2.2.1.
    """
    details: Details = state.grant.details
    minted = await mint_access_token(
        server,
        request,
        state.subject,
        choose_target(server, state.decision, request.parameters),
        state.decision.choices,
        grant_type=grant_type,
        grant=state.grant,
        extra={"auth_time": details.auth_time, "acr": details.acr, "amr": list(details.amr)},
    )
    if OPENID in state.decision.granted:
        access_token = minted.response["access_token"]
        minted.response["id_token"] = await issue_id_token(server, request.client, state, access_token, nonce=nonce)
    return minted
