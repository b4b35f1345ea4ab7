"""Brandings on their way: drafts, what was published before, and custom CSS under its hash.

Whose branding it is, is said by `owner`: "provider", "application {client id}", or a plugin's own word and id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from piccolo.columns import BigInt, Boolean, Text, Varchar
from piccolo.table import Table

from ..protocol.tokens import new_id
from .engine import database

KEPT = 30  # versions of one owner
STYLESHEETS = "/branding/"


class StylesheetRow(Table, tablename="credenza_stylesheet"):
    """`source` as it was typed, `content` as it is served: what was not allowed is left out."""

    id = Varchar(length=64, primary_key=True)
    source = Text(default="")
    content = Text(default="")
    created_at = BigInt(default=0)


class BrandingDraftRow(Table, tablename="credenza_branding_draft"):
    owner = Varchar(length=300, primary_key=True)
    value = Text(default="{}")
    changed_at = BigInt(default=0)
    changed_by = Varchar(length=40, default="")


class BrandingVersionRow(Table, tablename="credenza_branding_version"):
    """What was published; `undone` when somebody went back behind it."""

    id = Varchar(length=40, primary_key=True)
    owner = Varchar(length=300, index=True)
    position = BigInt(default=0)
    value = Text(default="{}")
    undone = Boolean(default=False)
    published_at = BigInt(default=0)
    published_by = Varchar(length=40, default="")


@dataclass(frozen=True, slots=True)
class SavedBranding:
    """A draft (without id) or a published version, with who made it and when."""

    id: str
    value: Mapping[str, str]
    at: int
    by: str
    undone: bool = False


async def find_draft(owner: str) -> SavedBranding | None:
    """With who changed it last, and when."""
    row = await BrandingDraftRow.select().where(BrandingDraftRow.owner == owner).first()
    return SavedBranding("", json.loads(row["value"]), row["changed_at"], row["changed_by"]) if row else None


async def save_draft(owner: str, value: Mapping[str, str], *, by: str, now: int) -> None:
    d = BrandingDraftRow
    text = json.dumps(said(value))
    await d.insert(d(owner=owner, value=text, changed_at=now, changed_by=by)).on_conflict(
        target=d.owner, action="DO UPDATE", values=[(d.value, text), (d.changed_at, now), (d.changed_by, by)]
    )


async def discard_draft(owner: str) -> None:
    await BrandingDraftRow.delete().where(BrandingDraftRow.owner == owner)


async def list_versions(owner: str) -> list[SavedBranding]:
    """What was published, the newest first."""
    v = BrandingVersionRow
    rows = await v.select().where(v.owner == owner).order_by(v.position, ascending=False).limit(KEPT)
    return [
        SavedBranding(
            row["id"], json.loads(row["value"]), row["published_at"], row["published_by"], bool(row["undone"])
        )
        for row in rows
    ]


async def record_published(
    owner: str, before: Mapping[str, str], after: Mapping[str, str], *, by: str, now: int
) -> None:
    """Keep what is published now, and what was before if nobody kept that; the draft is done with.

    Call it in the transaction that publishes.
    """
    async with database().transaction():
        last = await _current(owner)
        if last is None or said(last.value) != said(before):
            await _insert(owner, before, by="", now=now)
        await _insert(owner, after, by=by, now=now)
        await discard_draft(owner)
        v = BrandingVersionRow
        old = await v.select(v.id).where(v.owner == owner).order_by(v.position, ascending=False).offset(KEPT).limit(100)
        if old:
            await v.delete().where(v.id.is_in([row["id"] for row in old]))


async def step_back(owner: str, before: Mapping[str, str], *, now: int) -> SavedBranding | None:
    """The version before the one that is published; that one counts as undone. None when there is none.

    Call it in the transaction that publishes what it returns.
    """
    v = BrandingVersionRow
    last = await _current(owner)
    if last is not None and said(last.value) != said(before):  # changed by another way than the console
        await _insert(owner, before, by="", now=now)
        last = await _current(owner)
    if last is None:
        return None
    standing = [version for version in await list_versions(owner) if not version.undone]
    if len(standing) < 2:
        return None
    await v.update({v.undone: True}).where(v.id == last.id)
    return standing[1]


async def forget_branding(owner: str) -> None:
    """Drafts and versions of something that is deleted."""
    await discard_draft(owner)
    await BrandingVersionRow.delete().where(BrandingVersionRow.owner == owner)


async def _current(owner: str) -> SavedBranding | None:
    return next((version for version in await list_versions(owner) if not version.undone), None)


async def _insert(owner: str, value: Mapping[str, str], *, by: str, now: int) -> None:
    v = BrandingVersionRow
    last = await v.select(v.position).where(v.owner == owner).order_by(v.position, ascending=False).first()
    await v.insert(
        v(
            id=new_id(),
            owner=owner,
            position=(last["position"] if last else 0) + 1,
            value=json.dumps(said(value)),
            published_at=now,
            published_by=by,
        )
    )


def said(value: Mapping[str, str]) -> dict[str, str]:
    """A branding without what it is silent about."""
    return {name: text for name, text in value.items() if text}


async def save_stylesheet(source: str, content: str, now: int) -> str:
    """Keep custom CSS; returns its address on our origin."""
    s = StylesheetRow
    name = stylesheet_name(source, content)
    await s.insert(s(id=name, source=source, content=content, created_at=now)).on_conflict(action="DO NOTHING")
    return STYLESHEETS + name


def stylesheet_name(source: str, content: str) -> str:
    """The hash of what was typed and of what is served."""
    return hashlib.sha256(f"{source}\0{content}".encode()).hexdigest()[:40] + ".css"


async def find_stylesheet(name: str) -> str:
    """The CSS as it is served; empty when there is none of this name."""
    row = await StylesheetRow.select(StylesheetRow.content).where(StylesheetRow.id == name[:64]).first()
    return str(row["content"]) if row else ""


async def find_stylesheet_source(address: str) -> str:
    """The CSS as it was typed, by its address; empty when there is none."""
    name = address.removeprefix(STYLESHEETS)
    row = await StylesheetRow.select(StylesheetRow.source).where(StylesheetRow.id == name[:64]).first()
    return str(row["source"]) if row else ""
