"""Pictures of a branding, which are files beside the desired-state file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..protocol.clients import Branding
from ..store.provider import find_image
from ..web.images import UnusableImage, store_image
from .run import Run, StateError

FILE = "name a file beside this one, or leave it out"
BRANDING = tuple(f.name for f in fields(Branding))


async def stored_logos(run: Run, branding: Mapping[str, Any], name: str) -> dict[str, str]:
    """Logos are files beside the desired-state file; they are checked in every pass and stored in the last one."""
    stored = {}
    for key in ("logo", "dark_logo", "favicon"):
        if not branding.get(key):
            continue
        path = run.folder / str(branding[key])
        if (address := str(branding[key])).startswith("/image/"):
            if await find_image(address.removeprefix("/image/")) is None:
                raise StateError(f"{name}: branding: {key}: {address} is not in this database; {FILE}")
            stored[key] = address
            continue
        try:
            stored[key] = await store_logo(path, run)
        except OSError as error:
            raise StateError(f"{name}: branding: {path}: {error.strerror}") from error
        except UnusableImage as error:
            raise StateError(f"{name}: branding: {path}: {error}") from error
    return stored


async def store_logo(path: Path, run: Run) -> str:
    content = await asyncio.to_thread(path.read_bytes)
    return await store_image(content, run.server.now(), keep=not run.dry)
