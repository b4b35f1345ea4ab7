"""Client ID metadata documents: an https address as `client_id`. draft-ietf-oauth-client-id-metadata-document."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from dataclasses import dataclass, replace

from credenza import (
    AlreadyExists,
    AuthorizationServer,
    Client,
    Crowd,
    Limiter,
    ProtocolError,
    Refused,
    Rule,
    check_web_uri,
    clients,
    errors,
    fetch_document,
    host_of,
    limit_calls,
    transaction,
)

from .hosts import Decisions, blocking, host_of_client
from .management import put_on, with_new_logo
from .metadata import Policy, describe, parse_client, with_changes, with_provenance
from .registration import check_sector, tell, with_logo
from .store import Registered, hold_enabled, insert_registration, make_room, move_host

logger = logging.getLogger("credenza.unregistered")

# No shared secret can be agreed on through a document that everybody reads.
POLICY = Policy("metadata document", ("private_key_jwt", "none"), "none")
MAX_BYTES = 5 * 1024
MAX_LENGTH = 255
USUAL_LIFETIME = 3600  # seconds, of a document whose host names no other
SHORTEST, LONGEST = 60, 24 * 3600
FAILED = 10  # seconds before a document that failed is fetched again
MOST_KEPT = 10_000
PER_HOST = Rule("metadata documents by host", burst=30, seconds=60)
ALL_HOSTS = Rule("metadata documents", burst=600, seconds=60)


def check_client_id(client_id: str) -> None:
    """Raise InvalidClient, before anything is fetched, for an address that cannot be a client_id."""
    try:
        check_web_uri(client_id)
    except ValueError as error:
        raise errors.InvalidClient(f"client_id: {error}") from error
    if not client_id.startswith(f"https://{host_of(client_id)}/"):
        raise errors.InvalidClient("A client_id that is an address begins with https and has a path.")
    if "#" in client_id or len(client_id) > MAX_LENGTH:
        raise errors.InvalidClient(f"A client_id has no fragment and at most {MAX_LENGTH} characters.")


@dataclass(frozen=True, slots=True)
class Failure:
    until: int
    reason: str


class Documents:
    """Fetches each document when it is needed and no longer fresh; for all who wait for the same one only once."""

    def __init__(self, server: AuthorizationServer, decisions: Decisions) -> None:
        self._server = server
        self._decisions = decisions
        self._limiter = Limiter(enabled=server.settings.rate_limit)
        self._fresh: dict[str, int] = {}
        self._failed: dict[str, Failure] = {}
        self._running: dict[str, asyncio.Task[Client]] = {}
        self.crowd = Crowd()

    async def client(self, client_id: str, stored: Client | None) -> Client:
        """The client that the document describes now.

        Raises InvalidClient, and TemporarilyUnavailable when too many wait.
        """
        check_client_id(client_id)
        if blocking(await self._decisions.all(), client_id) is not None:
            raise errors.InvalidClient("An administrator of this server has blocked applications of this host.")
        now = self._server.now()
        if stored is not None and self._fresh.get(client_id, 0) > now:
            return stored
        failure = self._failed.get(client_id)
        if failure is not None and failure.until > now:
            raise errors.InvalidClient(failure.reason)
        limit_calls()  # its keys may have to be fetched, too
        with self.crowd.place():
            return await asyncio.shield(self._loading(client_id, known=stored is not None))

    def _loading(self, client_id: str, *, known: bool) -> asyncio.Task[Client]:
        task = self._running.get(client_id)
        if task is None:
            # In a context of its own: it must not write into the transaction of whoever happens to come first.
            task = asyncio.get_running_loop().create_task(self._load(client_id, known=known), context=Context())
            self._running[client_id] = task
            task.add_done_callback(lambda done: self._finished(client_id, done))
        return task

    def _finished(self, client_id: str, task: asyncio.Task[Client]) -> None:
        del self._running[client_id]
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody may have stayed

    async def _load(self, client_id: str, *, known: bool) -> Client:
        limit_calls()
        try:
            await self._check_allowance(client_id, known=known)
            declared, lifetime = await self._fetch(client_id)
            client = await self._save(declared)
        except (Refused, ProtocolError) as error:
            logger.info("metadata document %s: %s", client_id, error)
            reason = self._remember(client_id, error)
            raise errors.InvalidClient(reason, detail=str(error)) from error
        if len(self._fresh) >= MOST_KEPT:
            self._fresh.clear()
        self._fresh[client_id] = self._server.now() + lifetime
        return client

    def _remember(self, client_id: str, error: Exception) -> str:
        """Why it failed, for a moment. Of a refused call nothing is told: it could be about our own network."""
        reason = "The metadata document of this client cannot be read."
        if isinstance(error, ProtocolError):
            reason = f"The metadata document of this client is not valid. {error.description}"
        if len(self._failed) >= MOST_KEPT:
            self._failed.clear()
        self._failed[client_id] = Failure(self._server.now() + FAILED, reason)
        return reason

    async def _check_allowance(self, client_id: str, *, known: bool) -> None:
        """Whoever makes up addresses stops nobody whose document was read before. Raises Refused."""
        kind = "known" if known else "new"
        if not await self._limiter.allow((PER_HOST, f"{kind} {host_of(client_id)}"), (ALL_HOSTS, kind)):
            raise Refused("too many documents are asked for")

    async def _fetch(self, client_id: str) -> tuple[Client, int]:
        """What the document says, and for how many seconds that may be believed."""
        server = self._server
        document = await fetch_document(server.settings, client_id, limit=MAX_BYTES)
        content = document.content
        if not isinstance(content, dict) or content.get("client_id") != client_id:
            raise errors.InvalidClientMetadata("client_id in the document must be exactly its address.")
        if secrets := [name for name in content if name.startswith("client_secret")]:
            raise errors.InvalidClientMetadata(f"A document that everybody can read must not have {secrets[0]}.")
        if str(content.get("token_endpoint_auth_method", "")).startswith("client_secret"):
            raise errors.InvalidClientMetadata("token_endpoint_auth_method must be none or private_key_jwt.")
        client = with_provenance(await parse_client(server, content, client_id, POLICY), POLICY, server.now())
        await check_sector(server, client)
        lifetime = USUAL_LIFETIME if document.max_age is None else document.max_age
        return client, min(max(lifetime, SHORTEST), LONGEST)

    async def _save(self, declared: Client) -> Client:
        """The client's row, so that consents and tokens have something to point to; written when something changed."""
        stored = await clients.find_client(declared.id, self._server.client_types)
        if stored is not None and stored.type.name == declared.type.name:
            if describe(stored) == describe(with_changes(stored, declared)):
                return stored
            return await self._update(stored, declared)
        try:
            return await self._insert(await with_logo(self._server, declared), stored)
        except AlreadyExists:  # another worker was quicker
            found = await clients.find_client(declared.id, self._server.client_types)
            if found is None:
                raise
            return found

    async def _update(self, stored: Client, declared: Client) -> Client:
        server, now = self._server, self._server.now()
        declared = await with_new_logo(server, stored, declared)
        async with transaction():
            if not await hold_enabled(stored.id, now):
                return replace(stored, enabled=False)
            stored, client = await put_on(server, stored, declared)
            await clients.update_client(client, now)
            await move_host(client.id, host_of_client(client), doubted=client.unverified and not stored.unverified)
            await tell(server, client, "updated", "", before=describe(stored), after=describe(client))
        return await self._found(client)

    async def _insert(self, client: Client, replaced: Client | None) -> Client:
        """`replaced` is the same client as one of another type: what was allowed to that is gone."""
        server, now = self._server, self._server.now()
        async with transaction():
            await make_room(now)
            if replaced is not None:
                if not await hold_enabled(client.id, now):
                    return replace(replaced, enabled=False)
                await clients.delete_client(client.id)
            await clients.insert_client(client, now)
            await insert_registration(Registered(client.id, host_of_client(client)), now)
            await tell(server, client, "registered", "", after=describe(client))
        return await self._found(client)

    async def _found(self, client: Client) -> Client:
        """With its fingerprint."""
        return await clients.find_client(client.id, self._server.client_types) or client
