"""The journey of a permission: ceiling in the console, consent for one of two organizations, token, revocation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import jwt
import pytest

from credenza.testing import PASSWORD, RelyingParty

pytestmark = [pytest.mark.browser]

CALLBACK = "https://tides.example.com/callback"
SCOPE = "openid profile offline_access urn:credenza:scope:organizations members:read"


def sign_in(page: Any, username: str) -> None:
    page.fill("[name=identifier]", username)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def two_organizations(live_server: Any) -> tuple[str, str]:
    """Names of two organizations, in the second of which ada may see who is a member."""
    mark = uuid4().hex[:6]
    names = (f"Acme {mark}", f"Basalt {mark}")
    live_server.apply(
        {
            "organization_template": {
                "permissions": [{"name": "members:read", "description": "See who is a member"}],
                "roles": [{"name": "guest"}, {"name": "owner", "permissions": ["members:read"]}],
            },
            "organizations": [
                {"name": names[0], "members": [{"username": "ada", "roles": ["guest"]}]},
                {"name": names[1], "members": [{"username": "ada", "roles": ["owner"]}]},
            ],
        }
    )
    return names


def test_from_the_ceiling_to_the_revocation(
    live_server: Any, open_page: Callable[..., Any], application: Callable[..., dict[str, Any]]
) -> None:
    _, basalt = two_organizations(live_server)
    name = f"Tide Tables {uuid4().hex[:6]}"
    declared = application(name=name, redirect_uris=[CALLBACK], permissions={})
    client = RelyingParty(live_server, declared["client_id"], CALLBACK)

    # An administrator enables two permissions.
    console = open_page({live_server.issuer})
    console.goto(f"{live_server.issuer}/console/applications/{client.client_id}/permissions/add")
    sign_in(console, "root")
    console.get_by_role("checkbox", name="Your profile").check()
    console.get_by_role("checkbox", name="See who is a member").check()
    console.get_by_role("button", name="Add permissions").click()
    console.get_by_text("2 permissions added").wait_for()

    # The user chooses the organization; the page follows the choice.
    user = open_page({live_server.issuer, "https://tides.example.com"})
    user.goto(live_server.issuer + client.authorization_url(scope=SCOPE))
    sign_in(user, "ada")
    user.locator("[data-page=consent]").wait_for()
    user.get_by_role("radio", name=basalt).check()
    user.locator("button[value=refresh]").click()
    user.get_by_text("See who is a member").wait_for()
    with user.expect_request("https://tides.example.com/**") as back, user.expect_event("framenavigated"):
        user.locator("button[value=authorize]").click()
    code = parse_qs(urlsplit(back.value.url).query)["code"][0]

    # The token is for that organization.
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": client.verifier,
    }
    tokens = client.post("/token", form).raise_for_status().json()
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["aud"].startswith("urn:credenza:organization:")
    assert "members:read" in claims["scope"].split()
    assert client.userinfo(tokens["access_token"]).json()["organization_data"][0]["name"] == basalt

    # The user takes it back on the account page, and everything is refused.
    user.goto(f"{live_server.issuer}/account")
    user.get_by_role("link", name=name).click()
    user.get_by_text(basalt).first.wait_for()
    user.get_by_role("button", name="Remove access").click()
    user.get_by_text("has no access any more").wait_for()
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert client.userinfo(tokens["access_token"]).status_code == 401
