"""Photograph every page, on a desk and on a phone, by day and by night: `make screenshots`.

`Harbour` is a running server with the people of `harbour.yaml` and two weeks behind it. `Harbour.pages` finds the pages
of the console by following its links, from the console's own table of routes, and those of users in `SCENES`. The
browser tests look at the same pages.
"""

from __future__ import annotations

import io
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvicorn
import yaml
from PIL import Image

from credenza import segment_of
from credenza.demo import logos
from credenza.plugins import load_plugins
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent, running, test_settings
from credenza_upstream import store as upstreams

DOCS = Path(__file__).parent
SHOTS = DOCS / "screenshots"
WORLD: dict[str, Any] = yaml.safe_load((DOCS / "harbour.yaml").read_text())
PASSWORDS: dict[str, str] = {user["username"]: user.get("password", "") for user in WORLD["users"]}
CLIENTS: dict[str, dict[str, Any]] = {client["client_id"]: client for client in WORLD["applications"]}
ORDERS, BERTHS = "https://orders.example.com", "https://berths.example.com"
ORGANIZATIONS = "urn:credenza:scope:organizations"
SCREENS = {"desktop": (1360, 800), "phone": (375, 740)}
SCHEMES = ("light", "dark")
COLORS = 64
DAY = 86400
GULL_WATCH = {"client_name": "Gull Watch", "redirect_uris": ["http://127.0.0.1:33418/callback"]}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


# -- the place ---------------------------------------------------------------------------------------------------------


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
        party, agent = self.party(client_id), Browser(self.credenza)
        seen: Any = agent.get(party.authorization_url(**changes))
        if isinstance(seen, PageSeen) and seen.name == "sign-in":
            seen = agent.sign_in(username, PASSWORDS[username])
        if isinstance(seen, PageSeen) and seen.name == "consent":
            seen = agent.decide()
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
            f"sqlite:///{folder / 'credenza.db'}", issuer=issuer, rate_limit=False, registration="open"
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
    page = admin.get("/console/organizations")
    assert isinstance(page, PageSeen)
    organization = next(link for link in page.links if re.fullmatch(r"/console/organizations/(?!create)[^/?]+", link))
    for email in ("lise@example.com", "rosalind@example.com"):
        admin.get(f"{organization}/invitations/create")
        admin.submit([("email", email)], form=_form_at(admin, "create"))


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


# -- pages of users ----------------------------------------------------------------------------------------------------

Scene = Callable[[Harbour, Any], None]
SCENES: dict[str, Scene] = {}
"""How to come to each page that users see, in a browser in which nobody is signed in."""


def scene(name: str) -> Callable[[Scene], Scene]:
    def add(function: Scene) -> Scene:
        SCENES[name] = function
        return function

    return add


def signed_in(place: Harbour, page: Any, username: str = "ada") -> None:
    page.context.add_cookies(place.cookies(username))


@scene("sign-in")
def _(place: Harbour, page: Any) -> None:
    page.goto(place.authorization())


@scene("sign-in-refused")
def _(place: Harbour, page: Any) -> None:
    page.goto(place.authorization("tide-board"))
    page.fill("[name=identifier]", "ada@example.com")
    page.fill("[name=password]", "not her password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("alert").wait_for()


@scene("sign-in-again")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(place.authorization(prompt="login"))


@scene("consent")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page, "grace")
    page.goto(
        place.authorization(
            scope="openid profile email phone offline_access berths:read", resource=BERTHS, prompt="consent"
        )
    )


@scene("consent-organization")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page, "ada")
    scope = f"openid profile email {ORGANIZATIONS} members:read orders:read"
    page.goto(place.authorization(scope=scope, resource=ORDERS))


@scene("consent-again")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page, "ada")
    page.goto(place.authorization("chandlers-exchange", scope="openid profile email orders:read", resource=ORDERS))


@scene("consent-unknown-application")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page, "ada")
    page.goto(place.issuer + stranger(place).authorization_url(scope="openid"))


@scene("leaving")
def _(place: Harbour, page: Any) -> None:
    page.goto(place.issuer + stranger(place).authorization_url(response_type="token"))


def stranger(place: Harbour) -> RelyingParty:
    """A client that registered itself."""
    made = place.credenza.request("POST", "/register", json=GULL_WATCH).raise_for_status().json()
    return RelyingParty(
        place.credenza,
        made["client_id"],
        made["redirect_uris"][0],
        secret=made.get("client_secret", ""),
        auth_method=made["token_endpoint_auth_method"],
    )


@scene("error-redirect-uri")
def _(place: Harbour, page: Any) -> None:
    page.goto(place.authorization(redirect_uri="https://wiki.harbour.example/calback"))


@scene("error-unknown-application")
def _(place: Harbour, page: Any) -> None:
    page.goto(place.authorization().replace("harbour-wiki", "harbor-wiki"))


@scene("error-not-found")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/no-such-page")


@scene("sign-out")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/logout")


@scene("signed-out")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/logout")


@scene("device")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/device")


@scene("device-confirm")
def _(place: Harbour, page: Any) -> None:
    enter_device_code(place, page)


@scene("device-done")
def _(place: Harbour, page: Any) -> None:
    enter_device_code(place, page)
    page.get_by_role("button", name="It is my device").click()
    page.locator("[data-page=consent]").wait_for()
    page.get_by_role("button", name="Authorize").click()
    page.locator("[data-page=device]").wait_for()


