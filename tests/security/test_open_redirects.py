"""Nobody is led anywhere by a link to us. SECURITY.md §2.11; post-logout redirects are in test_logout.py."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.testing import ISSUER, PageSeen, RelyingParty

ELSEWHERE = [
    "//evil.example",
    "https://evil.example",
    "/\\evil.example",
    "/%5cevil.example",
    "\\\\evil.example",
    "javascript:x",
]


@pytest.mark.parametrize("value", ELSEWHERE)
@pytest.mark.parametrize(
    "name", ["next", "return_to", "returnTo", "redirect", "redirect_to", "continue", "url", "rd", "post_login"]
)
def test_a_rdr_02_where_to_go_after_signing_in_is_never_read_from_the_request(
    user_agent: Any, name: str, value: str
) -> None:
    """A-RDR-02."""
    page = user_agent.get(f"/?{name}={value}")
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    page = user_agent.post(
        page.url + f"?{name}={value}",
        [
            *page.forms[0].hidden(),
            ("identifier", user_agent.name),
            ("password", "correct horse battery staple"),
            (name, value),
        ],
    )
    locations = [answer.headers["location"] for answer in user_agent.history if answer.is_redirect]
    assert locations
    assert all(location.startswith(ISSUER + "/") for location in locations)


REFERERS = [
    f"{ISSUER}.evil.example/x",
    f"{ISSUER}@evil.example/x",
    f"{ISSUER}:666@evil.example/",
    f"{ISSUER}//evil.example/",
    f"{ISSUER}/\\evil.example/",
    f"{ISSUER}\\.evil.example/",
    "https://evil.example/x",
    "evil.example",
]


@pytest.mark.parametrize("referer", REFERERS)
def test_a_rdr_02_a_form_without_a_session_leads_back_to_no_other_host(user_agent: Any, referer: str) -> None:
    """A-RDR-02: whoever posts it from elsewhere names where it stood, and that is all they name."""
    form = {"content-type": "application/x-www-form-urlencoded", "referer": referer}
    answer = user_agent.send("POST", "/console/applications/create/my-app/spa", headers=form)
    assert answer.status_code == 303
    user_agent.get(answer.headers["location"])
    user_agent.sign_in()
    locations = [answer.headers["location"] for answer in user_agent.history if answer.is_redirect]
    assert len(locations) > 2
    assert all(location.startswith(ISSUER + "/") and "evil" not in location for location in locations)


@pytest.mark.parametrize("referer", REFERERS)
def test_a_rdr_02_a_form_without_its_token_leads_back_to_no_other_host(admin: Any, referer: str) -> None:
    """A-RDR-02: the page that refuses it has a link to where it stood."""
    form = {"content-type": "application/x-www-form-urlencoded", "referer": referer}
    answer = admin.send("POST", "/console/applications/create/my-app/spa", headers=form)
    assert answer.status_code == 403
    assert "stale_form" in answer.text
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "//evil.example/%2e%2e",
        "/\\evil.example",
        "/%2f/evil.example",
        "/%5c%5cevil.example",
        "/.//evil",
    ],
)
def test_a_rdr_02_a_path_that_looks_like_a_host(credenza: Any, path: str) -> None:
    """K16."""
    answer = credenza.raw("GET", path)
    assert answer.status in (400, 404)
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "query",
    [b"\xff", b"a=\r\nSet-Cookie: x=y", b"%0d%0aSet-Cookie:%20x=y", "é=ü".encode(), b'"><svg>', b"\xed\xa0\x80"],
)
def test_a_inj_06_what_is_kept_of_a_query_is_safe_in_a_header(credenza: Any, user_agent: Any, query: bytes) -> None:
    """A-INJ-06, K12: our own pages come back to where somebody wanted to go."""
    answer = credenza.raw("GET", "/", query=query, headers=[(b"host", b"id.example.com"), (b"accept", b"text/html")])
    assert answer.status == 303
    assert answer.headers["location"].startswith(ISSUER + "/interaction/")
    user_agent.cookies.set(
        "__Host-credenza_browser",
        answer.headers["set-cookie"].split(";")[0].partition("=")[2],
        domain="id.example.com",
        path="/",
    )
    user_agent.get(answer.headers["location"])
    user_agent.sign_in()
    for redirect in [seen for seen in user_agent.history if seen.is_redirect]:
        location = redirect.headers["location"]
        assert location.startswith(ISSUER + "/")
        assert location.isascii()
        assert not any(c in location for c in '\r\n "<>')
        assert "x=y" not in redirect.headers.get("set-cookie", "")


def test_a_rdr_04_the_deny_button_goes_to_the_registered_address_only(user_agent: Any, client: RelyingParty) -> None:
    """A-RDR-04; for clients that nobody vouches for see tests/rfc7591/test_untrusted_clients.py."""
    user_agent.get(client.authorization_url())
    answer = user_agent.submit([("decision", "deny")])
    assert answer.url.startswith(client.redirect_uri + "?error=access_denied")
