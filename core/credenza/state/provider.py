"""The section `provider`: how the identity provider shows itself."""

from __future__ import annotations

import asyncio
from typing import Any

from ..objects import StateSection
from ..store.branding import STYLESHEETS, find_stylesheet_source, save_stylesheet, stylesheet_name
from ..store.provider import find_provider_setting, save_provider_setting
from ..web.branding import check_branding
from ..web.custom_css import UnusableCss, clean_css
from ..web.palette import Palette
from ..web.themes import Wardrobe
from .logos import BRANDING, FILE, stored_logos
from .run import Run, StateError, check_keys


async def _apply(part: Any, run: Run) -> None:
    members = check_keys(part or {}, ("branding",), "provider")
    declared = dict(check_keys(members.get("branding") or {}, (*BRANDING, "name"), "provider: branding"))
    if "name" in declared:
        declared["display_name"] = declared.pop("name")
    branding = {key: str(value or "") for key, value in declared.items()} | await stored_logos(
        run, declared, "provider"
    )
    before = await find_provider_setting("branding")
    palette = Wardrobe(run.server.themes.values()).palette((before | branding).get("theme", ""))
    try:
        check_branding(branding, palette)
        if "stylesheet" in declared:
            branding["stylesheet"] = await _stylesheet(run, str(declared["stylesheet"] or ""), palette)
    except (OSError, ValueError, UnusableCss) as error:
        raise StateError(f"branding: {error}") from error

    async def write() -> None:
        await save_provider_setting("branding", {key: value for key, value in (before | branding).items() if value})

    if any(before.get(key, "") != value for key, value in branding.items()):
        await run.change("updated", "provider", "branding", write, before=before, after=branding)


async def _stylesheet(run: Run, path: str, palette: Palette) -> str:
    """Custom CSS is a file beside the desired-state file; here it is an error to write what would be left out."""
    if path.startswith(STYLESHEETS) and not await find_stylesheet_source(path):
        raise StateError(f"provider: branding: stylesheet: {path} is not in this database; {FILE}")
    if not path or path.startswith(STYLESHEETS):
        return path
    source = await asyncio.to_thread((run.folder / path).read_text, encoding="utf-8")
    cleaned = clean_css(source, palette)
    if cleaned.remarks:
        remarks = "; ".join(f"line {remark.line}: {remark.text}" for remark in cleaned.remarks)
        raise UnusableCss(f"{path}: {remarks}")
    if run.dry:
        return STYLESHEETS + stylesheet_name(source, cleaned.content)
    return await save_stylesheet(source, cleaned.content, run.server.now())


async def _export() -> dict[str, Any]:
    branding = await find_provider_setting("branding")
    if "display_name" in branding:
        branding = {"name": branding.pop("display_name"), **branding}
    return {"branding": branding} if branding else {}


SECTION = StateSection("provider", 700, _apply, _export)
