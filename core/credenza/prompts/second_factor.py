"""The second factor: after the first one, or for a session that an application wants to be surer of.

What was proved belongs to one interaction, and so to the browser that began it. OWASP ASVS V6.5, V6.6.
"""

from __future__ import annotations

from types import NoneType
from typing import Any

from ..events import SignInFailed
from ..objects import Authentication, Prompt, SecondFactor, Waiting, Way
from ..protocol.assurance import strength
from ..protocol.errors import AccessDenied, InvalidRequest, LoginRequired, TooManyTries
from ..protocol.parameters import Parameters
from ..protocol.words import Words
from ..store.failed_sign_ins import clear_failed_sign_ins
from ..store.users import User
from ..web.pages import SecondFactorPage
from ..web.tries import take_a_turn
from .factors import Need, first_proved, impossible, missing, to_enrol, unmet, usable
from .login import sign_in


class SecondFactorPrompt(Prompt):
    name = "second-factor"
    order = 110
    error = LoginRequired
    own_pages = True

    async def required(self, waiting: Waiting) -> bool:
        if "user" in waiting.begun:
            return True
        if waiting.session is None or waiting.user is None:
            return False
        return await missing(waiting, waiting.user, waiting.session.acr, signing_in=False) is not None

    async def show(self, waiting: Waiting) -> SecondFactorPage:
        user, need = await self._asked(waiting)
        factor = await self._factor(waiting, user, need)
        return await self._page(waiting, user, need, factor)

    async def submit(self, waiting: Waiting, form: Parameters) -> Any:
        user, need = await self._asked(waiting)
        decision = form.get("decision", "")
        if decision == "deny":
            raise unmet() if need.essential else AccessDenied(Words("The user did not sign in."))
        if "use" in form:
            waiting.state["factor"] = form["use"]
            return None
        factor = await self._factor(waiting, user, need)
        if "enrolled" in waiting.begun:
            await self._proved(waiting, user, factor)
            return None
        if decision == "skip" and not need.must:
            await self._skip(waiting, user)
            return None
        if form.get("factor") != factor.name:  # the form of another page, from another tab
            raise InvalidRequest(Words("There is no such second factor."))
        return await self._check(waiting, user, need, factor, form)

    async def _check(self, waiting: Waiting, user: User, need: Need, factor: SecondFactor, form: Parameters) -> Any:
        """Throttled for the account, across all its sign-ins."""
        server = waiting.server
        key = server.keyring.keyed_name(f"second factor of {user.id}")
        enrolling = factor not in await usable(waiting, user, need)
        try:
            if server.settings.rate_limit:
                await take_a_turn(server, key)
        except TooManyTries as error:
            page = await self._page(waiting, user, need, factor)
            page.message, page.status = error.text, error.status
            return page
        if enrolling:
            enrolled = factor.enrol(waiting, user, form)
            answer = await server.answer_of(factor, enrolled, str, SecondFactorPage, NoneType)
        else:
            answer = await server.answer_of(factor, factor.check(waiting, user, form), str)
        if isinstance(answer, str) and answer:
            await server.emit(SignInFailed(user=user.id, address=waiting.address, reason="second factor"))
            page = await self._page(waiting, user, need, factor)
            page.message = answer
            return page
        await clear_failed_sign_ins(key)
        if isinstance(answer, SecondFactorPage):
            waiting.begun["enrolled"] = factor.name  # gone with this sign-in: the next one has proved nothing yet
            return self._dress(waiting, user, need, answer, ())
        await self._proved(waiting, user, factor)
        return None

    async def _asked(self, waiting: Waiting) -> tuple[User, Need]:
        user = await first_proved(waiting)
        need = None
        if user is not None:
            need = await missing(waiting, user, waiting.begun["acr"], signing_in=True)
        elif waiting.session is not None and waiting.user is not None:
            user = waiting.user
            need = await missing(waiting, user, waiting.session.acr, signing_in=False)
        if user is None or need is None:  # settled meanwhile, in another tab
            raise LoginRequired(Words("The sign-in took too long."))
        return user, need

    async def _factor(self, waiting: Waiting, user: User, need: Need) -> SecondFactor:
        """The one that was chosen, else the first. Raises what `impossible` says when there is none."""
        if "enrolled" in waiting.begun:
            return waiting.server.second_factors[waiting.begun["enrolled"]]
        choice = await usable(waiting, user, need) or await to_enrol(waiting, user, need)
        if not choice:
            raise impossible(need)
        return next((factor for factor in choice if factor.name == waiting.state.get("factor")), choice[0])

    async def _page(self, waiting: Waiting, user: User, need: Need, factor: SecondFactor) -> SecondFactorPage:
        held = await usable(waiting, user, need)
        asks = factor.page if factor in held else factor.enrolment
        page: SecondFactorPage = await waiting.server.answer_of(factor, asks(waiting, user), SecondFactorPage)
        others = held or await to_enrol(waiting, user, need)
        ways = tuple(Way(other.name, other.title, other.icon) for other in others if other is not factor)
        page.factor = factor.name
        return self._dress(waiting, user, need, page, ways)

    def _dress(
        self, waiting: Waiting, user: User, need: Need, page: SecondFactorPage, ways: tuple[Way, ...]
    ) -> SecondFactorPage:
        page.action, page.csrf_token, page.ways = waiting.action, waiting.csrf_token, ways
        page.account = user.email or user.username
        page.skip = not need.must
        page.cancel = waiting.request is not None
        return page

    async def _proved(self, waiting: Waiting, user: User, factor: SecondFactor) -> None:
        """A new session id in any case: a cookie that was copied before must not gain from what is proved now."""
        going_on = None
        if "user" in waiting.begun:
            before, acr, since = waiting.begun["amr"], waiting.begun["acr"], waiting.begun.get("since")
        else:
            assert waiting.session is not None
            going_on = waiting.session
            before, acr, since = going_on.amr, going_on.acr, going_on.authenticated_at
        amr = tuple(dict.fromkeys([*before, *factor.amr, "mfa"]))
        reached = max(acr, factor.acr, key=strength)
        await sign_in(waiting, Authentication(user, amr, reached, since), going_on=going_on)

    async def _skip(self, waiting: Waiting, user: User) -> None:
        waiting.begun["skipped"] = True
        if "user" in waiting.begun:
            begun = waiting.begun
            await sign_in(waiting, Authentication(user, tuple(begun["amr"]), begun["acr"], begun.get("since")))
