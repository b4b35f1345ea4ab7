"""What the file names and cannot hold: pictures and custom CSS, as files beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..store.branding import STYLESHEETS, find_stylesheet_source
from ..store.provider import find_image
from ..web.custom_css import GUARD, clean_css
from ..web.palette import Palette
from .branding import IMAGES


async def name_files(part: Any, palette: Callable[[str], Palette], held: dict[str, bytes]) -> Any:
    """A part with names of files in place of addresses of our own; what is in these files comes into `held`."""
    if isinstance(part, list):
        return [await name_files(item, palette, held) for item in part]
    if not isinstance(part, Mapping) or not isinstance(part.get("branding"), Mapping):
        return part
    branding = dict(part["branding"])
    for key in IMAGES:
        picture = str(branding.get(key, "")).removeprefix("/image/")
        if found := await find_image(picture):
            branding[key] = f"{picture[:16]}.png"
            held[branding[key]] = found[1]
    if str(branding.get("stylesheet", "")).startswith(STYLESHEETS):
        css = await _stylesheet(branding["stylesheet"], palette(str(branding.get("theme", ""))))
        branding["stylesheet"] = "provider.css"
        held[branding["stylesheet"]] = css.encode()
    return {**part, "branding": branding}


async def _stylesheet(address: str, palette: Palette) -> str:
    """As it was typed; what is left of it when something was left out, because that is an error in a file."""
    source = await find_stylesheet_source(address)
    cleaned = clean_css(source, palette)
    return cleaned.content.removeprefix(GUARD) if cleaned.remarks else source
