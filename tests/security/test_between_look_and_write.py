"""What is taken away while a token is being made: between the look at a grant and the tokens that come of it.

SECURITY.md G3, R-TK-14, R-TK-19, R-RV-03, P4: whatever the grant type, nothing is given that would not be given now.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import Context
from dataclasses import replace
from typing import Any

import httpx
import pytest

from credenza import (
    AuthorizationServer,
    StateError,
    bump_version,
    clients,
    consents,
    end_all_sessions,
    revoke_consent,
    revoke_grants,
    transaction,
    users,
)
from credenza.endpoints import authorization
from credenza.state import applications, export
from credenza.state import run as state_run
from credenza.state import users as state_users
from credenza.store.provider import find_provider_setting, save_provider_setting
from credenza.testing import ORDERS, PASSWORD, Callback, PageSeen, RelyingParty, UserAgent
from credenza.web import requests
from credenza.web.new_password import set_password
from credenza_organizations import template
from credenza_organizations.state import organizations
from credenza_organizations.store import edit_organization, find_organization
from credenza_resources import store as resources
from credenza_upstream import store as upstreams

pytestmark = pytest.mark.own_server

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
ONLINE, OFFLINE = "openid profile orders:read", "openid profile orders:read offline_access"
Taking = Callable[[AuthorizationServer, users.User], Awaitable[Any]]


async def consent_taken_back(server: AuthorizationServer, user: users.User) -> None:
    async with transaction():
        for consent in await consents.list_consents(user_id=user.id):
            await revoke_consent(server, user.id, consent.id, actor=user.id, address="")


async def suspended(server: AuthorizationServer, user: users.User) -> None:
    async with transaction():
        await users.edit_user(replace(user, suspended=True), ("suspended",))
        await end_all_sessions(server, user.id)
        await revoke_grants(server.now(), user_id=user.id)


async def signed_out(server: AuthorizationServer, user: users.User) -> None:
    async with transaction():
        await end_all_sessions(server, user.id)


async def deleted(server: AuthorizationServer, user: users.User) -> None:
    await users.delete_user(user.id)


async def client_deleted(server: AuthorizationServer, user: users.User) -> None:
    async with transaction():
        for client_id in ("app", "native"):
            await clients.delete_client(client_id)
        await bump_version()


TAKINGS = [consent_taken_back, suspended, deleted, client_deleted]


@pytest.fixture
def meanwhile(credenza: Any, user_agent: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Taking, int], list[str]]:
    """Take something away when our signing keys are asked for the n-th time, which is when a token is made."""

    def arm(taking: Taking, nth: int) -> list[str]:
        keys, asked, done = AuthorizationServer.keys, [], []

        async def keys_once_more(server: AuthorizationServer) -> Any:
            asked.append(1)
            if len(asked) == nth:
                user = await users.find_user_by_identifier(user_agent.name)
                await asyncio.get_running_loop().create_task(taking(server, user), context=Context())  # type: ignore[arg-type]
                done.append(taking.__name__)
            return await keys(server)

        monkeypatch.setattr(AuthorizationServer, "keys", keys_once_more)
        return done

    return arm


@pytest.fixture
def client(credenza: Any, client: RelyingParty) -> RelyingParty:
    changes = {"grant_types": ["authorization_code", "refresh_token", EXCHANGE]}
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", **changes}]})
    return client


def assert_nothing_given(answer: httpx.Response, error: str = "invalid_grant") -> None:
    assert answer.status_code in (400, 401), answer.text
    assert answer.json()["error"] in (error, "invalid_client")


@pytest.mark.parametrize("taking", [*TAKINGS, signed_out])
def test_while_a_code_is_redeemed(user_agent: Any, client: RelyingParty, meanwhile: Any, taking: Taking) -> None:
    callback = user_agent.authorize(client, scope=ONLINE)
    done = meanwhile(taking, 1)
    assert_nothing_given(client.redeem(callback))
    assert done


@pytest.mark.parametrize("taking", TAKINGS)
def test_while_a_token_is_refreshed(user_agent: Any, client: RelyingParty, meanwhile: Any, taking: Taking) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope=OFFLINE))
    done = meanwhile(taking, 1)
    assert_nothing_given(client.refresh(tokens["refresh_token"]))
    assert done


@pytest.mark.parametrize("taking", [*TAKINGS, signed_out])
def test_while_a_token_is_exchanged(
    credenza: Any, user_agent: Any, client: RelyingParty, meanwhile: Any, taking: Taking
) -> None:
    credenza.apply({"users": [{"username": user_agent.name, "roles": ["support"]}]})
    tokens = client.tokens(user_agent.authorize(client, scope=ONLINE, resource=ORDERS))
    kind = {"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    done = meanwhile(taking, 2)  # the first time they are asked whether the token is ours
    answer = client.post("/token", {"grant_type": EXCHANGE, "subject_token": tokens["access_token"], **kind})
    assert_nothing_given(answer, "invalid_request")
    assert done


@pytest.mark.parametrize("taking", [*TAKINGS, signed_out])
def test_while_a_device_fetches_its_tokens(
    credenza: Any, user_agent: Any, native: RelyingParty, meanwhile: Any, taking: Taking
) -> None:
    grants = ["authorization_code", "refresh_token", DEVICE_CODE]
    credenza.apply({"applications": [{"client_id": "native", "name": "Tide CLI", "grant_types": grants}]})
    offline = " offline_access" if taking is not signed_out else ""  # which outlives a session
    begun = native.post("/device_authorization", {"scope": f"openid profile{offline}"}).json()
    user_agent.get(begun["verification_uri_complete"])
    user_agent.submit([("user_code", begun["user_code"])])
    user_agent.sign_in()
    user_agent.submit([("decision", "authorize")])
    page = user_agent.decide()
    assert isinstance(page, PageSeen)
    assert "connected" in page.text
    credenza.clock.move(6)
    done = meanwhile(taking, 1)
    answer = native.post("/token", {"grant_type": DEVICE_CODE, "device_code": begun["device_code"]})
    assert_nothing_given(answer)
    assert done


def test_while_a_code_is_issued(
    user_agent: Any, client: RelyingParty, credenza: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LO-04, R-SE-04: who signed out in another tab gives no code away in this one."""
    user_agent.authorize(client, scope=ONLINE)
    finish = authorization.finish

    async def finish_after_signing_out(request: Any, waiting: Any, interaction: Any) -> Any:
        await asyncio.get_running_loop().create_task(signed_out(credenza.server, waiting.user), context=Context())
        return await finish(request, waiting, interaction)

    monkeypatch.setattr(authorization, "finish", finish_after_signing_out)
    seen = user_agent.get(client.authorization_url(scope=ONLINE))
    assert isinstance(seen, Callback)
    assert seen.parameters["error"] == "login_required"
    assert "code" not in seen.parameters


