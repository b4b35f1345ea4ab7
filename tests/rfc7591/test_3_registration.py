"""How a client registers itself, and what it is then. RFC 7591 §3, OpenID Connect Registration §3."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from PIL import Image

import credenza_unregistered.store
from credenza import SettingsError, cleaning, new_id, state, store_image
from credenza.store import audit
from credenza.store.clients import ClientRow
from credenza.store.version import bump_version
from credenza.testing import ORDERS, Callback, Credenza, PageSeen, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests

Register = Callable[..., httpx.Response]
Made = Callable[[dict[str, Any]], RelyingParty]
TOKEN = "an-initial-access-token-of-the-tests-0123456789"
PUBLIC = {"token_endpoint_auth_method": "none"}
METADATA = {"redirect_uris": ["https://gull.example.net/cb"]}


@pytest.fixture
def credenza_settings(web_site: Any) -> dict[str, Any]:
    return {"registration": "open", "registration_limit_per_hour": 1000, "outbound_allow": (web_site.host,)}


@pytest.fixture
def opened(credenza: Credenza) -> None:
    """What an operator does for a conformance run, say."""
    credenza.apply({"unregistered": {"permissions": {"profile": ["profile", "email?"]}}})


# -- the three modes --------------------------------------------------------------------------------------------------


@pytest.fixture
def start(credenza_database: str) -> Iterator[Callable[..., Credenza]]:
    with ExitStack() as stack:

        def started(**settings: Any) -> Credenza:
            return stack.enter_context(running(settings_for_tests(credenza_database, **settings)))

        yield started


def post(credenza: Credenza, **options: Any) -> httpx.Response:
    return credenza.request("POST", "/register", json=METADATA, **options)


def metadata(credenza: Credenza) -> dict[str, Any]:
    return dict(credenza.request("GET", "/.well-known/oauth-authorization-server").json())


def test_r_cr_01_registration_is_off_unless_it_is_switched_on(start: Callable[..., Credenza]) -> None:
    """R-CR-01: the endpoint is not there, and not advertised."""
    credenza = start()
    assert post(credenza).status_code == 404
    assert credenza.request("GET", "/register/app").status_code == 404
    assert "registration_endpoint" not in metadata(credenza)


def test_r_cr_01_in_the_mode_token_the_initial_access_token_is_needed(start: Callable[..., Credenza]) -> None:
    """R-CR-01, RFC 7591 §3: "The initial access token … is a bearer token"."""
    credenza = start(registration="token", registration_token=TOKEN)
    assert metadata(credenza)["registration_endpoint"] == f"{credenza.issuer}/register"
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}):
        response = post(credenza, headers=headers)
        assert response.status_code == 401
        assert response.json()["error"] == "invalid_token"
        assert response.headers["www-authenticate"].startswith("Bearer")
        brought = headers.get("authorization", "").startswith("Bearer")
        assert ("error=" in response.headers["www-authenticate"]) is brought  # RFC 6750 §3.1
    assert post(credenza, params={"access_token": TOKEN}).status_code == 401
    assert post(credenza, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 201


def test_r_cr_01_wrong_initial_access_tokens_are_counted(start: Callable[..., Credenza]) -> None:
    """R-CR-01: the right token does not help an address that has been guessing."""
    credenza = start(registration="token", registration_token=TOKEN)
    statuses = [post(credenza, headers={"authorization": "Bearer wrong"}).status_code for _ in range(20)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert post(credenza, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 429
    assert post(credenza, headers={"authorization": f"Bearer {TOKEN}"}, address="203.0.113.9").status_code == 201


def test_r_cr_01_in_the_open_mode_an_address_has_an_hourly_limit(start: Callable[..., Credenza]) -> None:
    """R-CR-01: rate limit, by address and not by what a header says."""
    credenza = start(registration="open", registration_limit_per_hour=3)
    statuses = [post(credenza).status_code for _ in range(6)]
    assert statuses[:3] == [201, 201, 201]
    assert statuses[-1] == 429
    assert post(credenza, headers={"x-forwarded-for": "198.51.100.1"}).status_code == 429
    assert post(credenza, address="203.0.113.9").status_code == 201


@pytest.mark.parametrize("mode", ["open", "token"])
def test_r_cr_01_changes_count_as_registrations_do(start: Callable[..., Credenza], mode: str) -> None:
    """R-CR-01, R-CR-09: each is kept in the audit log, and makes us fetch what it names; a refused one is as if it had
    not been.
    """
    token = {"registration_token": TOKEN} if mode == "token" else {}
    credenza = start(registration=mode, registration_limit_per_hour=3, **token)
    mine = post(credenza, headers={"authorization": f"Bearer {TOKEN}"} if token else {}).json()

    def put(number: int, address: str = "203.0.113.7") -> int:
        members = METADATA | {"client_id": mine["client_id"], "client_name": f"Gull Watch {number}"}
        headers = {"authorization": f"Bearer {mine['registration_access_token']}"}
        path = f"/register/{mine['client_id']}"
        response = credenza.request("PUT", path, json=members, headers=headers, address=address)
        if response.status_code == 200:
            mine.update(response.json())
        return response.status_code

    answers = [put(number) for number in range(6)]
    if mode == "token":
        assert set(answers) == {200}  # whoever was let in is trusted with more
        return
    assert (answers[0], answers[-1]) == (200, 429)
    assert mine["client_name"] == f"Gull Watch {answers.count(200) - 1}"
    assert put(9, "203.0.113.9") == 200


@pytest.mark.parametrize(
    "settings",
    [
        {"registration": "maybe"},
        {"registration": "token"},
        {"registration": "token", "registration_token": "short"},
        {"registration": "open", "registration_limit_per_hour": 0},
    ],
)
def test_settings_that_would_leave_registration_open_by_mistake_stop_the_start(settings: dict[str, Any]) -> None:
    """R-CR-01."""
    with pytest.raises(SettingsError):
        settings_for_tests("sqlite:///never.db", **settings)


def test_the_initial_access_token_is_not_shown_in_logs() -> None:
    """OWASP ASVS V16.2.5."""
    settings = settings_for_tests("sqlite:///never.db", registration="token", registration_token=TOKEN)
    assert TOKEN not in repr(settings)


# -- the answer -------------------------------------------------------------------------------------------------------


def test_a_confidential_client_gets_a_secret_and_a_registration_access_token(
    credenza: Credenza, register: Register
) -> None:
    """RFC 7591 §3.2.1, RFC 7592 §3: 201, "client_secret_expires_at … REQUIRED if "client_secret" is issued"."""
    response = register()
    assert response.status_code == 201
    assert response.headers["content-type"].startswith("application/json")
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert not answer["client_id"].startswith("https://")
    assert answer["client_secret"].startswith("cz_cs_")
    assert answer["client_secret_expires_at"] == 0
    assert abs(answer["client_id_issued_at"] - credenza.server.now()) < 5
    assert answer["registration_access_token"].startswith("cz_rat_")
    assert answer["registration_client_uri"] == f"{credenza.issuer}/register/{answer['client_id']}"


def test_r_cr_08_only_hashes_of_the_secret_and_the_token_are_stored(
    credenza_database: str, credenza: Credenza, register: Register
) -> None:
    """R-CR-08."""
    answer = register().json()
    path = credenza_database.removeprefix("sqlite:///")
    stored = b"".join(file.read_bytes() for file in Path(path).parent.glob(Path(path).name + "*"))
    assert answer["client_id"].encode() in stored
    assert answer["client_secret"].encode() not in stored
    assert answer["registration_access_token"].encode() not in stored


def test_a_public_client_gets_no_secret(register: Register) -> None:
    """RFC 7591 §3.2.1."""
    assert "client_secret" not in register(**PUBLIC).json()


@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
def test_a_browser_application_may_register_from_anywhere_and_call_the_token_endpoint(
    credenza: Credenza, register: Register, method: str
) -> None:
    """SECURITY D6: registration is no endpoint for cookies; afterwards the client's own origin counts.

    Also of one that names no method, and so has a secret without knowing.
    """
    origin = f"https://{method.replace('_', '-')}.example.net"
    preflight = credenza.request("OPTIONS", "/register", headers={"origin": origin})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    declared = {"redirect_uris": [f"{origin}/cb"], "token_endpoint_auth_method": method}
    response = register(headers={"origin": origin}, **declared)
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
    answer = credenza.request("POST", "/token", data={"grant_type": "x"}, headers={"origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin


def test_identical_registrations_within_minutes_are_one(credenza: Credenza, register: Register) -> None:
    """MCP.md: some clients register anew at each connection; only the first answer lets the client be changed."""
    first = register(**PUBLIC).json()
    again = register(**PUBLIC)
    assert again.status_code == 201
    assert again.json()["client_id"] == first["client_id"]
    assert not {"registration_access_token", "registration_client_uri"} & again.json().keys()
    others = [
        register(address="198.51.100.1", **PUBLIC),
        register(client_name="Gull Watch II", **PUBLIC),
        register(),
    ]
    assert first["client_id"] not in [other.json()["client_id"] for other in others]
    credenza.clock.move(660)
    assert register(**PUBLIC).json()["client_id"] != first["client_id"]


def test_confidential_clients_are_never_shared(register: Register) -> None:
    """A secret is one client's."""
    assert register().json()["client_id"] != register().json()["client_id"]


