"""The suite's side: a provider behind https, a browser without script, and clients that check what comes back.

Everything goes over HTTP and through what discovery names. What every module of the suite checks before and after its
own point is here; a test holds its module's point only.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from credenza.testing import PASSWORD, Callback, PageSeen, UserAgent

HERE = Path(__file__).parent
SUITE = "https://localhost.emobix.co.uk:8443"  # where the example has the suite
ALIAS = "/test/a/credenza"
USER = "suite"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
STANDARD = {"email_verified": bool, "phone_number_verified": bool, "updated_at": int, "address": dict}


# -- the provider -----------------------------------------------------------------------------------------------------


class Front:
    """What stands before a real provider: it ends TLS, and passes bytes on to a port."""

    def __init__(self, certificate: Path, port: int, to: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._port, self._to = port, to
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Front:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._open: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        server = await asyncio.start_server(self._connected, "127.0.0.1", self._port, ssl=self._context)
        self._listening.set()
        await self._stop.wait()
        server.close()
        for writers in list(self._open.values()):
            for writer in writers:
                writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = [writer]
        with suppress(OSError):  # nobody is there yet; whoever waits for the server tries again
            theirs, ours = await asyncio.open_connection("127.0.0.1", self._to)
            self._open[task].append(ours)
            await asyncio.gather(_pass_on(reader, ours), _pass_on(theirs, writer))
        writer.close()
        del self._open[task]


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture(scope="session")
def state(lasting_web_site: Any) -> dict[str, Any]:
    """The people and the static clients, with the suite where the test's own web server is."""
    text = (HERE / "state.yaml").read_text().replace(SUITE, lasting_web_site.url(""))
    return dict(yaml.safe_load(text))


@pytest.fixture(scope="session")
def provider(
    serve: Callable[..., Any], certificate: Path, free_ports: Callable[[int], list[int]], state: dict[str, Any]
) -> Iterator[Any]:
    """A server as it would be certified: https, open registration, throttling as by default."""
    outside, inside = free_ports(2)
    settings = {
        "registration": "open",
        "registration_limit_per_hour": "1000",
        "outbound_allow": "127.0.0.1",
        "rate_limit": "on",
        "plugins_path": str(HERE / "moving_clock.py"),
    }
    issuer = f"https://127.0.0.1:{outside}"
    with Front(certificate, outside, inside):
        server = serve(issuer=issuer, port=inside, certificate=certificate, settings=settings)
        server.apply(state)
        yield server


@pytest.fixture(scope="session")
def discovered(provider: Any) -> dict[str, Any]:
    """The metadata document: the only address that is known beforehand is the issuer's."""
    response = provider.request("GET", f"{provider.issuer}/.well-known/openid-configuration")
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == "application/json"
    return dict(response.json())


@pytest.fixture(scope="session")
def clock(provider: Any) -> Clock:
    return Clock(provider)


class Clock:
    """The provider's time, which can be moved on instead of waiting."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._ahead = 0.0

    def now(self) -> int:
        return int(time.time() + self._ahead)

    def wait(self, seconds: int) -> None:
        moved = self._provider.request("POST", f"/clock?seconds={seconds}", content=b"").json()
        self._ahead = moved["now"] - time.time()


# -- the browser ------------------------------------------------------------------------------------------------------


class Browser(UserAgent):
    """A browser without script: on the page that would post itself to the application, its user presses the button."""

    def _see(self, response: httpx.Response) -> PageSeen | Callback:
        page = super()._see(response)
        if page.name != "form-post":
            return page
        (form,) = page.forms
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(form.action))
        assert form.method == "post"
        assert f"form-action 'self' {origin}" in page.headers["content-security-policy"]
        assert "/form_post." in page.html  # with script nobody needs to press anything
        body = urlencode(form.hidden())
        headers = {"content-type": "application/x-www-form-urlencoded"}
        self.credenza.request("POST", form.action, content=body, headers=headers)
        return Posted(form.action, dict(form.hidden()))

    def answer(self, seen: PageSeen | Callback) -> PageSeen | Callback:
        """Sign in and authorize, whatever of it is asked."""
        if isinstance(seen, PageSeen) and seen.name == "sign-in":
            seen = self.sign_in(USER, PASSWORD)
        if isinstance(seen, PageSeen) and seen.name == "consent":
            seen = self.decide()
        return seen


class Posted(Callback):
    """The browser arrived at a redirect URI with a form."""


@pytest.fixture
def browser(provider: Any) -> Browser:
    return Browser(provider)


# -- the client -------------------------------------------------------------------------------------------------------


def new_key(alg: str = "RS256") -> dict[str, Any]:
    """A private key as a JWK, with an id of its own."""
    makers: dict[str, Callable[[], Any]] = {
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }
    key = makers.get(alg, lambda: rsa.generate_private_key(65537, 2048))()
    jwk = jwt.get_algorithm_by_name(alg).to_jwk(key, as_dict=True)
    return {**jwk, "kid": secrets.token_hex(8), "alg": alg, "use": "sig"}


def public(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "key_ops")}


def sign(key: Mapping[str, Any], claims: Mapping[str, Any], **headers: Any) -> str:
    """A JWT with the key's `kid` in its header, and these members; None leaves one out."""
    given = {"kid": key.get("kid"), **headers}
    kept = {name: value for name, value in given.items() if value is not None or name == "typ"}
    return jwt.encode(dict(claims), jwt.PyJWK(dict(key)), algorithm=key["alg"], headers=kept)


