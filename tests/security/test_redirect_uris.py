"""Redirect URIs: an exact string, or a page and no redirect. SECURITY.md §1.1 R-AZ-01…05, §2.1."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from credenza.protocol.redirect_uris import check_registrable, check_web_uri, matches
from credenza.state import StateError
from credenza.testing import Callback, PageSeen, RelyingParty

CB = "https://app.example.com/cb"


def assert_page(answer: Any, error: str = "") -> None:
    """PAGE: no Location, no code, framing forbidden, nothing to run."""
    assert isinstance(answer, PageSeen), answer
    assert answer.status in (400, 403)
    assert answer.name == "error"
    assert "location" not in answer.headers
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "cz_code_" not in answer.html
    assert "<script" not in answer.html
    assert not error or answer.error == error


FOREIGN = [
    pytest.param("https://evil.example/cb", id="A-RED-01"),
    pytest.param(CB + "/../evil", id="A-RED-02 dots"),
    pytest.param(CB + "/..;/evil", id="A-RED-02 semicolon"),
    pytest.param(CB + "/%2e%2e/evil", id="A-RED-02 encoded dots"),
    pytest.param(CB + "/.", id="A-RED-02 one dot"),
    pytest.param("https://app.example.com//cb", id="two slashes"),
    pytest.param("https://app.example.com/%63b", id="percent-encoded letter"),
    pytest.param("https://app.example.com@evil.example/cb", id="A-RED-04"),
    pytest.param("https://evil.example\\@app.example.com/cb", id="A-RED-04 backslash"),
    pytest.param("https://app.example.com\\.evil.example/cb", id="A-RED-04 backslash dot"),
    pytest.param("https:/\\evil.example/cb", id="A-RED-04 slash backslash"),
    pytest.param("https://app.example.com.evil.example/cb", id="A-RED-06 suffix"),
    pytest.param("https://evil-app.example.com/cb", id="A-RED-06 prefix"),
    pytest.param("https://appXexample.com/cb", id="A-RED-06 no regex"),
    pytest.param(CB + "#x", id="A-RED-07 fragment"),
    pytest.param(CB + "%23x", id="A-RED-07 encoded"),
    pytest.param(CB + "#", id="A-RED-07 empty fragment"),
    pytest.param("https://app.example.com:8443/cb", id="A-RED-10 port"),
    pytest.param("https://app.example.com:443/cb", id="A-RED-10 default port"),
    pytest.param("http://app.example.com/cb", id="A-RED-10 http"),
    pytest.param(CB + "?x=1", id="A-RED-11 added"),
    pytest.param(CB + "?tenant=2", id="A-RED-11 other value"),
    pytest.param(CB + "?tenant=1&x=1", id="A-RED-11 added to the registered one"),
    pytest.param(CB + "?", id="A-RED-11 empty query"),
    pytest.param(CB + "/", id="slash at the end"),
    pytest.param("https://app.example.com/c", id="shorter"),
    pytest.param("https://app.example.com/CB", id="path in capitals"),
    pytest.param("https://APP.example.com/cb", id="host in capitals"),
    pytest.param("HTTPS://app.example.com/cb", id="scheme in capitals"),
    pytest.param("https://app.example.com./cb", id="dot after the host"),
    pytest.param("https://app.example.com/cb ", id="space after"),
    pytest.param(" " + CB, id="space before"),
    pytest.param("\t" + CB, id="tab before"),
    pytest.param(CB + "\r\nSet-Cookie: a=b", id="A-INJ-06 line end"),
    pytest.param("https://app\uff0eexample.com/cb", id="fullwidth dot"),
    pytest.param("//app.example.com/cb", id="no scheme"),
    pytest.param("javascript:alert(1)", id="A-RED-20 javascript"),
    pytest.param("data:text/html,<script>alert(1)</script>", id="A-RED-20 data"),
    pytest.param("vbscript:msgbox", id="A-RED-20 vbscript"),
    pytest.param("file:///etc/passwd", id="A-RED-20 file"),
    pytest.param("JaVaScRiPt:alert(1)", id="A-RED-21 case"),
    pytest.param("javascript://app.example.com/%0aalert(1)", id="A-RED-21 comment"),
    pytest.param("https://spa.example.com/cb", id="A-RED-06 another client's"),
    pytest.param("http://127.0.0.1:51004/cb", id="loopback that is not registered"),
]


@pytest.mark.parametrize("redirect_uri", FOREIGN)
def test_a_redirect_uri_that_is_not_registered_is_answered_with_a_page(
    credenza: Any, user_agent: Any, client: RelyingParty, redirect_uri: str
) -> None:
    """ "authorization servers MUST utilize exact string matching", RFC 9700 §2.1, which is that of RFC 3986 §6.2.1.

    R-AZ-01, R-AZ-04, A-RED-01…A-RED-21: compared as a string, nothing normalised; never a redirect.
    """
    with credenza.unchanged():
        assert_page(user_agent.get(client.authorization_url(redirect_uri=redirect_uri)), "invalid_redirect_uri")


def test_a_red_12_a_registered_query_is_kept(user_agent: Any, client: RelyingParty) -> None:
    """A-RED-12. `…/cb?tenant=1` works; the code is appended with `&`."""
    callback = user_agent.authorize(client, redirect_uri=CB + "?tenant=1")
    assert isinstance(callback, Callback)
    assert callback.url.startswith(CB + "?tenant=1&code=")
    assert client.redeem(callback, redirect_uri=CB + "?tenant=1").status_code == 200


@pytest.mark.parametrize("pair", [(CB, "https://evil.example/cb"), ("https://evil.example/cb", CB), (CB, CB)])
def test_a_red_14_two_redirect_uris_are_a_page(
    credenza: Any, user_agent: Any, client: RelyingParty, pair: tuple[str, str]
) -> None:
    """A-RED-14, R-AZ-08: good then evil, and evil then good."""
    url = client.authorization_url(redirect_uri=None)
    with credenza.unchanged():
        assert_page(user_agent.get(url + "".join(f"&redirect_uri={quote(uri, safe='')}" for uri in pair)))


@pytest.mark.parametrize("sent", [None, ""])
def test_a_red_16_no_redirect_uri_with_several_registered_is_a_page(
    user_agent: Any, client: RelyingParty, sent: str | None
) -> None:
    """A-RED-16, R-AZ-05, R-AZ-09: empty counts as absent."""
    assert_page(user_agent.get(client.authorization_url(redirect_uri=sent, scope="profile")))


@pytest.mark.parametrize("sent", [None, ""])
def test_a_red_16_openid_requires_a_redirect_uri(user_agent: Any, spa: RelyingParty, sent: str | None) -> None:
    """A-RED-16, R-AZ-05: with `openid` it is REQUIRED, also with only one registered."""
    assert_page(user_agent.get(spa.authorization_url(redirect_uri=sent, scope="openid profile")))


def test_r_az_05_plain_oauth_with_one_registered_uses_that_one(user_agent: Any, spa: RelyingParty) -> None:
    callback = user_agent.authorize(spa, redirect_uri=None, scope="profile")
    assert isinstance(callback, Callback)
    assert callback.url.startswith("https://spa.example.com/cb?code=")
    assert spa.redeem(callback, redirect_uri=None).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": ""},
        {"client_id": "nobody"},
        {"client_id": "APP"},
        {"client_id": "app "},
        {"client_id": "' OR 1=1--"},
        {"client_id": "a" * 5000},
        {"client_id": "\ufffd<script>alert(1)</script>"},
        {"client_id": "machine"},
    ],
)
def test_r_az_04_an_unknown_client_is_a_page(
    credenza: Any, user_agent: Any, client: RelyingParty, changes: dict[str, str | None]
) -> None:
    """R-AZ-04, A-INJ-01."""
    with credenza.unchanged():
        assert_page(user_agent.get(client.authorization_url(**changes)))


def test_r_az_08_two_client_ids_are_a_page(user_agent: Any, client: RelyingParty) -> None:
    assert_page(user_agent.get(client.authorization_url() + "&client_id=app"))


@pytest.mark.own_server
def test_r_az_04_a_disabled_client_is_a_page(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    credenza.apply({"applications": [{"client_id": "app", "enabled": False}]})
    assert_page(user_agent.get(client.authorization_url()), "invalid_client")


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "token"},
        {"response_type": None},
        {"scope": "no-such:scope \u00fc"},
        {"prompt": "none login"},
        {"code_challenge_method": "plain"},
        {"request": "x.y.z"},
        {"response_mode": "form_post", "response_type": "token"},
    ],
)
def test_a_red_31_another_error_does_not_make_a_foreign_uri_good(
    user_agent: Any, client: RelyingParty, changes: dict[str, str | None]
) -> None:
    """A-RED-31: unsupported response_type plus unregistered redirect_uri."""
    assert_page(user_agent.get(client.authorization_url(redirect_uri="https://evil.example/cb", **changes)))


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:51004/cb", "http://127.0.0.1:65535/cb"],
)
def test_a_red_22_any_port_of_a_registered_loopback_address(user_agent: Any, native: RelyingParty, uri: str) -> None:
    """A-RED-22, R-AZ-02."""
    native.redirect_uri = uri
    callback = user_agent.authorize(native)
    assert isinstance(callback, Callback)
    assert callback.url.startswith(uri + "?code=")
    assert native.redeem(callback).status_code == 200


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:51004/cb2",
        "https://127.0.0.1:51004/cb",
        "http://127.0.0.1:51004/cb?x",
        "http://127.0.0.1:51004/cb#x",
        "http://127.0.0.1:51004/",
        "http://127.0.0.1:51004",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:-1/cb",
        "http://127.0.0.1:\uff15\uff11\uff10\uff10\uff14/cb",
        "http://127.0.0.1:\u0665\u0661/cb",
        "http://127.0.0.2:51004/cb",
        "http://127.1:51004/cb",
        "http://2130706433:51004/cb",
        "http://localhost:51004/cb",
        "http://[::1]:51004/cb",
        "http://localhost.evil.example:80/cb",
        "http://127.0.0.1.nip.io/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://user@127.0.0.1:80/cb",
        "http://127.0.0.1:80:80/cb",
        "http://127.0.0.1:80\\@evil.example/cb",
        "http://127.0.0.1:80\n/cb",
        "http://127.0.0.1.:80/cb",
        "com.example.nat://evil/cb",
        "com.example.nat:/cb/x",
        "com.example.nat:cb",
        "COM.EXAMPLE.NAT:/cb",
    ],
)
def test_a_red_23_a_red_24_only_the_port_is_free(
    credenza: Any, user_agent: Any, native: RelyingParty, uri: str
) -> None:
    """A-RED-23, A-RED-24, A-RED-28, R-AZ-02: scheme, host literal, path and query stay exact."""
    with credenza.unchanged():
        assert_page(user_agent.get(native.authorization_url(redirect_uri=uri)), "invalid_redirect_uri")


def test_a_red_28_a_private_scheme_works_as_it_is_registered(user_agent: Any, native: RelyingParty) -> None:
    native.redirect_uri = "com.example.nat:/cb"
    callback = user_agent.authorize(native)
    assert isinstance(callback, Callback)
    assert callback.url.startswith("com.example.nat:/cb?code=")


def test_r_az_03_localhost_has_a_free_port_for_native_applications_only() -> None:
    """R-AZ-03; an exact port that was registered stays exact (R-AZ-02), but for what listens on the user's machine."""
    assert matches("http://localhost:9/cb", "http://localhost/cb", native=True)
    assert not matches("http://localhost:9/cb", "http://localhost/cb", native=False)
    assert not matches("http://localhost.:9/cb", "http://localhost/cb", native=True)
    assert not matches("http://LOCALHOST:9/cb", "http://localhost/cb", native=True)
    assert not matches("http://127.0.0.1:9/cb", "http://localhost/cb", native=True)
    assert not matches("http://127.0.0.1:9/cb", "http://127.0.0.1:8/cb", native=False)
    assert matches("http://127.0.0.1:9/cb", "http://127.0.0.1:8/cb", native=True), "RFC 8252 §7.3: any port"
    assert not matches("http://localhost:9/cb", "http://localhost:8/cb", native=True)
    assert matches("http://[::1]:9/cb", "http://[::1]/cb", native=False)


