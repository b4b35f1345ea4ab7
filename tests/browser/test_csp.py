"""The content security policy is enforced, not only sent. SECURITY.md A-XSS-11."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

INJECTED = "<script>window.ran = 1</script><img src='data:,' onerror='window.ran = 2'></main>"


@pytest.mark.parametrize("path", ["/", "/account", "/device"])
def test_a_xss_11_an_injected_script_does_not_run(live_server: Any, chromium: Any, path: str) -> None:
    """As if a template had let one in: the page comes with its own headers, and with scripts in its body."""
    context = chromium.new_context()
    page, blocked = context.new_page(), []

    def inject(route: Any) -> None:
        answer = route.fetch()
        assert "</main>" in answer.text()
        route.fulfill(response=answer, body=answer.text().replace("</main>", INJECTED))

    try:
        page.goto(f"{live_server.issuer}{path}")
        shown = page.url
        page.on("console", lambda message: blocked.append(message.text))
        page.route(shown, inject)
        page.goto(shown)
        page.locator("main img[src='data:,']").wait_for(state="attached")
        assert page.evaluate("window.ran") is None
        assert any("Content Security Policy" in text for text in blocked)
    finally:
        context.close()
