"""The template that organizations share, in the console: permissions and roles. PRODUCT.md M23, +21."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest

from credenza import StateError
from credenza.testing import ORDERS, Credenza, RelyingParty, UserAgent
from credenza_organizations import template

Visitor = Any  # see conftest.py
HERE = "/console/organization-template"
EVIL = '<img src=x onerror="alert(1)">'


def roles(visitor: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = visitor.credenza.run(template.template_roles)
    return found


def permissions(visitor: Visitor) -> dict[str, str]:
    found: dict[str, str] = visitor.credenza.run(template.template_permissions)
    return found


def test_the_template_lists_permissions_and_roles(visitor: Visitor) -> None:
    page = visitor.get(HERE)
    assert "See who is a member" in page.text
    assert f"{HERE}/roles/{visitor.role('owner')}" in page.links
    assert "3 permissions" in page.text


def test_an_empty_template_says_the_next_step(admin: UserAgent) -> None:
    text = getattr(admin.get(HERE), "text", "")
    assert "No permissions yet" in text
    assert "No roles yet" in text


def test_a_permission_is_added_and_applications_can_be_given_it(visitor: Visitor) -> None:
    page = visitor.done(f"{HERE}/permissions/~new", {"name": "bills:read", "description": "See the bills"})
    assert "See the bills" in page.text
    assert "See the bills" in visitor.get("/console/applications/app/permissions/add").text


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("", "x"),
        ("with space", "x"),
        ("members:read", "x"),
        ("openid", "x"),
        ("profile", "x"),
        ("urn:credenza:scope:organizations", "x"),
        ("new:one", ""),
        ("new:one", "x" * 501),
        ("ü", "x"),
        ("x" * 256, "x"),
    ],
)
def test_a_permission_that_cannot_be_is_refused(visitor: Visitor, name: str, description: str) -> None:
    html = visitor.refused(f"{HERE}/permissions/~new", {"name": name, "description": description})
    assert f'value="{name}"' in html
    assert list(permissions(visitor)) == ["members:read", "members:write"]


def test_the_words_of_a_permission_change_and_its_name_does_not(visitor: Visitor) -> None:
    path = f"{HERE}/permissions/members~3Aread"
    visitor.done(path, {"name": "other", "description": "Look at members"})
    assert permissions(visitor)["members:read"] == "Look at members"
    assert "other" not in permissions(visitor)
    event = visitor.change("organization_permission")
    assert event.data["before"] == {"description": "See who is a member"}
    assert visitor.get(f"{HERE}/permissions/nothing").status == 404
    assert visitor.get(f"{HERE}/permissions/nothing/delete").status == 404


def test_a_permission_is_deleted_after_its_name_is_typed(visitor: Visitor) -> None:
    path = f"{HERE}/permissions/members~3Aread/delete"
    html = visitor.get(path).html
    assert re.search(r"<dt>Roles</dt><dd>2</dd>", html)
    assert re.search(r"<dt>Members</dt><dd>2</dd>", html)
    assert re.search(r"<dt>Applications</dt><dd>1</dd>", html)
    visitor.refused(path, {"confirm": "members"})
    visitor.done(path, {"confirm": "members:read"})
    assert list(permissions(visitor)) == ["members:write"]
    assert roles(visitor)["owner"]["permissions"] == ["members:write"]


def test_a_role_is_created_with_permissions_of_the_template_and_of_apis(visitor: Visitor) -> None:
    fields = [
        ("name", "clerk"),
        ("description", "Writes"),
        ("permission", " members:write"),
        ("permission", f"{ORDERS} orders:write"),
    ]
    assert "clerk was created." in visitor.done(f"{HERE}/roles/create", fields).text
    clerk = roles(visitor)["clerk"]
    assert clerk["permissions"] == ["members:write"]
    assert clerk["api_permissions"] == {ORDERS: ["orders:write"]}


@pytest.mark.parametrize(
    "fields",
    [
        [("name", "")],
        [("name", "owner")],
        [("name", "x" * 101)],
        [("name", "new"), ("permission", " members:write"), ("permission", f"{ORDERS} orders:everything")],
        [("name", "new"), ("permission", " members:everything")],
        [("name", "new"), ("description", "x" * 1001)],
    ],
)
def test_a_role_that_cannot_be_is_refused(visitor: Visitor, fields: list[tuple[str, str]]) -> None:
    html = visitor.refused(f"{HERE}/roles/create", fields)
    assert f'value="{fields[0][1]}"' in html
    assert ('value=" members:write" checked' in html) == (("permission", " members:write") in fields)
    assert sorted(roles(visitor)) == ["guest", "owner"]


def test_a_permission_taken_from_a_role_is_gone_from_the_next_token(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    wanted = "openid profile urn:credenza:scope:organizations members:read members:write offline_access"
    user_agent.get(client.authorization_url(scope=wanted))
    user_agent.sign_in("ada")
    tokens = client.tokens(user_agent.decide(organization=visitor.ids["Acme"]))
    assert "members:write" in tokens["scope"].split()
    path = f"{HERE}/roles/{visitor.role('owner')}"
    page = visitor.get(path)
    assert page.forms[0].checked("permission") == [" members:read", " members:write", f"{ORDERS} orders:read"]
    visitor.done(path, {"name": "owner", "permission": " members:read"})
    assert "members:write" not in client.refresh(tokens["refresh_token"]).json()["scope"].split()
    change = visitor.change("organization_role")
    assert change.data["before"]["permissions"] == ["members:read", "members:write"]
    assert change.data["after"]["permissions"] == ["members:read"]
    visitor.done(path, {"name": "owner", "permission": " members:read"})
    assert visitor.change("organization_role").id == change.id, "nothing changed the second time"


def test_a_role_is_deleted_after_its_name_is_typed(visitor: Visitor) -> None:
    path = f"{HERE}/roles/{visitor.role('owner')}/delete"
    html = visitor.get(path).html
    assert re.search(r"<dt>Holders</dt><dd>1</dd>", html)
    assert re.search(r"<dt>Organizations</dt><dd>1</dd>", html)
    visitor.refused(path, {"confirm": "guest"})
    visitor.done(path, {"confirm": "owner"})
    assert list(roles(visitor)) == ["guest"]
    assert visitor.get(path).status == 404


def test_a_role_that_is_made_while_the_template_is_read(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its permissions are found, and it was not: the page of another role was an error then."""
    engine: Any = type(visitor.credenza.server.engine)
    run, waiting = (
        engine.run_querystring,
        [partial(template.save_template_role, "new", "captain", "", ["members:read"])],
    )

    async def run_afterwards(self: Any, querystring: Any, *options: Any, **more: Any) -> Any:
        if "FROM" in str(querystring) and "organization_role_permission" in str(querystring):
            while waiting:
                await waiting.pop()()
        return await run(self, querystring, *options, **more)

    monkeypatch.setattr(engine, "run_querystring", run_afterwards)
    page = visitor.get(HERE)
    assert (page.status, "captain" in page.text) == (200, False)
    assert "captain" in visitor.get(HERE).text


