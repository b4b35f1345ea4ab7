"""Consent: the user sees who asks for what, and says yes, no, or only this. OpenID Connect Core §3.1.2.4."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from ..events import ConsentGiven, ConsentRefused
from ..objects import Prompt, Question, Subject, Waiting
from ..permissions import (
    OFFLINE_ACCESS,
    Decision,
    claims,
    consented,
    context_of,
    counts,
    questions,
    requested,
    verdicts,
)
from ..protocol.errors import AccessDenied, ConsentRequired
from ..protocol.parameters import Parameters
from ..protocol.redirect_uris import host_of, is_loopback
from ..protocol.scopes import Permission, Scope
from ..protocol.words import Words
from ..store.consents import Consent, consent_id, find_consents, save_consent
from ..store.engine import database
from ..web.claims import claims_summary
from ..web.pages import ConsentGroup, ConsentLine, ConsentPage, ConsentQuestion, Option

CHANGED = Words("What is asked has changed since this page was made. Please look at it again.")


@dataclass(frozen=True, slots=True)
class Situation:
    """What could be granted now, and what was said before. In `decision` nobody's consent is taken into account yet."""

    subject: Subject
    questions: list[Question]
    choices: dict[str, str]
    decision: Decision
    before: Consent | None

    @property
    def offered(self) -> list[Permission]:
        return self.decision.granted

    @property
    def undecided(self) -> bool:
        """Something was never answered, or was declined while it was optional and is required now."""
        if self.before is None:
            return True
        declined = {p for p in self.before.declined if p in self.offered and not self.required(p)}
        return any(p not in self.before.granted and p not in declined for p in self.offered)

    def required(self, permission: Permission) -> bool:
        return next(v.required for v in self.decision.verdicts if v.permission == permission)

    @property
    def shown(self) -> list[str]:
        """What the page was about, to compare with what it would be about when the answer comes."""
        kinds = [f"{p.key} {'required' if self.required(p) else 'optional'}" for p in self.offered]
        return [*sorted(kinds), context_of(self.choices)]


class ConsentPrompt(Prompt):
    name = "consent"
    order = 900
    error = ConsentRequired

    async def required(self, waiting: Waiting) -> bool:
        assert waiting.client is not None
        situation = waiting.memory["situation"] = await look(waiting)
        waiting.choices |= situation.choices
        if not waiting.client.third_party:
            return False
        if situation.undecided or len(situation.choices) < len(situation.questions):
            return True
        assert waiting.request is not None
        assert waiting.session is not None
        if waiting.state.get("answered") == waiting.session.id:
            return False
        return "consent" in waiting.request.prompts or not waiting.client.identity_is_assured(
            waiting.request.redirect_uri
        )

    async def show(self, waiting: Waiting, message: str = "") -> ConsentPage:
        situation: Situation = waiting.memory.pop("situation", None) or await look(waiting)
        waiting.state["shown"] = situation.shown
        waiting.choices |= situation.choices
        return await consent_page(waiting, situation, message)

    async def submit(self, waiting: Waiting, form: Parameters) -> Any:
        assert waiting.client is not None
        assert waiting.session is not None
        if form.get("decision") == "deny":
            await self._refused(waiting)
            raise AccessDenied("The user did not authorize the application.")
        waiting.memory.clear()
        answers, unknown = await self._choices(waiting, form)
        waiting.state["choices"] = answers
        if unknown:
            return await self.show(waiting, CHANGED)
        situation = await look(waiting)
        if form.get("decision") != "authorize":
            return await self.show(waiting)
        if not _was_shown(situation, waiting.state.get("shown") or []):
            return await self.show(waiting, CHANGED)
        if len(situation.choices) < len(situation.questions):
            return await self.show(waiting, Words("Choose one of the options first."))
        await self._save(waiting, situation, frozenset(form.all_values("permission")))
        waiting.state["answered"] = waiting.session.id
        return None

    async def _choices(self, waiting: Waiting, form: Parameters) -> tuple[dict[str, str], bool]:
        """Answers to the questions that are asked, and whether one was given that is not (or no longer) offered."""
        assert waiting.client is not None
        subject = Subject(user=waiting.user)
        asked = await questions(waiting.server, subject, await _scopes(waiting), waiting.client)
        given = {q.name: form[q.name] for q in asked if q.name in form}
        answers = {q.name: given[q.name] for q in asked if given.get(q.name) in dict(q.options)}
        return answers, answers != given

    async def _save(self, waiting: Waiting, situation: Situation, ticked: frozenset[str]) -> None:
        """Required permissions and ticked optional ones; nothing that was not on the page can come in."""
        known = situation.before.granted if situation.before is not None else frozenset()
        asked_again = situation.before is None or not situation.undecided
        optional = {p for p in situation.offered if not situation.required(p) and (asked_again or p not in known)}
        granted = frozenset(p for p in situation.offered if p not in optional or p.key in ticked)
        assert waiting.client is not None
        assert waiting.user is not None
        await record(waiting, situation, granted, frozenset(situation.offered) - granted, automatic=False)

    async def _refused(self, waiting: Waiting) -> None:
        assert waiting.client is not None
        assert waiting.user is not None
        asked = waiting.request.scopes if waiting.request is not None else ()
        await waiting.server.emit(
            ConsentRefused(
                actor=waiting.user.id,
                user=waiting.user.id,
                client=waiting.client.id,
                address=waiting.address,
                asked=asked,
            )
        )


