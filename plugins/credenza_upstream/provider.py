"""Talking to another provider: its metadata, the way there, and the code it sends back. OpenID Connect Core §3.1.

Every call goes out through the guard against addresses inside.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from credenza import (
    AuthorizationServer,
    Refused,
    SignInWishes,
    check_id_token,
    check_userinfo,
    check_web_uri,
    fetch,
    fetch_document,
    parse_json,
    place_of,
    s256,
)

from .store import Upstream, secret_of

logger = logging.getLogger("credenza.plugins.upstream")

AUTH_TIME = json.dumps({"id_token": {"auth_time": {"essential": True}}})  # Core §5.5
FRESH = 600  # seconds that metadata is kept in this process
SKEW = 60  # seconds that their clock may be behind ours
PATIENCE = 5.0  # seconds for all that is asked of it when somebody comes back
JWT = "application/jwt"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class NotFresh(Refused):
    """They may have signed in there long ago."""


@dataclass(frozen=True, slots=True)
class Metadata:
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    """Empty when it has none."""
    basic: bool
    """Whether the secret goes into the Authorization header."""
    sends_iss: bool


_KEPT: dict[str, tuple[int, Metadata]] = {}


async def metadata(server: AuthorizationServer, issuer: str, *, fresh: bool = False) -> Metadata:
    """Raises Refused. The document must say the issuer that it was looked for under. Discovery §4.3."""
    known = _KEPT.get(issuer)
    if known is not None and not fresh and known[0] + FRESH > server.now() >= known[0]:
        return known[1]
    document = await fetch_document(server.settings, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    content: Any = document.content
    if not isinstance(content, dict) or content.get("issuer") != issuer:
        raise Refused(f"{issuer} calls itself something else")
    addresses = {name: str(content.get(name, "")) for name in ENDPOINTS}
    for name, address in addresses.items():
        try:
            check_web_uri(address)
            if "#" in address:
                raise ValueError("An endpoint has no fragment.")  # RFC 6749 §3.1-3.2
        except ValueError as error:
            raise Refused(f"{name} of {issuer} is no address") from error
    methods = content.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    found = Metadata(
        **addresses,
        userinfo_endpoint=str(content.get("userinfo_endpoint") or ""),
        basic=isinstance(methods, list) and "client_secret_basic" in methods,
        sends_iss=content.get("authorization_response_iss_parameter_supported") is True,
    )
    if len(_KEPT) > 100:
        _KEPT.clear()
    _KEPT[issuer] = (server.now(), found)
    return found


def callback_of(server: AuthorizationServer, upstream_id: str) -> str:
    """Each provider sends people back to an address of its own: what one of them answers is never taken for the answer
    of another one, which would be handed the code. RFC 9700 §4.4.2.2.
    """
    return f"{server.issuer}/upstream/{upstream_id}/callback"


def new_request(wishes: SignInWishes, now: int) -> dict[str, str]:
    """What is kept until the answer comes: nonce, verifier and how fresh it must be. RFC 7636 §4.1, Core §3.1.2.1."""
    kept = {"nonce": secrets.token_urlsafe(32), "verifier": secrets.token_urlsafe(32), "sent_at": str(now)}
    if wishes.max_age is not None:
        kept["max_age"] = str(wishes.max_age)
        kept["told"] = "yes" if wishes.client is not None else ""
    return kept


async def authorization_address(
    server: AuthorizationServer, upstream: Upstream, state: str, kept: Mapping[str, str], *, choose: bool
) -> str:
    """Raises Refused."""
    found = await metadata(server, upstream.issuer)
    parameters = {
        "client_id": upstream.client_id,
        "redirect_uri": callback_of(server, upstream.id),
        "response_type": "code",
        "scope": upstream.scope,
        "state": state,
        "nonce": kept["nonce"],
        "code_challenge": s256(kept["verifier"]),
        "code_challenge_method": "S256",
        **({"prompt": "select_account"} if choose else {}),
        # Some say when it was only if they are asked for the claim, too.
        **({"max_age": kept["max_age"], "claims": AUTH_TIME} if "max_age" in kept else {}),
    }
    separator = "&" if "?" in found.authorization_endpoint else "?"
    return f"{found.authorization_endpoint}{separator}{urlencode(parameters)}"


async def redeem(
    server: AuthorizationServer, upstream: Upstream, answer: Mapping[str, str], kept: Mapping[str, str]
) -> tuple[Mapping[str, Any], str]:
    """The claims about whoever comes back with this answer, and why those of UserInfo are not among them, if they are
    not. Raises Refused.

    Each of its endpoints may be slow: nobody waits for longer than PATIENCE for all of them together.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE
    try:
        async with asyncio.timeout_at(deadline):
            found = await metadata(server, upstream.issuer)
            tokens = await _tokens(server, upstream, found, answer, kept)
            claims = await _proved(server, upstream, found, tokens, kept)
    except TimeoutError as error:
        raise Refused(f"{upstream.issuer} takes too long") from error
    try:
        async with asyncio.timeout_at(deadline):
            more = await _userinfo(server, upstream, found, tokens.get("access_token"), claims["sub"])
    except (Refused, TimeoutError) as error:  # one can sign in without it
        lacking = f"it goes on without UserInfo: {str(error) or 'it takes too long'}"
        logger.warning("sign-in with %s: %s", upstream.id, lacking)
        return claims, lacking
    return _together(claims, more), ""


