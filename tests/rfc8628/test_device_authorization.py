"""RFC 8628, the device authorization grant."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from credenza import consents, revoke_consented_grants, set_password, users
from credenza.endpoints.device_authorization import TRIES_BY_ADDRESS, TRIES_BY_SESSION, TRIES_IN_ALL
from credenza.protocol.pkce import s256
from credenza.store import audit
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.rules import Try

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def device(credenza: Credenza) -> RelyingParty:
    """The native application `native`, with the device code grant chosen for it."""
    grants = ["authorization_code", "refresh_token", DEVICE_CODE]
    credenza.apply({"applications": [{"client_id": "native", "name": "Tide CLI", "grant_types": grants}]})
    return RelyingParty(credenza, "native", "http://127.0.0.1/cb", auth_method="none")


def begin(device: RelyingParty, **changes: str) -> dict[str, Any]:
    response = device.post("/device_authorization", {"scope": "openid profile offline_access"} | changes)
    assert response.status_code == 200, response.text
    return dict(response.json())


def poll(device: RelyingParty, started: dict[str, Any], **changes: str) -> httpx.Response:
    return device.post("/token", {"grant_type": DEVICE_CODE, "device_code": started["device_code"]} | changes)


def enter(user_agent: UserAgent, code: str) -> PageSeen:
    """Type the code in, sign in when asked."""
    user_agent.get("/device")
    page = user_agent.submit([("user_code", code)])
    assert isinstance(page, PageSeen)
    if page.name == "sign-in":
        page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    return page


def approve(user_agent: UserAgent, code: str) -> PageSeen:
    page = enter(user_agent, code)
    assert page.name == "device"
    page = user_agent.submit([("decision", "authorize")])
    assert isinstance(page, PageSeen)
    assert page.name == "consent", page.text
    page = user_agent.decide("authorize")
    assert isinstance(page, PageSeen)
    return page


def test_3_2_the_answer(device: RelyingParty) -> None:
    """device_code, user_code, verification_uri and expires_in are REQUIRED. RFC 8628 §3.2. SECURITY R-DV-01."""
    started = begin(device)
    assert started["verification_uri"] == "https://id.example.com/device"
    assert started["expires_in"] <= 900
    assert started["interval"] >= 5
    assert len(started["user_code"].replace("-", "")) == 8


def test_3_5_pending_then_approved_then_one_success(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """ "authorization_pending: The authorization request is still pending as the end user hasn't yet completed the
    user-interaction steps". RFC 8628 §3.5. SECURITY R-DV-02, A-DEV-02.
    """
    started = begin(device)
    assert poll(device, started).json()["error"] == "authorization_pending"
    page = approve(user_agent, started["user_code"].lower().replace("-", " "))
    assert (page.name, "connected" in page.text) == ("device", True)
    credenza.clock.move(6)
    tokens = poll(device, started)
    assert tokens.status_code == 200, tokens.text
    assert device.userinfo(tokens.json()["access_token"]).json()["name"] == "Ada Lovelace"
    assert device.refresh(tokens.json()["refresh_token"]).status_code == 200
    credenza.clock.move(6)
    assert poll(device, started).json()["error"] == "invalid_grant"


def test_3_3_a_code_is_typed_with_the_wide_letters_of_a_japanese_keyboard(
    user_agent: UserAgent, device: RelyingParty
) -> None:
    """The user is asked to enter the user_code, which is compared without regard to how it was typed. RFC 8628 §3.3,
    §6.1.
    """
    started = begin(device)
    wide = {ord(letter): chr(ord(letter) + 0xFEE0) for letter in started["user_code"]}
    page = approve(user_agent, started["user_code"].translate(wide))
    assert (page.name, "connected" in page.text) == ("device", True)


async def poll_at_once(credenza: Credenza, form: dict[str, str], times: int) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app=credenza.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=credenza.issuer) as http:
        return await asyncio.gather(*(http.post("/token", data=dict(form)) for _ in range(times)))


def test_3_5_polls_at_the_same_moment_get_one_set_of_tokens(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY A-DEV-04, R-DV-02."""
    started = begin(device)
    approve(user_agent, started["user_code"])
    form = {"grant_type": DEVICE_CODE, "device_code": started["device_code"], "client_id": "native"}
    answers = credenza.run(poll_at_once, credenza, form, 20)
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {answer.json()["error"] for answer in answers if answer.status_code != 200} <= {"invalid_grant", "slow_down"}


