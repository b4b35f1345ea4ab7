"""The integration kit's snippets, run as the console prints them: only the secret is pasted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from credenza.testing import PageSeen, UserAgent

from .conftest import led_by

pytestmark = pytest.mark.clients

SECRET = "<the secret you copied>"  # a place for one
BACK = "\n// at the redirect URI"
ASKED = """
import {{ createInterface }} from "node:readline/promises";
{snippet}
console.log(url.href);
const currentUrl = (await createInterface({{ input: process.stdin }})[Symbol.asyncIterator]().next()).value;
// at the redirect URI{rest}
console.log(JSON.stringify(user));
process.exit();
"""


@pytest.fixture(scope="module")
def snippets(live_server: Any) -> Callable[[str], dict[str, str]]:
    """What the console's page prints for an application, by library."""
    admin = UserAgent(live_server)
    admin.get("/console")
    admin.sign_in("root")

    def read(client_id: str) -> dict[str, str]:
        page = admin.get(f"/console/applications/{client_id}/kit")
        assert isinstance(page, PageSeen)
        found = re.findall(r'aria-label="Snippet for ([^"]*)"><code>(.*?)</code>', page.html, re.DOTALL)
        return {library: unescape(text) for library, text in found}

    return read


@pytest.mark.parametrize("library", ["openid-client", "oauth4webapi"])
@pytest.mark.parametrize("settings", [{}, {"type": "spa"}, {"token_endpoint_auth_method": "client_secret_post"}])
def test_a_snippet_signs_somebody_in(
    snippets: Callable[[str], dict[str, str]],
    application: Callable[..., dict[str, Any]],
    the_user: Callable[[str], str],
    node_modules: Path,
    library: str,
    settings: dict[str, Any],
) -> None:
    registered = application(**settings)
    code = snippets(registered["client_id"])[library].replace(SECRET, registered.get("client_secret", ""))
    begins, ends = code.split(BACK)
    script = node_modules / f"{registered['client_id']}.mjs"
    script.write_text(ASKED.format(snippet=begins, rest=ends))
    try:
        user = json.loads(led_by(the_user, "node", script.name, cwd=node_modules))
    finally:
        script.unlink()
    assert (user["name"], user["email"]) == ("Ada Lovelace", "ada@example.com")