WRONG = [
    "",
    "app.example.com/cb",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java%0ascript:alert(1)",
    "javascript://app.example.com/%0aalert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://app.example.com/x",
    "about:blank",
    "view-source:https://app.example.com/",
    "http://app.example.com/cb",
    "http://127.0.0.1.nip.io/cb",
    "http://localhost.evil.example/cb",
    "http://127.0.0.1:80@evil.example/cb",
    "https://*.example.com/cb",
    "https://app.example.com/*",
    "https://app.example.com/cb#x",
    "https://app.example.com/cb#",
    "https://user:password@app.example.com/cb",
    "https://app.example.com\\@evil.example/cb",
    "https://app.example.com/a b",
    "https://app.example.com/\x00",
    "https://app.example.com/\n",
    "https://app.example.com/\u00e9",
    "https://app\u3002example.com/cb",
    "https://app.example.com/../cb",
    "https://app.example.com/%2e%2E/cb",
    "https://app.example.com/a/%2e./cb",
    "https://app.example.com/a%2F..%2Fcb",
    "https://app.example.com/a%2f..%2fcb",
    "https://app.example.com:0/cb",
    "https://app.example.com:99999/cb",
    "https://app.example.com:x/cb",
    "https://",
    "https:///cb",
    "https:app.example.com/cb",
    "https://[::1/cb",
    "HTTPS://app.example.com/cb",
    "https://APP.example.com/cb",
    "https://app.example.com/" + "a" * 2000,
    "ftp://app.example.com/cb",
    "urn:ietf:wg:oauth:2.0:oob",
]
PRIVATE = [
    "myapp:/cb",
    "https.evil:/cb",
    "http.evil:/cb",
    "com.example.nat://evil/cb",
    "com.example.nat:cb",
    "a..b:/cb",
]


