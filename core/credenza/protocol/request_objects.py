"""Request objects by value, signed only. RFC 9101, OpenID Connect Core §6.1."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import jose
from .errors import InvalidRequestObject
from .parameters import Parameters

LONGEST = 3600  # seconds
OWN = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti", "sub"})


def parse_request_object(
    parameters: Parameters, keys: Sequence[jose.VerificationKey], *, client_id: str, issuer: str, now: int
) -> Parameters:
    """The request that the object holds: "The authorization server MUST only use the parameters in the Request Object,
    even if the same parameter is provided in the query parameter." RFC 9101 §6.2, §6.3, RFC 7519 §4.1.3.
    """
    try:
        claims = jose.verify(parameters["request"], keys, types=(None, "jwt", "oauth-authz-req+jwt"))
        jose.check_times({"iat": now, "exp": now + 1, **claims}, now, longest=LONGEST)
    except jose.InvalidJWT as error:
        raise InvalidRequestObject(f"The request object is not acceptable: {error}.") from error
    audience = claims.get("aud")
    if claims.get("iss", client_id) != client_id or claims.get("client_id") != client_id:
        raise InvalidRequestObject("iss and client_id of the request object must be the client's.")
    if audience is not None and issuer not in (audience if isinstance(audience, list) else [audience]):
        raise InvalidRequestObject(f"The request object is for somebody else: aud must be {issuer}.")
    if refused := {"request", "request_uri"} & claims.keys():
        raise InvalidRequestObject(f"A request object cannot hold {', '.join(sorted(refused))}.")
    return Parameters(_pairs(claims))


def _pairs(claims: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Members as parameters: numbers and objects in their JSON form, a list as a parameter that is repeated.

    A member that is null says nothing. RFC 9101 §4.
    """
    pairs: list[tuple[str, str]] = []
    for name, value in claims.items():
        if name not in OWN and value is not None:
            items = value if isinstance(value, list) else [value]
            pairs += [(name, item if isinstance(item, str) else json.dumps(item)) for item in items]
    if any("\0" in value for _, value in pairs):
        raise InvalidRequestObject("A member contains a NUL character.")
    return pairs
