"""Two people, or two tabs, edit the same thing: whoever saves second is told, and loses nothing that was typed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from credenza import Client, ConsoleVisit, Translated, audit, clients, users
from credenza.testing import ORDERS
from credenza_console.applications import danger as applications_danger
from credenza_console.applications import permissions, secrets, settings
from credenza_console.users import danger as users_danger
from credenza_organizations import store as organizations
from credenza_organizations import template
from credenza_organizations.console import danger as organizations_danger
from credenza_organizations.console import members, template_roles
from credenza_organizations.console import template as template_permissions
from credenza_resources import store as resources
from credenza_resources.console import api_permissions, api_resources, roles
from credenza_upstream import console as providers
from credenza_upstream import store as upstreams

from .conftest import Visitor
from .test_resources import API

MEANWHILE = "Somebody has changed this since you opened the page"
UNKNOWN = "/console/unknown-applications"


def application(visitor: Visitor) -> tuple[str, dict[str, str]]:
    return "/console/applications/app", {
        "name": "Harbour Wiki",
        "redirect_uris": "https://app.example.com/cb",
        "auth_method": "client_secret_basic",
        "id_token_alg": "ES256",
        "access_token_lifetime": "3600",
    }


def user(visitor: Visitor) -> tuple[str, dict[str, str]]:
    ada = visitor.credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    return f"/console/users/{ada.id}", {"username": "ada", "email": "ada@example.com", "email_verified": "on"}


def organization(visitor: Visitor) -> tuple[str, dict[str, str]]:
    visitor.done("/console/organizations/create", {"name": "Two tabs"})
    rows = [row for row in visitor.credenza.run(organizations.list_organizations) if row["name"] == "Two tabs"]
    return f"/console/organizations/{rows[0]['id']}", {"name": rows[0]["name"]}


def api(visitor: Visitor) -> tuple[str, dict[str, str]]:
    return API, {"name": "Orders"}


def role(visitor: Visitor) -> tuple[str, dict[str, str]]:
    rows = visitor.credenza.run(resources.list_roles)
    return f"/console/roles/{rows[0]['id']}", {"name": rows[0]["name"], "permission": f"{ORDERS} orders:read"}


@pytest.mark.parametrize("what", [application, user, organization, api, role])
def test_the_second_to_save_is_told_and_may_go_on(
    visitor: Visitor, what: Callable[[Visitor], tuple[str, dict[str, str]]]
) -> None:
    path, fields = what(visitor)
    changed = "phone_number" if what is user else "description"

    before = seen_at(visitor, path)
    assert before == seen_at(visitor, path)
    visitor.done(path, {**fields, changed: "123", "seen": before})
    html = visitor.refused(path, {**fields, changed: "456", "seen": before})
    assert MEANWHILE in html
    assert "456" in html
    assert "123" in visitor.get(path).html
    visitor.done(path, {**fields, changed: "456", "seen": seen_in(html)})
    assert "456" in visitor.get(path).html


def template_role(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    visitor.credenza.run(template.save_template_role, "biller", "biller")
    return "/console/organization-template/roles/biller", {"name": "payer"}, {"name": "invoicer"}


def template_permission(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    visitor.credenza.run(template.insert_template_permission, "weigh", Translated("Weigh", {}))
    address = "/console/organization-template/permissions/weigh"
    return address, {"description": "One"}, {"description": "Two"}


def api_permission(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    return f"{API}/permissions/orders~3Aread", {"description": "One"}, {"description": "Two"}


def member_roles(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    for name in ("one", "two"):
        visitor.credenza.run(template.save_template_role, name, name)
    return deleted_member(visitor)[1], {"role": "one"}, {"role": "two"}


def user_roles(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    return f"{user(visitor)[0]}/roles", {}, {"role": role(visitor)[0].rpartition("/")[2]}


def service_roles(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    visitor.credenza.apply({"applications": [{"client_id": "night", "name": "Night", "type": "machine_to_machine"}]})
    first = role(visitor)[0].rpartition("/")[2]
    return "/console/applications/night/roles", {"role": first}, {}


def provider(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    fields = {"client_id": "x", "scope": "openid"}
    return deleted_provider(visitor)[1], {"title": "One", **fields}, {"title": "Two", **fields}


def administrator_role(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    ada = user(visitor)[0].rpartition("/")[2]
    return f"/console/administrators/{ada}", {"role": "read-only"}, {"role": "applications"}


def default_permissions(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    keys = re.findall(r'name="permission" value="([^"]+)"', visitor.get(f"{UNKNOWN}/permissions").html)
    return f"{UNKNOWN}/permissions", {"permission": keys[0]}, {"permission": keys[1]}


def allowed_host(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    keys = re.findall(r'name="permission" value="([^"]+)"', visitor.get(f"{UNKNOWN}/permissions").html)
    return f"{UNKNOWN}/hosts/gull~2Eexample/allow", {"permission": keys[0]}, {"permission": keys[1]}


def blocked_host(visitor: Visitor) -> tuple[str, dict[str, str], dict[str, str]]:
    return f"{UNKNOWN}/hosts/tern~2Eexample/block", {}, {}


@pytest.mark.parametrize(
    "what",
    [
        template_role,
        template_permission,
        api_permission,
        member_roles,
        user_roles,
        service_roles,
        provider,
        administrator_role,
        default_permissions,
        allowed_host,
        blocked_host,
    ],
)
def test_no_form_undoes_what_somebody_else_has_done_meanwhile(
    visitor: Visitor,
    monkeypatch: pytest.MonkeyPatch,
    what: Callable[[Visitor], tuple[str, dict[str, str], dict[str, str]]],
) -> None:
    """A right that was just taken away came back with the next form that had been open, and a block was undone."""
    monkeypatch.setattr(providers, "metadata", nothing)
    path, first, second = what(visitor)
    before = seen_at(visitor, path)
    visitor.done(path, {**first, "seen": before})
    html = visitor.refused(path, {**second, "seen": before})
    assert MEANWHILE in html
    for typed in second.values():
        assert re.search(rf'value="{re.escape(typed)}"(?: checked|[^>]*autocomplete)', html), typed
    visitor.done(path, {**second, "seen": seen_in(html)})


@pytest.mark.parametrize(
    ("what", "mistake"),
    [
        (template_role, {"name": ""}),
        (template_permission, {"description": ""}),
        (api_permission, {"description": ""}),
        (member_roles, {"role": "nothing"}),
        (user_roles, {"role": "nothing"}),
        (service_roles, {"role": "nothing"}),
        (provider, {"title": ""}),
        (administrator_role, {"role": "nothing"}),
        (default_permissions, {"permission": "nothing"}),
        (allowed_host, {"permission": "nothing"}),
        (application, {"name": ""}),
        (user, {"email": "nothing"}),
        (organization, {"name": ""}),
        (api, {"name": ""}),
        (role, {"name": ""}),
    ],
)
def test_with_a_mistake_in_it_too_whoever_saves_second_is_told_both(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, what: Callable[[Visitor], Any], mistake: dict[str, str]
) -> None:
    """The form that comes back knows what is stored now: corrected, it undid what nobody had been told of."""
    monkeypatch.setattr(providers, "metadata", nothing)
    path, first, *rest = what(visitor)
    first = first if rest else {**first, "phone_number" if what is user else "description": "123"}
    before = seen_at(visitor, path)
    visitor.done(path, {**first, "seen": before})
    assert MEANWHILE in visitor.refused(path, {**first, **mistake, "seen": before})


def test_the_buttons_beside_a_decision_are_for_that_decision(visitor: Visitor) -> None:
    """Somebody else has blocked the host; undoing what stood there before is not what was meant."""
    host = f"{UNKNOWN}/hosts/skua~2Eexample"
    visitor.done(f"{host}/allow")
    before = seen_at(visitor, host)
    visitor.done(f"{host}/block")
    page = visitor.done(host, {"seen": before})
    assert "Nothing was changed" in page.text
    assert "Blocked" in page.text
    assert MEANWHILE in visitor.refused(f"{host}/allow", {"seen": before})
    visitor.done(host, {"seen": seen_at(visitor, host)})
    assert visitor.get(host).status == 404


def seen_at(visitor: Visitor, path: str) -> str:
    return seen_in(visitor.get(path).html)


def seen_in(html: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', html)
    assert found
    return found[1]


def test_nobody_is_in_the_way_of_who_says_nothing(visitor: Visitor) -> None:
    """A script sends what it wants to be stored."""
    path, fields = role(visitor)
    visitor.done(path, {**fields, "description": "one"})
    visitor.done(path, {**fields, "description": "two"})


def test_who_saves_settings_does_not_enable_what_was_disabled_in_the_same_moment(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is done between the look at the application and the change of it."""
    find = settings.find

    async def find_and_be_overtaken(visit: ConsoleVisit, segment: str) -> Client:
        client = await find(visit, segment)
        await clients.edit_client(replace(client, enabled=False), ("enabled",), 1)
        return client

    monkeypatch.setattr(settings, "find", find_and_be_overtaken)
    path, fields = application(visitor)
    assert visitor.post(path, fields | {"description": "New words"}).status_code == 303
    saved = visitor.credenza.run(clients.find_client, "app", visitor.credenza.server.client_types)
    assert saved is not None
    assert (saved.description, saved.enabled) == ("New words", False)


