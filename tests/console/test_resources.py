"""API resources and roles in the console, which the resources plugin brings: PRODUCT.md M6, M9, +21."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from credenza import audit
from credenza.testing import ORDERS, PageSeen, RelyingParty, UserAgent
from credenza_resources import store
from credenza_resources.console import roles

Visitor = Any  # see conftest.py
SAILS = "https://sails.example"
SAILS_PAGE = "/console/api-resources/https~3A~2F~2Fsails~2Eexample"
SAILING = {"api": {SAILS: ["sail:000"]}}
API = "/console/api-resources/https~3A~2F~2Forders~2Eexample~2Ecom"


def support(visitor: Visitor) -> str:
    (role,) = (row["id"] for row in visitor.credenza.run(store.list_roles) if row["name"] == "support")
    return f"/console/roles/{role}"


def test_apis_and_roles_are_in_the_menu_and_listed(visitor: Visitor) -> None:
    page = visitor.get("/console/api-resources")
    assert API in page.links
    assert "/console/roles" in page.links
    assert "No API matches" in visitor.get("/console/api-resources?q=zzz").text
    assert API in visitor.get("/console/api-resources?q=EXAMPLE.com+orders").links
    assert API not in visitor.get("/console/api-resources?q=orders+zzz").links
    assert "support" in visitor.get("/console/roles?q=SUP", HX_Request="true").text


def test_an_api_is_created_with_a_permission_that_applications_can_be_given(visitor: Visitor) -> None:
    page = visitor.done("/console/api-resources/create", {"name": "Ledger", "identifier": "urn:example:ledger"})
    assert "Ledger was created." in page.text
    form = next(link for link in page.links if link.endswith("/permissions/~new"))
    page = visitor.done(form, {"name": "entries:read", "description": "See the ledger"})
    assert "See the ledger" in page.text
    assert "See the ledger" in visitor.get("/console/applications/app/permissions/add").text


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("", "x"),
        ("orders", "x"),
        ("https://a b", "x"),
        ("https://a#b", "x"),
        (ORDERS, "x"),
        ("https://[x", "x"),
        ("https://new.example", ""),
        ("https://new.example", "x" * 201),
        ("https://" + "a" * 1000, "x"),
        ("//orders.example.com", "x"),
        ("/orders", "x"),
        ("orders.example.com:8443/v1", "x"),
        ("localhost:8443", "x"),
        ("https:orders", "x"),
        ("https://", "x"),
        ("urn:", "x"),
        ("1st:orders", "x"),
        ('https://a.example/"', "x"),
        ("https://a.example\\b", "x"),
        ("urn:credenza:organization:acme", "x"),
        ("javascript:alert(1)", "x"),
        ("JavaScript:alert(1)", "x"),
        ("data:text/html,x", "x"),
        ("vbscript:x", "x"),
        ("file:///etc/passwd", "x"),
        ("blob:https://a.example/1", "x"),
    ],
)
def test_an_api_that_cannot_be_is_refused(visitor: Visitor, identifier: str, name: str) -> None:
    before = visitor.credenza.run(store.list_apis)
    visitor.refused("/console/api-resources/create", {"identifier": identifier, "name": name})
    assert visitor.credenza.run(store.list_apis) == before


@pytest.mark.parametrize("identifier", ["urn:example:ledger", "https://a.example/v1?x=1", "tag:a.example,2026:orders"])
def test_any_other_absolute_uri_names_an_api(visitor: Visitor, identifier: str) -> None:
    """ "Its value MUST be an absolute URI, as specified by Section 4.3 of [RFC3986]." RFC 8707 §2."""
    visitor.done("/console/api-resources/create", {"name": "Ledger", "identifier": identifier})
    assert visitor.credenza.run(store.find_resource, identifier)["name"] == "Ledger"


def test_what_is_wrong_with_an_identifier_is_said_beside_it(visitor: Visitor) -> None:
    fields = {"name": "Ledger", "identifier": "javascript:alert(1)"}
    shown = visitor.refused("/console/api-resources/create", fields)
    assert "An identifier cannot begin with javascript:" in shown
    assert 'aria-describedby="identifier-error' in shown


@pytest.mark.parametrize(
    ("name", "description"),
    [("", "x"), ("with space", "x"), ("openid", "x"), ("orders:read", "x"), ("new:one", ""), ("ü", "x")],
)
def test_a_permission_that_cannot_be_is_refused(visitor: Visitor, name: str, description: str) -> None:
    visitor.refused(f"{API}/permissions/~new", {"name": name, "description": description})
    assert list(visitor.credenza.run(store.resource_permissions, ORDERS)) == ["orders:read", "orders:write"]


def test_the_words_of_a_permission_change_and_its_name_does_not(visitor: Visitor) -> None:
    visitor.done(f"{API}/permissions/orders~3Aread", {"name": "other", "description": "Look at orders"})
    assert visitor.credenza.run(store.resource_permissions, ORDERS)["orders:read"] == "Look at orders"
    assert "other" not in visitor.credenza.run(store.resource_permissions, ORDERS)


def test_settings_of_an_api(visitor: Visitor) -> None:
    visitor.done(API, {"name": "All orders", "description": "", "token_lifetime": "300"})
    assert visitor.credenza.run(store.find_resource, ORDERS)["token_lifetime"] == 300
    visitor.refused(API, {"name": "All orders", "token_lifetime": "-1"})
    visitor.refused(API, {"name": "", "token_lifetime": ""})


def test_deleting_says_which_roles_and_applications_use_it(visitor: Visitor) -> None:
    page = visitor.get(f"{API}/permissions/orders~3Aread/delete")
    assert re.search(r"<dt>Roles</dt><dd>1</dd>", page.html)
    assert re.search(r"<dt>Applications</dt><dd>2</dd>", page.html)
    visitor.refused(f"{API}/permissions/orders~3Aread/delete", {"confirm": "x"})
    visitor.done(f"{API}/permissions/orders~3Aread/delete", {"confirm": "orders:read"})
    assert "orders:read" not in visitor.credenza.run(store.resource_permissions, ORDERS)
    visitor.refused(f"{API}/delete", {"confirm": "orders"})
    visitor.done(f"{API}/delete", {"confirm": "Orders"})
    assert visitor.get(API).status == 404
    assert visitor.get("/console/applications/app/permissions").status == 200


def test_the_page_of_an_api_says_which_roles_and_applications_have_its_permissions(visitor: Visitor) -> None:
    page = visitor.get(API)
    assert support(visitor) in page.links
    assert "/console/applications/app" in page.links
    many = [{"name": f"<b>{number:02}", "permissions": {SAILS: ["sail:000"]}} for number in range(13)]
    declare(visitor, 1)
    assert re.search(r"<dt>Roles</dt>\s*<dd><span class=\"muted\">none</span></dd>", visitor.get(SAILS_PAGE).html)
    apps = [
        {"client_id": f"sailor-{n:02}", "name": f"Sailor {n:02}", "type": "traditional", "permissions": SAILING}
        for n in range(12)
    ]
    visitor.credenza.apply({"roles": many, "applications": apps})
    page = visitor.get(SAILS_PAGE)
    assert "&lt;b&gt;09</a>, and 3 more</dd>" in page.html
    assert "/console/applications/sailor-09" in page.links
    assert "/console/applications/sailor-10" not in page.links
    assert "Sailor 09</a>, and 2 more</dd>" in page.html


def declare(visitor: Visitor, many: int) -> None:
    names = [f"sail:{number:03}" for number in range(many)]
    permissions = [{"name": name, "description": f"Hoist {name}"} for name in names]
    visitor.credenza.apply({"api_resources": [{"identifier": SAILS, "name": "Sails", "permissions": permissions}]})


def test_of_an_api_with_very_many_permissions_a_page_is_shown(visitor: Visitor) -> None:
    """A thousand were a page of two megabytes."""
    declare(visitor, 60)
    path = SAILS_PAGE
    pages = [visitor.get(f"{path}?page={number}") for number in (1, 2, 3)]
    for page, first, shown in zip(pages, (0, 25, 50), ("1-25 of 60", "26-50 of 60", "51-60 of 60"), strict=True):
        assert shown in page.text
        links = re.findall(r'aria-label="Edit sail:(\d+)"', page.html)
        assert [int(number) for number in links] == list(range(first, min(first + 25, 60)))
        assert "sail:059" in page.html.split("Protected resource metadata")[1], "the document has all of them"
    found = visitor.get(f"{path}?q=hoist+59", HX_Request="true")
    assert found.html.lstrip().startswith('<div id="table"')
    assert re.findall(r'aria-label="Edit sail:(\d+)"', found.html) == ["059"]
    assert "No permission matches “anchor”" in visitor.get(f"{path}?q=anchor").text
    assert 'role="search"' in pages[0].html
    assert 'id="search"' not in visitor.get(API).html, "which has two"


def test_whoever_deletes_a_permission_is_back_on_the_page_that_they_came_from(visitor: Visitor) -> None:
    """Or on the last one that is left, when it was the last thing on it."""
    declare(visitor, 52)
    gone = "was deleted"
    links = [link for link in visitor.get(f"{SAILS_PAGE}?page=3").links if "/delete?" in link]
    assert links == [f"{SAILS_PAGE}/permissions/sail~3A0{number}/delete?page=3" for number in (50, 51)]
    form = visitor.get(links[0])
    assert f"{SAILS_PAGE}?page=3" in form.links, "Cancel"
    assert f'action="{links[0]}"' in visitor.refused(links[0], {"confirm": "sail:000"})
    page = visitor.done(links[0], {"confirm": "sail:050"})
    assert ("51-51 of 51" in page.text, gone in page.text) == (True, True)
    page = visitor.done(links[1], {"confirm": "sail:051"})
    assert ("26-50 of 50" in page.text, gone in page.text) == (True, True)
    path = f"{SAILS_PAGE}/permissions/sail~3A030?page=2"
    assert f'action="{path}"' in visitor.get(path).html
    assert "26-50 of 50" in visitor.done(path, {"description": "Sail"}).text


def test_of_very_many_permissions_a_role_has_those_that_are_not_on_the_page(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three thousand were a page of 850 kB. What is saved is this page of the list; the rest stays as it is."""
    monkeypatch.setattr(roles, "SHOWN", 4)
    declare(visitor, 12)
    own = [f"sail:{number:03}" for number in (1, 3, 5, 7, 9, 11)]
    visitor.credenza.apply({"roles": [{"name": "support", "permissions": {SAILS: own}}]})
    path = support(visitor)

    def has() -> list[str]:
        stored = visitor.credenza.run(store.role_permissions, path.rpartition("/")[2])
        return [name for names in stored.values() for name in names]

    def listed(page: PageSeen) -> list[str]:
        return re.findall(r'name="listed" value="\S+ ([^"]+)"', page.html)

    first, last = visitor.get(path), visitor.get(f"{path}?page=4")
    assert "1-4 of 14" in first.text
    assert listed(first) == own[:4], "its own are the first"
    assert listed(last) == ["sail:008", "sail:010"]
    assert f'action="{path}?page=4"' in last.html
    shown = [("name", "support"), ("listed", "some")]
    rows = [("listed", f"{SAILS} {name}") for name in own[:4]]
    answer = visitor.post(path, [*shown, *rows, ("permission", f"{SAILS} {own[0]}")])
    assert answer.headers["location"].endswith(path)
    assert has() == [own[0], *own[4:]]
    rows = [("listed", f"{SAILS} {name}") for name in ("sail:008", "sail:010")]
    visitor.done(f"{path}?page=4", [*shown, *rows, ("permission", f"{SAILS} sail:008")])
    assert has() == [own[0], "sail:008", *own[4:]]
    nothing = visitor.get(f"{path}?q=anchor")
    assert "No permission matches “anchor”" in nothing.text
    visitor.done(f"{path}?q=anchor", shown)
    assert has() == [own[0], "sail:008", *own[4:]], "nothing was on the page"
    assert listed(visitor.get(f"{path}?q=hoist+005")) == ["sail:005"]
    visitor.refused(path, [*shown, ("permission", f"{SAILS} anchor")])
    assert 'name="listed"' in visitor.get("/console/roles/create").html
    gone = visitor.get(f"{path}?page=9")
    assert "This page of the list is gone" in gone.text
    assert "of 14" not in gone.text
    visitor.done(f"{path}?page=9", shown)
    assert has() == [own[0], "sail:008", *own[4:]]


