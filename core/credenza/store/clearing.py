"""What hangs on something goes before it: a million rows in one transaction keep everybody else from the database.

If it stops in the middle, what is left is out of force, and can be deleted once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from .access_tokens import AccessTokenRow
from .authorization_codes import AuthorizationCodeRow
from .batches import delete_batch, find_batch, table_of
from .consents import ConsentRow
from .grants import GrantRow
from .logout import LogoutDeliveryRow
from .refresh_tokens import RefreshTokenRow

LARGE = 1000  # rows, which go in a tenth of a second
BATCH, TOKENS = 200, 500
Disable = Callable[[], Awaitable[None]]


async def clear(disable: Disable, *conditions: Any) -> None:
    """Delete the rows of which one of these is true a little at a time, if there are very many.

    `disable` is called before that: what is still in force would have new ones all the time. Conditions are those of
    `delete_batch`. Call it outside of a transaction.
    """
    g, r = GrantRow, RefreshTokenRow
    tokens = [r.grant.is_in(g.select(g.id).where(each)) for each in conditions if table_of(each) is g]
    if not any([await _is_large(condition) for condition in (*conditions, *tokens)]):
        return
    await disable()
    for condition in conditions:
        while await _delete_some(condition):
            await asyncio.sleep(0)


async def _delete_some(condition: Any) -> int:
    """A batch; of grants, their refresh tokens before them: each that was refreshed for months has thousands."""
    table, r = table_of(condition), RefreshTokenRow
    if table is GrantRow:
        grants = await find_batch(table, condition, BATCH) or [""]
        condition = GrantRow.id.is_in(grants) & condition
        while rows := await r.select(r.digest).where(r.grant.is_in(grants)).limit(TOKENS):
            await r.delete().where(r.digest.is_in([row["digest"] for row in rows]))
            await asyncio.sleep(0)
    return await delete_batch(table, condition, batch=BATCH)


async def clear_client(client_id: str, disable: Disable) -> None:
    """Delete all that hangs on an application a little at a time, if there is very much of it."""
    tables: tuple[Any, ...] = (AccessTokenRow, AuthorizationCodeRow, GrantRow, ConsentRow, LogoutDeliveryRow)
    await clear(disable, *(table.client == client_id for table in tables))


async def clear_user(user_id: str, disable: Disable) -> None:
    """Delete all that hangs on an account a little at a time, if there is very much of it."""
    tables: tuple[Any, ...] = (AuthorizationCodeRow, GrantRow, ConsentRow)
    await clear(disable, *(table.user == user_id for table in tables))


async def _is_large(condition: Any) -> bool:
    table = table_of(condition)
    return len(await table.select(table._meta.primary_key).where(condition).limit(LARGE + 1)) > LARGE
