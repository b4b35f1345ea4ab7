"""What the console decides for the whole provider, and the images it serves from its own origin."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from piccolo.columns import BigInt, Bytea, Text, Varchar
from piccolo.table import Table

from .engine import database
from .version import bump_version


class ProviderSettingRow(Table, tablename="credenza_provider_setting"):
    name = Varchar(length=60, primary_key=True)
    value = Text(default="{}")


class ImageRow(Table, tablename="credenza_image"):
    id = Varchar(length=64, primary_key=True)
    content_type = Varchar(length=30)
    content = Bytea()
    created_at = BigInt(default=0)


async def find_provider_setting(name: str) -> dict[str, Any]:
    """Empty when it was never saved."""
    row = await ProviderSettingRow.select().where(ProviderSettingRow.name == name).first()
    return dict(json.loads(row["value"])) if row else {}


async def save_provider_setting(name: str, value: dict[str, Any]) -> None:
    r = ProviderSettingRow
    text = json.dumps(value)
    async with database().transaction():
        await r.insert(r(name=name, value=text)).on_conflict(
            target=r.name, action="DO UPDATE", values=[(r.value, text)]
        )
        await bump_version()


async def save_image(content: bytes, content_type: str, now: int, *, owner: str = "") -> str:
    """Keep an image that was decoded and encoded again; returns its name, which is its hash, after its owner's."""
    key = image_key(content, owner)
    r = ImageRow
    await r.insert(r(id=key, content_type=content_type, content=content, created_at=now)).on_conflict(
        action="DO NOTHING"
    )
    return key


def image_key(content: bytes, owner: str = "") -> str:
    """Images are stored under their hash, so the same one is there once: among ours, and among each owner's.

    Those of an owner are all that begin with `x` and that name.
    """
    digest = hashlib.sha256(content).hexdigest()
    return f"x{owner}{digest[:20]}" if owner else digest[:40]


async def find_image(key: str) -> tuple[str, bytes] | None:
    """Its media type and its bytes."""
    row = await ImageRow.select().where(ImageRow.id == key).first()
    return (row["content_type"], bytes(row["content"])) if row else None


async def delete_images(owner: str, *, but: str) -> None:
    """Those of an owner, but for the one of this name."""
    r = ImageRow
    await r.delete().where((r.id > f"x{owner}") & (r.id < f"x{owner}x") & (r.id != but))
