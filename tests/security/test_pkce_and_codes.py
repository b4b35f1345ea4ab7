"""PKCE and authorization codes: bound, short-lived, spent once. SECURITY.md §1.2, §2.2."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from credenza.protocol.pkce import s256
from credenza.settings import Settings, SettingsError
from credenza.testing import SECRET, Callback, RelyingParty, UserAgent


def assert_refused(answer: httpx.Response, *codes: str) -> None:
    """TOK(x)."""
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] in (codes or ("invalid_grant",))
    assert answer.headers["cache-control"] == "no-store"
    assert "access_token" not in answer.text


def is_active(client: RelyingParty, tokens: dict[str, Any]) -> bool:
    return client.introspect(tokens["access_token"])["active"] is True


# -- PKCE at the authorization endpoint -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["spa", "native"])
def test_a_pkc_01_a_public_client_must_send_a_challenge(
    credenza: Any, user_agent: Any, request: pytest.FixtureRequest, role: str
) -> None:
    """A-PKC-01, R-PK-01, D4."""
    party: RelyingParty = request.getfixturevalue(role)
    with credenza.unchanged():
        answer = user_agent.get(party.authorization_url(code_challenge=None, code_challenge_method=None))
        assert answer.error == "invalid_request"
        assert user_agent.get(party.authorization_url(code_challenge="")).error == "invalid_request"


@pytest.mark.own_server
def test_a_pkc_01_a_confidential_client_that_requires_it_must_too(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    credenza.apply({"applications": [{"client_id": "app", "require_pkce": True}]})
    answer = user_agent.get(client.authorization_url(code_challenge=None, code_challenge_method=None))
    assert answer.error == "invalid_request"


def test_d4_a_confidential_client_may_leave_it_out(user_agent: Any, client: RelyingParty) -> None:
    callback = user_agent.authorize(client, code_challenge=None, code_challenge_method=None)
    assert client.redeem(callback, code_verifier=None).status_code == 200


@pytest.mark.parametrize("method", ["plain", None, "", "s256", "S512", "none", "S256 ", "PLAIN", "S256,plain"])
@pytest.mark.parametrize("role", ["spa", "client"])
def test_a_pkc_02_only_s256(user_agent: Any, request: pytest.FixtureRequest, role: str, method: str | None) -> None:
    """A-PKC-02, R-PK-02: absent means plain."""
    party: RelyingParty = request.getfixturevalue(role)
    assert user_agent.get(party.authorization_url(code_challenge_method=method)).error == "invalid_request"


@pytest.mark.parametrize(
    "challenge",
    [
        "a" * 42,
        "a" * 44,
        "a" * 128,
        s256("x" * 43) + "=",
        "+" * 43,
        "/" * 43,
        "~" * 43,
        "a" * 42 + "\n",
        "a" * 42 + "\u0661",
        "a" * 42 + "\u00e9",
        " " + "a" * 42,
    ],
)
def test_a_pkc_06_a_challenge_is_43_characters_of_base64url(user_agent: Any, spa: RelyingParty, challenge: str) -> None:
    """A-PKC-06, R-PK-03."""
    assert user_agent.get(spa.authorization_url(code_challenge=challenge)).error == "invalid_request"


def test_a_method_without_a_challenge_is_refused(user_agent: Any, client: RelyingParty) -> None:
    """R-PK-02: somebody took the challenge away."""
    assert user_agent.get(client.authorization_url(code_challenge=None)).error == "invalid_request"


# -- PKCE at the token endpoint ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["spa", "client"])
def test_a_pkc_04_no_verifier_no_tokens(user_agent: Any, request: pytest.FixtureRequest, role: str) -> None:
    """A-PKC-04, R-PK-04, D4: a challenge that was sent is always enforced. RFC 9700 §2.1.1."""
    party: RelyingParty = request.getfixturevalue(role)
    callback = user_agent.authorize(party)
    for verifier in (None, ""):
        assert_refused(party.redeem(callback, code_verifier=verifier), "invalid_grant", "invalid_request")
    assert party.redeem(callback).status_code in (200, 400)


@pytest.mark.parametrize(
    "verifier",
    [
        "a" * 43,
        "a" * 42,
        "a" * 129,
        "a" * 5000,
        "+" * 43,
        "=" * 43,
        "a" * 42 + "\n",
        "a" * 42 + "\u0661",
        "a" * 42 + "\u00e9",
        "\ud7ff" * 43,
    ],
)
def test_a_pkc_06_a_wrong_verifier_gives_no_tokens(user_agent: Any, spa: RelyingParty, verifier: str) -> None:
    """A-PKC-06, R-PK-04."""
    callback = user_agent.authorize(spa)
    assert_refused(spa.redeem(callback, code_verifier=verifier))


def test_a_pkc_06_nul_in_the_verifier(user_agent: Any, spa: RelyingParty) -> None:
    callback = user_agent.authorize(spa)
    assert_refused(spa.redeem(callback, code_verifier=spa.verifier + "\0"), "invalid_request", "invalid_grant")


def test_the_challenge_itself_is_not_its_verifier(user_agent: Any, spa: RelyingParty) -> None:
    """A-PKC-02: what `plain` would accept."""
    callback = user_agent.authorize(spa)
    assert_refused(spa.redeem(callback, code_verifier=s256(spa.verifier)))


def test_a_pkc_05_a_challenge_that_was_stripped_is_noticed(user_agent: Any, client: RelyingParty) -> None:
    """A-PKC-05, R-PK-05: the client sends its verifier, and no challenge was stored. RFC 9700 §2.1.1, §4.8.2."""
    callback = user_agent.authorize(client, code_challenge=None, code_challenge_method=None)
    assert_refused(client.redeem(callback))


def test_a_cod_13_the_attackers_code_in_the_victims_browser(credenza: Any, new_visitor: Any, spa: RelyingParty) -> None:
    """A-COD-13: the honest client has another verifier."""
    attackers = RelyingParty(credenza, "spa", spa.redirect_uri, auth_method="none")
    code = new_visitor().authorize(attackers)
    assert_refused(spa.redeem(code))


# -- codes ------------------------------------------------------------------------------------------------------------


def test_r_cd_01_codes_are_long_and_never_the_same(user_agent: Any, client: RelyingParty) -> None:
    """R-CD-01, R-CD-08: 256 random bits, and nothing in them."""
    codes = {user_agent.authorize(client).code for _ in range(5)}
    assert len(codes) == 5
    assert all(len(code) >= 50 and code.startswith("cz_code_") for code in codes)
    prefix = min(codes)[: len("cz_code_") + 6]
    assert sum(code.startswith(prefix) for code in codes) == 1


def test_r_cd_07_only_the_hash_of_a_code_is_stored(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-CD-07, R-OP-03."""
    code = user_agent.authorize(client).code
    assert code not in credenza.dump()