@dataclass
class Flow:
    """One authorization: what was sent, what came back, and the tokens for it."""

    sent: dict[str, str]
    callback: Callback
    tokens: dict[str, Any] = field(default_factory=dict)
    id_token: dict[str, Any] = field(default_factory=dict)

    @property
    def access_token(self) -> str:
        return str(self.tokens["access_token"])


@dataclass
class Party:
    """A client of the suite's. `information` is its metadata, `key` its private key when it has one."""

    provider: Any
    discovered: dict[str, Any]
    clock: Clock
    browser: Browser
    information: dict[str, Any]
    key: dict[str, Any] | None = None
    response_mode: str = ""
    audience: str = "token_endpoint"  # of assertions, by its name in discovery

    @property
    def client_id(self) -> str:
        return str(self.information["client_id"])

    @property
    def redirect_uri(self) -> str:
        return str(self.information["redirect_uris"][0])

    # -- the authorization endpoint

    def request(self, **changes: str | None) -> dict[str, str]:
        """A right authorization request, but for the changes; without PKCE, as the suite sends it."""
        parameters: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": secrets.token_hex(5),
            "nonce": secrets.token_hex(5),
            "response_type": "code",
            "response_mode": self.response_mode or None,
        }
        return {name: value for name, value in (parameters | changes).items() if value is not None}

    def open(self, sent: Mapping[str, str]) -> PageSeen | Callback:
        """Lead the browser to the authorization endpoint; nothing is answered there."""
        return self.browser.get(f"{self.discovered['authorization_endpoint']}?{urlencode(sent)}")

    def arrived(self, sent: Mapping[str, str], seen: PageSeen | Callback) -> Callback:
        """The checks of every authorization response."""
        assert isinstance(seen, Callback), f"not at the client but at {seen.url}: {seen.text[:300]}"
        redirect_uri = sent.get("redirect_uri", self.redirect_uri)
        if self.response_mode == "form_post":
            assert isinstance(seen, Posted)
            assert seen.url == redirect_uri  # nothing is added to the query
        else:
            assert seen.url.startswith(redirect_uri + ("&" if "?" in redirect_uri else "?"))
            assert "#" not in seen.url
        assert seen.parameters.get("state") == sent.get("state")
        assert seen.parameters["iss"] == self.discovered["issuer"]
        assert ("code" in seen.parameters) != ("error" in seen.parameters)
        assert all(" " <= c <= "~" and c not in '"\\' for c in seen.parameters.get("error_description", ""))
        return seen

    def authorize(self, **changes: str | None) -> Flow:
        """The whole way of a user who agrees; ends at the client with a code."""
        sent = self.request(**changes)
        callback = self.arrived(sent, self.browser.answer(self.open(sent)))
        assert "error" not in callback.parameters, callback.parameters
        assert len(callback.code) >= 22  # 128 bits
        assert len(set(callback.code)) >= 12
        return Flow(sent, callback)

    def refused(self, *errors: str, **changes: str | None) -> Callback:
        """The request comes straight back with one of these errors, and with nothing that was not asked for."""
        sent = self.request(**changes)
        callback = self.arrived(sent, self.open(sent))
        assert callback.error in errors, callback.parameters
        assert callback.parameters.keys() <= {"error", "error_description", "error_uri", "state", "iss"}
        return callback

    # -- the token endpoint

    def post(self, endpoint: str, form: Mapping[str, str | None], **options: Any) -> httpx.Response:
        """A form with this client's authentication."""
        body = {name: value for name, value in form.items() if value is not None}
        headers: dict[str, str] = options.pop("headers", {})
        method = self.information["token_endpoint_auth_method"]
        if method == "client_secret_basic":
            # Both halves are form-encoded before they are joined. RFC 6749 §2.3.1
            pair = ":".join(quote_plus(self.information[name]) for name in ("client_id", "client_secret"))
            headers = {"authorization": "Basic " + base64.b64encode(pair.encode()).decode(), **headers}
        elif method == "client_secret_post":
            body |= {"client_id": self.client_id, "client_secret": self.information["client_secret"]}
        elif "client_assertion" not in body:
            body |= {"client_assertion_type": ASSERTION, "client_assertion": self.assertion()}
        return self.provider.request("POST", self.discovered[endpoint], data=body, headers=headers, **options)

    def assertion(self, **changes: Any) -> str:
        """RFC 7523 §3; None leaves a claim out."""
        now = self.clock.now()
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.discovered[self.audience],
            "jti": secrets.token_hex(16),
            "iat": now,
            "exp": now + 60,
        } | changes
        assert self.key is not None
        return sign(self.key, {name: value for name, value in claims.items() if value is not None})

    def redeem(self, flow: Flow, **changes: str | None) -> httpx.Response:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": flow.callback.code,
            "redirect_uri": flow.sent["redirect_uri"],
        }
        return self.post("token_endpoint", form | changes)

    def tokens(self, response: httpx.Response, *, token_type: str = "bearer") -> dict[str, Any]:
        """The checks of every successful token response."""
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].split(";")[0] == "application/json"
        assert "no-store" in response.headers["cache-control"]
        tokens = dict(response.json())
        assert tokens["token_type"].lower() == token_type
        assert isinstance(tokens["expires_in"], int)
        assert len(tokens["access_token"]) >= 22
        return tokens

    def flow(self, **changes: str | None) -> Flow:
        """The whole way, to tokens that were checked."""
        flow = self.authorize(**changes)
        flow.tokens = self.tokens(self.redeem(flow))
        flow.id_token = self.check_id_token(flow.tokens["id_token"], nonce=flow.sent.get("nonce"))
        return flow

    # -- tokens and claims

    def verified(self, token: str, *, alg: str) -> dict[str, Any]:
        """A JWT of the provider's, signed with a key of its JWKS that has this kid."""
        published = self.provider.request("GET", self.discovered["jwks_uri"]).json()
        assert len({key["kid"] for key in published["keys"]}) == len(published["keys"])
        header = jwt.get_unverified_header(token)
        (key,) = [key for key in published["keys"] if key["kid"] == header["kid"]]
        assert header["alg"] == alg
        moved = {"verify_exp": False, "verify_iat": False, "verify_aud": False}  # the clock may have been moved
        return dict(jwt.decode(token, jwt.PyJWK(key, algorithm=alg), algorithms=[alg], options=moved))  # type: ignore[arg-type]

    def check_id_token(self, token: str, *, nonce: str | None) -> dict[str, Any]:
        """The checks of every ID token. OpenID Connect Core §3.1.3.7."""
        claims = self.verified(token, alg=self.information.get("id_token_signed_response_alg", "RS256"))
        now = self.clock.now()
        assert claims["iss"] == self.discovered["issuer"]
        assert claims["aud"] == self.client_id
        assert now - 300 <= claims["iat"] <= now + 5 < claims["exp"]
        assert claims.get("nonce") == nonce
        assert claims["sub"]
        assert isinstance(claims["auth_time"], int)
        assert isinstance(claims["acr"], str)
        asked_elsewhere = {"name", "email", "address", "phone_number", "given_name"}
        assert not asked_elsewhere & claims.keys()  # they are at UserInfo
        return claims

    def userinfo(self, flow: Flow, method: str = "GET", **options: Any) -> dict[str, Any]:
        """UserInfo's JSON: about the user of the ID token, each claim of its type."""
        options.setdefault("headers", {"authorization": f"Bearer {flow.access_token}"})
        response = self.provider.request(method, self.discovered["userinfo_endpoint"], **options)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].split(";")[0] == "application/json"
        claims = dict(response.json())
        assert claims["sub"] == flow.id_token["sub"]
        for name, value in claims.items():
            assert isinstance(value, STANDARD.get(name, str)), name
            assert value is not None
            assert value != ""
        return claims

    def userinfo_status(self, flow: Flow) -> int:
        headers = {"authorization": f"Bearer {flow.access_token}"}
        return int(self.provider.request("GET", self.discovered["userinfo_endpoint"], headers=headers).status_code)

    # -- the end

    def delete(self) -> None:
        """RFC 7592 §2.3."""
        token = self.information["registration_access_token"]
        headers = {"authorization": f"Bearer {token}"}
        response = self.provider.request("DELETE", self.information["registration_client_uri"], headers=headers)
        assert response.status_code == 204