def _was_shown(situation: Situation, shown: list[str]) -> bool:
    """Nothing is granted that was not on the page; the page must be right, unless the user chose something narrower."""
    *lines, context = shown or [""]
    *lines_now, context_now = situation.shown
    return lines == lines_now if context == context_now else set(lines_now) <= set(lines)


async def _scopes(waiting: Waiting) -> Mapping[Permission, Scope]:
    assert waiting.request is not None
    return await requested(waiting.server, waiting.request.asked)


async def look(waiting: Waiting) -> Situation:
    """Compute where things stand, afresh each time."""
    assert waiting.client is not None
    assert waiting.user is not None
    assert waiting.request is not None
    server, subject = waiting.server, Subject(user=waiting.user)
    scopes = await _scopes(waiting)
    asked = await questions(server, subject, scopes, waiting.client)
    said = await find_consents(waiting.user.id, waiting.client.id, server.now())
    choices = _chosen(waiting, asked, said)
    decision = await verdicts(server, waiting.client, subject, waiting.request.asked, choices, None, scopes=scopes)
    context, client = context_of(choices), waiting.client
    before = next((consent for consent in said if consent.context == context and counts(client, consent)), None)
    return Situation(subject, asked, choices, decision, before)


def _chosen(waiting: Waiting, asked: list[Question], said: list[Consent]) -> dict[str, str]:
    """This interaction's answers, the request's, or those of the last consent, while they are among the options."""
    assert waiting.client is not None
    chosen: Mapping[str, str] = waiting.state.get("choices") or _named(waiting, asked) or {}
    if asked and not chosen and not _asks_again(waiting):
        chosen = _remembered(asked, said)
    answers = {q.name: chosen[q.name] for q in asked if chosen.get(q.name) in dict(q.options)}
    # The page begins with the first option; nothing is chosen behind the back of somebody who sees no page.
    begin = {q.name: q.options[0][0] for q in asked if len(q.options) == 1 or waiting.client.third_party}
    return begin | answers


def _named(waiting: Waiting, asked: list[Question]) -> dict[str, str]:
    """An answer that the authorization request itself brings; refused unless the user has that option."""
    assert waiting.request is not None
    named = {}
    for provider in waiting.server.scope_providers.values():
        parameter, question = provider.question_parameter or ("", "")
        if parameter in waiting.request.parameters:
            named[question] = waiting.request.parameters[parameter]
            if not any(q.name == question and named[question] in dict(q.options) for q in asked):
                raise AccessDenied(f"The user does not have the {question} that the request names.")
    return named


def _remembered(asked: list[Question], said: list[Consent]) -> dict[str, str]:
    for consent in said:
        before = dict(parse_qsl(consent.context))
        if all(before.get(q.name) in dict(q.options) for q in asked):
            return before
    return {}


def _asks_again(waiting: Waiting) -> bool:
    return waiting.request is not None and "consent" in waiting.request.prompts


async def record(
    waiting: Waiting,
    situation: Situation,
    granted: frozenset[Permission],
    declined: frozenset[Permission],
    *,
    automatic: bool,
) -> None:
    """Write the answer and its audit event in one transaction."""
    assert waiting.client is not None
    assert waiting.user is not None
    server, context, now = waiting.server, context_of(situation.choices), waiting.server.now()
    lifetime = waiting.client.metadata.get("consent_lifetime")
    consent = Consent(
        id=consent_id(waiting.user.id, waiting.client.id, context),
        user_id=waiting.user.id,
        client_id=waiting.client.id,
        context=context,
        fingerprint=waiting.client.fingerprint,
        automatic=automatic,
        expires_at=now + int(lifetime) if lifetime else None,
        granted=granted,
        declined=declined,
    )
    outcomes = tuple(
        (
            v.permission.key,
            "granted" if v.permission in granted else "declined" if v.permission in declined else v.outcome,
        )
        for v in situation.decision.verdicts
    )
    async with database().transaction():
        await save_consent(consent, now)
        await server.emit(
            ConsentGiven(
                actor=waiting.user.id,
                user=waiting.user.id,
                client=waiting.client.id,
                address=waiting.address,
                context=context,
                automatic=automatic,
                granted=tuple(sorted(p.key for p in granted)),
                declined=tuple(sorted(p.key for p in declined)),
                verdicts=outcomes,
            )
        )


