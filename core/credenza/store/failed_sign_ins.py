"""Failures to sign in, which whoever is next in turn waits for; also those of names that nobody has."""

from __future__ import annotations

from piccolo.columns import BigInt, Integer, Varchar
from piccolo.table import Table

from .batches import delete_batch
from .engine import Statement
from .statements import select


class FailedSignInRow(Table, tablename="credenza_failed_sign_in"):
    """Failures in a row. `key` is a keyed hash of what was typed."""

    key = Varchar(length=64, primary_key=True)
    failures = Integer(default=0)
    last_at = BigInt(default=0)


# Each sign-in counts as a failure first. That of a moment before a crash of the database need not last.
_FAILURES = select(FailedSignInRow, "key = {}")
_FIRST_FAILURE = Statement(
    "INSERT INTO credenza_failed_sign_in (key, failures, last_at) VALUES ({}, 1, {}) ON CONFLICT DO NOTHING "
    "RETURNING key",
    may_be_lost=True,
)
_ONE_MORE_FAILURE = Statement(
    "UPDATE credenza_failed_sign_in SET failures = failures + 1, last_at = {} "
    "WHERE key = {} AND failures = {} AND last_at = {} RETURNING key",
    may_be_lost=True,
)
_CLEAR_FAILURES = Statement("DELETE FROM credenza_failed_sign_in WHERE key = {} RETURNING key", may_be_lost=True)


async def failed_sign_ins(key: str) -> tuple[int, int]:
    """How many failures in a row, and when the last one was."""
    row = await _FAILURES.first(key)
    return (row["failures"], row["last_at"]) if row else (0, 0)


async def count_failed_sign_in(key: str, now: int, *, seen: tuple[int, int]) -> bool:
    """One more than was `seen`; false when another one was counted meanwhile, so that no two take the same turn."""
    failures, last_at = seen
    if not failures:
        return bool(await _FIRST_FAILURE.all(key, now))
    return bool(await _ONE_MORE_FAILURE.all(now, key, failures, last_at))


async def clean_up_failed_sign_ins(now: int, *, batch: int = 500) -> int:
    """Forget failures of which nothing depends any more: whoever types names at random must not fill the table."""
    return await delete_batch(FailedSignInRow, FailedSignInRow.last_at < now - 24 * 3600, batch=batch)


async def clear_failed_sign_ins(key: str) -> None:
    await _CLEAR_FAILURES.all(key)
