"""Files of ours, from memory, at addresses that change with their content, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

TYPES = {".css": "text/css", ".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}


class StaticFiles:
    """A folder at `prefix`/{version}/…, where the version is the hash of everything in it."""

    def __init__(self, prefix: str, folder: Path) -> None:
        self.prefix = prefix
        self._files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        hashes = hashlib.sha256()
        for name, content in self._files.items():
            hashes.update(name.encode() + b"\0" + content)
        self.version = hashes.hexdigest()[:16]

    def address(self, name: str) -> str:
        """Where a file is served; KeyError for one that is not there."""
        if name not in self._files:
            raise KeyError(f"{self.prefix} has no file {name!r}")
        return f"{self.prefix}/{self.version}/{name}"

    def response(self, name: str) -> Response[bytes]:
        content = self._files.get(name)
        if content is None:
            raise NotFoundException
        suffix = Path(name).suffix
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if suffix == ".svg":  # an image that could hold a script
            headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        media_type = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(content, media_type=media_type, headers=headers)

    def handler(self) -> HTTPRouteHandler:
        @get(f"{self.prefix}/{{version:str}}/{{name:path}}", sync_to_thread=False, include_in_schema=False)
        def static_file(version: FromPath[str], name: FromPath[Path]) -> Response[bytes]:
            return self.response(name.as_posix().lstrip("/"))

        return static_file
