"""An application is created by keyboard alone, and with twelve clicks at most; what moves stands still on demand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

pytestmark = pytest.mark.browser

MOST_CLICKS, MOST_SECONDS = 12, 60
MOST_STOPS = 80  # until a keyboard arrives at something on a page


@pytest.fixture
def console(harbour: Any, open_page: Callable[..., Any]) -> Any:
    """The console's front page, of somebody who is signed in."""
    page = open_page({harbour.issuer}, permissions=["clipboard-read", "clipboard-write"])
    page.context.add_cookies(harbour.cookies("admin"))
    page.goto(f"{harbour.issuer}/console")
    return page


def in_focus(page: Any) -> str:
    """What a screen reader would say of it, roughly."""
    return str(
        page.evaluate("""() => {
            const one = document.activeElement
            const label = one.labels?.length ? one.labels[0].textContent : one.getAttribute("aria-label")
            return (label || one.textContent || "").trim().replace(/\\s+/g, " ")
        }""")
    )


def tab_to(page: Any, name: str) -> None:
    """Press Tab until it has the focus, and see that one can see where one is."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if in_focus(page).startswith(name):
            break
    else:
        raise AssertionError(f"no Tab leads to {name!r} on {page.url}")
    assert page.evaluate("""() => {
        const style = getComputedStyle(document.activeElement)
        return style.outlineStyle !== "none" || style.boxShadow !== "none"
    }"""), f"{name!r} does not show that it has the focus"


def test_an_application_is_created_by_keyboard_alone(console: Any) -> None:
    name = f"Keyboard {uuid4().hex[:6]}"
    keys = console.keyboard
    keys.press("Tab")
    assert in_focus(console) == "Skip to the content"
    keys.press("Enter")
    for link in ("Create application", "Third-party app", "Traditional web"):
        tab_to(console, link)
        with console.expect_navigation():
            keys.press("Enter")
    console.locator("[name=name]:focus").wait_for()  # the first field waits for what is typed
    keys.type(name)
    with console.expect_navigation():
        keys.press("Enter")
    console.get_by_role("heading", name=name, level=1).wait_for()
    tab_to(console, "Copy secret")
    keys.press("Enter")
    console.get_by_role("status").get_by_text("Copied").wait_for()
    secret = console.evaluate("navigator.clipboard.readText()")
    assert secret == console.inner_text("#secret-value")
    tab_to(console, "Permissions")
    with console.expect_navigation():
        keys.press("Enter")
    tab_to(console, "Add permissions")
    with console.expect_navigation():
        keys.press("Enter")
    tab_to(console, "Your profile")
    keys.press("Space")
    with console.expect_navigation():
        keys.press("Enter")
    console.get_by_text("1 permission added").wait_for()


def test_the_palette_leads_anywhere_by_keyboard(console: Any) -> None:
    keys = console.keyboard
    keys.press("Control+k")
    console.locator("dialog[open] input:focus").wait_for()
    keys.press("Escape")
    console.locator("dialog[open]").wait_for(state="detached")
    keys.press("Control+k")
    keys.type("harbour")
    keys.press("Escape")
    console.locator("dialog[open]").wait_for(state="detached")
    keys.press("/")
    console.locator("dialog[open] input:focus").wait_for()
    keys.type("harbour wiki")
    with console.expect_navigation():
        keys.press("Enter")
    console.get_by_role("heading", name="Harbour Wiki", level=1).wait_for()


def test_the_palette_opens_again_before_the_browser_has_drawn_it_closed(console: Any) -> None:
    again = console.evaluate("""() => {
        const dialog = document.querySelector("[data-palette]");
        const press = (key, ctrlKey = false) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, ctrlKey, bubbles: true, cancelable: true }));
        const seen = [];
        for (const keys of [["k", true], ["Escape"], ["/"], ["Escape"]]) {
            press(...keys);
            seen.push(dialog.open);
        }
        return seen;
    }""")
    assert again == [True, False, True, False]


def test_whoever_closes_the_palette_before_its_answer_is_led_nowhere(console: Any) -> None:
    """Enter waits for the first result, and Escape ends that."""
    held: list[Any] = []
    console.route("**/console/search?*", lambda route: held.append(route))
    console.evaluate("addEventListener('click', (event) => clicked.push(event.target.href), (window.clicked = []))")
    console.keyboard.press("Control+k")
    with console.expect_request("**/console/search?*"):
        console.locator("dialog[open] input").fill("harbour wiki")
    console.keyboard.press("Enter")
    console.keyboard.press("Escape")
    held[0].continue_()
    console.locator("#said").get_by_text("1 found").wait_for(state="attached")
    assert console.evaluate("window.clicked") == []


@pytest.mark.parametrize(("platform", "shortcut"), [("MacIntel", "⌘ K"), ("Linux x86_64", "Ctrl K")])
def test_the_shortcut_is_called_as_on_the_keyboard(console: Any, platform: str, shortcut: str) -> None:
    console.add_init_script(f"Object.defineProperty(Navigator.prototype, 'platform', {{ get: () => '{platform}' }})")
    console.reload()
    assert console.locator(".menu.desk kbd").inner_text() == shortcut


def test_whoever_may_only_look_can_read_it(harbour: Any, open_page: Callable[..., Any]) -> None:
    page = open_page({harbour.issuer})
    page.context.add_cookies(harbour.cookies("inspector"))
    page.goto(f"{harbour.issuer}/console/applications/harbour-wiki")
    assert page.get_by_label("Redirect URIs", exact=True).is_disabled()
    opacity = "one => getComputedStyle(one).opacity"
    assert page.get_by_label("Redirect URIs", exact=True).evaluate(opacity) == "1"


def test_from_signed_in_to_a_working_application_in_twelve_clicks(console: Any) -> None:
    """Created, a permission enabled, id and secret copied; typing and page loads included in the time."""
    name = f"Clicks {uuid4().hex[:6]}"
    clicks, began = 0, time.monotonic()

    def click(target: Any) -> None:
        nonlocal clicks
        target.click()
        clicks += 1

    def copy(what: str) -> None:
        button = main.get_by_role("button", name=f"Copy {what}", exact=True)
        click(button)
        button.get_by_text("Copied").wait_for()

    main = console.locator("main")
    click(main.get_by_role("link", name="Create application").first)
    click(main.get_by_role("link", name="Third-party app"))
    click(main.get_by_role("link", name="Traditional web"))
    console.locator("[name=name]:focus").wait_for()
    console.keyboard.type(name)
    click(main.get_by_role("button", name="Create", exact=True))
    copy("client ID")
    client_id = console.inner_text("#client-id")
    assert console.evaluate("navigator.clipboard.readText()") == client_id
    copy("secret")
    assert console.evaluate("navigator.clipboard.readText()") == console.inner_text("#secret-value")
    click(main.get_by_role("link", name="Permissions", exact=True))
    click(main.get_by_role("link", name="Add permissions").first)
    click(main.get_by_role("checkbox", name="Your email address"))
    click(main.get_by_role("button", name="Add permissions"))
    console.get_by_text("1 permission added").wait_for()
    assert clicks <= MOST_CLICKS
    assert time.monotonic() - began < MOST_SECONDS


COVERED = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect(), x = box.left + box.width / 2
    const seen = (y) => {
        const there = document.elementFromPoint(x, y)
        return there && (one.contains(there) || there.closest("label")?.contains(one))
    }
    return box.width && !one.matches("body, .skip") && !(seen(box.top + 3) && seen(box.bottom - 3)) ? one.outerHTML : ""
}"""


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
@pytest.mark.parametrize("width", [1360, 375])
def test_what_has_the_focus_is_not_covered(harbour: Any, open_page: Callable[..., Any], width: int, key: str) -> None:
    """WCAG 2.2 §2.4.11: the buttons of a long form stay in sight, and so does the header on a phone."""
    page = open_page({harbour.issuer}, width=width, height=600, reduced_motion="reduce")
    page.context.add_cookies(harbour.cookies("admin"))
    page.goto(f"{harbour.issuer}/console/roles/create")
    for _ in range(50):
        page.keyboard.press(key)
        covered = page.evaluate(COVERED)
        assert not covered, covered[:200]


