"""Why somebody sees what on the consent page: calls the functions of the real sign-in, without a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from ..asked import check_asked
from ..objects import Choices, Question, Subject, Waiting
from ..permissions import ceiling_of, verdicts
from ..protocol.authorization_request import AuthorizationRequest
from ..protocol.clients import Client
from ..protocol.errors import ProtocolError
from ..protocol.parameters import Parameters
from ..protocol.permissions import Verdict
from ..protocol.scopes import Permission, Scope
from ..server import AuthorizationServer
from ..store.consents import Consent
from ..store.users import User
from ..web import samples
from ..web.limits import Limiter
from ..web.pages import ConsentPage, Page
from .consent_page import consent_page
from .consent_situation import look
from .login import LoginPrompt

CHALLENGE = "x" * 43  # any: nothing is redeemed


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would happen. `refused` is the error that the client would be answered with; `page` is what the user would
    be shown; `verdicts` are the final ones, after the consent that there is (`consent`, None for none). `each_time`
    says that the user is asked again whatever they said, as anybody could pose as the client.
    """

    refused: ProtocolError | None
    page: ConsentPage
    scopes: Mapping[Permission, Scope]
    verdicts: Sequence[Verdict]
    questions: Sequence[Question]
    choices: Mapping[str, str]
    consent: Consent | None
    asks: bool
    each_time: bool


async def explain(
    server: AuthorizationServer,
    client: Client,
    user: User,
    *,
    scope: str,
    resources: Sequence[str] = (),
    choices: Mapping[str, str] | None = None,
) -> Explanation:
    """Look at an authorization request as this user would; writes nothing. Raises ProtocolError if it cannot parse."""
    asked = [("client_id", client.id), ("response_type", "code"), ("scope", scope)]
    asked += [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]
    asked += [("resource", resource) for resource in resources]
    redirect_uri = client.redirect_uris[0] if client.redirect_uris else "https://application.example/callback"
    request = AuthorizationRequest.parse(Parameters.parse(urlencode(asked).encode()), client, redirect_uri)
    refused: ProtocolError | None = None
    try:
        request, _ = await check_asked(server, client, request)
    except ProtocolError as error:
        refused = error
    waiting = Waiting(server, request, client, None, user, state={"choices": dict(choices or {})})
    situation = await look(waiting)
    allowed = None
    if client.third_party:
        allowed = situation.before.granted if situation.before is not None else frozenset()
    scopes = situation.decision.scopes
    final = await verdicts(server, client, Subject(user=user), request.asked, situation.choices, allowed, scopes=scopes)
    each_time = client.third_party and not client.identity_is_assured(redirect_uri)
    return Explanation(
        refused=refused,
        page=await consent_page(waiting, situation, ""),
        scopes=scopes,
        verdicts=final.verdicts,
        questions=situation.questions,
        choices=situation.choices,
        consent=situation.before,
        asks=client.third_party and (situation.undecided or each_time),
        each_time=each_time,
    )


async def preview_pages(
    server: AuthorizationServer, client: Client | None, user: User | None, choices: Choices
) -> Mapping[str, Page]:
    """The pages of a sign-in, as this user would see them on the way to this application; made-up people where there
    is none. Writes nothing.
    """
    sample = samples.Sample(
        client.display_name if client is not None else samples.APPLICATION,
        (user.email or user.username) if user is not None else samples.Sample().account,
        user.display_name if user is not None else samples.Sample().account_name,
    )
    sign_in = await LoginPrompt(Limiter(enabled=False)).show(Waiting(server, None, client, None, None))
    sign_in.application, sign_in.cancel = sample.application, True
    sign_in.ways = tuple(replace(way, script="") for way in sign_in.ways)  # nothing runs there that would show them
    return {
        "sign-in": sign_in,
        "consent": await _consent(server, client, user, choices) or samples.consent_page(sample),
        "error": samples.error_page(sample),
        "device": samples.device_page(sample),
        "sign-out": samples.sign_out_page(sample),
    }


async def _consent(
    server: AuthorizationServer, client: Client | None, user: User | None, choices: Choices
) -> ConsentPage | None:
    """The page for everything that is enabled on the application; None when it would never be shown."""
    if client is None or user is None or not client.ceiling:
        return None
    enabled = ceiling_of(server, client, {}) or {}
    scope = " ".join(dict.fromkeys(["openid", *(p.scope for p in sorted(enabled))]))
    resources = sorted({p.resource for p in enabled if p.resource})[:20]
    try:
        found = await explain(server, client, user, scope=scope, resources=resources, choices=choices)
    except ProtocolError:
        return None
    return found.page
