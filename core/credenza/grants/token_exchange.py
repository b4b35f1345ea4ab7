"""Token exchange, narrowly: a client turns its own access token into one for another resource or organization.

Nothing can be had that the authorization does not hold at this moment: it is decided again, like at a refresh. At the
same place the new token carries no more than the old one, by whatever way it came back there, and nowhere does it live
longer; but it outlives that one's revocation, and ends with the authorization. RFC 8693 §2, §2.2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects import TokenRequest
from ..permissions import choices_of
from ..protocol.errors import (
    InvalidDPoPProof,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    UnauthorizedClient,
)
from ..protocol.parameters import Parameters
from ..server import AuthorizationServer
from ..store.access_tokens import AccessToken
from ..store.engine import database
from ..store.grants import Grant
from .inspecting import Inspected, inspect
from .issuing import Authorized, authorized, hold, keep, mint_access_token
from .refresh_token import chosen_now
from .targets import Target, choose_target

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  # a name
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a name


class TokenExchangeGrant:
    name = TOKEN_EXCHANGE

    async def token_response(self, server: AuthorizationServer, request: TokenRequest) -> Mapping[str, Any]:
        """ "If the request itself is not valid or if either the subject_token or actor_token are invalid for any
        reason, or are unacceptable based on policy": "invalid_request". RFC 8693 §2.2.2.
        """
        try:
            return await self._exchange(server, request)
        except InvalidGrant as error:
            raise InvalidRequest(error.text, detail=error.detail) from error

    async def _exchange(self, server: AuthorizationServer, request: TokenRequest) -> dict[str, Any]:
        client, parameters = request.client, with_target(request.parameters)
        if not client.confidential:
            raise UnauthorizedClient("Only a client with credentials may exchange tokens.")
        check_types(parameters)
        presented, grant = await self._presented(server, request)
        token = presented.token
        choices = chosen_now(server, parameters, choices_of(token.context))
        state = await authorized(server, client, grant, choices)
        moved = dict(state.decision.choices) != choices_of(token.context)
        target = no_wider(token, choose_target(server, state.decision, at_home(token, parameters, moved)))
        if not target.permissions:
            raise InvalidScope("Nothing is left that this token could be exchanged for.")
        return await self._issue(server, request, state, target, token)

    async def _presented(self, server: AuthorizationServer, request: TokenRequest) -> tuple[Inspected, Grant]:
        """A live access token of this very client, issued on behalf of a user, with the key that it is bound to."""
        presented = await inspect(server, request.parameters["subject_token"])
        if presented is None or presented.token.client_id != request.client.id or presented.token.grant is None:
            raise InvalidGrant("subject_token is not a valid access token of this client.")
        if presented.token.jkt and presented.token.jkt != request.jkt:
            raise InvalidDPoPProof("The subject token is bound to another key.")
        return presented, presented.token.grant

    async def _issue(
        self, server: AuthorizationServer, request: TokenRequest, state: Authorized, target: Target, token: AccessToken
    ) -> dict[str, Any]:
        details = state.grant.details
        minted = await mint_access_token(
            server,
            request,
            state.subject,
            target,
            state.decision.choices,
            grant_type=self.name,
            grant=state.grant,
            extra={"auth_time": details.auth_time, "acr": details.acr, "amr": list(details.amr)},
            not_after=token.expires_at,
            origins=places_of(token),
        )
        async with database().transaction():
            await hold(server, state.grant)
            response = await keep(server, minted)
        return response | {"issued_token_type": ACCESS_TOKEN}


def check_types(parameters: Parameters) -> None:
    """Access tokens for access tokens, and nobody acts for anybody else. RFC 8693 §2.1."""
    if "subject_token" not in parameters or "subject_token_type" not in parameters:
        raise InvalidRequest("subject_token and subject_token_type are needed.")
    if parameters["subject_token_type"] != ACCESS_TOKEN:
        raise InvalidRequest(f"subject_token_type must be {ACCESS_TOKEN}.")
    if parameters.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise InvalidRequest(f"requested_token_type must be {ACCESS_TOKEN}.")
    if {"actor_token", "actor_token_type"} & parameters.keys():
        raise InvalidRequest("actor_token is not supported.")


def with_target(parameters: Parameters) -> Parameters:
    """`audience` says the same as `resource`: our audiences are the identifiers of resources. RFC 8693 §2.1."""
    if "audience" not in parameters:
        return parameters
    if "resource" in parameters:
        raise InvalidTarget("Name the target by resource or by audience, not by both.")
    return Parameters([*parameters.pairs(), *(("resource", value) for value in parameters.all("audience"))])


def at_home(token: AccessToken, parameters: Parameters, moved: bool) -> Parameters:
    """A request that names no target, and no other organization, stays at the token's own audience."""
    if "resource" in parameters or moved or not token.audience:
        return parameters
    return Parameters([*parameters.pairs(), ("resource", token.audience)])


def places_of(token: AccessToken) -> tuple[tuple[str, str, str], ...]:
    """Audience, binding and scope of the token, and of those that it was exchanged from."""
    before = {(audience, binding): scope for audience, binding, scope in token.origins}
    before[token.audience, token.binding] = token.scope
    return tuple((*place, scope) for place, scope in before.items())


def no_wider(token: AccessToken, target: Target) -> Target:
    """At an audience where the token, or one before it, has been, the new token gets no more than that one had."""
    for audience, binding, scope in places_of(token):
        if (target.audience, target.binding) == (audience, binding):
            issued = scope.split()
            return target._replace(permissions=[p for p in target.permissions if p.scope in issued])
    return target