def test_two_who_take_permissions_away_at_once_both_do(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    removal = permissions._removal
    taken = [f"api {ORDERS} orders:write"]

    async def show_and_be_overtaken(visit: ConsoleVisit, segment: str, key: str) -> permissions.RemovePage:
        page = await removal(visit, segment, key)
        ceiling = page.client.ceiling or {}
        await clients.save_permissions("app", {p: r for p, r in ceiling.items() if p.key not in taken})
        return page

    monkeypatch.setattr(permissions, "_removal", show_and_be_overtaken)
    fields = {"permission": f"api {ORDERS} orders:read", "confirm": "orders:read"}
    visitor.done("/console/applications/app/permissions/remove", fields)
    saved = visitor.credenza.run(clients.find_client, "app", visitor.credenza.server.client_types)
    assert saved is not None
    assert "orders" not in str(saved.ceiling)


def new_api(name: str) -> tuple[str, dict[str, str]]:
    return "/console/api-resources/create", {"identifier": f"https://{name}.example.com", "name": "Ports"}


def new_api_permission(name: str) -> tuple[str, dict[str, str]]:
    return f"{API}/permissions/~new", {"name": f"ports:{name}"}


def new_template_permission(name: str) -> tuple[str, dict[str, str]]:
    return "/console/organization-template/permissions/~new", {"name": f"ports:{name}"}


def new_provider(name: str) -> tuple[str, dict[str, str]]:
    fields = {"id": name, "issuer": "https://idp.example.com", "client_id": "here", "scope": "openid"}
    return "/console/sign-in-providers/create", fields


async def nothing(*arguments: Any, **options: Any) -> None:
    return None


async def none_there(*arguments: Any) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (new_api, "description"),
        (new_api_permission, "description"),
        (new_template_permission, "description"),
        (new_provider, "title"),
    ],
)
def test_of_two_who_create_the_same_at_once_the_second_is_told(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, new: Callable[[str], tuple[str, dict[str, str]]], words: str
) -> None:
    """Both looked, and there was nothing of that name yet. SECURITY.md P4."""
    monkeypatch.setattr(resources, "find_resource", nothing if new is new_api else resources.find_resource)
    monkeypatch.setattr(resources, "resource_permissions", none_there)
    monkeypatch.setattr(template, "template_permissions", none_there)
    monkeypatch.setattr(upstreams, "find_upstream", nothing)
    monkeypatch.setattr(providers, "metadata", nothing)
    path, fields = new(f"n{uuid4().hex[:8]}")
    assert visitor.post(path, fields | {words: "The first"}).status_code == 303
    assert "already" in visitor.refused(path, fields | {words: "The second"})
    monkeypatch.undo()
    audit = visitor.get("/console/audit-log").html
    assert audit.count("The second") == 0
    stored = str(visitor.credenza.run(everything))
    assert "The first" in stored
    assert "The second" not in stored