@pytest.mark.parametrize("width", [1360, 375])
def test_the_page_in_the_x_ray_is_there_as_a_whole(harbour: Any, open_page: Callable[..., Any], width: int) -> None:
    """With its buttons at the end, which a frame of one height would cut off."""
    page = open_page({harbour.issuer}, width=width)
    page.context.add_cookies(harbour.cookies("admin"))
    page.goto(f"{harbour.issuer}/console/xray?client=harbour-wiki&user=ada")
    page.frame_locator("iframe").get_by_role("button", name="Authorize").wait_for()
    whole = "page => page.scrollHeight <= page.clientHeight"
    page.wait_for_function(f"({whole})(document.querySelector('iframe').contentDocument.documentElement)")


def test_nothing_moves_for_whom_that_makes_ill(harbour: Any, open_page: Callable[..., Any]) -> None:
    page = open_page({harbour.issuer}, reduced_motion="reduce")
    page.context.add_cookies(harbour.cookies("admin"))
    for path in ("/console", "/console/applications/harbour-wiki", "/account"):
        page.goto(harbour.issuer + path)
        moving = page.evaluate("""() => [...document.querySelectorAll("*")].filter((one) => {
            const style = getComputedStyle(one)
            return style.animationName !== "none" || style.transitionDuration.split(", ").some((d) => parseFloat(d) > 0)
        }).map((one) => one.outerHTML.slice(0, 80))""")
        assert not moving, path


def test_paper_has_the_page_and_not_what_one_presses(harbour: Any, console: Any) -> None:
    console.goto(f"{harbour.issuer}/console/applications/harbour-wiki")
    console.emulate_media(media="print")
    assert not console.locator(".side").is_visible()
    assert not console.get_by_role("button", name="Copy client ID").is_visible()
    assert console.locator("#client-id").is_visible()


def test_files_are_kept_for_ever_at_addresses_that_change_with_them(
    harbour: Any, open_page: Callable[..., Any]
) -> None:
    page = open_page({harbour.issuer})
    page.context.add_cookies(harbour.cookies("admin"))
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{harbour.issuer}/console/applications/harbour-wiki")
    files = [answer for answer in answers if answer.request.resource_type in ("stylesheet", "script", "font", "image")]
    assert {answer.request.resource_type for answer in files} >= {"stylesheet", "script", "font"}
    for answer in files:
        assert "immutable" in answer.headers["cache-control"], answer.url
