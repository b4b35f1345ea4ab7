"""A device that asks, and whoever enters its code in a browser."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def device(credenza: Credenza) -> RelyingParty:
    """The native application `native`, with the device code grant chosen for it."""
    grants = ["authorization_code", "refresh_token", DEVICE_CODE]
    credenza.apply({"applications": [{"client_id": "native", "name": "Tide CLI", "grant_types": grants}]})
    return RelyingParty(credenza, "native", "http://127.0.0.1/cb", auth_method="none")


def begin(device: RelyingParty, **changes: str) -> dict[str, Any]:
    return device.begin_device(**{"scope": "openid profile offline_access"} | changes)


def poll(device: RelyingParty, started: dict[str, Any], **changes: str) -> httpx.Response:
    return device.poll_device(started, **changes)


def enter(user_agent: UserAgent, code: str) -> PageSeen:
    """Type the code in, sign in when asked."""
    user_agent.get("/device")
    page = user_agent.submit([("user_code", code)])
    assert isinstance(page, PageSeen)
    if page.name == "sign-in":
        page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    return page


def approve(user_agent: UserAgent, code: str) -> PageSeen:
    page = enter(user_agent, code)
    assert page.name == "device"
    page = user_agent.submit([("decision", "authorize")])
    assert isinstance(page, PageSeen)
    assert page.name == "consent", page.text
    page = user_agent.decide("authorize")
    assert isinstance(page, PageSeen)
    return page
