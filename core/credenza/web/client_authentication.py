"""Authenticate the client of a request: one function for the token endpoint and all of its siblings.

RFC 6749 §2.3, §3.2.1.
"""

from __future__ import annotations

import hashlib

from ..outbound import Refused
from ..protocol import jose
from ..protocol.client_authentication import (
    Credentials,
    check_assertion,
    check_method,
    check_secret,
    parse_credentials,
)
from ..protocol.clients import Client
from ..protocol.errors import InvalidClient, TooManyTries
from ..protocol.fapi import allowed_keys
from ..protocol.parameters import Parameters
from ..protocol.tokens import digest, is_token
from ..server import AuthorizationServer
from ..store.authorization_codes import AuthorizationCode, peek_code
from ..store.clients import touch_client
from ..store.refresh_tokens import RefreshToken, find_refresh_token
from ..store.spent_assertions import spend_assertion
from .limits import Limiter, neighbourhood
from .refusals import record_refusal
from .requests import AnyRequest, address_of, server_of
from .rules import Rule

FAILURES_PER_CLIENT = Rule("failed client authentication by client and address", burst=30, seconds=60)
FAILURES_PER_ADDRESS = Rule("failed client authentication by address", burst=120, seconds=60)
TOO_MANY = "Too many failed tries."


async def authenticate_client(request: AnyRequest, parameters: Parameters) -> Client:
    """The client, authenticated as it is registered; a public client is only identified. Raises InvalidClient."""
    server = server_of(request)
    limiter: Limiter = request.app.state.limiter
    credentials = parse_credentials(request.headers.get("authorization"), parameters)
    address = neighbourhood(address_of(request))
    failures = (FAILURES_PER_CLIENT, f"{credentials.client_id[:255]} {address}"), (FAILURES_PER_ADDRESS, address)
    if limiter.blocked_here(*failures):
        raise TooManyTries(TOO_MANY)
    wrong: InvalidClient | None = None
    try:
        client = check_method(await server.find_client(credentials.client_id, fresh=True), credentials)
        secret_id = await _check(server, client, credentials)
    except InvalidClient as error:
        wrong = error
    if not await limiter.may_know(wrong is None, *failures):
        raise TooManyTries(TOO_MANY)
    if wrong is not None:
        known = wrong.client_id or await _holder(credentials.client_id, parameters)
        await record_refusal(request, wrong, known, parameters.get("grant_type", ""))
        raise wrong
    await server.touch(f"client {client.id} {secret_id}", lambda: touch_client(client.id, secret_id, server.now()))
    return client


async def _holder(client_id: str, parameters: Parameters) -> str:
    """The client, when it comes with a code or a refresh token of its own: strangers have none.

    Looked for whoever the client is said to be, so that the time tells nothing.
    """
    code, refresh_token = parameters.get("code", ""), parameters.get("refresh_token", "")
    found: AuthorizationCode | RefreshToken | None = None
    if is_token(code, "code"):
        found = await peek_code(digest(code))
    elif is_token(refresh_token, "refresh_token"):
        found = await find_refresh_token(digest(refresh_token), user=False)
    return client_id if found is not None and found.grant.client_id == client_id else ""


async def check_allowance(request: AnyRequest, client: Client, rule: Rule) -> None:
    """What a client can have stored is limited for each address, unless it proves to be one that somebody vouches for:
    anybody may have registered the others, with a secret or without.
    """
    limiter: Limiter = request.app.state.limiter
    known = client.confidential and not client.unverified
    if not known and not await limiter.allow((rule, neighbourhood(address_of(request)))):
        raise TooManyTries("Too many requests from one place. Try again later.")


async def _check(server: AuthorizationServer, client: Client, credentials: Credentials) -> str | None:
    if credentials.method == "none":
        return None
    if credentials.method == "private_key_jwt":
        await _check_assertion(server, client, credentials)
        return None
    return check_secret(client, credentials, server.now()).id


async def _check_assertion(server: AuthorizationServer, client: Client, credentials: Credentials) -> None:
    """The assertion is right, and was never used before, at any endpoint. RFC 7523 §3."""
    keys = await client_keys(server, client, credentials.assertion, "token_endpoint_auth_signing_alg")
    audiences = (server.issuer,) if client.fapi else (server.issuer, f"{server.issuer}/token")
    jti, expires_at = check_assertion(
        credentials.assertion, keys, client_id=client.id, audiences=audiences, now=server.now()
    )
    used = hashlib.sha256(f"{client.id}\0{jti}".encode()).hexdigest()
    if not await spend_assertion(used, expires_at):
        raise InvalidClient("The client assertion was used before; make one for each request.", client_id=client.id)


async def client_keys(
    server: AuthorizationServer, client: Client, signed: str, member: str
) -> list[jose.VerificationKey]:
    """The keys that a client may have signed this with. Raises InvalidClient when they cannot be had.

    `member` is where the client may have registered the one algorithm it uses. OpenID Connect Registration §2.
    """
    alg = jose.algorithm(client.metadata.get(member) or "")
    try:
        if client.jwks_uri:
            kid = jose.read_header(signed).get("kid")
            keys = await server.remote_keys.get(client.jwks_uri, kid)
        else:
            keys = jose.parse_jwks(client.jwks)
        if client.fapi:
            keys = allowed_keys(keys)
        return [key for key in keys if not alg or key.alg == alg]
    except (Refused, ValueError, jose.InvalidJWT) as error:
        raise InvalidClient(detail=f"the client's keys: {error}") from error
