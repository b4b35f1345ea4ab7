"""The authorization response: parameters on their way back to the client. RFC 6749 §4.1.2, RFC 9207, JARM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from .authorization_request import RESPONSE_MODES
from .errors import ProtocolError
from .parameters import Parameters

JWT_LIFETIME = 300  # seconds; JARM §2.1 recommends ten minutes at most


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """Parameters for a redirect URI that was checked; `response_mode` is one of RESPONSE_MODES."""

    redirect_uri: str
    response_mode: str
    parameters: dict[str, str]

    @property
    def by_form(self) -> bool:
        """OAuth 2.0 Form Post Response Mode §2."""
        return self.response_mode.startswith("form_post")

    @property
    def to_sign(self) -> bool:
        """Whether the parameters are to be the claims of a JWT, which then is the only one."""
        return self.response_mode.endswith("jwt")

    def signed(self, sign: Callable[[Mapping[str, Any]], str], *, client_id: str, now: int) -> AuthorizationResponse:
        """The same as a JWT for the client, which soon expires. JARM §2.1, §2.3."""
        claims = {**self.parameters, "aud": client_id, "exp": now + JWT_LIFETIME, "iat": now}
        return replace(self, parameters={"response": sign(claims)})

    @property
    def location(self) -> str:
        """The redirect URI with the parameters added; a registered query component is kept. RFC 6749 §3.1.2.

        In the fragment they never leave the browser. OAuth 2.0 Multiple Response Type Encoding Practices §2.1.
        """
        sign = "#" if self.response_mode.startswith("fragment") else "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{sign}{urlencode(self.parameters)}"


def success(
    redirect_uri: str, response_mode: str, *, code: str, state: str | None, issuer: str
) -> AuthorizationResponse:
    return AuthorizationResponse(redirect_uri, response_mode, {"code": code} | _always(state, issuer))


def failure(redirect_uri: str, parameters: Parameters, error: ProtocolError, *, issuer: str) -> AuthorizationResponse:
    """An error response to a request that may not even have parsed. RFC 6749 §4.1.2.1."""
    asked = None if "response_mode" in parameters.repeated else parameters.get("response_mode")
    mode = asked if asked in RESPONSE_MODES else "query"
    state = None if "state" in parameters.repeated else parameters.get("state")
    return AuthorizationResponse(redirect_uri, mode, error.parameters() | _always(state, issuer))


def _always(state: str | None, issuer: str) -> dict[str, str]:
    """`state` byte for byte, and `iss`, in every response. RFC 9207 §2."""
    return ({"state": state} if state is not None else {}) | {"iss": issuer}