@pytest.mark.parametrize("uri", WRONG)
@pytest.mark.parametrize("native", [False, True])
def test_a_red_20_a_red_21_a_red_27_such_an_address_cannot_be_registered(uri: str, native: bool) -> None:
    """A-RED-20, A-RED-21, A-RED-27, K22."""
    with pytest.raises(ValueError, match=r"\w"):
        check_registrable(uri, native=native)


@pytest.mark.parametrize("uri", PRIVATE)
def test_a_red_28_private_schemes_are_domain_names_in_reverse(uri: str) -> None:
    """A-RED-28."""
    with pytest.raises(ValueError, match=r"\w"):
        check_registrable(uri, native=True)
    with pytest.raises(ValueError, match=r"\w"):
        check_registrable("com.example.nat:/cb", native=False)
    check_registrable("com.example.nat:/cb", native=True)


@pytest.mark.parametrize("uri", [*WRONG, "com.example.nat:/cb", "//evil.example"])
def test_a_xss_03_a_page_links_only_to_web_addresses(uri: str) -> None:
    """A-XSS-03, R-CR-04: one validator for terms_uri, policy_uri, jwks_uri and backchannel_logout_uri."""
    if uri.endswith(("#x", "#", "*", "*.example.com/cb")) or "*" in uri:
        return  # a link may have a fragment
    with pytest.raises(ValueError, match=r"\w"):
        check_web_uri(uri)


