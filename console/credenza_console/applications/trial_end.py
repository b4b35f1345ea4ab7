"""The end of a run: what came back, the tokens for it, and what is in them. Nothing of it stays valid."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from credenza import (
    AnyResponse,
    AuthorizationServer,
    Client,
    ConsoleView,
    ConsoleVisit,
    OwnAnswer,
    TokenSeen,
    basic_credentials,
    call_own,
    clients,
    console_get,
    provider_metadata,
    see_token,
)

from .application import TEMPLATES, address_of_client, back_to
from .trial import BACK, COOKIE, Run, request_of, running

MASKED = ("client_secret", "code", "code_verifier", "access_token", "refresh_token", "id_token")


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange: what was sent, what came back, and whether it went well."""

    title: str
    sent: str
    received: str
    good: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    title: str
    good: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its reader sees it. One without `claims` is opaque: only this server knows what it means."""

    title: str
    header: str
    claims: str
    checks: tuple[Check, ...]


@dataclass(kw_only=True)
class EndPage(ConsoleView):
    """`client` is None when there is no such run (any more). `left_out` was asked for and not granted."""

    template: ClassVar[str] = "applications/trial.html"
    folder: ClassVar[Path | None] = TEMPLATES
    server: AuthorizationServer
    client: Client | None = None
    again: str = "/console/applications"
    steps: tuple[Step, ...] = ()
    tokens: tuple[Token, ...] = ()
    granted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    xray: str = ""
    error: tuple[str, str] = ("", "")

    @property
    def good(self) -> bool:
        return all(step.good for step in self.steps) and all(c.good for token in self.tokens for c in token.checks)

    def sent(self, response: AnyResponse) -> None:
        COOKIE.clear(self.server, response)


@console_get(BACK, "applications:write")
async def finish(visit: ConsoleVisit) -> EndPage:
    """What an application does with an authorization response. RFC 6749 §4.1.3, OpenID Connect Core §3.1.3.7."""
    run = running(visit)
    client = await clients.find_client(run.client, visit.server.client_types) if run is not None else None
    if run is None or client is None or not compare_digest(visit.query.get("state", "").encode(), run.state.encode()):
        return EndPage(title="This run is over", lead="The result of a run is shown only once.", server=visit.server)
    page = EndPage(
        title=f"Trial run of {client.name}",
        path=back_to(client, "Integration kit", "/kit"),
        server=visit.server,
        client=client,
        again=f"{address_of_client(client.id)}/try",
    )
    try:
        await _fill(visit, page, client, run)
    finally:
        if run.secret_id:
            await clients.delete_secret(client.id, run.secret_id)
    return page


async def _fill(visit: ConsoleVisit, page: EndPage, client: Client, run: Run) -> None:
    endpoints = {name: str(value) for name, value in (await provider_metadata(visit.server)).items()}
    if client.type.interactive:
        asked_for = {"client": client.id, "user": visit.user.username, "scope": run.scope, "resource": run.resource}
        page.xray = f"/console/xray?{urlencode({name: value for name, value in asked_for.items() if value})}"
        came = {name: visit.query.get(name, "") for name in ("code", "iss", "error", "error_description", "error_id")}
        asked = f"{endpoints['authorization_endpoint']}\n{_lines(request_of(visit.server, run))}"
        good = bool(came["code"]) and came["iss"] == visit.server.issuer
        page.steps += (Step("The user was sent to authorize, and came back", asked, _lines(came), good),)
        if not good:
            page.error = (came["error"] or "invalid_response", came["error_description"])
            return
    answer = await _token(visit, page, client, run, endpoints["token_endpoint"])
    if answer.status != 200:
        return
    body = answer.json
    page.granted = tuple(str(body.get("scope", run.scope)).split())
    page.left_out = left_out(client, run, page.granted)
    jwks = (await call_own(visit.request, "GET", endpoints["jwks_uri"])).json
    if "id_token" in body:
        page.tokens += (_id_token(visit, client, run, see_token(str(body["id_token"]), jwks)),)
    access_token = str(body.get("access_token", ""))
    page.tokens += (_access_token(visit, see_token(access_token, jwks)),)
    if "openid" in page.granted:
        bearer = {"Authorization": f"Bearer {access_token}"}
        info = await call_own(visit.request, "GET", endpoints["userinfo_endpoint"], headers=bearer)
        page.steps += (Step("UserInfo", endpoints["userinfo_endpoint"], _pretty(info.json), info.status == 200),)
    await _revoke(visit, page, client, run, endpoints["revocation_endpoint"], body)


def left_out(client: Client, run: Run, granted: tuple[str, ...]) -> tuple[str, ...]:
    """What was asked for and is not in the access token; one for an API says nothing about the user's own data."""
    there = {permission.scope for permission in client.ceiling or {} if permission.resource == run.resource}
    asked = run.scope.split()
    return tuple(scope for scope in asked if scope not in granted and (not run.resource or scope in there))


