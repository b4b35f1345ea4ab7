"""The authorization response: parameters on their way back to the client. RFC 6749 §4.1.2, RFC 9207."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from .errors import ProtocolError
from .parameters import Parameters


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """Parameters for a redirect URI that was checked; `response_mode` is query or form_post."""

    redirect_uri: str
    response_mode: str
    parameters: dict[str, str]

    @property
    def location(self) -> str:
        """The redirect URI with the parameters added; a registered query component is kept. RFC 6749 §3.1.2."""
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{urlencode(self.parameters)}"


def success(
    redirect_uri: str, response_mode: str, *, code: str, state: str | None, issuer: str
) -> AuthorizationResponse:
    return AuthorizationResponse(redirect_uri, response_mode, {"code": code} | _always(state, issuer))


def failure(redirect_uri: str, parameters: Parameters, error: ProtocolError, *, issuer: str) -> AuthorizationResponse:
    """An error response to a request that may not even have parsed. RFC 6749 §4.1.2.1."""
    mode = "form_post" if parameters.get("response_mode") == "form_post" else "query"
    state = None if "state" in parameters.repeated else parameters.get("state")
    return AuthorizationResponse(redirect_uri, mode, error.parameters() | _always(state, issuer))


def _always(state: str | None, issuer: str) -> dict[str, str]:
    """`state` byte for byte, and `iss`, in every response. RFC 9207 §2."""
    return ({"state": state} if state is not None else {}) | {"iss": issuer}
