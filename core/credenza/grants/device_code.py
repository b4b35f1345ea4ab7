"""The device code grant: a device asks until somebody has approved it elsewhere. RFC 8628 §3.4-3.5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from ..objects import TokenRequest
from ..protocol.clients import DEVICE_CODE
from ..protocol.errors import AccessDenied, AuthorizationPending, ExpiredToken, InvalidGrant, InvalidRequest, SlowDown
from ..protocol.pkce import check_verifier
from ..protocol.tokens import digest, is_token
from ..server import AuthorizationServer
from ..store.device_authorizations import (
    DENIED,
    PENDING,
    DeviceAuthorization,
    poll_device_authorization,
    spend_device_authorization,
)
from ..store.engine import database
from .authorization_code import check_key, first_refresh_token
from .issuing import authorized, keep, mint_tokens


class DeviceCodeGrant:
    name = DEVICE_CODE

    async def token_response(self, server: AuthorizationServer, request: TokenRequest) -> Mapping[str, Any]:
        value = request.parameters.get("device_code")
        if value is None:
            raise InvalidRequest("device_code is missing.")
        waiting = None
        if is_token(value, "device_code"):
            waiting = await poll_device_authorization(digest(value), request.client.id, server.now())
        if waiting is None:
            raise InvalidGrant("There is no such device code.")
        check_answered(waiting, server.now())
        check_verifier(
            request.parameters.get("code_verifier"), dict(parse_qsl(waiting.parameters)).get("code_challenge")
        )
        assert waiting.grant is not None
        check_key(waiting.grant, request)
        return await self._redeem(server, waiting, request)

    async def _redeem(
        self, server: AuthorizationServer, waiting: DeviceAuthorization, request: TokenRequest
    ) -> dict[str, Any]:
        assert waiting.grant is not None
        state = await authorized(server, request.client, waiting.grant)
        minted = await mint_tokens(server, request, state, grant_type=self.name, nonce=None)
        async with database().transaction():
            if not await spend_device_authorization(waiting, server.now()):
                raise InvalidGrant("The device code was used before.")
            response = await keep(server, minted)
            if state.decision.offline and "refresh_token" in request.client.grant_types:
                response["refresh_token"] = await first_refresh_token(server, waiting.grant.id, request)
        return response


def check_answered(waiting: DeviceAuthorization, now: int) -> None:
    """Each state has its own error until there is an approval. RFC 8628 §3.5."""
    if waiting.expires_at <= now:
        raise ExpiredToken("The device code has expired.")
    if waiting.polled_at + waiting.interval > now:
        raise SlowDown("Wait longer between two requests.")
    if waiting.state == PENDING:
        raise AuthorizationPending("Nobody has answered yet.")
    if waiting.state == DENIED:
        raise AccessDenied("The user did not authorize the device.")
