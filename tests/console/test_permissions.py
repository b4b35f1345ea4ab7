"""The Permissions tab: PRODUCT.md M7, +17, +21."""

from __future__ import annotations

import re
from typing import Any

from credenza import Permission, clients
from credenza.testing import ORDERS, RelyingParty, UserAgent

Visitor = Any  # see conftest.py
PATH = "/console/applications/app/permissions"
EMAIL = Permission("profile", "", "email")
ADDRESS = Permission("profile", "", "address")
READ = Permission("api", ORDERS, "orders:read")


def ceiling(visitor: Visitor, client_id: str = "app") -> dict[Permission, bool]:
    found = visitor.credenza.run(clients.find_client, client_id, visitor.credenza.server.client_types)
    return dict(found.ceiling)


def test_two_halves_with_what_is_enabled_in_the_words_that_users_read(visitor: Visitor) -> None:
    page = visitor.get(PATH)
    assert "User data" in page.text
    assert "Organization data" in page.text
    assert "Your email address" in page.text
    assert "See your orders" in page.text
    assert "Your postal address" not in page.text


def test_what_is_enabled_stands_in_the_order_of_the_picker(visitor: Visitor) -> None:
    visitor.done(f"{PATH}/add", [("permission", "membership urn:credenza:scope:organizations")])
    headings = re.compile(r"<(?:h3|legend)>([^<]+?) *<")
    shown, offered = (headings.findall(visitor.get(path).html) for path in (PATH, f"{PATH}/add"))
    assert {"User profile", "Membership", "Orders"} <= set(shown)
    assert [name for name in offered if name in shown] == shown


def test_organizations_without_permissions_are_no_missing_plugin(visitor: Visitor) -> None:
    """Which nobody would look for under Plugins, where it is."""
    visitor.credenza.apply({"api_resources": [], "organization_template": {"permissions": [], "roles": []}}, prune=True)
    page = visitor.get(PATH)
    assert "No permissions of organizations have been created yet." in page.text
    assert "No plugin" not in page.text


def test_the_picker_offers_everything_else_by_source_and_api(visitor: Visitor) -> None:
    page = visitor.get(f"{PATH}/add")
    offered = page.forms[0].values_of("permission")
    assert ADDRESS.key in offered
    assert EMAIL.key not in offered
    assert "openid openid" not in offered
    assert "Orders" in page.text


def test_permissions_are_added_required_or_optional(visitor: Visitor) -> None:
    page = visitor.done(f"{PATH}/add", [("permission", ADDRESS.key), ("optional", "on")])
    assert "1 permission added." in page.text
    assert ceiling(visitor)[ADDRESS] is False
    assert ceiling(visitor)[EMAIL] is True


def test_adding_what_is_enabled_already_changes_nothing_about_it(visitor: Visitor) -> None:
    before = ceiling(visitor)
    visitor.done(f"{PATH}/add", [("permission", EMAIL.key), ("optional", "on")])
    assert ceiling(visitor) == before


def test_what_no_source_knows_refuses_the_whole_form(visitor: Visitor) -> None:
    before = ceiling(visitor)
    visitor.refused(f"{PATH}/add", [("permission", ADDRESS.key), ("permission", "api https://evil.example admin")])
    visitor.refused(f"{PATH}/add", [])
    assert ceiling(visitor) == before


def test_a_permission_is_made_optional_and_required_again(visitor: Visitor) -> None:
    visitor.done(PATH, {"permission": EMAIL.key})
    assert ceiling(visitor)[EMAIL] is False
    visitor.done(PATH, {"permission": EMAIL.key, "required": "on"})
    assert ceiling(visitor)[EMAIL] is True
    assert visitor.post(PATH, {"permission": ADDRESS.key}).status_code == 404


