"""The authorization server: settings, store, keys, and what plugins registered. Read-only after the start."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextvars import copy_context
from types import NoneType
from typing import Any

import pluggy

from .encryption import Keyring
from .events import Event
from .hookspecs import Listener
from .languages import Languages
from .metrics import Metrics
from .objects import Authenticator, ClientSource, Mail, Mailer, Prompt, ScopeProvider, SecondFactor
from .outbound import Refused, begin_request
from .patience import within
from .plugins import OURS, Answer, blame, folders_of, of_kind
from .protocol import jose
from .protocol.assurance import strength
from .protocol.clients import Branding, Client
from .protocol.errors import ProtocolError, ServerError
from .protocol.scopes import Permission, Scope
from .protocol.subject_identifiers import pairwise, pairwise_session
from .registered import Registered
from .remote_keys import RemoteKeys
from .settings import Settings, SettingsError, secret_keys
from .store import audit, clients, keys, provider
from .store.addresses import engine_from_url
from .store.endings import Ending, list_endings
from .store.engine import Engine, StoreUnavailable, bind, database
from .store.grants import Grant
from .store.keys import StoredKey
from .store.migrate import migrate, pending
from .store.sealed import LASTING_PLACE, find_lasting_secret, save_lasting_secret
from .store.version import Cache, bump_version

logger = logging.getLogger("credenza")
plugin_logger = logging.getLogger("credenza.plugins")

LAST = 10  # seconds that a server which stops has for what was spawned
OVER = 5  # and for the end of what was not done by then
CALLED = {  # in the log
    Authenticator: "the way to sign in",
    ClientSource: "client source",
    Mailer: "mailer",
    Prompt: "prompt",
    ScopeProvider: "scope source",
    SecondFactor: "second factor",
}


class Clock:
    """Unix time in whole seconds. Tests move it; nothing else reads the time for the protocol."""

    def __init__(self) -> None:
        self.offset = 0

    def now(self) -> int:
        return int(time.time()) + self.offset

    def move(self, seconds: int) -> None:
        """So many seconds forward."""
        self.offset += seconds


class KeySet:
    """Our keys, parsed once: `active` signs (one for each algorithm), `published` is in the JWKS, RS256 first."""

    def __init__(self, published: Sequence[tuple[StoredKey, jose.SigningKey]]) -> None:
        self.published = [key for _, key in published]
        self.active = {key.alg: key for stored, key in reversed(published) if stored.state == "active"}
        self.verification = [jose.verification_key(key) for key in self.published]


def engine_of(settings: Settings) -> Engine:
    """The database that the settings name, not opened yet. Raises SettingsError."""
    try:
        return engine_from_url(settings.database_url)
    except ValueError as error:
        raise SettingsError(f"database_url: {error}") from error


class AuthorizationServer(Registered):
    """Everything a request needs. Made once by `create_app`, never written to afterwards."""

    def __init__(self, settings: Settings, plugins: pluggy.PluginManager) -> None:
        self.clock = Clock()
        self.metrics = Metrics() if settings.metrics_token else None
        self.up = False  # set by starting.py, and `stopping` by the signal: they are the process's, not the server's
        self.stopping = False
        self.full = False  # the last write that failed did so because the disk was full
        self.told_at_once = Counter[str]()  # who is being told, at this moment, that a session has ended
        self.engine = engine_of(settings)
        self.keyring = Keyring(*secret_keys(settings))
        super().__init__(settings, plugins)
        self._clients: Cache[Client | None] = Cache()
        self._keys: Cache[KeySet] = Cache()
        self._branding: Cache[Branding] = Cache()
        self._origins: Cache[frozenset[str]] = Cache()
        self._endings: Cache[Mapping[str, Sequence[Ending]]] = Cache()
        self.requested_scopes: Cache[Mapping[str, Mapping[Permission, Scope]]] = Cache(most=2_000)
        self.catalogues: Cache[Mapping[str, Collection[Permission]]] = Cache()
        self._touched: dict[str, int] = {}
        self._opened: dict[str, jose.SigningKey] = {}
        self.remote_keys = RemoteKeys(settings, self.clock.now)
        self.languages = Languages(folders_of(plugins, "locales"))
        self._tasks: set[asyncio.Task[None]] = set()
        self._telling: set[asyncio.Task[None]] = set()  # those of them in which a listener hears of an event

    @property
    def issuer(self) -> str:
        return self.settings.issuer

    def now(self) -> int:
        """Unix time in whole seconds, as tests have moved it."""
        return self.clock.now()

    @property
    def acr_values(self) -> tuple[str, ...]:
        """The classes of authentication that a sign-in can reach, weakest first."""
        reached = {way.acr for way in self.authenticators.values()}
        reached |= {factor.acr for factor in self.second_factors.values()}
        return tuple(sorted(reached, key=strength))

    @property
    def plugins_named(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.plugins.list_name_plugin())

    def plugin_of(self, item: object) -> str:
        """The name of the plugin that registered this object; "?" when none did."""
        return self.owners.get(id(item), "?")

    async def answer_of(
        self, item: Authenticator | Mailer | Prompt | SecondFactor, answer: Awaitable[Answer], *kinds: type
    ) -> Answer:
        """Await a method of what a plugin registered for at most `plugins_timeout` seconds.

        What it raises goes on, with its plugin's name for the log, as does an answer of none of these kinds. What is
        ours has no limit as a whole: it waits for plugins, one after the other, and for a place to hash a password.
        """
        plugin = self.plugin_of(item)
        try:
            found = await within(None if plugin == OURS else self.settings.plugins_timeout, answer)
            return of_kind(found, *kinds) if kinds else found
        except Exception as error:
            blame(error, plugin, _called(item))
            raise

    async def send_mail(self, mail: Mail) -> None:
        """Give it to the mailer, in the transaction that is open. Only where there is a `mailer`."""
        assert self.mailer is not None
        await self.answer_of(self.mailer, self.mailer.send(mail))

    async def start(self) -> None:
        """Open the database, and give the tables to it."""
        bind(self.engine, [table for app in self.table_apps for table in app.table_classes])
        if (path := self.settings.sqlite_path) is not None and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        await self.engine.start()

    async def stop(self) -> None:
        """Wait some seconds for what was spawned, end the rest of it, and close the database."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=LAST)
            for task in late:
                task.cancel()
            if late:  # a plugin may catch that, too, and go on: the process ends all the same
                await asyncio.wait(late, timeout=OVER)
        await self.engine.stop()

    async def migrate(self, tell: Callable[[str], None] = logger.info) -> list[str]:
        """Bring the database up to date; `tell` hears of each step before it begins."""
        return await migrate(self.engine, self.table_apps, tell)

    async def read_lasting_secret(self) -> None:
        """What pairwise subjects and keyed names are derived from; made at the first start. Raises Undecryptable."""
        if self.keyring.complete:
            return
        sealed = await find_lasting_secret()
        if sealed is None:
            fresh = self.keyring.encrypt(os.urandom(32), place=LASTING_PLACE)
            sealed = await save_lasting_secret(fresh, self.now())
        self.keyring.use_lasting(self.keyring.decrypt(sealed, place=LASTING_PLACE))

    async def check_secret_key(self) -> None:
        """Whether it opens everything that was stored under it; nothing new is made. Raises Undecryptable."""
        if (sealed := await find_lasting_secret()) is not None:
            self.keyring.decrypt(sealed, place=LASTING_PLACE)
        for key in await keys.list_keys():
            self._open_key(key)

    async def pending_migrations(self) -> list[str]:
        """Those that have not run, as `app/id`, in their order."""
        return await pending(self.engine, self.table_apps)

    def wants_second_factor(self, client: Client | None = None) -> bool:
        """Whether one factor is not enough: for anything here, or for this client."""
        return self.settings.second_factor == "required" or (client is not None and client.require_second_factor)

    def subject_for(self, client: Client, user_id: str) -> str:
        """The name that a client knows a user by. OpenID Connect Core §8."""
        if client.metadata.get("subject_type") != "pairwise":
            return user_id
        return pairwise(self.keyring.subjects, client, user_id)

    def session_name_for(self, client: Client, session_id: str) -> str:
        """The `sid` that a client knows a session by; like a subject, it may be one for the client's sector only."""
        if client.metadata.get("subject_type") != "pairwise":
            return session_id
        return pairwise_session(self.keyring.subjects, client, session_id)

    async def has_ended(self, grant: Grant) -> bool:
        """Whether it ended with so many others that it is not marked yet."""
        endings = await self._endings.get("", list_endings)
        for ending in endings.get(grant.user_id, ()):
            if await ending.covers(grant):
                return True
        return False

    async def find_client(self, client_id: str, *, fresh: bool = False) -> Client | None:
        """The client as it is now. `fresh` when the client itself asks for something; see ClientSource.find."""
        client = None
        if clients.may_be_id(client_id):  # that there is none is kept too, whatever somebody comes up with
            client = await self._clients.get(client_id, lambda: clients.find_client(client_id, self.client_types))
        seconds = self.settings.plugins_timeout
        for source in self.client_sources.values():
            asked = "concerns"
            try:
                if source.concerns(client_id, client):
                    asked = "find"
                    found = await within(seconds, source.find(client_id, client, fresh=fresh))
                    client = of_kind(found, Client, NoneType)
            except (ProtocolError, StoreUnavailable):
                raise
            except Exception as error:  # it denies
                raise note_failure(self, source, asked, error) from error
        return client

    async def forget_in_client_sources(self, source: str, resource: str, scope: str) -> None:
        """Pass on to each ClientSource.forget; a source that fails stops the deletion."""
        for found in self.client_sources.values():
            try:
                await within(self.settings.plugins_timeout, found.forget(source, resource, scope))
            except StoreUnavailable:
                raise
            except Exception as error:
                raise note_failure(self, found, "forget", error) from error

    async def registered_origins(self) -> frozenset[str]:
        """The CORS origins of all enabled clients, from the cache."""
        return await self._origins.get("origins", clients.list_cors_origins)

    async def touch(self, what: str, write: Callable[[], Awaitable[None]]) -> None:
        """Remember when something was last used, at most once a minute in this worker."""
        now = self.now()
        if abs(now - self._touched.get(what, 0)) >= 60:
            if len(self._touched) > 50_000:
                self._touched.clear()
            self._touched[what] = now
            await write()

    async def provider_branding(self) -> Branding:
        """From the cache; the name is Credenza until the company has set its own."""

        async def load() -> Branding:
            return Branding.load({"display_name": "Credenza"} | await provider.find_provider_setting("branding"))

        return await self._branding.get("provider", load)

    async def keys(self) -> KeySet:
        """The signing keys, from the cache; missing ones are made. Raises Undecryptable."""
        return await self._keys.get("keys", self._load_keys)

    async def _load_keys(self) -> KeySet:
        stored = await keys.list_keys()
        if self.missing_keys(stored):
            await self.create_missing_keys(stored)
            stored = await keys.list_keys()
        return KeySet([(key, self._open_key(key)) for key in stored])

    def _open_key(self, key: StoredKey) -> jose.SigningKey:
        if key.kid not in self._opened:  # parsing RSA keys is slow, and their kid is the hash of what they are
            pem = self.keyring.decrypt(key.private_key, place=_place(key.kid))
            self._opened[key.kid] = jose.load_signing_key(pem, key.alg)
        return self._opened[key.kid]

    async def new_key(self, alg: str, state: str) -> StoredKey:
        """A new key pair, its private half encrypted, not stored yet."""
        kid, now = "-", self.now()
        while kid.startswith("-"):  # `credenza keys revoke` would take it for an option
            pem = await asyncio.to_thread(jose.generate_private_key, alg)
            kid = jose.load_signing_key(pem, alg).kid
        sealed = self.keyring.encrypt(pem, place=_place(kid))
        return StoredKey(kid, alg, state, sealed, now, now if state == "active" else None, None)

    def missing_keys(self, stored: Sequence[StoredKey]) -> list[str]:
        """Algorithms of the settings that have no key to sign with yet."""
        have = {key.alg for key in stored if key.state == "active"}
        return [alg for alg in self.settings.signing_algorithms if alg not in have]

    async def create_missing_keys(self, stored: Sequence[StoredKey] = ()) -> None:
        """One active and one next key for each algorithm; the next one is published before it ever signs."""
        fresh = [await self.new_key(a, state) for a in self.missing_keys(stored) for state in ("active", "next")]
        async with database().transaction():
            await bump_version()  # two workers that start together meet here, and one waits
            have = {(key.alg, key.state) for key in await keys.list_keys()}
            for key in fresh:
                if (key.alg, key.state) not in have:
                    await keys.insert_key(key)

    async def emit(self, event: Event) -> None:
        """Write the event to the audit log, in the transaction that is open; listeners hear of it after the commit."""
        if self.metrics is not None:
            self.metrics.events.labels(type(event).__name__, event.result).inc()
        await audit.insert_event(
            at=self.now(),
            name=type(event).__name__,
            actor=event.actor,
            user=event.user,
            client=event.client,
            target=event.target,
            address=event.address,
            result=event.result,
            error_id=event.error_id,
            data=event.data,
        )
        if any(isinstance(event, kinds) for _, _, kinds in self.listeners):
            await self.engine.after_commit(lambda: self._tell_listeners(event))

    async def _tell_listeners(self, event: Event) -> None:
        """Each in its own task and its own `try`: a slow or broken listener is nobody else's trouble."""
        for plugin, listener, kinds in self.listeners:
            if isinstance(event, kinds):
                task = self._spawned(self._tell(plugin, listener, event))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)

    async def heard(self, but: int = 0) -> None:
        """Wait until listeners have heard what was committed, `but` so many: whoever does very much at once waits, or
        each of them would have too little of its time. A listener would wait for itself.
        """
        while len(self._telling) > but:
            await asyncio.wait(self._telling, return_when=asyncio.FIRST_COMPLETED)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it without keeping the request waiting; a server that stops gives it some seconds to finish."""
        self._spawned(work)

    def _spawned(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        context = copy_context()
        context.run(begin_request, limited=False)  # the time that the request had for outgoing calls is not this one's
        task = asyncio.create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _tell(self, plugin: str, listener: Listener, event: Event) -> None:
        try:
            async with asyncio.timeout(self.settings.plugins_timeout):
                await listener(event)
        except Exception:
            plugin_logger.exception("listener of plugin %r failed on %s", plugin, type(event).__name__)


def note_failure(
    server: AuthorizationServer, item: Authenticator | ClientSource | ScopeProvider, method: str, error: Exception
) -> ServerError:
    """Write to the log whose plugin failed, and in what; the answer is for whoever cannot go on without it."""
    plugin, where = server.plugin_of(item), f"{method} of {_called(item)}"
    if isinstance(error, Refused):  # its message has it all, and while a service is away there are many
        plugin_logger.error("plugin %r failed in %s: %s", plugin, where, error)
    else:
        plugin_logger.error("plugin %r failed in %s", plugin, where, exc_info=error)
    return ServerError("A part of the server did not answer.", detail=f"{item.name}.{method}: {error!r}")


def _called(item: Authenticator | ClientSource | Mailer | Prompt | ScopeProvider | SecondFactor) -> str:
    what = next(words for kind, words in CALLED.items() if isinstance(item, kind))
    return f"{what} {item.name!r}"


def _place(kid: str) -> str:
    return f"credenza_signing_key/{kid}/private_key"
