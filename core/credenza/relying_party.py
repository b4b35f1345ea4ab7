"""What we check when we are somebody else's relying party: what they signed. OpenID Connect Core §3.1.3.7, §5.3.2."""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

from .outbound import Refused
from .protocol import jose
from .server import AuthorizationServer

LONGEST = 24 * 3600  # seconds that an ID token may live


async def check_id_token(
    server: AuthorizationServer, token: str, *, issuer: str, client_id: str, jwks_uri: str, nonce: str
) -> Mapping[str, Any]:
    """Its claims; raises Refused. The keys are fetched from `jwks_uri`, and only asymmetric algorithms count."""
    try:
        claims = await _verified(server, token, jwks_uri)
        jose.check_times(claims, server.now(), longest=LONGEST)
    except jose.InvalidJWT as error:
        raise Refused(f"the ID token is not right: {error}") from error
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    subject, sent = claims.get("sub"), claims.get("nonce")
    if claims.get("iss") != issuer:
        raise Refused("the ID token is of another issuer")
    if client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != client_id):
        raise Refused("the ID token is for somebody else")
    if "azp" in claims and claims["azp"] != client_id:
        raise Refused("the ID token was given to somebody else")
    if not isinstance(sent, str) or not compare_digest(sent.encode(), nonce.encode()):
        raise Refused("the ID token answers another request")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise Refused("the ID token names nobody")
    return claims


async def check_userinfo(
    server: AuthorizationServer, token: str, *, issuer: str, client_id: str, jwks_uri: str
) -> Mapping[str, Any]:
    """The claims of a UserInfo response that is a JWT; raises Refused. Whose they are is for the caller to compare.

    It "MUST contain the Claims iss and aud"; times it need not have. OpenID Connect Core §5.3.2.
    """
    if token.count(".") == 4:  # RFC 7516 §3.1
        raise Refused("UserInfo is encrypted, for which we have no key; it must be signed only, or JSON")
    try:
        claims = await _verified(server, token, jwks_uri)
        now = server.now()
        jose.check_times({"exp": now + 1, "iat": now, **claims}, now)
    except jose.InvalidJWT as error:
        raise Refused(f"UserInfo is signed, and not right: {error}") from error
    audience = claims.get("aud")
    if claims.get("iss") != issuer:
        raise Refused("UserInfo is signed, and not by this issuer")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise Refused("UserInfo is signed, and for somebody else")
    return claims


async def _verified(server: AuthorizationServer, token: str, jwks_uri: str) -> dict[str, Any]:
    """Raises InvalidJWT and Refused."""
    kid = jose.read_header(token).get("kid")
    keys = await server.remote_keys.get(jwks_uri, kid if isinstance(kid, str) else None)
    return jose.verify(token, keys, types=("jwt", None))
