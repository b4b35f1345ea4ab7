"""Reading and writing: a code, of whichever kind, is taken in one statement, so that it counts once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from unicodedata import normalize

from credenza import AuthorizationServer, Statement, User, transaction

from .seeds import matching_step
from .tables import RecoveryCodeRow, TotpRow

CODES = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that reads like something else
CODE_LENGTH = 12  # 59 bits
# Asked with every sign-in.
_HAS_APP = Statement("SELECT added_at, last_used_at FROM credenza_totp WHERE id = {}")
_CODES_LEFT = Statement('SELECT made_at FROM credenza_recovery_code WHERE "user" = {} AND spent_at IS NULL')


@dataclass(frozen=True, slots=True)
class App:
    """An authenticator app that was set up."""

    seed: str
    last_step: int
    added_at: int
    last_used_at: int | None


def _place(user: User) -> str:
    return f"credenza_totp/{user.id}/seed"


async def find_app(server: AuthorizationServer, user: User) -> App | None:
    row = await TotpRow.select().where(TotpRow.id == user.id).first()
    if row is None:
        return None
    seed = server.keyring.decrypt(row["seed"], place=_place(user)).decode()
    return App(seed, row["last_step"], row["added_at"], row["last_used_at"])


async def has_app(user: User) -> tuple[int, int | None] | None:
    """When it was set up and last used."""
    row = await _HAS_APP.first(user.id)
    return (row["added_at"], row["last_used_at"]) if row else None


async def save_app(server: AuthorizationServer, user: User, seed: str, step: int) -> bool:
    """False where there is one already: no other takes its place. The code it was confirmed with is spent."""
    t, now = TotpRow, server.now()
    sealed = server.keyring.encrypt(seed.encode(), place=_place(user))
    row = t(id=user.id, user=user.id, seed=sealed, last_step=step, added_at=now, last_used_at=now)
    return bool(await t.insert(row).on_conflict(action="DO NOTHING").returning(t.id))


async def spend_code(server: AuthorizationServer, user: User, code: str) -> bool:
    """Of many at once with the same code, one is told true. RFC 6238 §5.2."""
    app = await find_app(server, user)
    if app is None:
        return False
    now = server.now()
    step = matching_step(app.seed, code, now, after=app.last_step)
    if step is None:
        return False
    t = TotpRow
    mine = (t.id == user.id) & (t.last_step < step)
    return bool(await t.update({t.last_step: step, t.last_used_at: now}).where(mine).returning(t.id))


async def delete_app(user: User) -> bool:
    return bool(await TotpRow.delete().where(TotpRow.id == user.id).returning(TotpRow.id))


def readable(code: str) -> str:
    return "-".join(code[i : i + 4] for i in range(0, CODE_LENGTH, 4))


def in_our_digits(code: str) -> str:
    """Japanese and Arabic keyboards have digits of their own."""
    return "".join(str(int(c)) if c.isdecimal() else c for c in code)


def _key(server: AuthorizationServer, user: User, code: str) -> str:
    """Keyed with a secret from outside the database, which somebody who copied it has not."""
    letters = "".join(c for c in in_our_digits(normalize("NFKC", code)).lower() if c in ALPHABET)
    return server.keyring.keyed_name(f"recovery code/{user.id}/{letters}")


async def new_recovery_codes(server: AuthorizationServer, user: User) -> list[str]:
    """In place of all older ones; shown once, only their hashes stay."""
    r = RecoveryCodeRow
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES)]
    async with transaction():
        await r.delete().where(r.user == user.id)
        await r.insert(*(r(id=_key(server, user, code), user=user.id, made_at=server.now()) for code in codes))
    return [readable(code) for code in codes]


async def spend_recovery_code(server: AuthorizationServer, user: User, code: str) -> bool:
    r = RecoveryCodeRow
    mine = (r.id == _key(server, user, code)) & (r.user == user.id) & r.spent_at.is_null()
    return bool(await r.update({r.spent_at: server.now()}).where(mine).returning(r.id))


async def recovery_codes(user: User) -> tuple[int, int]:
    """How many are left, and when they were made; 0 when there are none."""
    rows = await _CODES_LEFT.all(user.id)
    return len(rows), max((row["made_at"] for row in rows), default=0)


async def delete_recovery_codes(user: User) -> int:
    r = RecoveryCodeRow
    return len(await r.delete().where(r.user == user.id).returning(r.id))
