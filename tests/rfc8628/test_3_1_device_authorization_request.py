"""What a device asks for to begin with. RFC 8628 §3.1."""

from __future__ import annotations

from credenza.testing import Credenza, RelyingParty


def test_a_scope_that_is_not_enabled_is_refused_at_once(device: RelyingParty) -> None:
    response = device.post("/device_authorization", {"scope": "openid email"})
    assert response.json()["error"] == "invalid_scope"


def test_strangers_begin_only_so_many(credenza: Credenza, device: RelyingParty) -> None:
    """A public client is whoever says so. SECURITY G2."""

    def begin_from(address: str) -> int:
        form = {"client_id": "native", "scope": "openid"}
        return credenza.request("POST", "/device_authorization", data=form, address=address).status_code

    answers = [begin_from("2001:db8:0:1::1")]
    while answers[-1] == 200 and len(answers) < 1000:
        answers.append(begin_from(f"2001:db8:0:1::{len(answers):x}"))
    assert answers[-1] == 429
    assert len(answers) > 100
    assert begin_from("2001:db8:0:2::1") == 200
    too_large = device.post("/device_authorization", {"scope": "openid", "junk": "x" * 40_000})
    assert (too_large.status_code, too_large.json()["error"]) == (400, "invalid_request")
