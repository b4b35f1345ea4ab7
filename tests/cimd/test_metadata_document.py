"""An https address as client_id. draft-ietf-oauth-client-id-metadata-document, as MCP 2025-11-25 and later use it."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from credenza import outbound
from credenza.store import audit, clients, consents
from credenza.store.clients import ClientRow
from credenza.store.version import bump_version
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests
from credenza.web.limits import Limiter
from credenza.web.rules import Rule
from credenza_unregistered import documents

PATH = "/oauth/client.json"
REDIRECT_URI = "https://gull.example.net/cb"


@pytest.fixture
def credenza_settings(web_site: Any) -> dict[str, Any]:
    return {"client_id_metadata_documents": True, "outbound_allow": (web_site.host,), "rate_limit": False}


@pytest.fixture
def publish(web_site: Any) -> Callable[..., str]:
    """A document that is right but for the changes (None leaves a member out); returns its address."""

    def at(path: str = PATH, headers: dict[str, str] | None = None, status: int = 200, **changes: Any) -> str:
        members = {
            "client_id": web_site.url(path),
            "client_name": "Gull Watch",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        }
        document = {name: value for name, value in (members | changes).items() if value is not None}
        return str(web_site.publish(path, document, status=status, **(headers or {})))

    return at


@pytest.fixture
def party(credenza: Credenza) -> Callable[..., RelyingParty]:
    def of(client_id: str, redirect_uri: str = REDIRECT_URI) -> RelyingParty:
        return RelyingParty(credenza, client_id, redirect_uri, auth_method="none")

    return of


def opened(credenza: Credenza, client_id: str, redirect_uri: str = REDIRECT_URI) -> PageSeen:
    """The first page of an authorization request."""
    client = RelyingParty(credenza, client_id, redirect_uri, auth_method="none")
    page = UserAgent(credenza).get(client.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    return page


def refused(credenza: Credenza, client_id: str) -> str:
    page = opened(credenza, client_id)
    assert (page.name, page.error, page.status) == ("error", "invalid_client", 400), page.text
    return page.text


# -- the whole way ----------------------------------------------------------------------------------------------------


def test_a_client_that_nobody_registered_signs_a_user_in(
    credenza: Credenza, user_agent: UserAgent, publish: Callable[..., str], party: Callable[..., RelyingParty]
) -> None:
    """From a document to UserInfo and a refreshed token; the document is fetched once."""
    credenza.apply({"unregistered": {"permissions": {"profile": ["profile"]}}})
    client = party(publish())
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    assert client.userinfo(tokens["access_token"]).json()["name"] == "Ada Lovelace"
    assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["aud"] == client.client_id
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_an_address_may_be_as_long_as_a_client_id(
    filled_database_url: str, credenza_settings: dict[str, Any], publish: Callable[..., str], web_site: Any
) -> None:
    """Addresses of real clients are longer than an account's id: the audit log holds them whole, on each engine."""
    path = "/".join(["", "a" * (255 - len(web_site.url("/") + "/client.json")), "client.json"])
    with running(settings_for_tests(filled_database_url, **credenza_settings)) as credenza:
        client = RelyingParty(credenza, publish(path), REDIRECT_URI, auth_method="none")
        assert len(client.client_id) == 255
        assert "access_token" in client.tokens(UserAgent(credenza).authorize(client, scope="openid"))
        events = credenza.run(audit.list_events, actor=client.client_id)
        assert {event.actor for event in events} == {client.client_id}
        assert {"ObjectChanged", "TokenIssued"} <= {event.name for event in events}


def test_one_sign_in_fetches_the_document_once(
    user_agent: UserAgent, publish: Callable[..., str], party: Callable[..., RelyingParty], web_site: Any
) -> None:
    """Even when its host lets nobody keep it: the draft leaves the lower bound to the server."""
    client = party(publish(headers={"cache_control": "no-store"}))
    client.tokens(user_agent.authorize(client, scope="openid"))
    assert len(web_site.seen) == 1


