"""Who may ask for the tokens, and with what. RFC 8628 §3.4."""

from __future__ import annotations

from credenza.protocol.pkce import s256
from credenza.store import audit
from credenza.testing import Credenza, RelyingParty, UserAgent

from .conftest import DEVICE_CODE, approve, begin, poll


def test_a_client_says_who_it_is(credenza: Credenza, device: RelyingParty) -> None:
    """ "client_id REQUIRED if the client is not authenticating with the authorization server". RFC 8628 §3.1, §3.4."""
    form = {"grant_type": DEVICE_CODE, "device_code": begin(device)["device_code"]}
    for path, sent in (("/token", form), ("/device_authorization", {"scope": "openid"})):
        answer = credenza.request("POST", path, data=sent)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_the_device_code_is_required(device: RelyingParty) -> None:
    """ "device_code REQUIRED." RFC 8628 §3.4."""
    answer = device.post("/token", {"grant_type": DEVICE_CODE})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_it_is_bound_to_its_client(credenza: Credenza, device: RelyingParty, spa: RelyingParty) -> None:
    """SECURITY R-DV-04."""
    started = begin(device)
    grants = ["authorization_code", "refresh_token"]
    assert poll(spa, started).json()["error"] == "unauthorized_client"
    credenza.apply({"applications": [{"client_id": "native", "name": "Tide CLI", "grant_types": grants}]})
    assert poll(device, started).json()["error"] == "unauthorized_client"
    assert device.post("/device_authorization", {"scope": "openid"}).json()["error"] == "unauthorized_client"
    (event, *_) = credenza.run(audit.list_events, client="native", name="AuthorizationRefused", limit=1)
    assert event.data["error"] == "unauthorized_client", "the administrator finds it under Activity"


def test_another_client_that_may_use_device_codes_cannot_use_this_one(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-DV-04: it is unknown to everybody else, before and after the approval, and lives on."""
    started = begin(device)
    grants = ["authorization_code", "refresh_token", DEVICE_CODE]
    other = {"client_id": "lamp", "name": "Lamp", "type": "native", "third_party": True, "grant_types": grants}
    credenza.apply({"applications": [other]})
    lamp = RelyingParty(credenza, "lamp", "http://127.0.0.1/cb", auth_method="none")
    assert poll(lamp, started).json()["error"] == "invalid_grant"
    approve(user_agent, started["user_code"])
    assert poll(lamp, started).json()["error"] == "invalid_grant"
    assert poll(device, started).status_code == 200


def test_pkce_is_enforced_when_it_was_sent(user_agent: UserAgent, device: RelyingParty) -> None:
    """SECURITY R-PK-08."""
    started = begin(device, code_challenge=s256(device.verifier), code_challenge_method="S256")
    approve(user_agent, started["user_code"])
    assert poll(device, started).json()["error"] == "invalid_grant"


def test_only_what_was_approved_is_granted(credenza: Credenza, user_agent: UserAgent, device: RelyingParty) -> None:
    """SECURITY A-CNS-08."""
    started = begin(device, scope="openid")
    approve(user_agent, started["user_code"])
    assert poll(device, started, scope="openid profile").json()["error"] == "invalid_scope"


def test_a_device_that_named_a_key_must_show_it(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """As with a code. RFC 9449 §10."""
    started = begin(device, dpop_jkt="A" * 43)
    approve(user_agent, started["user_code"])
    credenza.clock.move(6)
    assert poll(device, started).json()["error"] == "invalid_dpop_proof"
