"""Redirect URIs: which may be registered, what is taken for one, what is told. RFC 8252 §7, RFC 6749 §3.1.2."""

from __future__ import annotations

import pytest

from credenza.protocol.errors import UnsafeRequest
from credenza.protocol.redirect_uris import (
    MAX_LENGTH,
    check_redirect_uri,
    check_registrable,
    check_same_origin,
    check_web_uri,
    host_of,
    is_loopback,
    matches,
    mismatch,
)

APP = "https://app.example.com/cb"


@pytest.mark.parametrize(
    "uri",
    [
        APP,
        "https://app.example.com:8443/cb",
        "https://a/cb",
        "https://app.example.com/cb?tenant=1",
        "https://app.example.com/!$&'()+,;=:@~-._/%20",
        "https://[2001:db8::1]:8443/cb",
        "https://app.example.com/" + "a" * (MAX_LENGTH - 24),
        "http://localhost:3000/cb",
    ],
)
def test_a_web_address_may_be_registered(uri: str) -> None:
    check_registrable(uri)
    check_web_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/" + "a" * (MAX_LENGTH - 23),
        "https://app.example.com/ ",
        "https://app.example.com/\x7f",
        "https://app.example.com/./cb",
        "https://app.example.com/a/%2E/cb",
        "https://app.example.com/a%2F..%2fcb",
        "https://app.example.com:0/cb",
        "https://app.example.com:x/cb",
        "https://App.example.com/cb",
        "https://-app.example.com/cb",
        "https://app.example.com-/cb",
        "https:///cb",
        "http://app.example.com/cb",
        "HTTP://localhost/cb",
    ],
)
def test_what_is_no_web_address_may_not(uri: str) -> None:
    for check in (check_registrable, check_web_uri):
        with pytest.raises(ValueError, match=r"."):
            check(uri)


def test_private_schemes_are_for_native_applications_only() -> None:
    """They are not what an application is by default."""
    check_registrable("com.example.app:/callback", native=True)
    with pytest.raises(ValueError, match="native applications"):
        check_registrable("com.example.app:/callback")


CURSOR = "cursor://anysphere.cursor-mcp/oauth/callback"


def test_7_1_a_scheme_without_a_dot_is_allowed_by_the_operator_or_not_at_all() -> None:
    """ "any private-use URI scheme that doesn't contain a period character … SHOULD be rejected". RFC 8252 §8.4."""
    with pytest.raises(ValueError, match="redirect_schemes"):
        check_registrable(CURSOR, native=True)
    check_registrable(CURSOR, native=True, schemes=("cursor",))
    for uri in ("cursor:callback", "windsurf://x/cb", "cursor://x/*", "cursor://x/#y", "CURSOR://x/cb", "cursor://x y"):
        with pytest.raises(ValueError, match=r"."):
            check_registrable(uri, native=True, schemes=("cursor",))
    with pytest.raises(ValueError, match="native applications"):
        check_registrable(CURSOR, schemes=("cursor",))


@pytest.mark.parametrize("port", ["1", "80", "51004", "65535"])
def test_7_3_any_port_of_a_loopback_address(port: str) -> None:
    """ "MUST allow any port to be specified at the time of the request for loopback IP redirect URIs"."""
    assert matches(f"http://127.0.0.1:{port}/cb", "http://127.0.0.1/cb", native=False)
    assert matches(f"http://[::1]:{port}/cb", "http://[::1]/cb", native=False)
    assert matches(f"http://localhost:{port}/cb", "http://localhost/cb", native=True)
    assert not matches(f"http://localhost:{port}/cb", "http://localhost/cb", native=False)
    assert matches(f"http://127.0.0.1:{port}", "http://127.0.0.1", native=False)


@pytest.mark.parametrize("sent", ["http://127.0.0.1:0/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:99999/cb"])
def test_7_3_that_is_no_port(sent: str) -> None:
    assert not matches(sent, "http://127.0.0.1/cb", native=True)


def test_7_3_a_port_that_is_registered_is_the_port() -> None:
    assert matches("http://127.0.0.1:8000/cb", "http://127.0.0.1:8000/cb", native=False)
    for sent in ("http://127.0.0.1:8001/cb", "http://127.0.0.1/cb", "http://[::1]:8000/cb", "http://127.0.0.1:8000/c"):
        assert not matches(sent, "http://127.0.0.1:8000/cb", native=False)
    assert not matches("http://localhost:8001/cb", "http://localhost:8000/cb", native=True)
    assert not matches("http://[::1]:8000/cb", "http://127.0.0.1/cb", native=True)
    assert not matches(APP, "http://127.0.0.1/cb", native=True)