def test_3_5_polling_faster_slows_down(credenza: Credenza, device: RelyingParty) -> None:
    """ "the interval MUST be increased by 5 seconds for this and all subsequent requests". RFC 8628 §3.5."""
    started = begin(device)
    assert poll(device, started).json()["error"] == "authorization_pending"
    assert poll(device, started).json()["error"] == "slow_down"
    credenza.clock.move(6)
    assert poll(device, started).json()["error"] == "slow_down"  # the interval has grown by five seconds
    credenza.clock.move(16)
    assert poll(device, started).json()["error"] == "authorization_pending"


def test_3_5_denied_and_expired(credenza: Credenza, user_agent: UserAgent, device: RelyingParty) -> None:
    """ "access_denied: The authorization request was denied." "expired_token: The 'device_code' has expired". RFC 8628
    §3.5.
    """
    denied, expired = begin(device), begin(device)
    enter(user_agent, denied["user_code"])
    page = user_agent.submit([("decision", "deny")])
    assert isinstance(page, PageSeen)
    assert page.name == "device"
    assert poll(device, denied).json()["error"] == "access_denied"
    credenza.clock.move(700)
    assert poll(device, expired).json()["error"] == "expired_token"


def test_5_4_a_link_alone_approves_nothing(user_agent: UserAgent, device: RelyingParty) -> None:
    """ "The server SHOULD display the 'user_code' to the user and ask them to verify that it matches", RFC 8628 §3.3.1;
    and the user is told that a device is authorized, so that nobody does it for another's, RFC 8628 §5.4. SECURITY
    R-DV-03, A-DEV-01.
    """
    started = begin(device)
    user_agent.get("/logout")
    page = user_agent.get(started["verification_uri_complete"])
    assert isinstance(page, PageSeen)
    assert page.forms[0].values_of("user_code") == [started["user_code"]]
    page = enter(user_agent, started["user_code"])
    assert "Tide CLI" in page.text
    assert started["user_code"] in page.text
    assert "somebody sent you this code" in page.text
    assert 'value="authorize" aria-describedby="warning"' in page.html, "who goes from button to button hears it too"
    assert poll(device, started).json()["error"] == "authorization_pending"


def test_3_4_a_client_says_who_it_is(credenza: Credenza, device: RelyingParty) -> None:
    """ "client_id REQUIRED if the client is not authenticating with the authorization server". RFC 8628 §3.1, §3.4."""
    form = {"grant_type": DEVICE_CODE, "device_code": begin(device)["device_code"]}
    for path, sent in (("/token", form), ("/device_authorization", {"scope": "openid"})):
        answer = credenza.request("POST", path, data=sent)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_3_4_the_device_code_is_required(device: RelyingParty) -> None:
    """ "device_code REQUIRED." RFC 8628 §3.4."""
    answer = device.post("/token", {"grant_type": DEVICE_CODE})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_it_is_bound_to_its_client(credenza: Credenza, device: RelyingParty, spa: RelyingParty) -> None:
    """SECURITY R-DV-04."""
    started = begin(device)
    grants = ["authorization_code", "refresh_token"]
    assert poll(spa, started).json()["error"] == "unauthorized_client"
    credenza.apply({"applications": [{"client_id": "native", "name": "Tide CLI", "grant_types": grants}]})
    assert poll(device, started).json()["error"] == "unauthorized_client"
    assert device.post("/device_authorization", {"scope": "openid"}).json()["error"] == "unauthorized_client"
    (event, *_) = credenza.run(audit.list_events, client="native", name="AuthorizationRefused", limit=1)
    assert event.data["error"] == "unauthorized_client", "the administrator finds it under Activity"


