"""What a device that asks is answered. RFC 8628 §3.5."""

from __future__ import annotations

import asyncio

import httpx

from credenza.store import audit
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent

from .conftest import DEVICE_CODE, approve, begin, enter, poll


def test_pending_then_approved_then_one_success(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """ "authorization_pending: The authorization request is still pending as the end user hasn't yet completed the
    user-interaction steps". RFC 8628 §3.5. SECURITY R-DV-02, A-DEV-02.
    """
    started = begin(device)
    assert poll(device, started).json()["error"] == "authorization_pending"
    page = approve(user_agent, started["user_code"].lower().replace("-", " "))
    assert (page.name, "connected" in page.text) == ("device", True)
    credenza.clock.move(6)
    tokens = poll(device, started)
    assert tokens.status_code == 200, tokens.text
    assert device.userinfo(tokens.json()["access_token"]).json()["name"] == "Ada Lovelace"
    assert device.refresh(tokens.json()["refresh_token"]).status_code == 200
    credenza.clock.move(6)
    assert poll(device, started).json()["error"] == "invalid_grant"


async def poll_at_once(credenza: Credenza, form: dict[str, str], times: int) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app=credenza.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=credenza.issuer) as http:
        return await asyncio.gather(*(http.post("/token", data=dict(form)) for _ in range(times)))


def test_polls_at_the_same_moment_get_one_set_of_tokens(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY A-DEV-04, R-DV-02."""
    started = begin(device)
    approve(user_agent, started["user_code"])
    form = {"grant_type": DEVICE_CODE, "device_code": started["device_code"], "client_id": "native"}
    answers = credenza.run(poll_at_once, credenza, form, 20)
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {answer.json()["error"] for answer in answers if answer.status_code != 200} <= {"invalid_grant", "slow_down"}


def test_polling_faster_slows_down(credenza: Credenza, device: RelyingParty) -> None:
    """ "the interval MUST be increased by 5 seconds for this and all subsequent requests". RFC 8628 §3.5."""
    started = begin(device)
    assert poll(device, started).json()["error"] == "authorization_pending"
    assert poll(device, started).json()["error"] == "slow_down"
    credenza.clock.move(6)
    assert poll(device, started).json()["error"] == "slow_down"  # the interval has grown by five seconds
    credenza.clock.move(16)
    assert poll(device, started).json()["error"] == "authorization_pending"


def test_a_device_that_waits_was_not_refused(credenza: Credenza, device: RelyingParty) -> None:
    """ "the client MUST wait between polling attempts" and ask again: twelve times a minute. RFC 8628 §3.5."""
    started = begin(device)
    assert [poll(device, started).json()["error"] for _ in range(2)] == ["authorization_pending", "slow_down"]
    assert credenza.run(audit.list_events, name="TokenRefused") == []
    credenza.clock.move(3600)
    assert poll(device, started).json()["error"] == "expired_token"
    (event,) = credenza.run(audit.list_events, name="TokenRefused")
    assert event.data["error"] == "expired_token", "the administrator finds it under Activity"


def test_denied_and_expired(credenza: Credenza, user_agent: UserAgent, device: RelyingParty) -> None:
    """ "access_denied: The authorization request was denied." "expired_token: The 'device_code' has expired". RFC 8628
    §3.5.
    """
    denied, expired = begin(device), begin(device)
    enter(user_agent, denied["user_code"])
    page = user_agent.submit([("decision", "deny")])
    assert isinstance(page, PageSeen)
    assert page.name == "device"
    assert poll(device, denied).json()["error"] == "access_denied"
    credenza.clock.move(700)
    assert poll(device, expired).json()["error"] == "expired_token"