def test_a_client_that_changed_or_was_disabled_is_not_what_a_new_one_gets(
    credenza: Credenza, register: Register
) -> None:
    first = register(**PUBLIC).json()
    members = {"client_id": first["client_id"], "redirect_uris": ["https://other.example/cb"], **PUBLIC}
    headers = {"authorization": f"Bearer {first['registration_access_token']}"}
    assert credenza.request("PUT", f"/register/{first['client_id']}", json=members, headers=headers).status_code == 200
    second = register(**PUBLIC).json()
    assert second["client_id"] != first["client_id"]
    credenza.run(disable, second["client_id"])
    assert register(**PUBLIC).json()["client_id"] != second["client_id"]


async def disable(client_id: str) -> None:
    await ClientRow.update({ClientRow.enabled: False}).where(ClientRow.id == client_id)
    await bump_version()


def test_registration_is_in_the_audit_log(credenza: Credenza, register: Register) -> None:
    """OWASP ASVS V16.3: who came, from where, and with which redirect URIs; and no secret."""
    answer = register().json()
    events = credenza.run(audit.list_events, client=answer["client_id"])
    (event,) = [event for event in events if event.name == "ObjectChanged"]
    assert event.address == "203.0.113.7"
    assert event.data["action"] == "registered"
    assert event.data["after"]["redirect_uris"] == ["https://gull.example.net/cb"]
    assert answer["client_secret"] not in str(event)
    assert answer["registration_access_token"] not in str(event)


