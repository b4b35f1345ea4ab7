"""What hangs on an application goes before the application itself: millions of tokens in one transaction would keep
everybody else from the database for minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from piccolo.table import Table

from .access_tokens import AccessTokenRow
from .authorization_codes import AuthorizationCodeRow
from .batches import delete_batch
from .consents import ConsentRow
from .grants import GrantRow

LARGE = 1000  # tokens or grants, which go in a tenth of a second
BATCH = 200
HANGING: tuple[Any, ...] = (AccessTokenRow, AuthorizationCodeRow, GrantRow, ConsentRow)


async def clear_client(client_id: str, disable: Callable[[], Awaitable[None]]) -> None:
    """Delete tokens, codes, grants and consents a little at a time, if there are very many; outside of a transaction.

    `disable` is called before that: an application that is still served would have new ones all the time.
    """
    if not any([await _is_large(table, client_id) for table in HANGING]):
        return
    await disable()
    for table in HANGING:
        while await delete_batch(table, table.client == client_id, batch=BATCH):
            await asyncio.sleep(0)


async def _is_large(table: type[Table], client_id: str) -> bool:
    of_it = table._meta.get_column_by_name("client") == client_id
    return len(await table.select(table._meta.primary_key).where(of_it).limit(LARGE + 1)) > LARGE
