"""User names, and what people are found by, in one form of Unicode: "ü" is no "u" with two dots.

Where another account has the name in that form, whoever has it in another one keeps theirs: they still sign in by typing
it as they did, and `credenza check` names both.
"""

from __future__ import annotations

import logging
from unicodedata import is_normalized, normalize

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

from credenza.store.engine import database

ID = "0005"
VERSION = "1.38.0"
DESCRIPTION = "User names, and what people are found by, in one form of Unicode."

# What is ASCII is in that form. The words begin with the user name.
IN_SQLITE = (
    "SELECT id, username, words FROM credenza_user "
    "WHERE id > {} AND LENGTH(CAST(words AS BLOB)) > LENGTH(words) ORDER BY id LIMIT 500"
)
ELSEWHERE = (
    "SELECT id, username, words FROM credenza_user "
    "WHERE id > {} AND OCTET_LENGTH(words) > CHAR_LENGTH(words) ORDER BY id LIMIT 500"
)
NAME = (
    "UPDATE credenza_user SET username = {} WHERE id = {} "
    "AND NOT EXISTS (SELECT 1 FROM credenza_user AS other WHERE other.username = {}) RETURNING id"
)
WORDS = "UPDATE credenza_user SET words = {} WHERE id = {}"

logger = logging.getLogger("credenza")


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza", description=DESCRIPTION)
    manager.add_raw(bring)
    return manager


async def bring() -> None:
    last, left = "", 0
    while page := await Table.raw(IN_SQLITE if database().engine_type == "sqlite" else ELSEWHERE, last):
        for row in page:
            if not is_normalized("NFC", row["words"]):
                await Table.raw(WORDS, normalize("NFC", row["words"])[:500], row["id"])
            name = normalize("NFC", row["username"])
            if name != row["username"]:
                left += len(name) > 150 or not await Table.raw(NAME, name, row["id"], name)
        last = page[-1]["id"]
    if left:
        logger.warning("user names: %d accounts have the name of another one; `credenza check` names them", left)