def test_a_cod_08_a_code_lives_for_a_minute(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-COD-08, R-CD-02, R-CD-03: tested when it is used."""
    callback = user_agent.authorize(client)
    credenza.clock.move(61)
    with credenza.unchanged():
        assert_refused(client.redeem(callback))
    callback = user_agent.authorize(client)
    credenza.clock.move(55)
    assert client.redeem(callback).status_code == 200


@pytest.mark.parametrize("seconds", [0, -1, 601, 10**9])
def test_r_cd_02_the_settings_allow_no_more_than_ten_minutes(seconds: int) -> None:
    with pytest.raises(SettingsError):
        Settings(code_lifetime=seconds)


def test_a_cod_01_a_valid_replay_ends_every_token(user_agent: Any, client: RelyingParty) -> None:
    """A-COD-01, R-CD-04, R-CD-05: at UserInfo, introspection and refresh."""
    callback = user_agent.authorize(client, scope="openid profile offline_access")
    tokens = client.tokens(callback)
    assert client.userinfo(tokens["access_token"]).status_code == 200
    assert_refused(client.redeem(callback))
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert client.introspect(tokens["refresh_token"]) == {"active": False}
    assert_refused(client.refresh(tokens["refresh_token"]))


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "a" * 43}, {"code_verifier": None}, {"redirect_uri": "https://evil.example/"}]
)
def test_a_cod_02_a_replay_that_is_not_otherwise_right_ends_nothing(
    user_agent: Any, client: RelyingParty, changes: dict[str, str | None]
) -> None:
    """A-COD-02, R-CD-05, D1: whoever saw a code cannot end the tokens."""
    callback = user_agent.authorize(client)
    tokens = client.tokens(callback)
    assert_refused(client.redeem(callback, **changes))
    assert is_active(client, tokens)


def test_a_cod_03_a_replay_by_another_client_ends_nothing(
    user_agent: Any, client: RelyingParty, own: RelyingParty
) -> None:
    """A-COD-03, D1."""
    callback = user_agent.authorize(client)
    tokens = client.tokens(callback)
    own.verifier = client.verifier
    assert_refused(own.redeem(callback, redirect_uri=client.redirect_uri))
    assert is_active(client, tokens)


def test_a_cod_03_a_replay_without_the_clients_authentication_ends_nothing(
    user_agent: Any, client: RelyingParty
) -> None:
    callback = user_agent.authorize(client)
    tokens = client.tokens(callback)
    client.secret = "wrong"
    assert client.redeem(callback).status_code == 401
    client.secret = SECRET
    assert is_active(client, tokens)


def test_a_cod_06_a_code_is_for_one_client(user_agent: Any, client: RelyingParty, own: RelyingParty) -> None:
    """A-COD-06, R-CD-06: redeemed by another client, it is neither good nor used."""
    callback = user_agent.authorize(client)
    own.verifier = client.verifier
    assert_refused(own.redeem(callback, redirect_uri=client.redirect_uri))
    assert_refused(own.redeem(callback, redirect_uri=None))
    assert client.redeem(callback).status_code == 200


def test_a_cod_06_a_public_client_redeems_only_its_own(
    user_agent: Any, spa: RelyingParty, native: RelyingParty
) -> None:
    callback = user_agent.authorize(spa)
    native.verifier = spa.verifier
    assert_refused(native.redeem(callback, redirect_uri=spa.redirect_uri))
    assert spa.redeem(callback).status_code == 200


@pytest.mark.own_server
def test_a_cod_11_the_user_is_suspended_before_the_token_request(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """A-COD-11, R-TK-14, A-BRU-06."""
    callback = user_agent.authorize(client)
    credenza.apply({"users": [{"username": user_agent.name, "suspended": True}]})
    assert_refused(client.redeem(callback))


@pytest.mark.own_server
def test_a_cod_11_the_user_is_deleted_before_the_token_request(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    from credenza.store.users import delete_user

    callback = user_agent.authorize(client)
    credenza.run(delete_user, credenza.user(user_agent.name).id)
    assert_refused(client.redeem(callback))


@pytest.mark.own_server
def test_r_tk_14_the_client_is_disabled_before_the_token_request(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    callback = user_agent.authorize(client)
    credenza.apply({"applications": [{"client_id": "app", "enabled": False}]})
    assert client.redeem(callback).status_code == 401


def everything_secret(credenza: Any, user_agent: Any, client: RelyingParty) -> dict[str, str]:
    """One of each kind that exists, all alive."""
    from credenza.invitations import invite

    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    cookies = {cookie.name: cookie.value or "" for cookie in user_agent.cookies.jar}
    other = UserAgent(credenza)
    login = other.get(client.authorization_url())
    user = credenza.user(user_agent.name)
    address = credenza.run(invite, credenza.server, purpose="password", user_id=user.id)
    return {
        "code": user_agent.authorize(client).code,
        "access token": tokens["access_token"],
        "refresh token": tokens["refresh_token"],
        "ID token": tokens["id_token"],
        "session": cookies["__Host-credenza_session"],
        "browser": cookies["__Host-credenza_browser"],
        "interaction": login.url.split("/")[-2],
        "invitation": address.rpartition("/")[2],
        "client secret": SECRET,
        "grant id": "0" * 30,
        "nothing": "x",
    }


def test_a_cod_10_no_kind_of_secret_is_taken_for_another(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-COD-10, R-CD-09, R-AT-04: every crossing."""
    secrets = everything_secret(credenza, user_agent, client)
    for kind, value in secrets.items():
        if kind != "code":
            assert_refused(client.post("/token", {"grant_type": "authorization_code", "code": value}))
        if kind != "refresh token":
            assert_refused(client.refresh(value))
        if kind != "access token":
            assert client.userinfo(value).status_code == 401, kind
        if kind not in ("access token", "refresh token"):
            assert client.introspect(value) == {"active": False}, kind
            assert client.revoke(value).status_code == 200
        if kind != "invitation":
            assert credenza.request("GET", f"/invitation/{value}").status_code in (404, 400), kind
        if kind != "session":
            headers = {"cookie": f"__Host-credenza_session={value}", "accept": "text/html"}
            answer = credenza.request("GET", "/", headers=headers)
            assert "/interaction/" in answer.headers["location"], kind
        if kind != "interaction":
            answer = credenza.request("GET", f"/interaction/{value}/login")
            assert answer.status_code in (400, 404), kind


@pytest.mark.parametrize(
    "code",
    [
        "x",
        "cz_code_",
        "cz_code_" + "A" * 50,
        "cz_code_" + "A" * 43 + "_AAAAAA",
        "' OR 1=1--",
        "%",
        "_",
        "\u0661" * 50,
        "a" * 60_000,
        '{"a":1}',
    ],
)
def test_a_code_that_was_never_issued(credenza: Any, client: RelyingParty, code: str) -> None:
    """A-INJ-01, G2."""
    with credenza.unchanged():
        assert_refused(client.post("/token", {"grant_type": "authorization_code", "code": code}))


def test_a_changed_code_is_no_code(user_agent: Any, client: RelyingParty) -> None:
    """R-CD-08."""
    callback = user_agent.authorize(client)
    for changed in (callback.code.swapcase(), callback.code + "A", callback.code[:-1], " " + callback.code):
        assert_refused(client.post("/token", {"grant_type": "authorization_code", "code": changed}))


def test_r_cd_04_taking_a_code_is_one_statement(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-CD-03, R-CD-04, K17: whoever looked at it before, only one takes it, and nobody too late."""
    from credenza.protocol.tokens import digest
    from credenza.store.authorization_codes import spend_code

    now = credenza.server.now()
    old, new = (digest(user_agent.authorize(client).code) for _ in range(2))
    assert not credenza.run(spend_code, old, now + 61)
    assert credenza.run(spend_code, new, now)
    assert not credenza.run(spend_code, new, now)


@pytest.mark.own_server
def test_a_cod_04_of_fifty_parallel_redemptions_one_succeeds(
    both_engines: str, credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """A-COD-04, R-CD-04: in one worker here; `tests/faults` has two."""
    callback = user_agent.authorize(client)
    assert isinstance(callback, Callback)
    form = {
        "grant_type": "authorization_code",
        "code": callback.code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": client.verifier,
    }

    async def redeem() -> list[int]:
        transport = httpx.ASGITransport(app=credenza.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=credenza.issuer) as http:
            answers = await asyncio.gather(
                *(http.post("/token", data=form, auth=(client.client_id, client.secret)) for _ in range(50))
            )
        return [answer.status_code for answer in answers]

    statuses = credenza.run(redeem)
    assert sorted(statuses) == [200] + [400] * 49
    assert credenza.rows()["credenza_grant"] == 1