def test_removing_says_what_it_touches_and_the_next_token_lacks_it(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    tokens = client.tokens(user_agent.authorize(client))
    page = visitor.get(f"{PATH}/remove?permission=profile+email")
    assert re.search(r"<dt>Consents</dt><dd>1</dd>", page.html)
    assert EMAIL in ceiling(visitor)
    assert re.search(r"<dt>Live tokens</dt><dd>1</dd>", page.html)
    typed = visitor.refused(f"{PATH}/remove", {"permission": EMAIL.key, "confirm": "emial"})
    assert 'value="emial"' in typed
    assert EMAIL in ceiling(visitor)
    visitor.done(f"{PATH}/remove", {"permission": EMAIL.key, "confirm": "email"})
    assert EMAIL not in ceiling(visitor)
    assert "email" not in client.userinfo(tokens["access_token"]).json()


def test_a_permission_that_nobody_was_given_touches_no_consent(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    user_agent.authorize(client)
    page = visitor.get(f"{PATH}/remove?permission=profile+phone")
    assert re.search(r"<dt>Consents</dt><dd>0</dd>.*<dt>Live tokens</dt><dd>0</dd>", page.html, re.DOTALL)
    visitor.done(f"{PATH}/remove", {"permission": "profile phone"})


def test_what_was_done_is_said_in_any_script(visitor: Visitor) -> None:
    """In a cookie, of which browsers keep 4,096 characters."""
    words = "注文を見る" * 100
    long = [{"name": "long", "description": words}]
    visitor.credenza.apply({"api_resources": [{"identifier": ORDERS, "name": "Orders", "permissions": long}]})
    visitor.done(f"{PATH}/add", [("permission", f"api {ORDERS} long")])
    answer = visitor.post(f"{PATH}/remove", {"permission": f"api {ORDERS} long"})
    (kept,) = [line for line in answer.headers.get_list("set-cookie") if "notice" in line]
    assert len(kept.partition(";")[0]) <= 4096
    assert f"{words} was removed." in visitor.get(PATH).text


def test_a_removal_that_names_nothing_is_not_there(visitor: Visitor) -> None:
    before = ceiling(visitor)
    for key in ("", "profile nothing", "x" * 5000):
        assert visitor.post(f"{PATH}/remove", {"permission": key}).status_code == 404
    assert ceiling(visitor) == before


def test_an_application_of_our_own_has_no_ceiling_to_edit(visitor: Visitor) -> None:
    page = visitor.get("/console/applications/own/permissions")
    assert "may ask for everything" in page.text
    assert visitor.get("/console/applications/own/permissions/add").status == 404
    assert visitor.post("/console/applications/own/permissions/add", {"permission": EMAIL.key}).status_code == 404


def test_a_machine_to_machine_application_of_our_own_has_one(visitor: Visitor) -> None:
    visitor.done("/console/applications/machine/permissions/remove", {"permission": READ.key})
    assert ceiling(visitor, "machine") == {}


def test_an_application_that_acts_for_itself_is_offered_what_it_can_have(visitor: Visitor) -> None:
    """No user signs in to it: it has no profile to read, nobody who declines, and no page that somebody sees."""
    address = "/console/applications/machine"
    page = visitor.get(f"{address}/permissions")
    assert "Its own permissions" in page.text
    for about_people in ("User data", "Organization data", "Users must", "Required", "Make optional"):
        assert about_people not in page.text
    assert not {f"{address}/users", f"{address}/branding"} & set(page.links)
    visitor.done(f"{address}/permissions/remove", {"permission": READ.key})
    assert "who the user is" not in visitor.get(address).text
    page = visitor.get(f"{address}/permissions/add")
    assert {key.split()[0] for key in page.forms[0].values_of("permission")} == {"api"}
    assert "decline" not in page.text
    visitor.refused(f"{address}/permissions/add", {"permission": EMAIL.key})
    visitor.done(f"{address}/permissions/add", {"permission": READ.key})
    assert ceiling(visitor, "machine") == {READ: True}
