"""Somebody with very many sessions is signed out a few at a time, and nobody else waits; in the end none is left."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from credenza import audit, logout, require_new_password, users
from credenza.store import sessions
from credenza.store.logout import LogoutDeliveryRow
from credenza.store.sessions import SessionRow
from credenza.testing import PASSWORD, Callback, Credenza, PageSeen, RelyingParty, UserAgent

NEW = "seven quiet lighthouses at dawn"
SESSIONS, MANY, A_FEW = 7, 2, 1


@pytest.fixture
def ended(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sessions ended in each statement; ada has very many."""
    at_once: list[int] = []
    ada = person(credenza)
    now = credenza.server.now()
    rows = [
        SessionRow(
            digest=str(number), id=f"s{number}", user=ada.id, created_at=now, last_seen_at=now, expires_at=now + 999
        )
        for number in range(SESSIONS)
    ]
    credenza.run(SessionRow.insert(*rows).run)

    async def delete_sessions(user_id: str, *, but: str = "", most: int | None = None) -> list[str]:
        names = await sessions.delete_sessions(user_id, but=but, most=most)
        at_once.append(len(names))
        return names

    monkeypatch.setattr(logout, "MANY", MANY)
    monkeypatch.setattr(logout, "A_FEW", A_FEW)
    monkeypatch.setattr(logout, "delete_sessions", delete_sessions)
    return at_once


def person(credenza: Credenza, name: str = "ada") -> users.User:
    found = credenza.run(users.find_user_by_identifier, name)
    assert found is not None
    return found


def post(agent: UserAgent, path: str, **fields: str) -> None:
    """A form of the console, as it is but for these fields."""
    page = agent.get(path)
    assert isinstance(page, PageSeen)
    token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.html)
    seen = re.search(r'name="seen" value="([^"]*)"', page.html)
    assert token
    answer = agent.send(
        "POST",
        path,
        content=urlencode({"csrf_token": token[1], "seen": seen[1] if seen else "", **fields}),
        headers={
            "content-type": "application/x-www-form-urlencoded",
            "origin": agent.credenza.issuer,
            "sec-fetch-site": "same-origin",
        },
    )
    assert answer.status_code == 303, answer.text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/console/users/{}/sessions", {"session": "all"}),
        ("/console/users/{}/suspension", {"suspended": "on"}),
        ("/console/users/{}/new-password", {"required": "on", "sign_out": "on"}),
        ("/console/users/{}/delete", {"confirm": "ada"}),
        ("/console/administrators/{}", {"role": "read-only"}),
    ],
)
def test_by_an_administrator(
    credenza: Credenza, admin: UserAgent, ended: list[int], path: str, fields: dict[str, str]
) -> None:
    post(admin, path.format(person(credenza).id), **fields)
    check(credenza, ended)


def test_by_a_file(credenza: Credenza, ended: list[int]) -> None:
    credenza.apply({"users": [{"username": "ada", "suspended": True}]})
    check(credenza, ended)


def test_by_a_file_without_them(credenza: Credenza, ended: list[int]) -> None:
    credenza.apply({"users": [{"username": "root", "administrator": True}]}, prune=True)
    check(credenza, ended)


def elsewhere(agent: UserAgent) -> None:
    submit(agent, "/account/sessions", "/end-others")


def changed(agent: UserAgent) -> None:
    fields = {"current": PASSWORD, "password": NEW, "password_again": NEW, "end_others": "yes"}
    submit(agent, "/account/password", "/account/password", **fields)


def deleted(agent: UserAgent) -> None:
    submit(agent, "/account/data/delete", "/delete", confirm="ada")


def submit(agent: UserAgent, path: str, action: str, **fields: str) -> None:
    page = agent.get(path)
    assert isinstance(page, PageSeen)
    (form,) = (number for number, form in enumerate(page.forms) if form.action.endswith(action))
    page = agent.submit(list(fields.items()), form=form)
    assert isinstance(page, PageSeen)
    assert page.status == 200, page.text


@pytest.mark.parametrize("way", [elsewhere, changed, deleted])
def test_by_themselves(
    credenza: Credenza, user_agent: UserAgent, ended: list[int], way: Callable[[UserAgent], None]
) -> None:
    user_agent.get("/account")
    user_agent.sign_in("ada")
    way(user_agent)
    check(credenza, ended, left=0 if way is deleted else 1, at_most=MANY + 1)


def test_some_of_which_somebody_else_ends_meanwhile(
    credenza: Credenza, user_agent: UserAgent, ended: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PostgreSQL another worker deletes the very rows that were found; the others end all the same."""
    find_batch, meanwhile = sessions.find_batch, [True]

    async def find(*arguments: Any) -> list[Any]:
        found = await find_batch(*arguments)
        if meanwhile and found:
            meanwhile.clear()
            await SessionRow.delete().where(SessionRow.digest.is_in(found))
        return found

    monkeypatch.setattr(sessions, "find_batch", find)
    user_agent.get("/account")
    user_agent.sign_in("ada")
    elsewhere(user_agent)
    check(credenza, ended, left=1, sessions=SESSIONS - A_FEW)


@pytest.mark.parametrize("through", ["link", "required"])
def test_with_a_new_password(
    credenza: Credenza, admin: UserAgent, user_agent: UserAgent, ended: list[int], through: str
) -> None:
    if through == "link":
        path = f"/console/users/{person(credenza).id}"
        post(admin, f"{path}/link")
        page = admin.get(path)
        assert isinstance(page, PageSeen)
        link = re.search(r'id="link-value">(https://[^<]+)<', page.html)
        assert link
        user_agent.get(link[1])
    else:
        credenza.run(require_new_password, credenza.server, person(credenza))
        user_agent.get("/account")
        user_agent.sign_in("ada")
    user_agent.submit([("password", NEW), ("password_again", NEW)])
    check(credenza, ended, left=0 if through == "link" else 1)


def test_each_of_them_is_told_and_written_down(
    credenza: Credenza, admin: UserAgent, client: RelyingParty, ended: list[int]
) -> None:
    credenza.apply(
        {
            "applications": [
                {"client_id": "app", "name": "Harbour Wiki", "backchannel_logout_uri": "https://app.example.com/out"}
            ]
        }
    )
    tokens = []
    for _ in range(2):
        answer = UserAgent(credenza).authorize(client)
        assert isinstance(answer, Callback)
        tokens.append(client.tokens(answer)["access_token"])
    ada = person(credenza).id
    post(admin, f"/console/users/{ada}/sessions", session="all")
    check(credenza, ended, sessions=SESSIONS + 2)
    assert [client.introspect(token)["active"] for token in tokens] == [False, False]
    assert credenza.run(LogoutDeliveryRow.count().run) == 2
    assert len(credenza.run(lambda: audit.list_events(user=ada, name="SessionEnded"))) == SESSIONS + 2


def check(
    credenza: Credenza, ended: list[int], *, left: int = 0, at_most: int = MANY, sessions: int = SESSIONS
) -> None:
    ada = credenza.run(users.find_user_by_identifier, "ada")
    there = credenza.run(SessionRow.count().where(SessionRow.user == ada.id).run) if ada else 0
    assert there == left
    assert sum(ended) >= sessions
    assert max(ended) <= at_most
