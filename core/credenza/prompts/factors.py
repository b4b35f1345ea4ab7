"""Whether what was proved is enough: who has a second factor, who must have one, and what the client asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..objects import HeldFactor, SecondFactor, Waiting
from ..protocol.assurance import MFA, satisfies
from ..protocol.errors import AccessDenied, UnmetAuthenticationRequirements
from ..protocol.words import Words
from ..store.users import User, find_user
from ..web.accounts import FRESH

PATIENCE = 600  # seconds in which the second factor must follow the first


@dataclass(frozen=True, slots=True)
class Need:
    """One of these classes must be reached. Without `must` the user may go on without; `essential` is the client's."""

    classes: tuple[str, ...]
    must: bool = True
    essential: bool = False

    def met_by(self, acr: str) -> bool:
        return any(satisfies(acr, wanted) for wanted in self.classes)


async def first_proved(waiting: Waiting) -> User | None:
    """The user who has proved the first factor in this very sign-in, moments ago, and may still sign in.

    A password that was changed meanwhile proves nothing any more.
    """
    begun = waiting.begun
    if "user" not in begun or begun["at"] + PATIENCE < waiting.server.now():
        return None
    user = await find_user(begun["user"])
    if user is None or user.suspended or user.password_changed_at != begun["password_changed_at"]:
        return None
    return user


async def missing(waiting: Waiting, user: User, reached: str, *, signing_in: bool) -> Need | None:
    """What is still needed after `reached`; None when it is enough."""
    request, client = waiting.request, waiting.client
    wanted = request.wanted_acrs if request is not None else ()
    if request is not None and request.claims.essential_acrs:
        need = Need(wanted, essential=True)
        if not need.met_by(reached):
            return need
    if waiting.server.wants_second_factor(client):
        need = Need((MFA,))
        if not need.met_by(reached):
            return need
    if signing_in and not satisfies(reached, MFA):
        held = await held_factors(waiting, user)
        if any(factor.demanded for factor in held):
            return Need((MFA,))
    if not wanted or waiting.begun.get("skipped") or (request is not None and "none" in request.prompts):
        return None
    need = Need(wanted, must=False)
    if need.met_by(reached):
        return None
    could = await usable(waiting, user, need) or await to_enrol(waiting, user, need, signing_in=signing_in)
    return need if could else None


async def held_factors(waiting: Waiting, user: User) -> dict[SecondFactor, Sequence[HeldFactor]]:
    """What each factor says that the user has set up; asked once in a request."""
    key = f"second factors of {user.id}"
    if key not in waiting.memory:
        all_of_them = [
            (factor, await _held(waiting, factor, user)) for factor in waiting.server.second_factors.values()
        ]
        waiting.memory[key] = {factor: held for factor, held in all_of_them if held}
    found: dict[SecondFactor, Sequence[HeldFactor]] = waiting.memory[key]
    return found


async def _held(waiting: Waiting, factor: SecondFactor, user: User) -> Sequence[HeldFactor]:
    return await waiting.server.answer_of(factor, factor.held(user), Sequence)


async def usable(waiting: Waiting, user: User, need: Need) -> list[SecondFactor]:
    """What the user has set up that meets the need."""
    return [factor for factor in await held_factors(waiting, user) if need.met_by(factor.acr)]


async def to_enrol(waiting: Waiting, user: User, need: Need, *, signing_in: bool = False) -> list[SecondFactor]:
    """What could be set up now, by who signs in or did so moments ago.

    Nothing for who has any: or a password would be enough to get round what they have.
    """
    if not (signing_in or proved_lately(waiting)) or await held_factors(waiting, user):
        return []
    return [f for f in waiting.server.second_factors.values() if f.enrols and need.met_by(f.acr)]


def proved_lately(waiting: Waiting) -> bool:
    """Whether it was proved minutes ago who is there: the browser may have been left open. OWASP ASVS V7.5.1."""
    if "user" in waiting.begun:
        return True
    session = waiting.session
    return session is not None and waiting.server.now() - session.authenticated_at <= FRESH


async def must_prove_again(waiting: Waiting, user: User, reached: str) -> bool:
    """Whether the next thing would be to change how this user signs in, and the session is too old for that."""
    if proved_lately(waiting):
        return False
    if user.must_change_password:
        return True
    need = await missing(waiting, user, reached, signing_in=False)
    return need is not None and bool(await to_enrol(waiting, user, need, signing_in=True))


def check_possible(waiting: Waiting) -> None:
    """Whether anybody at all can reach what the client insists on. Raises UnmetAuthenticationRequirements."""
    request = waiting.request
    if request is None or not request.claims.essential_acrs:
        return
    if not any(satisfies(acr, wanted) for acr in waiting.server.acr_values for wanted in request.wanted_acrs):
        raise unmet()


def unmet() -> UnmetAuthenticationRequirements:
    return UnmetAuthenticationRequirements(Words("The user could not sign in in the way that the request insists on."))


def impossible(need: Need) -> UnmetAuthenticationRequirements | AccessDenied:
    return unmet() if need.essential else AccessDenied(Words("The user has no second factor, and one is needed."))
