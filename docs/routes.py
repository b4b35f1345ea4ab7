"""The page `reference/routes.md`: every route, who may use it, and what guards it.

The console's routes say so themselves; all others are in `reference/routes.toml`, which `tests/security/test_routes.py`
compares with a server in which everything is switched on.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from textwrap import fill

from credenza import Settings
from credenza.plugins import load_plugins
from credenza_console import build_console

DOCS = Path(__file__).parent
NO_HEAD = (
    "/authorize",
    "/interaction/{token}",
    "/interaction/{token}/switch",
    "/interaction/{token}/{name}",
    "/logout",
    "/upstream/{upstream_id}/begin",
    "/upstream/{upstream_id}/callback",
    "/userinfo",
)


def declared() -> dict[str, list[str]]:
    """`METHOD path`: who, forms, limits, caches."""
    return dict(tomllib.loads((DOCS / "reference/routes.toml").read_text())["routes"])


def console_routes() -> dict[str, str]:
    """`METHOD path`: the permission that an administrator's role must have."""
    routes = build_console(load_plugins(), settings=Settings()).routes.values()
    return {f"{route.method} {re.sub(r':[a-z]+', '', route.path)}": route.permission for route in routes}


def routes_page(note: str) -> str:
    lines = "\n".join(f"| `{route}` | {' | '.join(columns)} |" for route, columns in declared().items())
    console = "\n".join(
        f"| `{route}` | `{permission}` |" for route, permission in sorted(console_routes().items(), key=_by_path)
    )
    heads = fill(
        "Whatever answers GET answers HEAD too, without the body and without cookies (RFC 9110 §9.3.2). Where GET uses "
        "something up, acts, or takes a proof of the method, HEAD is 405: "
        + ", ".join(f"`{path}`" for path in NO_HEAD)
        + ".",
        width=120,
        break_on_hyphens=False,
    )
    return f"""{note}
# Routes

Every route of a server with all first-party plugins and everything switched on. A route that is in no table stops the
tests, and what the tables say is tried: who is let in, that a form without its token changes nothing, and the
`Cache-Control` of the answer.

{heads}

*Form* means that a token in the form is bound to the browser's own cookie, and that the form was sent from our origin.
Errors are never cached.

| Route | For | Forms | Limited | Caches |
|---|---|---|---|---|
{lines}

## The console

Each needs the session of an administrator whose role has the permission; each POST is a form as above; nothing is
cached.

| Route | Permission |
|---|---|
{console}
"""


def _by_path(item: tuple[str, str]) -> tuple[str, str]:
    method, _, path = item[0].partition(" ")
    return path, method
