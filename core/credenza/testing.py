"""Fixtures for tests through the front door, ours and plugin authors': the roles of a sign-in, played over HTTP.

`credenza` is a whole server with its own database; `user_agent` a browser, `client` a relying party, `admin` a
browser in which an administrator is signed in. Requests are right but for the changes that a test names:

    def test_prompt_none_without_session(user_agent, client):
        callback = user_agent.authorize(client, prompt="none")
        assert callback.error == "login_required"
"""

from __future__ import annotations

import asyncio
import html.parser
import secrets
import shutil
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from litestar import Litestar

from . import state
from .app import create_app
from .protocol.pkce import s256
from .server import AuthorizationServer, Clock
from .settings import Settings
from .store import engine

Result = TypeVar("Result")

ISSUER = "https://id.example.com"
PASSWORD = "correct horse battery staple"
SECRET = "a-secret-of-the-tests-0123456789"
ORDERS = "https://orders.example.com"

STATE: dict[str, Any] = {
    "api_resources": [
        {
            "identifier": ORDERS,
            "name": "Orders",
            "permissions": [
                {"name": "orders:read", "description": "See your orders"},
                {"name": "orders:write", "description": "Change your orders"},
            ],
        }
    ],
    "roles": [{"name": "support", "permissions": {ORDERS: ["orders:read"]}}],
    "users": [
        {
            "username": "ada",
            "password": PASSWORD,
            "email": "ada@example.com",
            "email_verified": True,
            "profile": {"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace"},
            "roles": ["support"],
        },
        {"username": "grace", "password": PASSWORD, "email": "grace@example.com"},
        {"username": "root", "password": PASSWORD, "administrator": True},
    ],
    "applications": [
        {
            "client_id": "app",
            "client_secret": SECRET,
            "name": "Harbour Wiki",
            "type": "traditional",
            "third_party": True,
            "redirect_uris": ["https://app.example.com/cb", "https://app.example.com/cb?tenant=1"],
            "post_logout_redirect_uris": ["https://app.example.com/"],
            "permissions": {
                "profile": ["profile", "email", "phone?"],
                "api": {ORDERS: ["orders:read", "orders:write"]},
            },
        },
        {
            "client_id": "spa",
            "name": "Tide Board",
            "type": "spa",
            "third_party": True,
            "redirect_uris": ["https://spa.example.com/cb"],
            "cors_origins": ["https://spa.example.com"],
            "permissions": {"profile": ["profile", "email"]},
        },
        {
            "client_id": "native",
            "name": "Tide CLI",
            "type": "native",
            "third_party": True,
            "redirect_uris": ["http://127.0.0.1/cb", "com.example.nat:/cb"],
            "permissions": {"profile": ["profile"]},
        },
        {
            "client_id": "own",
            "client_secret": SECRET,
            "name": "Our Portal",
            "type": "traditional",
            "third_party": False,
            "redirect_uris": ["https://own.example.com/cb"],
        },
        {
            "client_id": "machine",
            "client_secret": SECRET,
            "name": "Night Job",
            "type": "machine_to_machine",
            "third_party": False,
            "permissions": {"api": {ORDERS: ["orders:read"]}},
        },
    ],
}


def test_settings(database_url: str, **changes: Any) -> Settings:
    """Settings with the cheapest password hashing, never for anything but tests."""
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "database_url": database_url,
        "secret_key": "only-for-tests-only-for-tests-only-for-tests",
        "argon2_time_cost": 1,
        "argon2_memory_kib": 8,
    }
    return Settings(**values | changes)


test_settings.__test__ = False  # type: ignore[attr-defined]  # a function that pytest would take for a test


