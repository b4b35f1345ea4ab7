"""What a client may have of a subject, gathered from the scope sources and decided in one place.

Everything that issues, shows or explains permissions comes through `verdicts`: the consent page, every grant, UserInfo,
introspection, the account page and the console.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Collection, Mapping, Sequence
from types import NoneType
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlencode

from .objects import Choices, Question, ScopeProvider, Subject
from .patience import within
from .plugins import of_kind
from .protocol.clients import Branding, Client
from .protocol.documents import to_json
from .protocol.errors import InvalidScope, InvalidTarget, ServerError
from .protocol.permissions import Outcome, Verdict, decide
from .protocol.scopes import Asked, Permission, Scope
from .server import AuthorizationServer, note_failure
from .store.consents import Consent, find_consent
from .store.engine import StoreUnavailable

# With their source: what another source calls by these names is something else.
OPENID = Permission("openid", "", "openid")
OFFLINE_ACCESS = Permission("openid", "", "offline_access")
KEPT_REQUEST = 1000  # characters of scopes, resources and claims
PLAIN = frozenset((str, bool, int, NoneType))
Answer = TypeVar("Answer")


class Decision(NamedTuple):
    """The verdicts on one request, with the scopes they are about, in the order of the sources."""

    asked: Asked
    choices: Choices
    scopes: Mapping[Permission, Scope]
    verdicts: Sequence[Verdict]

    @property
    def granted(self) -> list[Permission]:
        return [permission for permission, outcome, *_ in self.verdicts if outcome is Outcome.GRANTED]

    def limited_to(self, permissions: Collection[Permission]) -> Decision:
        """The same decision about fewer permissions: those of one token, and those behind claims asked for by name."""
        asked = self.asked.scopes
        kept = [v for v in self.verdicts if v.permission in permissions or v.permission.scope not in asked]
        return Decision(self.asked, self.choices, self.scopes, kept)

    @property
    def offline(self) -> bool:
        return OFFLINE_ACCESS in self.granted


async def ask(
    server: AuthorizationServer,
    provider: ScopeProvider,
    what: str,
    answer: Awaitable[Answer],
    *kinds: type,
) -> Answer:
    """Await a plugin's method for at most `plugins_timeout` seconds. If it fails, or answers with none of these kinds,
    the log names the plugin and nothing is granted.
    """
    try:
        found = await within(server.settings.plugins_timeout, answer)
        return of_kind(found, *kinds) if kinds else found
    except StoreUnavailable:
        raise  # it is the database that did not answer
    except Exception as error:
        raise note_failure(server, provider, what, error) from error


def audience_of(server: AuthorizationServer, permission: Permission, choices: Choices) -> str:
    """The `aud` of an access token with the permission; empty for the provider itself. Raises ServerError."""
    provider = server.scope_providers[permission.source]
    if type(provider).audience is ScopeProvider.audience:
        return provider.audience(permission, choices)
    return _said_of(server, provider, "audience", permission, choices)


def binding_of(server: AuthorizationServer, permission: Permission, choices: Choices) -> str:
    """What such a token is bound to beside its audience; see ScopeProvider.binding. Raises ServerError."""
    provider = server.scope_providers[permission.source]
    if type(provider).binding is ScopeProvider.binding:
        return provider.binding(permission, choices)
    return _said_of(server, provider, "binding", permission, choices)


def _said_of(
    server: AuthorizationServer,
    provider: ScopeProvider,
    what: Literal["audience", "binding"],
    permission: Permission,
    choices: Choices,
) -> str:
    try:
        answer = provider.audience if what == "audience" else provider.binding
        return of_kind(answer(permission, choices), str)
    except Exception as error:
        raise note_failure(server, provider, what, error) from error


async def branding_of(server: AuthorizationServer, choices: Choices) -> Branding | None:
    """The branding of what the user chose (an organization, say), from all sources in order but those that fail."""
    found: Branding | None = None
    for provider in server.scope_providers.values() if choices else ():
        try:
            said = await ask(server, provider, "branding", provider.branding(choices))
        except ServerError:
            continue
        found = found.then(said) if found is not None else said
    return found


async def requested(server: AuthorizationServer, asked: Asked) -> Mapping[Permission, Scope]:
    """What a request names, from every source. What no source knows is dropped; the returned `scope` tells.

    A source that fails ends a request that names anything but scopes of the others: all of them would end otherwise.
    """
    known = await _steady(server, asked)
    if len(known) > len(server.scope_providers):  # every source is steady
        return known[""]
    found: dict[Permission, Scope] = {}
    failure: ServerError | None = None
    for name, provider in server.scope_providers.items():
        if name in known:
            found |= known[name]
        else:
            try:
                found |= await named_by(server, provider, asked)
            except ServerError as error:
                failure = error
    if failure is not None and not _are_all(asked, found):
        raise failure
    return found


def _are_all(asked: Asked, found: Mapping[Permission, Scope]) -> bool:
    """Whether a request names nothing but these."""
    scopes = {permission.scope for permission in found}
    released = {claim for scope in found.values() for claim in scope.claims}
    return not asked.resources and scopes.issuperset(asked.scopes) and released.issuperset(asked.claims)


async def named_by(server: AuthorizationServer, provider: ScopeProvider, asked: Asked) -> dict[Permission, Scope]:
    return await ask(server, provider, "requested", by_permission(provider.requested(asked)))


async def by_permission(answer: Awaitable[Sequence[Scope]]) -> dict[Permission, Scope]:
    return {scope.permission: scope for scope in await answer}


async def as_json(answer: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Claims, once it is known that a token can hold them; raises TypeError or ValueError."""
    found = of_kind(await answer, Mapping)
    plain = PLAIN.issuperset(map(type, (*found, *found.values())))
    (to_json if plain else json.dumps)(dict(found))  # the fast one also takes bytes and dates, which are no JSON
    return found


