"""Who calls the token endpoint and its siblings. RFC 6749 §2.3, RFC 7521 §4.2, RFC 7523 §3, OpenID Connect Core §9."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any
from urllib.parse import unquote_plus

from . import jose
from .clients import Client, Secret
from .errors import InvalidClient, InvalidRequest
from .parameters import Parameters

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME = 300
TWO_WAYS = frozenset({"client_secret_basic", "client_secret_post"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says about its sender, not yet believed. `unencoded` is the secret as Basic had it."""

    client_id: str
    method: str
    secret: str = ""
    assertion: str = ""
    unencoded: str = field(default="", compare=False)

    @property
    def challenge(self) -> bool:
        return self.method == "client_secret_basic"


def parse_credentials(authorization: str | None, parameters: Parameters) -> Credentials:
    """Exactly one way of authentication: "The client MUST NOT use more than one … in each request." RFC 6749 §2.3."""
    scheme, _, in_header = (authorization or "").partition(" ")
    basic = scheme.lower() == "basic"
    offered = [
        basic,
        "client_secret" in parameters,
        "client_assertion" in parameters or "client_assertion_type" in parameters,
    ]
    if sum(offered) > 1:
        raise InvalidRequest("Authenticate in one way only.")
    client_id = parameters.get("client_id", "")
    if basic:
        user, secret, unencoded = _decode_basic(in_header)
        if client_id and client_id != user:
            raise InvalidClient("client_id is not the one of the Authorization header.", challenge=True)
        return Credentials(user, "client_secret_basic", secret, unencoded=unencoded)
    if offered[2]:
        return _parse_assertion(client_id, parameters)
    if not client_id:
        raise InvalidClient(
            "Nothing says which client this is: send client_id, or HTTP Basic.", challenge=authorization is not None
        )
    if "client_secret" in parameters:
        return Credentials(client_id, "client_secret_post", parameters["client_secret"])
    return Credentials(client_id, "none")


def _decode_basic(in_header: str) -> tuple[str, str, str]:
    """Both halves are form-encoded before they are joined, but many libraries leave that out: the secret is also
    returned as it came. RFC 6749 §2.3.1.
    """
    try:
        text = base64.b64decode(in_header.strip(), validate=True).decode()
        user, colon, unencoded = text.partition(":")
        user, secret = unquote_plus(user, errors="strict"), unquote_plus(unencoded, errors="strict")
    except ValueError as error:
        raise InvalidClient("The Authorization header is not valid.", challenge=True) from error
    if not colon or "\0" in user + secret:
        raise InvalidClient("The Authorization header is not valid.", challenge=True)
    return user, secret, unencoded


def _parse_assertion(client_id: str, parameters: Parameters) -> Credentials:
    assertion = parameters.get("client_assertion", "")
    if parameters.get("client_assertion_type") != ASSERTION_TYPE or not assertion:
        raise InvalidRequest("client_assertion and client_assertion_type (jwt-bearer) go together.")
    try:
        subject = jose.read_claims(assertion).get("sub")
    except jose.InvalidJWT as error:
        raise _not_acceptable(str(error)) from error
    if not isinstance(subject, str) or not subject or (client_id and client_id != subject):
        raise _not_acceptable("sub must be the client_id")
    return Credentials(subject, "private_key_jwt", assertion=assertion)


def check_method(client: Client | None, credentials: Credentials) -> Client:
    """The registered method and no other. A public client that sends any secret is refused, not half believed.

    Whoever holds a secret of the client is told which method that is; nobody else is.
    """
    if client is None or not client.enabled or client.auth_method != credentials.method:
        if credentials.secret:
            compare_digest(digest_secret(credentials.secret), "0" * 64)  # the same work as for a known client
        other = client is not None and client.enabled and {client.auth_method, credentials.method} == TWO_WAYS
        if client is not None and other and _matching(client, credentials):
            told = f"The secret came by {credentials.method}; {client.auth_method} is set."
            raise InvalidClient(told, challenge=credentials.challenge, client_id=client.id)
        raise InvalidClient(
            challenge=credentials.challenge, detail="unknown, disabled, or another method is registered"
        )
    if client.fapi and credentials.method != "private_key_jwt":  # whatever else has been made of its settings
        raise InvalidClient(detail="the profile fapi2 knows private_key_jwt only")
    return client


def check_secret(client: Client, credentials: Credentials, now: int) -> Secret:
    """The stored secret that matches; raises InvalidClient. Every one is compared, so that rotation can overlap."""
    matching = _matching(client, credentials)
    if not matching:
        raise InvalidClient(challenge=credentials.challenge, detail="wrong secret")
    found = [secret for secret in matching if secret.expires_at is None or secret.expires_at > now]
    if not found:
        raise InvalidClient("This secret has expired.", challenge=credentials.challenge, client_id=client.id)
    return found[0]


def _matching(client: Client, credentials: Credentials) -> list[Secret]:
    sent = [digest_secret(secret) for secret in {credentials.secret, credentials.unencoded or credentials.secret}]
    return [secret for secret in client.secrets for digest in sent if compare_digest(digest, secret.digest)]


def check_assertion(
    assertion: str,
    keys: list[jose.VerificationKey],
    *,
    client_id: str,
    audiences: tuple[str, ...],
    now: int,
) -> tuple[str, int]:
    """The `jti` and `exp` of a valid assertion, for the replay check. RFC 7523 §3.

    Whoever holds the key is told what is wrong with the rest; nobody else is.
    """
    try:
        claims = jose.verify(assertion, keys, types=(None, "jwt", "client-authentication+jwt"))
    except jose.InvalidJWT as error:
        raise InvalidClient(detail=str(error)) from error
    try:
        jose.check_times(claims, now, longest=ASSERTION_LIFETIME)
    except jose.InvalidJWT as error:
        raise _not_acceptable(str(error), client_id) from error
    return _check_assertion_claims(claims, client_id, audiences), int(claims["exp"])


def _check_assertion_claims(claims: Mapping[str, Any], client_id: str, audiences: tuple[str, ...]) -> str:
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise _not_acceptable("iss and sub must both be the client_id", client_id)
    # One string, never an array: an assertion for somebody else as well could be replayed here.
    if claims.get("aud") not in audiences or not isinstance(claims.get("aud"), str):
        raise _not_acceptable(f"aud must be {' or '.join(audiences)}, as one string", client_id)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 512:
        raise _not_acceptable("jti is missing", client_id)
    return jti


def _not_acceptable(what: str, client_id: str = "") -> InvalidClient:
    return InvalidClient(f"The client assertion is not acceptable: {what}.", client_id=client_id)


def digest_secret(secret: str) -> str:
    """What is stored of a client secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