def test_another_client_that_may_use_device_codes_cannot_use_this_one(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-DV-04: it is unknown to everybody else, before and after the approval, and lives on."""
    started = begin(device)
    grants = ["authorization_code", "refresh_token", DEVICE_CODE]
    other = {"client_id": "lamp", "name": "Lamp", "type": "native", "third_party": True, "grant_types": grants}
    credenza.apply({"applications": [other]})
    lamp = RelyingParty(credenza, "lamp", "http://127.0.0.1/cb", auth_method="none")
    assert poll(lamp, started).json()["error"] == "invalid_grant"
    approve(user_agent, started["user_code"])
    assert poll(lamp, started).json()["error"] == "invalid_grant"
    assert poll(device, started).status_code == 200


def test_a_code_that_was_answered_or_is_too_old_is_not_known(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-DV-01: whoever types it in is told so before anything else is asked."""
    approved, late, slow = begin(device), begin(device), begin(device)
    approve(user_agent, approved["user_code"])
    assert enter(user_agent, approved["user_code"]).status == 422
    assert enter(user_agent, slow["user_code"]).name == "device"
    page = user_agent.page
    credenza.clock.move(601)
    assert enter(user_agent, late["user_code"]).status == 422
    user_agent.page = page
    user_agent.submit([("decision", "authorize")])
    gone = user_agent.decide("authorize")
    assert isinstance(gone, PageSeen)
    assert (gone.name, gone.error) == ("error", "interaction_expired")
    assert poll(device, slow).json()["error"] == "expired_token"


def test_whoever_signs_in_instead_is_asked_whether_it_is_their_device(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-DV-03, A-SES-05: what one person said in this browser is not said by the next."""
    enter(user_agent, begin(device)["user_code"])
    page = user_agent.submit([("decision", "authorize")])
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    user_agent.get("/logout")
    user_agent.submit([("decision", "sign-out")])
    user_agent.get("/account")
    user_agent.sign_in("grace")
    seen = user_agent.get(page.url)
    assert isinstance(seen, PageSeen)
    assert (seen.name, "grace" in seen.text.lower()) == ("device", True)


def test_a_suspended_user_gets_nothing(credenza: Credenza, user_agent: UserAgent, device: RelyingParty) -> None:
    """SECURITY R-DV-05, A-BRU-06."""
    started = begin(device)
    approve(user_agent, started["user_code"])
    credenza.apply({"users": [{"username": "ada", "suspended": True}]})
    assert poll(device, started).json()["error"] == "invalid_grant"


def test_a_new_password_ends_what_no_device_has_fetched_yet(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-TK-19: whoever knew the old one may have approved it; a code that is open ends likewise."""
    started = begin(device)
    approve(user_agent, started["user_code"])
    callback = user_agent.authorize(device, scope="openid profile")
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    stored = ada.password_hash or ""
    credenza.run(set_password, credenza.server, ada, stored, through="account", address="", sign_out=False)
    assert poll(device, started).json()["error"] == "invalid_grant"
    assert device.redeem(callback).json()["error"] == "invalid_grant"


def test_a_consent_that_is_taken_back_does_not_come_back_to_a_device(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-AZ-32, R-TK-19: nor when the user allows the same application again elsewhere."""
    started = begin(device)
    approve(user_agent, started["user_code"])
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    for consent in credenza.run(consents.list_consents, user_id=ada.id):
        credenza.run(revoke_consented_grants, ada.id, "native", {}, credenza.server.now())
        credenza.run(consents.revoke_consent, ada.id, consent.id)
    device.tokens(user_agent.authorize(device, scope="openid profile"))
    assert poll(device, started).json()["error"] == "invalid_grant"


def test_a_consent_for_one_organization_that_is_taken_back_ends_no_device_for_another(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """PRODUCT +19: a device that had been allowed for Basalt got nothing once Acme was taken back."""
    organizations = "urn:credenza:scope:organizations"
    credenza.apply(
        {
            "organizations": [{"id": key, "name": key, "members": [{"username": "ada"}]} for key in ("acme", "basalt")],
            "applications": [
                {"client_id": "native", "name": "Tide CLI", "permissions": {"profile": ["profile", organizations]}}
            ],
        }
    )
    started = {}
    for key in ("acme", "basalt"):
        started[key] = begin(device, scope=f"openid profile {organizations}")
        enter(user_agent, started[key]["user_code"])
        user_agent.submit([("decision", "authorize")])
        user_agent.decide(organization=key)
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    credenza.run(revoke_consented_grants, ada.id, "native", {"organization": "acme"}, credenza.server.now())
    assert poll(device, started["acme"]).json()["error"] == "invalid_grant"
    token = poll(device, started["basalt"]).json()["access_token"]
    assert device.userinfo(token).json()["organizations"] == ["basalt"]


@pytest.mark.parametrize("scope", ["openid profile", "openid profile offline_access"])
def test_signing_out_ends_what_no_device_has_fetched_yet(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty, scope: str
) -> None:
    """As it ends a code and a grant: all but access while the user is away. Back-Channel Logout §2.7."""
    started, pending = begin(device, scope=scope), begin(device, scope=scope)
    approve(user_agent, started["user_code"])
    user_agent.get("/logout")
    user_agent.submit([("decision", "sign-out")])
    answer = poll(device, started)
    if "offline_access" in scope:
        assert device.userinfo(answer.json()["access_token"]).status_code == 200
        assert device.refresh(answer.json()["refresh_token"]).status_code == 200
    else:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert poll(device, pending).json()["error"] == "authorization_pending"


def test_pkce_is_enforced_when_it_was_sent(user_agent: UserAgent, device: RelyingParty) -> None:
    """SECURITY R-PK-08."""
    started = begin(device, code_challenge=s256(device.verifier), code_challenge_method="S256")
    approve(user_agent, started["user_code"])
    assert poll(device, started).json()["error"] == "invalid_grant"


def test_only_what_was_approved_is_granted(credenza: Credenza, user_agent: UserAgent, device: RelyingParty) -> None:
    """SECURITY A-CNS-08."""
    started = begin(device, scope="openid")
    approve(user_agent, started["user_code"])
    assert poll(device, started, scope="openid profile").json()["error"] == "invalid_scope"


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


def test_guessing_codes_is_stopped(user_agent: UserAgent, device: RelyingParty) -> None:
    """SECURITY A-BRU-10."""
    begin(device)
    statuses = []
    for _ in range(40):
        user_agent.get("/device")
        page = user_agent.submit([("user_code", "BBBB-BBBB")])
        assert isinstance(page, PageSeen)
        statuses.append(page.status)
    assert statuses[0] == 422
    assert statuses[-1] == 429


def guess(agent: UserAgent, times: int, network: str) -> list[int]:
    """Wrong codes from as many addresses; what each is answered with."""
    page = agent.get("/device")
    assert isinstance(page, PageSeen)
    statuses = []
    for host in range(1, times + 1):
        agent.address = f"{network}{host:x}"
        seen = agent.post("/device", [*page.forms[0].hidden(), ("user_code", "BBBB-BBBB")])
        assert isinstance(seen, PageSeen)
        statuses.append(seen.status)
    return statuses


def test_guessing_from_one_network_stops_that_network_and_nobody_else(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """RFC 8628 §5.1: whoever has one IPv6 network has 2^64 addresses, and blocked everybody's devices with 600."""
    statuses = guess(UserAgent(credenza), 700, "2001:db8:1:1::")
    assert statuses.count(422) < 3 * TRIES_BY_ADDRESS.burst
    user_agent.address = "198.51.100.9"
    assert enter(user_agent, begin(device)["user_code"]).name == "device"


def test_r_dv_04_guessing_in_a_session_is_stopped_wherever_it_comes_from(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-DV-04: per session, per address and globally; strangers do not stop who is signed in."""
    enter(user_agent, begin(device)["user_code"])
    for _ in range(TRIES_IN_ALL.burst + 100):
        credenza.run(credenza.app.state.limiter.may_know, False, (TRIES_IN_ALL, ""))
    assert guess(UserAgent(credenza), 1, "2001:db8:3:1::") == [429]
    statuses = [guess(user_agent, 1, f"2001:db8:4:{number:x}::")[0] for number in range(TRIES_BY_SESSION.burst + 2)]
    assert (statuses[0], statuses[-1]) == (422, 429)


def test_guessing_from_many_networks_is_stopped_and_right_codes_do_not_count_as_guesses(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    started, limiter = begin(device), credenza.app.state.limiter
    in_all: Try = (TRIES_IN_ALL, "")
    assert enter(user_agent, started["user_code"]).name == "device"
    assert in_all not in limiter._arrivals
    assert guess(UserAgent(credenza), 1, "2001:db8:2:1::") == [422]
    assert in_all in limiter._arrivals
    for _ in range(TRIES_IN_ALL.burst + 100):
        credenza.run(limiter.may_know, False, in_all)
    assert guess(UserAgent(credenza), 1, "2001:db8:2:2::") == [429]


def test_a_forged_form_is_refused(user_agent: UserAgent, device: RelyingParty) -> None:
    """SECURITY A-DEV-07."""
    started = begin(device)
    page = user_agent.post("/device", {"user_code": started["user_code"], "csrf_token": "x"})
    assert isinstance(page, PageSeen)
    assert page.status == 403


def test_a_device_that_named_a_key_must_show_it(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """As with a code. RFC 9449 §10."""
    started = begin(device, dpop_jkt="A" * 43)
    approve(user_agent, started["user_code"])
    credenza.clock.move(6)
    assert poll(device, started).json()["error"] == "invalid_dpop_proof"