async def demoted(server: AuthorizationServer, user: users.User) -> None:
    await users.edit_user(replace(user, administrator="read-only"), ("administrator",))


@pytest.mark.parametrize("form", ["fields", "files"])
@pytest.mark.parametrize("taking", [suspended, signed_out, demoted])
def test_while_a_form_is_on_its_way(credenza: Any, admin: UserAgent, taking: Taking, form: str) -> None:
    """Whoever sends the rest of it seconds later has no more right than they have then."""
    root = credenza.run(users.find_user_by_identifier, "root")
    page = admin.get("/console/users/create" if form == "fields" else "/console/branding")
    assert isinstance(page, PageSeen)
    hidden = page.forms[0].hidden()
    fields = {**dict(hidden), "username": "mallory", "display_name": "Mallory"}
    files = {"files": {"logo": b""}} if form == "files" else {}
    request = httpx.Request("POST", page.url, data=fields, **files)
    content = request.read()

    async def body() -> AsyncIterator[bytes]:
        yield content[:10]
        await asyncio.get_running_loop().create_task(taking(credenza.server, root), context=Context())  # type: ignore[arg-type]
        yield content[10:]

    headers = {"content-type": request.headers["content-type"], "origin": credenza.issuer}
    answer = admin.send("POST", page.url, content=body(), headers=headers)
    assert credenza.run(users.find_user_by_identifier, "mallory") is None
    assert credenza.run(credenza.server.provider_branding).display_name == "Credenza"
    assert answer.status_code == (403 if taking is demoted else 303)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_that_never_comes_is_not_waited_for(
    credenza: Any, admin: UserAgent, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "SLOWEST_BODY", 0.1)

    async def body() -> AsyncIterator[bytes]:
        yield b"--x\r\n"
        await asyncio.sleep(3600)

    path = "/console/branding" if "multipart" in kind else "/console/users/create"
    headers = {"content-type": kind, "origin": credenza.issuer}
    answer = admin.send("POST", path, content=body(), headers=headers)
    assert answer.status_code == 400
    assert "The request ended before its body." in answer.text


