"""Organizations in the console: the list, settings, members, and the panel on a user. PRODUCT.md M23."""

from __future__ import annotations

import re
from typing import Any

import pytest

from credenza import audit
from credenza.store import clearing
from credenza.testing import PageSeen, RelyingParty, UserAgent
from credenza_organizations import store
from credenza_organizations.console import panel

Visitor = Any  # see conftest.py
EVIL = '<img src=x onerror="alert(1)">'
WANTED = "openid profile urn:credenza:scope:organizations members:read members:write"


def members(visitor: Visitor, organization: str) -> dict[str, list[str]]:
    """User names to names of roles."""
    found = visitor.credenza.run(store.members_of, visitor.ids[organization])
    return {name: found[visitor.user(name).id] for name in ("ada", "grace", "root") if visitor.user(name).id in found}


def test_organizations_are_in_the_menu_listed_searched_and_sorted(visitor: Visitor) -> None:
    page = visitor.get("/console/organizations")
    assert {"/console/organization-template", visitor.at("Acme"), visitor.at("Basalt")} <= set(page.links)
    assert page.html.index("Acme") < page.html.index("Basalt")
    page = visitor.get("/console/organizations?sort=-name")
    assert page.html.index("Basalt") < page.html.index("Acme")
    assert visitor.at("Acme") not in visitor.get("/console/organizations?q=bas").links
    assert "No organization matches" in visitor.get("/console/organizations?q=zzz").text


def test_the_list_has_pages(visitor: Visitor) -> None:
    visitor.credenza.apply({"organizations": [{"name": f"Customer {n:02}"} for n in range(30)]})
    assert "1-25 of 32" in visitor.get("/console/organizations").text
    assert "Customer 29" in visitor.get("/console/organizations?page=2").text


def test_without_organizations_the_next_step_is_said(admin: UserAgent) -> None:
    page = admin.get("/console/organizations")
    assert isinstance(page, PageSeen)
    assert "No organizations yet" in page.text
    assert page.links.count("/console/organizations/create") == 2


def test_an_organization_is_created(visitor: Visitor) -> None:
    page = visitor.done("/console/organizations/create", {"name": "Cobalt", "description": "Blue"})
    assert "Cobalt was created." in page.text
    assert "Blue" in page.text
    event = visitor.change("organization")
    assert (event.target, event.data["action"], event.data["after"]["name"]) == ("Cobalt", "created", "Cobalt")


@pytest.mark.parametrize(
    "fields",
    [{"name": ""}, {"name": "x" * 201}, {"name": "a\x07"}, {"name": "Kept words", "description": "x" * 1001}],
)
def test_an_organization_that_cannot_be_is_refused_with_the_form_as_typed(
    visitor: Visitor, fields: dict[str, str]
) -> None:
    html = visitor.refused("/console/organizations/create", fields)
    assert fields["name"] in html
    html = visitor.refused(visitor.at("Acme"), fields)
    assert fields["name"] in html
    assert visitor.credenza.run(store.count_organizations) == 2


def test_settings_are_changed_and_noted(visitor: Visitor) -> None:
    page = visitor.done(visitor.at("Acme"), {"name": "Acme Ltd", "description": "Anvils", "suspended": "on"})
    assert "Acme Ltd" in page.text
    row = visitor.credenza.run(store.find_organization, visitor.ids["Acme"])
    assert (row["name"], row["description"], bool(row["suspended"])) == ("Acme Ltd", "Anvils", False)
    event = visitor.change("organization")
    assert event.data["before"] == {"name": "Acme", "description": ""}
    assert event.data["after"] == {"name": "Acme Ltd", "description": "Anvils"}


