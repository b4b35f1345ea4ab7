"""The client credentials grant: a client on its own behalf. RFC 6749 §4.4, §4.4.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..asked import beyond, only_api, our_name
from ..catalogue import held_by_client
from ..objects import Subject, TokenRequest
from ..permissions import Decision, check_known, requested, verdicts
from ..protocol.clients import Client
from ..protocol.errors import InvalidScope, InvalidTarget, UnauthorizedClient
from ..protocol.parameters import Parameters
from ..protocol.resources import parse_resources
from ..protocol.scopes import Asked, parse_scope
from ..server import AuthorizationServer
from ..store.engine import database
from .issuing import keep, mint_access_token
from .targets import choose_target


class ClientCredentialsGrant:
    name = "client_credentials"

    async def token_response(self, server: AuthorizationServer, request: TokenRequest) -> Mapping[str, Any]:
        client, parameters = request.client, request.parameters
        if not client.confidential:
            raise UnauthorizedClient("Only a client with credentials can act for itself.")
        subject = Subject(client=client)
        decision = await self._decision(server, subject, client, parameters)
        if refused := [v.permission.scope for v in decision.verdicts if not v.granted]:
            raise InvalidScope(f"Not enabled for this application: {', '.join(sorted(set(refused)))}.")
        target = choose_target(server, decision, parameters)
        minted = await mint_access_token(server, request, subject, target, {}, grant_type=self.name, grant=None)
        async with database().transaction():
            return await keep(server, minted)

    async def _decision(
        self, server: AuthorizationServer, subject: Subject, client: Client, parameters: Parameters
    ) -> Decision:
        """On what the request names; without a scope, everything that the client holds at the resource it names."""
        scopes = parse_scope(parameters.get("scope", ""))
        if people := {"openid", "offline_access"}.intersection(scopes):
            raise InvalidScope(f"No user takes part, so there is no {' and no '.join(sorted(people))}.")
        enabled = {p.resource for p in client.ceiling or {}}
        named = parse_resources(parameters)
        resources = tuple([resource if resource in enabled else await our_name(server, resource) for resource in named])
        if not scopes:
            held = await held_by_client(server, subject, resources)
            if nothing := set(resources) - {p.resource for p in held}:
                raise InvalidTarget(f"Nothing is enabled for this application at {', '.join(sorted(nothing))}.")
            asked = Asked(tuple(sorted({p.scope for p in held})), resources)
            there = {p: scope for p, scope in (await requested(server, asked)).items() if p in held}
            return await verdicts(server, client, subject, asked, {}, None, scopes=there, held=held)
        asked = Asked(scopes, resources)
        known = await requested(server, asked)
        if not resources and (only := only_api(client, beyond(known, scopes))):
            asked = Asked(scopes, (only,))
            known = await requested(server, asked)
        await check_known(server, asked, known)
        if unknown := beyond(known, scopes):
            hint = "" if resources else " The scopes of an API are only known together with its resource."
            raise InvalidScope(f"Unknown, or of another resource: {', '.join(unknown)}.{hint}")
        return await verdicts(server, client, subject, asked, {}, None, scopes=known)