class Credenza:
    """A whole server in memory, on a loop in a thread of its own. `clock` moves its time."""

    def __init__(self, app: Litestar, portal: BlockingPortal) -> None:
        self.app = app
        self.portal = portal
        self.server: AuthorizationServer = app.state.server

    @property
    def clock(self) -> Clock:
        return self.server.clock

    @property
    def issuer(self) -> str:
        return self.server.issuer

    def bind(self) -> None:
        """Give the tables to this server: of several in one process, they belong to the one that started last."""
        if engine.database() is not self.server.engine:
            engine.bind(self.server.engine, [table for app in self.server.table_apps for table in app.table_classes])

    def run(self, function: Callable[..., Awaitable[Result]], *arguments: Any, **options: Any) -> Result:
        """Await something of the server's, from a test."""

        async def call() -> Result:
            return await function(*arguments, **options)

        self.bind()
        return self.portal.call(call)

    def apply(self, document: Mapping[str, Any]) -> state.Run:
        """Apply a part of the desired state."""
        return self.run(state.apply, self.server, self.app.state.passwords, document, Path.cwd())

    def request(self, method: str, url: str, *, address: str = "203.0.113.7", **options: Any) -> httpx.Response:
        """One HTTP request, not following redirects."""

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, client=(address, 50000), raise_app_exceptions=False)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url=self.issuer) as http:
                return await http.request(method, url, **options)

        self.bind()
        return self.portal.call(call)