@pytest.mark.own_server
@pytest.mark.parametrize(
    "members",
    [
        {"redirect_uris": ["https://app.example.com/*"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"post_logout_redirect_uris": ["javascript:alert(1)"]},
        {"branding": {"terms_uri": "javascript:alert(1)"}},
        {"branding": {"policy_uri": "data:text/html,x"}},
        {"jwks_uri": "file:///etc/passwd"},
        {"backchannel_logout_uri": "gopher://x/"},
        {"cors_origins": ["https://spa.example.com/"]},
        {"cors_origins": ["*"]},
        {"cors_origins": ["null"]},
        {"client_id": "u" + "0" * 30, "type": "spa"},
    ],
)
def test_every_address_is_checked_where_it_is_declared(credenza: Any, members: dict[str, Any]) -> None:
    """A-RED-20, A-RED-27, A-XSS-03, R-TK-22: nothing is written when anything is wrong."""
    with credenza.unchanged(), pytest.raises(StateError):
        credenza.apply({"applications": [{"client_id": "app", "name": "X", **members}]})


@pytest.mark.own_server
def test_a_red_30_the_first_uri_seen_is_not_adopted(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-RED-30: a client without any registered URI."""
    credenza.apply({"applications": [{"client_id": "app", "redirect_uris": []}]})
    assert_page(user_agent.get(client.authorization_url()))
    assert_page(user_agent.get(client.authorization_url()))
    assert_page(user_agent.get(client.authorization_url(redirect_uri=None, scope="profile")))


@pytest.mark.own_server
def test_a_red_33_a_uri_removed_while_the_consent_page_is_open(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """A-RED-33: PAGE, no code."""
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    assert page.name == "consent"
    credenza.apply({"applications": [{"client_id": "app", "redirect_uris": ["https://app.example.com/other"]}]})
    before = credenza.rows()["credenza_authorization_code"]
    assert_page(user_agent.decide("authorize"), "invalid_redirect_uri")
    assert credenza.rows()["credenza_authorization_code"] == before
    assert credenza.rows()["credenza_consent"] == 0


@pytest.mark.parametrize(
    "redirect_uri",
    ["https://app.example.com/cb?tenant=1", "https://app.example.com/cb/", "https://evil.example/", CB + "#"],
)
def test_a_red_35_another_redirect_uri_in_the_token_request(
    user_agent: Any, client: RelyingParty, redirect_uri: str
) -> None:
    """A-RED-35, D5: optional; if it is sent, it is the one of the authorization request."""
    callback = user_agent.authorize(client)
    answer = client.redeem(callback, redirect_uri=redirect_uri)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert client.redeem(callback, redirect_uri=None).status_code == 200


def test_form_posts_are_compared_as_well(credenza: Any, client: RelyingParty) -> None:
    """R-AZ-12, A-RED-01: the same rules for a form post."""
    body = client.authorization_url(redirect_uri="https://evil.example/").partition("?")[2]
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
    answer = credenza.request("POST", "/authorize", content=body, headers=headers)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    answer = credenza.request("POST", "/authorize?" + urlencode({"client_id": "app"}), content=b"", headers=headers)
    assert answer.status_code == 400
