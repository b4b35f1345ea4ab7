"""A server with the people of `harbour.yaml` and two weeks behind it, for photographs and for the browser tests.

`Harbour.pages` finds the pages of the console by following its links, from the console's own table of routes.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyotp
import uvicorn
import yaml

from credenza import segment_of
from credenza.demo import logos
from credenza.plugins import load_plugins
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent, running, test_settings
from credenza_upstream import store as upstreams

WORLD: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "harbour.yaml").read_text())
PASSWORDS: dict[str, str] = {user["username"]: user.get("password", "") for user in WORLD["users"]}
CLIENTS: dict[str, dict[str, Any]] = {client["client_id"]: client for client in WORLD["applications"]}
ORDERS, BERTHS = "https://orders.example.com", "https://berths.example.com"
DAY = 86400
MAIL = {"signup": True, "smtp_url": "smtp://localhost:9", "mail_from": "harbour@example.com"}  # nobody takes it


class Browser(UserAgent):
    """A browser without a screen that says what it is."""

    NAME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

    def send(self, method: str, url: str, **options: Any) -> Any:
        headers = {"user-agent": self.NAME, **options.pop("headers", {})}
        return super().send(method, url, headers=headers, **options)


class Harbour:
    """A server that really listens, where something happened already."""

    def __init__(self, credenza: Credenza) -> None:
        self.credenza = credenza
        self.issuer = credenza.issuer
        self.agents: dict[str, UserAgent] = {}
        self.seed = ""  # of hedy's authenticator app
        self.found: dict[str, str] = {}  # the pages, where somebody has looked for them already

    def party(self, client_id: str) -> RelyingParty:
        client = CLIENTS[client_id]
        method = "client_secret_basic" if "client_secret" in client else "none"
        return RelyingParty(
            self.credenza,
            client_id,
            client["redirect_uris"][0],
            secret=client.get("client_secret", ""),
            auth_method=method,
        )

    def agent(self, username: str) -> UserAgent:
        """A browser without a screen, in which somebody is signed in."""
        if username not in self.agents:
            self.agents[username] = self.new_agent(username)
        return self.agents[username]

    def new_agent(self, username: str) -> UserAgent:
        """The same with a session of its own: what becomes of it is nobody else's."""
        agent = Browser(self.credenza)
        agent.get("/account")
        seen = agent.sign_in(username, PASSWORDS[username])
        assert isinstance(seen, PageSeen)
        assert seen.name != "sign-in", seen.text
        return agent

    def cookies(self, username: str) -> list[dict[str, str]]:
        """For a browser with a screen: `context.add_cookies(harbour.cookies("ada"))`."""
        jar = self.new_agent(username).cookies.jar
        return [{"name": cookie.name, "value": cookie.value or "", "url": self.issuer} for cookie in jar]

    def authorization(self, client_id: str = "harbour-wiki", **changes: str | None) -> str:
        """The address of a right authorization request but for the changes."""
        return self.issuer + self.party(client_id).authorization_url(**changes)

    def sign_in_to(self, client_id: str, username: str, **changes: str | None) -> dict[str, Any]:
        """The whole journey, with everything authorized; returns the tokens."""
        party = self.party(client_id)
        seen = Browser(self.credenza).through(party.authorization_url(**changes), username, PASSWORDS[username])
        return party.tokens(seen)

    def is_download(self, address: str) -> bool:
        """Whether an address of the console is a file and no page."""
        return "attachment" in self.agent("admin").send("GET", address).headers.get("content-disposition", "")

    def pages(self) -> dict[str, str]:
        """Each page of the console: the path of its route, and the address of an example."""
        return crawl(self.agent("admin"))


@contextmanager
def harbour(folder: Path) -> Iterator[Harbour]:
    """Start it, in this folder."""
    logos.draw(folder)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        issuer = f"http://localhost:{listener.getsockname()[1]}"
        settings = test_settings(
            f"sqlite:///{folder / 'credenza.db'}", issuer=issuer, rate_limit=False, registration="open", **MAIL
        )
        with running(settings) as credenza:
            credenza.clock.move(-13 * DAY)
            credenza.run(_apply, credenza, folder)
            config = uvicorn.Config(credenza.app, lifespan="off", access_log=False, log_level="warning")
            server = uvicorn.Server(config)
            ended = credenza.portal.start_task_soon(server._serve, [listener])  # signals stay Python's
            place = Harbour(credenza)
            _live(place)
            try:
                yield place
            finally:
                server.should_exit = True
                ended.result()


async def _apply(credenza: Credenza, folder: Path) -> None:
    from credenza import state

    await state.apply(credenza.server, credenza.app.state.passwords, WORLD, folder)


