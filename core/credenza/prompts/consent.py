"""Consent: the user sees who asks for what, and says yes, no, or only this. OpenID Connect Core §3.1.2.4."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..events import ConsentGiven, ConsentRefused
from ..objects import Prompt, Subject, Waiting
from ..permissions import Decision, consented, context_of, questions, verdicts
from ..protocol.errors import AccessDenied, ConsentRequired
from ..protocol.parameters import Parameters
from ..protocol.scopes import Permission
from ..protocol.words import Words
from ..store.consents import Consent, consent_id, save_consent
from ..store.engine import database
from ..web.pages import ConsentPage
from .consent_page import consent_page
from .consent_situation import Situation, look, scopes_of

EACH_TIME = (
    "prompt=none was sent, but the user is asked each time: any program on the device can receive answers at this "
    "redirect_uri and pose as a client without a secret. With an https redirect_uri the user is asked once."
)
CHANGED = Words("What is asked has changed since this page was made. Please look at it again.")


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
        if situation.undecided or situation.unanswered:
            return True
        assert waiting.request is not None
        assert waiting.session is not None
        if waiting.state.get("answered") == waiting.session.id:
            return False
        if "shown" in waiting.state:  # what they press counts, whatever was allowed before, or in another tab meanwhile
            return True
        if "consent" in waiting.request.prompts:
            return True
        if waiting.client.identity_is_assured(waiting.request.redirect_uri):
            return False
        if "none" in waiting.request.prompts:
            raise ConsentRequired(EACH_TIME)
        return True

    async def show(self, waiting: Waiting, message: str = "") -> ConsentPage:
        situation: Situation = waiting.memory.pop("situation", None) or await look(waiting)
        waiting.state["shown"] = situation.shown
        waiting.state["boxes"] = situation.boxes
        waiting.choices |= situation.choices
        return await consent_page(waiting, situation, message)

    async def submit(self, waiting: Waiting, form: Parameters) -> Any:
        assert waiting.client is not None
        assert waiting.session is not None
        if form.get("decision") == "deny":
            await self._refused(waiting)
            raise AccessDenied("The user did not authorize the application.")
        waiting.memory.pop("situation", None)
        waiting.state["ticks"] = _ticks(waiting, form)
        answers, unknown = await self._choices(waiting, form)
        waiting.state["choices"] = answers
        if unknown:
            return await self.show(waiting, CHANGED)
        situation = await look(waiting)
        if form.get("decision") != "authorize":
            return await self.show(waiting)
        if not _was_shown(situation, waiting.state.get("shown") or []):
            return await self.show(waiting, CHANGED)
        if situation.unanswered:
            return await self.show(waiting, Words("Choose one of the options first."))
        await self._save(waiting, situation, frozenset(form.all_values("permission")))
        waiting.state["answered"] = waiting.session.id
        return None

    async def _choices(self, waiting: Waiting, form: Parameters) -> tuple[dict[str, str], bool]:
        """Answers to the questions that are asked, and whether one was given that is not (or no longer) offered."""
        assert waiting.client is not None
        subject = Subject(user=waiting.user)
        asked = await questions(waiting.server, subject, await scopes_of(waiting), waiting.client)
        given = {q.name: form[q.name] for q in asked if q.name in form}
        answers = {q.name: given[q.name] for q in asked if given.get(q.name) in dict(q.options)}
        return answers, answers != given

    async def _save(self, waiting: Waiting, situation: Situation, ticked: frozenset[str]) -> None:
        """Required permissions and ticked optional ones; nothing that was not on the page can come in."""
        optional = {p for p in situation.offered if not situation.required(p) and p not in situation.known}
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


def _ticks(waiting: Waiting, form: Parameters) -> dict[str, bool]:
    """The boxes that the user changed: shown again, for another organization, the page does not change them back."""
    ticked = form.all_values("permission")
    changed = {key: not shown for key, shown in waiting.state.get("boxes", {}).items() if shown != (key in ticked)}
    return {**waiting.state.get("ticks", {}), **changed}


def _was_shown(situation: Situation, shown: list[str]) -> bool:
    """Whether the page said what is granted now: exactly that, or more when the user has chosen something narrower."""
    *lines, context = shown or [""]
    *lines_now, context_now = situation.shown
    return lines == lines_now if context == context_now else set(lines_now) <= set(lines)


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
    lifetime = waiting.client.consent_lifetime
    consent = Consent(
        id=consent_id(waiting.user.id, waiting.client.id, context),
        user_id=waiting.user.id,
        client_id=waiting.client.id,
        context=context,
        fingerprint=waiting.client.fingerprint,
        automatic=automatic,
        expires_at=now + lifetime if lifetime else None,
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
    """Nobody is asked about a first-party application; that it was allowed is recorded all the same."""
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
        waiting.server,
        waiting.client,
        Subject(user=waiting.user),
        waiting.request.asked,
        waiting.choices,
        granted,
        scopes=await scopes_of(waiting),
    )
