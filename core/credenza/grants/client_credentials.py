"""The client credentials grant: a client on its own behalf. RFC 6749 §4.4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects import Subject, TokenRequest
from ..permissions import requested, verdicts
from ..protocol.authorization_request import parse_resources
from ..protocol.clients import Client
from ..protocol.errors import InvalidScope, InvalidTarget, UnauthorizedClient
from ..protocol.parameters import Parameters
from ..protocol.resources import as_known
from ..protocol.scopes import Asked, Permission, parse_scope
from ..server import AuthorizationServer
from ..store.engine import database
from .issuing import choose_target, keep, mint_access_token


class ClientCredentialsGrant:
    name = "client_credentials"

    async def token_response(self, server: AuthorizationServer, request: TokenRequest) -> Mapping[str, Any]:
        client, parameters = request.client, request.parameters
        if not client.confidential:
            raise UnauthorizedClient("Only a client with credentials can act for itself.")
        asked = await self._asked(server, client, parameters)
        decision = await verdicts(server, client, Subject(client=client), asked, {}, None)
        if refused := [v.permission.scope for v in decision.verdicts if not v.granted]:
            raise InvalidScope(f"Not enabled for this application: {', '.join(sorted(set(refused)))}.")
        target = choose_target(server, decision, parameters)
        minted = await mint_access_token(
            server, request, Subject(client=client), target, {}, grant_type=self.name, grant=None
        )
        async with database().transaction():
            return await keep(server, minted)

    async def _asked(self, server: AuthorizationServer, client: Client, parameters: Parameters) -> Asked:
        """What the request names; without a scope, everything that is enabled at the resource it names."""
        scopes = parse_scope(parameters.get("scope", ""))
        if people := {"openid", "offline_access"}.intersection(scopes):
            raise InvalidScope(f"No user takes part, so there is no {' and no '.join(sorted(people))}.")
        enabled: set[Permission] = set(client.ceiling or {})
        known = {p.resource for p in enabled}
        resources = tuple(as_known(resource, known) for resource in parse_resources(parameters))
        if unknown := set(resources) - known:
            raise InvalidTarget(f"Nothing is enabled for this application at {', '.join(sorted(unknown))}.")
        if not scopes:
            return Asked(tuple(sorted({p.scope for p in enabled if p.resource in resources})), resources)
        there = {p.scope for p in await requested(server, Asked(scopes, resources))}
        if missing := [scope for scope in scopes if scope not in there]:
            hint = "" if resources else " The scopes of an API are only known together with its resource."
            raise InvalidScope(f"Unknown, or of another resource: {', '.join(missing)}.{hint}")
        return Asked(scopes, resources)
