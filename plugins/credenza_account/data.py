"""What is stored about the user: a page in words, and the same as a file. GDPR Art. 15 and 20."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from credenza import (
    AccountPage,
    AccountVisit,
    AnyRequest,
    AnyResponse,
    Asked,
    AuditEvent,
    Consent,
    Decision,
    Moment,
    Outcome,
    Subject,
    Verdict,
    Words,
    audit,
    claim_label,
    claims_in_words,
    consents,
    context_title,
    errors,
    permission_catalogue,
    released_claims,
    sessions,
)

from .frame import TEMPLATES, show, visit
from .security import Sections

HERE = "/account/data"
MOST_EVENTS = 10_000
BATCH = 500


@dataclass(frozen=True, slots=True)
class Fact:
    """A value, or a moment."""

    label: str
    value: str = ""
    moment: Moment | None = None


@dataclass(kw_only=True)
class DataPage(AccountPage):
    """What is known about the user; `download` is the address of all of it, `deletion` that of the way out."""

    folder: ClassVar[Path | None] = TEMPLATES
    template: ClassVar[str] = "account/data.html"
    tab: ClassVar[str] = HERE
    groups: tuple[tuple[str, tuple[Fact, ...]], ...]
    download: str = f"{HERE}.json"
    deletion: str = ""
    """Where the account is deleted; empty when that is not for its owner to do."""


@get(HERE, name="account data")
async def show_data(request: AnyRequest) -> AnyResponse:
    here = await visit(request)
    groups: dict[str, list[Fact]] = {Words("Your account"): _account_facts(here)}
    released = await _claims(here)
    texts = claims_in_words({name: value for _, claims in released for name, value in claims.items()})
    for title, claims in released:
        facts = [Fact(claim_label(name), texts[name]) for name in claims if name != "updated_at" and texts[name]]
        if facts:
            groups.setdefault(title, []).extend(facts)
    deletion = f"{HERE}/delete" if here.server.settings.account_deletion else ""
    shown = tuple((title, tuple(facts)) for title, facts in groups.items())
    return await show(here, DataPage(title=Words("Your data"), groups=shown, deletion=deletion))


def _account_facts(here: AccountVisit) -> list[Fact]:
    user = here.user
    moments = (
        (Words("Created"), user.created_at),
        (Words("Last changed"), user.updated_at),
        (Words("Last signed in"), user.last_sign_in_at),
        (Words("Password set"), user.password_changed_at),
    )
    return [
        Fact(Words("Username"), user.username),
        Fact(Words("Identifier"), user.id),
        *((Fact(Words("Administrator"), user.administrator),) if user.administrator else ()),
        *(Fact(label, moment=here.moment(at)) for label, at in moments if at),
    ]


async def _claims(here: AccountVisit) -> list[tuple[str, dict[str, Any]]]:
    """Everything that applications could be told of this user, by where what they would have to be allowed stands."""
    found: list[tuple[str, dict[str, Any]]] = []
    known = await permission_catalogue(here.server)
    for provider in here.server.scope_providers.values():
        scopes = {p: s for p, s in known.items() if p.source == provider.name and s.claims}
        try:
            asked = Asked(tuple(p.scope for p in scopes))
            decision = Decision(asked, {}, scopes, [Verdict(p, Outcome.GRANTED) for p in scopes])
            released = await released_claims(here.server, Subject(user=here.user), decision)
        except errors.ServerError:
            continue
        found += [
            (scope.group or scope.title, {name: released[name] for name in scope.claims if name in released})
            for scope in scopes.values()
        ]
    return found


def download_handler(sections: Sections) -> HTTPRouteHandler:
    @get(f"{HERE}.json", name="account data file")
    async def download_data(request: AnyRequest) -> AnyResponse:
        return await _file(await visit(request), sections)

    return download_data


async def _file(here: AccountVisit, sections: Sections) -> AnyResponse:
    """Explicit members only: no hash, no secret, nothing of other people."""
    user, server = here.user, here.server
    listed = await sessions.list_sessions(user.id, server.now())
    events, more = await _events(here)
    content = {
        "issuer": server.issuer,
        "made_at": _iso(here, server.now()),
        "account": {
            "id": user.id,
            "username": user.username,
            "email": user.email,
            "email_verified": user.email_verified,
            "phone_number": user.phone_number,
            "phone_number_verified": user.phone_number_verified,
            "administrator": user.administrator,
            "created_at": _iso(here, user.created_at),
            "updated_at": _iso(here, user.updated_at),
            "last_sign_in_at": _iso(here, user.last_sign_in_at),
            "password_changed_at": _iso(here, user.password_changed_at),
        },
        "profile": dict(user.profile),
        "custom_data": dict(user.custom_data),
        "released_by_scopes": {name: value for _, claims in await _claims(here) for name, value in claims.items()},
        "applications": [await _application(here, consent) for consent in await _all_consents(user.id)],
        "sessions": [
            {
                "id": session.id,
                "signed_in_at": _iso(here, session.created_at),
                "last_seen_at": _iso(here, session.last_seen_at),
                "expires_at": _iso(here, session.expires_at),
                "address": session.address,
                "user_agent": session.user_agent,
                "current": session.id == here.session.id,
            }
            for session in listed
        ],
        "security": await sections.export(here),
        "events": [_event(here, event) for event in events],
        "older_events_left_out": more,
    }
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in user.username)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="account-{name}.json"',
        "X-Content-Type-Options": "nosniff",
    }
    body = json.dumps(content, ensure_ascii=False, indent=2).encode(errors="replace")
    return Response(body, media_type="application/json", headers=headers)


def _iso(here: AccountVisit, at: int | None) -> str | None:
    return here.moment(at).iso if at else None


async def _all_consents(user_id: str) -> list[Consent]:
    found: list[Consent] = []
    while batch := await consents.list_consents(user_id=user_id, offset=len(found), limit=BATCH):
        found += batch
    return found


async def _application(here: AccountVisit, consent: Consent) -> dict[str, Any]:
    client = await here.server.find_client(consent.client_id)
    try:
        context = await context_title(here.server, consent.context)
    except errors.ServerError:
        context = ""
    return {
        "client_id": consent.client_id,
        "name": client.display_name if client is not None else "",
        "third_party": client.third_party if client is not None else None,
        "context": consent.context,
        "context_title": context,
        "automatic": consent.automatic,
        "first_authorized_at": _iso(here, consent.granted_at),
        "last_changed_at": _iso(here, consent.updated_at),
        "last_used_at": _iso(here, consent.last_used_at),
        "expires_at": _iso(here, consent.ends_at(client.consent_lifetime if client is not None else None)),
        "allowed": sorted(permission.key for permission in consent.granted),
        "declined": sorted(permission.key for permission in consent.declined),
    }


async def _events(here: AccountVisit) -> tuple[list[AuditEvent], bool]:
    """Newest first, what is about this user; what they did to others as an administrator is those people's data."""
    found: list[AuditEvent] = []
    before = ""
    while len(found) < MOST_EVENTS:
        batch = await audit.list_events(user=here.user.id, before=before, limit=BATCH)
        found += [event for event in batch if event.user == here.user.id]
        if len(batch) < BATCH:
            return found, False
        before = batch[-1].id
    return found, True


def _event(here: AccountVisit, event: AuditEvent) -> dict[str, Any]:
    """Who else did it is not named, nor from where: that is about them."""
    by = {here.user.id: "you", event.client: "the application", "": ""}.get(event.actor, "an administrator")
    mine = {"address": event.address, "data": event.data} if by != "an administrator" else {}
    return {
        "at": _iso(here, event.at),
        "name": event.name,
        "by": by,
        "client": event.client,
        "result": event.result,
        **mine,
    }