async def _steady(server: AuthorizationServer, asked: Asked) -> Mapping[str, Mapping[Permission, Scope]]:
    """The answers of the `steady` sources, by their names, kept until the configuration changes.

    Under the empty name are all of them together.
    """

    async def load() -> Mapping[str, Mapping[Permission, Scope]]:
        found = {n: await named_by(server, p, asked) for n, p in server.scope_providers.items() if p.steady}
        return found | {"": {p: scope for named in found.values() for p, scope in named.items()}}

    size = sum(map(len, (*asked.scopes, *asked.resources, *asked.claims)))
    if size > KEPT_REQUEST:  # strangers make them up
        return await load()
    return await server.requested_scopes.get((asked.scopes, asked.resources, asked.claims), load)


def ceiling_of(
    server: AuthorizationServer, client: Client, scopes: Mapping[Permission, Scope]
) -> Mapping[Permission, bool] | None:
    """What an administrator enabled, and what needs no enabling; None for a first-party client."""
    if client.ceiling is None:
        if client.offline_access:
            return None
        return {p: True for p in scopes if p != OFFLINE_ACCESS}
    always = {p: True for p, scope in scopes.items() if scope.always and (client.offline_access or p != OFFLINE_ACCESS)}
    implied: dict[Permission, bool] = {}
    for source in server.implying:
        try:
            implied |= source.implied(client.ceiling)
        except Exception as error:  # noqa: BLE001 - it is logged, and enables nothing
            note_failure(server, source, "implied", error)
    return always | implied | dict(client.ceiling)


async def check_enabled(
    server: AuthorizationServer, client: Client, asked: Asked, scopes: Mapping[Permission, Scope]
) -> None:
    """Refuse a request for something not enabled, where its source says that this is an error. Else it is ignored."""
    await check_known(server, asked, scopes)
    ceiling = ceiling_of(server, client, scopes)
    if ceiling is not None:
        refused = [
            p.scope
            for p in scopes
            if p not in ceiling and p.scope in asked.scopes and server.scope_providers[p.source].refuses
        ]
        if refused:
            enabled = sorted({p.scope for p in ceiling if not p.resource} | {"openid"})
            raise InvalidScope(
                f"Not enabled for this application: {', '.join(refused)}. Enabled: {', '.join(enabled)}."
            )


async def check_known(server: AuthorizationServer, asked: Asked, scopes: Mapping[Permission, Scope]) -> None:
    """A resource that nobody here knows is a mistake, and saying so helps to mend it. RFC 8707 §2."""
    found = {permission.resource for permission in scopes}
    for resource in asked.resources:
        if resource not in found and not await is_known(server, resource):
            raise InvalidTarget("A resource of this request is not known here.")


async def is_known(server: AuthorizationServer, resource: str) -> bool:
    for provider in server.scope_providers.values():
        if await ask(server, provider, "knows", provider.knows(resource)):
            return True
    return False


def by_source(
    server: AuthorizationServer, permissions: Collection[Permission]
) -> list[tuple[ScopeProvider, list[Permission]]]:
    """The sources of these permissions, in their order, each with its own; sources of none are not asked."""
    mine: dict[str, list[Permission]] = {}
    for permission in permissions:
        mine.setdefault(permission.source, []).append(permission)
    return [(provider, mine[name]) for name, provider in server.scope_providers.items() if name in mine]


async def held_by(
    server: AuthorizationServer, subject: Subject, permissions: Collection[Permission], choices: Choices
) -> dict[Permission, str]:
    """What the subject holds, one question to each source."""
    held: dict[Permission, str] = {}
    if subject.client is not None:
        held = {p: "enabled on the application" for p in permissions if p in (subject.client.ceiling or {})}
    for provider, mine in by_source(server, permissions):
        if subject.client is not None and not provider.for_clients:
            continue
        if type(provider).held is ScopeProvider.held:
            held |= dict.fromkeys(mine, "")
        else:
            answer = await ask(server, provider, "held", provider.held(subject, mine, choices), Mapping)
            held |= {p: through for p, through in answer.items() if p in mine}
    return held


