"""Files of ours, from memory, at addresses that change with their content, so that browsers may keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from .requests import AnyRequest

TYPES = {".css": "text/css", ".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
LASTING = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
SCHEMES = {"light": "dark", "dark": "light"}


def in_scheme(text: str, scheme: str) -> str:
    """CSS or HTML as it is in one scheme, whatever the browser prefers: for previews. Unchanged for another word."""
    if scheme not in SCHEMES:
        return text
    text = re.sub(rf"\(\s*prefers-color-scheme\s*:\s*{scheme}\s*\)", "(min-width: 0)", text)
    text = re.sub(rf"\(\s*prefers-color-scheme\s*:\s*{SCHEMES[scheme]}\s*\)", "(max-width: 0)", text)
    text = text.replace('content="light dark"', f'content="{scheme}"')
    return re.sub(r'(<link rel="stylesheet" href="/[^"?]+)"', rf'\1?scheme={scheme}"', text)


@lru_cache(maxsize=128)
def packed(content: bytes) -> bytes:
    """The same for everybody and no secret in it, so that its length tells nothing."""
    return gzip.compress(content, 6, mtime=0)


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

    def has(self, name: str) -> bool:
        return name in self._files

    def text(self, name: str) -> str:
        """What is in a file; what is not UTF-8 in it is replaced. KeyError for one that is not there."""
        return self._files[name].decode(errors="replace")

    def items(self) -> Mapping[str, bytes]:
        return self._files

    def response(self, name: str, scheme: str = "", *, accepts: str = "") -> Response[bytes]:
        """`accepts` is Accept-Encoding: text travels packed to those who can unpack it. RFC 9110 §12.5.3."""
        content = self._files.get(name)
        if content is None:
            raise NotFoundException
        suffix = Path(name).suffix
        headers = LASTING | {"Cross-Origin-Resource-Policy": "same-origin"}
        if suffix == ".svg":  # an image that could hold a script
            headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        if suffix == ".css" and scheme:
            content = in_scheme(content.decode(errors="replace"), scheme).encode()
        if suffix in (".css", ".js", ".svg"):
            headers["Vary"] = "Accept-Encoding"
            if re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", accepts):
                content, headers["Content-Encoding"] = packed(content), "gzip"
        media_type = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(content, media_type=media_type, headers=headers)

    def handler(self) -> HTTPRouteHandler:
        @get(f"{self.prefix}/{{version:str}}/{{name:path}}", sync_to_thread=False, include_in_schema=False)
        def static_file(request: AnyRequest, version: FromPath[str], name: FromPath[Path]) -> Response[bytes]:
            accepts = request.headers.get("accept-encoding", "")
            return self.response(name.as_posix().lstrip("/"), request.query_params.get("scheme", ""), accepts=accepts)

        return static_file
