"""A page that notices what must not happen, and the demo to look at."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from harbour import harbour as start_harbour


@dataclass
class Demo:
    """Addresses and people of a running `credenza demo`."""

    issuer: str
    home: str
    passwords: dict[str, str]

    def sign_in(self, page: Any, username: str = "ada") -> None:
        """From the welcome page through the sign-in page, by keyboard."""
        page.goto(self.home)
        page.get_by_role("link", name="Sign in with Credenza").click()
        page.locator("[data-page=sign-in] [name=identifier]:focus").wait_for()
        page.keyboard.type(username)
        page.keyboard.press("Tab")
        page.keyboard.type(self.passwords[username])
        page.keyboard.press("Enter")
        page.locator("[data-page=consent], [data-page=tokens]").wait_for()


@pytest.fixture(scope="module")
def demo(start_program: Callable[..., Any], free_ports: Callable[[int], list[int]], tmp_path_factory: Any) -> Demo:
    from credenza.demo.data import ACCOUNTS

    port, app_port = free_ports(2)
    database: Path = tmp_path_factory.mktemp("demo") / "data" / "credenza.db"
    arguments = ["demo", "--port", str(port), "--app-port", str(app_port), "--database", str(database)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("CREDENZA_")}
    env |= {"CREDENZA_ARGON2_TIME_COST": "1", "CREDENZA_ARGON2_MEMORY_KIB": "8"}
    home = f"http://localhost:{app_port}"
    start_program([sys.executable, "-m", "credenza", *arguments], ready=f"{home}/", env=env)
    return Demo(f"http://localhost:{port}", home, {account.username: account.password for account in ACCOUNTS})


@contextmanager
def watching(context: Any, origins: set[str]) -> Iterator[None]:
    """What must not happen in this browser profile, from here to the end, fails the test."""
    wrong: list[str] = []

    def on_request(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and f"{parts.scheme}://{parts.netloc}" not in origins:
            wrong.append(f"a request to {request.url}")

    def on_message(message: Any) -> None:
        # A page with a status of 4xx (a form with a mistake in it, for example) is an error to Chromium.
        own = "status of 4" in message.text and message.page is not None and message.location["url"] == message.page.url
        if message.type in ("error", "warning") and not own:
            wrong.append(f"{message.type}: {message.text}")

    def on_error(error: Any) -> None:
        wrong.append(f"a script failed: {error.error}")

    listeners = {"console": on_message, "weberror": on_error, "request": on_request}
    for event, listener in listeners.items():
        context.on(event, listener)
    yield
    for event, listener in listeners.items():
        context.remove_listener(event, listener)
    assert wrong == []


def new_context(chromium: Any, width: int, height: int, **options: Any) -> Any:
    context = chromium.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(20_000)
    return context


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a page of a fresh browser profile: `open_page(origins, width=375, color_scheme="dark")`.

    A message in the console (a violation of the content security policy is one), a script that raises, and a request
    to another origin fail the test.
    """
    with ExitStack() as stack:

        def open_one(origins: set[str], *, width: int = 1360, height: int = 900, **options: Any) -> Any:
            context = new_context(chromium, width, height, **options)
            stack.enter_context(watching(context, origins))
            stack.callback(context.close)
            return context.new_page()

        yield open_one


@pytest.fixture(scope="module")
def kept_pages() -> dict[frozenset[tuple[str, Any]], Any]:
    """The pages of `reopen_page`, by their options. They end with the browser."""
    return {}


@pytest.fixture
def reopen_page(chromium: Any, kept_pages: dict[frozenset[tuple[str, Any]], Any]) -> Iterator[Callable[..., Any]]:
    """`open_page` for the many tests of a module: what was open with the same options before, with nothing in it.

    A new profile and its page take Chromium longer than most pages that are looked at in them.
    """
    with ExitStack() as stack:

        def open_one(origin: str, *, width: int = 1360, height: int = 900, **options: Any) -> Any:
            key = frozenset({"width": width, **options}.items())
            if key not in kept_pages:
                kept_pages[key] = new_context(chromium, width, height, **options).new_page()
            page = kept_pages[key]
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=options.get("color_scheme", "light"), reduced_motion="no-preference")
            stack.callback(forget_everything, page, origin)
            stack.enter_context(watching(page.context, {origin}))
            return page

        yield open_one


def forget_everything(page: Any, origin: str) -> None:
    """As good as a new profile: no cookies, no storage, nothing open."""
    if page.url.startswith(f"{origin}/"):
        page.evaluate("() => { if (origin !== 'null') sessionStorage.clear() }")
    page.goto("about:blank")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    devtools.detach()
    page.context.clear_cookies()


# One without a box is not shown, by this browser or at this width.
BUTTONS_OFF_THE_SCREEN = """() => [...document.querySelectorAll("main button, main a.button")].filter((one) => {
    const box = one.getBoundingClientRect()
    return one.getClientRects().length > 0 && (box.left < 0 || box.right > innerWidth)
}).map((one) => one.outerHTML.slice(0, 120))"""


@pytest.fixture
def looks_right() -> Callable[[Any, str], None]:
    """Nothing sticks out to the right, nothing to press is off the screen, and dark is dark."""

    def check(page: Any, scheme: str) -> None:
        page.wait_for_load_state()  # the last click may still lead to it
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url
        assert page.evaluate("innerWidth") == page.viewport_size["width"]
        assert page.evaluate(BUTTONS_OFF_THE_SCREEN) == [], page.url
        ink = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
        assert (lightness(ink) > 0.5) == (scheme == "dark"), ink

    return check


def lightness(color: str) -> float:
    """Of `rgb(…)` or `color(srgb …)`, roughly."""
    numbers = [float(number) for number in re.findall(r"[\d.]+", color)][:3]
    return sum(numbers) / 3 / (255 if color.startswith("rgb") else 1)


@pytest.fixture(scope="session")
def running_harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with start_harbour(tmp_path_factory.mktemp("harbour")) as place:
        place.found = place.pages()  # now: tests add more to it than the walk has patience for
        yield place


@pytest.fixture
def harbour(running_harbour: Any) -> Any:
    """A server with the people of docs/harbour.yaml and two weeks behind it. Tests leave it as it is."""
    running_harbour.credenza.bind()  # another test's server may have started since
    return running_harbour


@pytest.fixture(scope="session")
def console_pages(running_harbour: Any) -> dict[str, str]:
    """The console's routes with an example of each, found by following links."""
    return dict(running_harbour.found)


@pytest.fixture(scope="module")
def admin_cookies(running_harbour: Any) -> list[dict[str, str]]:
    """Of a session of the administrator, for tests that leave it as it is."""
    running_harbour.credenza.bind()
    return list(running_harbour.cookies("admin"))