def test_it_is_advertised_when_it_is_switched_on(credenza: Credenza) -> None:
    """draft §5: `client_id_metadata_document_supported`; MCP: `none` must be listed for it to be of use."""
    metadata = credenza.request("GET", "/.well-known/oauth-authorization-server").json()
    assert metadata["client_id_metadata_document_supported"] is True
    assert {"none", "private_key_jwt"} <= set(metadata["token_endpoint_auth_methods_supported"])


@pytest.fixture
def start(credenza_database: str) -> Iterator[Callable[..., Credenza]]:
    with ExitStack() as stack:

        def started(**settings: Any) -> Credenza:
            return stack.enter_context(running(settings_for_tests(credenza_database, **settings)))

        yield started


def test_it_is_off_unless_it_is_switched_on(
    start: Callable[..., Credenza], publish: Callable[..., str], web_site: Any
) -> None:
    credenza = start(outbound_allow=(web_site.host,))
    metadata = credenza.request("GET", "/.well-known/oauth-authorization-server").json()
    assert "client_id_metadata_document_supported" not in metadata
    assert "No application with this client_id" in refused(credenza, publish())
    assert web_site.seen == []


def test_switching_it_off_ends_what_came_that_way(
    start: Callable[..., Credenza], user_agent: UserAgent, publish: Callable[..., str], party: Any, web_site: Any
) -> None:
    client = party(publish())
    tokens = client.tokens(user_agent.authorize(client, scope="openid"))
    client.credenza = start(outbound_allow=(web_site.host,))
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert refused(client.credenza, client.client_id)


# -- R-CI-01: the address ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "https://{host}",
        "https://{host}?x=/",
        "https://{host}/oauth/../client.json",
        "https://{host}/./client.json",
        "https://{host}/oauth/%2e%2e/client.json",
        "https://{host}/%2E/client.json",
        "https://{host}/a%2f..%2fclient.json",
        "https://{host}/oauth/client.json#x",
        "https://{host}/oauth/client.json#",
        "https://user@{host}/oauth/client.json",
        "https://user:password@{host}/oauth/client.json",
        "https://{host}\\@evil.example/oauth/client.json",
        "https://{host}/oauth/cli ent.json",
        "https://{host}/oauth/cliént.json",
        "https:///oauth/client.json",
        "https://LOCALHOST/oauth/client.json",
        "https://{host}/oauth/" + "x" * 300,
        "http://{host}/oauth/client.json",
        "HTTPS://{host}/oauth/client.json",
        "file:///oauth/client.json",
        "gopher://{host}/oauth/client.json",
        "ftp://{host}/oauth/client.json",
        "data:application/json,{{}}",
        "unix:/oauth/client.json",
    ],
)
def test_r_ci_01_a_bad_address_is_refused_before_anything_is_fetched(
    credenza: Credenza, web_site: Any, address: str
) -> None:
    """R-CI-01, A-SSR-09: https, a path, no dot segments, no fragment, no user name."""
    refused(credenza, address.format(host=web_site.host))
    assert web_site.seen == []


# -- R-CI-02: the fetch -----------------------------------------------------------------------------------------------