def test_what_was_ticked_on_a_page_of_permissions_stays_on_it_when_somebody_else_has_changed_the_role(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the role has got meanwhile comes first: all others moved on, and some to the next page."""
    monkeypatch.setattr(roles, "SHOWN", 4)
    declare(visitor, 12)
    path = support(visitor)
    role = path.rpartition("/")[2]
    visitor.credenza.run(store.set_role_permissions, role, {})
    here = f"{path}?page=2"
    page = visitor.get(here).html
    seen = re.findall(r'name="seen" value="([^"]+)"', page)[0]
    listed = re.findall(r'name="listed" value="([^"]+)"', page)[1:]
    assert len(listed) == 4
    fields = [("name", "support"), ("listed", "some"), *(("listed", key) for key in listed)]
    ticked = [("permission", listed[-1])]
    visitor.credenza.run(store.set_role_permissions, role, {SAILS: ["sail:011"]})
    html = visitor.refused(here, [*fields, ("seen", seen), *ticked])
    assert re.findall(r'name="listed" value="([^"]+)"', html)[1:] == listed
    assert re.findall(r'name="permission" value="([^"]+)" checked', html) == [listed[-1]]
    seen = re.findall(r'name="seen" value="([^"]+)"', html)[0]
    visitor.done(here, [*fields, ("seen", seen), *ticked])
    stored = visitor.credenza.run(store.role_permissions, role)
    assert stored == {SAILS: [listed[-1].split()[1], "sail:011"]}


def test_whoever_may_only_look_finds_permissions_too(
    administrator: Callable[[str], Visitor], visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in a fieldset that is disabled cannot be typed into, also where it belongs to another form."""
    monkeypatch.setattr(roles, "SHOWN", 1)
    html = administrator("read-only").get(support(visitor)).html
    fieldsets = re.findall(r"<fieldset[^>]* disabled>.*?</fieldset>", html, re.DOTALL)
    assert len(fieldsets) == 2
    assert all("<input" in fieldset and 'form="search"' not in fieldset for fieldset in fieldsets)
    assert 'form="search"' in html


def test_a_role_is_created_with_permissions(visitor: Visitor) -> None:
    fields = [("name", "clerk"), ("description", "Writes"), ("permission", f"{ORDERS} orders:write"), ("default", "on")]
    page = visitor.done("/console/roles/create", fields)
    assert "clerk was created." in page.text
    assert "Nobody holds it yet." in page.text
    row = next(row for row in visitor.credenza.run(store.list_roles) if row["name"] == "clerk")
    assert row["default"]
    assert visitor.credenza.run(store.role_permissions, row["id"]) == {ORDERS: ["orders:write"]}


@pytest.mark.parametrize(
    "fields",
    [
        [("name", "")],
        [("name", "support")],
        [("name", "x" * 101)],
        [("name", "new"), ("permission", f"{ORDERS} orders:everything")],
        [("name", "new"), ("description", "x" * 1001)],
    ],
)
def test_a_role_that_cannot_be_is_refused(visitor: Visitor, fields: list[tuple[str, str]]) -> None:
    visitor.refused("/console/roles/create", fields)
    assert [row["name"] for row in visitor.credenza.run(store.list_roles)] == ["support"]


def test_a_permission_taken_from_a_role_is_gone_from_the_next_token(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    wanted = {"scope": "openid orders:read", "resource": ORDERS}
    tokens = client.tokens(user_agent.authorize(client, **wanted))
    assert "orders:read" in tokens["scope"].split()
    visitor.done(support(visitor), {"name": "support"})
    tokens = client.tokens(user_agent.authorize(client, **wanted))
    assert "orders:read" not in tokens["scope"].split()


def test_a_role_is_deleted_after_its_name_is_typed(visitor: Visitor) -> None:
    path = f"{support(visitor)}/delete"
    assert re.search(r"<dt>Holders</dt><dd>1</dd>", visitor.get(path).html)
    visitor.refused(path, {"confirm": ""})
    visitor.done(path, {"confirm": "support"})
    assert visitor.credenza.run(store.list_roles) == []


def test_a_role_gives_nothing_before_the_first_of_very_many_loses_it(visitor: Visitor, left: list[int]) -> None:
    """If it stops in the middle, it gives nothing, nobody new gets it, and it can be deleted once more."""
    people = [{"username": name, "roles": ["support"]} for name in ("ada", "grace")]
    permissions = {ORDERS: ["orders:read"]}
    visitor.credenza.apply(
        {"roles": [{"name": "support", "permissions": permissions, "default": True}], "users": people}
    )
    path = f"{support(visitor)}/delete"
    assert visitor.post(path, {"confirm": "support"}).status_code == 503
    (row,) = visitor.credenza.run(store.list_roles)
    assert not row["default"]
    assert visitor.credenza.run(store.role_permissions, row["id"]) == {}
    assert left == [1]
    visitor.credenza.apply({"roles": []}, prune=True)
    assert left == [1, 0, 0]
    assert visitor.credenza.run(store.list_roles) == []
    events = visitor.credenza.run(audit.list_events, name="ObjectChanged")
    actions = [event.data["action"] for event in events if event.data["kind"] == "role"]
    assert actions[:3] == ["deleted", "withdrawn", "withdrawn"]


def changes_of(visitor: Visitor, kind: str) -> list[Any]:
    """What was changed in the console, the newest first."""
    events = visitor.credenza.run(audit.list_events, name="ObjectChanged")
    return [event.data for event in events if event.data["kind"] == kind and event.actor != "desired state"]


def test_the_audit_log_says_what_of_a_role_changed_and_nothing_when_nothing_did(visitor: Visitor) -> None:
    path, name = support(visitor), ("name", "support")
    kept = [("permission", key) for key in visitor.get(path).forms[0].checked("permission")]
    visitor.done(path, [name, ("description", "Answers the telephone"), *kept])
    (change,) = changes_of(visitor, "role")
    assert change["before"] == {**change["after"], "description": ""}
    assert change["after"]["description"] == "Answers the telephone"
    visitor.done(path, [name, ("description", "Answers the telephone"), *kept])
    assert len(changes_of(visitor, "role")) == 1
    visitor.done(f"{path}/delete", {"confirm": "support"})
    deleted = changes_of(visitor, "role")[0]
    assert (deleted["action"], deleted["before"]) == ("deleted", change["after"])


def test_the_audit_log_says_what_a_permission_was(visitor: Visitor) -> None:
    path, words = f"{API}/permissions/orders~3Aread", {"description": "Look at your orders"}
    visitor.done(path, words)
    visitor.done(path, words)
    (change,) = changes_of(visitor, "api_permission")
    assert change["after"] == words
    visitor.done(f"{path}/delete", {"confirm": "orders:read"})
    assert changes_of(visitor, "api_permission")[0]["before"] == words


def test_a_user_is_given_roles_on_their_page(visitor: Visitor) -> None:
    from credenza import users

    grace = visitor.credenza.run(users.find_user_by_identifier, "grace")
    page = visitor.get(f"/console/users/{grace.id}")
    assert f"/console/users/{grace.id}/roles" in page.links
    role = support(visitor).rpartition("/")[2]
    visitor.done(f"/console/users/{grace.id}/roles", {"role": role})
    visitor.done(f"/console/users/{grace.id}/roles", {"role": role})
    assert len(changes_of(visitor, "user roles")) == 1, "nothing changed the second time"
    assert visitor.credenza.run(store.user_roles, grace.id) == {role: "support"}
    visitor.refused(f"/console/users/{grace.id}/roles", [("role", role), ("role", "nothing")])
    assert visitor.credenza.run(store.user_roles, grace.id) == {role: "support"}
    visitor.done(f"/console/users/{grace.id}/roles")
    assert visitor.credenza.run(store.user_roles, grace.id) == {}


def test_a_machine_to_machine_application_holds_roles_and_others_do_not(visitor: Visitor) -> None:
    role = support(visitor).rpartition("/")[2]
    assert "/console/applications/machine/roles" in visitor.get("/console/applications/machine").links
    for _ in "twice":
        visitor.done("/console/applications/machine/roles", {"role": role})
    assert len(changes_of(visitor, "application roles")) == 1, "nothing changed the second time"
    assert list(visitor.credenza.run(store.client_roles, "machine")) == ["support"]
    assert "/console/applications/app/roles" not in visitor.get("/console/applications/app").links
    assert visitor.post("/console/applications/app/roles", {"role": role}).status_code == 404


def test_a_role_with_markup_for_a_name_is_text(visitor: Visitor) -> None:
    evil = '<img src=x onerror="alert(1)">'
    page = visitor.done("/console/roles/create", {"name": evil})
    assert "<img src=x" not in page.html
    assert "<img src=x" not in visitor.get("/console/roles").html


def test_who_holds_a_role_is_listed_and_searched(visitor: Visitor) -> None:
    visitor.credenza.apply({"users": [{"username": "grace", "roles": ["support"]}]})
    role = support(visitor)
    assert f"{role}/holders" in visitor.get(role).links
    assert "Held by 2 users and 0 applications." in visitor.get(role).text
    page = visitor.get(f"{role}/holders")
    assert "ada@example.com" in page.text
    assert "grace@example.com" in page.text
    found = visitor.get(f"{role}/holders?q=grace", HX_Request="true").text
    assert "grace@example.com" in found
    assert "ada@example.com" not in found
    assert "Nobody matches" in visitor.get(f"{role}/holders?q=nobody", HX_Request="true").text
    assert visitor.get("/console/roles/none/holders").status == 404