async def everything() -> list[Any]:
    apis = await resources.list_apis()
    described = [await resources.find_resource(identifier) for identifier, _, _ in apis]
    return [apis, described, await template.template_permissions(), await upstreams.list_upstreams()]


def deleted_secret(visitor: Visitor) -> tuple[Any, str, str]:
    secret = visitor.credenza.run(clients.list_secrets, "app")[0]
    return secrets, f"/console/applications/app/secrets/{secret['id']}", secret["name"]


def deleted_user(visitor: Visitor) -> tuple[Any, str, str]:
    return users_danger, user(visitor)[0], "ada"


def deleted_organization(visitor: Visitor) -> tuple[Any, str, str]:
    return organizations_danger, organization(visitor)[0], "Two tabs"


def deleted_member(visitor: Visitor) -> tuple[Any, str, str]:
    path, ada = organization(visitor)[0], user(visitor)[0].rpartition("/")[2]
    visitor.credenza.run(organizations.add_member, path.rpartition("/")[2], ada, [], 0)
    return members, f"{path}/members/{ada}", "ada"


def deleted_role(visitor: Visitor) -> tuple[Any, str, str]:
    path, fields = role(visitor)
    return roles, path, fields["name"]


def deleted_template_role(visitor: Visitor) -> tuple[Any, str, str]:
    visitor.credenza.run(template.save_template_role, "owner", "owner")
    return template_roles, "/console/organization-template/roles/owner", "owner"