def test_r_ci_02_the_request_brings_no_credentials(
    credenza: Credenza, publish: Callable[..., str], web_site: Any
) -> None:
    """R-CI-02: no cookies, no authorization, nothing of the user's."""
    assert opened(credenza, publish()).name == "sign-in"
    ((path, headers),) = web_site.seen
    assert path == PATH
    assert set(headers) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "status", [201, 202, 203, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 410, 500]
)
def test_r_ci_02_only_200_is_an_answer(
    credenza: Credenza, publish: Callable[..., str], web_site: Any, status: int
) -> None:
    """R-CI-02, A-SSR-05, A-SSR-15: redirects are not followed, and an error with a good document in it is an error."""
    other = publish("/other.json", client_id=web_site.url(PATH))
    refused(credenza, publish(status=status, headers={"location": other}))
    assert [path for path, _ in web_site.seen] == [PATH]


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/javascript", "application/jsonp", ""])
def test_r_ci_02_it_is_json_by_its_own_word(credenza: Credenza, publish: Callable[..., str], content_type: str) -> None:
    """R-CI-02, A-SSR-15."""
    refused(credenza, publish(headers={"content_type": content_type}))


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/oauth-client+json"])
def test_r_ci_02_a_more_specific_json_type_will_do(
    credenza: Credenza, publish: Callable[..., str], content_type: str
) -> None:
    """draft §4.1: `application/<AS-defined>+json`."""
    assert opened(credenza, publish(headers={"content_type": content_type})).name == "sign-in"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"[" * 5000,
        b"\xff\xfe{}",
        b'{"client_id":"x","client_id":"y"}',
        b'{"client_id":NaN}',
        b" " * 6000,
    ],
)
def test_a_inp_04_hostile_json_is_refused(credenza: Credenza, web_site: Any, body: bytes) -> None:
    """A-INP-04, R-CI-02."""
    refused(credenza, web_site.publish(PATH, body))


def test_r_ci_02_five_kibibytes_are_the_limit(credenza: Credenza, publish: Callable[..., str], web_site: Any) -> None:
    """R-CI-02, A-SSR-06: also when the body has no end."""
    assert opened(credenza, publish("/large.json", tos_uri=f"https://gull.example.net/{'x' * 1900}")).name == "sign-in"
    refused(credenza, publish("/larger.json", padding="x" * 5200))
    sent = 0

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 1024)
            sent += 1024

    web_site.pages[PATH] = endless
    refused(credenza, web_site.url(PATH))
    assert sent < 100 * 1024 * 1024


@pytest.mark.slow
def test_r_ci_02_five_seconds_are_the_limit_and_nobody_else_waits(credenza: Credenza, web_site: Any) -> None:
    """R-CI-02, A-SSR-07: one byte a second."""

    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.end_headers()
        for _ in range(30):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.5)

    web_site.pages[PATH] = slow
    waiting = threading.Thread(target=refused, args=(credenza, web_site.url(PATH)))
    began = time.monotonic()
    waiting.start()
    assert opened(credenza, "app", "https://app.example.com/cb").name == "sign-in"
    assert waiting.is_alive()
    waiting.join()
    assert 4 < time.monotonic() - began < 14, "all of it would take 15"


# -- R-CI-03, R-CI-04: the content ------------------------------------------------------------------------------------


@pytest.mark.parametrize("difference", [lambda u: u + "/", lambda u: u.upper(), lambda u: u + "?", lambda u: "", None])
def test_r_ci_03_the_document_names_its_own_address(
    credenza: Credenza, publish: Callable[..., str], web_site: Any, difference: Callable[[str], str] | None
) -> None:
    """R-CI-03, A-SSR-14: simple string comparison."""
    url = web_site.url(PATH)
    publish(client_id=difference(url) if difference is not None else None)
    assert "must be exactly its address" in refused(credenza, url)


@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "client_secret_post", "token_endpoint_auth_methods_supported": ["none"]},
        {"token_endpoint_auth_method": None, "token_endpoint_auth_methods_supported": ["client_secret_basic"]},
        {"client_secret": "a-secret-that-everybody-can-read"},
        {"client_secret_expires_at": 0},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"}]}},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": [REDIRECT_URI, "JaVaScRiPt:alert(1)"]},
        {"redirect_uris": []},
        {"redirect_uris": None},
        {"redirect_uris": [None]},
        {"logo_uri": "javascript:alert(1)"},
        {"tos_uri": "data:text/html,x"},
        {"client_uri": "javascript:alert(1)"},
        {"policy_uri": "javascript:alert(1)"},
        {"grant_types": ["password"]},
        {"client_name": 7},
    ],
)
def test_r_ci_04_shared_secrets_and_unsafe_addresses_are_refused(
    credenza: Credenza, publish: Callable[..., str], changes: dict[str, Any]
) -> None:
    """R-CI-04, A-SSR-19, A-XSS-03, A-RED-21: one validator with dynamic registration; the developer is told what."""
    assert "document of this client is not valid" in refused(credenza, publish(**changes))


