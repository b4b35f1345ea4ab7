"""Back-Channel OP: `oidcc-backchannel-rp-initiated-logout-certification-test-plan`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import pytest
from faults.waiting import wait_until

from credenza.testing import Callback

EVENT = "http://schemas.openid.net/event/backchannel-logout"
PATH = "/test/a/credenza/backchannel_logout"


def test_oidcc_backchannel_logout_discovery_endpoint_verification(discovered: dict[str, Any]) -> None:
    """Both `backchannel_logout_supported` and `backchannel_logout_session_supported`, and an `end_session_endpoint`."""
    assert discovered["backchannel_logout_supported"] is True
    assert discovered["backchannel_logout_session_supported"] is True
    assert discovered["end_session_endpoint"].startswith("https://")


@pytest.mark.parametrize("registration", ["static_client", "dynamic_client"])
def test_oidcc_backchannel_rp_initiated_logout(
    registration: str,
    static_client: Callable[..., Any],
    dynamic_client: Callable[..., Any],
    answering_at: Callable[..., list[bytes]],
    lasting_web_site: Any,
    clock: Any,
) -> None:
    """At logout the client gets a logout token: signed, with `sid` and `sub` of the ID token, and without `nonce`."""
    posted = answering_at(PATH)
    if registration == "static_client":
        client = static_client("suite-backchannel")
    else:
        client = dynamic_client(
            backchannel_logout_uri=lasting_web_site.url(PATH),
            backchannel_logout_session_required=True,
            post_logout_redirect_uris=[lasting_web_site.url("/test/a/credenza/post_logout_redirect")],
        )
    flow = client.flow()
    back = client.information["post_logout_redirect_uris"][0]
    sent = {"id_token_hint": flow.tokens["id_token"], "post_logout_redirect_uri": back, "state": "some-state"}
    seen = client.browser.get(f"{client.discovered['end_session_endpoint']}?{urlencode(sent)}")
    assert isinstance(seen, Callback)
    assert seen.url == f"{back}?state=some-state"

    (body,) = arrived(posted)
    form = parse_qs(body.decode())
    assert form.keys() == {"logout_token"}
    token = form["logout_token"][0]
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    claims = client.verified(token, alg="RS256")
    assert claims["iss"] == client.discovered["issuer"]
    assert claims["aud"] == client.client_id
    assert claims["jti"]
    assert abs(claims["iat"] - clock.now()) < 60
    assert clock.now() < claims["exp"] <= claims["iat"] + 120
    assert (claims["sub"], claims["sid"]) == (flow.id_token["sub"], flow.id_token["sid"])
    assert claims["events"] == {EVENT: {}}
    assert "nonce" not in claims
    client.refused("login_required", prompt="none")


def arrived(posted: list[bytes]) -> list[bytes]:
    """It comes on its own way, not necessarily before the browser is back."""
    wait_until(lambda: bool(posted), "a logout token")
    return posted
