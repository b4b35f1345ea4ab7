"""Harbour Wiki: an application by somebody else, who knows Authlib, OpenID Connect and nothing about Credenza.

It imports nothing of Credenza's, and needs an issuer, a client id and a client secret. `/api/orders` stands for another
stranger: an API that accepts the access tokens.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # Authlib has no types
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]
from jinja2 import Environment, PackageLoader, StrictUndefined
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from litestar.response import File, Redirect

SCOPE = "openid profile email phone offline_access orders:read orders:write"
ORDERS = "https://orders.example.com"
COOKIE = "harbour_session"
ALGORITHMS = ["RS256", "ES256"]
MOST_VISITORS = 10_000
MOST_PENDING = 10  # sign-ins of one browser

STOCK = [
    {"order": "HW-1043", "goods": "Brass compass", "for": "Ada's sloop", "state": "on the quay"},
    {"order": "HW-1051", "goods": "Tide tables 1843", "for": "the library", "state": "at sea"},
    {"order": "HW-1067", "goods": "Forty fathoms of rope", "for": "berth 12", "state": "delivered"},
]

# What each claim says, for the reader of the page.
NOTES = {
    "iss": "who signed this token",
    "sub": "who you are, for ever the same",
    "aud": "for whom the token is",
    "azp": "the application that asked",
    "client_id": "the application that asked",
    "exp": "valid until",
    "iat": "signed at",
    "nbf": "valid from",
    "auth_time": "when you signed in",
    "nonce": "answers our question, so it is not a replay",
    "at_hash": "ties it to the access token",
    "acr": "how sure the sign-in was",
    "amr": "how you proved who you are",
    "sid": "your session at the provider",
    "jti": "this token's own name",
    "scope": "what it allows",
}
TIMES = {"exp", "iat", "nbf", "auth_time"}


@dataclass
class Visitor:
    """One browser: the sign-ins it has begun (one in each tab, by `state`), and what came of the last one."""

    pending: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    orders: dict[str, Any] = field(default_factory=dict)
    notice: str = ""
    problem: str = ""


@dataclass
class Wiki:
    """The application. `accounts` are shown on the welcome page, because this is a demo."""

    issuer: str
    client_id: str
    client_secret: str
    home: str
    accounts: Sequence[Any] = ()
    logo: Path = Path("harbour-wiki.png")
    visitors: dict[str, Visitor] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def app(self) -> Litestar:
        handlers = [home, sign_in, callback, refresh, orders, sign_out, signed_out, terms, privacy]
        files = [logo, stylesheet, api_orders]
        state = State({"wiki": self, "pages": _environment()})
        return Litestar([*handlers, *files], state=state, openapi_config=None, logging_config=None)

    def client(self, token: Mapping[str, Any] | None = None) -> AsyncOAuth2Client:
        """Authlib's client; `trust_env` would send our loopback calls through a proxy."""
        return AsyncOAuth2Client(
            self.client_id,
            self.client_secret,
            scope=SCOPE,
            redirect_uri=f"{self.home}/callback",
            code_challenge_method="S256",
            token=token,
            trust_env=False,
        )

    async def endpoints(self) -> dict[str, Any]:
        """OpenID Connect Discovery, once."""
        if not self.metadata:
            found = await self._json(f"{self.issuer}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise OAuthError("invalid_issuer", f"{self.issuer} describes {found.get('issuer')}")
            self.metadata = found
        return self.metadata

    async def keys(self) -> KeySet:
        return KeySet.import_key_set(await self._json((await self.endpoints())["jwks_uri"]))  # type: ignore[arg-type]

    async def _json(self, url: str) -> dict[str, Any]:
        async with self.client() as http:
            response = await http.request("GET", url, withhold_token=True)
            response.raise_for_status()
            return dict(response.json())

    async def check_id_token(self, token: str, nonce: str | None) -> dict[str, Any]:
        """Raises JoseError. OpenID Connect Core §3.1.3.7."""
        decoded = jwt.decode(token, await self.keys(), algorithms=ALGORITHMS)
        wanted: dict[str, Any] = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "iat": {"essential": True},
        }
        if nonce is not None:
            wanted["nonce"] = {"essential": True, "value": nonce}
        jwt.JWTClaimsRegistry(leeway=30, **wanted).validate(decoded.claims)
        return dict(decoded.claims)

    async def check_access_token(self, token: str, scope: str) -> dict[str, Any]:
        """What the Orders API asks of a token; raises JoseError and PermissionError. RFC 9068 §4."""
        decoded = jwt.decode(token, await self.keys(), algorithms=ALGORITHMS)
        registry = jwt.JWTClaimsRegistry(
            leeway=30,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": ORDERS},
            exp={"essential": True},
        )
        registry.validate(decoded.claims)
        if decoded.header.get("typ", "").lower() not in ("at+jwt", "application/at+jwt"):
            raise PermissionError("not an access token")
        if scope not in str(decoded.claims.get("scope", "")).split():
            raise PermissionError(f"the token does not hold {scope}")
        return dict(decoded.claims)