def test_suspending_says_whom_it_touches_and_can_be_taken_back(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    user_agent.get(client.authorization_url(scope=WANTED))
    user_agent.sign_in("ada")
    tokens = client.tokens(user_agent.decide(organization=visitor.ids["Acme"]))
    page = visitor.get(visitor.at("Acme", "/suspension"))
    assert re.search(r"<dt>Members</dt><dd>1</dd>", page.html)
    assert re.search(r"<dt>Consents</dt><dd>1</dd>", page.html)
    assert re.search(r"<dt>Consents</dt><dd>0</dd>", visitor.get(visitor.at("Basalt", "/suspension")).html)
    assert "Suspended" in visitor.done(visitor.at("Acme", "/suspension"), {"suspended": "on"}).text
    assert visitor.change("organization").data["action"] == "suspended"
    assert client.introspect(tokens["access_token"]) == {"active": False}
    visitor.done(visitor.at("Acme", "/suspension"))
    assert client.introspect(tokens["access_token"])["active"]
    visitor.done(visitor.at("Acme", "/suspension"))
    events = visitor.credenza.run(audit.list_events, name="ObjectChanged")
    assert [event.data["action"] for event in events].count("reactivated") == 1, "nothing was changed by the second"


def test_an_organization_is_deleted_after_its_name_is_typed(visitor: Visitor) -> None:
    path = visitor.at("Acme", "/delete")
    assert re.search(r"<dt>Members</dt><dd>1</dd>", visitor.get(path).html)
    assert 'value="Basalt"' in visitor.refused(path, {"confirm": "Basalt"})
    assert "Acme was deleted." in visitor.done(path, {"confirm": "Acme"}).text
    assert visitor.get(visitor.at("Acme")).status == 404


def test_one_with_very_many_members_is_suspended_and_goes_a_little_at_a_time(
    visitor: Visitor,
    user_agent: UserAgent,
    client: RelyingParty,
    left: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If it stops in the middle, nothing of it is in force, and it can be deleted once more."""
    everybody = [{"username": name, "roles": ["owner"]} for name in ("ada", "grace", "root")]
    visitor.credenza.apply({"organizations": [{"name": "Acme", "members": everybody}]})
    user_agent.get(client.authorization_url(scope=WANTED))
    user_agent.sign_in("ada")
    tokens = client.tokens(user_agent.decide(organization=visitor.ids["Acme"]))
    monkeypatch.setattr(clearing, "LARGE", 2)
    path = visitor.at("Acme", "/delete")
    assert visitor.post(path, {"confirm": "Acme"}).status_code == 503
    assert left == [2]
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert "Suspended" in visitor.get(visitor.at("Acme")).text
    monkeypatch.setattr(clearing, "LARGE", 1)
    assert "Acme was deleted." in visitor.done(path, {"confirm": "Acme"}).text
    assert left == [2, 1, 0, 0, 0], "the members, and no invitations"
    events = visitor.credenza.run(audit.list_events, name="ObjectChanged")
    assert [event.data["action"] for event in events if event.data["kind"] == "organization"][:2] == [
        "deleted",
        "suspended",
    ]


def test_members_are_listed_with_roles_searched_and_paged(visitor: Visitor) -> None:
    page = visitor.get(visitor.at("Acme", "/members"))
    assert "ada" in page.text
    assert "owner" in page.text
    assert "grace" not in page.text
    assert "No member matches" in visitor.get(visitor.at("Acme", "/members?q=grace")).text
    people = [{"username": f"user{n:02}", "password": "correct horse battery staple"} for n in range(26)]
    everybody = [{"username": person["username"], "roles": []} for person in people]
    visitor.credenza.apply({"users": people, "organizations": [{"name": "Basalt", "members": everybody}]})
    assert "1-25 of 27" in visitor.get(visitor.at("Basalt", "/members")).text
    assert "user25" in visitor.get(visitor.at("Basalt", "/members?page=2")).text
    assert "user25" in visitor.get(visitor.at("Basalt", "/members?sort=-username")).text


def test_whoever_removes_a_member_is_back_on_the_page_that_they_came_from(visitor: Visitor) -> None:
    people = [{"username": f"user{n:02}"} for n in range(26)]
    everybody = [{"username": person["username"], "roles": []} for person in people]
    visitor.credenza.apply({"users": people, "organizations": [{"name": "Basalt", "members": everybody}]})
    page = visitor.get(visitor.at("Basalt", "/members?page=2&sort=-username"))
    one, other = [link for link in page.links if link.endswith("/remove?sort=-username&page=2")]
    assert "26-26 of 26" in visitor.done(one, {"confirm": "user00"}).text
    first = visitor.done(other, {"confirm": "grace"}).html
    assert ("was removed" in first, "user25" in first, "page=2" in first) == (True, True, False)


def test_a_member_added_in_the_console_can_choose_the_organization(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    user_agent.get(client.authorization_url(scope=WANTED))
    page = user_agent.sign_in("grace")
    assert isinstance(page, PageSeen)
    assert page.forms[0].values_of("organization") == [visitor.ids["Basalt"]]
    visitor.done(visitor.at("Acme", "/members/add"), {"user": "Grace", "role": visitor.role("owner")})
    assert members(visitor, "Acme") == {"ada": ["owner"], "grace": ["owner"]}
    event = visitor.change("member")
    assert (event.target, event.data["after"]) == ("grace of Acme", {"roles": ["owner"]})
    page = user_agent.get(client.authorization_url(scope=WANTED))
    assert isinstance(page, PageSeen)
    assert page.forms[0].values_of("organization") == [visitor.ids["Acme"], visitor.ids["Basalt"]]
    tokens = client.tokens(user_agent.decide(organization=visitor.ids["Acme"]))
    assert {"members:read", "members:write"} <= set(tokens["scope"].split())


def test_a_member_is_named_on_any_keyboard(visitor: Visitor) -> None:
    visitor.credenza.apply({"users": [{"username": "zoë"}, {"username": "rené"}]})
    visitor.done(visitor.at("Acme", "/members/add"), {"user": "zoe\u0308", "role": visitor.role("guest")})
    members_in_file = [{"username": "rene\u0301"}, {"username": "zoe\u0308", "roles": ["guest"]}]
    visitor.credenza.apply({"organizations": [{"name": "Acme", "members": members_in_file}]})
    found = visitor.credenza.run(store.members_of, visitor.ids["Acme"], by="username")
    assert found.keys() == {"ada", "rené", "zoë"}
    invited = {"email": "zoe@mu\u0308nchen.example", "role": visitor.role("guest")}
    assert "zoe@münchen.example" in visitor.done(visitor.at("Acme", "/invitations/create"), invited).text


@pytest.mark.parametrize("typed", ["", "nobody", "ada", "x" * 400])
def test_who_cannot_be_added_is_refused_with_the_form_as_typed(visitor: Visitor, typed: str) -> None:
    html = visitor.refused(visitor.at("Acme", "/members/add"), {"user": typed, "role": visitor.role("guest")})
    assert f'value="{typed}"' in html
    assert re.search(rf'value="{visitor.role("guest")}" checked', html)
    assert members(visitor, "Acme") == {"ada": ["owner"]}


def test_a_role_that_does_not_exist_refuses_the_whole_form(visitor: Visitor) -> None:
    """SECURITY A-ORG-02: "one foreign among ten → whole action refused"."""
    fields = [("user", "grace"), ("role", visitor.role("guest")), ("role", "something")]
    visitor.refused(visitor.at("Acme", "/members/add"), fields)
    visitor.refused(visitor.at("Acme", f"/members/{visitor.user('ada').id}"), fields[1:])
    assert members(visitor, "Acme") == {"ada": ["owner"]}


def test_the_roles_of_a_member_change_in_one_organization_only(visitor: Visitor) -> None:
    path = f"/members/{visitor.user('ada').id}"
    assert visitor.at("Acme", f"{path}?sort=username") in visitor.get(visitor.at("Acme", "/members")).links
    page = visitor.get(visitor.at("Acme", path))
    assert f"/console/users/{visitor.user('ada').id}" in page.links
    assert page.forms[0].checked("role") == [visitor.role("owner")]
    visitor.done(visitor.at("Acme", path), {"role": visitor.role("guest")})
    assert members(visitor, "Acme") == {"ada": ["guest"]}
    event = visitor.change("member")
    assert (event.data["before"], event.data["after"]) == ({"roles": ["owner"]}, {"roles": ["guest"]})
    visitor.done(visitor.at("Acme", path))
    assert members(visitor, "Acme") == {"ada": []}


def test_a_member_is_removed_after_the_name_is_typed(visitor: Visitor) -> None:
    path = visitor.at("Acme", f"/members/{visitor.user('ada').id}/remove")
    assert re.search(r"<dt>Roles here</dt><dd>1</dd>", visitor.get(path).html)
    visitor.refused(path, {"confirm": "grace"})
    assert "No members yet" in visitor.done(path, {"confirm": "ada"}).text
    assert visitor.change("member").data["before"] == {"roles": ["owner"]}


def test_members_and_invitations_are_reached_through_their_own_organization_only(visitor: Visitor) -> None:
    """SECURITY R-CO-02, A-ORG-01: foreign ids are answered like ids that do not exist."""
    ada = visitor.user("ada").id
    page = visitor.done(visitor.at("Acme", "/invitations/create"), {"email": "x@example.com"})
    own = next(link for link in page.links if "/revoke?" in link)
    foreign = own.replace(visitor.ids["Acme"], visitor.ids["Basalt"])
    assert visitor.get(own).status == 200
    for path in (f"/members/{ada}", f"/members/{ada}/remove", "/members/something", "/invitations/something/revoke"):
        assert visitor.get(visitor.at("Basalt", path)).status == 404
        assert visitor.post(visitor.at("Basalt", path), {"confirm": "ada"}).status_code == 404
    assert visitor.get(foreign).status == 404
    assert visitor.post(foreign).status_code == 404
    for path in ("", "/suspension", "/delete", "/members", "/members/add", "/invitations", "/invitations/create"):
        assert visitor.get(f"/console/organizations/something{path}").status == 404
    assert visitor.get(own).status == 200
    assert members(visitor, "Acme") == {"ada": ["owner"]}


def test_a_form_without_its_token_changes_nothing(visitor: Visitor) -> None:
    ada = visitor.user("ada").id
    for path, fields in {
        "": {"name": "Other"},
        "/suspension": {"suspended": "on"},
        "/delete": {"confirm": "Acme"},
        "/members/add": {"user": "grace"},
        f"/members/{ada}": {},
        f"/members/{ada}/remove": {"confirm": "ada"},
        "/invitations/create": {"email": "x@example.com"},
    }.items():
        assert visitor.post(visitor.at("Acme", path), fields, token="0" * 64).status_code == 403
    assert visitor.credenza.run(store.find_organization, visitor.ids["Acme"])["name"] == "Acme"
    assert members(visitor, "Acme") == {"ada": ["owner"]}


@pytest.mark.parametrize(("role", "status"), [("read-only", 200), ("applications", 403)])
def test_an_administrators_role_says_who_sees_organizations(visitor: Visitor, role: str, status: int) -> None:
    visitor.credenza.apply({"users": [{"username": "grace", "administrator": role}]})
    agent = UserAgent(visitor.credenza)
    agent.get("/console")
    agent.sign_in("grace")
    grace = type(visitor)(agent, visitor.ids)
    for path in ("/console/organizations", "/console/organization-template", visitor.at("Acme", "/members")):
        page = grace.get(path)
        assert page.status == status
        assert not [link for link in page.links if link.endswith(("/create", "/add", "/remove", "~new"))]
    for path in ("/members/add", "/invitations/create", "/delete"):
        assert grace.get(visitor.at("Acme", path)).status == 403
        assert grace.post(visitor.at("Acme", path)).status_code == 403


def test_names_with_markup_are_text(visitor: Visitor) -> None:
    page = visitor.done("/console/organizations/create", {"name": EVIL, "description": EVIL})
    address = next(link for link in page.links if link.endswith("/members")).removesuffix("/members")
    visitor.done(f"{address}/members/add", {"user": "ada"})
    ada = visitor.user("ada").id
    paths = ("", "/suspension", "/delete", "/members", f"/members/{ada}", f"/members/{ada}/remove", "/invitations")
    for path in ["/console/organizations", f"/console/users/{ada}", *(address + path for path in paths)]:
        page = visitor.get(path)
        assert page.status == 200
        assert "<img src=x" not in page.html
        assert EVIL in page.text


def test_of_very_many_organizations_the_page_of_a_user_has_some(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel, "SHOWN", 1)
    ada = visitor.user("ada").id
    assert "more." not in visitor.get(f"/console/users/{ada}").text
    visitor.credenza.run(store.add_member, visitor.ids["Basalt"], ada, [], 1)
    page = visitor.get(f"/console/users/{ada}")
    assert visitor.at("Acme") in page.links
    assert visitor.at("Basalt") not in page.links
    assert "And in 1 more." in page.text


def test_the_page_of_a_user_lists_organizations_and_roles(visitor: Visitor) -> None:
    ada = visitor.user("ada").id
    page = visitor.get(f"/console/users/{ada}")
    assert {visitor.at("Acme"), visitor.at("Acme", f"/members/{ada}")} <= set(page.links)
    assert "owner" in page.text
    assert visitor.at("Basalt") not in page.links
    visitor.done(visitor.at("Acme", "/suspension"), {"suspended": "on"})
    assert "Suspended" in visitor.get(f"/console/users/{ada}").text
    assert "A member of no organization" in visitor.get(f"/console/users/{visitor.user('root').id}").text
