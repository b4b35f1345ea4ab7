"""One class per registered error code. `description` goes out to the client, `detail` goes to the log."""

from __future__ import annotations

from typing import ClassVar


class ProtocolError(Exception):
    """An error that the specifications have a code for. `text` is its description for a page."""

    code: ClassVar[str]
    status: ClassVar[int] = 400

    def __init__(self, description: str = "", *, detail: str = "") -> None:
        super().__init__(description or self.code)
        self.text = description
        self.description = printable(description)
        self.detail = detail

    @property
    def told(self) -> str:
        """For the audit log: what the client is told, and more. Some of it may be of a stranger's choice."""
        return _joined_sentences(self.description, self.detail)

    def parameters(self) -> dict[str, str]:
        """The members of an error response. RFC 6749 §4.1.2.1, §5.2."""
        return {"error": self.code} | ({"error_description": self.description} if self.description else {})


def printable(text: str) -> str:
    """Keep only the characters an `error_description` may have. RFC 6749 §4.1.2.1."""
    return "".join(c for c in text if 0x20 <= ord(c) <= 0x7E and c not in '"\\')


def _joined_sentences(*parts: str) -> str:
    """In one line, at most 2000 characters: a sentence ends by itself, and anything else with a semicolon."""
    return "".join(part + (" " if part.endswith(".") else "; ") for part in parts if part).rstrip("; ")[:2000]


class InvalidRequest(ProtocolError):
    code = "invalid_request"


class InvalidClient(ProtocolError):
    """`challenge` is true when the client tried HTTP Basic, which the answer must then name. RFC 6749 §5.2.

    `client_id` is who it is, where that was proven and something else is wrong.
    """

    code = "invalid_client"
    status = 401

    def __init__(
        self, description: str = "", *, detail: str = "", challenge: bool = False, client_id: str = ""
    ) -> None:
        super().__init__(description or "Client authentication failed.", detail=detail)
        self.challenge = challenge
        self.client_id = client_id


class InvalidGrant(ProtocolError):
    code = "invalid_grant"


class InvalidScope(ProtocolError):
    code = "invalid_scope"


class InvalidTarget(ProtocolError):
    """RFC 8707 §2."""

    code = "invalid_target"


class UnauthorizedClient(ProtocolError):
    code = "unauthorized_client"


class UnsupportedGrantType(ProtocolError):
    code = "unsupported_grant_type"


class UnsupportedResponseType(ProtocolError):
    code = "unsupported_response_type"


class AccessDenied(ProtocolError):
    code = "access_denied"


class ServerError(ProtocolError):
    code = "server_error"
    status = 500


class TemporarilyUnavailable(ProtocolError):
    code = "temporarily_unavailable"
    status = 503


class TooManyTries(TemporarilyUnavailable):
    """Too many tries from one place; the code is the nearest registered one."""

    status = 429


class AuthorizationPending(ProtocolError):
    """RFC 8628 §3.5, as are the next two."""

    code = "authorization_pending"


class SlowDown(ProtocolError):
    code = "slow_down"


class ExpiredToken(ProtocolError):
    code = "expired_token"


class LoginRequired(ProtocolError):
    """OpenID Connect Core §3.1.2.6, as are the next six."""

    code = "login_required"


class ConsentRequired(ProtocolError):
    code = "consent_required"


class InteractionRequired(ProtocolError):
    code = "interaction_required"


class AccountSelectionRequired(ProtocolError):
    code = "account_selection_required"


class RequestNotSupported(ProtocolError):
    code = "request_not_supported"


class RequestUriNotSupported(ProtocolError):
    code = "request_uri_not_supported"


class RegistrationNotSupported(ProtocolError):
    code = "registration_not_supported"


class UnmetAuthenticationRequirements(ProtocolError):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0."""

    code = "unmet_authentication_requirements"


class InvalidDPoPProof(ProtocolError):
    """RFC 9449 §5, §7.1."""

    code = "invalid_dpop_proof"


class InvalidRequestObject(ProtocolError):
    """RFC 9101 §7."""

    code = "invalid_request_object"


class InvalidRequestUri(ProtocolError):
    """RFC 9101 §7; of one that was pushed RFC 9126 §2.2."""

    code = "invalid_request_uri"


class InvalidRedirectUri(ProtocolError):
    """RFC 7591 §3.2.2, as is the next one."""

    code = "invalid_redirect_uri"


class InvalidClientMetadata(ProtocolError):
    code = "invalid_client_metadata"


class InvalidToken(ProtocolError):
    """`sent` is false when there was no token at all: the challenge then names no error. RFC 6750 §3.1."""

    code = "invalid_token"
    status = 401

    def __init__(self, description: str = "", *, detail: str = "", sent: bool = True) -> None:
        super().__init__(description, detail=detail)
        self.sent = sent


class InvalidDPoPToken(InvalidToken):
    """A bound token without its key; the code says which of the two is wrong. RFC 9449 §7.1."""

    def __init__(self, description: str = "", *, detail: str = "", code: str = "invalid_token") -> None:
        super().__init__(description, detail=detail)
        self.own_code = code

    def parameters(self) -> dict[str, str]:
        return {**super().parameters(), "error": self.own_code}


class InsufficientScope(ProtocolError):
    """RFC 6750 §3.1."""

    code = "insufficient_scope"
    status = 403


class UnsafeRequest(Exception):
    """The client or its redirect URI could not be trusted: the answer is a page, never a redirect. RFC 6749 §4.1.2.1.

    `facts` are what the page shows a developer: pairs of a label and a value, escaped by the template. `detail` is for
    the audit log only.
    """

    def __init__(
        self,
        code: str,
        description: str,
        *,
        facts: list[tuple[str, str]] | None = None,
        client_id: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.facts = facts or []
        self.client_id = client_id
        self.detail = detail

    @property
    def told(self) -> str:
        """For the audit log, as of a ProtocolError."""
        return _joined_sentences(self.description, self.detail, *(f"{label}: {value}" for label, value in self.facts))
