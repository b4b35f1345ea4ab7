"""What happened, named in the past tense. The audit log keeps each one; listeners hear of it after the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Event:
    """`actor` did it, `user` is whom it is about (both subject identifiers), `client` a client id.

    `address` is the network address it came from. Fields of a subclass are the event's data: plain JSON values, and
    never a secret, a token or a password.
    """

    actor: str = ""
    user: str = ""
    client: str = ""
    target: str = ""
    address: str = ""
    result: str = "success"
    error_id: str = ""

    @property
    def data(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _own_fields(type(self))}  # type: ignore[arg-type]  # a class is hashable


@cache
def _own_fields(kind: type[Event]) -> tuple[str, ...]:
    common = {f.name for f in fields(Event)}
    return tuple(f.name for f in fields(kind) if f.name not in common)


@dataclass(frozen=True, kw_only=True)
class UserSignedIn(Event):
    amr: tuple[str, ...] = ()
    session: str = ""


@dataclass(frozen=True, kw_only=True)
class SignInFailed(Event):
    """With the result `incomplete` they came in, but without what belongs to it; `reason` says what that is."""

    result: str = "failure"
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class UserSignedOut(Event):
    session: str = ""


@dataclass(frozen=True, kw_only=True)
class ConsentGiven(Event):
    """`verdicts` are those of the whole request: pairs of a permission's key and its outcome."""

    context: str = ""
    automatic: bool = False
    granted: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    verdicts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConsentRefused(Event):
    result: str = "refused"
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConsentRevoked(Event):
    context: str = ""
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AuthorizationRefused(Event):
    """An authorization request was answered with an error; `error_id` is on the page, if there is one."""

    result: str = "failure"
    error: str = ""
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class SignOutRefused(Event):
    """An application's request to sign out was answered with an error; `error_id` is on the page."""

    result: str = "failure"
    error: str = ""
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class CodeIssued(Event):
    scope: str = ""
    grant: str = ""


@dataclass(frozen=True, kw_only=True)
class TokenIssued(Event):
    grant_type: str = ""
    scope: str = ""
    audience: str = ""
    grant: str = ""


@dataclass(frozen=True, kw_only=True)
class TokenRefused(Event):
    result: str = "failure"
    grant_type: str = ""
    error: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(Event):
    grant: str = ""


@dataclass(frozen=True, kw_only=True)
class ReuseDetected(Event):
    """A code or refresh token came a second time; the whole grant was ended."""

    result: str = "failure"
    grant: str = ""
    what: str = ""


@dataclass(frozen=True, kw_only=True)
class ObjectChanged(Event):
    """An administrator (or the command line) changed something: `kind` is what, `target` which, before and after."""

    kind: str
    action: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(Event):
    through: str = ""


@dataclass(frozen=True, kw_only=True)
class PasswordChangeRequired(Event):
    """A new password will be asked for before anything else, or no longer; `reason` is administrator or blocklist."""

    required: bool = True
    reason: str = ""
    signed_out: bool = False


@dataclass(frozen=True, kw_only=True)
class FactorChanged(Event):
    """How somebody signs in changed: `factor` ("totp", "passkey" …) was added, removed, reset, or (a code) used up."""

    factor: str
    action: str
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class EmailChanged(Event):
    """`before` and `after` are addresses; with the same in both it was verified."""

    before: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class SessionEnded(Event):
    session: str = ""


@dataclass(frozen=True, kw_only=True)
class SigningKeyMoved(Event):
    kid: str = ""
    alg: str = ""
    state: str = ""
