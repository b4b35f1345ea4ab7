"""Whom an authorization request is about: `id_token_hint`, and `sub` in `claims`. OpenID Connect Core §3.1.2.1, §5.5.1.

A subject identifier may be one for the client's sector only, so it is never looked up: what is asked is whether a given
user goes by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects import Waiting
from ..protocol import jose
from ..protocol.clients import Client
from ..protocol.errors import InvalidRequest
from ..protocol.words import Words
from ..server import AuthorizationServer


async def check_subject(waiting: Waiting) -> None:
    """Refuses a hint that is not ours, and a request about two users."""
    await _wanted(waiting)


async def is_wanted(waiting: Waiting) -> bool:
    """Whether the user who is there is the one that the request is about, or it is about nobody in particular."""
    assert waiting.user is not None
    user_id = waiting.user.id
    return all(subject_for(waiting.server, client, user_id) == subject for client, subject in await _wanted(waiting))


def subject_for(server: AuthorizationServer, client: Client | None, user_id: str) -> str:
    """The user's name for a client; one that is gone is taken for one with public subjects."""
    return server.subject_for(client, user_id) if client is not None else user_id


def session_name_for(server: AuthorizationServer, client: Client | None, session_id: str) -> str:
    """The session's name for a client, likewise."""
    return server.session_name_for(client, session_id) if client is not None else session_id


async def _wanted(waiting: Waiting) -> list[tuple[Client | None, str]]:
    """Who the request is about: pairs of a client and the subject as that client knows it."""
    if waiting.request is None:
        return []
    wanted: list[tuple[Client | None, str]] = [(waiting.client, subject) for subject in waiting.request.claims.subjects]
    if waiting.request.id_token_hint is not None:
        hinted = await read_hint(waiting.server, waiting.request.id_token_hint)
        audience, subject = str(hinted.get("aud", "")), str(hinted.get("sub", ""))
        ours = waiting.client is not None and audience == waiting.client.id
        wanted.append((waiting.client if ours else await waiting.server.find_client(audience), subject))
    if len({(client.id if client is not None else "", subject) for client, subject in wanted}) > 1:
        clients = {client.id if client is not None else "" for client, _ in wanted}
        if len(clients) == 1:
            raise InvalidRequest(Words("The request is about more than one user."))
    return wanted


async def read_hint(server: AuthorizationServer, hint: str) -> Mapping[str, Any]:
    """Its claims. Expired hints are fine; "the OP need not be listed as audience". Core §3.1.2.1."""
    keys = await server.keys()
    try:
        claims = jose.verify(hint, keys.verification, types=("jwt",))
        jose.check_times(claims, server.now(), expired_ok=True)
    except jose.InvalidJWT as error:
        raise InvalidRequest(Words("id_token_hint is not one of our ID tokens."), detail=str(error)) from error
    if claims.get("iss") != server.issuer:
        raise InvalidRequest(Words("id_token_hint is not one of our ID tokens."))
    return claims