def enter_device_code(place: Harbour, page: Any) -> None:
    started = place.party("tide-cli").post("/device_authorization", {"scope": "openid profile"}).json()
    signed_in(place, page)
    page.goto(started["verification_uri_complete"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="It is my device").wait_for()


@scene("invitation")
def _(place: Harbour, page: Any) -> None:
    from credenza import invite, users

    user = place.credenza.run(users.find_user_by_identifier, "emmy")
    assert user is not None
    page.goto(place.credenza.run(invite, place.credenza.server, purpose="user", user_id=user.id))


@scene("first-administrator")
def _(place: Harbour, page: Any) -> None:
    from credenza import invite

    page.goto(place.credenza.run(invite, place.credenza.server, purpose="administrator", user_id=None))


@scene("account")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/account")


@scene("account-application")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/account")
    page.get_by_role("link", name="Harbour Wiki").first.click()
    page.get_by_role("heading", name="Harbour Wiki").wait_for()


@scene("account-sessions")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/account/sessions")


@scene("account-password")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/account/password")


@scene("account-data")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/account/data")


@scene("account-without-applications")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page, "inspector")
    page.goto(f"{place.issuer}/account")


# -- photographs -------------------------------------------------------------------------------------------------------


def name_of(route: str) -> str:
    """/console/applications/{application:str}/kit: console-applications-application-kit."""
    return re.sub(r"\{(\w+):\w+\}", r"\1", route).strip("/").replace("/", "-")


def take(page: Any, name: str, folder: Path) -> None:
    """The page as it is, on each screen and in each scheme; of a long one its beginning."""
    for screen, (width, height) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": height})
        long = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": min(max(long, height), height * 5 // 4)})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            # The console is flat, and its few colours shall be right; pages of users have a gradient.
            method = Image.Quantize.MAXCOVERAGE if name.startswith("console") else Image.Quantize.FASTOCTREE
            small = picture.quantize(COLORS, method=method, dither=Image.Dither.NONE)
            small.save(folder / f"{name}-{screen}-{scheme}.png", optimize=True)


def photograph(place: Harbour, browser: Any, folder: Path, wanted: Sequence[str] = ()) -> None:
    """Pages whose name contains one of the wanted words; all of them without any."""

    def is_wanted(name: str) -> bool:
        return not wanted or any(word in name for word in wanted)

    desk = browser.new_context(reduced_motion="reduce")
    signed_in(place, page := desk.new_page(), "admin")
    for route, address in place.pages().items():
        if is_wanted(name := name_of(route)) and not place.is_download(address):
            page.goto(place.issuer + address)
            take(page, name, folder)
    desk.close()
    for name, come_to in SCENES.items():
        if is_wanted(name):
            context = browser.new_context(reduced_motion="reduce")
            come_to(place, page := context.new_page())
            take(page, name, folder)
            context.close()


FEATURED = (
    ("consent", "The consent page: who asks, for what, with the data itself; what is optional may be declined."),
    ("consent-organization", "An application that asks for an organization's data: the user chooses which one."),
    ("consent-again", "Asked again for something new: that comes first, what was allowed before is folded away."),
    ("error-redirect-uri", "An error page that teaches: both addresses, and where they differ."),
    ("account", "The account page: what each application may do, and how to take it back."),
    ("console", "The console's overview."),
    ("console-applications-third-party", "Third-party applications."),
    ("console-applications-application", "Everything that a developer needs, and the settings of an application."),
    ("console-applications-application-permissions", "Its ceiling: what it may ask for at all."),
    ("console-xray", "The consent x-ray: what somebody would be asked, and for each permission why."),
)


def name_in_words(name: str) -> str:
    return name.replace("console-applications-", "").replace("-", " ").capitalize()


def write_page(names: Sequence[str]) -> None:
    """docs/screenshots.md: the pictures worth a look, and links to all of them."""
    lines = [
        "# Screenshots",
        "",
        "Every page, on a desk and on a phone, in light and in dark. `make screenshots` takes them again and writes",
        "this page. The people and applications are those of [`harbour.yaml`](harbour.yaml), which you can bring to a",
        "server of your own with `credenza apply`.",
    ]
    for name, words in FEATURED:
        lines += ["", f"## {name_in_words(name)}", "", words, ""]
        lines += [f"![{words}](screenshots/{name}-desktop-{scheme}.png)" for scheme in SCHEMES]
    lines += ["", "## All pages", "", "| page | desktop | phone |", "|---|---|---|"]
    for name in names:
        cells = [", ".join(f"[{one}](screenshots/{name}-{screen}-{one}.png)" for one in SCHEMES) for screen in SCREENS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    (DOCS / "screenshots.md").write_text("\n".join(lines) + "\n")


def main(wanted: Sequence[str]) -> int:
    from playwright.sync_api import sync_playwright

    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not wanted:
        shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, harbour(Path(folder)) as place, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, chromium_sandbox=False)
        photograph(place, browser, SHOTS, wanted)
        browser.close()
    taken = sorted(SHOTS.glob("*.png"))
    write_page(sorted({path.stem.rsplit("-", 2)[0] for path in taken}))
    size = sum(path.stat().st_size for path in taken)
    sys.stdout.write(f"{len(taken)} pictures, {size / 1e6:.1f} MB, in {SHOTS}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