def _together(claims: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """What the ID token says, and what UserInfo says beside it. That an address was verified is believed of whoever
    says it of that very one: else of two addresses the one that nobody verified could be taken for the other.
    """
    merged = {**more, **claims, "auth_time": claims.get("auth_time")}  # the ID token has it. Core §3.1.2.1
    about = (said for said in (claims, more) if said.get("email") == merged.get("email"))
    merged["email_verified"] = next((said["email_verified"] for said in about if "email_verified" in said), None)
    return merged


async def _tokens(
    server: AuthorizationServer,
    upstream: Upstream,
    found: Metadata,
    answer: Mapping[str, str],
    kept: Mapping[str, str],
) -> dict[str, Any]:
    """What the code is good for, unless the answer is of another issuer. Raises Refused. RFC 9207 §2.4."""
    sent = answer.get("iss")
    if (sent is not None or found.sends_iss) and sent != upstream.issuer:
        raise Refused("the answer is of another issuer")
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": callback_of(server, upstream.id),
        "code_verifier": kept["verifier"],
    }
    secret = secret_of(server, upstream)
    authorization = _basic(upstream.client_id, secret) if secret and found.basic else ""
    if not authorization:
        form |= {"client_id": upstream.client_id, **({"client_secret": secret} if secret else {})}
    _, called = await _call(server, found.token_endpoint, form=form, authorization=authorization)
    return _object(found.token_endpoint, called)


async def _proved(
    server: AuthorizationServer,
    upstream: Upstream,
    found: Metadata,
    tokens: Mapping[str, Any],
    kept: Mapping[str, str],
) -> Mapping[str, Any]:
    """The claims of the ID token."""
    token = tokens.get("id_token")
    if not isinstance(token, str):
        raise Refused("the token endpoint sends no ID token")
    return await check_id_token(
        server,
        token,
        issuer=upstream.issuer,
        client_id=upstream.client_id,
        jwks_uri=found.jwks_uri,
        nonce=kept["nonce"],
    )


def authenticated_at(claims: Mapping[str, Any], kept: Mapping[str, str], now: int) -> int | None:
    """When they signed in there, if it says so and that was before they were sent. Raises NotFresh. Core §3.1.2.1.

    "When `max_age` is used, the ID Token returned MUST include an `auth_time` Claim Value." Some know neither, and no
    application is promised anything then. A page of ours takes whoever comes back, or who has no other way would never
    see it.
    """
    at = claims.get("auth_time")
    if isinstance(at, bool) or not isinstance(at, int | float):
        if kept.get("told"):
            raise NotFresh("it does not say when they signed in")
        return None
    if at >= int(kept.get("sent_at", "0")) - SKEW:
        return None
    if "max_age" in kept and at < now - int(kept["max_age"]):
        raise NotFresh("it did not ask to sign in again")
    return max(int(at), 0)


async def _userinfo(
    server: AuthorizationServer, upstream: Upstream, found: Metadata, token: object, subject: str
) -> Mapping[str, Any]:
    """What is not in the ID token: a name, an address; as JSON, or signed. Raises Refused.

    It is about the same person, or it is nothing. Core §5.3.2.
    """
    address = found.userinfo_endpoint
    if not address or not isinstance(token, str):
        return {}
    kind, answer = await _call(server, address, authorization=f"Bearer {token}", accept=f"application/json, {JWT}")
    if kind.split(";")[0].strip().lower() == JWT:
        signed, keys = answer.decode(errors="replace").strip(), found.jwks_uri
        claims = await check_userinfo(
            server, signed, issuer=upstream.issuer, client_id=upstream.client_id, jwks_uri=keys
        )
    else:
        claims = _object(address, answer)
    if claims.get("sub") != subject:
        raise Refused("UserInfo is about somebody else")
    return claims


async def _call(
    server: AuthorizationServer,
    address: str,
    *,
    form: Mapping[str, str] | None = None,
    authorization: str = "",
    accept: str = "application/json",
) -> tuple[str, bytes]:
    """The content type and the body. Raises Refused."""
    method = "POST" if form is not None else "GET"
    status, kind, body = await fetch(
        server.settings, address, method=method, form=form, authorization=authorization, accept=accept
    )
    if status != 200:
        why = _reason(body) if form is not None else ""  # elsewhere it may say whose token it was
        raise Refused(f"{place_of(address)} answered {status}{why}")
    return kind, body


def _reason(body: bytes) -> str:
    """What is wrong with our request, such as a secret that they do not know. RFC 6749 §5.2."""
    try:
        content = parse_json(body)
    except ValueError:
        return ""
    told = said(content) if isinstance(content, dict) else ""
    return f": {told}" if told else ""


def said(answer: Mapping[str, Any]) -> str:
    """The error of an answer, with its description, as far as both are texts. RFC 6749 §4.1.2.1."""
    texts = (answer.get(name) for name in ("error", "error_description"))
    return ", ".join(repr(text[:200]) for text in texts if isinstance(text, str) and text)


def _object(address: str, body: bytes) -> dict[str, Any]:
    try:
        content = parse_json(body)
    except ValueError as error:
        raise Refused(f"{place_of(address)} does not answer with JSON") from error
    if not isinstance(content, dict):
        raise Refused(f"{place_of(address)} does not answer with an object")
    return content


def _basic(client_id: str, secret: str) -> str:
    """Each form-encoded before they are joined. RFC 6749 §2.3.1."""
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()
