"""Front-Channel OP: `oidcc-frontchannel-rp-initiated-logout-certification-test-plan`."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from credenza.testing import PageSeen

PATH = "/test/a/credenza/frontchannel_logout"


def test_oidcc_frontchannel_logout_discovery_endpoint_verification(discovered: dict[str, Any]) -> None:
    """Both `frontchannel_logout_supported` and `frontchannel_logout_session_supported`, and the endpoint."""
    assert discovered["frontchannel_logout_supported"] is True
    assert discovered["frontchannel_logout_session_supported"] is True
    assert discovered["end_session_endpoint"].startswith("https://")


@pytest.mark.parametrize("registration", ["static_client", "dynamic_client"])
def test_oidcc_frontchannel_rp_initiated_logout(
    registration: str,
    static_client: Callable[..., Any],
    dynamic_client: Callable[..., Any],
    lasting_web_site: Any,
) -> None:
    """At logout a frame loads the client's address with `iss` and `sid`; then the browser goes back with the state."""
    if registration == "static_client":
        client = static_client("suite-frontchannel")
    else:
        client = dynamic_client(
            frontchannel_logout_uri=lasting_web_site.url(PATH),
            frontchannel_logout_session_required=True,
            post_logout_redirect_uris=[lasting_web_site.url("/test/a/credenza/post_logout_redirect")],
        )
    flow = client.flow()
    back = client.information["post_logout_redirect_uris"][0]
    sent = {"id_token_hint": flow.tokens["id_token"], "post_logout_redirect_uri": back, "state": "some-state"}
    page = client.browser.get(f"{client.discovered['end_session_endpoint']}?{urlencode(sent)}")
    assert isinstance(page, PageSeen)
    assert (page.name, page.status) == ("signed-out", 200)

    (frame,) = (html.unescape(src) for src in re.findall(r'<iframe[^>]* src="([^"]*)"', page.html))
    assert frame.startswith(lasting_web_site.url(PATH) + "?")
    assert parse_qs(urlsplit(frame).query) == {"iss": [client.discovered["issuer"]], "sid": [flow.id_token["sid"]]}
    assert f"frame-src {lasting_web_site.url('')}" in page.headers["content-security-policy"]

    onward = f"{back}?state=some-state"
    assert onward in page.links
    refresh = re.search(r'http-equiv="refresh" content="(\d+); url=([^"]*)"', page.html)
    assert refresh is not None  # without script and without a click
    assert int(refresh[1]) <= 3
    assert html.unescape(refresh[2]) == onward
    assert re.search(r'<link[^>]* rel="?(next|prefetch|prerender)', page.html) is None  # Firefox would ask for it ahead
    client.refused("login_required", prompt="none")