@contextmanager
def running(settings: Settings, plugins: Sequence[tuple[str, object]] = ()) -> Iterator[Credenza]:
    """Start a server with these settings and extra plugins, migrate its database, and stop it at the end."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal(backend_options={"loop_factory": asyncio.new_event_loop}))
        app = portal.call(_create, settings, plugins)
        stack.enter_context(portal.wrap_async_context_manager(_lifespan(app)))
        yield Credenza(app, portal)


async def _create(settings: Settings, plugins: Sequence[tuple[str, object]]) -> Litestar:
    return create_app(settings, plugins)


def _lifespan(app: Litestar) -> Any:
    return app.lifespan()


class _Reader(html.parser.HTMLParser):
    """What a test needs of a page: its name, its forms, its text."""

    def __init__(self) -> None:
        super().__init__()
        self.name = self.error = ""
        self.forms: list[Form] = []
        self.text: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "main":
            self.name, self.error = given.get("data-page", ""), given.get("data-error", "")
        elif tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        elif tag in ("input", "button", "select", "textarea") and self.forms:
            self.forms[-1].fields.append(given)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@dataclass
class Form:
    """A form as it stands in the page: `fields` are the attributes of its inputs and buttons."""

    action: str
    method: str
    fields: list[dict[str, str]] = field(default_factory=list)

    def hidden(self) -> list[tuple[str, str]]:
        return [(f["name"], f.get("value", "")) for f in self.fields if f.get("type") == "hidden"]

    def values_of(self, name: str) -> list[str]:
        return [f.get("value", "") for f in self.fields if f.get("name") == name]

    def checked(self, name: str) -> list[str]:
        return [f.get("value", "") for f in self.fields if f.get("name") == name and "checked" in f]


@dataclass
class PageSeen:
    """A page in the browser: `name` is its data-page, `error` its data-error, `text` what can be read."""

    url: str
    status: int
    html: str
    name: str
    error: str
    text: str
    forms: list[Form]
    links: list[str]
    headers: httpx.Headers


@dataclass
class Callback:
    """The browser arrived at a redirect URI: `parameters` came with it."""

    url: str
    parameters: dict[str, str]

    @property
    def code(self) -> str:
        return self.parameters["code"]

    @property
    def error(self) -> str:
        return self.parameters.get("error", "")


class UserAgent:
    """A browser: it keeps cookies, follows redirects within the issuer, and fills in forms."""

    def __init__(self, credenza: Credenza) -> None:
        self.credenza = credenza
        self.cookies = httpx.Cookies()
        self.address = "203.0.113.7"
        self.page: PageSeen | None = None
        self.history: list[httpx.Response] = []

    def send(self, method: str, url: str, **options: Any) -> httpx.Response:
        """One request with this browser's cookies; what the answer sets is kept."""
        url = urljoin(self.credenza.issuer, url)
        request = httpx.Request(method, url)
        self.cookies.set_cookie_header(request)
        headers = {
            "accept": "text/html",
            **({"cookie": request.headers["cookie"]} if "cookie" in request.headers else {}),
        }
        headers |= options.pop("headers", {})
        response = self.credenza.request(method, url, headers=headers, address=self.address, **options)
        self.cookies.extract_cookies(response)
        self.history.append(response)
        return response

    def get(self, url: str, **options: Any) -> PageSeen | Callback:
        return self._follow(self.send("GET", url, **options))

    def post(
        self, url: str, form: Mapping[str, str] | Sequence[tuple[str, str]], **options: Any
    ) -> PageSeen | Callback:
        """Post a form as a page of the issuer would."""
        pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": self.credenza.issuer,
            "sec-fetch-site": "same-origin",
            **options.pop("headers", {}),
        }
        return self._follow(self.send("POST", url, content=urlencode(pairs), headers=headers, **options))

    def _follow(self, response: httpx.Response) -> PageSeen | Callback:
        for _ in range(20):
            if not response.is_redirect:
                return self._see(response)
            location = urljoin(str(response.url), response.headers["location"])
            if not location.startswith(self.credenza.issuer + "/"):
                query = parse_qs(urlsplit(location).query, keep_blank_values=True)
                return Callback(location, {name: values[0] for name, values in query.items()})
            response = self.send("GET", location)
        raise AssertionError("too many redirects")

    def _see(self, response: httpx.Response) -> PageSeen:
        reader = _Reader()
        reader.feed(response.text)
        text = " ".join(" ".join(reader.text).split())
        self.page = PageSeen(
            str(response.url),
            response.status_code,
            response.text,
            reader.name,
            reader.error,
            text,
            reader.forms,
            reader.links,
            response.headers,
        )
        return self.page

    def submit(self, fields: Sequence[tuple[str, str]], form: int = 0) -> PageSeen | Callback:
        """Submit a form of the page that is open: its hidden fields and these."""
        assert self.page is not None
        target = self.page.forms[form]
        return self.post(urljoin(self.page.url, target.action or self.page.url), [*target.hidden(), *fields])

    def sign_in(self, identifier: str = "ada", password: str = PASSWORD) -> PageSeen | Callback:
        return self.submit([("identifier", identifier), ("password", password)])

    def decide(
        self, decision: str = "authorize", *, permissions: Sequence[str] | None = None, **choices: str
    ) -> PageSeen | Callback:
        """Answer the consent page; optional permissions stay as they are on it unless they are named."""
        assert self.page is not None
        ticked = self.page.forms[0].checked("permission") if permissions is None else permissions
        fields = [("decision", decision), *(("permission", key) for key in ticked), *choices.items()]
        return self.submit(fields)

    def authorize(self, client: RelyingParty, *, user: str = "ada", **changes: str | None) -> PageSeen | Callback:
        """Open the client's authorization request and answer whatever comes: sign-in and consent."""
        seen = self.get(client.authorization_url(**changes))
        if isinstance(seen, PageSeen) and seen.name == "sign-in":
            seen = self.sign_in(user)
        if isinstance(seen, PageSeen) and seen.name == "consent":
            seen = self.decide()
        return seen


