"""Every route of the console declares who may use it, and holds to it. SECURITY.md §1.11, §2.13."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from credenza import ADMINISTRATOR_ROLES, ConsoleRoute, Settings, UserRow
from credenza.plugins import load_plugins
from credenza.testing import Credenza, PageSeen, UserAgent
from credenza_console import build_console
from credenza_console.access import allows

Visitor = Any  # see conftest.py

EXAMPLES = {
    "application": "app",
    "party": "third-party-app",
    "kind": "traditional",
}
ROUTES = list(build_console(load_plugins(), settings=Settings()).routes.values())
READING = [route for route in ROUTES if route.method == "GET"]
WRITING = [route for route in ROUTES if route.method == "POST"]


def name_of(route: ConsoleRoute) -> str:
    return f"{route.method} {route.path}"


def example(route: ConsoleRoute) -> str:
    return re.sub(r"\{(\w+):\w+\}", lambda match: EXAMPLES.get(match[1], "something"), route.path)


def test_every_route_below_console_is_in_the_table_but_static_files(credenza: Credenza) -> None:
    below = {
        (method, route.path_format if hasattr(route, "path_format") else route.path)
        for route in credenza.app.routes
        if route.path.startswith("/console")
        for method in route.methods
        if method != "OPTIONS"
    }
    plain = {(method, re.sub(r":\w+", "", path)) for method, path in below}
    expected = {
        (method, re.sub(r":\w+", "", route.path))
        for route in ROUTES
        for method in (("GET", "HEAD") if route.method == "GET" else (route.method,))  # RFC 9110 §9.1
    }
    assert {entry for entry in plain if "/static/" not in entry[1]} == expected


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_route_declares_a_permission_and_what_changes_something_is_not_for_reading(route: ConsoleRoute) -> None:
    """SECURITY.md R-CO-01, A-CON-11."""
    assert re.fullmatch(r"[a-z-]+:(read|write)", route.permission)
    if route.method == "POST":
        assert not allows("read-only", route.permission)


@pytest.mark.parametrize("route", WRITING, ids=name_of)
def test_a_form_has_a_page_at_its_own_address(route: ConsoleRoute) -> None:
    """Who must sign in again after posting comes back to it."""
    assert any(other.path == route.path for other in READING)


def test_an_unknown_role_is_allowed_nothing() -> None:
    assert not any(allows(role, route.permission) for route in ROUTES for role in ("", "owner", "Full", "user"))


def test_nobody_who_is_not_signed_in_sees_anything(credenza: Credenza) -> None:
    for route in ROUTES:
        response = UserAgent(credenza).send(route.method, example(route))
        assert response.status_code == 303, name_of(route)
        assert "/interaction/" in response.headers["location"]


def test_a_user_who_is_no_administrator_is_refused_everywhere(
    credenza: Credenza, visiting: Callable[[UserAgent], Visitor]
) -> None:
    """SECURITY.md R-CO-01, A-CON-01."""
    agent = UserAgent(credenza)
    agent.get("/console")
    seen = agent.sign_in("ada")
    assert isinstance(seen, PageSeen)
    assert (seen.status, seen.error) == (403, "forbidden")
    ada = visiting(agent)
    for route in ROUTES:
        if route.method == "GET":
            assert ada.get(example(route)).status == 403, name_of(route)
            assert ada.get(example(route), HX_Request="true").status == 403, name_of(route)
        else:
            assert ada.post(example(route), token="").status_code == 403, name_of(route)


def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(visitor: Visitor) -> None:
    token = visitor.token()
    for route in WRITING:
        if route.uploads:
            continue
        for answer in (
            visitor.post(example(route), token=""),
            visitor.post(example(route), token="0" * 64),
            visitor.post(example(route), token=token, headers={"origin": "https://evil.example"}),
            visitor.post(example(route), token=token, headers={"sec-fetch-site": "cross-site"}),
        ):
            assert answer.status_code == 403, name_of(route)


def test_an_upload_without_its_token_changes_nothing(visitor: Visitor) -> None:
    for route in WRITING:
        if route.uploads:
            answer = visitor.agent.send("POST", example(route), files={"logo": b"x"}, data={"csrf_token": "0" * 64})
            assert answer.status_code == 403, name_of(route)


def test_a_read_only_administrator_sees_everything_and_can_change_nothing(
    administrator: Callable[[str], Visitor], visitor: Visitor
) -> None:
    token = visitor.token()
    reader = administrator("read-only")
    for route in WRITING:
        assert reader.post(example(route), token=token).status_code == 403, name_of(route)
    page = reader.get("/console/applications/app")
    assert page.status == 200
    assert '<fieldset class="stack" disabled>' in page.html
    assert "Save changes" not in page.html
    assert "/console/applications/create" not in reader.get("/console/applications").links


@pytest.mark.parametrize("role", ["applications", "read-only"])
def test_each_role_is_let_in_where_its_permissions_are_and_nowhere_else(
    administrator: Callable[[str], Visitor], visitor: Visitor, role: str
) -> None:
    token = visitor.token()
    one = administrator(role)
    for route in ROUTES:
        if route.method == "GET":
            assert (one.get(example(route)).status != 403) == allows(role, route.permission), name_of(route)
        elif not allows(role, route.permission):
            assert one.post(example(route), token=token).status_code == 403, name_of(route)


@pytest.mark.parametrize("role", ["applications", "read-only"])
def test_no_link_leads_where_its_reader_may_not_go(administrator: Callable[[str], Visitor], role: str) -> None:
    """Neither to what another role sees, nor to a form that is for those who may change something."""
    one, asked, waiting = administrator(role), set[str](), ["/console", "/console/applications/app/kit"]
    while waiting:
        address = waiting.pop()
        asked.add(address)
        assert one.get(address).status != 403, address
        found = {link.partition("?")[0] for link in one.agent.page.links if link.startswith("/console")}
        waiting += found - asked - {*waiting}
    assert len(asked) > 20


def test_an_administrator_of_applications_sees_nothing_else(administrator: Callable[[str], Visitor]) -> None:
    one = administrator("applications")
    assert one.get("/console/applications/app").status == 200
    assert "/console/audit-log" not in one.get("/console").links
    refused = one.get("/console/audit-log")
    assert refused.status == 403
    assert "Your role (Applications only) does not allow this." in refused.text
    assert "/console/applications" in refused.links


@pytest.mark.parametrize("role", sorted(ADMINISTRATOR_ROLES))
def test_everybody_finds_their_own_account(administrator: Callable[[str], Visitor], role: str) -> None:
    """Their password, their second factor: nothing else in the console leads there."""
    assert "/account" in administrator(role).get("/console").links


def test_a_role_taken_away_is_gone_from_the_next_request(
    credenza: Credenza, administrator: Callable[[str], Visitor]
) -> None:
    """SECURITY.md R-CO-06, A-CON-06."""
    grace = administrator("full")
    token = grace.token()
    credenza.apply({"users": [{"username": "grace", "administrator": False}]})
    answer = grace.post("/console/applications/create/my-app/spa", {"name": "Late"}, token=token)
    assert answer.status_code == 403
    assert grace.get("/console").status == 403


def test_before_the_first_administrator_the_console_says_how_to_make_one(credenza: Credenza) -> None:
    """And nothing of it to anybody from then on, whoever the first one is, and whatever they may do."""
    told = "There is no administrator yet. Where this server runs, “credenza admin create” makes the first one."

    def shown(path: str, language: str = "en") -> str:
        page = UserAgent(credenza).get(path, headers={"accept-language": language})
        assert isinstance(page, PageSeen)
        assert page.name == "sign-in"
        return page.text

    assert told not in shown("/console")
    credenza.run(UserRow.update({UserRow.administrator: ""}, force=True).run)
    assert told in shown("/console")
    assert told in shown("/console/users")
    assert "Es gibt noch keinen Administrator." in shown("/console", "de")
    assert told not in shown("/account")
    credenza.apply({"users": [{"username": "grace", "administrator": "read-only"}]})
    credenza.run(UserRow.update({UserRow.suspended: True}).where(UserRow.username == "grace").run)
    assert told not in shown("/console")


@pytest.mark.parametrize("path", ["/console//audit-log", "/console/%61udit-log", "/console/audit-log/"])
def test_another_spelling_of_an_address_needs_the_same_permission(
    administrator: Callable[[str], Visitor], path: str
) -> None:
    assert administrator("applications").get(path).status in (403, 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_not_there(visitor: Visitor, method: str) -> None:
    assert visitor.agent.send(method, "/console/applications/app").status_code == 405


def test_a_part_of_a_page_without_a_session_reloads_the_whole_page(credenza: Credenza) -> None:
    response = UserAgent(credenza).send("GET", "/console/applications", headers={"HX-Request": "true"})
    assert response.headers["hx-refresh"] == "true"
    assert b"<" not in response.content


def test_every_page_has_a_strict_policy_and_is_not_stored(visitor: Visitor) -> None:
    for route in READING:
        page = visitor.get(example(route))
        policy = page.headers["content-security-policy"]
        assert "no-store" in page.headers["cache-control"]
        if "attachment" in page.headers.get("content-disposition", ""):  # a file to keep
            assert policy == "default-src 'none'; sandbox", name_of(route)
            continue
        assert "script-src 'self'" in policy
        framed = "'self'; form-action 'self'; sandbox allow-same-origin" if "sandbox" in policy else "'none'"
        assert f"frame-ancestors {framed}" in policy
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|\shx-on", page.html), name_of(route)
        assert len(page.html) < 100_000
        assert page.status in (200, 404, 422), name_of(route)  # 422 where the address has to say more, as a name