def test_a_document_without_a_name_goes_by_its_host(
    credenza: Credenza, publish: Callable[..., str], web_site: Any
) -> None:
    """draft -02 makes `client_name` optional."""
    assert f"to continue to {web_site.host}" in opened(credenza, publish(client_name=None)).text


def test_privileges_in_a_document_are_ignored(credenza: Credenza, publish: Callable[..., str]) -> None:
    """R-CR-02."""
    client_id = publish(third_party=False, unverified=False, consent_lifetime=5, host="id.example.com", enabled=True)
    opened(credenza, client_id)
    client = credenza.run(credenza.server.find_client, client_id)
    assert client is not None
    assert client.third_party
    assert client.unverified
    assert client.metadata["host"] != "id.example.com"
    assert client.metadata["registered_by"] == "metadata document"
    assert "consent_lifetime" not in client.metadata


# -- R-CI-05: where to ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]
)
def test_r_ci_05_addresses_inside_are_refused(
    start: Callable[..., Credenza], publish: Callable[..., str], web_site: Any, host: str
) -> None:
    """R-CI-05, A-SSR-01, A-SSR-02: nothing is connected to, and the page does not tell what is there."""
    credenza = start(client_id_metadata_documents=True)
    publish()
    text = refused(credenza, web_site.url(PATH).replace("127.0.0.1", host))
    assert "not a public address" not in text
    assert web_site.seen == []


@pytest.mark.parametrize("name", ["logo_uri", "jwks_uri", "sector_identifier_uri", "backchannel_logout_uri"])
def test_a_ssr_11_addresses_in_a_document_are_judged_as_well(
    credenza: Credenza, publish: Callable[..., str], name: str
) -> None:
    """A-SSR-11: a public document does not make an internal address public."""
    seen: list[str] = []

    class Inside(BaseHTTPRequestHandler):
        def handle(self) -> None:
            seen.append(str(self.client_address))

    with ThreadingHTTPServer(("127.0.0.1", 0), Inside) as inside:
        thread = threading.Thread(target=inside.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        opened(credenza, publish(**{name: f"https://127.0.0.1:{inside.server_port}/x"}))
        inside.shutdown()
        thread.join()
    assert seen == []


# -- R-CI-06: keeping it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cache_control", "kept"),
    [
        ("", 3600),
        ("max-age=300", 300),
        ("public, max-age=7200", 7200),
        ("max-age=9999999", 86400),
        ("no-store", 60),
        ("no-cache", 60),
    ],
)
def test_r_ci_06_a_good_document_is_kept_as_long_as_its_host_says_and_a_day_at_most(
    credenza: Credenza, publish: Callable[..., str], web_site: Any, cache_control: str, kept: int
) -> None:
    """R-CI-06; max-age, no-cache and no-store are in RFC 9111 §5.2.2.1, §5.2.2.4, §5.2.2.5."""
    client_id = publish(headers={"cache_control": cache_control} if cache_control else {})
    opened(credenza, client_id)
    credenza.clock.move(kept - 10)
    opened(credenza, client_id)
    assert len(web_site.seen) == 1
    credenza.clock.move(20)
    opened(credenza, client_id)
    assert len(web_site.seen) == 2


def test_r_ci_06_an_error_is_not_kept(credenza: Credenza, publish: Callable[..., str], web_site: Any) -> None:
    """R-CI-06, A-SSR-15: only for a moment, so that nobody is made to fetch it again and again."""
    client_id = publish(status=404)
    refused(credenza, client_id)
    refused(credenza, client_id)
    assert len(web_site.seen) == 1
    publish()
    credenza.clock.move(11)
    assert opened(credenza, client_id).name == "sign-in"


