"""What has expired long enough ago that nothing can depend on it."""

from __future__ import annotations

from typing import Any

from piccolo.table import Table

from .access_tokens import AccessTokenRow
from .authorization_codes import AuthorizationCodeRow
from .batches import delete_batch
from .grants import GrantRow
from .pushed_requests import PushedRequestRow
from .refresh_tokens import WITHOUT_REFRESH_TOKEN, RefreshTokenRow
from .spent_assertions import SpentAssertionRow

DAY = 24 * 3600


async def clean_up(now: int, *, grant_lifetime: int, batch: int = 500) -> int:
    """Delete a batch of each kind; returns how many rows. `grant_lifetime` is how long the longest token lives."""
    p = PushedRequestRow
    due: list[tuple[type[Table], Any]] = [
        (AccessTokenRow, AccessTokenRow.expires_at < now - 600),
        (AuthorizationCodeRow, AuthorizationCodeRow.expires_at < now - DAY),
        (SpentAssertionRow, SpentAssertionRow.expires_at < now - 600),
        (RefreshTokenRow, RefreshTokenRow.expires_at < now - DAY),
        # One that was looked at is good for as long as its sign-in takes.
        (p, (p.expires_at < now - 600) & (p.opened_at.is_null() | (p.expires_at < now - DAY))),
        # Not with those of its tokens that are left: it may have thousands, which go a batch at a time.
        (GrantRow, (GrantRow.created_at < now - grant_lifetime - DAY) & WITHOUT_REFRESH_TOKEN),
    ]
    return sum([await delete_batch(table, condition, batch=batch) for table, condition in due])
