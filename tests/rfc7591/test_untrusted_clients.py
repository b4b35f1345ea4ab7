"""Anybody may register a client to lead people astray from our address.

SECURITY.md R-AZ-17, A-RDR-04; RFC 9700 §4.11.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from credenza import StateError
from credenza.endpoints import pushed_authorization
from credenza.state import export
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent

Register = Callable[..., httpx.Response]
Made = Callable[[dict[str, Any]], RelyingParty]
WRONG = [{"scope": "openid address"}, {"response_type": "token"}, {"code_challenge_method": "plain"}]


@pytest.fixture
def mal(register: Register, relying_party: Made) -> RelyingParty:
    return relying_party(register().json())


@pytest.mark.parametrize("changes", WRONG)
def test_who_is_not_signed_in_is_not_sent_there_by_a_wrong_request(
    user_agent: UserAgent, mal: RelyingParty, changes: dict[str, str]
) -> None:
    """A-RDR-04."""
    page = user_agent.get(mal.authorization_url(**{"scope": "openid"} | changes))
    assert isinstance(page, PageSeen)
    assert page.status == 400
    assert "gull.example.net" in page.text


@pytest.mark.parametrize("changes", WRONG)
def test_who_is_signed_in_comes_back_to_the_client_they_use(
    user_agent: UserAgent, mal: RelyingParty, changes: dict[str, str]
) -> None:
    user_agent.get(mal.authorization_url(scope="openid"))
    user_agent.sign_in()
    assert isinstance(user_agent.get(mal.authorization_url(**{"scope": "openid"} | changes)), Callback)


def test_a_silent_request_is_answered_to_the_client(user_agent: UserAgent, mal: RelyingParty) -> None:
    """R-AZ-17: "silent requests excepted"."""
    callback = user_agent.get(mal.authorization_url(scope="openid", prompt="none"))
    assert isinstance(callback, Callback)
    assert callback.error == "login_required"


def test_who_cancels_before_signing_in_stays_here(credenza: Credenza, user_agent: UserAgent, mal: RelyingParty) -> None:
    """A-RDR-04: "user presses deny"."""
    user_agent.get(mal.authorization_url(scope="openid"))
    page = user_agent.submit([("decision", "deny")])
    assert isinstance(page, PageSeen)
    assert "gull.example.net" in page.text


def test_a_link_to_sign_out_leads_nobody_there_who_is_not_signed_in(
    credenza: Credenza, user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """A-RDR-04: an ID token of the attacker's own never gets too old to be a hint."""
    gull = relying_party(register(post_logout_redirect_uris=["https://gull.example.net/bye?a=b"]).json())
    user_agent.get(gull.authorization_url(scope="openid"))
    user_agent.sign_in()
    hint = gull.tokens(user_agent.decide())["id_token"]
    query = {"id_token_hint": hint, "post_logout_redirect_uri": "https://gull.example.net/bye?a=b", "state": "s"}
    link = "/logout?" + urlencode(query)
    for page in (UserAgent(credenza).get(link), UserAgent(credenza).post("/logout", query)):
        assert isinstance(page, PageSeen), page.url
        assert "gull.example.net" in page.text
        assert page.links == ["https://gull.example.net/bye?a=b&state=s"]
        assert "http-equiv" not in page.html
    own = user_agent.get(link)
    assert isinstance(own, Callback)
    assert own.url == "https://gull.example.net/bye?a=b&state=s"
    page = user_agent.get(link)
    assert isinstance(page, PageSeen)


