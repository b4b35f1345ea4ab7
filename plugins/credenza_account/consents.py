"""What an application was allowed, in words and with the actual data, as it stands now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar.exceptions import NotFoundException

from credenza import (
    AccountVisit,
    Asked,
    Branding,
    Client,
    Consent,
    Decision,
    Moment,
    Outcome,
    Permission,
    Scope,
    Subject,
    Verdict,
    Words,
    choices_of,
    claims_summary,
    consent_counts,
    consents,
    context_title,
    described,
    errors,
    released_claims,
    verdicts,
)

HERE = "/account"
IN_LIST = 6  # permissions of an application; its own page shows all
GONE = Words("something that is no longer there")


@dataclass(frozen=True, slots=True)
class Line:
    """One permission. `data` is the actual value, `note` says why it has no effect now; `key` is what a form posts."""

    key: str
    title: str
    description: str
    data: str
    icon: str
    group: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """What one application was allowed in one `context` (in words; empty for the user's own data).

    `claimed_name` is what an application calls itself that nobody has vouched for; `name` is its host then. `over` says
    that it no longer counts: too old, or said to an application that has changed since.
    """

    id: str
    name: str
    description: str
    branding: Branding
    third_party: bool
    context: str
    since: Moment
    used: Moment | None
    lines: tuple[Line, ...]
    over: bool = False
    claimed_name: str = ""

    @property
    def address(self) -> str:
        return f"{HERE}/applications/{self.id}"

    @property
    def first_lines(self) -> tuple[Line, ...]:
        return self.lines[:IN_LIST]

    @property
    def more_lines(self) -> int:
        return len(self.lines[IN_LIST:])


@dataclass(frozen=True, slots=True)
class Situation:
    """One consent, as it stands now. Without `decision` some source did not answer: then nothing can be explained."""

    consent: Consent
    client: Client | None
    scopes: Mapping[Permission, Scope]
    decision: Decision | None

    @property
    def changeable(self) -> bool:
        return self.client is not None and self.client.third_party

    @property
    def outcomes(self) -> dict[Permission, Verdict]:
        return {v.permission: v for v in self.decision.verdicts} if self.decision is not None else {}

    @property
    def optional(self) -> frozenset[Permission]:
        return frozenset(p for p, verdict in self.outcomes.items() if not verdict.required)

    @property
    def offered(self) -> list[Permission]:
        """Declined, and nothing but the user's word is missing."""
        return [
            p
            for p, verdict in self.outcomes.items()
            if self.changeable and p in self.consent.declined and verdict.outcome is Outcome.NOT_CONSENTED
        ]


async def look(here: AccountVisit, consent_id: str) -> Situation:
    """Fetched through its user: somebody else's is as unknown as one that never was."""
    consent = await consents.find_user_consent(here.user.id, consent_id)
    if consent is None:
        raise NotFoundException
    client = await here.server.find_client(consent.client_id)
    scopes = await described(here.server, consent.granted | consent.declined)
    decision = None
    if client is not None:
        asked, choices, said = _asked(scopes), choices_of(consent.context), consent.granted
        subject = Subject(user=here.user)
        try:
            decision = await verdicts(here.server, client, subject, asked, choices, said, scopes=scopes)
        except errors.ServerError:  # in the log; what was allowed can be taken back all the same
            decision = None
    return Situation(consent, client, scopes, decision)


async def list_of(here: AccountVisit, found: Sequence[Consent], seen: Situation | None = None) -> list[Application]:
    """In words, with the actual data: each source is asked once for each context, however many consents there are."""
    allowed = {permission for consent in found for permission in consent.granted}
    scopes = seen.scopes if seen is not None else await described(here.server, allowed)
    contexts = {consent.context for consent in found}
    titles = {context: await _title(here, context) for context in contexts}
    data = {}
    for context in contexts:
        granted = {p for consent in found if consent.context == context for p in consent.granted}
        data[context] = await data_of(here, {p: scope for p, scope in scopes.items() if p in granted}, context)
    applications = []
    for consent in found:
        client = await here.server.find_client(consent.client_id)
        outcomes = seen.outcomes if seen is not None else {}
        lines = tuple(
            line_of(scope, data[consent.context], _note(outcomes.get(permission)))
            for permission, scope in scopes.items()
            if permission in consent.granted
        )
        applications.append(
            Application(
                id=consent.id,
                name=client.display_name if client is not None else consent.client_id,
                description=client.description if client is not None else "",
                branding=client.branding if client is not None else Branding(),
                third_party=client is None or client.third_party,
                context=titles[consent.context],
                since=here.moment(consent.granted_at),
                used=here.moment(consent.last_used_at) if consent.last_used_at is not None else None,
                lines=lines,
                over=consent.expired(here.server.now(), client.consent_lifetime if client is not None else None)
                or (client is not None and not consent_counts(client, consent)),
                claimed_name=client.name if client is not None and client.unverified else "",
            )
        )
    return applications


async def _title(here: AccountVisit, context: str) -> str:
    try:
        return await context_title(here.server, context) or (GONE if context else "")
    except errors.ServerError:
        return GONE


async def data_of(here: AccountVisit, scopes: Mapping[Permission, Scope], context: str) -> Mapping[str, Any]:
    """The claims that these permissions release in this context."""
    yes = [Verdict(permission, Outcome.GRANTED) for permission in scopes]
    decision = Decision(_asked(scopes), choices_of(context), scopes, yes)
    try:
        return await released_claims(here.server, Subject(user=here.user), decision)
    except errors.ServerError:
        return {}


def _asked(scopes: Iterable[Permission]) -> Asked:
    listed = list(scopes)
    return Asked(
        tuple(dict.fromkeys(p.scope for p in listed)), tuple(dict.fromkeys(p.resource for p in listed if p.resource))
    )


def line_of(scope: Scope, claims: Mapping[str, Any], note: str = "") -> Line:
    return Line(
        key=scope.permission.key,
        title=scope.title,
        description=scope.description,
        data=claims_summary(scope.claims, claims),
        icon=scope.icon,
        group=scope.group,
        note=note,
    )


def _note(verdict: Verdict | None) -> str:
    match verdict.outcome if verdict is not None else None:
        case Outcome.NOT_ENABLED:
            return Words("Without effect: the application may not have this any more.")
        case Outcome.NOT_HELD:
            return Words("Without effect: you do not hold this right at present.")
    return ""
