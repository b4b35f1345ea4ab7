"""The content security policy is enforced, not only sent. SECURITY.md A-XSS-11, P-15."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.testing import PASSWORD, RelyingParty

pytestmark = pytest.mark.browser

INJECTED = "<script>window.ran = 1</script><img src='data:,' onerror='window.ran = 2'></main>"


@pytest.mark.parametrize("path", ["/", "/account", "/device"])
def test_a_xss_11_an_injected_script_does_not_run(live_server: Any, chromium: Any, path: str) -> None:
    """As if a template had let one in: the page comes with its own headers, and with scripts in its body."""
    context = chromium.new_context()
    page = context.new_page()

    def inject(route: Any) -> None:
        answer = route.fetch()
        assert "</main>" in answer.text()
        route.fulfill(response=answer, body=answer.text().replace("</main>", INJECTED))

    try:
        page.goto(f"{live_server.issuer}{path}")
        shown = page.url
        page.route(shown, inject)
        with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
            page.goto(shown)
        page.locator("main img[src='data:,']").wait_for(state="attached")
        assert page.evaluate("window.ran") is None
    finally:
        context.close()


@pytest.mark.parametrize("host", ["[::1]", "127.0.0.1", "of_ours.localhost"])
def test_a_form_leads_back_to_any_address_that_may_be_registered(
    live_server: Any, chromium: Any, application: Any, host: str
) -> None:
    """CSP knows no IPv6 addresses and no underscores, and the browser would keep the form. RFC 8252 §7.3."""
    home = f"http://{host}:4711" if "localhost" not in host else f"https://{host}"
    registered = application(type="native", redirect_uris=[f"{home}/cb"], permissions={"profile": ["profile"]})
    party = RelyingParty(live_server, registered["client_id"], f"{home}/cb", auth_method="none")
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto(live_server.issuer + party.authorization_url(scope="openid profile"))
        page.get_by_label("Email or username").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        # One that the policy forbids is never sent.
        with page.expect_request(lambda request: request.url.startswith(f"{home}/cb?code=")):
            page.get_by_role("button", name="Authorize").click()
    finally:
        context.close()