def test_decisions_about_hosts_are_declared_in_the_desired_state(
    credenza: Credenza, user_agent: UserAgent, mal: RelyingParty, register: Register
) -> None:
    """As in the console: clients of a blocked host are refused, those that are yet to come too."""
    host = "gull.example.net"
    refused = {"host": host, "decision": "blocked"}
    (change,) = credenza.apply({"unregistered": {"hosts": [refused]}}).changes
    assert (change.action, change.kind, change.name) == ("created", "host", host)
    assert not credenza.apply({"unregistered": {"hosts": [refused]}}).changes
    page = user_agent.get(mal.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert page.error == "invalid_client"
    assert register().status_code == 400
    allowed = {"host": host, "decision": "allowed", "permissions": {"profile": ["email?"]}}
    credenza.apply({"unregistered": {"hosts": [allowed]}})
    user_agent.get(mal.authorization_url(scope="openid email"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    exported = credenza.run(export, credenza.server)["unregistered"]
    assert exported == {"hosts": [allowed]}
    (gone,) = credenza.apply({"unregistered": {"hosts": []}}, prune=True).changes
    assert (gone.action, gone.name) == ("deleted", host)
    for wrong in ("https://gull.example.net", "gull.example.net/path", "two words"):
        with pytest.raises(StateError):
            credenza.apply({"unregistered": {"hosts": [{"host": wrong, "decision": "blocked"}]}})
    with pytest.raises(StateError, match="decision is allowed or blocked"):
        credenza.apply({"unregistered": {"hosts": [{"host": host, "decision": "maybe"}]}})


@pytest.mark.parametrize(
    "uris",
    [
        ["https://gull.example.net:443/cb"],
        ["https://gull.example.net:8443/cb"],
        ["https://gull.example.net/cb", "https://other.example/cb"],
        ["http://127.0.0.1/cb", "https://gull.example.net/cb"],
    ],
)
def test_a_blocked_host_is_blocked_by_whichever_of_its_addresses(
    credenza: Credenza, register: Register, user_agent: UserAgent, admin: UserAgent, uris: list[str]
) -> None:
    """PRODUCT §7: another port, or another address beside it, was a way past the block."""
    members = {"redirect_uris": uris, "token_endpoint_auth_method": "none", "application_type": "native"}
    client = RelyingParty(credenza, register(**members).json()["client_id"], uris[0], auth_method="none")
    assert isinstance(user_agent.authorize(client, scope="openid"), Callback)
    decide = {"host": "gull.example.net", "decision": "blocked"}
    credenza.apply({"unregistered": {"hosts": [decide]}})
    assert register(client_name="Again", **members).status_code == 400
    page = user_agent.get(client.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert page.error == "invalid_client"
    page = admin.get(f"/console/applications/{client.client_id}")
    assert isinstance(page, PageSeen)
    assert "Blocked with gull.example.net" in page.text
    assert register(redirect_uris=["https://other.example/cb"]).status_code == 201


def test_what_is_said_about_a_port_goes_before_what_is_said_about_its_host(
    credenza: Credenza, register: Register
) -> None:
    blocked, allowed = {"decision": "blocked"}, {"decision": "allowed"}
    said = [{"host": "gull.example.net", **blocked}, {"host": "gull.example.net:8443", **allowed}]
    credenza.apply({"unregistered": {"hosts": [*said, {"host": "tern.example.net:8443", **blocked}]}})
    assert register(redirect_uris=["https://gull.example.net:8443/cb"]).status_code == 201
    assert register(redirect_uris=["https://gull.example.net:8444/cb"]).status_code == 400
    assert register(redirect_uris=["https://tern.example.net:8443/cb"]).status_code == 400
    assert register(redirect_uris=["https://tern.example.net/cb"]).status_code == 201


def test_what_strangers_push_is_limited_whatever_secret_they_have(
    register: Register, relying_party: Made, client: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SECURITY G1, A-BRU-13: anybody registers a client with a secret, and each request that it pushes is kept."""
    rule = pushed_authorization.BY_ADDRESS
    monkeypatch.setattr(pushed_authorization, "BY_ADDRESS", replace(rule, burst=3, seconds=3600))

    def push(party: RelyingParty) -> int:
        request = {"response_type": "code", "redirect_uri": party.redirect_uri, "scope": "openid"}
        return party.post("/par", request).status_code

    stranger = relying_party(register().json())
    assert stranger.secret
    assert [push(stranger) for _ in range(5)] == [201, 201, 201, 201, 429]
    assert push(relying_party(register(client_name="Tern Watch").json())) == 429
    assert push(client) == 201