async def record_automatic(waiting: Waiting) -> None:
    """A first-party application does not ask; that it was allowed is written down all the same."""
    situation: Situation = waiting.memory["situation"]
    if situation.undecided:
        await record(waiting, situation, frozenset(situation.offered), frozenset(), automatic=True)


async def final_decision(waiting: Waiting) -> Decision:
    """All filters together, just before a code is issued."""
    assert waiting.client is not None
    assert waiting.user is not None
    assert waiting.request is not None
    granted: Collection[Permission] | None = None
    if waiting.client.third_party:
        before = await consented(waiting.server, waiting.client, waiting.user.id, waiting.choices)
        if before is None:
            raise ConsentRequired("The user has not authorized the application.")
        granted = before.granted
    return await verdicts(
        waiting.server, waiting.client, Subject(user=waiting.user), waiting.request.asked, waiting.choices, granted
    )


async def consent_page(waiting: Waiting, situation: Situation, message: str) -> ConsentPage:
    """The page's dataclass, with the actual data beside each permission."""
    client, user, request = waiting.client, waiting.user, waiting.request
    assert client is not None
    assert user is not None
    assert request is not None
    values = await claims(waiting.server, situation.subject, situation.decision, request.asked.claims)
    known = situation.before.granted if situation.before is not None and situation.undecided else frozenset()
    offline = next((p for p in situation.offered if p.scope == OFFLINE_ACCESS and not p.resource), None)
    listed = [p for p in situation.offered if p != offline]
    old_offline = offline is not None and offline in known
    return ConsentPage(
        title=Words("Authorize %(name)s", name=client.display_name),
        action=waiting.action,
        csrf_token=waiting.csrf_token,
        message=message,
        application=client.display_name,
        claimed_name=client.name if client.unverified else "",
        application_description=client.description,
        account=user.email or user.username,
        account_name=user.display_name,
        switch_account=waiting.action.removesuffix("/consent") + "/switch",
        redirect_host=host_of(request.redirect_uri) if request.redirect_uri else Words("your device"),
        groups=_groups(situation, [p for p in listed if p not in known], values, new=True),
        known=_groups(situation, [p for p in listed if p in known], values, new=False),
        questions=tuple(_question(q, situation.choices.get(q.name, "")) for q in situation.questions),
        offline=_line(situation, offline, {}, new=not old_offline) if offline is not None else None,
        terms_uri=client.branding.terms_uri,
        policy_uri=client.branding.policy_uri,
        warnings=_warnings(waiting),
        account_page="/account" if "account" in waiting.server.plugins_named else "",
    )


def _warnings(waiting: Waiting) -> tuple[str, ...]:
    assert waiting.client is not None
    assert waiting.request is not None
    client, redirect_uri = waiting.client, waiting.request.redirect_uri
    if client.unverified and all(is_loopback(uri) for uri in client.redirect_uris):
        return (
            Words(
                "This application runs on your own device, where any program could use its name. "
                "Go on only if you have just started it yourself."
            ),
        )
    if not client.confidential and is_loopback(redirect_uri):
        return (Words("This application runs on your own device. Go on only if you have just started it yourself."),)
    return ()


def _question(question: Question, chosen: str) -> ConsentQuestion:
    options = tuple(Option(value, label, value == chosen) for value, label in question.options)
    return ConsentQuestion(question.name, question.title, question.description, options)


def _groups(
    situation: Situation, permissions: list[Permission], values: Mapping[str, Any], *, new: bool
) -> tuple[ConsentGroup, ...]:
    groups: dict[str, list[ConsentLine]] = {}
    for permission in permissions:
        line = _line(situation, permission, values, new=new)
        groups.setdefault(situation.decision.scopes[permission].group, []).append(line)
    return tuple(ConsentGroup(title, tuple(lines)) for title, lines in groups.items())


def _line(situation: Situation, permission: Permission, values: Mapping[str, Any], *, new: bool) -> ConsentLine:
    scope = situation.decision.scopes[permission]
    before = situation.before
    return ConsentLine(
        key=permission.key,
        title=scope.title,
        description=scope.description,
        data=claims_summary((name for name in scope.claims if name in values), values),
        icon=scope.icon,
        required=situation.required(permission) or (not new),
        checked=before is None or permission not in before.declined,
        new=new,
    )
