"""What a device is given to begin with. RFC 8628 §3.2."""

from __future__ import annotations

from credenza.testing import RelyingParty

from .conftest import begin


def test_the_answer(device: RelyingParty) -> None:
    """device_code, user_code, verification_uri and expires_in are REQUIRED. RFC 8628 §3.2. SECURITY R-DV-01."""
    started = begin(device)
    assert started["verification_uri"] == "https://id.example.com/device"
    assert started["expires_in"] <= 900
    assert started["interval"] >= 5
    assert len(started["user_code"].replace("-", "")) == 8
