"""npm's openid-client, in its own runtime."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.clients


def test_code_with_pkce_then_userinfo_refresh_introspection_revocation_and_logout(
    live_server: Any,
    application: Callable[..., dict[str, Any]],
    the_user: Callable[[str], str],
    node_modules: Path,
) -> None:
    registered = application(offline_access=True, post_logout_redirect_uris=["https://rp.example.com/bye"])
    given = {
        "issuer": live_server.issuer,
        "client_id": registered["client_id"],
        "client_secret": registered["client_secret"],
        "redirect_uri": registered["redirect_uris"][0],
        "post_logout_redirect_uri": registered["post_logout_redirect_uris"][0],
    }
    with subprocess.Popen(
        ["node", "openid_client.mjs", json.dumps(given)],
        cwd=node_modules,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as node:
        assert node.stdout is not None
        address = node.stdout.readline().strip()
        printed, errors = node.communicate((the_user(address) if address else "") + "\n", timeout=60)
        assert node.returncode == 0, errors
    seen = json.loads(printed)
    assert seen["claims"]["iss"] == live_server.issuer
    assert seen["userinfo"]["sub"] == seen["claims"]["sub"]
    assert (seen["userinfo"]["name"], seen["userinfo"]["email"]) == ("Ada Lovelace", "ada@example.com")
    assert seen["active"]["active"] is True
    assert seen["active"]["client_id"] == registered["client_id"]
    assert seen["revoked"] == {"active": False}
    assert the_user(seen["logout"]) == f"https://rp.example.com/bye?state={seen['state']}"
