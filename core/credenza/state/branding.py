"""A branding as it stands in the file: texts that may be shown, pictures that are files beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..protocol.clients import Branding
from ..store.provider import find_image
from ..web.branding import check_branding, display_name_mistake
from ..web.images import UnusableImage, store_image
from ..web.themes import Wardrobe
from .members import TEXT, check_keys
from .run import Run, StateError

FILE = "name a file beside this one, or leave it out"
IMAGES = ("logo", "dark_logo", "favicon")
# Custom CSS is the provider's.
BRANDING = {f.name: TEXT for f in fields(Branding) if f.name != "stylesheet"}


async def declared_branding(
    run: Run, part: Any, name: str, before: Mapping[str, str], *, level: str = "context"
) -> dict[str, str]:
    """What `branding` makes of the one `before`: each text checked, each picture encoded again and stored.

    Raises StateError. What the file leaves out stays, and what it leaves empty is gone. `level` is that of its
    BrandingEditor.
    """
    what = f"{name}: branding"
    declared = {key: str(value) for key, value in check_keys(part or {}, BRANDING, what).items()}
    if (theme := declared.get("theme", "")) and theme not in run.server.themes:
        raise StateError(f"{what}: there is no theme {theme!r}; the themes are {', '.join(run.server.themes)}")
    called = declared.get("display_name", "")
    if called != before.get("display_name", "") and (wrong := display_name_mistake(called, level)):
        raise StateError(f"{what}: display_name: {wrong}")
    for key in IMAGES:
        if declared.get(key):
            declared[key] = await _stored(run, declared[key], f"{what}: {key}")
    after = {key: value for key, value in (dict(before) | declared).items() if value}
    try:
        check_branding(after, Wardrobe(run.server.themes.values()).palette(after.get("theme", "")))
    except ValueError as error:
        raise StateError(f"{what}: {error}") from error
    return after


async def _stored(run: Run, address: str, what: str) -> str:
    """Checked in every pass, stored in the last one."""
    if address.startswith("/image/"):
        if await find_image(address.removeprefix("/image/")) is None:
            raise StateError(f"{what}: {address} is not in this database; {FILE}")
        return address
    path = run.folder / address
    try:
        content = await asyncio.to_thread(path.read_bytes)
        return await store_image(content, run.server.now(), keep=not run.dry)
    except OSError as error:
        raise StateError(f"{what}: {path}: {error.strerror}") from error
    except UnusableImage as error:
        raise StateError(f"{what}: {path}: {error}") from error