def test_r_ci_06_the_last_good_copy_is_not_used_for_new_codes(
    credenza: Credenza, user_agent: UserAgent, publish: Callable[..., str], party: Callable[..., RelyingParty]
) -> None:
    """R-CI-06: but what was issued already goes on: whoever asks about a token is not the client."""
    client = party(publish())
    tokens = client.tokens(user_agent.authorize(client, scope="openid offline_access"))
    publish(status=500)
    credenza.clock.move(3601 - 3200)
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    credenza.clock.move(3300)
    refused(credenza, client.client_id)
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_client"


def test_r_ci_06_tokens_are_inspected_without_the_document(
    credenza: Credenza, user_agent: UserAgent, publish: Callable[..., str], party: Any, web_site: Any
) -> None:
    """R-CI-06: an unreachable client does not end the user's tokens, and no resource server waits for it."""
    client = party(publish(headers={"cache_control": "no-store"}))
    tokens = client.tokens(user_agent.authorize(client, scope="openid"))
    publish(status=500)
    credenza.clock.move(120)
    fetched = len(web_site.seen)
    assert client.userinfo(tokens["access_token"]).status_code == 200
    assert len(web_site.seen) == fetched


def test_r_ci_06_many_who_wait_for_one_document_fetch_it_once(
    credenza: Credenza, publish: Callable[..., str], web_site: Any
) -> None:
    """R-CI-06, A-SSR-17: 200 parallel authorization requests."""
    client_id = publish()
    quick = web_site.pages[PATH]

    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.5)
        quick(handler)

    web_site.pages[PATH] = slow
    client = RelyingParty(credenza, client_id, REDIRECT_URI, auth_method="none")

    async def many() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=credenza.app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=credenza.issuer) as http:
            return await asyncio.gather(*(http.get(client.authorization_url(scope="openid")) for _ in range(200)))

    answers = credenza.run(many)
    assert {answer.status_code for answer in answers} == {303}
    assert len(web_site.seen) == 1
    assert credenza.run(clients.count_clients, search=client_id) == 1