def deleted_template_permission(visitor: Visitor) -> tuple[Any, str, str]:
    visitor.credenza.run(template.insert_template_permission, "bill", Translated("", {}))
    return template_permissions, "/console/organization-template/permissions/bill", "bill"


def deleted_provider(visitor: Visitor) -> tuple[Any, str, str]:
    other = {"id": "other", "issuer": "https://other.example.com", "client_id": "x", "client_secret": "y" * 32}
    visitor.credenza.apply({"sign_in_providers": [other]})
    return providers, "/console/sign-in-providers/other", "other"


@pytest.mark.parametrize(
    "what",
    [
        lambda _: (applications_danger, "/console/applications/app", "Harbour Wiki"),
        lambda _: (api_resources, API, "Orders"),
        lambda _: (api_permissions, f"{API}/permissions/orders~3Aread", "orders:read"),
        deleted_secret,
        deleted_user,
        deleted_organization,
        deleted_member,
        deleted_role,
        deleted_template_role,
        deleted_template_permission,
        deleted_provider,
    ],
)
def test_of_two_who_delete_the_same_at_once_one_did(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, what: Callable[[Visitor], tuple[Any, str, str]]
) -> None:
    """Both looked, and it was there: the other one is told that it is gone, and the audit log says it once."""
    module, path, called = what(visitor)
    barrier = visitor.credenza.run(two)
    kind = "alone" if hasattr(module, "alone") else "transaction"
    begin = getattr(module, kind)

    @asynccontextmanager
    async def together() -> AsyncIterator[None]:
        async with asyncio.timeout(30):
            await barrier.wait()
        async with begin():
            yield

    monkeypatch.setattr(module, kind, together)
    token = visitor.token()
    end = "remove" if module is members else "delete"
    with ThreadPoolExecutor(2) as both:
        post = partial(visitor.post, f"{path}/{end}", {"confirm": called}, token=token)
        answers = [future.result() for future in [both.submit(post), both.submit(post)]]
    assert sorted(answer.status_code for answer in answers) == [303, 404]
    events = visitor.credenza.run(audit.list_events, name="ObjectChanged")
    assert [event.data["action"] for event in events].count("deleted") == 1


async def two() -> asyncio.Barrier:
    return asyncio.Barrier(2)
