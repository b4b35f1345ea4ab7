"""A client reads, replaces and deletes its own record, and nobody else's. RFC 7592 §2."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from credenza.protocol.scopes import Permission
from credenza.store import audit, clients, consents
from credenza.store.clients import ClientRow
from credenza.store.version import bump_version
from credenza.testing import SECRET, Callback, Credenza, PageSeen, UserAgent

Register = Callable[..., Any]
PUBLIC = {"token_endpoint_auth_method": "none"}


async def set_enabled(client_id: str, enabled: bool) -> None:
    await ClientRow.update({ClientRow.enabled: enabled}).where(ClientRow.id == client_id)
    await bump_version()


# -- 2.1 read ---------------------------------------------------------------------------------------------------------


def test_a_client_reads_what_it_registered(register: Register) -> None:
    """RFC 7592 §2.1: "the server responds with an HTTP 200 OK with all of the registered metadata"."""
    mine = register(initiate_login_uri="https://gull.example.net/login", contacts=["ops@gull.example.net"])
    response = mine.read()
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    answered_once = {"client_secret", "client_secret_expires_at"}
    assert response.json() == {n: v for n, v in mine.information.items() if n not in answered_once}


# -- the token --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_mcp_02_the_token_is_of_one_client_and_comes_in_the_header(
    credenza: Credenza, register: Register, method: str
) -> None:
    """A-MCP-02, R-CR-08: the token of client A at client B, in the query, after DELETE, or none at all: 401."""
    mine, other = register(), register()
    body = {"json": {"client_id": other.id, "redirect_uris": ["https://evil.example/cb"]}} if method == "PUT" else {}
    tries = [
        mine.request(method, client_id=other.id, **body),
        other.request(method, token="", **body),
        other.request(method, token=other.token[:-1] + "x", **body),
        other.request(method, token=other.token + "\u0141", **body),
        credenza.request(method, f"/register/{other.id}", **body),
        credenza.request(method, f"/register/{other.id}?access_token={other.token}", **body),
        credenza.request(method, f"/register/{other.id}", auth=(other.id, other.information["client_secret"]), **body),
        mine.request(method, client_id="0" * 30, **body),
    ]
    for response in tries:
        assert response.status_code == 401, response.text
        assert response.json()["error"] == "invalid_token"
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert other.read().json()["redirect_uris"] == ["https://gull.example.net/cb"]
    assert mine.delete().status_code == 204
    assert mine.request(method, **body).status_code == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("authorization", ["", "Basic YXBwOnNlY3JldA==", "Bearer "])
def test_the_challenge_names_no_error_for_whoever_brought_no_token(
    credenza: Credenza, method: str, authorization: str
) -> None:
    """ "The resource server SHOULD NOT include an error code". RFC 6750 §3.1."""
    headers = {"authorization": authorization} if authorization else {}
    answer = credenza.request(method, "/register/app", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="Credenza"')
    answer = credenza.request(method, "/register/app", headers={"authorization": "Bearer wrong"})
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("client_id", ["app", "spa", "own", "machine"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_r_cr_08_clients_of_the_console_cannot_be_touched(
    credenza: Credenza, mine: Any, client_id: str, method: str
) -> None:
    """R-CR-08: they have no registration access token, and an empty one is none."""
    body = {"json": {"client_id": client_id, "redirect_uris": ["https://evil.example/cb"]}} if method == "PUT" else {}
    for token in (mine.token, "", SECRET):
        assert mine.request(method, client_id=client_id, token=token, **body).status_code == 401
    assert credenza.run(credenza.server.find_client, client_id) is not None


def test_other_tokens_are_no_registration_access_tokens(mine: Any, user_agent: UserAgent) -> None:
    """A-JWT-10, the other way round."""
    tokens = mine.party.tokens(user_agent.authorize(mine.party, scope="openid"))
    assert mine.request("GET", token=tokens["access_token"]).status_code == 401
    assert mine.party.userinfo(mine.token).status_code == 401
    assert mine.party.introspect(mine.token) == {"active": False}


# -- 2.2 update -------------------------------------------------------------------------------------------------------


def test_r_cr_08_an_update_rotates_the_token(mine: Any) -> None:
    """R-CR-08, RFC 7592 §2.2."""
    old = mine.token
    assert mine.put(client_name="Gull Watch II").status_code == 200
    assert mine.token != old
    assert mine.request("GET", token=old).status_code == 401
    assert mine.read().json()["client_name"] == "Gull Watch II"


def test_r_cr_08_of_many_updates_at_once_one_wins(mine: Any) -> None:
    """R-CR-08: the token is exchanged in one statement."""
    with ThreadPoolExecutor(8) as pool:
        names = [f"Gull {number}" for number in range(8)]
        token = mine.token
        body = {"client_id": mine.id, "redirect_uris": ["https://gull.example.net/cb"]}
        answers = list(
            pool.map(lambda name: mine.request("PUT", token=token, json={**body, "client_name": name}), names)
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    mine.information |= won
    assert mine.read().json()["client_name"] == won["client_name"]


def test_r_cr_09_what_an_update_leaves_out_is_gone(register: Register) -> None:
    """R-CR-09, RFC 7592 §2.2: "Omitted fields MUST be treated as null or empty values by the server"."""
    mine = register(contacts=["ops@gull.example.net"], initiate_login_uri="https://gull.example.net/login")
    answer = mine.put(client_name=None).json()
    assert not {"contacts", "initiate_login_uri", "client_name"} & answer.keys()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "app"}, "invalid_client_metadata"),
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_id": ["x"]}, "invalid_client_metadata"),
        ({"client_secret": "a-secret-of-my-own-choice-0123456789"}, "invalid_client_metadata"),
        ({"client_secret": 5}, "invalid_client_metadata"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://gull.example.net/cb#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://gull.example.net/cb"}, "invalid_client_metadata"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"logo_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"initiate_login_uri": "http://gull.example.net/login"}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"grant_types": {"authorization_code": True}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, "invalid_client_metadata"),
        ({"client_name": {"text": "Gull"}}, "invalid_client_metadata"),
        (PUBLIC, "invalid_client_metadata"),
    ],
)
def test_r_cr_09_an_update_is_checked_like_a_registration(mine: Any, changes: dict[str, Any], code: str) -> None:
    """R-CR-09, A-MCP-03: every member again, another client_id and a secret of one's own choice refused."""
    before = mine.read().json()
    response = mine.put(**changes)
    assert response.status_code == 400
    assert response.json()["error"] == code
    assert mine.read().json() == before, "and nothing was changed, the token neither"


