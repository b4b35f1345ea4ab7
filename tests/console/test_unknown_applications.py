"""The inbox of applications that nobody here created: by host; allow, allow with permissions, block. PRODUCT §7."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx
import pytest

from credenza import ObjectChanged, audit
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent

from .test_same_moment import overtake

Visitor = Any  # see conftest.py

INBOX = "/console/unknown-applications"
GULL = f"{INBOX}/hosts/gull~2Eexample~2Enet"


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    return {"registration": "open", "registration_limit_per_hour": 1000}


def register(
    credenza: Credenza, name: str = "Gull Watch", uri: str = "https://gull.example.net/cb", **others: Any
) -> httpx.Response:
    members = {"client_name": name, "redirect_uris": [uri], "token_endpoint_auth_method": "none", **others}
    return credenza.request("POST", "/register", json=members)


def registered(
    credenza: Credenza, name: str = "Gull Watch", uri: str = "https://gull.example.net/cb", **others: Any
) -> RelyingParty:
    answer = register(credenza, name, uri, **others)
    assert answer.status_code == 201, answer.text
    return RelyingParty(credenza, answer.json()["client_id"], uri, auth_method="none")


def last_change(visitor: Visitor) -> ObjectChanged:
    return visitor.credenza.run(audit.list_events, name="ObjectChanged", limit=1)[0]  # type: ignore[no-any-return]


def consent_page(credenza: Credenza, client: RelyingParty, scope: str = "openid") -> PageSeen:
    agent = UserAgent(credenza)
    agent.get(client.authorization_url(scope=scope))
    page = agent.sign_in("ada")
    assert isinstance(page, PageSeen)
    return page


def test_an_unknown_application_waits_under_its_host(visitor: Visitor) -> None:
    assert "Nothing waits for a decision" in visitor.get(INBOX).text
    registered(visitor.credenza)
    registered(visitor.credenza, "Gull Count")
    registered(visitor.credenza, "Local Tool", "http://127.0.0.1/cb")
    page = visitor.get(INBOX)
    assert GULL in page.links
    assert f"{INBOX}/hosts/~none" in page.links
    assert "<bdi>Gull Count</bdi>, <bdi>Gull Watch</bdi>" in page.html
    found = visitor.get(f"{INBOX}?q=GULL.example", HX_Request="true").text
    assert "Gull Watch" in found
    assert "Local Tool" not in found
    assert "2 hosts wait for a decision" in visitor.get("/console").text
    assert "Gull Watch" in visitor.get(GULL).text
    assert "machine" in visitor.get(f"{INBOX}/hosts/~none").text


def test_an_allowed_host_is_shown_as_known_and_asks_for_what_was_ticked(visitor: Visitor) -> None:
    client = registered(visitor.credenza)
    before = consent_page(visitor.credenza, client)
    assert "gull.example.net" in before.text
    refused = UserAgent(visitor.credenza).get(client.authorization_url(scope="openid email"))
    assert "invalid_scope" in str(refused)
    visitor.done(f"{GULL}/allow", {"permission": "profile email"})
    assert last_change(visitor).data["after"] == {"decision": "allowed", "permissions": ["profile email"]}
    page = consent_page(visitor.credenza, client, "openid email")
    assert "ada@example.com" in page.text
    assert "Gull Watch" in page.html[page.html.index("<h1") : page.html.index("</h1>")]
    later = registered(visitor.credenza, "Gull Count")
    assert "ada@example.com" in consent_page(visitor.credenza, later, "openid email").text, "those to come as well"
    assert GULL in visitor.get(f"{INBOX}/allowed").links
    assert GULL not in visitor.get(INBOX).links


MAL = "https://mal.example/x"
ELSEWHERE: dict[str, Any] = {
    "post_logout_redirect_uris": ["https://gull.example.net/bye", MAL],
    "client_uri": MAL,
    "logo_uri": MAL,
    "policy_uri": MAL,
    "tos_uri": MAL,
    "jwks_uri": MAL,
    "initiate_login_uri": MAL,
    "backchannel_logout_uri": MAL,
}


@pytest.mark.parametrize("member", ELSEWHERE)
def test_one_that_leads_elsewhere_is_not_allowed_with_its_host(visitor: Visitor, member: str) -> None:
    """R-CR-01, R-AZ-31: anybody registers a client with a redirect URI of an allowed host, and a page of their own."""
    visitor.done(f"{GULL}/allow", {"permission": "profile email"})
    client = registered(visitor.credenza, **{member: ELSEWHERE[member]})
    page = consent_page(visitor.credenza, client)
    assert "gull.example.net" in page.html[page.html.index("<h1") : page.html.index("</h1>")]
    assert "invalid_scope" in str(UserAgent(visitor.credenza).get(client.authorization_url(scope="openid email")))


def test_one_that_leads_elsewhere_is_vouched_for_by_itself_or_with_that_host(visitor: Visitor) -> None:
    visitor.done(f"{GULL}/allow")
    client = registered(visitor.credenza, client_uri=MAL)
    address = f"/console/applications/{client.client_id}"
    assert "Its host is allowed, but it also gives addresses on mal.example" in visitor.get(address).text
    assert "Unverified" in visitor.get(GULL).text
    visitor.done(f"{address}/vouching", {"vouched": "on"})
    page = consent_page(visitor.credenza, client)
    assert "Gull Watch" in page.html[page.html.index("<h1") : page.html.index("</h1>")]
    visitor.done(f"{address}/vouching")
    visitor.done(f"{INBOX}/hosts/mal~2Eexample/allow")
    page = consent_page(visitor.credenza, client)
    assert "Gull Watch" in page.html[page.html.index("<h1") : page.html.index("</h1>")]
    assert "Unverified" not in visitor.get(GULL).text + visitor.get(address).text


def test_a_blocked_host_is_refused_everywhere_and_can_be_taken_back(visitor: Visitor, user_agent: UserAgent) -> None:
    client = registered(visitor.credenza)
    tokens = client.tokens(user_agent.authorize(client, scope="openid"))
    page = visitor.get(f"{GULL}/block")
    assert "<dt>Consents</dt><dd>1</dd>" in page.html
    assert 'value="gull"' in visitor.refused(f"{GULL}/block", {"confirm": "gull"})
    assert client.userinfo(tokens["access_token"]).status_code == 200, "a refused form changes nothing"

    visitor.done(f"{GULL}/block", {"confirm": "gull.example.net"})
    assert client.userinfo(tokens["access_token"]).status_code == 401
    shown = UserAgent(visitor.credenza).get(client.authorization_url(scope="openid"))
    assert isinstance(shown, PageSeen)
    assert shown.name == "error"
    again = register(visitor.credenza, "Another Name")
    assert (again.status_code, again.json()["error"]) == (400, "invalid_client_metadata")
    assert "Disabled" in visitor.get(f"/console/applications/{client.client_id}").text

    visitor.done(GULL)
    client.tokens(user_agent.authorize(client, scope="openid"))
    assert register(visitor.credenza, "Another Name").status_code == 201


def test_a_block_says_all_that_it_ends(visitor: Visitor, user_agent: UserAgent) -> None:
    """Those on another port, and those with an address of the host among others, too."""
    ways = ["https://gull.example.net/cb", "https://gull.example.net:8443/cb"]
    for name, uris in (("One", ways[:1]), ("Port", ways[1:]), ("Both", [*ways, "https://other.example/cb"])):
        members = {"client_name": name, "redirect_uris": uris, "token_endpoint_auth_method": "none"}
        made = visitor.credenza.request("POST", "/register", json=members).json()
        client = RelyingParty(visitor.credenza, made["client_id"], uris[-1], auth_method="none")
        client.tokens(user_agent.authorize(client, scope="openid"))
    for uri in ("https://agull.example.net/cb", "https://gull.example.network/cb", "http://127.0.0.1/gull.example.net"):
        registered(visitor.credenza, "Another", uri)
    page = visitor.get(f"{GULL}/block")
    assert "<dt>Applications</dt><dd>3</dd>" in page.html
    assert "<dt>Consents</dt><dd>3</dd>" in page.html


def test_what_is_switched_by_hand_during_a_block_stays_so_after_it(visitor: Visitor) -> None:
    """Enabled and disabled again, an application was enabled by the end of the block."""
    client, other = registered(visitor.credenza), registered(visitor.credenza, "Gull Count")
    visitor.done(f"{GULL}/block", {"confirm": "gull.example.net"})
    page = f"/console/applications/{client.client_id}"
    visitor.done(f"{page}/availability", {"enabled": "on"})
    visitor.done(f"{page}/availability")
    visitor.credenza.settle()
    visitor.done(GULL)
    assert "Disabled" in visitor.get(page).text
    assert "Disabled" not in visitor.get(f"/console/applications/{other.client_id}").text


def test_what_is_disabled_once_more_during_a_block_stays_so_after_it(visitor: Visitor) -> None:
    """On a page from before the block: nothing changes then, and it was meant all the same."""
    client = registered(visitor.credenza)
    visitor.done(f"{GULL}/block", {"confirm": "gull.example.net"})
    page = f"/console/applications/{client.client_id}"
    visitor.done(f"{page}/availability")
    visitor.credenza.settle()
    visitor.done(GULL)
    assert "Disabled" in visitor.get(page).text


def test_one_without_a_host_is_vouched_for_by_itself(visitor: Visitor) -> None:
    client = registered(visitor.credenza, "Local Tool", "http://127.0.0.1/cb")
    address = f"/console/applications/{client.client_id}"
    assert "Unverified" in visitor.get(address).text
    assert visitor.post(f"{INBOX}/hosts/~none/allow").status_code == 404
    assert "Vouched for" in visitor.done(f"{address}/vouching", {"vouched": "on"}).text
    page = consent_page(visitor.credenza, client)
    assert "Local Tool" in page.html[page.html.index("<h1") : page.html.index("</h1>")]
    assert "Nothing waits for a decision" in visitor.get(INBOX).text
    assert "Unverified" in visitor.done(f"{address}/vouching").text
    assert visitor.post("/console/applications/app/vouching", {"vouched": "on"}).status_code == 404


def test_who_saves_settings_does_not_take_back_what_somebody_vouches_for_at_the_same_moment(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = registered(visitor.credenza)
    address = f"/console/applications/{client.client_id}"
    vouch = partial(visitor.post, f"{address}/vouching", {"vouched": "on"}, token=visitor.token())
    overtake(visitor, monkeypatch, vouch)
    settings = {"name": "Gull Watch", "redirect_uris": client.redirect_uri, "id_token_claims": "granted"}
    visitor.done(address, {**settings, "auth_method": "none", "id_token_alg": "ES256"})
    assert "Vouched for" in visitor.get(address).text


def test_vouching_twice_leaves_one_entry(visitor: Visitor) -> None:
    client = registered(visitor.credenza)

    def actions() -> list[str]:
        events = visitor.credenza.run(audit.list_events, name="ObjectChanged", client=client.client_id)
        return [event.data["action"] for event in events]

    address = f"/console/applications/{client.client_id}/vouching"
    for _ in range(2):
        assert "is vouched for" in visitor.done(address, {"vouched": "on"}).text
    assert actions() == ["vouched for", "registered"]
    for _ in range(2):
        assert "is unverified again" in visitor.done(address).text
    assert actions() == ["doubted", "vouched for", "registered"]


def test_what_all_may_ask_for_is_ticked_in_the_console(visitor: Visitor) -> None:
    client = registered(visitor.credenza)
    visitor.done(f"{INBOX}/permissions", {"permission": "profile email"})
    assert "ada@example.com" in consent_page(visitor.credenza, client, "openid email").text
    assert "does not exist any more" in visitor.refused(f"{INBOX}/permissions", {"permission": "profile nothing"})
    visitor.done(f"{INBOX}/permissions")
    assert "invalid_scope" in str(UserAgent(visitor.credenza).get(client.authorization_url(scope="openid email")))


@pytest.mark.parametrize("host", ["nobody~2Eexample", "~2F~2Fevil", "x" * 300, "~00"])
def test_a_host_that_is_not_known_has_no_page(visitor: Visitor, host: str) -> None:
    assert visitor.get(f"{INBOX}/hosts/{host}").status == 404


def test_a_name_from_right_to_left_turns_nothing_beside_it(visitor: Visitor) -> None:
    registered(visitor.credenza, "שחף")
    for path in (INBOX, "/console"):
        assert "<bdi>שחף</bdi>" in visitor.get(path).html


def test_names_with_markup_are_text(visitor: Visitor) -> None:
    registered(visitor.credenza, "<b onclick=x>Gull</b>")
    for path in (INBOX, GULL, "/console"):
        assert "<b onclick" not in visitor.get(path).html
