"""Refresh tokens: bound to the client, rotated for public ones, one live token in a family. SECURITY.md §1.3, §2.3."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from credenza.store import consents, sessions, users
from credenza.store.refresh_tokens import RefreshTokenRow
from credenza.testing import ORDERS, SECRET, RelyingParty, running, test_settings

OFFLINE = "openid profile email offline_access"


def assert_refused(answer: httpx.Response, *codes: str) -> None:
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] in (codes or ("invalid_grant",))
    assert answer.headers["cache-control"] == "no-store"
    assert "access_token" not in answer.text


def granted(user_agent: Any, client: RelyingParty, scope: str = OFFLINE, **changes: str) -> dict[str, Any]:
    return client.tokens(user_agent.authorize(client, scope=scope, **changes))


def is_live(client: RelyingParty, token: str) -> bool:
    """Whether UserInfo takes the access token: a public client cannot introspect."""
    return client.userinfo(token).status_code == 200


# -- rotation and reuse -----------------------------------------------------------------------------------------------


def test_r_tk_17_a_public_client_gets_a_new_one_each_time(user_agent: Any, spa: RelyingParty) -> None:
    first = granted(user_agent, spa)
    second = spa.refresh(first["refresh_token"]).json()
    third = spa.refresh(second["refresh_token"]).json()
    assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3


def test_d2_a_confidential_client_keeps_its_own(user_agent: Any, client: RelyingParty) -> None:
    first = granted(user_agent, client)
    for _ in range(3):
        answer = client.refresh(first["refresh_token"])
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] == first["refresh_token"]


def test_a_ref_01_reuse_after_the_successor_was_used_ends_the_family(
    credenza: Any, user_agent: Any, spa: RelyingParty
) -> None:
    """A-REF-01, R-TK-17: the whole family, its access tokens, and an event."""
    first = granted(user_agent, spa)
    second = spa.refresh(first["refresh_token"]).json()
    third = spa.refresh(second["refresh_token"]).json()
    assert_refused(spa.refresh(first["refresh_token"]))
    assert not any(is_live(spa, tokens["access_token"]) for tokens in (first, second, third))
    assert_refused(spa.refresh(third["refresh_token"]))
    from credenza.store.audit import list_events

    user = credenza.user(user_agent.name).id
    assert [e.data["what"] for e in credenza.run(list_events, user=user, name="ReuseDetected")] == ["refresh_token"]


def test_d2_a_repeat_inside_the_window_replaces_the_unused_successor(user_agent: Any, spa: RelyingParty) -> None:
    """D2: the answer was lost; at any instant one live refresh token."""
    first = granted(user_agent, spa)
    spa.refresh(first["refresh_token"])
    again = spa.refresh(first["refresh_token"])
    assert again.status_code == 200
    assert spa.refresh(again.json()["refresh_token"]).status_code == 200


def test_r_tk_17_a_successor_that_was_replaced_ends_the_family(
    credenza: Any, user_agent: Any, spa: RelyingParty
) -> None:
    """Its answer was not lost, so the repeat came from somebody else: a thief who was quick. RFC 9700 §4.14.2."""
    first = granted(user_agent, spa)
    victims = spa.refresh(first["refresh_token"]).json()
    thiefs = spa.refresh(first["refresh_token"]).json()
    credenza.clock.move(11)
    assert_refused(spa.refresh(victims["refresh_token"]))
    assert_refused(spa.refresh(thiefs["refresh_token"]))
    assert not any(is_live(spa, tokens["access_token"]) for tokens in (first, victims, thiefs))


def test_d2_answers_that_crossed_each_other_end_nothing(user_agent: Any, spa: RelyingParty) -> None:
    """Two tabs at once, and each goes on with its own at once: one of them works."""
    first = granted(user_agent, spa)
    replaced, *others = (spa.refresh(first["refresh_token"]).json() for _ in range(3))
    for tokens in (replaced, others[0]):
        assert_refused(spa.refresh(tokens["refresh_token"]))
    assert spa.refresh(others[1]["refresh_token"]).status_code == 200


def test_d2_a_repeat_after_the_window_ends_the_family(credenza: Any, user_agent: Any, spa: RelyingParty) -> None:
    first = granted(user_agent, spa)
    second = spa.refresh(first["refresh_token"]).json()
    credenza.clock.move(11)
    assert_refused(spa.refresh(first["refresh_token"]))
    assert_refused(spa.refresh(second["refresh_token"]))


@pytest.mark.own_server(refresh_token_reuse_window=0)
def test_d2_a_window_of_nothing_forgives_nothing(user_agent: Any, spa: RelyingParty) -> None:
    first = granted(user_agent, spa)
    second = spa.refresh(first["refresh_token"]).json()
    assert_refused(spa.refresh(first["refresh_token"]))
    assert_refused(spa.refresh(second["refresh_token"]))


@pytest.mark.own_server
def test_a_ref_05_reuse_is_seen_after_a_restart(
    credenza: Any, user_agent: Any, spa: RelyingParty, credenza_database: str
) -> None:
    """A-REF-05."""
    first = granted(user_agent, spa)
    second = spa.refresh(first["refresh_token"]).json()
    third = spa.refresh(second["refresh_token"]).json()
    with running(test_settings(credenza_database)) as restarted:
        after = RelyingParty(restarted, "spa", spa.redirect_uri, auth_method="none")
        assert_refused(after.refresh(first["refresh_token"]))
        assert_refused(after.refresh(third["refresh_token"]))


async def _in_parallel(credenza: Any, url: str, forms: list[dict[str, str]], **options: Any) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app=credenza.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=credenza.issuer) as http:
        return list(await asyncio.gather(*(http.post(form.pop("url", url), data=form, **options) for form in forms)))


@pytest.mark.own_server
def test_a_ref_02_of_twenty_parallel_refreshes_at_most_one_token_lives(
    both_engines: str, credenza: Any, user_agent: Any, spa: RelyingParty
) -> None:
    """A-REF-02: and nothing is a 5xx."""
    first = granted(user_agent, spa)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "client_id": "spa"}
    answers = credenza.run(_in_parallel, credenza, "/token", [dict(form) for _ in range(20)])
    assert {answer.status_code for answer in answers} <= {200, 400}
    given = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
    assert len(given) == len(set(given))

    async def live() -> int:
        r = RefreshTokenRow
        return int(await r.count().where(r.spent_at.is_null() & r.grant.revoked_at.is_null()))

    assert credenza.run(live) <= 1


@pytest.mark.own_server
@pytest.mark.parametrize("role", ["spa", "client"])
def test_a_ref_06_nothing_survives_a_revocation(
    both_engines: str, credenza: Any, user_agent: Any, request: pytest.FixtureRequest, role: str
) -> None:
    """A-REF-06, R-RV-03: revoke and refresh in parallel."""
    party: RelyingParty = request.getfixturevalue(role)
    for _ in range(3):
        tokens = granted(user_agent, party)
        public = {"client_id": "spa"} if role == "spa" else {}
        options: dict[str, Any] = {} if public else {"auth": (party.client_id, SECRET)}
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **public}
        revoke = {"url": "/revoke", "token": tokens["refresh_token"], **public}
        answers = credenza.run(_in_parallel, credenza, "/token", [dict(refresh), revoke, dict(refresh)], **options)
        assert answers[1].status_code == 200
        for answer in (answers[0], answers[2]):
            assert answer.status_code in (200, 400)
            if answer.status_code == 200:
                assert not is_live(party, answer.json()["access_token"])
                assert_refused(party.refresh(answer.json()["refresh_token"]))
        assert not is_live(party, tokens["access_token"])


# -- scope, resource, client ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope", ["openid profile email phone", "offline_access roles", "admin", "OPENID", "orders:write"]
)
def test_a_ref_07_a_larger_scope_is_refused(user_agent: Any, client: RelyingParty, scope: str) -> None:
    """A-REF-07, R-TK-15."""
    tokens = granted(user_agent, client)
    assert_refused(client.refresh(tokens["refresh_token"], scope=scope), "invalid_scope")
    assert client.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("scope", ["openid", "offline_access openid"])
def test_a_ref_07_openid_cannot_be_added(user_agent: Any, client: RelyingParty, scope: str) -> None:
    tokens = granted(user_agent, client, "profile offline_access")
    assert "id_token" not in tokens
    assert_refused(client.refresh(tokens["refresh_token"], scope=scope), "invalid_scope")
    assert "id_token" not in client.refresh(tokens["refresh_token"]).json()


def test_r_tk_15_a_smaller_scope_is_given_and_the_next_one_is_whole_again(
    user_agent: Any, client: RelyingParty
) -> None:
    tokens = granted(user_agent, client)
    less = client.refresh(tokens["refresh_token"], scope="profile").json()
    assert less["scope"] == "profile"
    assert "email" not in client.userinfo(less["access_token"]).json()
    whole = client.refresh(tokens["refresh_token"]).json()
    assert set(whole["scope"].split()) >= {"openid", "profile", "email"}


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ("https://evil.example", "invalid_target"),
        (ORDERS, "invalid_target"),
        (ORDERS + "/", "invalid_target"),
        ("no uri", "invalid_target"),
        (ORDERS + "#x", "invalid_target"),
    ],
)
def test_a_ref_12_a_resource_that_was_not_granted(
    user_agent: Any, client: RelyingParty, resource: str, code: str
) -> None:
    """A-REF-12, R-RS-01, R-RS-02."""
    tokens = granted(user_agent, client)
    assert_refused(client.refresh(tokens["refresh_token"], resource=resource), code)


def test_a_ref_08_another_client_cannot_use_it_and_ends_nothing(
    user_agent: Any, client: RelyingParty, spa: RelyingParty, own: RelyingParty, native: RelyingParty
) -> None:
    """A-REF-08, R-TK-16."""
    tokens = granted(user_agent, client)
    for other in (spa, own, native):
        assert_refused(other.refresh(tokens["refresh_token"]))
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    tokens = granted(user_agent, spa)
    for other in (client, native, own):
        assert_refused(other.refresh(tokens["refresh_token"]))
    assert spa.refresh(tokens["refresh_token"]).status_code == 200


def test_a_ref_08_without_its_authentication(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    tokens = granted(user_agent, client)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for given in ({"client_id": "app"}, {"client_id": "app", "client_secret": "wrong"}, {}):
        answer = credenza.request("POST", "/token", data={**form, **given})
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_client"
    assert client.refresh(tokens["refresh_token"]).status_code == 200


# -- lifetimes --------------------------------------------------------------------------------------------------------

DAY = 24 * 3600


def test_r_tk_18_it_dies_when_it_is_not_used(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    tokens = granted(user_agent, client)
    credenza.clock.move(30 * DAY + 1)
    assert_refused(client.refresh(tokens["refresh_token"]))
    assert client.introspect(tokens["refresh_token"]) == {"active": False}


@pytest.mark.parametrize("role", ["spa", "client"])
def test_r_tk_18_rotation_never_extends_the_absolute_lifetime(
    credenza: Any, user_agent: Any, request: pytest.FixtureRequest, role: str
) -> None:
    party: RelyingParty = request.getfixturevalue(role)
    value = granted(user_agent, party)["refresh_token"]
    for _ in range(2):
        credenza.clock.move(25 * DAY)
        value = party.refresh(value).json()["refresh_token"]
    credenza.clock.move(11 * DAY)
    assert_refused(party.refresh(value))


# -- what ends them ---------------------------------------------------------------------------------------------------


def test_a_ref_11_the_user_takes_the_consent_back(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-REF-11, R-TK-19, R-AZ-32: at once, for access tokens too."""
    tokens = granted(user_agent, client)
    user = credenza.user(user_agent.name).id
    key = consents.consent_id(user, "app", "")
    assert credenza.run(consents.delete_consent, user, key) is not None
    assert_refused(client.refresh(tokens["refresh_token"]))
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.introspect(tokens["access_token"]) == {"active": False}


