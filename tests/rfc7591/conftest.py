"""Clients that register themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from credenza.testing import Credenza, RelyingParty

METADATA: dict[str, Any] = {
    "client_name": "Gull Watch",
    "redirect_uris": ["https://gull.example.net/cb"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
}


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    return {"registration": "open", "registration_limit_per_hour": 1000}


@pytest.fixture
def register(credenza: Credenza) -> Callable[..., httpx.Response]:
    """POST metadata that is right but for the changes; None leaves a member out."""

    def post(headers: dict[str, str] | None = None, address: str = "203.0.113.7", **changes: Any) -> httpx.Response:
        members = {name: value for name, value in (METADATA | changes).items() if value is not None}
        return credenza.request("POST", "/register", json=members, headers=headers or {}, address=address)

    return post


@pytest.fixture
def relying_party(credenza: Credenza) -> Callable[[dict[str, Any]], RelyingParty]:
    """The client that a registration made."""

    def made(information: dict[str, Any]) -> RelyingParty:
        return RelyingParty(
            credenza,
            information["client_id"],
            information["redirect_uris"][0],
            secret=information.get("client_secret", ""),
            auth_method=information["token_endpoint_auth_method"],
        )

    return made