def test_r_cr_06_r_cr_09_an_update_needs_a_sector_document_that_lists_every_redirect_uri(
    mine: Any, web_site: Any
) -> None:
    """R-CR-06, R-CR-09: or whoever registers honestly could be somebody else's subject afterwards."""
    listed = web_site.publish("/sector.json", ["https://gull.example.net/cb"])
    assert mine.put(sector_identifier_uri=listed).status_code == 200
    both = ["https://gull.example.net/cb", "https://evil.example/cb"]
    response = mine.put(sector_identifier_uri=listed, redirect_uris=both)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")
    assert mine.read().json()["redirect_uris"] == ["https://gull.example.net/cb"]


def test_r_cr_09_an_update_leads_to_no_blocked_host(credenza: Credenza, mine: Any) -> None:
    """R-CR-09: a registration for that host is refused, and so is a client that moves there."""
    credenza.apply({"unregistered": {"hosts": [{"host": "evil.example", "decision": "blocked"}]}})
    response = mine.put(redirect_uris=["https://evil.example/cb"])
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")
    assert "blocked" in response.json()["error_description"]
    assert mine.read().json()["redirect_uris"] == ["https://gull.example.net/cb"]


def test_r_cr_09_a_client_stays_of_its_type(mine: Any) -> None:
    """R-CR-09: type and party are fixed at creation, whichever way it came."""
    response = mine.put(token_endpoint_auth_method="none")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")
    assert "another type" in response.json()["error_description"]


def test_a_mcp_03_read_only_members_are_ignored(mine: Any) -> None:
    """A-MCP-03: what only the server says is not the client's to change."""
    read_only = {
        "client_id_issued_at": 1,
        "client_secret_expires_at": 99,
        "registration_access_token": "mine",
        "registration_client_uri": "https://evil.example/",
        "enabled": True,
        "unverified": False,
        "registered_by": "console",
        "host": "id.example.com",
    }
    issued_at = mine.information["client_id_issued_at"]
    answer = mine.put(**read_only, client_secret=mine.information["client_secret"]).json()
    assert answer["client_id_issued_at"] == issued_at
    assert answer["registration_client_uri"].endswith(mine.id)
    assert not {"enabled", "unverified", "registered_by", "host", "client_secret"} & answer.keys()
    client = mine.credenza.run(mine.credenza.server.find_client, mine.id)
    assert client.unverified
    assert client.metadata["host"] == "gull.example.net"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_mcp_04_a_disabled_client_stays_disabled(credenza: Credenza, mine: Any, method: str) -> None:
    """A-MCP-04, R-CR-09, RFC 7592 §2.1: 403, and no way back through an update or a new beginning."""
    credenza.run(set_enabled, mine.id, False)
    response = mine.put(enabled=True) if method == "PUT" else mine.request(method)
    assert response.status_code == 403
    client = credenza.run(credenza.server.find_client, mine.id)
    assert client is not None
    assert not client.enabled


