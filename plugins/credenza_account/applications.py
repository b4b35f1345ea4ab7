"""The applications that the user authorized: what each may have, taking it back, and allowing it again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from credenza import (
    AccountPage,
    AnyRequest,
    AnyResponse,
    Asked,
    Branding,
    Client,
    Consent,
    ConsentGiven,
    ConsentRevoked,
    Decision,
    Moment,
    Outcome,
    Permission,
    Scope,
    Subject,
    Verdict,
    Words,
    address_of,
    choices_of,
    claims_summary,
    consent_counts,
    consents,
    context_title,
    described,
    errors,
    initiate_login_address,
    query_parameters,
    released_claims,
    revoke_consented_grants,
    still_valid,
    transaction,
    verdicts,
)

from .frame import TEMPLATES, Visit, done, posted, show, visit

HERE = "/account"
ONE = "/account/applications/{consent_id:str}"
PAGE_SIZE = 25
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

    `over` says that it no longer counts: too old, or said to an application that has changed since.
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

    @property
    def address(self) -> str:
        return f"{HERE}/applications/{self.id}"


@dataclass(kw_only=True)
class ApplicationsPage(AccountPage):
    """`older` and `newer` are addresses of more of them, or empty."""

    folder: ClassVar[Path | None] = TEMPLATES
    template: ClassVar[str] = "account/applications.html"
    tab: ClassVar[str] = HERE
    applications: tuple[Application, ...]
    newer: str = ""
    older: str = ""


@dataclass(kw_only=True)
class ApplicationPage(AccountPage):
    """`offered` can be allowed again; `changeable` is false for our own applications, which are never asked for.

    `opens_at` is where the application begins a sign-in by itself, if it can.
    """

    folder: ClassVar[Path | None] = TEMPLATES
    template: ClassVar[str] = "account/application.html"
    tab: ClassVar[str] = HERE
    application: Application
    groups: tuple[tuple[str, tuple[Line, ...]], ...]
    offered: tuple[Line, ...]
    changeable: bool
    warning: str = ""
    opens_at: str = ""


@get(HERE, name="account")
async def list_applications(request: AnyRequest) -> AnyResponse:
    here = await visit(request)
    text = query_parameters(request).get("from", "")
    first = int(text) if text.isdecimal() and len(text) < 7 else 0
    found = await consents.list_consents(user_id=here.user.id, offset=first, limit=PAGE_SIZE + 1)
    page = ApplicationsPage(
        title=Words("Applications"),
        applications=tuple(await list_of(here, found[:PAGE_SIZE])),
        newer=_from(first - PAGE_SIZE) if first else "",
        older=_from(first + PAGE_SIZE) if len(found) > PAGE_SIZE else "",
    )
    return await show(here, page)


def _from(first: int) -> str:
    return f"{HERE}?from={first}" if first > 0 else HERE


@get(ONE, name="account application")
async def show_application(request: AnyRequest, consent_id: FromPath[str]) -> AnyResponse:
    here = await visit(request)
    return await show(here, await _page(here, await _look(here, consent_id)))


@post(f"{ONE}/remove", status_code=200, name="remove account application")
async def remove_application(request: AnyRequest, consent_id: FromPath[str]) -> AnyResponse:
    """Everything that hangs on the consent ends with it: codes, refresh tokens, access tokens."""
    here = await posted(request, HERE)
    async with transaction():
        consent = await consents.find_user_consent(here.user.id, consent_id)
        if consent is None:
            raise NotFoundException
        # The grants first, in the order in which a refresh takes them: neither waits for the other for ever.
        choices = choices_of(consent.context)
        await revoke_consented_grants(here.user.id, consent.client_id, choices, here.server.now())
        if await consents.revoke_consent(here.user.id, consent_id) is None:
            raise NotFoundException
        await here.server.emit(_revoked(here, consent, consent.granted))
    return done(here, HERE, "removed")


@post(f"{ONE}/permissions/remove", status_code=200, name="remove account permission")
async def remove_permission(request: AnyRequest, consent_id: FromPath[str]) -> AnyResponse:
    """An optional permission is remembered as declined; a required one is forgotten, so that it is asked for again."""
    address = f"{HERE}/applications/{consent_id}"
    here = await posted(request, address)
    seen = await _look(here, consent_id)
    permission = _named(here, seen.consent.granted)
    if permission is None or not seen.changeable:
        return await _stale(here, seen)
    now = here.server.now()
    async with transaction():
        if permission in seen.optional:
            changed = await consents.change_answer(here.user.id, consent_id, permission, granted=False, now=now)
        else:
            changed = await consents.revoke_permission(here.user.id, consent_id, permission)
        if changed:
            await here.server.emit(_revoked(here, seen.consent, [permission]))
    return done(here, address, "permission-removed")


@post(f"{ONE}/permissions/allow", status_code=200, name="allow account permission")
async def allow_permission(request: AnyRequest, consent_id: FromPath[str]) -> AnyResponse:
    """Only what the application asked for once and may still have: nothing can come in here that was never asked."""
    address = f"{HERE}/applications/{consent_id}"
    here = await posted(request, address)
    seen = await _look(here, consent_id)
    permission = _named(here, seen.offered)
    if permission is None:
        return await _stale(here, seen)
    now = here.server.now()
    async with transaction():
        if await consents.change_answer(here.user.id, consent_id, permission, granted=True, now=now):
            event = ConsentGiven(
                actor=here.user.id,
                user=here.user.id,
                client=seen.consent.client_id,
                address=address_of(request),
                context=seen.consent.context,
                granted=(permission.key,),
                verdicts=((permission.key, Outcome.GRANTED),),
            )
            await here.server.emit(event)
    return done(here, address, "permission-allowed")


def _revoked(here: Visit, consent: Consent, permissions: Iterable[Permission]) -> ConsentRevoked:
    return ConsentRevoked(
        actor=here.user.id,
        user=here.user.id,
        client=consent.client_id,
        address=address_of(here.request),
        context=consent.context,
        permissions=tuple(sorted(permission.key for permission in permissions)),
    )


def _named(here: Visit, permissions: Collection[Permission]) -> Permission | None:
    """The one that the form names, if it is among these."""
    wanted = here.form.get("permission", "")
    return next((permission for permission in permissions if permission.key == wanted), None)


async def _stale(here: Visit, seen: Situation) -> AnyResponse:
    page = await _page(here, seen)
    page.message = Words("This has changed since the page was made. Here is how it stands now.")
    page.status = 422
    return await show(here, page)


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


async def _look(here: Visit, consent_id: str) -> Situation:
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


async def _page(here: Visit, seen: Situation) -> ApplicationPage:
    (application,) = await list_of(here, [seen.consent], seen)
    groups: dict[str, list[Line]] = {}
    for line in application.lines:
        groups.setdefault(line.group, []).append(line)
    offered = {permission: seen.scopes[permission] for permission in seen.offered}
    values = await _data(here, offered, seen.consent.context)
    return ApplicationPage(
        title=application.name,
        action=application.address,
        application=application,
        groups=tuple((title, tuple(lines)) for title, lines in groups.items()),
        offered=tuple(_line(scope, values) for scope in offered.values()),
        changeable=seen.changeable,
        warning=await _warning(here, seen, application),
        opens_at=_opens_at(here, seen),
    )


def _opens_at(here: Visit, seen: Situation) -> str:
    """Where it signs the user in by itself; an application that nobody vouches for is not recommended."""
    if seen.client is None or seen.client.unverified:
        return ""
    return initiate_login_address(seen.client, here.server.issuer)


async def _warning(here: Visit, seen: Situation, application: Application) -> str:
    """Why it gets nothing at all, whatever is listed."""
    if seen.client is None or not seen.client.enabled:
        return Words(
            "%(application)s is switched off here, so it gets nothing at present.", application=application.name
        )
    if application.over:
        return Words(
            "This no longer counts. %(application)s gets nothing until it has asked you again.",
            application=application.name,
        )
    try:
        valid = await still_valid(here.server, Subject(user=here.user), choices_of(seen.consent.context))
    except errors.ServerError:
        return ""
    if not valid:
        return Words(
            "This was for %(context)s, where you are not at present. %(application)s gets nothing.",
            context=application.context,
            application=application.name,
        )
    return ""


async def list_of(here: Visit, found: Sequence[Consent], seen: Situation | None = None) -> list[Application]:
    """In words, with the actual data: each source is asked once for each context, however many consents there are."""
    allowed = {permission for consent in found for permission in consent.granted}
    scopes = seen.scopes if seen is not None else await described(here.server, allowed)
    contexts = {consent.context for consent in found}
    titles = {context: await _title(here, context) for context in contexts}
    data = {}
    for context in contexts:
        granted = {p for consent in found if consent.context == context for p in consent.granted}
        data[context] = await _data(here, {p: scope for p, scope in scopes.items() if p in granted}, context)
    applications = []
    for consent in found:
        client = await here.server.find_client(consent.client_id)
        outcomes = seen.outcomes if seen is not None else {}
        lines = tuple(
            _line(scope, data[consent.context], _note(outcomes.get(permission)))
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
                over=consent.expired(here.server.now()) or (client is not None and not consent_counts(client, consent)),
            )
        )
    return applications


async def _title(here: Visit, context: str) -> str:
    try:
        return await context_title(here.server, context) or (GONE if context else "")
    except errors.ServerError:
        return GONE


async def _data(here: Visit, scopes: Mapping[Permission, Scope], context: str) -> Mapping[str, Any]:
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


def _line(scope: Scope, claims: Mapping[str, Any], note: str = "") -> Line:
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