def test_a_scheme_that_the_operator_allows_is_one_to_come_back_to(start: Callable[..., Credenza]) -> None:
    """Cursor registers one that is no domain name in reverse. The page says so, and not what follows the slashes."""
    uris = ["cursor://anysphere.cursor-mcp/oauth/callback", "https://gull.example.net/cb"]
    declared = {"redirect_uris": uris, "client_name": "Cursor", **PUBLIC}
    assert start(registration="open").request("POST", "/register", json=declared).json()["error"] == (
        "invalid_redirect_uri"
    )
    credenza = start(registration="open", redirect_schemes=("cursor",))
    answer = credenza.request("POST", "/register", json=declared).json()
    client = RelyingParty(credenza, answer["client_id"], uris[0], auth_method="none")
    agent = UserAgent(credenza)
    agent.get(client.authorization_url(scope="openid"))
    page = agent.sign_in()
    assert isinstance(page, PageSeen)
    assert "cursor:" in page.text
    assert "anysphere" not in page.text
    callback = agent.decide()
    assert isinstance(callback, Callback)
    assert callback.url.startswith(f"{uris[0]}?code=")
    assert client.redeem(callback).status_code == 200


# -- the client -------------------------------------------------------------------------------------------------------


def test_a_registered_client_signs_a_user_in(
    user_agent: UserAgent, register: Register, relying_party: Made, opened: None
) -> None:
    """From nothing to UserInfo, as any relying party would."""
    client = relying_party(register().json())
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    assert client.userinfo(tokens["access_token"]).json()["name"] == "Ada Lovelace"
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_a_registered_native_client_signs_a_user_in_on_any_port(
    user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """RFC 8252 §7.3, for both names of the loopback interface."""
    for host in ("127.0.0.1", "localhost"):
        client = relying_party(register(redirect_uris=[f"http://{host}/callback"], **PUBLIC).json())
        client.redirect_uri = f"http://{host}:51004/callback"
        assert "access_token" in client.tokens(user_agent.authorize(client, scope="openid"))


def test_the_shared_ceiling_begins_empty(
    credenza: Credenza, user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """A-MCP-01, SECURITY D7: only openid and offline_access, until the operator allows more for all of them."""
    client = relying_party(register(scope="openid profile email").json())
    callback = user_agent.authorize(client, scope="openid profile")
    assert isinstance(callback, PageSeen)
    assert callback.error == "invalid_scope"
    credenza.apply({"unregistered": {"permissions": {"profile": ["profile"]}}})
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile"))
    assert set(tokens["scope"].split()) == {"openid", "profile"}
    credenza.apply({"unregistered": {"permissions": {}}})
    assert "name" not in client.userinfo(tokens["access_token"]).json()


def copied(credenza: Credenza) -> str:
    """Every scope that the metadata has, as MCP clients ask when a resource does not name its own."""
    document = credenza.request("GET", "/.well-known/oauth-authorization-server").json()
    return " ".join(document["scopes_supported"])


@pytest.mark.parametrize("pushed", [False, True])
def test_scopes_copied_from_the_metadata_beside_a_resource_are_ignored_where_they_are_not_enabled(
    credenza: Credenza, user_agent: UserAgent, register: Register, relying_party: Made, pushed: bool
) -> None:
    """ "The authorization server MAY fully or partially ignore the scope requested by the client." RFC 6749 §3.3."""
    credenza.apply({"unregistered": {"permissions": {"profile": ["email"], "api": {ORDERS: ["orders:read"]}}}})
    registered = register(scope=f"{copied(credenza)} orders:read orders:write").json()
    assert "orders:read" in registered["scope"].split()
    assert "orders:write" not in registered["scope"].split()
    client = relying_party(registered)
    changes: dict[str, str] = {"scope": copied(credenza), "resource": ORDERS}
    url = client.authorization_url(**changes)
    if pushed:
        answer = client.post("/par", dict(parse_qsl(urlsplit(url).query))).json()
        url = f"/authorize?{urlencode({'client_id': client.client_id, 'request_uri': answer['request_uri']})}"
    user_agent.get(url)
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "See your orders" in page.text
    callback = user_agent.decide()
    assert isinstance(callback, Callback)
    tokens = client.redeem(callback, resource=ORDERS).json()
    assert tokens["scope"] == "orders:read", "none was named there, so what is enabled"
    mine = client.refresh(tokens["refresh_token"]).json()
    assert set(mine["scope"].split()) == {"openid", "offline_access", "email", "orders:read"}


def test_a_scope_of_the_resource_that_is_named_is_the_only_one_there(
    credenza: Credenza, user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    credenza.apply({"unregistered": {"permissions": {"api": {ORDERS: ["orders:read"]}}}})
    client = relying_party(register().json())
    asked = client.authorization_url(scope="openid phone orders:write", resource=ORDERS)
    user_agent.get(asked)
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert "See your orders" not in page.text, "nobody asked for that"
    refused = user_agent.get(client.authorization_url(scope="openid phone"))
    assert "invalid_scope" in str(refused), "without a resource it is a sign-in, and its developer is told"


def test_the_shared_ceiling_is_part_of_the_desired_state(credenza: Credenza) -> None:
    part = {"permissions": {"profile": ["email?", "profile"]}}
    assert len(credenza.apply({"unregistered": part}).changes) == 1
    assert credenza.apply({"unregistered": part}).changes == []
    assert credenza.run(state.export, credenza.server)["unregistered"] == part
    with pytest.raises(state.StateError, match="permissions: profile knows no 'admin'"):
        credenza.apply({"unregistered": {"permissions": {"profile": ["admin"]}}})


def test_a_desired_state_file_neither_names_nor_removes_what_registered_itself(
    credenza: Credenza, register: Register
) -> None:
    """A self-registered client that took an application's name is never what the file means."""
    answer = register(client_name="Harbour Wiki Two").json()
    exported = credenza.run(state.export, credenza.server)
    assert answer["client_id"] not in [item["client_id"] for item in exported["applications"]]
    item = {"name": "Harbour Wiki Two", "type": "traditional", "redirect_uris": ["https://two.example.com/cb"]}
    (change,) = credenza.apply({"applications": [item]}).changes
    assert change.action == "created"
    assert change.made["client_id"] != answer["client_id"]
    credenza.run(
        state.apply, credenza.server, credenza.app.state.passwords, {"applications": []}, Path.cwd(), prune=True
    )
    assert credenza.run(credenza.server.find_client, answer["client_id"]) is not None
    assert credenza.run(credenza.server.find_client, "app") is None


# -- what was registered is obeyed ------------------------------------------------------------------------------------


def test_default_max_age_is_obeyed(
    credenza: Credenza, user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """OpenID Connect Registration §2: "Specifies that the End-User MUST be actively authenticated if … longer ago"."""
    client = relying_party(register(default_max_age=60, require_auth_time=True).json())
    tokens = client.tokens(user_agent.authorize(client, scope="openid"))
    assert "auth_time" in jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert isinstance(user_agent.get(client.authorization_url(scope="openid")), Callback)
    credenza.clock.move(70)
    page = user_agent.get(client.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    assert isinstance(user_agent.get(client.authorization_url(scope="openid", max_age="3600")), Callback)


def signed(claims: dict[str, Any], key: rsa.RSAPrivateKey, alg: str) -> str:
    now = int(time.time())
    return jwt.encode({"iat": now, "nbf": now, "exp": now + 60, "jti": new_id(), **claims}, key, algorithm=alg)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    members = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"keys": [{n: members[n] for n in ("kty", "n", "e")} | {"alg": alg} for alg in ("RS256", "PS256")]}


def test_token_endpoint_auth_signing_alg_is_obeyed(
    credenza: Credenza, user_agent: UserAgent, register: Register, relying_party: Made, key: rsa.RSAPrivateKey
) -> None:
    """OpenID Connect Registration §2: "All Token Requests … MUST be rejected, if the JWT is not signed with this"."""
    method = {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "PS256"}
    client = relying_party(register(jwks=public(key), **method).json())
    callback = user_agent.authorize(client, scope="openid")
    claims = {"iss": client.client_id, "sub": client.client_id, "aud": credenza.issuer}
    kind = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    assert client.redeem(callback, client_assertion=signed(claims, key, "RS256"), **kind).status_code == 401
    assert client.redeem(callback, client_assertion=signed(claims, key, "PS256"), **kind).status_code == 200


def test_request_object_signing_alg_is_obeyed(
    credenza: Credenza, user_agent: UserAgent, register: Register, relying_party: Made, key: rsa.RSAPrivateKey
) -> None:
    """OpenID Connect Registration §2: "All Request Objects from this Client MUST be rejected, if not signed with"."""
    metadata = credenza.request("GET", "/.well-known/openid-configuration").json()
    if not metadata.get("request_parameter_supported"):
        pytest.skip("request objects are not supported")
    client = relying_party(register(jwks=public(key), request_object_signing_alg="PS256").json())
    asked = dict(parse_qsl(urlsplit(client.authorization_url(scope="openid")).query))
    claims = {**asked, "iss": client.client_id, "aud": credenza.issuer}
    for alg, page in (("RS256", "error"), ("PS256", "sign-in")):
        query = urlencode(asked | {"request": signed(claims, key, alg)})
        seen = user_agent.get(f"/authorize?{query}")
        assert isinstance(seen, PageSeen)
        assert seen.name == page, seen.text


# -- what people see --------------------------------------------------------------------------------------------------


def consent(user_agent: UserAgent, client: RelyingParty, **changes: str) -> PageSeen:
    page = user_agent.get(client.authorization_url(scope="openid", **changes))
    if isinstance(page, PageSeen) and page.name == "sign-in":
        page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent", page.text
    return page


def test_a_mcp_10_the_host_stands_before_the_name_that_the_client_gave_itself(
    user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """A-MCP-10: a name cannot imitate one of our applications, neither here nor on the sign-in page."""
    client = relying_party(register(client_name="Our Portal").json())
    page = user_agent.get(client.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert "to continue to gull.example.net" in page.text
    assert "Our Portal" not in page.text
    page = consent(user_agent, client)
    assert "gull.example.net wants to use your account" in page.text
    assert "It calls itself Our Portal . Nobody here has checked this application." in page.text
    assert page.text.index("gull.example.net") < page.text.index("Our Portal")
    button = next(line for line in page.html.splitlines() if 'value="authorize"' in line)
    assert 'aria-describedby="claim' in button, "who goes from button to button hears it too"
    assert '<p id="claim">' in page.html


def test_a_mcp_10_a_client_with_several_hosts_is_called_by_none_of_them(
    user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """A-MCP-10: the first redirect URI could be anybody's; where the browser goes is still told."""
    uris = ["https://id.example.com/cb", "https://evil.example/cb"]
    client = relying_party(register(redirect_uris=uris).json())
    client.redirect_uri = uris[1]
    page = user_agent.get(client.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert "to continue to" not in page.text, "there is no name that one could believe"
    page = consent(user_agent, client)
    assert "icon-app-window" in page.html, "no initials of a name either"
    assert "An unverified application wants to use your account" in page.text
    assert "<title>An unverified application wants to use your account" in page.html
    assert "You will return to evil.example" in page.text
    assert "id.example.com wants" not in page.text
    german = user_agent.get(page.url, headers={"accept-language": "de"})
    assert isinstance(german, PageSeen)
    assert "Eine ungeprüfte Anwendung möchte Ihr Konto verwenden" in german.text


def test_applications_without_a_host_are_told_apart_on_the_account_page(
    user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """PRODUCT +19: "the applications a user authorized"; "An unverified application" may be any of them."""
    for name in ("Gull Watch", "Tide Table"):
        client = relying_party(register(client_name=name, redirect_uris=["http://localhost/cb"], **PUBLIC).json())
        user_agent.authorize(client, scope="openid")
    page = user_agent.get("/account")
    assert isinstance(page, PageSeen)
    addresses = [link for link in page.links if link.startswith("/account/applications/")]
    assert len(addresses) == 2
    shown = [user_agent.get(address) for address in addresses]
    for name in ("Gull Watch", "Tide Table"):
        sentence = f"It calls itself {name} . Nobody here has checked this application."
        assert sentence in page.text
        assert [isinstance(seen, PageSeen) and sentence in seen.text for seen in shown].count(True) == 1


def test_a_mcp_10_only_loopback_redirects_carry_a_warning(
    user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """A-MCP-10: any program on the device could be at the other end."""
    client = relying_party(register(redirect_uris=["http://127.0.0.1/cb", "http://localhost/cb"], **PUBLIC).json())
    client.redirect_uri = "http://localhost:4000/cb"
    assert "runs on your own device, where any program could use its name" in consent(user_agent, client).text


def test_a_mcp_06_consent_to_one_client_is_none_to_another_of_the_same_name_and_host(
    user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """A-MCP-06, confused deputy: the victim consented before; a new registration is a new client."""
    user_agent.authorize(relying_party(register().json()), scope="openid")
    consent(user_agent, relying_party(register().json()))


@pytest.mark.parametrize(
    "changes", [{"response_type": "token"}, {"scope": "openid profile"}, {"response_mode": "form_post", "max_age": "x"}]
)
def test_d9_a_browser_without_a_session_is_not_sent_to_an_unverified_client(
    user_agent: UserAgent, register: Register, relying_party: Made, changes: dict[str, str]
) -> None:
    """SECURITY D9, RFC 9700 §4.11.2: our address must not lead people anywhere; a page names the host."""
    client = relying_party(register().json())
    page = user_agent.get(client.authorization_url(**({"scope": "openid"} | changes)))
    assert isinstance(page, PageSeen)
    assert page.name == "error"
    assert page.status == 400
    assert "gull.example.net" in page.text
    (location,) = [link for link in page.links if link.startswith("https://gull.example.net/cb?error=")]
    assert "state=state-of-the-test" in location
    assert "iss=" in location


def test_d9_cancelling_the_sign_in_does_not_lead_there_either(
    user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """SECURITY D9."""
    user_agent.get(relying_party(register().json()).authorization_url(scope="openid"))
    page = user_agent.submit([("decision", "deny")])
    assert isinstance(page, PageSeen)
    assert page.error == "access_denied"


def test_d9_with_a_session_or_with_prompt_none_the_client_is_told(
    user_agent: UserAgent, register: Register, relying_party: Made, client: RelyingParty
) -> None:
    """SECURITY D9; OpenID Connect Core §3.1.2.1: prompt=none never shows a page."""
    mine = relying_party(register().json())
    silent = user_agent.get(mine.authorization_url(scope="openid", prompt="none"))
    assert isinstance(silent, Callback)
    assert silent.error == "login_required"
    user_agent.authorize(client)
    told = user_agent.get(mine.authorization_url(scope="openid", response_type="token"))
    assert isinstance(told, Callback)
    assert told.error == "unsupported_response_type"


def test_d9_verified_clients_are_told_as_ever(user_agent: UserAgent, client: RelyingParty) -> None:
    told = user_agent.get(client.authorization_url(response_type="token"))
    assert isinstance(told, Callback)


# -- what we fetch ----------------------------------------------------------------------------------------------------


def picture(color: str = "teal", size: int = 20) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (size, size), color).save(out, "PNG")
    return out.getvalue()


def test_logo_policy_and_terms_are_on_the_sign_in_page_and_nothing_is_hot_linked(
    user_agent: UserAgent, register: Register, relying_party: Made, web_site: Any
) -> None:
    """oidcc-registration-logo-uri, -policy-uri, -tos-uri: the logo is a copy of ours, made again from its pixels."""
    logo = web_site.publish("/logo.png", picture(), content_type="image/png")
    terms, policy = "https://gull.example.net/terms", "https://gull.example.net/privacy"
    answer = register(logo_uri=logo, tos_uri=terms, policy_uri=policy).json()
    assert answer["logo_uri"] == logo
    page = user_agent.get(relying_party(answer).authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert {terms, policy} <= set(page.links)
    assert 'rel="noopener noreferrer"' in page.html
    assert web_site.host not in page.html
    assert 'src="/image/' in page.html


def test_copies_of_logos_do_not_pile_up(credenza: Credenza, register: Register, web_site: Any) -> None:
    """SECURITY R-CR-01, F-28: as many as there are clients, and small, whatever strangers come up with."""

    def published(color: str) -> str:
        return str(web_site.publish(f"/{color}.png", picture(color, 400), content_type="image/png"))

    def copy_of(client_id: str) -> str:
        return str(credenza.run(credenza.server.find_client, client_id).branding.logo)

    def sizes(*addresses: str) -> list[int]:
        answers = [credenza.request("GET", address) for address in addresses]
        return [Image.open(io.BytesIO(a.content)).width if a.status_code == 200 else 0 for a in answers]

    ours = credenza.run(store_image, picture("teal", 400), 1)
    other = copy_of(register(logo_uri=published("teal"), client_name="Tern Watch").json()["client_id"])
    mine = register(logo_uri=published("teal")).json()
    path, first = f"/register/{mine['client_id']}", copy_of(mine["client_id"])
    assert sizes(ours, first, other) == [400, 128, 128]
    members = METADATA | {"client_id": mine["client_id"], "logo_uri": published("navy")}
    headers = {"authorization": f"Bearer {mine['registration_access_token']}"}
    mine = credenza.request("PUT", path, json=members, headers=headers).json()
    second = copy_of(mine["client_id"])
    assert sizes(ours, first, second, other) == [400, 0, 128, 128]
    headers = {"authorization": f"Bearer {mine['registration_access_token']}"}
    assert credenza.request("DELETE", path, headers=headers).status_code == 204
    credenza.clock.move(3601)
    credenza.run(cleaning._clean_up, credenza.server)
    assert sizes(ours, second, other) == [400, 0, 128]


@pytest.mark.parametrize("status", [404, 302, 500])
def test_a_logo_that_cannot_be_had_does_not_matter(register: Register, web_site: Any, status: int) -> None:
    """The registration is what counts."""
    logo = web_site.publish("/logo.png", picture(), status=status, location=web_site.url("/other.png"))
    assert register(logo_uri=logo).status_code == 201
    assert [path for path, _ in web_site.seen] == ["/logo.png"]


def test_a_logo_that_is_no_picture_does_not_matter(register: Register, web_site: Any) -> None:
    """A-UPL-01."""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    assert register(logo_uri=web_site.publish("/logo.svg", svg, content_type="image/svg+xml")).status_code == 201


def test_a_logo_inside_our_network_is_not_fetched(start: Callable[..., Credenza], web_site: Any) -> None:
    """A-SSR-01: the address is judged, and nothing is connected to."""
    credenza = start(registration="open")
    members = {"redirect_uris": ["https://gull.example.net/cb"], "logo_uri": web_site.url("/logo.png")}
    assert credenza.request("POST", "/register", json=members).status_code == 201
    assert web_site.seen == []


def test_r_cr_06_a_sector_document_lists_every_redirect_uri(register: Register, web_site: Any) -> None:
    """R-CR-06, OpenID Connect Registration §5."""
    good = web_site.publish("/good.json", ["https://gull.example.net/cb", "https://gull.example.net/other"])
    assert register(sector_identifier_uri=good).json()["sector_identifier_uri"] == good
    for content in (["https://gull.example.net/other"], {"https://gull.example.net/cb": 1}, "x", []):
        bad = web_site.publish("/bad.json", content)
        response = register(sector_identifier_uri=bad)
        assert response.status_code == 400
        assert response.json()["error"] == "invalid_client_metadata"
    both = ["https://gull.example.net/cb", "https://evil.example/cb"]
    assert register(sector_identifier_uri=good, redirect_uris=both).status_code == 400


# -- the end ----------------------------------------------------------------------------------------------------------


def clean(credenza: Credenza) -> int:
    """What the server does every minute."""
    ((_, cleaner), _) = [found for found in credenza.server.cleaners if found[0] == "unregistered"]
    return credenza.run(cleaner, credenza.server.now())


def test_r_cr_01_clients_that_nobody_uses_are_deleted_after_a_month(
    credenza: Credenza, user_agent: UserAgent, register: Register, relying_party: Made
) -> None:
    """R-CR-01: not the one with a live refresh token, not the disabled one, and none that an administrator made."""
    unused, used, blocked, lately = (register().json() for _ in range(4))
    client = relying_party(used)
    client.tokens(user_agent.authorize(client, scope="openid offline_access"))
    credenza.run(disable, blocked["client_id"])
    before = credenza.run(ClientRow.count)
    credenza.clock.move(29 * 24 * 3600)
    recent = relying_party(lately)
    recent.tokens(user_agent.authorize(recent, scope="openid"))
    client.refresh("x")
    assert clean(credenza) == 0
    credenza.clock.move(2 * 24 * 3600)
    assert clean(credenza) == 1
    assert credenza.run(credenza.server.find_client, unused["client_id"]) is None
    assert credenza.run(ClientRow.count) == before - 1


def test_r_cr_01_too_many_unused_clients_push_out_the_oldest(
    credenza: Credenza, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-CR-01: a quota that a flood cannot turn against others."""
    monkeypatch.setattr(credenza_unregistered.store, "MOST_UNUSED", 3)
    made = [register().json()["client_id"] for _ in range(4)]
    credenza.clock.move(3700)
    register()
    found = [credenza.run(credenza.server.find_client, client_id) is not None for client_id in made]
    assert found == [False, True, True, True]
