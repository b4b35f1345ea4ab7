"""A client that registered itself, and what it does with its own record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass
class Registered:
    """What the client was told. Requests are right but for the changes; None leaves a member out."""

    credenza: Credenza
    information: dict[str, Any]
    verifier: str = "a-code-verifier-of-the-tests-that-is-long-enough"

    @property
    def id(self) -> str:
        return str(self.information["client_id"])

    @property
    def token(self) -> str:
        return str(self.information["registration_access_token"])

    @property
    def party(self) -> RelyingParty:
        party = RelyingParty(
            self.credenza,
            self.id,
            self.information["redirect_uris"][0],
            secret=self.information.get("client_secret", ""),
            auth_method=self.information["token_endpoint_auth_method"],
        )
        party.verifier = self.verifier
        return party

    def request(self, method: str, *, client_id: str = "", token: str | None = None, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token if token is None else token}".encode()}
        return self.credenza.request(method, f"/register/{client_id or self.id}", headers=headers, **options)

    def read(self) -> httpx.Response:
        return self.request("GET")

    def put(self, **changes: Any) -> httpx.Response:
        """Replace the record; the new token is used from then on."""
        members = METADATA | {"client_id": self.id} | changes
        response = self.request("PUT", json={name: value for name, value in members.items() if value is not None})
        if response.status_code == 200:
            self.information |= response.json()
        return response

    def delete(self) -> httpx.Response:
        return self.request("DELETE")


@pytest.fixture
def credenza_settings(web_site: Any) -> dict[str, Any]:
    return {"registration": "open", "registration_limit_per_hour": 1000, "outbound_allow": (web_site.host,)}


@pytest.fixture
def register(credenza: Credenza) -> Callable[..., Registered]:
    def made(**changes: Any) -> Registered:
        response = credenza.request("POST", "/register", json=METADATA | changes)
        assert response.status_code == 201, response.text
        return Registered(credenza, response.json())

    return made


@pytest.fixture
def mine(register: Callable[..., Registered]) -> Registered:
    """A confidential client."""
    return register()