async def verdicts(
    server: AuthorizationServer,
    client: Client,
    subject: Subject,
    asked: Asked,
    choices: Choices,
    consented: Collection[Permission] | None,
    *,
    scopes: Mapping[Permission, Scope] | None = None,
    held: Mapping[Permission, str] | None = None,
) -> Decision:
    """The one decision: requested ∩ ceiling ∩ held ∩ consented, computed now.

    `scopes` and `held` are what the sources said a moment ago, for whoever had to know it already.
    """
    scopes = await requested(server, asked) if scopes is None else scopes
    # A client that acts for itself has no user to be limited on behalf of: what it holds is the limit.
    ceiling = ceiling_of(server, client, scopes) if subject.client is None else None
    enabled = [p for p in scopes if ceiling is None or p in ceiling]
    held = await held_by(server, subject, enabled, choices) if held is None else held
    return Decision(asked, choices, scopes, decide(scopes, ceiling, held, consented))


async def consented(
    server: AuthorizationServer,
    client: Client,
    user_id: str,
    choices: Choices,
    *,
    changed: bool = False,
    said: tuple[str, Consent | None] | None = None,
) -> Consent | None:
    """What the user said to this client in this context, if it still counts.

    A client that has `changed` since (its address, keys, name or logo) is asked about again; what it was given before
    goes on, until the user takes it back. `said` is a context and the consent in it, if they were read a moment ago.
    """
    now, lifetime, context = server.now(), client.consent_lifetime, context_of(choices)
    if said is None or said[0] != context:
        consent = await find_consent(user_id, client.id, context, now, lifetime)
    elif (consent := said[1]) is not None and consent.expired(now, lifetime):
        return None
    if consent is None or (client.third_party and consent.automatic):
        return None
    return consent if changed or counts(client, consent) else None


def counts(client: Client, consent: Consent) -> bool:
    """Whether a person gave this consent, and to the client as it is now."""
    return not client.third_party or (not consent.automatic and consent.fingerprint == client.fingerprint)


def context_of(choices: Choices) -> str:
    """The context of a consent: answers in one fixed form; empty without any."""
    return urlencode(sorted((name, value) for name, value in choices.items() if value)) if choices else ""


def choices_of(context: str) -> dict[str, str]:
    """The answers that a context was made of."""
    return dict(parse_qsl(context)) if context else {}


async def questions(
    server: AuthorizationServer, subject: Subject, scopes: Mapping[Permission, Scope], client: Client
) -> list[Question]:
    """What the sources need to know first, asked only about what the client may have."""
    ceiling = ceiling_of(server, client, scopes)
    found = []
    for provider, mine in by_source(server, [p for p in scopes if ceiling is None or p in ceiling]):
        if question := await ask(server, provider, "question", provider.question(subject, mine), Question, NoneType):
            found.append(question)
    return found


async def still_valid(server: AuthorizationServer, subject: Subject, choices: Choices) -> bool:
    """Whether every source still accepts the answers that the user gave."""
    if not choices:
        return True
    for provider in server.scope_providers.values():
        if not await ask(server, provider, "still_valid", provider.still_valid(subject, choices), bool):
            return False
    return True


async def context_title(server: AuthorizationServer, context: str) -> str:
    """The context of a consent in words: "Acme"; empty for the user's own data."""
    titles = []
    for question, answer in parse_qsl(context):
        for provider in server.scope_providers.values():
            said = provider.answer_title(question, answer)
            title = await ask(server, provider, "answer_title", said, str, NoneType)
            if title is not None:
                titles.append(title)
    return ", ".join(titles)


async def claims(
    server: AuthorizationServer, subject: Subject, decision: Decision, names: Collection[str] = ()
) -> dict[str, Any]:
    """The claims that the granted permissions release: all of a scope that was asked for, else only those named.

    `names` are claims asked for one by one (OpenID Connect Core §5.5).
    """
    released: dict[str, Any] = {}
    for provider, granted in by_source(server, decision.granted):
        if type(provider).claims is ScopeProvider.claims:
            continue  # it has none
        answer = await ask(server, provider, "claims", as_json(provider.claims(subject, granted, decision.choices)))
        whole = {n for p in granted if p.scope in decision.asked.scopes for n in decision.scopes[p].claims}
        listed = {n for p in granted for n in decision.scopes[p].claims}
        released |= {
            name: value
            for name, value in answer.items()
            if value is not None and value != "" and (name in whole or name in names or name not in listed)
        }
    return released