def test_a_ref_11_one_permission_taken_back(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    tokens = granted(user_agent, client)
    user = credenza.user(user_agent.name).id
    key = consents.consent_id(user, "app", "")
    consent = credenza.run(consents.list_consents, user_id=user)[0]
    email = next(p for p in consent.granted if p.scope == "email")
    assert credenza.run(consents.revoke_permission, user, key, email)
    assert "email" not in client.refresh(tokens["refresh_token"]).json()["scope"].split()
    assert "email" not in client.userinfo(tokens["access_token"]).json()


def test_a_ref_11_offline_access_taken_back(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    tokens = granted(user_agent, client)
    user = credenza.user(user_agent.name).id
    consent = credenza.run(consents.list_consents, user_id=user)[0]
    offline = next(p for p in consent.granted if p.scope == "offline_access")
    credenza.run(consents.revoke_permission, user, consent.id, offline)
    assert_refused(client.refresh(tokens["refresh_token"]))


@pytest.mark.own_server
def test_a_ref_11_the_ceiling_is_lowered(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    tokens = granted(user_agent, client)
    credenza.apply({"applications": [{"client_id": "app", "permissions": {"profile": ["profile"]}}]})
    answer = client.refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    assert "email" not in answer.json()["scope"].split()
    assert "email" not in client.userinfo(answer.json()["access_token"]).json()
    credenza.apply({"applications": [{"client_id": "app", "offline_access": False}]})
    assert_refused(client.refresh(tokens["refresh_token"]))


@pytest.mark.own_server
def test_a_ref_11_the_client_is_disabled(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-TK-14, R-UI-04."""
    tokens = granted(user_agent, client)
    credenza.apply({"applications": [{"client_id": "app", "enabled": False}]})
    assert client.refresh(tokens["refresh_token"]).status_code == 401
    assert client.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.own_server
def test_a_ref_11_the_user_is_suspended(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-TK-14, R-UI-04, A-BRU-06: and coming back does not bring the tokens back."""
    tokens = granted(user_agent, client)
    credenza.apply({"users": [{"username": user_agent.name, "suspended": True}]})
    assert_refused(client.refresh(tokens["refresh_token"]))
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert client.introspect(tokens["refresh_token"]) == {"active": False}
    credenza.apply({"users": [{"username": user_agent.name, "suspended": False}]})
    assert_refused(client.refresh(tokens["refresh_token"]))


def test_r_tk_14_a_suspension_that_nobody_announced_counts(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """R-TK-14: asked at use, whatever the one who suspended forgot to end."""
    from dataclasses import replace

    tokens = granted(user_agent, client)
    credenza.run(users.update_user, replace(credenza.user(user_agent.name), suspended=True))
    assert_refused(client.refresh(tokens["refresh_token"]))
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert user_agent.get(client.authorization_url(prompt="none")).error == "login_required"


def test_r_tk_19_a_new_password_ends_them(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-TK-19, A-SES-02."""
    from credenza.web.new_password import set_password

    tokens = granted(user_agent, client)
    waiting = user_agent.authorize(client)
    user = credenza.user(user_agent.name)
    stored = credenza.run(credenza.app.state.passwords.hash, "a new password of many words")
    credenza.run(set_password, credenza.server, user, stored, through="test", address="")
    assert_refused(client.refresh(tokens["refresh_token"]))
    assert_refused(client.redeem(waiting))
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert user_agent.get(client.authorization_url(prompt="none")).error == "login_required"
    assert credenza.run(sessions.list_sessions, user.id, credenza.server.now()) == []


@pytest.mark.own_server
def test_a_ref_10_a_role_that_was_taken_away_is_gone(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-REF-10, R-TK-20: computed afresh."""
    credenza.apply({"users": [{"username": user_agent.name, "roles": ["support"]}]})
    scope = "openid offline_access orders:read"
    tokens = granted(user_agent, client, scope, resource=ORDERS)
    assert "orders:read" in tokens["scope"].split()
    credenza.apply({"users": [{"username": user_agent.name, "roles": []}]})
    answer = client.refresh(tokens["refresh_token"])
    assert "orders:read" not in answer.json().get("scope", "").split()
    assert "orders:read" not in client.introspect(tokens["access_token"]).get("scope", "").split()


def test_r_az_25_no_offline_access_no_refresh_token(user_agent: Any, client: RelyingParty) -> None:
    """R-AZ-25."""
    assert "refresh_token" not in granted(user_agent, client, "openid profile")


def test_r_id_03_an_id_token_of_a_refresh(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-ID-03: the same iss, sub, aud and auth_time, and no nonce."""
    import jwt

    def claims(text: str) -> dict[str, Any]:
        return dict(jwt.decode(text, options={"verify_signature": False}))

    tokens = granted(user_agent, client)
    credenza.clock.move(100)
    first, second = claims(tokens["id_token"]), claims(client.refresh(tokens["refresh_token"]).json()["id_token"])
    assert all(first[name] == second[name] for name in ("iss", "sub", "aud", "auth_time", "sid"))
    assert first["nonce"] == "nonce-of-the-test"
    assert "nonce" not in second
    assert second["iat"] >= first["iat"] + 100


@pytest.mark.parametrize("value", ["", "x", "cz_rt_" + "A" * 50, "' OR 1=1--", "a" * 60_000, "\u0661", "%"])
def test_a_refresh_token_that_was_never_issued(credenza: Any, client: RelyingParty, value: str) -> None:
    """A-INJ-01, G2."""
    with credenza.unchanged():
        assert_refused(client.refresh(value), "invalid_grant", "invalid_request")