def error_of(response: httpx.Response, status: int = 400) -> str:
    """The code of an error response of the token endpoint or one of its siblings. RFC 6749 §5.2."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].split(";")[0] == "application/json"
    assert "no-store" in response.headers["cache-control"]
    body = response.json()
    assert all(" " <= character <= "~" and character not in '"\\' for character in body.get("error_description", ""))
    return str(body["error"])


@pytest.fixture(scope="session")
def error() -> Callable[..., str]:
    return error_of


@pytest.fixture(scope="session")
def tools() -> Any:
    """Keys and signatures, for tests that make some of their own."""

    class Tools:
        new_key = staticmethod(new_key)
        public = staticmethod(public)
        sign = staticmethod(sign)

    return Tools


@pytest.fixture
def party(provider: Any, discovered: dict[str, Any], clock: Clock, browser: Browser) -> Callable[..., Party]:
    """A client with this metadata, in this test's browser."""
    return lambda information, **options: Party(provider, discovered, clock, browser, information, **options)


@pytest.fixture
def static_client(party: Callable[..., Party], state: dict[str, Any]) -> Callable[..., Party]:
    """A client of state.yaml."""

    def made(client_id: str = "suite-1", *, response_mode: str = "") -> Party:
        (declared,) = [client for client in state["applications"] if client["client_id"] == client_id]
        return party({"token_endpoint_auth_method": "client_secret_basic"} | declared, response_mode=response_mode)

    return made