Asked = Request[Any, Any, State]
Answer = Response[Any]


def wiki_of(request: Asked) -> Wiki:
    wiki: Wiki = request.app.state.wiki
    return wiki


def visitor_of(request: Asked) -> Visitor:
    """This browser's; a stranger gets an empty one that is not kept."""
    return wiki_of(request).visitors.get(request.cookies.get(COOKIE, ""), Visitor())


def remember(request: Asked, visitor: Visitor, answer: Answer) -> Answer:
    """Keep the visitor under a new id, so that nobody else's id becomes theirs."""
    wiki = wiki_of(request)
    wiki.visitors.pop(request.cookies.get(COOKIE, ""), None)
    while len(wiki.visitors) >= MOST_VISITORS:
        wiki.visitors.pop(next(iter(wiki.visitors)))
    key = secrets.token_urlsafe(32)
    wiki.visitors[key] = visitor
    answer.set_cookie(key=COOKIE, value=key, httponly=True, samesite="lax")
    return answer


# -- pages ------------------------------------------------------------------------------------------------------------


@get("/")
async def home(request: Asked) -> Answer:
    visitor = visitor_of(request)
    notice, visitor.notice = visitor.notice, ""
    problem, visitor.problem = visitor.problem, ""
    told = {"notice": notice, "problem": problem}
    if not visitor.tokens:
        return page(request, "welcome.html", accounts=wiki_of(request).accounts, **told)
    access_token = str(visitor.tokens["access_token"])
    return page(
        request,
        "tokens.html",
        **told,
        name=visitor.userinfo.get("name") or visitor.userinfo.get("email") or visitor.claims["sub"],
        email=visitor.userinfo.get("email", ""),
        id_token=visitor.tokens["id_token"],
        id_claims=explained(visitor.claims),
        access_token=access_token,
        access_claims=explained(peek(access_token)),
        expires=clock(visitor.tokens.get("expires_at", 0)),
        refresh_token=visitor.tokens.get("refresh_token", ""),
        scopes=str(visitor.tokens.get("scope", "")).split(),
        userinfo=visitor.userinfo,
        orders=visitor.orders,
    )


@get("/sign-in")
async def sign_in(request: Asked) -> Answer:
    """Authorization code with PKCE. RFC 6749 §4.1.1, RFC 7636, RFC 8707."""
    wiki = wiki_of(request)
    visitor = Visitor(pending=visitor_of(request).pending)
    begun = {"nonce": secrets.token_urlsafe(16), "code_verifier": secrets.token_urlsafe(48)}
    try:
        address = (await wiki.endpoints())["authorization_endpoint"]
    except Exception as error:  # noqa: BLE001  # whatever went wrong between the two servers is told, not raised
        visitor.problem = f"Credenza does not answer: {error}"
        return remember(request, visitor, Redirect("/"))
    wished = {"prompt": "consent"} if request.query_params.get("prompt") == "consent" else {}
    async with wiki.client() as client:
        url, state = client.create_authorization_url(address, resource=ORDERS, **begun, **wished)
    while len(visitor.pending) >= MOST_PENDING:
        visitor.pending.pop(next(iter(visitor.pending)))
    visitor.pending[state] = begun
    return remember(request, visitor, Redirect(url))


