"""Frames, cookies and the way back, as a browser has them. SECURITY.md P-15, A-CSR-01, A-COK-01, R-BR-06."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from credenza.testing import PASSWORD

pytestmark = pytest.mark.browser


def sign_in(page: Any, issuer: str) -> None:
    page.goto(f"{issuer}/account")
    page.get_by_label("Email or username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_url(f"{issuer}/account")


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context()
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, dict[str, str]]]:
    """A site of another origin: its address, and what its pages are, by path."""
    pages: dict[str, str] = {}

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in pages else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(pages.get(self.path, "").encode())

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        thread = Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}", pages
        site.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/account", "/device", "/no/such/page"])
def test_a_csr_01_no_other_site_can_frame_a_page(
    live_server: Any, page: Any, elsewhere: tuple[str, dict[str, str]], path: str
) -> None:
    """A-CSR-01: of somebody who is signed in, too. A site that does not mind is shown in the same frame."""
    address, pages = elsewhere
    sign_in(page, live_server.issuer)
    pages["/willing"] = "<h1>framed</h1>"
    pages["/"] = f"<iframe src='{live_server.issuer}{path}'></iframe><iframe src='/willing'></iframe>"
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(f"{address}/")
    ours, willing = page.main_frame.child_frames
    assert willing.inner_text("h1") == "framed"
    ours.wait_for_url(re.compile("^chrome-error:"))


def test_a_cok_01_no_script_reads_a_cookie(live_server: Any, page: Any) -> None:
    sign_in(page, live_server.issuer)
    cookies = page.context.cookies()
    assert cookies
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in cookies)
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("Object.keys(localStorage)") == []


def test_r_br_06_after_signing_out_the_way_back_shows_nothing(live_server: Any, page: Any) -> None:
    """R-BR-06: neither from a cache nor from memory."""
    sign_in(page, live_server.issuer)
    page.goto(f"{live_server.issuer}/account/data")
    assert "ada@example.com" in page.inner_text("main")
    page.goto(f"{live_server.issuer}/logout")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", level=1).filter(has_text="signed out").wait_for()
    for _ in range(3):
        page.go_back()
        page.wait_for_load_state()
        assert "ada@example.com" not in page.inner_text("body"), page.url