def test_forms_without_their_token_change_nothing(visitor: Visitor) -> None:
    role = f"{HERE}/roles/{visitor.role('owner')}"
    for path in (f"{HERE}/permissions/~new", f"{HERE}/permissions/members~3Aread/delete", role, f"{role}/delete"):
        fields = {"name": "x", "description": "x", "confirm": "owner"}
        assert visitor.post(path, fields, token="").status_code == 403
    assert sorted(roles(visitor)) == ["guest", "owner"]


def test_names_with_markup_are_text(visitor: Visitor) -> None:
    page = visitor.done(f"{HERE}/roles/create", {"name": EVIL, "description": EVIL})
    assert "<img src=x" not in page.html
    visitor.done(f"{HERE}/permissions/~new", {"name": "<b>x</b>", "description": EVIL})
    for path in (HERE, f"{HERE}/permissions/~3Cb~3Ex~3C~2Fb~3E", f"{HERE}/permissions/~3Cb~3Ex~3C~2Fb~3E/delete"):
        page = visitor.get(path)
        assert page.status == 200
        assert "<img src=x" not in page.html
        assert "<b>x" not in page.html


@pytest.mark.parametrize("name", ["openid", "offline_access", "email", "urn:credenza:scope:organizations"])
def test_a_file_cannot_give_the_template_a_scope_of_the_provider(credenza: Credenza, name: str) -> None:
    """As in the console: who asks for the permission would ask for the scope."""
    with pytest.raises(StateError, match="scope of the provider itself"):
        credenza.apply({"organization_template": {"permissions": [{"name": name, "description": "x"}]}})
