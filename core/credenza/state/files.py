"""What the file names and cannot hold: pictures and custom CSS, as files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..store.branding import STYLESHEETS, find_stylesheet_source
from ..store.provider import find_image
from ..web.custom_css import GUARD, clean_css
from ..web.palette import Palette
from .branding import IMAGES


async def name_files(document: Mapping[str, Any], palette: Palette) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The exported state with names of files in place of addresses of our own, and what is in these files."""
    files: dict[str, bytes] = {}

    async def named(item: Any) -> Any:
        if not isinstance(item, Mapping) or not isinstance(item.get("branding"), Mapping):
            return item
        branding = dict(item["branding"])
        for key in IMAGES:
            picture = str(branding.get(key, "")).removeprefix("/image/")
            if found := await find_image(picture):
                branding[key] = f"{picture[:16]}.png"
                files[branding[key]] = found[1]
        if str(branding.get("stylesheet", "")).startswith(STYLESHEETS):
            css = await _stylesheet(branding["stylesheet"], palette)
            branding["stylesheet"] = "provider.css"
            files[branding["stylesheet"]] = css.encode()
        return {**item, "branding": branding}

    written = {
        name: [await named(item) for item in part] if isinstance(part, list) else await named(part)
        for name, part in document.items()
    }
    return written, files


async def _stylesheet(address: str, palette: Palette) -> str:
    """As it was typed; what is left of it when something was left out, because that is an error in a file."""
    source = await find_stylesheet_source(address)
    cleaned = clean_css(source, palette)
    return cleaned.content.removeprefix(GUARD) if cleaned.remarks else source
