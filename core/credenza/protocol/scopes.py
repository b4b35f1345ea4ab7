"""Scopes: the words a client asks with, and what they mean to a person. RFC 6749 §3.3."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .errors import InvalidScope

SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,255}")
MOST = 1000  # values of a `scope` parameter: each is looked for in every source


class Permission(NamedTuple):
    """A scope at a resource, from a source.

    `resource` is the identifier of an API (an absolute URI), or empty when the provider itself is the resource.
    """

    source: str
    resource: str
    scope: str

    @property
    def key(self) -> str:
        """A form of it for form fields and URLs."""
        return " ".join(part for part in (self.source, self.resource, self.scope) if part)


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission, described for the people who enable it and the people who grant it.

    `claims` are the claims it releases through UserInfo (OpenID Connect Core §5.4). `always` scopes need no
    administrator to enable them.
    """

    permission: Permission
    title: str
    description: str = ""
    group: str = ""
    claims: tuple[str, ...] = ()
    icon: str = "key"
    always: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What an authorization request names: scope values, resources and single claims. RFC 8707 §2, Core §5.5.

    `memory` is where a scope source may keep what it has looked up for this request.
    """

    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    claims: frozenset[str] = field(default_factory=frozenset)
    memory: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


def parse_scope(value: str) -> tuple[str, ...]:
    """Split a `scope` parameter, keeping its order and each value once. Raises InvalidScope."""
    scopes = tuple(filter(None, dict.fromkeys(value.split(" "))))
    if len(scopes) > MOST:
        raise InvalidScope(f"The scope parameter has more than {MOST} values.")
    if not all(map(SCOPE_TOKEN.fullmatch, scopes)):
        raise InvalidScope("The scope parameter has a character that no scope may have.")
    return scopes


def join_scope(scopes: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(scopes))