def test_what_an_administrator_set_survives_an_update(credenza: Credenza, mine: Any) -> None:
    """R-CR-09: an update replaces what the client said about itself, and nothing else."""

    async def tighten() -> None:
        client = await clients.find_client(mine.id, credenza.server.client_types)
        assert client is not None
        stricter = {**client.metadata, "resources": ["https://orders.example.com"], "consent_lifetime": 60}
        await clients.update_client(
            replace(
                client, description="Watch them", access_token_lifetime=60, offline_access=False, metadata=stricter
            ),
            credenza.server.now(),
        )
        await clients.save_permissions(mine.id, {Permission("profile", "", "email"): True})

    credenza.run(tighten)
    assert mine.put(client_name="Gull Watch II").status_code == 200
    client = credenza.run(credenza.server.find_client, mine.id)
    assert client is not None
    assert client.metadata["resources"] == ["https://orders.example.com"]
    assert client.metadata["consent_lifetime"] == 60
    assert (client.description, client.access_token_lifetime, client.offline_access) == ("Watch them", 60, False)
    assert client.ceiling == {Permission("profile", "", "email"): True}


def test_what_an_administrator_set_meanwhile_survives_an_update(
    credenza: Credenza, register: Register, web_site: Any
) -> None:
    """R-CR-09, A-MCP-04: fetching a logo takes as long as its host likes, and undoes nothing that happens meanwhile."""
    mine = register()
    client = credenza.run(credenza.server.find_client, mine.id)

    def slow(handler: Any) -> None:
        stricter = replace(client, require_second_factor=True, offline_access=False, description="Watch them")
        members = ("require_second_factor", "offline_access", "description")
        credenza.run(clients.edit_client, stricter, members, credenza.server.now())
        handler.send_error(404)

    web_site.pages["/logo.png"] = slow
    assert mine.put(client_name="Gull Watch II", logo_uri=web_site.url("/logo.png")).status_code == 200
    now = credenza.run(credenza.server.find_client, mine.id)
    assert now.name == "Gull Watch II"
    assert (now.require_second_factor, now.offline_access, now.description) == (True, False, "Watch them")


