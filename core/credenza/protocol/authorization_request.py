"""The authorization request. It is only ever made by parsing one. RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .claims import ClaimsRequest
from .clients import Client
from .dpop import JKT
from .errors import (
    InvalidRequest,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsafeRequest,
    UnsupportedResponseType,
)
from .parameters import Parameters
from .pkce import check_challenge
from .resources import parse_resources
from .scopes import Asked, parse_scope
from .words import Words

MAX_STATE = 4096
MAX_NONCE = 512
MAX_AGE_LIMIT = 10 * 365 * 24 * 3600
PROMPTS = ("none", "login", "consent", "select_account")
RESPONSE_MODES = ("query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt")  # JARM §2.3
PUSHED = "urn:ietf:params:oauth:request_uri:"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid authorization request of a known client with a registered redirect URI.

    `prompts` are the values of `prompt`, `max_age` is in seconds; `code_challenge` is always one of S256.
    """

    parameters: Parameters
    redirect_uri: str
    response_mode: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    state: str | None
    nonce: str | None
    code_challenge: str | None
    prompts: frozenset[str]
    max_age: int | None
    claims: ClaimsRequest
    login_hint: str
    id_token_hint: str | None
    acr_values: tuple[str, ...]
    dpop_jkt: str

    @classmethod
    def parse(
        cls, parameters: Parameters, client: Client, redirect_uri: str, *, device: bool = False
    ) -> AuthorizationRequest:
        """Check everything that can be told without asking anybody; every error is one for the redirect URI.

        The request of a `device` (RFC 8628) is one without a way back, and so without a response type.
        """
        parameters.check_no_repeats()
        # An ignored request object would mean ignored wishes. OpenID Connect Core §6
        if "request" in parameters:
            raise RequestNotSupported("Request objects are not supported.")
        if "request_uri" in parameters:
            raise RequestUriNotSupported("request_uri is not supported.")
        if "registration" in parameters:
            raise RegistrationNotSupported("The registration parameter is not supported.")
        if not device:
            _check_response_type(parameters.get("response_type"))
            if "authorization_code" not in client.grant_types:
                raise UnauthorizedClient("This client may not use the authorization code grant.")
        if parameters.get("response_mode", "query") not in RESPONSE_MODES:
            raise InvalidRequest(f"response_mode must be one of {', '.join(RESPONSE_MODES)}.")
        check_challenge(
            parameters.get("code_challenge"),
            parameters.get("code_challenge_method"),
            required=client.pkce_required and not device,
        )
        return cls(
            parameters=parameters,
            redirect_uri=redirect_uri,
            response_mode=parameters.get("response_mode", "query"),
            scopes=parse_scope(parameters.get("scope", "")) or default_scopes(client, parse_resources(parameters)),
            resources=parse_resources(parameters),
            state=_limited(parameters, "state", MAX_STATE),
            nonce=_limited(parameters, "nonce", MAX_NONCE),
            code_challenge=parameters.get("code_challenge"),
            prompts=_prompts(parameters.get("prompt", "")),
            max_age=_max_age(parameters.get("max_age"), client.metadata.get("default_max_age")),
            claims=ClaimsRequest.parse(parameters.get("claims")),
            login_hint=parameters.get("login_hint", "")[:320],
            id_token_hint=parameters.get("id_token_hint"),
            acr_values=tuple(parameters.get("acr_values", "").split()[:20]),
            dpop_jkt=_dpop_jkt(parameters.get("dpop_jkt")),
        )

    def with_scopes(self, scopes: tuple[str, ...]) -> AuthorizationRequest:
        """The same request for other scopes, also when it is parsed again."""
        pairs = [(name, value) for name, value in self.parameters.pairs() if name != "scope"]
        return replace(self, scopes=scopes, parameters=Parameters([*pairs, ("scope", " ".join(scopes))]))

    def with_resources(self, resources: tuple[str, ...]) -> AuthorizationRequest:
        """The same for other resources."""
        pairs = [(name, value) for name, value in self.parameters.pairs() if name != "resource"]
        named = [("resource", resource) for resource in resources]
        return replace(self, resources=resources, parameters=Parameters([*pairs, *named]))

    @property
    def wanted_acrs(self) -> tuple[str, ...]:
        """Classes of authentication in the order of the client's preference. OpenID Connect Core §3.1.2.1, §5.5.1.1."""
        return self.claims.essential_acrs or self.claims.voluntary_acrs or self.acr_values

    @property
    def asked(self) -> Asked:
        return Asked(self.scopes, self.resources, self.claims.names - {"sub"})


def client_id_of(parameters: Parameters) -> str:
    """The client_id, or UnsafeRequest: whoever repeats it or leaves it out is told on a page. RFC 6749 §4.1.2.1."""
    if unsafe := parameters.repeated & {"client_id", "redirect_uri"}:
        raise UnsafeRequest(
            "invalid_request", Words("Sent more than once: %(names)s.", names=", ".join(sorted(unsafe)))
        )
    if "client_id" not in parameters:
        raise UnsafeRequest("invalid_request", Words("The application did not say who it is: client_id is missing."))
    return parameters["client_id"]


def default_scopes(client: Client, resources: tuple[str, ...]) -> tuple[str, ...]:
    """Whoever names a resource and no scope means what is enabled there: "a pre-defined default value". RFC 6749 §3.3.

    MCP clients ask so when the resource does not say which scopes it has.
    """
    return tuple(sorted({p.scope for p in client.ceiling or () if p.resource and p.resource in resources}))


def _check_response_type(response_type: str | None) -> None:
    """RFC 6749 §3.1.1."""
    if response_type is None:
        raise InvalidRequest("response_type is missing; send response_type=code.")
    if response_type != "code":
        raise UnsupportedResponseType("Only response_type=code is supported.")


def _limited(parameters: Parameters, name: str, most: int) -> str | None:
    value = parameters.get(name)
    if value is not None and len(value) > most:
        raise InvalidRequest(f"{name} is longer than {most} characters.")
    return value


def _dpop_jkt(value: str | None) -> str:
    """RFC 9449 §10."""
    if value is not None and not JKT.fullmatch(value):
        raise InvalidRequest("dpop_jkt is not the SHA-256 thumbprint of a key.")
    return value or ""


def _prompts(value: str) -> frozenset[str]:
    prompts = frozenset(value.split())
    if unknown := prompts.difference(PROMPTS):
        raise InvalidRequest(
            f"prompt must be one or more of {', '.join(PROMPTS)}.", detail=" ".join(sorted(unknown))[:100]
        )
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequest("prompt=none cannot be combined with another prompt.")
    return prompts


def _max_age(value: str | None, default: int | None) -> int | None:
    """`default_max_age` is for requests that do not say. OpenID Connect Registration §2."""
    if value is None:
        return default
    if not (value.isascii() and value.isdigit()) or len(value) > 10 or int(value) > MAX_AGE_LIMIT:
        raise InvalidRequest("max_age must be a number of seconds.")
    return int(value)