@get("/callback")
async def callback(request: Asked) -> Answer:
    """The browser is back. RFC 6749 §4.1.2, RFC 9207."""
    wiki, visitor = wiki_of(request), visitor_of(request)
    given = request.query_params
    begun = visitor.pending.pop(given.get("state", ""), None)
    if begun is None:
        visitor.problem = "This answer belongs to no sign-in that began in this browser. Start again."
        return remember(request, visitor, Redirect("/"))
    visitor = Visitor(pending=visitor.pending)
    if given.get("iss") != wiki.issuer:
        visitor.problem = f"The answer comes from {given.get('iss', 'nobody')}, and we asked {wiki.issuer}."
    elif given.get("error") == "access_denied":
        visitor.notice = "You did not authorize Harbour Wiki, so we know nothing about you."
    elif "error" in given:
        visitor.problem = f"{given['error']}: {given.get('error_description', '')}"
    else:
        await _redeem(wiki, visitor, given.get("code", ""), begun)
    return remember(request, visitor, Redirect("/"))


async def _redeem(wiki: Wiki, visitor: Visitor, code: str, begun: Mapping[str, str]) -> None:
    try:
        endpoints = await wiki.endpoints()
        async with wiki.client() as client:
            tokens = await client.fetch_token(
                endpoints["token_endpoint"], code=code, code_verifier=begun["code_verifier"]
            )
            claims = await wiki.check_id_token(tokens["id_token"], begun["nonce"])
            userinfo = dict((await client.get(endpoints["userinfo_endpoint"])).raise_for_status().json())
        if userinfo["sub"] != claims["sub"]:
            raise OAuthError("invalid_token", "UserInfo answers about somebody else.")
        visitor.tokens, visitor.claims, visitor.userinfo = dict(tokens), claims, userinfo
        visitor.notice = "You are signed in."
    except Exception as error:  # noqa: BLE001  # as above
        visitor.problem = f"Signing in did not work: {error}"


@post("/refresh")
async def refresh(request: Asked) -> Answer:
    """RFC 6749 §6, and UserInfo again with the new token."""
    wiki, visitor = wiki_of(request), visitor_of(request)
    try:
        endpoints = await wiki.endpoints()
        async with wiki.client(visitor.tokens) as client:
            fresh = await client.refresh_token(endpoints["token_endpoint"], visitor.tokens["refresh_token"])
            if "id_token" in fresh:
                visitor.claims = await wiki.check_id_token(fresh["id_token"], None)
            visitor.userinfo = dict((await client.get(endpoints["userinfo_endpoint"])).raise_for_status().json())
        visitor.tokens |= dict(fresh)
        visitor.notice = "A fresh access token, without asking you again."
    except Exception as error:  # noqa: BLE001  # as above
        visitor.problem = f"Refreshing did not work: {error}"
    return Redirect("/", status_code=303)


