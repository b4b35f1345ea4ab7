"""A grant type of the token endpoint. RFC 6749 §4.5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..protocol.clients import Client
from ..protocol.parameters import Parameters

if TYPE_CHECKING:
    from ..server import AuthorizationServer


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request whose client is authenticated. `jkt` is the thumbprint of the key that its DPoP proof was made
    with (RFC 9449), empty without a proof; `address` is where it comes from.
    """

    client: Client
    parameters: Parameters
    address: str = ""
    jkt: str = ""


@runtime_checkable
class GrantType(Protocol):
    """A `grant_type` of the token endpoint, asked when the client may use it."""

    name: str

    async def token_response(self, server: AuthorizationServer, request: TokenRequest) -> Mapping[str, Any]:
        """The members of a successful response; raises a ProtocolError otherwise. RFC 6749 §5.1."""