async def _token(visit: ConsoleVisit, page: EndPage, client: Client, run: Run, endpoint: str) -> OwnAnswer:
    if client.type.interactive:
        form = {
            "grant_type": "authorization_code",
            "code": visit.query.get("code", ""),
            "redirect_uri": visit.server.issuer + BACK,
            "code_verifier": run.verifier,
        }
    else:
        form = {"grant_type": "client_credentials", **({"scope": run.scope} if run.scope else {})}
    form |= {"resource": run.resource} if run.resource else {}
    answer = await _call(visit, client, run, endpoint, form)
    body = answer.json
    good = answer.status == 200
    page.steps += (Step("Tokens", f"{endpoint}\n{_lines(form)}", _pretty(body), good),)
    if not good:
        page.error = (str(body.get("error", "no answer")), str(body.get("error_description", "")))
    return answer


async def _call(visit: ConsoleVisit, client: Client, run: Run, endpoint: str, form: dict[str, str]) -> OwnAnswer:
    """As the application authenticates itself."""
    headers = {}
    if client.auth_method == "client_secret_basic":
        headers["Authorization"] = basic_credentials(client.id, run.secret)
    else:
        form = form | {"client_id": client.id} | ({"client_secret": run.secret} if client.confidential else {})
    return await call_own(visit.request, "POST", endpoint, form=form, headers=headers)


def _id_token(visit: ConsoleVisit, client: Client, run: Run, seen: TokenSeen | None) -> Token:
    if seen is None:
        return Token("ID token", "", "", (Check("It is a signed token", False),))
    claims = seen.claims
    checks = (
        *_checks(visit, seen),
        Check("It is for this application (aud)", client.id in _audience(claims)),
        Check("It answers this very request (nonce)", claims.get("nonce") == run.nonce),
    )
    return Token("ID token", _pretty(seen.header), _pretty(claims), checks)


def _access_token(visit: ConsoleVisit, seen: TokenSeen | None) -> Token:
    if seen is None:
        return Token("Access token", "", "", ())
    return Token("Access token", _pretty(seen.header), _pretty(seen.claims), _checks(visit, seen))


def _checks(visit: ConsoleVisit, seen: TokenSeen) -> tuple[Check, ...]:
    key = f"{seen.header.get('alg')}, key {seen.header.get('kid')}"
    expires = seen.claims.get("exp")
    return (
        Check("The signature is ours", not seen.problem, seen.problem or key),
        Check("It was issued here (iss)", seen.claims.get("iss") == visit.server.issuer),
        Check("It has not expired (exp)", isinstance(expires, int) and expires > visit.server.now()),
    )


def _audience(claims: Mapping[str, Any]) -> list[str]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [str(audience)]


async def _revoke(
    visit: ConsoleVisit, page: EndPage, client: Client, run: Run, endpoint: str, body: Mapping[str, Any]
) -> None:
    """So that nothing of the run stays behind. RFC 7009."""
    tokens = [str(body[name]) for name in ("refresh_token", "access_token") if name in body]
    answers = [await _call(visit, client, run, endpoint, {"token": token}) for token in tokens]
    good = all(answer.status == 200 for answer in answers)
    page.steps += (Step("The tokens were revoked again", endpoint, "", good),)


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f"{name} = {_masked(name, value)}" for name, value in values.items() if value)


def _pretty(values: Mapping[str, Any]) -> str:
    shown = {name: _masked(name, value) if isinstance(value, str) else value for name, value in values.items()}
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _masked(name: str, value: str) -> str:
    """The beginning of what must not be copied around."""
    return f"{value[:12]}…" if name in MASKED and len(value) > 12 else value
