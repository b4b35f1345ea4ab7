"""What the consent prompt decides by: what could be granted now, and what was said before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..objects import Question, Subject, Waiting
from ..permissions import Decision, choices_of, context_of, counts, questions, requested, verdicts
from ..protocol.errors import AccessDenied
from ..protocol.scopes import Permission, Scope
from ..store.consents import Consent, find_consents


@dataclass(frozen=True, slots=True)
class Situation:
    """What could be granted now, and what was said before. In `decision` nobody's consent is taken into account yet.

    `choices` are the answers to the questions, and what other prompts have noted: together the context of a consent.
    `ticks` are the boxes that the user changed, by the permission's key, before they asked for the page again.
    """

    subject: Subject
    questions: list[Question]
    choices: dict[str, str]
    decision: Decision
    before: Consent | None
    fingerprint: str
    """Of the application as it is now: what the page says about it."""
    ticks: Mapping[str, bool]

    @property
    def offered(self) -> list[Permission]:
        return self.decision.granted

    @property
    def unanswered(self) -> bool:
        return any(question.name not in self.choices for question in self.questions)

    @property
    def undecided(self) -> bool:
        """Something was never answered, or was declined while it was optional and is required now."""
        if self.before is None:
            return True
        declined = {p for p in self.before.declined if p in self.offered and not self.required(p)}
        return any(p not in self.before.granted and p not in declined for p in self.offered)

    @property
    def known(self) -> frozenset[Permission]:
        """What the page lists as agreed to before: it asks only for what came in addition."""
        return self.before.granted if self.before is not None and self.undecided else frozenset()

    def ticked(self, permission: Permission) -> bool:
        """Whether its box is ticked when the page is shown: unless the user has said no, on this page or before."""
        declined = self.before is not None and permission in self.before.declined
        return self.ticks.get(permission.key, not declined)

    @property
    def boxes(self) -> dict[str, bool]:
        """What the user may tick, by the permission's key, and whether it is ticked when the page is shown."""
        return {p.key: self.ticked(p) for p in self.offered if not self.required(p) and p not in self.known}

    def required(self, permission: Permission) -> bool:
        return next(v.required for v in self.decision.verdicts if v.permission == permission)

    @property
    def shown(self) -> list[str]:
        """What the page was about, to compare with what it would be about when the answer comes."""
        kinds = [f"{p.key} {self._kind(p)}" for p in self.offered]
        return [f"application {self.fingerprint}", *sorted(kinds), context_of(self.choices)]

    def _kind(self, permission: Permission) -> str:
        if permission in self.known:
            return "known"
        return "required" if self.required(permission) else "optional"


async def look(waiting: Waiting) -> Situation:
    """Compute where things stand, afresh each time."""
    assert waiting.client is not None
    assert waiting.user is not None
    assert waiting.request is not None
    server, subject = waiting.server, Subject(user=waiting.user)
    scopes = await scopes_of(waiting)
    asked = await questions(server, subject, scopes, waiting.client)
    lifetime = waiting.client.consent_lifetime
    said = await find_consents(waiting.user.id, waiting.client.id, server.now(), lifetime)
    names = {question.name for question in asked}
    noted = {name: value for name, value in waiting.choices.items() if name not in names}
    choices = noted | _chosen(waiting, asked, said)
    decision = await verdicts(server, waiting.client, subject, waiting.request.asked, choices, None, scopes=scopes)
    context, client = context_of(choices), waiting.client
    before = next((consent for consent in said if consent.context == context and counts(client, consent)), None)
    ticks = waiting.state.get("ticks", {})
    return Situation(subject, asked, choices, decision, before, client.fingerprint, ticks)


async def scopes_of(waiting: Waiting) -> Mapping[Permission, Scope]:
    """What the request names: the sources are asked once, however often it is looked at in one HTTP request."""
    assert waiting.request is not None
    if "scopes" not in waiting.memory:
        remember_scopes(waiting, await requested(waiting.server, waiting.request.asked))
    scopes: Mapping[Permission, Scope] = waiting.memory["scopes"]
    return scopes


def remember_scopes(waiting: Waiting, scopes: Mapping[Permission, Scope]) -> None:
    waiting.memory["scopes"] = scopes


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
        before = choices_of(consent.context)
        if all(before.get(q.name) in dict(q.options) for q in asked):
            return before
    return {}


def _asks_again(waiting: Waiting) -> bool:
    return waiting.request is not None and "consent" in waiting.request.prompts
