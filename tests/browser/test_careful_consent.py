"""A consent page in two steps, brought by a plugin through `render_consent`: with a script and without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from credenza.testing import ORDERS, PASSWORD, STATE, RelyingParty

pytestmark = [pytest.mark.browser]

EXAMPLES = Path(__file__).parents[2] / "docs" / "plugins" / "examples"
CALLBACK = "https://app.example.com/cb"
WIDE = {
    "roles": [{"name": "support", "permissions": {ORDERS: ["orders:read", "orders:write"]}}],
    "applications": [{"client_id": "app", "redirect_uris": [CALLBACK]}],
}


@pytest.fixture(scope="module")
def server(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The plugin in one file, as it would be named in the settings."""
    path = tmp_path_factory.mktemp("plugin") / "careful-consent.py"
    path.write_text(f"import sys\n\nsys.path.insert(0, {str(EXAMPLES)!r})\nfrom careful_consent import *\n")
    path.chmod(0o600)
    started = serve(settings={"plugins_path": str(path), "argon2_time_cost": "1", "argon2_memory_kib": "8"})
    started.apply(STATE)
    started.apply(WIDE)
    return started


def consent(server: Any, page: Any, **changes: str) -> None:
    """From the application to the consent page."""
    client = RelyingParty(server, "app", CALLBACK)
    page.goto(server.issuer + client.authorization_url(**changes))
    page.fill("[name=identifier]", "ada")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator("[data-page=consent]").wait_for()


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize(("width", "scheme"), [(1360, "light"), (375, "dark")])
def test_who_may_change_something_is_confirmed_in_a_second_step(
    server: Any, open_page: Callable[..., Any], javascript: bool, width: int, scheme: str
) -> None:
    origins = {server.issuer, "https://app.example.com"}
    page = open_page(origins, width=width, color_scheme=scheme, java_script_enabled=javascript)
    consent(server, page, scope="openid profile orders:read orders:write", resource=ORDERS, prompt="consent")
    authorize = page.get_by_role("button", name="Authorize")
    assert not authorize.is_visible()
    assert page.get_by_role("button", name="Cancel").is_visible()
    page.get_by_text("Continue", exact=True).click()
    assert page.get_by_text("Change your orders").count() == 2, "among the permissions, and named in the second step"
    authorize.click()
    assert page.locator("[data-page=consent]").is_visible(), "the box must be ticked first"
    page.get_by_label("I know that, and I want it.").check()
    with page.expect_request("https://app.example.com/**") as back:
        authorize.click()
    assert "code=" in back.value.url


def test_cancel_needs_no_second_step(server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page({server.issuer, "https://app.example.com"})
    consent(server, page, scope="openid orders:write", resource=ORDERS, prompt="consent")
    with page.expect_request("https://app.example.com/**") as back:
        page.get_by_role("button", name="Cancel").click()
    assert "error=access_denied" in back.value.url


def test_who_changes_nothing_is_asked_in_one(server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page({server.issuer, "https://app.example.com"})
    consent(server, page, scope="openid profile", prompt="consent")
    assert page.get_by_role("button", name="Authorize").is_visible()
    assert page.get_by_text("Continue", exact=True).count() == 0
