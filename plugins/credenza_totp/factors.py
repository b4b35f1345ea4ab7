"""The two second factors: a code from an authenticator app, and a recovery code. RFC 6238, OWASP ASVS V6.5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from markupsafe import Markup

from credenza import (
    FactorChanged,
    HeldFactor,
    Parameters,
    SecondFactor,
    SecondFactorPage,
    User,
    Waiting,
    Words,
    transaction,
)

from . import store
from .seeds import address_of, matching_step, new_seed, picture, sealed, unsealed

TEMPLATES = Path(__file__).parent / "templates"
TOO_OLD = Words("Please begin again: this page was too old.")
WRONG = Words("This code is wrong. Codes change every 30 seconds, and each one works only once.")


@dataclass(kw_only=True)
class EnrolmentPage(SecondFactorPage):
    """`picture` is a QR code, `address` the same for an app on this device, `seed` to be typed."""

    template: ClassVar[str] = "totp/enrolment.html"
    folder: ClassVar[Path | None] = TEMPLATES
    picture: Markup
    address: str
    seed: str


class AuthenticatorApp(SecondFactor):
    name = "totp"
    title = Words("Use your authenticator app")
    icon = "smartphone"
    amr = ("otp",)
    order = 200
    enrols = True

    async def held(self, user: User) -> Sequence[HeldFactor]:
        found = await store.has_app(user)
        return [HeldFactor(Words("Authenticator app"), added_at=found[0], last_used_at=found[1])] if found else []

    async def page(self, waiting: Waiting, user: User) -> SecondFactorPage:
        return SecondFactorPage(
            title=Words("Second step"),
            action="",
            csrf_token="",
            icon=self.icon,
            heading=Words("Enter the code"),
            explanation=Words("Your authenticator app shows six digits for this account."),
        )

    async def check(self, waiting: Waiting, user: User, form: Parameters) -> str:
        return "" if await store.spend_code(self.server, user, digits(form)) else WRONG

    async def reset(self, user: User) -> int:
        """The recovery codes go with what they stand in for."""
        return int(await store.delete_app(user)) + await store.delete_recovery_codes(user)

    async def enrolment(self, waiting: Waiting, user: User) -> EnrolmentPage:
        seed = waiting.memory.get("seed") or new_seed()
        provider = (await self.server.provider_branding()).display_name
        address = address_of(seed, user, provider)
        return EnrolmentPage(
            title=Words("Set up a second step"),
            action="",
            csrf_token="",
            icon=self.icon,
            heading=Words("Set up a second step"),
            explanation=Words("Scan the picture with an authenticator app, and enter the code that it shows."),
            picture=Markup(picture(address)),  # noqa: S704  # drawn by us
            address=address,
            seed=seed,
            hidden=(("seed", sealed(self.server, user, seed)),),
            button=Words("Turn on"),
        )

    async def enrol(self, waiting: Waiting, user: User, form: Parameters) -> SecondFactorPage | str:
        seed = unsealed(self.server, user, form.get("seed", ""))
        if seed is None:
            return TOO_OLD
        waiting.memory["seed"] = seed  # the same picture again when the code is wrong
        step = matching_step(seed, digits(form), self.server.now())
        if step is None:
            return WRONG
        async with transaction():
            if not await store.save_app(self.server, user, seed, step):
                return TOO_OLD  # set up meanwhile, maybe by somebody else
            codes = await store.new_recovery_codes(self.server, user)
            await self.server.emit(
                FactorChanged(actor=user.id, user=user.id, address=waiting.address, factor=self.name, action="added")
            )
        return recovery_page(codes)


class RecoveryCode(SecondFactor):
    name = "recovery-code"
    title = Words("Use a recovery code")
    icon = "file-text"
    amr = ("otp",)
    order = 900
    demanded = False

    async def held(self, user: User) -> Sequence[HeldFactor]:
        left, made_at = await store.recovery_codes(user)
        return (
            [HeldFactor(Words("Recovery codes"), Words("%(left)s left", left=left), added_at=made_at)] if left else []
        )

    async def page(self, waiting: Waiting, user: User) -> SecondFactorPage:
        return SecondFactorPage(
            title=Words("Second step"),
            action="",
            csrf_token="",
            icon=self.icon,
            heading=Words("Enter a recovery code"),
            explanation=Words("One of those that you saved when you set up the second step. Each one works once."),
            code_label=Words("Recovery code"),
            code_mode="text",
        )

    async def check(self, waiting: Waiting, user: User, form: Parameters) -> str:
        async with transaction():
            if not await store.spend_recovery_code(self.server, user, form.get("code", "")[:40]):
                return Words("This recovery code is wrong or was used before.")
            await self.server.emit(
                FactorChanged(actor=user.id, user=user.id, address=waiting.address, factor=self.name, action="used")
            )
        return ""

    async def reset(self, user: User) -> int:
        return await store.delete_recovery_codes(user)


def digits(form: Parameters) -> str:
    return "".join(c for c in store.in_our_digits(form.get("code", "")[:40]) if c.isdecimal())


def recovery_page(codes: Sequence[str]) -> SecondFactorPage:
    return SecondFactorPage(
        title=Words("Recovery codes"),
        action="",
        csrf_token="",
        icon="file-text",
        heading=Words("Keep these recovery codes"),
        explanation=Words("Each one lets you sign in once if you lose your phone. They are not shown again."),
        code=False,
        lines=tuple(codes),
        button=Words("I have saved them"),
    )
