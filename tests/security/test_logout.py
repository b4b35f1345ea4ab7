"""Signing out: only who is there, only to where it is registered. SECURITY.md §1.7, A-LGO-04, A-CSR-09, A-RDR-01."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from credenza.protocol import jose
from credenza.store import audit
from credenza.testing import Callback, PageSeen, RelyingParty, UserAgent

BACK = "https://app.example.com/"


def signed_in(agent: Any, client: RelyingParty) -> bool:
    return agent.get(client.authorization_url(prompt="none")).error != "login_required"


def logout(agent: Any, method: str = "GET", **parameters: str) -> Any:
    if method == "GET":
        return agent.get("/logout?" + urlencode(parameters))
    return agent.post(
        "/logout", parameters, headers={"origin": "https://app.example.com", "sec-fetch-site": "cross-site"}
    )


@pytest.fixture
def hint(user_agent: Any, client: RelyingParty) -> str:
    return str(client.tokens(user_agent.authorize(client))["id_token"])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_r_lo_01_with_a_hint_of_this_session(user_agent: Any, client: RelyingParty, hint: str, method: str) -> None:
    """R-LO-01, R-LO-02, R-LO-04: GET and POST, at once, with `state`."""
    seen = logout(user_agent, method, id_token_hint=hint, post_logout_redirect_uri=BACK, state='s"&x')
    assert isinstance(seen, Callback)
    assert seen.url.startswith(BACK + "?state=")
    assert seen.parameters == {"state": 's"&x'}
    assert not signed_in(user_agent, client)


def test_r_lo_01_an_expired_hint_is_good(credenza: Any, user_agent: Any, client: RelyingParty, hint: str) -> None:
    credenza.clock.move(3601)
    assert logout(user_agent, id_token_hint=hint, client_id="app", post_logout_redirect_uri=BACK).url == BACK


@pytest.mark.parametrize("parameters", [{}, {"client_id": "app"}, {"state": "x"}, {"client_id": "nobody"}, {"x": "y"}])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_csr_09_r_lo_03_a_request_that_anybody_could_make_asks(
    credenza: Any, user_agent: Any, client: RelyingParty, method: str, parameters: dict[str, str]
) -> None:
    """A-CSR-09, R-LO-03: an image with the address of the logout endpoint signs nobody out."""
    user_agent.authorize(client)
    with credenza.unchanged():
        page = logout(user_agent, method, **parameters) if parameters or method == "GET" else user_agent.get("/logout")
    assert isinstance(page, PageSeen)
    assert page.name == "sign-out"
    assert signed_in(user_agent, client)


def test_r_lo_01_client_id_agrees_with_the_hint(
    credenza: Any, user_agent: Any, client: RelyingParty, hint: str
) -> None:
    """R-LO-01, A-RDR-01: a hint of one application leads to no address of another."""
    other = {"client_id": "own", "name": "Tide Board", "post_logout_redirect_uris": ["https://own.example.com/bye"]}
    credenza.apply({"applications": [other]})
    page = logout(
        user_agent, id_token_hint=hint, client_id="own", post_logout_redirect_uri="https://own.example.com/bye"
    )
    assert isinstance(page, PageSeen)
    assert (page.status, page.name) == (400, "error")
    assert signed_in(user_agent, client)


def test_r_lo_02_whoever_was_asked_comes_back_to_the_application(
    user_agent: Any, client: RelyingParty, hint: str
) -> None:
    """R-LO-02, A-LGO-04: a hint of an earlier session asks, and what the user says leads back."""
    assert logout(user_agent, id_token_hint=hint).name == "signed-out"
    user_agent.authorize(client)
    page = logout(user_agent, id_token_hint=hint, post_logout_redirect_uri=BACK, state='s"&x')
    assert page.name == "sign-out"
    assert "form-action 'self' https://app.example.com" in page.headers["content-security-policy"]
    assert signed_in(user_agent, client)
    user_agent.page = page
    seen = user_agent.submit([("decision", "sign-out")])
    assert isinstance(seen, Callback)
    assert (seen.url.partition("?")[0], seen.parameters) == (BACK, {"state": 's"&x'})
    assert not signed_in(user_agent, client)


def test_r_lo_02_an_address_slipped_into_the_answer_leads_nowhere(
    user_agent: Any, client: RelyingParty, hint: str
) -> None:
    user_agent.authorize(client)
    user_agent.get("/logout")
    for fields in (
        {"post_logout_redirect_uri": BACK},
        {"post_logout_redirect_uri": "https://evil.example/", "client_id": "app"},
    ):
        user_agent.authorize(client)
        user_agent.get("/logout")
        page = user_agent.submit([("decision", "sign-out"), *fields.items()])
        assert isinstance(page, PageSeen)
        assert page.name == "signed-out"
    user_agent.authorize(client)
    user_agent.get("/logout")
    evil = [("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")]
    page = user_agent.submit([("decision", "sign-out"), *evil])
    assert (page.status, page.name) == (400, "error")
    assert signed_in(user_agent, client)


def test_r_lo_03_the_answer_is_a_form_of_ours(user_agent: Any, client: RelyingParty) -> None:
    user_agent.authorize(client)
    user_agent.get("/logout")
    user_agent.submit([("decision", "stay")])
    assert signed_in(user_agent, client)
    page = user_agent.get("/logout")
    assert user_agent.post("/logout", [("decision", "sign-out")]).status == 403
    assert signed_in(user_agent, client)
    user_agent.page = page
    assert user_agent.submit([("decision", "sign-out")]).name == "signed-out"
    assert not signed_in(user_agent, client)


def test_the_last_page_leads_back_to_our_own_front_door(user_agent: Any, client: RelyingParty) -> None:
    user_agent.authorize(client)
    user_agent.get("/logout?" + urlencode({"post_logout_redirect_uri": "https://evil.example/"}))
    page = user_agent.submit([("decision", "sign-out")])
    assert page.name == "signed-out"
    assert page.links == ["/"]
    assert user_agent.get("/").name == "sign-in"


FOREIGN = [
    "https://evil.example/",
    BACK + "?foo=bar",
    BACK + "x",
    BACK + "#x",
    "https://app.example.com",
    "https://app.example.com/cb",
    "https://APP.example.com/",
    "https://app.example.com@evil.example/",
    "https://app.example.com.evil.example/",
    "http://app.example.com/",
    "//app.example.com/",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://app.example.com/\r\nSet-Cookie: a=b",
    "https://spa.example.com/cb",
    "/",
]


@pytest.mark.parametrize("address", FOREIGN, ids=ascii)
@pytest.mark.parametrize("alive", [True, False])
def test_a_rdr_01_an_address_that_is_not_registered(
    credenza: Any, user_agent: Any, new_visitor: Any, client: RelyingParty, hint: str, address: str, alive: bool
) -> None:
    """A-RDR-01, R-LO-02: with a session and without; PAGE, and nobody is signed out."""
    agent = user_agent if alive else new_visitor()
    with credenza.unchanged():
        page = logout(agent, id_token_hint=hint, post_logout_redirect_uri=address)
    assert isinstance(page, PageSeen)
    assert (page.status, page.name) == (400, "error")
    assert "location" not in page.headers
    assert signed_in(user_agent, client)


def test_whoever_develops_sees_both_addresses_and_where_they_differ(user_agent: Any, hint: str) -> None:
    """express-openid-connect, say, leaves out the slash at the end."""
    page = logout(user_agent, id_token_hint=hint, post_logout_redirect_uri=BACK.rstrip("/"))
    assert isinstance(page, PageSeen)
    for shown in (
        f"post_logout_redirect_uri that was sent {BACK.rstrip('/')}",
        f"Registered {BACK}",
        "First difference",
    ):
        assert shown in page.text


def test_a_rdr_01_no_redirect_without_a_good_hint(
    credenza: Any, user_agent: Any, client: RelyingParty, own: RelyingParty, forgery: Any, rsa_key: Any, hint: str
) -> None:
    """A-RDR-01: of another client; alg none; signed again; edited; a hint that is no ID token."""
    import jwt

    claims = jwt.decode(hint, options={"verify_signature": False})
    header = jwt.get_unverified_header(hint)
    foreign = jose.load_signing_key(jose.generate_private_key("RS256"), "RS256")
    tries: list[dict[str, str]] = [
        {"id_token_hint": hint, "client_id": "own"},
        {"id_token_hint": hint, "client_id": "nobody"},
        {"id_token_hint": forgery.forge(header | {"alg": "none"}, claims)},
        {"id_token_hint": forgery.forge(header, claims, rsa_key)},
        {"id_token_hint": jose.sign(claims, foreign, typ="JWT")},
        {"id_token_hint": hint[:-10]},
        {"id_token_hint": hint.replace(".", ".e30.", 1)},
        {"id_token_hint": "x"},
        {"id_token_hint": "\u00e9.b.c"},
    ]
    with credenza.unchanged():
        for parameters in tries:
            page = logout(user_agent, post_logout_redirect_uri=BACK, **parameters)
            assert isinstance(page, PageSeen)
            assert (page.status, page.name) == (400, "error")
            assert 'href="/logout"' in page.html, "no dead end for who wants to leave"
    assert signed_in(user_agent, client)


@pytest.mark.parametrize("more", [{}, {"client_id": "app"}, {"client_id": "nobody"}, {"state": "x"}])
@pytest.mark.parametrize("address", [BACK, "https://evil.example/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_r_lo_03_an_address_without_a_hint_asks_and_leads_nowhere(
    credenza: Any, user_agent: Any, client: RelyingParty, method: str, address: str, more: dict[str, str]
) -> None:
    """A-RDR-01, R-LO-03: "the OP MUST ask the End-User this question if an id_token_hint was not provided".
    RP-Initiated Logout §2-3.
    """
    user_agent.authorize(client)
    with credenza.unchanged():
        page = logout(user_agent, method, post_logout_redirect_uri=address, **more)
    assert isinstance(page, PageSeen)
    assert (page.status, page.name) == (200, "sign-out")
    assert address not in page.html
    assert signed_in(user_agent, client)
    user_agent.page = page
    end = user_agent.submit([("decision", "sign-out")])
    assert isinstance(end, PageSeen)
    assert (end.name, "location" in end.headers) == ("signed-out", False)
    assert address not in end.html
    assert not signed_in(user_agent, client)


def test_r_lo_02_an_address_without_a_hint_and_without_a_session(new_visitor: Any) -> None:
    """R-LO-02: who is signed out is told so, and sent nowhere."""
    page = logout(new_visitor(), post_logout_redirect_uri=BACK, client_id="app")
    assert isinstance(page, PageSeen)
    assert (page.status, page.name) == (200, "signed-out")
    assert BACK not in page.html


@pytest.mark.own_server
@pytest.mark.parametrize(
    ("changes", "client_id", "kept"),
    [
        ({"post_logout_redirect_uri": "https://app.example.com/bye"}, "app", "https://app.example.com/bye"),
        ({"id_token_hint": "no token"}, "", "not a compact JWS"),
        ({"client_id": "own"}, "", "client_id is not the one of the id_token_hint."),
    ],
)
def test_what_is_refused_is_found_by_the_id_on_the_page(
    credenza: Any, user_agent: Any, hint: str, changes: dict[str, str], client_id: str, kept: str
) -> None:
    page = logout(user_agent, **{"id_token_hint": hint, "post_logout_redirect_uri": BACK} | changes)
    shown = page.html.partition("Error id <code>")[2].partition("<")[0]
    (event,) = credenza.run(audit.list_events, error_id=shown)
    assert (event.name, event.client) == ("SignOutRefused", client_id)
    assert kept in event.data["description"]
    assert hint not in event.data["description"]


def test_a_request_that_cannot_be_read_is_found_as_well(credenza: Any, user_agent: UserAgent) -> None:
    page = user_agent.get("/logout?state=%FF")
    shown = page.html.partition("Error id <code>")[2].partition("<")[0]
    (event,) = credenza.run(audit.list_events, error_id=shown)
    assert event.name == "SignOutRefused"


def test_an_error_says_nothing_of_signing_out_to_who_is_not_signed_in(new_visitor: Any) -> None:
    page = logout(new_visitor(), id_token_hint="x")
    assert page.status == 400
    assert 'href="/logout"' not in page.html


def test_who_sent_something_twice_is_told_in_their_language(user_agent: UserAgent) -> None:
    page = user_agent.get("/logout?state=a&state=b", headers={"accept-language": "de"})
    assert "Mehrfach gesendet: state." in page.text


def test_a_rdr_01_parameters_sent_twice(user_agent: Any, hint: str) -> None:
    url = f"/logout?id_token_hint={hint}&post_logout_redirect_uri={BACK}&post_logout_redirect_uri=https://evil.example/"
    assert user_agent.get(url).status == 400


def test_a_lgo_04_a_hint_of_somebody_else_asks(
    user_agent: Any, new_visitor: Any, client: RelyingParty, hint: str
) -> None:
    """A-LGO-04: confirmation, and the other session lives."""
    other = new_visitor()
    other.authorize(client)
    page = logout(other, id_token_hint=hint, post_logout_redirect_uri=BACK)
    assert isinstance(page, PageSeen)
    assert page.name == "sign-out"
    assert signed_in(other, client)
    assert signed_in(user_agent, client)


def test_a_lgo_04_a_hint_of_another_session_of_the_same_user_asks(
    user_agent: Any, new_visitor: Any, client: RelyingParty, hint: str
) -> None:
    elsewhere = new_visitor(user_agent.name)
    elsewhere.authorize(client)
    assert logout(elsewhere, id_token_hint=hint).name == "sign-out"
    assert signed_in(elsewhere, client)
    assert signed_in(user_agent, client)


def test_r_lo_04_sessions_elsewhere_stay(user_agent: Any, new_visitor: Any, client: RelyingParty, hint: str) -> None:
    elsewhere = new_visitor(user_agent.name)
    elsewhere.authorize(client)
    logout(user_agent, id_token_hint=hint)
    assert not signed_in(user_agent, client)
    assert signed_in(elsewhere, client)


def test_r_lo_04_what_was_granted_in_the_session_ends(
    credenza: Any, user_agent: Any, client: RelyingParty, spa: RelyingParty
) -> None:
    """R-LO-04, R-TK-19, R-UI-04: access tokens and codes at once; access while away stays."""
    online = client.tokens(user_agent.authorize(client))
    offline = spa.tokens(user_agent.authorize(spa, scope="openid profile offline_access"))
    waiting = user_agent.authorize(client)
    cookie = next(c.value for c in user_agent.cookies.jar if c.name == "__Host-credenza_session")
    answer = user_agent.send("GET", f"/logout?id_token_hint={online['id_token']}")
    assert answer.status_code == 200
    assert "__Host-credenza_session=" in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert client.userinfo(online["access_token"]).status_code == 401
    assert client.introspect(online["access_token"]) == {"active": False}
    assert client.redeem(waiting).json()["error"] == "invalid_grant"
    assert spa.refresh(offline["refresh_token"]).status_code == 200
    user_agent.cookies.set("__Host-credenza_session", cookie or "", domain="id.example.com", path="/")
    assert not signed_in(user_agent, client)


@pytest.mark.own_server
def test_r_lo_04_asking_for_offline_access_is_not_having_it(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """R-LO-04: what stays is decided by what was granted."""
    credenza.apply({"applications": [{"client_id": "app", "offline_access": False}]})
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    assert "refresh_token" not in tokens
    logout(user_agent, id_token_hint=tokens["id_token"])
    assert client.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.own_server
def test_r_lo_02_a_disabled_client_gets_nobody_sent(
    credenza: Any, user_agent: Any, client: RelyingParty, hint: str
) -> None:
    credenza.apply({"applications": [{"client_id": "app", "enabled": False}]})
    assert logout(user_agent, id_token_hint=hint, post_logout_redirect_uri=BACK).status == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods(credenza: Any, method: str) -> None:
    assert credenza.request(method, "/logout").status_code == 405


def test_the_other_forms_of_a_body(credenza: Any) -> None:
    for content_type in ("application/json", "multipart/form-data; boundary=x", ""):
        answer = credenza.request("POST", "/logout", content=b"{}", headers={"content-type": content_type})
        assert answer.status_code == 400
