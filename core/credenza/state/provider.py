"""The section `provider`: how the identity provider shows itself."""

from __future__ import annotations

import asyncio
from typing import Any

from ..objects import StateSection
from ..store.branding import STYLESHEETS, find_stylesheet_source, save_stylesheet, stylesheet_name
from ..store.provider import find_provider_setting, save_provider_setting
from ..web.custom_css import UnusableCss, clean_css
from ..web.palette import Palette
from ..web.themes import Wardrobe
from .branding import BRANDING, FILE, declared_branding
from .members import MAPPING, TEXT, check_keys
from .run import Run, StateError

MEMBERS = {**BRANDING, "name": TEXT, "stylesheet": TEXT}


async def _apply(part: Any, run: Run) -> None:
    members = check_keys(part or {}, {"branding": MAPPING}, "provider")
    declared = dict(check_keys(members.get("branding", {}), MEMBERS, "provider: branding"))
    if "name" in declared:
        declared["display_name"] = declared.pop("name")
    stylesheet = declared.pop("stylesheet", None)
    before = await find_provider_setting("branding")
    after = await declared_branding(run, declared, "provider", before, level="provider")
    if stylesheet is not None:
        palette = Wardrobe(run.server.themes.values()).palette(after.get("theme", ""))
        try:
            after["stylesheet"] = await _stylesheet(run, stylesheet, palette)
        except (OSError, UnicodeDecodeError, UnusableCss) as error:
            raise StateError(f"branding: {error}") from error

    async def write() -> None:
        now = await find_provider_setting("branding")  # whatever else is changed meanwhile stays
        now |= {key: after.get(key, "") for key in changed}
        await save_provider_setting("branding", {key: value for key, value in now.items() if value})

    changed = [key for key in {**before, **after} if before.get(key, "") != after.get(key, "")]
    if changed:
        shown = [{key: branding.get(key, "") for key in changed} for branding in (before, after)]
        await run.change("updated", "provider", "branding", write, before=shown[0], after=shown[1])


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
