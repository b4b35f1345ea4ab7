"""Every page, found in the console's table of routes and among the scenes of docs/scenes.py, so that a new page is
looked at by itself: no barrier, nothing off the screen, nothing from elsewhere, nothing inline, and not too large."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scenes import SCENES

from credenza import Settings
from credenza.plugins import load_plugins
from credenza_console import build_console

pytestmark = pytest.mark.browser

VENDOR = Path(__file__).parent / "vendor"
ROUTES = build_console(load_plugins(), settings=Settings()).routes
FILES = ("/console/audit-log/export", "/console/applications/{application:str}/kit/env")  # to keep, not to look at
CONSOLE = sorted(path for method, path in ROUTES if method == "GET" and path not in FILES)
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|\shx-on|javascript:")
LARGEST = 100_000  # bytes of a page's HTML, uncompressed
AUDIT_LOG = "/console/audit-log"  # twice as many: fifty events, each with whatever was changed before in this run


@pytest.fixture(scope="session")
def axe() -> str:
    return (VENDOR / "axe.min.js").read_text()


@pytest.fixture
def page(harbour: Any, reopen_page: Callable[..., Any]) -> Any:
    return reopen_page(harbour.issuer)


def check_everything(page: Any, axe: str) -> None:
    """Look at the page that is open, on a desk by day and on a phone by night."""
    page.evaluate(axe)
    for width, scheme in ((1360, "light"), (375, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate("scrollTo(0, 0)")  # what stays at an edge while one scrolls would hide a part of something
        page.set_viewport_size({"width": width, "height": max(900, page.evaluate("document.body.scrollHeight"))})
        check_for_barriers(page)
        check_width(page)
    page.set_viewport_size({"width": 375, "height": 900})
    page.emulate_media(color_scheme="light")
    check_for_barriers(page, ["color-contrast"])
    page.set_viewport_size({"width": 320, "height": 640})
    check_width(page)
    page.set_viewport_size({"width": 1360, "height": 900})
    page.emulate_media(color_scheme="dark")
    check_for_barriers(page, ["color-contrast"])


def check_for_barriers(page: Any, rules: list[str] | None = None) -> None:
    """With the rules of WCAG 2.2 A and AA and the best practices, or some of them."""
    # No frame of ours lets a script run; axe would only wait for its answer. The one rule that reads stylesheets
    # beforehand (`preload`) is experimental, and not among these.
    options: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False, "preload": False}
    options |= (
        {"runOnly": {"type": "rule", "values": rules}} if rules else {"rules": {"target-size": {"enabled": True}}}
    )
    found = page.evaluate("async (options) => (await axe.run(document, options)).violations", options)
    barriers = [
        f"{barrier['id']}: {barrier['help']}\n  " + "\n  ".join(node["html"][:200] for node in barrier["nodes"])
        for barrier in found
    ]
    assert not barriers, f"{page.url} at {page.viewport_size['width']}:\n" + "\n".join(barriers)


STICKING_OUT = """() => {
    const scrolls = (one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowX)
    const within = (one) => one !== document.documentElement && (scrolls(one) || within(one.parentElement))
    return [...document.querySelectorAll("body *")].filter((one) => {
        const box = one.getBoundingClientRect()
        return one.checkVisibility() && (box.right > innerWidth + 1 || box.left < -1) && !within(one.parentElement)
    }).map((one) => one.outerHTML.slice(0, 120))
}"""


NAMELESS = """() => [...document.querySelectorAll("main tbody td:not(:first-child, .end, [colspan], [data-label])")]
    .map((one) => one.outerHTML.slice(0, 120))"""


def check_tables(page: Any) -> None:
    """On a phone each row is a card, in which a cell says what it is."""
    nameless = page.evaluate(NAMELESS)
    assert not nameless, f"{page.url}: {nameless[:5]}"


def check_width(page: Any) -> None:
    """Nothing sticks out or is cut off at the side, but within something that scrolls."""
    wide = page.evaluate(STICKING_OUT)
    assert not wide, f"{page.url} at {page.viewport_size['width']}: {wide[:5]}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def test_the_check_finds_what_it_looks_for(harbour: Any, page: Any, axe: str) -> None:
    page.goto(f"{harbour.issuer}/device")
    page.evaluate("""() => {
        document.documentElement.lang = ""
        const wide = document.createElement("div")
        wide.style.width = "9000px"
        document.body.append(wide)
    }""")
    page.evaluate(axe)
    with pytest.raises(AssertionError, match="html-has-lang: "):
        check_for_barriers(page)
    with pytest.raises(AssertionError, match="at 1360"):
        check_width(page)


@pytest.mark.parametrize("route", CONSOLE)
def test_a_page_of_the_console(
    harbour: Any,
    console_pages: dict[str, str],
    admin_cookies: list[dict[str, str]],
    page: Any,
    axe: str,
    route: str,
) -> None:
    assert route in console_pages, f"no link of the console leads to {route}"
    if harbour.is_download(console_pages[route]):
        return
    page.context.add_cookies(admin_cookies)
    answer = page.goto(harbour.issuer + console_pages[route])
    html = answer.text()
    assert answer.status in (200, 422)  # 422 is a form that was left empty
    assert not INLINE.search(html), INLINE.search(html)
    assert len(html.encode()) < LARGEST * (1 + (route == AUDIT_LOG))
    # In a preview, for a frame of ours, no script runs; so none can look at it either.
    if "sandbox" not in answer.headers["content-security-policy"]:
        check_everything(page, axe)
        check_tables(page)


@pytest.mark.parametrize("name", sorted(SCENES))
def test_a_page_of_users(harbour: Any, page: Any, axe: str, name: str) -> None:
    SCENES[name](harbour, page)
    html = page.content()
    assert not INLINE.search(html), INLINE.search(html)
    assert len(html.encode()) < LARGEST
    check_everything(page, axe)
