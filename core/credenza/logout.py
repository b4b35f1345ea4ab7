"""The end of a session: its tokens end with it, and applications are told. OpenID Connect Back-Channel Logout 1.0.

Whatever ends a session comes through `end_sessions`. Applications are told from a queue in the database: the user never
waits for them, and a dead one is tried again later, by whichever worker is there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from .outbound import Refused, fetch
from .protocol import jose
from .protocol.clients import Client
from .protocol.errors import ServerError
from .protocol.tokens import new_id
from .repeating import repeated
from .server import AuthorizationServer
from .store.engine import StoreUnavailable, transaction
from .store.logout import Delivery, claim_delivery, insert_deliveries, list_due_deliveries, settle_delivery
from .store.revocation import end_session_grants, list_session_clients
from .store.sessions import delete_sessions, has_more_sessions

logger = logging.getLogger("credenza.logout")

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = 120  # seconds; Back-Channel Logout §2.4
EVERY = 5.0  # seconds between two looks for what is due again
MANY, A_FEW = 1_000, 100  # sessions of one person
AT_ONCE = 50  # that one worker sends as soon as sessions end, and as many from the queue
OF_ONE = 10  # of these to one application, or to all together that nobody vouches for


async def end_sessions(server: AuthorizationServer, user_id: str, session_ids: Sequence[str]) -> list[Client]:
    """End what hangs on these sessions, in the transaction that ends them; returns the applications to be told.

    One that is disabled hears nothing of its users any more, and its address may be somebody else's by now.
    """
    if not session_ids:
        return []
    async with transaction():
        pairs = await list_session_clients(list(session_ids))
        ids = dict.fromkeys(client_id for _, client_id in pairs)
        found = {client_id: await server.find_client(client_id) for client_id in ids}
        clients = {client_id: client for client_id, client in found.items() if client is not None and client.enabled}
        await end_session_grants(user_id, list(session_ids), server.now())
        deliveries = [
            Delivery(new_id(), client_id, user_id, session_id, server.now())
            for session_id, client_id in pairs
            if client_id in clients and clients[client_id].backchannel_logout_uri
        ]
        await insert_deliveries(deliveries)
        share = {client_id: _share(client) for client_id, client in clients.items()}
        for delivery in sorted(deliveries, key=lambda delivery: not share[delivery.client_id])[:AT_ONCE]:
            await server.engine.after_commit(partial(_begin, server, delivery, share[delivery.client_id]))
    return list(clients.values())


def _share(client: Client | None) -> str:
    """What a client has for itself, or together with all that nobody vouches for: anybody may register many."""
    return "" if client is None or client.unverified else client.id


async def end_some_sessions(server: AuthorizationServer, user_id: str, *, but: str = "") -> list[str]:
    """End a few of a user's sessions, none when none are left; returns their public names."""
    async with transaction():
        ended = await delete_sessions(user_id, but=but, most=A_FEW)
        await end_sessions(server, user_id, ended)
    return ended


async def end_most_sessions(server: AuthorizationServer, user_id: str, *, but: str = "") -> None:
    """Before a user is signed out, outside of a transaction: very many sessions end a few at a time, but for so many
    as end in a moment. A hundred thousand at once kept everybody else waiting for seconds.
    """
    while await has_more_sessions(user_id, MANY):
        await end_some_sessions(server, user_id, but=but)
        await asyncio.sleep(0)


async def end_all_sessions(server: AuthorizationServer, user_id: str, *, but: str = "") -> None:
    """A user is signed out everywhere, or everywhere but in one session; `end_most_sessions` goes before it."""
    await end_sessions(server, user_id, await delete_sessions(user_id, but=but))


async def _begin(server: AuthorizationServer, delivery: Delivery, share: str) -> None:
    server.spawn(_at_once(server, delivery, share))


