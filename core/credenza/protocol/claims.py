"""The `claims` parameter: single claims, asked for by name. OpenID Connect Core §5.5."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidRequest

MAX_BYTES = 16 * 1024
MAX_CLAIMS = 100


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """Names of claims to their wishes (`essential`, `value`, `values`), for UserInfo and for the ID token."""

    userinfo: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    id_token: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None) -> ClaimsRequest:
        if text is None:
            return cls()
        if len(text) > MAX_BYTES:
            raise InvalidRequest("The claims parameter is too large.")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest("The claims parameter is not JSON.") from error
        if not isinstance(value, dict):
            raise InvalidRequest("The claims parameter is not a JSON object.")
        return cls(_wishes(value.get("userinfo")), _wishes(value.get("id_token")))

    @property
    def subjects(self) -> frozenset[str]:
        """The end-users that the tokens must be about; of more than one they cannot be. OpenID Connect Core §5.5.1."""
        wishes = [wish.get("sub", {}) for wish in (self.id_token, self.userinfo)]
        return frozenset(str(wish["value"]) for wish in wishes if wish.get("value") is not None)

    @property
    def essential_acrs(self) -> tuple[str, ...]:
        """One of these classes of authentication must be reached, if there are any. OpenID Connect Core §5.5.1.1."""
        wishes = [wish.get("acr", {}) for wish in (self.id_token, self.userinfo)]
        return tuple(acr for wish in wishes if wish.get("essential") is True for acr in _values(wish))

    @property
    def voluntary_acrs(self) -> tuple[str, ...]:
        wishes = [wish.get("acr", {}) for wish in (self.id_token, self.userinfo)]
        return tuple(acr for wish in wishes for acr in _values(wish))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.userinfo) | frozenset(self.id_token)


def _values(wish: Mapping[str, Any]) -> list[str]:
    values = wish["values"] if isinstance(wish.get("values"), list) else []
    return [value for value in (wish.get("value"), *values[:20]) if isinstance(value, str) and value]


def _wishes(member: object) -> dict[str, Mapping[str, Any]]:
    if member is None:
        return {}
    if not isinstance(member, dict) or len(member) > MAX_CLAIMS:
        raise InvalidRequest("The members of the claims parameter are objects of at most 100 claims.")
    if not all(wish is None or isinstance(wish, dict) for wish in member.values()):
        raise InvalidRequest("A claim is asked for with null or with an object.")
    return {name: wish or {} for name, wish in member.items() if _is_text(name)}


def _is_text(name: str) -> bool:
    """JSON may hold half of a surrogate pair; no claim has such a name. RFC 8259 §8.2."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