@pytest.fixture
def register(provider: Any, discovered: dict[str, Any], lasting_web_site: Any) -> Callable[..., httpx.Response]:
    """Post metadata as the suite does, but for the changes; None leaves a member out."""

    def post(key: dict[str, Any], **changes: Any) -> httpx.Response:
        members = {
            "client_name": f"OIDF Conformance Test {secrets.token_hex(4)}",
            "grant_types": ["authorization_code"],
            "jwks": {"keys": [public(key)]},
            "token_endpoint_auth_method": "client_secret_basic",
            "response_types": ["code"],
            "redirect_uris": [lasting_web_site.url(f"{ALIAS}/callback")],
            "contacts": ["certification@oidf.org"],
        } | changes
        members = {name: value for name, value in members.items() if value is not None}
        return provider.request("POST", discovered["registration_endpoint"], json=members)  # type: ignore[no-any-return]

    return post


@pytest.fixture
def dynamic_client(
    party: Callable[..., Party], register: Callable[..., httpx.Response], client_key: dict[str, Any]
) -> Iterator[Callable[..., Party]]:
    """A client that has just registered itself, and goes at the end."""
    registered: list[Party] = []

    def register_one(*, response_mode: str = "", **changes: Any) -> Party:
        response = register(client_key, **changes)
        assert response.status_code == 201, response.text
        information = dict(response.json())
        assert ("client_secret" in information) == ("client_secret_expires_at" in information)
        assert information["registration_client_uri"].startswith("https://")
        registered.append(party(information, key=client_key, response_mode=response_mode))
        return registered[-1]

    yield register_one
    for made in registered:
        made.delete()


@pytest.fixture(scope="session")
def client_key() -> dict[str, Any]:
    """A key of the client's, without `kid`, as the suite makes it."""
    return {name: value for name, value in new_key().items() if name not in ("kid", "use")}


@pytest.fixture
def answering_at(lasting_web_site: Any) -> Callable[..., list[bytes]]:
    """Let the client's web server answer at a path; returns the bodies that are posted there from now on."""

    def answer(path: str) -> list[bytes]:
        lasting_web_site.publish(path, b"", content_type="text/plain")
        lasting_web_site.posted[path] = []
        return lasting_web_site.posted[path]  # type: ignore[no-any-return]

    return answer
