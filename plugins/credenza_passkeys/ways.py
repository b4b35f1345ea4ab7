"""Signing in with a passkey, alone or as the second factor. WebAuthn Level 3, RFC 8176."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from credenza import (
    PHISHING_RESISTANT,
    Authentication,
    Authenticator,
    HeldFactor,
    Parameters,
    SecondFactor,
    SecondFactorPage,
    StaticFiles,
    User,
    Waiting,
    Way,
    Words,
    base64url,
    users,
)

from . import ceremonies, store

logger = logging.getLogger("credenza.plugins.passkeys")

STATIC = StaticFiles("/passkeys/static", Path(__file__).parent / "static")
SCRIPT = STATIC.address("passkeys.js")
FAILED = Words("The passkey was not accepted. Try again, or choose another way.")


def for_script(kind: str, options: str) -> Mapping[str, str]:
    return {"passkey": kind, "options": options, "failed": FAILED}


def new_challenge(state: dict[str, Any]) -> bytes:
    """Noted for the one answer to the page that is being made. WebAuthn §13.4.3."""
    challenge = secrets.token_bytes(32)
    state["passkey"] = base64url.encode(challenge)
    return challenge


def spend_challenge(state: dict[str, Any]) -> bytes:
    return base64url.decode(state.pop("passkey", ""))


class PasskeyAuthenticator(Authenticator):
    name = "passkey"
    title = Words("Use a passkey")
    icon = "key-round"
    amr = ("swk", "user", "mfa")
    acr = PHISHING_RESISTANT

    async def ways(self, waiting: Waiting) -> Sequence[Way]:
        options = ceremonies.request_options(self.server, new_challenge(waiting.state))
        return [Way(self.name, self.title, self.icon, script=SCRIPT, data=for_script("get", options))]

    async def opens(self, user: User) -> bool:
        return bool(await store.list_passkeys(user.id))

    async def answer(self, waiting: Waiting, form: Parameters) -> Authentication | str:
        """The key proves possession, and the device that a person unlocked it: two factors. RFC 8176 §2."""
        try:
            challenge = spend_challenge(waiting.state)
            passkey = await ceremonies.proved(self.server, form.get("credential", ""), challenge)
        except ceremonies.Refused as refused:
            logger.info("a passkey was refused: %s", refused)
            return FAILED
        user = await users.find_user(passkey.user_id)
        if user is None or user.suspended:
            return FAILED
        return Authentication(user, ("swk" if passkey.synced else "hwk", "user", "mfa"), PHISHING_RESISTANT)


class PasskeyFactor(SecondFactor):
    name = "passkey"
    title = Words("Use a passkey")
    icon = "key-round"
    amr = ("pop", "user")
    acr = PHISHING_RESISTANT
    order = 100
    demanded = False

    async def held(self, user: User) -> Sequence[HeldFactor]:
        return [
            HeldFactor(Words("Passkey"), p.name, added_at=p.added_at, last_used_at=p.last_used_at)
            for p in await store.list_passkeys(user.id)
        ]

    async def page(self, waiting: Waiting, user: User) -> SecondFactorPage:
        passkeys = await store.list_passkeys(user.id)
        options = ceremonies.request_options(self.server, new_challenge(waiting.state), passkeys)
        return SecondFactorPage(
            title=Words("Second step"),
            action="",
            csrf_token="",
            icon=self.icon,
            heading=Words("Use your passkey"),
            explanation=Words("Your device asks for your fingerprint, your face or a PIN."),
            code=False,
            button=self.title,
            script=SCRIPT,
            data=for_script("get", options),
        )

    async def check(self, waiting: Waiting, user: User, form: Parameters) -> str:
        try:
            challenge = spend_challenge(waiting.state)
            await ceremonies.proved(self.server, form.get("credential", ""), challenge, user)
        except ceremonies.Refused as refused:
            logger.info("a passkey was refused: %s", refused)
            return FAILED
        return ""

    async def reset(self, user: User) -> int:
        return await store.delete_passkeys(user.id)