def test_7_3_a_native_application_takes_another_port_when_the_registered_one_is_busy() -> None:
    """VS Code's metadata document has http://127.0.0.1:33418/ for every port that it may listen at."""
    assert matches("http://127.0.0.1:51004/", "http://127.0.0.1:33418/", native=True)
    assert matches("http://[::1]:51004/", "http://[::1]:33418/", native=True)
    for sent in ("http://127.0.0.1/", "http://127.0.0.1:51004/cb", "http://[::1]:51004/", "http://127.0.0.1:0/"):
        assert not matches(sent, "http://127.0.0.1:33418/", native=True)


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        (APP, "app.example.com"),
        ("https://a:8443?x", "a:8443"),
        ("https://a#x", "a"),
        ("com.example.app:/callback", "com.example.app:"),
        (CURSOR, "cursor:"),
        ("com.example.app://bank.example/callback", "com.example.app:"),
    ],
)
def test_the_host_that_a_person_is_shown(uri: str, host: str) -> None:
    assert host_of(uri) == host


def test_what_goes_to_this_machine() -> None:
    assert is_loopback("http://127.0.0.1:8000/cb")
    assert not is_loopback("https://127.0.0.1/cb")
    assert not is_loopback("http://127.0.0.1.example.com/cb")


# -- what is sent -----------------------------------------------------------------------------------------------------


def test_3_1_2_3_the_only_one_may_be_left_out_of_plain_oauth() -> None:
    assert check_redirect_uri(None, (APP,), native=False, openid=False) == APP


@pytest.mark.parametrize(("registered", "openid"), [((), False), ((APP, APP + "2"), False), ((APP,), True)])
def test_3_1_2_3_else_it_is_required(registered: tuple[str, ...], openid: bool) -> None:
    with pytest.raises(UnsafeRequest, match="redirect_uri is missing") as caught:
        check_redirect_uri(None, registered, native=False, openid=openid, client_id="app")
    assert (caught.value.code, caught.value.client_id, caught.value.facts) == ("invalid_request", "app", [])


def test_3_1_2_4_one_that_is_not_registered() -> None:
    assert check_redirect_uri(APP, ("https://x/", APP), native=False, openid=True) == APP
    with pytest.raises(UnsafeRequest, match="not registered") as caught:
        check_redirect_uri(APP + "/", (APP,), native=False, openid=True, client_id="app")
    assert (caught.value.code, caught.value.client_id) == ("invalid_redirect_uri", "app")
    assert caught.value.facts == mismatch(APP + "/", (APP,))


def test_a_developer_is_shown_the_first_difference_from_the_nearest_one() -> None:
    shown = mismatch(APP + "x", ("https://zzz.example.com/", APP + "y"))
    assert [(str(label), str(value)) for label, value in shown] == [
        ("redirect_uri that was sent", APP + "x"),
        ("Registered", "https://zzz.example.com/"),
        ("Registered", APP + "y"),
        ("First difference", f"character {len(APP) + 1}: sent 'x', registered 'y'"),
    ]
    assert str(mismatch(APP, (APP + "/",))[-1][1]) == f"character {len(APP) + 1}: sent the end, registered '/'"
    assert [str(value) for _, value in mismatch(APP, ())] == [
        APP,
        "No redirect URI is registered for this application.",
    ]


def test_a_developer_is_shown_ten_at_most() -> None:
    registered = tuple(f"https://app{number}.example.com/" for number in range(12))
    assert [str(label) for label, _ in mismatch(APP, registered)].count("Registered") == 10


def test_the_same_origin_is_scheme_host_and_port() -> None:
    """OpenID Connect Front-Channel Logout §2."""
    check_same_origin("frontchannel_logout_uri", "https://app.example.com/out?x", ["https://b.example.com/", APP])
    for uri in ("https://app.example.com:8443/out", "http://app.example.com/out", "https://evil.example/out"):
        with pytest.raises(ValueError, match="frontchannel_logout_uri"):
            check_same_origin("frontchannel_logout_uri", uri, [APP])
