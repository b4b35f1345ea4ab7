"""The section `provider`: how the identity provider shows itself."""

from __future__ import annotations

from typing import Any

from ..objects import StateSection
from ..store.provider import find_provider_setting, save_provider_setting
from ..web.branding import check_branding
from .applications import BRANDING, stored_logos
from .run import Run, StateError, check_keys


async def _apply(part: Any, run: Run) -> None:
    members = check_keys(part or {}, ("branding",), "provider")
    declared = dict(check_keys(members.get("branding") or {}, (*BRANDING, "name"), "provider: branding"))
    if "name" in declared:
        declared["display_name"] = declared.pop("name")
    branding = {key: str(value or "") for key, value in declared.items()} | await stored_logos(
        run, declared, "provider"
    )
    try:
        check_branding(branding)
    except ValueError as error:
        raise StateError(f"branding: {error}") from error
    before = await find_provider_setting("branding")

    async def write() -> None:
        await save_provider_setting("branding", {key: value for key, value in (before | branding).items() if value})

    if any(before.get(key, "") != value for key, value in branding.items()):
        await run.change("updated", "provider", "branding", write, before=before, after=branding)


async def _export() -> dict[str, Any]:
    branding = await find_provider_setting("branding")
    if "display_name" in branding:
        branding = {"name": branding.pop("display_name"), **branding}
    return {"branding": branding} if branding else {}


SECTION = StateSection("provider", 700, _apply, _export)
