"""Nobody does more than their role, and nothing that an administrator changes goes unwritten. SECURITY.md §1.11."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from inspect import getsource, isroutine
from textwrap import dedent
from typing import Any

import pytest

from credenza import ADMINISTRATOR_ROLES, ConsoleRoute, Settings, clients, users
from credenza.plugins import load_plugins
from credenza.store.audit import AuditEventRow
from credenza.testing import SECRET, UserAgent
from credenza_console import build_console
from credenza_console.access import allows

Visitor = Any  # see conftest.py

ROUTES = list(build_console(load_plugins(), settings=Settings()).routes.values())
KINDS = {"application": "app", "party": "third-party-app", "kind": "traditional"}


def example(route: ConsoleRoute) -> str:
    return re.sub(r"\{(\w+):\w+\}", lambda match: KINDS.get(match[1], "something"), route.path)


@pytest.mark.parametrize("role", sorted(ADMINISTRATOR_ROLES))
def test_a_role_opens_exactly_what_it_allows(administrator: Callable[[str], Visitor], role: str) -> None:
    """R-CO-03, A-CON-04, A-CON-05: neither users, roles nor administrators are for somebody else's role."""
    somebody = administrator(role)
    for route in ROUTES:
        if route.method == "GET":
            refused = somebody.get(example(route)).status == 403
            assert refused is not allows(role, route.permission), (role, route.path)
        elif not allows(role, route.permission):  # with a right form it would be let in; see test_access.py
            assert somebody.post(example(route), token="").status_code == 403, (role, route.path)


@pytest.mark.parametrize("role", ["applications", "read-only"])
def test_nobody_raises_their_own_role(administrator: Callable[[str], Visitor], visitor: Visitor, role: str) -> None:
    """R-CO-03, A-CON-04."""
    token = visitor.token()
    somebody = administrator(role)
    grace = next(link for link in visitor.get("/console/users?q=grace").links if re.search(r"/users/u\w+$", link))
    user = grace.rpartition("/")[2]
    for path in (f"/console/administrators/{user}", "/console/administrators/add"):
        answer = somebody.post(path, {"role": "full", "user": user, "username": "grace"}, token=token)
        assert answer.status_code == 403, path
    assert somebody.get("/console/administrators").status == (200 if role == "read-only" else 403)
    assert "Full" not in somebody.get("/console").text.split("Grace")[-1][:200]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_other_methods_tell_no_more_than_the_page(administrator: Callable[[str], Visitor], method: str) -> None:
    """A-CON-07."""
    answer = administrator("applications").agent.send(method, "/console/audit-log")
    assert not answer.content
    assert answer.status_code in (204, 403, 405)


@pytest.mark.parametrize("path", ["/CONSOLE/audit-log", "/console/Audit-Log", "/console/./audit-log"])
@pytest.mark.parametrize("htmx", [True, False])
def test_no_spelling_and_no_fragment_goes_around_the_guard(
    administrator: Callable[[str], Visitor], path: str, htmx: bool
) -> None:
    """A-CON-07."""
    headers = {"HX-Request": "true", "HX-Target": "results"} if htmx else {}
    answer = administrator("applications").agent.send("GET", path, headers=headers)
    assert answer.status_code in (303, 403, 404)
    assert "ObjectChanged" not in answer.text


def test_no_page_shows_a_secret_or_what_is_stored_of_one(visitor: Visitor) -> None:
    """R-CO-05, A-CON-10: for the most powerful role, on every page and in every export."""
    made = visitor.done("/console/applications/app/secrets/create", {"name": "new", "expires": ""})
    (secret,) = re.findall(r"cz_cs_[\w-]{50}", made.html)[:1]
    client = visitor.credenza.run(visitor.credenza.server.find_client, "app")
    assert client is not None
    hidden = [secret, SECRET, "PRIVATE KEY", "$argon2", *(one.digest for one in client.secrets)]
    assert len(hidden) >= 6
    for route in ROUTES:
        if route.method == "GET":
            answer = visitor.agent.send("GET", example(route))
            assert not [word for word in hidden if word in answer.text], route.path


def writes_down(function: Any, known: frozenset[Any] = frozenset()) -> bool:
    """Whether it, or a function of ours that it calls, says `changed` or `emit`."""
    called = [node.func for node in ast.walk(ast.parse(dedent(getsource(function)))) if isinstance(node, ast.Call)]
    if any(isinstance(call, ast.Attribute) and call.attr in ("changed", "emit") for call in called):
        return True
    names = {call.id for call in called if isinstance(call, ast.Name)}
    methods = {call.attr for call in called if ast.unparse(call).startswith("self.")}
    found = [getattr(function, "__func__", function).__globals__.get(name) for name in names]
    found += [getattr(getattr(function, "__self__", None), name, None) for name in methods]
    ours = [each for each in found if isroutine(each) and str(each.__module__).startswith("credenza")]
    return any(writes_down(each, known | {function}) for each in ours if each not in known)


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "POST"], ids=lambda route: route.path)
def test_r_co_08_each_form_that_changes_something_is_written_down(route: ConsoleRoute) -> None:
    """R-CO-08: whichever plugin brings it. A preview changes nothing, nor does asking an API."""
    assert writes_down(route.handle) is not route.path.endswith(("/branding/preview", "/{resource:str}/check"))


@pytest.mark.parametrize("path", ["/secrets/create", "/availability", "/delete"])
def test_what_cannot_be_written_down_is_not_done(visitor: Visitor, path: str) -> None:
    """R-CO-08: the audit row is in the transaction of the change."""
    credenza = visitor.credenza
    fields = {"name": "Harbour Wiki", "expires": "", "enabled": "no", "confirm": "Harbour Wiki"}
    token = visitor.token()
    before = credenza.run(clients.find_client, "app", credenza.server.client_types)
    credenza.run(lambda: AuditEventRow.raw("ALTER TABLE credenza_audit_event RENAME TO credenza_away"))
    try:
        answer = visitor.post(f"/console/applications/app{path}", fields, token=token)
    finally:
        credenza.run(lambda: AuditEventRow.raw("ALTER TABLE credenza_away RENAME TO credenza_audit_event"))
    assert answer.status_code >= 500
    assert credenza.run(clients.find_client, "app", credenza.server.client_types) == before


@pytest.mark.parametrize("how", ["console", "file"])
def test_r_se_02_who_may_do_more_than_before_signs_in_again(visitor: Visitor, how: str) -> None:
    """R-SE-02: whoever copied the cookie of somebody who was nobody does not become an administrator with them."""
    agent = UserAgent(visitor.credenza)
    agent.get("/account")
    agent.sign_in("grace")
    grace = visitor.credenza.run(users.find_user_by_identifier, "grace")
    assert grace is not None

    def give(role: str) -> None:
        if how == "console":
            visitor.done(f"/console/administrators/{grace.id}", {"role": role or "none"})
        else:
            visitor.credenza.apply({"users": [{"username": "grace", "administrator": role or False}]})

    give("read-only")
    assert getattr(agent.get("/console"), "name", "") == "sign-in"
    agent.sign_in("grace")
    assert getattr(agent.get("/console"), "name", "") == "console"
    give("")
    assert getattr(agent.get("/account"), "name", "") == "account", "who may do less goes on"