async def another_password(server: AuthorizationServer, user: users.User) -> None:
    await set_password(server, user, "another hash", through="reset", address="")


def after_looking_at_users(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Between what a desired state reads of a user and what it writes."""
    real, asked = state_users.hash_to_store, []

    async def hash_to_store(*arguments: Any) -> str | None:
        asked.append(arguments)
        if len(asked) == 2:  # the first time nothing is written
            await meanwhile()
        return await real(*arguments)

    monkeypatch.setattr(state_users, "hash_to_store", hash_to_store)


@pytest.mark.parametrize(
    ("taking", "member"), [(suspended, "suspended"), (demoted, "administrator"), (another_password, "password_hash")]
)
def test_while_a_desired_state_is_applied(
    credenza: Any, taking: Taking, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does not say is as somebody else has made it meanwhile."""
    root = credenza.run(users.find_user_by_identifier, "root")
    after_looking_at_users(monkeypatch, lambda: taking(credenza.server, root))
    credenza.apply({"users": [{"username": "root", "password": PASSWORD, "phone_number": "+49 30 901820"}]})
    found = credenza.run(users.find_user_by_identifier, "root")
    assert found.phone_number == "+49 30 901820"
    assert getattr(found, member) != getattr(root, member)


def test_while_the_desired_state_of_an_application_is_applied(credenza: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def declared_branding(*arguments: Any, **options: Any) -> dict[str, str]:
        asked.append("branding")
        if len(asked) == 2:  # the first time nothing is written
            await clients.switch_client("app", enabled=False, now=1)
        return {"display_name": "Harbour"}

    monkeypatch.setattr(applications, "declared_branding", declared_branding)
    document = {"client_id": "app", "name": "Harbour Wiki", "description": "Pages", "branding": {}}
    credenza.apply({"applications": [document]})
    found = credenza.run(clients.find_client, "app", credenza.server.client_types)
    assert (found.description, found.branding.display_name, found.enabled) == ("Pages", "Harbour", False)


def test_while_the_desired_state_of_an_organization_is_applied(credenza: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = credenza.apply({"organizations": [{"name": "Acme"}]}).changes[0].made["id"]
    find, asked = organizations._find, []

    async def then_suspended(*arguments: Any) -> Any:
        row = await find(*arguments)
        asked.append(row)
        if len(asked) == 2:
            await edit_organization(made, {"suspended": True})
        return row

    monkeypatch.setattr(organizations, "_find", then_suspended)
    credenza.apply({"organizations": [{"name": "Acme", "description": "Harbour"}]})
    found = credenza.run(find_organization, made)
    assert (found["description"], found["suspended"]) == ("Harbour", True)


async def a_role_loses_a_permission(server: AuthorizationServer) -> None:
    (role,) = [row for row in await resources.list_roles() if row["name"] == "support"]
    await resources.set_role_permissions(role["id"], {})


async def an_api_loses_a_permission(server: AuthorizationServer) -> None:
    await resources.delete_permission(server, ORDERS, "orders:write")


async def a_template_role_loses_its_permissions(server: AuthorizationServer) -> None:
    (role,) = (await template.template_roles()).values()
    await template.save_template_role(role["id"], "owner", permissions=[], api_permissions={})


async def a_sign_in_provider_is_disabled(server: AuthorizationServer) -> None:
    found = await upstreams.find_upstream("other")
    assert found is not None
    await upstreams.save_upstream(replace(found, enabled=False))


async def the_terms_are_taken_away(server: AuthorizationServer) -> None:
    branding = await find_provider_setting("branding")
    branding.pop("terms_uri", None)
    await save_provider_setting("branding", branding)


@pytest.mark.parametrize(
    ("section", "part", "meanwhile"),
    [
        ("roles", [{"name": "support", "description": "Helps"}], a_role_loses_a_permission),
        ("api_resources", [{"identifier": ORDERS, "description": "Fish"}], an_api_loses_a_permission),
        (
            "organization_template",
            {"roles": [{"name": "owner", "description": "Owns"}]},
            a_template_role_loses_its_permissions,
        ),
        ("sign_in_providers", [{"id": "other", "title": "Another"}], a_sign_in_provider_is_disabled),
        ("provider", {"branding": {"primary_color": "#1f5aa6"}}, the_terms_are_taken_away),
    ],
)
def test_while_other_parts_of_a_desired_state_are_applied(
    credenza: Any, section: str, part: Any, meanwhile: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = {"name": "owner", "permissions": ["bill"], "api_permissions": {ORDERS: ["orders:read"]}}
    other = {"id": "other", "issuer": "https://other.example.com", "client_id": "x", "client_secret": "y" * 32}
    credenza.apply(
        {
            "organization_template": {"permissions": [{"name": "bill"}], "roles": [owner]},
            "sign_in_providers": [other],
            "provider": {"branding": {"name": "Harbour", "terms_uri": "https://harbour.example.com/terms"}},
        }
    )
    change = state_run.Run.change

    async def then_change(run: Any, *arguments: Any, **options: Any) -> None:
        if not run.dry:
            await meanwhile(credenza.server)
        await change(run, *arguments, **options)

    monkeypatch.setattr(state_run.Run, "change", then_change)
    assert len(credenza.apply({section: part}).changes) == 1
    monkeypatch.undo()
    after = credenza.run(export, credenza.server)
    assert credenza.apply({section: part}).changes == [], "what the file says is so"
    credenza.run(meanwhile, credenza.server)
    assert credenza.run(export, credenza.server) == after, "and what was done meanwhile"


def test_an_address_that_is_confirmed_while_another_one_is_declared(
    credenza: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The former one was."""
    credenza.apply({"users": [{"username": "grace", "email": "grace@old.example", "email_verified": False}]})
    grace = credenza.run(users.find_user_by_identifier, "grace")
    confirmed = replace(grace, email_verified=True)
    after_looking_at_users(monkeypatch, lambda: users.edit_user(confirmed, ["email_verified"]))
    credenza.apply({"users": [{"username": "grace", "email": "grace@new.example"}]})
    grace = credenza.run(users.find_user, grace.id)
    assert (grace.email, grace.email_verified) == ("grace@new.example", False)


def test_a_password_that_is_chosen_while_one_is_declared(credenza: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two the later one would win: here it is the file's, which knew nothing of it."""
    root = credenza.run(users.find_user_by_identifier, "root")
    after_looking_at_users(monkeypatch, lambda: another_password(credenza.server, root))
    with pytest.raises(StateError, match="the password was changed meanwhile"):
        credenza.apply({"users": [{"username": "root", "password": "harbour lights at nine"}]})
    assert credenza.run(users.find_user, root.id).password_hash == "another hash"