class RelyingParty:
    """A client that was written by somebody else: it knows its settings and the specifications."""

    def __init__(
        self,
        credenza: Credenza,
        client_id: str,
        redirect_uri: str,
        *,
        secret: str = SECRET,
        auth_method: str = "client_secret_basic",
    ) -> None:
        self.credenza = credenza
        self.client_id = client_id
        self.redirect_uri = redirect_uri
        self.secret = secret
        self.auth_method = auth_method
        self.verifier = secrets.token_urlsafe(32)

    def authorization_url(self, **changes: str | None) -> str:
        parameters: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid profile email" if self.client_id != "native" else "openid profile",
            "state": "state-of-the-test",
            "nonce": "nonce-of-the-test",
            "code_challenge": s256(self.verifier),
            "code_challenge_method": "S256",
        }
        parameters |= changes
        return "/authorize?" + urlencode({n: v for n, v in parameters.items() if v is not None})

    def post(self, url: str, form: Mapping[str, str | None], **options: Any) -> httpx.Response:
        """A form with this client's authentication."""
        body = {name: value for name, value in form.items() if value is not None}
        if self.auth_method == "client_secret_basic":
            options.setdefault("auth", (self.client_id, self.secret))
        else:
            body.setdefault("client_id", self.client_id)
            if self.auth_method == "client_secret_post":
                body.setdefault("client_secret", self.secret)
        return self.credenza.request("POST", url, data=body, **options)

    def redeem(self, callback: PageSeen | Callback, **changes: str | None) -> httpx.Response:
        assert isinstance(callback, Callback), f"not at the redirect URI but at {callback.url}: {callback.text[:300]}"
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": callback.parameters.get("code"),
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.post("/token", form | changes)

    def tokens(self, callback: PageSeen | Callback, **changes: str | None) -> dict[str, Any]:
        response = self.redeem(callback, **changes)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def refresh(self, refresh_token: str, **changes: str | None) -> httpx.Response:
        return self.post("/token", {"grant_type": "refresh_token", "refresh_token": refresh_token} | changes)

    def introspect(self, token: str) -> dict[str, Any]:
        return dict(self.post("/introspect", {"token": token}).json())

    def revoke(self, token: str, **changes: str | None) -> httpx.Response:
        return self.post("/revoke", {"token": token} | changes)

    def userinfo(self, token: str) -> httpx.Response:
        return self.credenza.request("GET", "/userinfo", headers={"authorization": f"Bearer {token}"})


# -- `pytest --credenza-plugin NAME` ----------------------------------------------------------------------------------


CHECKS = Path(__file__).parent / "plugin_checks"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("credenza").addoption(
        "--credenza-plugin",
        metavar="NAME",
        help="run nothing but the checks of what every Credenza plugin promises, on this one: "
        "an installed plugin's name, or the path of a single file",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--credenza-plugin", None):
        config.args = [str(path) for path in sorted(CHECKS.glob("test_*.py"))]


# -- fixtures ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def credenza_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database with the state of the tests, made once and copied for each test."""
    path = tmp_path_factory.mktemp("template") / "credenza.db"
    with running(test_settings(f"sqlite:///{path}")) as credenza:
        credenza.apply(STATE)
        credenza.run(credenza.server.keys)
    return path


@pytest.fixture
def credenza_database(credenza_template: Path, tmp_path: Path) -> str:
    """The address of this test's own database; override it to run on another engine."""
    copy = tmp_path / "credenza.db"
    shutil.copyfile(credenza_template, copy)
    return f"sqlite:///{copy}"


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    """Settings that differ from the usual ones; override it in a test module."""
    return {}


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    """Plugins beside the installed ones: pairs of a name and a plugin; override it in a test module."""
    return []


@pytest.fixture
def credenza(
    credenza_database: str, credenza_settings: dict[str, Any], credenza_plugins: list[tuple[str, object]]
) -> Iterator[Credenza]:
    """A whole server with the people and applications of `STATE`."""
    with running(test_settings(credenza_database, **credenza_settings), credenza_plugins) as started:
        yield started


@pytest.fixture
def user_agent(credenza: Credenza) -> UserAgent:
    """A browser in which nobody is signed in."""
    return UserAgent(credenza)


@pytest.fixture
def client(credenza: Credenza) -> RelyingParty:
    """The third-party web application `app`."""
    return RelyingParty(credenza, "app", "https://app.example.com/cb")


@pytest.fixture
def spa(credenza: Credenza) -> RelyingParty:
    """The third-party single page app `spa`, a public client."""
    return RelyingParty(credenza, "spa", "https://spa.example.com/cb", auth_method="none")


@pytest.fixture
def admin(credenza: Credenza) -> UserAgent:
    """A browser in which the administrator `root` is signed in to the console."""
    agent = UserAgent(credenza)
    agent.get("/console")
    agent.sign_in("root")
    return agent
