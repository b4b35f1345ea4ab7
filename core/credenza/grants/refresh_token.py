"""The refresh token grant: rotation for public clients, reuse detection, one family for each grant.

RFC 6749 §6, RFC 9700 §4.14, OpenID Connect Core §12.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..events import ReuseDetected
from ..objects import Choices, TokenRequest
from ..protocol.clients import Client
from ..protocol.errors import InvalidDPoPProof, InvalidGrant, InvalidRequest, InvalidScope
from ..protocol.parameters import Parameters
from ..protocol.scopes import parse_scope
from ..protocol.tokens import digest, is_token, new_token
from ..server import AuthorizationServer
from ..store.engine import database
from ..store.grants import Grant
from ..store.refresh_tokens import (
    RefreshToken,
    find_refresh_token,
    insert_refresh_token,
    replace_successor,
    spend_refresh_token,
    touch_refresh_token,
)
from ..store.revocation import revoke_grant
from .issuing import authorized, hold, keep, mint_tokens


class Reused(Exception):
    """A refresh token whose successor is in use, or that was replaced itself: one of two holders stole it."""


class RefreshTokenGrant:
    name = "refresh_token"

    async def token_response(self, server: AuthorizationServer, request: TokenRequest) -> Mapping[str, Any]:
        parameters = request.parameters
        if "refresh_token" not in parameters:
            raise InvalidRequest("refresh_token is missing.")
        value = parameters["refresh_token"]
        token = await find_refresh_token(digest(value)) if is_token(value, "refresh_token") else None
        # Another client's token is refused like an unknown one, and lives on.
        if token is None or token.grant.client_id != request.client.id:
            raise InvalidGrant("There is no such refresh token.")
        check_scope(token.grant, parameters)
        if token.jkt and token.jkt != request.jkt:
            raise InvalidDPoPProof("The refresh token is bound to a key; send a DPoP proof of that key.")
        try:
            return await self._refresh(server, token, request)
        except Reused:
            await self._end_family(server, token, request.address)
            raise InvalidGrant("The refresh token was used before.") from None

    async def _refresh(self, server: AuthorizationServer, token: RefreshToken, request: TokenRequest) -> dict[str, Any]:
        now = server.now()
        if await server.has_ended(token.grant):  # then it is no theft that one comes back
            raise InvalidGrant("The authorization has ended.")
        check_usable(token, now, server.settings.refresh_token_reuse_window)
        state = await authorized(
            server,
            request.client,
            token.grant,
            chosen_now(server, request.parameters, token.grant.details.choices),
        )
        if not state.decision.offline:
            raise InvalidGrant("Access while the user is away is no longer allowed.")
        minted = await mint_tokens(server, request, state, grant_type=self.name, nonce=None)
        async with database().transaction():
            await hold(server, token.grant)  # nobody else can change the family now
            value = await self._use(server, request.client, token, request.parameters["refresh_token"], now)
            if value is None:  # somebody was faster
                current = await find_refresh_token(token.digest, user=False)
                if current is None:
                    raise InvalidGrant("There is no such refresh token.")
                check_usable(current, now, server.settings.refresh_token_reuse_window)
                value = await self._replace(server, current, now)
            response = await keep(server, minted)
        response["refresh_token"] = value
        return response

    async def _use(
        self, server: AuthorizationServer, client: Client, token: RefreshToken, value: str, now: int
    ) -> str | None:
        """The token that the client holds from now on; None when this one is spent.

        Public clients get a new one each time; a confidential client's is bound to it anyway. RFC 9700 §4.14.2.
        """
        if client.confidential:
            idle_expires_at = now + server.settings.refresh_token_idle_lifetime
            return value if await touch_refresh_token(token.digest, now, idle_expires_at) else None
        successor = new_token("refresh_token")
        if not await spend_refresh_token(token.digest, digest(successor), now):
            return None
        await self._insert(server, token, successor, now)
        return successor

    async def _replace(self, server: AuthorizationServer, token: RefreshToken, now: int) -> str:
        """A repeat soon after, because the answer was lost: a fresh pair, as long as the other was never used."""
        successor = new_token("refresh_token")
        assert token.successor is not None
        if not await replace_successor(token.digest, token.successor, digest(successor), now):
            raise Reused
        await self._insert(server, token, successor, now)
        return successor

    async def _insert(self, server: AuthorizationServer, token: RefreshToken, successor: str, now: int) -> None:
        """The family's absolute lifetime is not extended."""
        await insert_refresh_token(
            digest(successor),
            token.grant.id,
            now=now,
            idle_expires_at=now + server.settings.refresh_token_idle_lifetime,
            expires_at=token.expires_at,
            jkt=token.jkt,
        )

    async def _end_family(self, server: AuthorizationServer, token: RefreshToken, address: str) -> None:
        async with database().transaction():
            if await revoke_grant(token.grant.id, server.now()):
                await server.emit(
                    ReuseDetected(
                        user=token.grant.user_id,
                        client=token.grant.client_id,
                        address=address,
                        grant=token.grant.id,
                        what="refresh_token",
                    )
                )


def check_usable(token: RefreshToken, now: int, window: int) -> None:
    """Not expired, and not spent; or spent less than `window` seconds ago, when a repeat may be an accident.

    One that such a repeat has replaced is never good again, but that it comes back so soon is no proof of theft either:
    the answers to two requests at once may have crossed.
    """
    if token.grant.revoked_at is not None:
        raise InvalidGrant("The authorization has ended.")
    if token.spent_at is None:
        if token.expires_at <= now or token.idle_expires_at <= now:
            raise InvalidGrant("The refresh token has expired.")
        return
    if now >= token.spent_at + window:
        raise Reused
    if token.successor is None:
        raise InvalidGrant("Another refresh token has taken the place of this one.")


def check_scope(grant: Grant, parameters: Parameters) -> None:
    """Less than was granted, never more. RFC 6749 §6."""
    beyond = [scope for scope in parse_scope(parameters.get("scope", "")) if scope not in grant.details.scopes]
    if beyond:
        raise InvalidScope(f"Not part of the authorization: {', '.join(beyond)}.")


def chosen_now(server: AuthorizationServer, parameters: Parameters, before: Choices) -> Choices:
    """The choices of this request, which may name another answer (an organization); that needs a consent of its own."""
    choices = dict(before)
    for provider in server.scope_providers.values():
        parameter, question = provider.question_parameter or ("", "")
        if parameter in parameters:
            choices[question] = parameters[parameter]
    return choices
