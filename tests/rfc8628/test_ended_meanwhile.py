"""What was approved, and ended before the device fetched it."""

from __future__ import annotations

import pytest

from credenza import consents, revoke_consent, set_password, users
from credenza.store.revocation import revoke_consented_grants
from credenza.testing import Credenza, RelyingParty, UserAgent

from .conftest import approve, begin, enter, poll


def test_a_suspended_user_gets_nothing(credenza: Credenza, user_agent: UserAgent, device: RelyingParty) -> None:
    """SECURITY R-DV-05, A-BRU-06."""
    started = begin(device)
    approve(user_agent, started["user_code"])
    credenza.apply({"users": [{"username": "ada", "suspended": True}]})
    assert poll(device, started).json()["error"] == "invalid_grant"


def test_a_new_password_ends_what_no_device_has_fetched_yet(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-TK-19: whoever knew the old one may have approved it; a code that is open ends likewise."""
    started = begin(device)
    approve(user_agent, started["user_code"])
    callback = user_agent.authorize(device, scope="openid profile")
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    stored = ada.password_hash or ""
    credenza.run(set_password, credenza.server, ada, stored, through="account", address="", sign_out=False)
    assert poll(device, started).json()["error"] == "invalid_grant"
    assert device.redeem(callback).json()["error"] == "invalid_grant"


def test_a_consent_that_is_taken_back_does_not_come_back_to_a_device(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-AZ-32, R-TK-19: nor when the user allows the same application again elsewhere."""
    started = begin(device)
    approve(user_agent, started["user_code"])
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    for consent in credenza.run(consents.list_consents, user_id=ada.id):
        assert credenza.run(revoke_consent, credenza.server, ada.id, consent.id, actor=ada.id, address="")
    device.tokens(user_agent.authorize(device, scope="openid profile"))
    assert poll(device, started).json()["error"] == "invalid_grant"


def test_a_consent_for_one_organization_that_is_taken_back_ends_no_device_for_another(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """PRODUCT +19: a device that had been allowed for Basalt got nothing once Acme was taken back."""
    organizations = "urn:credenza:scope:organizations"
    credenza.apply(
        {
            "organizations": [{"id": key, "name": key, "members": [{"username": "ada"}]} for key in ("acme", "basalt")],
            "applications": [
                {"client_id": "native", "name": "Tide CLI", "permissions": {"profile": ["profile", organizations]}}
            ],
        }
    )
    started = {}
    for key in ("acme", "basalt"):
        started[key] = begin(device, scope=f"openid profile {organizations}")
        enter(user_agent, started[key]["user_code"])
        user_agent.submit([("decision", "authorize")])
        user_agent.decide(organization=key)
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    credenza.run(revoke_consented_grants, ada.id, "native", {"organization": "acme"}, credenza.server.now())
    assert poll(device, started["acme"]).json()["error"] == "invalid_grant"
    token = poll(device, started["basalt"]).json()["access_token"]
    assert device.userinfo(token).json()["organizations"] == ["basalt"]


@pytest.mark.parametrize("scope", ["openid profile", "openid profile offline_access"])
def test_signing_out_ends_what_no_device_has_fetched_yet(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty, scope: str
) -> None:
    """As it ends a code and a grant: all but access while the user is away. Back-Channel Logout §2.7."""
    started, pending = begin(device, scope=scope), begin(device, scope=scope)
    approve(user_agent, started["user_code"])
    user_agent.get("/logout")
    user_agent.submit([("decision", "sign-out")])
    answer = poll(device, started)
    if "offline_access" in scope:
        assert device.userinfo(answer.json()["access_token"]).status_code == 200
        assert device.refresh(answer.json()["refresh_token"]).status_code == 200
    else:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert poll(device, pending).json()["error"] == "authorization_pending"
