"""The consent page's dataclass. OpenID Connect Core §3.1.2.4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..objects import Question, Waiting
from ..permissions import OFFLINE_ACCESS, claims
from ..protocol.redirect_uris import host_of, is_loopback
from ..protocol.scopes import Permission, Scope
from ..protocol.words import Counted, Words
from ..web.claims import claims_summary
from ..web.pages import ConsentGroup, ConsentLine, ConsentPage, ConsentQuestion, Option
from .consent_situation import Situation

DAY = 24 * 3600


async def consent_page(waiting: Waiting, situation: Situation, message: str) -> ConsentPage:
    """The page's dataclass, with the actual data beside each permission."""
    client, user, request = waiting.client, waiting.user, waiting.request
    assert client is not None
    assert user is not None
    assert request is not None
    # Of a permission, all that it is about: whoever asks for one claim of it now may ask for the others later.
    names = {name for permission in situation.offered for name in situation.decision.scopes[permission].claims}
    values = await claims(waiting.server, situation.subject, situation.decision, names)
    known = situation.known
    offline = OFFLINE_ACCESS if OFFLINE_ACCESS in situation.offered else None
    listed = [p for p in situation.offered if p != offline]
    old_offline = offline is not None and offline in known
    return ConsentPage(
        title=Words("%(name)s wants to use your account", name=client.display_name),
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
        offline=replace(_line(situation, offline, {}, new=not old_offline), data=_how_long(waiting))
        if offline is not None
        else None,
        terms_uri=client.branding.terms_uri,
        policy_uri=client.branding.policy_uri,
        warnings=_warnings(waiting),
        account_page="/account" if "account" in waiting.server.plugins_named else "",
    )


def _how_long(waiting: Waiting) -> str:
    """How long an application keeps access at most while its user is away."""
    assert waiting.client is not None
    lifetime = waiting.server.settings.refresh_token_lifetime
    seconds = min(lifetime, waiting.client.consent_lifetime or lifetime)
    return Counted("For %(count)s day at most", "For %(count)s days at most", count=max(-(-seconds // DAY), 1))


def _warnings(waiting: Waiting) -> tuple[str, ...]:
    assert waiting.client is not None
    assert waiting.request is not None
    client, redirect_uri = waiting.client, waiting.request.redirect_uri
    if client.unverified and all(is_loopback(uri) for uri in client.redirect_uris):
        return (
            Words(
                "This application runs on your own device, where any program could use its name. "
                "Continue only if you have just started it yourself."
            ),
        )
    if not client.confidential and is_loopback(redirect_uri):
        return (Words("This application runs on your own device. Continue only if you have just started it yourself."),)
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
    return ConsentLine(
        key=permission.key,
        title=scope.title,
        description=scope.description,
        data=_data(scope, values),
        icon=scope.icon,
        required=situation.required(permission) or (not new),
        checked=situation.ticked(permission),
        new=new,
    )


def _data(scope: Scope, values: Mapping[str, Any]) -> str:
    """The values in one line. Where there are none it says so: a line without would look like one that has some."""
    stored = [name for name in scope.claims if values.get(name) not in (None, [], {})]
    return claims_summary(stored, values) if stored or not scope.claims else Words("none stored")