def test_a_crowd_that_waits_for_a_slow_document_leaves_room_for_others(
    credenza: Credenza, publish: Callable[..., str], web_site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-SSR-07, G1: a thousand requests for one document would have been all that are answered at once."""
    client_id, leave = publish(), threading.Event()
    quick = web_site.pages[PATH]

    def slow(handler: BaseHTTPRequestHandler) -> None:
        leave.wait(4)
        quick(handler)

    web_site.pages[PATH] = slow
    monkeypatch.setattr(outbound.Crowd, "most", 5)
    client = RelyingParty(credenza, client_id, REDIRECT_URI, auth_method="none")

    async def many() -> list[int]:
        transport = httpx.ASGITransport(app=credenza.app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=credenza.issuer) as http:
            waiting = [asyncio.ensure_future(http.get(client.authorization_url(scope="openid"))) for _ in range(20)]
            told = [(await each).status_code for each in itertools.islice(asyncio.as_completed(waiting), 15)]
            leave.set()
            all_of_them = [(await each).status_code for each in waiting]
            return told + sorted(all_of_them)[:5]

    assert credenza.run(many) == [503] * 15 + [303] * 5


def test_r_ci_06_one_host_can_make_us_fetch_only_so_often(
    start: Callable[..., Credenza], publish: Callable[..., str], web_site: Any
) -> None:
    """R-CI-06, SECURITY 2.14: per host and in all."""
    credenza = start(client_id_metadata_documents=True, outbound_allow=(web_site.host,))
    for number in range(40):
        opened(credenza, publish(f"/{number}.json"))
    assert 30 <= len(web_site.seen) < 40
    refused(credenza, publish("/another.json"))


# -- changes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": [REDIRECT_URI, "https://gull.example.net/other"]},
        {"client_name": "Your Bank"},
        {"logo_uri": "https://gull.example.net/bank.png"},
        {"jwks_uri": "https://gull.example.net/jwks"},
    ],
)
def test_r_cr_11_consents_do_not_survive_a_change_of_what_people_saw(
    credenza: Credenza, user_agent: UserAgent, publish: Callable[..., str], party: Any, changes: dict[str, Any]
) -> None:
    """R-CR-11, A-CNS-03; draft, "Changes in Client Metadata"."""
    client = party(publish())
    client.tokens(user_agent.authorize(client, scope="openid"))
    publish(**changes)
    assert isinstance(user_agent.get(client.authorization_url(scope="openid")), Callback), "until it is fetched again"
    credenza.clock.move(3700)
    page = user_agent.get(client.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert page.name == "consent"


def test_a_name_is_kept_in_one_form_and_one_of_an_older_release_stays(
    credenza: Credenza, user_agent: UserAgent, publish: Callable[..., str], party: Any
) -> None:
    """The same but for its form it is no other name: nothing is written, and nobody is asked again."""
    said, kept = "Mo\u0308we\u00a0 Watch", "M\u00f6we Watch"
    client = party(publish(client_name=said))
    opened(credenza, client.client_id)
    assert credenza.run(credenza.server.find_client, client.client_id).name == kept

    async def as_it_was() -> None:
        found = await clients.find_client(client.client_id, credenza.server.client_types)
        assert found is not None
        metadata = {name: value for name, value in found.metadata.items() if name != "unverified"}
        found = replace(found, name=said, metadata=metadata | {"client_name": said})
        await clients.update_client(found, credenza.server.now())

    credenza.run(as_it_was)
    client.tokens(user_agent.authorize(client, scope="openid"))
    for name in (said, kept):
        publish(client_name=name)
        credenza.clock.move(3700)
        assert isinstance(user_agent.get(client.authorization_url(scope="openid")), Callback)
        found = credenza.run(credenza.server.find_client, client.client_id)
        assert (found.name, found.unverified) == (said, False)
    changes = credenza.run(audit.list_events, name="ObjectChanged", client=client.client_id)
    assert [event.data["action"] for event in changes] == ["registered"]


def test_a_redirect_uri_that_left_the_document_is_refused_before_the_code(
    credenza: Credenza, user_agent: UserAgent, publish: Callable[..., str], party: Any
) -> None:
    """MCP.md: the redirect URI is checked once more just before the code is issued."""
    client = party(publish(headers={"cache_control": "no-store"}))
    user_agent.get(client.authorization_url(scope="openid"))
    publish(redirect_uris=["https://gull.example.net/other"])
    credenza.clock.move(70)
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.error == "invalid_redirect_uri"


def test_a_client_that_becomes_confidential_begins_anew(
    credenza: Credenza, user_agent: UserAgent, publish: Callable[..., str], party: Any
) -> None:
    """R-CI-07: what was allowed to anybody is not allowed to the holder of a key."""
    client = party(publish())
    tokens = client.tokens(user_agent.authorize(client, scope="openid offline_access"))
    publish(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [public_jwk(KEY)]})
    credenza.clock.move(3700)
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_client"
    assert opened(credenza, client.client_id).name == "sign-in"
    assert credenza.run(consents.list_consents, client_id=client.client_id) == []


def test_a_client_that_an_administrator_blocked_stays_so(
    credenza: Credenza, publish: Callable[..., str], web_site: Any
) -> None:
    """PRODUCT §7: also when the document changes, and without fetching it again."""
    client_id = publish()
    opened(credenza, client_id)

    async def block() -> None:
        await ClientRow.update({ClientRow.enabled: False}).where(ClientRow.id == client_id)
        await bump_version()

    credenza.run(block)
    publish(client_name="Somebody Else", token_endpoint_auth_method="private_key_jwt", jwks_uri=web_site.url("/jwks"))
    credenza.clock.move(100_000)
    page = refused(credenza, client_id)
    assert "has been disabled" in page
    assert "cannot be used" in page, "and not that nobody knows it"
    assert len(web_site.seen) == 1


def test_a_registered_client_with_such_an_id_is_never_fetched(credenza: Credenza, web_site: Any) -> None:
    """MCP: a client that was registered beforehand comes first."""
    client_id = web_site.url(PATH)
    item = {"client_id": client_id, "name": "Ours", "type": "spa", "redirect_uris": [REDIRECT_URI]}
    credenza.apply({"applications": [item]})
    assert "to continue to Ours" in opened(credenza, client_id).text
    assert web_site.seen == []


# -- R-CI-07: authentication ------------------------------------------------------------------------------------------

KEY = ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return {**jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "1", "use": "sig"}


def assertion(client: RelyingParty, key: ec.EllipticCurvePrivateKey = KEY) -> dict[str, str]:
    now = client.credenza.server.now()
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": client.credenza.issuer,
        "jti": str(time.monotonic_ns()),
        "iat": now,
        "exp": now + 60,
    }
    return {
        "client_assertion": jwt.encode(claims, key, algorithm="ES256", headers={"kid": "1"}),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }


@pytest.mark.parametrize("by_uri", [True, False])
def test_r_ci_07_a_document_that_declares_private_key_jwt_makes_the_client_confidential(
    user_agent: UserAgent, publish: Callable[..., str], party: Any, web_site: Any, by_uri: bool
) -> None:
    """R-CI-07: every call must authenticate, with the keys in or behind the document."""
    jwks = {"keys": [public_jwk(KEY)]}
    keys = {"jwks_uri": web_site.publish("/jwks.json", jwks)} if by_uri else {"jwks": jwks}
    client = party(publish(token_endpoint_auth_method="private_key_jwt", **keys))
    callback = user_agent.authorize(client, scope="openid")
    assert client.redeem(callback).json()["error"] == "invalid_client"
    wrong = assertion(client, ec.generate_private_key(ec.SECP256R1()))
    assert client.redeem(callback, **wrong).json()["error"] == "invalid_client"
    assert "access_token" in client.tokens(callback, **assertion(client))


@pytest.mark.parametrize(
    ("changes", "method"),
    [
        ({"token_endpoint_auth_method": "private_key_jwt"}, "private_key_jwt"),
        ({"token_endpoint_auth_method": None}, "private_key_jwt"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "private_key_jwt"),
        ({"token_endpoint_auth_method": "none"}, "none"),
        ({"token_endpoint_auth_method": None, "jwks": None}, "none"),
    ],
)
def test_methods_are_negotiated(
    credenza: Credenza, publish: Callable[..., str], changes: dict[str, Any], method: str
) -> None:
    """OpenID Connect RP Metadata Choices §2, as ChatGPT uses it: not only the scalar is read."""
    document = {
        "jwks": {"keys": [public_jwk(KEY)]},
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        **changes,
    }
    client_id = publish(**document)
    assert opened(credenza, client_id).name == "sign-in"
    client = credenza.run(credenza.server.find_client, client_id)
    assert client is not None
    assert client.auth_method == method


# -- native applications and what people see --------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_any_port_of_the_loopback_interface_will_do(
    user_agent: UserAgent, publish: Callable[..., str], party: Any, host: str
) -> None:
    """RFC 8252 §7.3: Claude Code lists both without a port, and listens on a random one."""
    both = ["http://localhost/callback", "http://127.0.0.1/callback"]
    client = party(publish(redirect_uris=both), f"http://{host}:53117/callback")
    assert "access_token" in client.tokens(user_agent.authorize(client, scope="openid"))


def test_a_mcp_10_the_consent_page_shows_both_hosts_and_a_warning(
    user_agent: UserAgent, publish: Callable[..., str], party: Any, web_site: Any
) -> None:
    """A-MCP-10: the host of the document first, where the browser goes next, and that it is the user's own device."""
    client_id = publish(client_name="Harbour Wiki", redirect_uris=["http://localhost/callback"])
    client = party(client_id, "http://localhost:53117/callback")
    user_agent.get(client.authorization_url(scope="openid"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert f"{web_site.host} wants to use your account" in page.text
    assert "It calls itself Harbour Wiki . Nobody here has checked this application." in page.text
    assert "You will return to localhost:53117" in page.text
    assert "runs on your own device, where any program could use its name" in page.text
    assert 'value="authorize" aria-describedby="claim warning-1"' in page.html
    assert '<p id="warning-1">' in page.html


def test_a_document_is_the_word_of_its_host_wherever_it_leads(
    credenza: Credenza, user_agent: UserAgent, publish: Callable[..., str], party: Any, web_site: Any
) -> None:
    """Not so a client that registers itself, see tests/console/test_unknown_applications.py."""
    credenza.apply({"unregistered": {"hosts": [{"host": web_site.host, "decision": "allowed"}]}})
    user_agent.get(party(publish(client_uri="https://gull.example.net/")).authorization_url(scope="openid"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert "Gull Watch wants to use your account" in page.text


def test_d9_a_browser_without_a_session_is_not_sent_to_an_unverified_client(
    credenza: Credenza, user_agent: UserAgent, publish: Callable[..., str], party: Any
) -> None:
    """SECURITY D9."""
    page = user_agent.get(party(publish()).authorization_url(scope="openid", response_type="token"))
    assert isinstance(page, PageSeen)
    assert page.error == "unsupported_response_type"
    assert "gull.example.net" in page.text


def test_a_mcp_07_the_token_is_for_the_resource_that_was_named(
    credenza: Credenza, user_agent: UserAgent, publish: Callable[..., str], party: Any
) -> None:
    """A-MCP-07, RFC 8707 §2: `aud` is exactly the MCP server, so that no other one accepts it."""
    resource = "https://mcp.example.com"
    api = {"identifier": resource, "name": "Tools", "permissions": [{"name": "tools:call", "description": "Use tools"}]}
    roles = [{"name": "support", "permissions": {resource: ["tools:call"]}}]
    credenza.apply({"api_resources": [api], "roles": roles})
    credenza.apply({"unregistered": {"permissions": {"api": {resource: ["tools:call"]}}}})
    client = party(publish())
    callback = user_agent.authorize(client, scope="openid tools:call", resource=resource)
    tokens = client.tokens(callback, resource=resource)
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["aud"] == resource
    assert "tools:call" in claims["scope"].split()


def test_clients_of_documents_that_nobody_uses_are_deleted_after_a_month(
    credenza: Credenza, publish: Callable[..., str]
) -> None:
    """R-CR-01: the document is there if anybody comes back."""
    client_id = publish()
    opened(credenza, client_id)
    credenza.clock.move(31 * 24 * 3600)
    ((_, cleaner), _) = [found for found in credenza.server.cleaners if found[0] == "unregistered"]
    assert credenza.run(cleaner, credenza.server.now()) == 1
    assert credenza.run(clients.find_client, client_id, credenza.server.client_types) is None
    assert opened(credenza, client_id).name == "sign-in"


def test_r_ci_06_who_makes_up_addresses_stops_nobody_who_is_known(
    credenza: Credenza, publish: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-CI-06: limits by host and in all, and neither is a lever against applications that are in use."""
    monkeypatch.setattr(documents, "PER_HOST", Rule("documents by host", burst=3, seconds=60))
    known = publish(f"/known/{uuid4().hex}")
    assert opened(credenza, known).name == "sign-in"
    source: Any = credenza.server.client_sources["unregistered"]
    monkeypatch.setattr(source._documents, "_limiter", Limiter())
    answers = [opened(credenza, publish(f"/{uuid4().hex}")).name for _ in range(6)]
    assert (answers[0], answers[-1]) == ("sign-in", "error")
    credenza.clock.move(documents.LONGEST + 1)
    assert opened(credenza, known).name == "sign-in"


def test_r_ci_02_a_document_and_what_it_names_take_five_seconds_together(
    credenza: Credenza, publish: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-CI-02, G1: the logo, which comes last, has what is left of them; and so have the keys of its client."""
    left: list[float] = []

    async def with_logo(server: Any, client: Any) -> Any:
        left.append((outbound._until.get() or 1e9) - asyncio.get_running_loop().time())
        return client

    monkeypatch.setattr(documents, "with_logo", with_logo)
    assert opened(credenza, publish(f"/{uuid4().hex}")).name == "sign-in"
    assert len(left) == 1
    assert left[0] < outbound.ALTOGETHER <= 5