async def _at_once(server: AuthorizationServer, delivery: Delivery, share: str) -> None:
    """Deliver it now, unless many are under way, or many of this `share`: each takes a connection, maybe for seconds,
    and the queue has it.
    """
    told = server.told_at_once
    if told.total() < AT_ONCE and told[share] < OF_ONE:
        told[share] += 1
        try:
            await deliver(server, delivery)
        finally:
            told -= Counter([share])  # which forgets those whose turn is over


async def deliver(server: AuthorizationServer, delivery: Delivery) -> None:
    """Try once, unless another worker has claimed it; what fails is due again later."""
    attempts = await claim_delivery(delivery.id, server.now())
    if attempts is None:
        return
    client = await server.find_client(delivery.client_id)
    if client is None or not client.backchannel_logout_uri:
        await settle_delivery(delivery.id, server.now(), error="")
        return
    error = await _post(server, client, delivery) if client.enabled else "the application is disabled"
    await settle_delivery(delivery.id, server.now() if not error else None, error=error)
    if error:
        logger.info("back-channel logout of %r failed (attempt %d): %s", client.id, attempts, error)


async def _post(server: AuthorizationServer, client: Client, delivery: Delivery) -> str:
    token = await logout_token(server, client, delivery)
    try:
        status, _, _ = await fetch(
            server.settings, client.backchannel_logout_uri, method="POST", form={"logout_token": token}
        )
    except Refused as error:
        return str(error)
    return "" if status in (200, 204) else f"the application answered {status}"


async def logout_token(server: AuthorizationServer, client: Client, delivery: Delivery) -> str:
    """It has no nonce, and exactly one event. Back-Channel Logout §2.4."""
    now = server.now()
    claims: dict[str, Any] = {
        "iss": server.issuer,
        "aud": client.id,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": new_id(),
        "sub": server.subject_for(client, delivery.user_id),
        "sid": server.session_name_for(client, delivery.session_id),
        "events": {EVENT: {}},
    }
    keys = await server.keys()
    return jose.sign(claims, keys.active[client.id_token_alg], typ="logout+jwt")


def frontchannel_address(server: AuthorizationServer, client: Client, session_id: str) -> str:
    """What to load in a frame, with `iss` and `sid`; empty when the client has none. Front-Channel Logout §3."""
    address = str(client.metadata.get("frontchannel_logout_uri") or "")
    if not address:
        return ""
    query = urlencode({"iss": server.issuer, "sid": server.session_name_for(client, session_id)})
    return f"{address}{'&' if '?' in address else '?'}{query}"


def keep_delivering(server: AuthorizationServer) -> AbstractAsyncContextManager[None]:
    return repeated(server, _deliver_due, every=EVERY, name="back-channel logout")


async def _share_of(server: AuthorizationServer, client_id: str) -> str:
    try:
        return _share(await server.find_client(client_id))
    except ServerError:  # of a plugin, for this client only
        return ""


async def _deliver_due(server: AuthorizationServer) -> None:
    """Each share has its turn, however much waits in another; what goes wrong with one waits for the others."""
    due = await list_due_deliveries(server.now())
    share = {name: await _share_of(server, name) for name in dict.fromkeys(each.client_id for each in due)}
    turns = Counter[str]()
    order = []
    for delivery in due:
        mine = share[delivery.client_id]
        turns[mine] += 1
        order.append((turns[mine], not mine, delivery))
    order.sort(key=itemgetter(0, 1))
    now = [delivery for _, _, delivery in order[:AT_ONCE]]
    outcomes = await asyncio.gather(*(deliver(server, delivery) for delivery in now), return_exceptions=True)
    failed: dict[tuple[str, str], BaseException] = {}
    for delivery, outcome in zip(now, outcomes, strict=True):
        if isinstance(outcome, StoreUnavailable):  # for all of them
            raise outcome
        if outcome is not None:
            failed.setdefault((delivery.client_id, repr(outcome)), outcome)
    for (client_id, _), error in failed.items():
        logger.error("back-channel logout of %r failed", client_id, exc_info=error)
