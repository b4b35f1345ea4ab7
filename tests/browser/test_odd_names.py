"""Long names, long scopes, sixty permissions, names from right to left: the pages hold, and say everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from harbour import harbour as start_harbour
from scenes import SCENES

pytestmark = pytest.mark.browser

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenverwaltung" * 2
HEBREW = "ויקי הנמל של חיפה"
SCOPE = "extremely-long-scope:" + "of-a-very-careful-developer." * 6


@pytest.fixture(scope="module")
def running_harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One of its own: what is too long here would be on the pages of others."""
    with start_harbour(tmp_path_factory.mktemp("odd")) as place:
        yield place


@pytest.fixture(scope="module")
def odd(running_harbour: Any) -> dict[str, str]:
    """The client ID of an application with everything too long, and its user."""
    mark = uuid4().hex[:8]
    api = f"https://{mark}.example.com/{'an/identifier/with/many/segments/' * 4}"
    permissions = [{"name": f"{SCOPE}{i:02}", "description": f"{LONG} {i}"} for i in range(60)]
    names = [permission["name"] for permission in permissions]
    user = f"odd-{mark}"
    running_harbour.credenza.apply(
        {
            "api_resources": [{"identifier": api, "name": LONG, "permissions": permissions}],
            "roles": [{"name": f"odd {mark}", "permissions": {api: names}}],
            "users": [
                {
                    "username": user,
                    "password": "rowing past the lighthouse",
                    "email": f"{'a' * 30}.{'b' * 30}@{'c' * 60}.{mark}.example.com",
                    "profile": {"name": HEBREW},
                    "roles": [f"odd {mark}"],
                }
            ],
            "applications": [
                {
                    "client_id": mark,
                    "name": LONG,
                    "description": f"{LONG} {HEBREW}",
                    "type": "spa",
                    "third_party": True,
                    "redirect_uris": [f"https://{'very-long-label.' * 6}example.com/{'path/' * 20}"],
                    "permissions": {"profile": ["profile", "email"], "api": {api: names}},
                }
            ],
        }
    )
    return {
        "client": mark,
        "api": api,
        "user": user,
        "scope": " ".join(names),
        "uri": f"https://{'very-long-label.' * 6}example.com/{'path/' * 20}",
    }


@pytest.mark.parametrize("width", [1360, 375, 320])
def test_the_consent_page_holds(
    harbour: Any, odd: dict[str, str], open_page: Callable[..., Any], looks_right: Callable[..., None], width: int
) -> None:
    from credenza.testing import RelyingParty

    party = RelyingParty(harbour.credenza, odd["client"], odd["uri"], auth_method="none")
    page = open_page({harbour.issuer}, width=width)
    scope = f"openid profile email {odd['scope']}"
    page.goto(harbour.issuer + party.authorization_url(scope=scope[:7000], resource=odd["api"]))
    page.fill("[name=identifier]", odd["user"])
    page.fill("[name=password]", "rowing past the lighthouse")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator("[data-page=consent]").wait_for()
    looks_right(page, "light")
    assert page.get_by_text(HEBREW).first.evaluate("one => getComputedStyle(one).unicodeBidi") != "normal"


@pytest.mark.parametrize("width", [1360, 375, 320])
def test_the_console_holds(
    harbour: Any, odd: dict[str, str], open_page: Callable[..., Any], looks_right: Callable[..., None], width: int
) -> None:
    page = open_page({harbour.issuer}, width=width)
    page.context.add_cookies(harbour.cookies("admin"))
    one = f"/console/applications/{odd['client']}"
    for path in ("/console", "/console/applications/third-party", one, f"{one}/permissions", f"{one}/permissions/add"):
        page.goto(harbour.issuer + path)
        looks_right(page, "light")


def test_a_page_from_right_to_left_holds(harbour: Any, open_page: Callable[..., Any]) -> None:
    for width in (1360, 320):
        for name in ("consent", "account"):
            page = open_page({harbour.issuer}, width=width)
            SCENES[name](harbour, page)
            page.evaluate("document.documentElement.dir = 'rtl'")
            assert page.evaluate(
                "[...document.querySelectorAll('main *')].every(one => one.getBoundingClientRect().left >= -1 "
                "&& one.getBoundingClientRect().right <= innerWidth + 1)"
            )
