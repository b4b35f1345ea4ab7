"""The one decision about what a token may carry: requested, enabled, held and consented, always together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from .scopes import Permission


class Outcome(StrEnum):
    GRANTED = "granted"
    NOT_ENABLED = "not enabled"
    NOT_HELD = "not held"
    NOT_CONSENTED = "not consented"


class Verdict(NamedTuple):
    """What was decided about one permission, and through what (a role) or why not."""

    permission: Permission
    outcome: Outcome
    required: bool = True
    through: str = ""

    @property
    def granted(self) -> bool:
        return self.outcome is Outcome.GRANTED


def decide(
    requested: Iterable[Permission],
    ceiling: Mapping[Permission, bool] | None,
    held: Mapping[Permission, str],
    consented: Collection[Permission] | None,
) -> list[Verdict]:
    """Give each requested permission its verdict: GRANTED, or the first filter that stopped it.

    `ceiling` maps what an administrator enabled to whether it is required; a client without a ceiling (None) is a
    first-party client. `held` maps what the subject holds to the role or rule it is held through. `consented` is what
    the user said yes to; None means that nobody has to be asked.
    """
    return [_verdict(permission, ceiling, held, consented) for permission in dict.fromkeys(requested)]


def _verdict(
    permission: Permission,
    ceiling: Mapping[Permission, bool] | None,
    held: Mapping[Permission, str],
    consented: Collection[Permission] | None,
) -> Verdict:
    if ceiling is not None and permission not in ceiling:
        return Verdict(permission, Outcome.NOT_ENABLED)
    required = True if ceiling is None else ceiling[permission]
    if permission not in held:
        return Verdict(permission, Outcome.NOT_HELD, required)
    through = held[permission]
    if consented is not None and permission not in consented:
        return Verdict(permission, Outcome.NOT_CONSENTED, required, through)
    return Verdict(permission, Outcome.GRANTED, required, through)
