"""3rd Party-Init OP: `oidcc-3rdparty-init-login-certification-test-plan`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

INITIATE = "https://localhost.emobix.co.uk:8443/test/a/credenza/initiate_login"


def test_oidcc_3rd_party_init_login(provider: Any, dynamic_client: Callable[..., Any]) -> None:
    """`initiate_login_uri` is in the registration's answer, and in that of `registration_client_uri`."""
    client = dynamic_client(initiate_login_uri=INITIATE)
    assert client.information["initiate_login_uri"] == INITIATE
    headers = {"authorization": f"Bearer {client.information['registration_access_token']}"}
    response = provider.request("GET", client.information["registration_client_uri"], headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == "application/json"
    assert response.json()["initiate_login_uri"] == INITIATE


def test_oidcc_3rd_party_init_login_nohttps(
    register: Callable[..., httpx.Response], client_key: dict[str, Any], error: Callable[..., str]
) -> None:
    """An `initiate_login_uri` with http: 400 `invalid_client_metadata`."""
    response = register(client_key, initiate_login_uri=INITIATE.replace("https:", "http:"))
    assert error(response) == "invalid_client_metadata"
