"""The authorization code grant. RFC 6749 §4.1, §4.1.3, RFC 7636 §4.5-4.6, OpenID Connect Core §3.1.3.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..events import ReuseDetected
from ..objects import TokenRequest
from ..protocol.errors import InvalidDPoPProof, InvalidGrant, InvalidRequest
from ..protocol.pkce import check_verifier
from ..protocol.tokens import digest, is_token, new_token
from ..server import AuthorizationServer
from ..store.authorization_codes import AuthorizationCode, peek_code, spend_code
from ..store.engine import database
from ..store.grants import Grant
from ..store.refresh_tokens import insert_refresh_token
from ..store.revocation import revoke_grant
from .issuing import authorized, keep, mint_tokens


class AuthorizationCodeGrant:
    name = "authorization_code"

    async def token_response(self, server: AuthorizationServer, request: TokenRequest) -> Mapping[str, Any]:
        if "code" not in request.parameters:
            raise InvalidRequest("code is missing.")
        code = await self._find(request.parameters["code"])
        check_belongs(code, request)
        try:
            return await self._redeem(server, code, request)
        except CodeSpent:
            await self._replayed(server, code, request)
            raise InvalidGrant("The code was used before.") from None

    async def _find(self, value: str) -> AuthorizationCode:
        code = await peek_code(digest(value)) if is_token(value, "code") else None
        if code is None:
            raise InvalidGrant("There is no such code.")
        return code

    async def _redeem(
        self, server: AuthorizationServer, code: AuthorizationCode, request: TokenRequest
    ) -> dict[str, Any]:
        client, now = request.client, server.now()
        if code.spent_at is not None:
            raise CodeSpent
        if code.expires_at <= now:
            raise InvalidGrant("The code has expired.")
        # Everything that waits for plugins comes before the transaction, which keeps others waiting.
        state = await authorized(server, client, code.grant)
        nonce = code.grant.details.nonce
        minted = await mint_tokens(server, request, state, grant_type=self.name, nonce=nonce)
        async with database().transaction():
            if not await spend_code(code.digest, now):
                raise CodeSpent
            response = await keep(server, minted)
            if state.decision.offline and "refresh_token" in client.grant_types:
                response["refresh_token"] = await first_refresh_token(server, code.grant.id, request)
        return response

    async def _replayed(self, server: AuthorizationServer, code: AuthorizationCode, request: TokenRequest) -> None:
        """ "the authorization server … SHOULD revoke (when possible) all tokens previously issued". RFC 6749 §4.1.2.

        Only once the client and the verifier were right: somebody who has merely seen the code cannot end the tokens.
        """
        async with database().transaction():
            if await revoke_grant(code.grant.id, server.now()):
                await server.emit(
                    ReuseDetected(
                        user=code.grant.user_id,
                        client=request.client.id,
                        address=request.address,
                        grant=code.grant.id,
                        what="code",
                    )
                )


class CodeSpent(Exception):
    """Somebody took the code before us."""


def check_belongs(code: AuthorizationCode, request: TokenRequest) -> None:
    """The code is for this client, redirect URI and key, and the verifier fits. RFC 6749 §4.1.3, RFC 9449 §10."""
    parameters = request.parameters
    if code.grant.client_id != request.client.id:
        raise InvalidGrant("There is no such code.")
    # May be left out; if it is sent, "their values MUST be identical".
    if "redirect_uri" in parameters and parameters["redirect_uri"] != code.redirect_uri:
        raise InvalidGrant("redirect_uri is not the one of the authorization request.")
    if request.client.pkce_required and not code.code_challenge:
        raise InvalidGrant("The code was issued without PKCE, which is required by now.")
    check_verifier(parameters.get("code_verifier"), code.code_challenge)
    check_key(code.grant, request)


def check_key(grant: Grant, request: TokenRequest) -> None:
    """A key named in the authorization request is the one that is proved now. RFC 9449 §10."""
    if grant.details.dpop_jkt and grant.details.dpop_jkt != request.jkt:
        raise InvalidDPoPProof("The code is bound to a key; send a DPoP proof of that key.")


async def first_refresh_token(server: AuthorizationServer, grant_id: str, request: TokenRequest) -> str:
    """A public client's is bound to its key; a confidential client has to authenticate anyway. RFC 9449 §5."""
    token, now = new_token("refresh_token"), server.now()
    await insert_refresh_token(
        digest(token),
        grant_id,
        now=now,
        idle_expires_at=now + server.settings.refresh_token_idle_lifetime,
        expires_at=now + server.settings.refresh_token_lifetime,
        jkt="" if request.client.confidential else request.jkt,
    )
    return token