@post("/orders")
async def orders(request: Asked) -> Answer:
    """A token for the Orders API alone, and a call with it. RFC 8707 §2.2."""
    wiki, visitor = wiki_of(request), visitor_of(request)
    try:
        endpoints = await wiki.endpoints()
        async with wiki.client(visitor.tokens) as client:
            token = await client.refresh_token(
                endpoints["token_endpoint"], visitor.tokens["refresh_token"], resource=ORDERS
            )
            answer = await client.get(f"{wiki.home}/api/orders")
        visitor.tokens["refresh_token"] = token["refresh_token"]
        visitor.orders = {
            "resource": ORDERS,
            "scope": token.get("scope", ""),
            "claims": explained(peek(token["access_token"])),
            "status": answer.status_code,
            "body": answer.json(),
        }
    except OAuthError as error:
        visitor.orders = {}
        if error.error == "invalid_target":
            visitor.notice = f"Credenza gave no token for {ORDERS}: your roles hold none of its permissions."
        else:
            visitor.problem = f"Credenza refused: {error}"
    except Exception as error:  # noqa: BLE001  # as above
        visitor.problem = f"Calling the API did not work: {error}"
    return Redirect("/", status_code=303)


@post("/sign-out")
async def sign_out(request: Asked) -> Answer:
    """OpenID Connect RP-Initiated Logout: out here, and out there."""
    wiki, visitor = wiki_of(request), visitor_of(request)
    wiki.visitors.pop(request.cookies.get(COOKIE, ""), None)
    answer: Answer = Redirect("/", status_code=303)
    if visitor.tokens and wiki.metadata:
        leaving = {
            "id_token_hint": visitor.tokens["id_token"],
            "post_logout_redirect_uri": f"{wiki.home}/signed-out",
            "state": secrets.token_urlsafe(8),
        }
        answer = Redirect(f"{wiki.metadata['end_session_endpoint']}?{urlencode(leaving)}", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


@get("/signed-out")
async def signed_out(request: Asked) -> Answer:
    told = "You are signed out, here and at Credenza."
    return page(request, "welcome.html", accounts=wiki_of(request).accounts, notice=told, problem="")


@get("/terms")
async def terms(request: Asked) -> Answer:
    return page(request, "words.html", heading="Terms of use", words="Leave the harbour as you found it.")


@get("/privacy")
async def privacy(request: Asked) -> Answer:
    return page(request, "words.html", heading="Privacy policy", words="Harbour Wiki forgets you when the demo stops.")


# -- the Orders API ---------------------------------------------------------------------------------------------------


@get("/api/orders")
async def api_orders(request: Asked) -> Answer:
    """A token in the header, checked by its signature and what it says. RFC 6750 §3."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise PermissionError("send an access token")
        claims = await wiki_of(request).check_access_token(token, "orders:read")
    except (JoseError, PermissionError, ValueError) as error:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return Response({"error": "invalid_token", "error_description": str(error)}, status_code=401, headers=challenge)
    return Response({"asked_by": claims["client_id"], "for": claims["sub"], "orders": STOCK})


# -- how it looks -----------------------------------------------------------------------------------------------------


@get("/logo.png")
async def logo(request: Asked) -> File:
    return File(wiki_of(request).logo, content_disposition_type="inline", media_type="image/png")


@get("/harbour.css")
async def stylesheet() -> File:
    path = Path(__file__).parent / "static" / "harbour.css"
    return File(path, content_disposition_type="inline", media_type="text/css")


def _environment() -> Environment:
    loader = PackageLoader(__package__ or "credenza.demo")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def page(request: Asked, template: str, **values: Any) -> Answer:
    wiki = wiki_of(request)
    html = request.app.state.pages.get_template(template).render(issuer=wiki.issuer, client_id=wiki.client_id, **values)
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {wiki.issuer}"  # signing out is a form whose answer leads there
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(html, media_type="text/html", headers=headers)


def peek(token: str) -> dict[str, Any]:
    """A JWT's claims for the reader's eyes only; nothing for a token that is opaque."""
    if token.count(".") != 2:
        return {}
    body = token.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4))))


def explained(claims: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, value and what it says, of each claim."""
    return [(name, shown(name, value), NOTES.get(name, "")) for name, value in claims.items()]


def shown(name: str, value: Any) -> str:
    if name in TIMES:
        return f"{value} ({clock(value)})"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S UTC")