def _live(place: Harbour) -> None:
    """Two weeks in which people sign in, a developer mistypes something, and an administrator works."""
    clock = place.credenza.clock
    scope = "openid profile email orders:read offline_access"
    for day in range(14):
        if day % 7 < 5 or day == 13:
            place.sign_in_to("harbour-wiki", "ada", scope=scope, resource=ORDERS)
        if day % 3 == 1:
            place.sign_in_to("tide-board", "grace")
        if day % 4 == 0:
            place.sign_in_to("chandlers-exchange", "ada", scope="openid profile")
        if day % 5 == 2:
            stranger = Browser(place.credenza)
            stranger.get("/account")
            stranger.sign_in("ada", "not the password of ada")
        if day in (3, 4, 12, 13):
            Browser(place.credenza).get(place.authorization(redirect_uri="https://wiki.harbour.example/calback"))
        clock.move(DAY)
    clock.move(-DAY)
    for name, uri in (("Gull Watch", "https://gull.example.net/callback"), ("Harbour CLI", "http://127.0.0.1/cb")):
        metadata = {"client_name": name, "redirect_uris": [uri], "token_endpoint_auth_method": "none"}
        place.credenza.request("POST", "/register", json=metadata).raise_for_status()
    spam = {"client_name": "Free Tickets", "redirect_uris": ["https://tickets.example.net/cb"]}
    place.credenza.request("POST", "/register", json=spam).raise_for_status()
    admin = place.agent("admin")
    admin.get(f"/console/unknown-applications/hosts/{segment_of('tickets.example.net')}/block")
    admin.submit([], form=_form_at(admin, "block"))
    port = upstreams.Upstream(
        id="port",
        title="Port Authority",
        issuer="https://id.port.example",
        client_id="harbour",
        secret=upstreams.sealed_secret(place.credenza.server, "port", "only-for-screenshots"),
        scope="openid email",
        enabled=False,  # nobody answers at its address, so no sign-in page offers it
        create_users=False,
        created_at=clock.now(),
    )
    place.credenza.run(upstreams.save_upstream, port)
    place.seed = _with_app(place, "hedy")
    page = admin.get("/console/organizations")
    assert isinstance(page, PageSeen)
    organization = next(link for link in page.links if re.fullmatch(r"/console/organizations/(?!create)[^/?]+", link))
    for email in ("lise@example.com", "rosalind@example.com"):
        admin.get(f"{organization}/invitations/create")
        admin.submit([("email", email)], form=_form_at(admin, "create"))


def _with_app(place: Harbour, username: str) -> str:
    """Somebody sets up an authenticator app; returns its seed."""
    agent = place.new_agent(username)
    page = agent.get("/account/security/authenticator")
    assert isinstance(page, PageSeen)
    seed = re.findall(r"<code>([A-Z2-7]{32})</code>", page.html)[0]
    code = pyotp.TOTP(seed).at(place.credenza.clock.now())
    agent.submit([("code", code)], form=_form_at(agent, "authenticator"))
    return str(seed)


def _form_at(agent: UserAgent, ending: str) -> int:
    assert agent.page is not None
    posting = [i for i, form in enumerate(agent.page.forms) if form.method == "post"]
    assert posting, f"{agent.page.url} has no form to post ({ending})"
    return posting[-1]


# -- pages of the console ----------------------------------------------------------------------------------------------

FIRST = (
    "/console",
    "/console/applications/third-party",
    "/console/applications/harbour-wiki",
    "/console/applications/create/third-party-app",
    f"/console/xray?{urlencode({'client': 'harbour-wiki', 'user': 'ada'})}",
    "/console/applications/night-report",
    "/console/trial",
)
"""Where the walk begins, so that its examples are those with something to see."""


def crawl(agent: UserAgent, examples: int = 3) -> dict[str, str]:
    """Follow the links from the front page; for each route the first address that was found."""
    from credenza import Settings
    from credenza_console import build_console

    routes = [path for method, path in build_console(load_plugins(), settings=Settings()).routes if method == "GET"]
    routes.sort(key=lambda path: path.count("{"))
    patterns = [(path, re.compile(re.sub(r"\{\w+:str\}", "[^/]+", path))) for path in routes]
    found: dict[str, list[str]] = {}
    waiting = list(FIRST)
    while waiting:
        address = waiting.pop(0)
        plain = address.split("?")[0].split("#")[0]
        route = next((path for path, pattern in patterns if pattern.fullmatch(plain)), None)
        if route is None or address in found.get(route, ()) or len(found.get(route, ())) >= examples:
            continue
        page = agent.get(address)
        assert isinstance(page, PageSeen), address
        assert page.status in (200, 422), (address, page.status)
        found.setdefault(route, []).append(address)
        framed = [source.replace("&amp;", "&") for source in re.findall(r'<iframe[^>]* src="([^"]+)', page.html)]
        forms = [form.action for form in page.forms]  # a form has a page at its own address
        waiting += [link for link in [*page.links, *framed, *forms] if link.startswith("/console")]
    return {route: found[route][0] for route in routes if route in found}
