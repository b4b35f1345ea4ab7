"""Refused requests in the audit log: enough for whoever looks for a mistake, and no way for strangers to fill it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from ..events import AuthorizationRefused, SignOutRefused, TokenRefused
from ..logs import visible
from ..protocol.errors import AuthorizationPending, ProtocolError, SlowDown
from .limits import Limiter, neighbourhood
from .requests import AnyRequest, address_of, server_of
from .rules import Rule

logger = logging.getLogger("credenza")

BY_ADDRESS = Rule("refused requests in the audit log by address", burst=600, seconds=3600)


async def write_down(request: AnyRequest, event: AuthorizationRefused | SignOutRefused | TokenRefused) -> None:
    """Write down what anybody can cause; when one address causes too much, only the program's own log has it.

    Nobody is taken for another client by what a reader does not see.
    """
    texts: dict[str, Any] = {name: visible(value) for name, value in vars(event).items() if isinstance(value, str)}
    event = replace(event, **texts)
    limiter: Limiter = request.app.state.limiter
    if await limiter.allow((BY_ADDRESS, neighbourhood(event.address))):
        await server_of(request).emit(event)
    else:
        logger.info("not in the audit log: %s of %s refused, %s", event.error, event.client, event.error_id)


async def record_refused_authorization(request: AnyRequest, error: ProtocolError, client_id: str) -> None:
    """Of a request that a client sent us itself; `client_id` is empty when we do not know who it is."""
    if client_id:
        event = AuthorizationRefused(
            client=client_id,
            address=address_of(request),
            error=error.code,
            description=error.told,
        )
        await write_down(request, event)


async def record_refusal(request: AnyRequest, error: ProtocolError, client_id: str, grant_type: str = "") -> None:
    """Refusals of a client we know are kept for its Activity tab; `client_id` is empty when we do not.

    A device that waits for its user was not refused: it shall ask again and again. RFC 8628 §3.5.
    """
    if client_id and not isinstance(error, AuthorizationPending | SlowDown):
        event = TokenRefused(
            client=client_id,
            address=address_of(request),
            grant_type=grant_type[:100],
            error=error.code,
            reason=(error.detail or error.description)[:2000],
        )
        await write_down(request, event)
