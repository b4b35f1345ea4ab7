"""What an access token is worth at this moment: one look for UserInfo, introspection and revocation. RFC 7662 §2.2."""

from __future__ import annotations

from typing import NamedTuple

from ..objects import Subject
from ..permissions import Decision, audience_of, binding_of, choices_of, verdicts
from ..protocol import jose
from ..protocol.clients import Client
from ..protocol.errors import InvalidGrant
from ..protocol.scopes import Asked, Permission, join_scope
from ..protocol.tokens import digest, is_token
from ..server import AuthorizationServer
from ..store.access_tokens import AccessToken, find_access_token
from ..store.users import User
from .issuing import authorized


class Inspected(NamedTuple):
    """A live token. `scope` is what is left of it: what it was issued with and what would still be granted."""

    token: AccessToken
    client: Client
    subject: Subject
    decision: Decision
    permissions: tuple[Permission, ...]

    @property
    def user(self) -> User | None:
        """None when the client acts for itself."""
        return self.subject.user

    @property
    def scope(self) -> str:
        return join_scope(permission.scope for permission in self.permissions)


async def token_key(server: AuthorizationServer, value: str) -> str | None:
    """What a token is stored under: the hash of itself, or of the `jti` of a JWT that we signed as an access token."""
    if is_token(value, "access_token"):
        return digest(value)
    if value.count(".") != 2:
        return None
    keys = await server.keys()
    try:
        claims = jose.verify(value, keys.verification, types=("at+jwt",))
        jose.check_times(claims, server.now())
    except jose.InvalidJWT:
        return None
    return digest(str(claims["jti"])) if claims.get("iss") == server.issuer and claims.get("jti") else None


async def inspect(server: AuthorizationServer, value: str) -> Inspected | None:
    """None for a token that is unknown, expired, revoked, or whose user, client or consent is gone."""
    key = await token_key(server, value)
    token = await find_access_token(key, server.now()) if key is not None else None
    client = await server.find_client(token.client_id) if token is not None else None
    if token is None or client is None or not client.enabled:
        return None
    if client.dpop_required and not token.jkt:
        return None  # from before its tokens had to be bound
    issued = token.scope.split()
    if token.grant is None:
        resources = (token.audience,) if token.audience else ()
        subject = Subject(client=client)
        decision = await verdicts(server, client, subject, Asked(tuple(issued), resources), {}, None)
        left = tuple(p for p in decision.granted if p.scope in issued)
        return Inspected(token, client, subject, decision, left)
    try:
        state = await authorized(server, client, token.grant, choices_of(token.context))
    except InvalidGrant:
        return None
    return Inspected(token, client, state.subject, state.decision, _left(server, token, state.decision, issued))


def _left(
    server: AuthorizationServer, token: AccessToken, decision: Decision, issued: list[str]
) -> tuple[Permission, ...]:
    """Of the scopes it was issued with, those that its audience (or the provider itself) would be granted now."""
    left = []
    for permission in decision.granted:
        if permission.scope not in issued:
            continue
        audience = audience_of(server, permission, decision.choices)
        if audience and audience != token.audience:
            continue
        if not audience or binding_of(server, permission, decision.choices) == token.binding:
            left.append(permission)
    return tuple(left)