def test_an_update_that_needs_a_secret_brings_one(mine: Any, user_agent: UserAgent) -> None:
    """RFC 7592 §2.2: the secret is the server's to choose; one that is no longer used is not left behind."""
    jwks = {
        "keys": [
            {
                "kty": "EC",
                "crv": "P-256",
                "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            }
        ]
    }
    old = mine.information["client_secret"]
    answer = mine.put(token_endpoint_auth_method="private_key_jwt", jwks=jwks).json()
    assert answer["token_endpoint_auth_method"] == "private_key_jwt"
    assert "client_secret" not in answer
    answer = mine.put(token_endpoint_auth_method="client_secret_post").json()
    assert answer["client_secret"] != old
    assert answer["client_secret_expires_at"] == 0
    assert "access_token" in mine.party.tokens(user_agent.authorize(mine.party, scope="openid"))
    mine.information["client_secret"] = old
    assert mine.party.redeem(user_agent.authorize(mine.party, scope="openid")).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": ["https://gull.example.net/cb", "https://gull.example.net/other"]},
        {"client_name": "Your Bank"},
        {"logo_uri": "https://gull.example.net/bank.png"},
        {"jwks_uri": "https://gull.example.net/jwks"},
    ],
)
def test_r_cr_11_consents_do_not_survive_a_change_of_what_people_saw(
    mine: Any, user_agent: UserAgent, changes: dict[str, Any]
) -> None:
    """R-CR-11, A-CNS-03: redirect URIs, keys, name or logo changed: asked again, and old tokens end."""
    tokens = mine.party.tokens(user_agent.authorize(mine.party, scope="openid offline_access"))
    assert isinstance(user_agent.get(mine.party.authorization_url(scope="openid")), Callback), "it is remembered"
    assert mine.put(**changes).status_code == 200
    page = user_agent.get(mine.party.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert mine.party.refresh(tokens["refresh_token"]).status_code == 400


def test_r_cr_11_consents_survive_a_change_that_nobody_sees(mine: Any, user_agent: UserAgent) -> None:
    mine.party.tokens(user_agent.authorize(mine.party, scope="openid"))
    assert mine.put(contacts=["ops@gull.example.net"]).status_code == 200
    assert isinstance(user_agent.get(mine.party.authorization_url(scope="openid")), Callback)


@pytest.mark.parametrize("change", [{"client_name": "Your Bank"}, {"initiate_login_uri": "https://mal.example/"}])
def test_whoever_vouched_for_a_client_did_so_for_what_it_was(
    credenza: Credenza, mine: Any, change: dict[str, str]
) -> None:
    """A-MCP-10: a verified client that takes another name, or leads elsewhere, is unverified again."""

    verify(credenza, mine.id)
    mine.put(contacts=["ops@gull.example.net"])
    assert not credenza.run(credenza.server.find_client, mine.id).unverified
    mine.put(**change)
    assert credenza.run(credenza.server.find_client, mine.id).unverified


def verify(credenza: Credenza, client_id: str, name: str = "Gull Watch") -> None:
    """Vouch for it, under the name that an older release has kept."""

    async def write() -> None:
        client = await clients.find_client(client_id, credenza.server.client_types)
        assert client is not None
        metadata = {name: value for name, value in client.metadata.items() if name != "unverified"}
        client = replace(client, name=name, metadata=metadata | {"client_name": name})
        await clients.update_client(client, credenza.server.now())

    credenza.run(write)


@pytest.mark.parametrize("said", ["Mo\u0308we\u00a0 Watch", "M\u00f6we Watch", "  Mo\u0308we\u2003Watch"], ids=ascii)
def test_a_name_that_is_the_same_but_for_its_form_stays_and_so_does_what_was_said_of_it(
    credenza: Credenza, mine: Any, user_agent: UserAgent, said: str
) -> None:
    """Neither who vouched for it nor who consented is asked again."""
    verify(credenza, mine.id, "Mo\u0308we\u00a0 Watch")
    mine.party.tokens(user_agent.authorize(mine.party, scope="openid"))
    assert mine.put(client_name=said).json()["client_name"] == "Mo\u0308we\u00a0 Watch"
    assert not credenza.run(credenza.server.find_client, mine.id).unverified
    assert isinstance(user_agent.get(mine.party.authorization_url(scope="openid")), Callback)
    assert mine.put(client_name="Mowe Watch").json()["client_name"] == "Mowe Watch"
    assert credenza.run(credenza.server.find_client, mine.id).unverified


# -- 2.3 delete -------------------------------------------------------------------------------------------------------


def test_r_cr_10_deletion_ends_tokens_codes_and_consents(
    credenza: Credenza, mine: Any, user_agent: UserAgent, client: Any
) -> None:
    """R-CR-10, RFC 7592 §2.3: 204, and everything that hangs on the client is gone."""
    tokens = mine.party.tokens(user_agent.authorize(mine.party, scope="openid offline_access"))
    waiting = user_agent.authorize(mine.party, scope="openid")
    response = mine.delete()
    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["cache-control"] == "no-store"
    assert mine.party.userinfo(tokens["access_token"]).status_code == 401
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert mine.party.refresh(tokens["refresh_token"]).status_code == 401
    assert mine.party.redeem(waiting).status_code == 401
    assert credenza.run(consents.list_consents, client_id=mine.id) == []
    page = user_agent.get(mine.party.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert page.error == "invalid_client"


def test_updates_and_deletion_are_in_the_audit_log(credenza: Credenza, mine: Any) -> None:
    """OWASP ASVS V16.3: what changed, before and after; and no secret."""
    mine.put(client_name="Your Bank")
    mine.delete()
    events = [e for e in credenza.run(audit.list_events, client=mine.id) if e.name == "ObjectChanged"]
    actions = {event.data["action"]: event for event in events}
    assert set(actions) == {"registered", "updated", "deleted"}
    assert actions["updated"].data["before"]["client_name"] == "Gull Watch"
    assert actions["updated"].data["after"]["client_name"] == "Your Bank"
    assert "cz_rat_" not in str(events)
    assert "cz_cs_" not in str(events)
