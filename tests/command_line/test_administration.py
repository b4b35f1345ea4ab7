"""Administrators and signing keys."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from credenza import logout
from credenza.protocol import jose
from credenza.settings import load_settings
from credenza.store import sessions
from credenza.store.sessions import SessionRow
from credenza.testing import PASSWORD, Credenza, running

from .conftest import Run, exported


def test_an_administrator_is_created_with_a_password_from_standard_input(credenza_command: Run) -> None:
    done = credenza_command(
        "admin", "create", "--username", "Olive", "--email", "olive@example.com", "--password-stdin", typed=PASSWORD
    )
    assert (done.status, done.out, done.err) == (0, "olive is an administrator.\n", "")
    (user,) = exported(credenza_command)["users"]
    assert user == {"username": "olive", "id": user["id"], "email": "olive@example.com", "administrator": "full"}


def test_what_is_made_beside_the_database_is_for_its_owner_only(credenza_command: Run, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert credenza_command("migrate").status == 0
    finally:
        os.umask(before)
    made = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert {"credenza.db", "credenza.db.key", "credenza.db.migrating"} <= made.keys()
    assert set(made.values()) == {0o600}


def test_without_a_password_a_link_is_printed(credenza_command: Run) -> None:
    made = credenza_command("admin", "create", "--username", "olive", "--json").json
    assert made["username"] == "olive"
    assert made["invitation"].startswith("https://id.example.com/invitation/")


def test_a_user_becomes_an_administrator(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    credenza_command("apply", file({"users": [{"username": "ada", "password": PASSWORD}]}))
    done = credenza_command("admin", "create", "--username", "ada", "--json")
    assert "invitation" not in done.json, "ada has a password already"
    (user,) = exported(credenza_command)["users"]
    assert user["administrator"] == "full"


def test_another_address_of_a_user_is_told(credenza_command: Run, file: Callable[[Any], Path], tmp_path: Path) -> None:
    """As in the console: who reads mail at the former one may be whose account it is."""
    credenza_command("admin", "create", "--username", "ada", "--email", "ada@example.com")
    for _ in range(2):
        credenza_command("admin", "create", "--username", "ada", "--email", "countess@example.com")
    with closing(sqlite3.connect(tmp_path / "credenza.db")) as database:
        found = database.execute("SELECT actor, data FROM credenza_audit_event WHERE name = 'EmailChanged'").fetchall()
    assert found == [("command line", '{"before":"ada@example.com","after":"countess@example.com"}')]


def test_a_name_is_one_however_a_terminal_composes_it(credenza_command: Run) -> None:
    first, second = (credenza_command("admin", "create", "--username", n, "--json").json for n in ("zoe\u0308", "zoë"))
    assert first["id"] == second["id"]
    assert first["username"] == "zoë"


def test_another_password_from_the_command_line_ends_what_the_old_one_opened(
    credenza_command: Run, tmp_path: Path
) -> None:
    """Whoever knew the old one is out, as everywhere else: links that set a password go too."""
    credenza_command("admin", "create", "--username", "olive")
    credenza_command("admin", "create", "--username", "olive", "--password-stdin", typed=PASSWORD)
    with closing(sqlite3.connect(tmp_path / "credenza.db")) as database:
        assert database.execute("SELECT count(*) FROM credenza_invitation").fetchone() == (0,)
        (details,) = database.execute("SELECT data FROM credenza_audit_event WHERE name = 'PasswordChanged'").fetchone()
    assert "command line" in details


@pytest.mark.parametrize("change", [["--password-stdin"], ["--role", "full"]], ids=["password", "role"])
def test_very_many_sessions_end_a_few_at_a_time(
    credenza_command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: list[str]
) -> None:
    """In one transaction they would keep everybody else waiting."""
    credenza_command("admin", "create", "--username", "root")
    user = credenza_command("admin", "create", "--username", "olive", "--role", "read-only", "--json").json["id"]

    async def sign_in() -> None:
        rows = [
            SessionRow(digest=str(number), id=f"s{number}", user=user, created_at=1, last_seen_at=1, expires_at=2)
            for number in range(7)
        ]
        await SessionRow.insert(*rows)

    at_once: list[int] = []

    async def delete_sessions(user_id: str, *, but: str = "", most: int | None = None) -> list[str]:
        names = await sessions.delete_sessions(user_id, but=but, most=most)
        at_once.append(len(names))
        return names

    monkeypatch.setattr(logout, "MANY", 2)
    monkeypatch.setattr(logout, "A_FEW", 1)
    monkeypatch.setattr(logout, "delete_sessions", delete_sessions)
    with running(load_settings()) as here:
        here.run(sign_in)
    done = credenza_command("admin", "create", "--username", "olive", *change, typed=PASSWORD)
    assert done.status == 0, done.err
    assert (sum(at_once), max(at_once)) == (7, 2)


def test_an_administrator_who_is_created_has_the_default_roles(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    credenza_command("apply", file({"roles": [{"name": "everybody", "default": True}]}))
    credenza_command("admin", "create", "--username", "olive")
    (user,) = exported(credenza_command)["users"]
    assert user["roles"] == ["everybody"]


def test_an_address_is_given_to_a_user_who_becomes_an_administrator(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    people = [{"username": "ada"}, {"username": "grace", "email": "grace@example.com", "email_verified": True}]
    credenza_command("apply", file({"users": people}))
    credenza_command("admin", "create", "--username", "ada", "--email", "Ada@example.com")
    done = credenza_command("admin", "create", "--username", "ada", "--email", "grace@example.com")
    assert (done.status, done.error) == (1, "credenza: grace@example.com is the confirmed address of grace")
    ada, _ = exported(credenza_command)["users"]
    assert (ada["username"], ada["email"], ada["administrator"]) == ("ada", "ada@example.com", "full")


@pytest.mark.parametrize("password", ["", "short", "passwordpassword", "olive-olive-olive"])
def test_a_weak_password_is_refused_and_creates_nobody(credenza_command: Run, password: str) -> None:
    done = credenza_command("admin", "create", "--username", "olive", "--password-stdin", typed=f"{password}\n")
    assert done.status == 1
    assert done.out == ""
    assert done.error
    if password:
        assert password not in done.err
    assert not exported(credenza_command)


@pytest.mark.parametrize(("option", "value"), [("--username", "two words"), ("--email", "not an address")])
def test_a_name_or_an_address_that_is_none_is_refused(credenza_command: Run, option: str, value: str) -> None:
    credenza_command("migrate")
    names = {"--username": "olive", option: value}
    done = credenza_command("admin", "create", *(word for pair in names.items() for word in pair))
    assert done.status == 1
    assert done.error
    assert not exported(credenza_command)


def test_keys_are_listed_without_their_private_halves(credenza_command: Run) -> None:
    credenza_command("migrate")
    done = credenza_command("keys", "list", "--json")
    assert {(key["alg"], key["state"]) for key in done.json} == {
        (alg, state) for alg in ("RS256", "ES256", "PS256") for state in ("active", "next")
    }
    assert all(set(key) == {"kid", "alg", "state", "created_at"} for key in done.json)
    assert len(credenza_command("keys", "list").out.splitlines()) == 6


def test_rotation_makes_the_next_keys_sign(credenza_command: Run) -> None:
    credenza_command("migrate")
    before = {(key["alg"], key["state"]): key["kid"] for key in credenza_command("keys", "list", "--json").json}
    done = credenza_command("keys", "rotate", "--json")
    assert done.status == 0, done.err
    assert "published less than an hour ago" in done.error
    state = {key["kid"]: key["state"] for key in done.json}
    for alg in ("RS256", "ES256", "PS256"):
        assert state[before[alg, "next"]] == "active"
        assert state[before[alg, "active"]] == "retired"
    assert sorted(state.values()).count("next") == 3


def test_no_key_has_an_id_that_a_command_takes_for_an_option(
    credenza: Credenza, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in 64 thumbprints begins with a hyphen."""
    thumbprints = iter(["-M", "M-"])
    monkeypatch.setattr(jose, "thumbprint", lambda members: next(thumbprints))
    assert credenza.run(credenza.server.new_key, "ES256", "next").kid == "M-"


def test_a_key_is_revoked_by_its_id(credenza_command: Run) -> None:
    credenza_command("migrate")
    before = {(key["alg"], key["state"]): key["kid"] for key in credenza_command("keys", "list", "--json").json}
    done = credenza_command("keys", "revoke", before["ES256", "active"], "--json")
    assert done.status == 0, done.err
    after = {key["kid"]: key["state"] for key in done.json}
    assert before["ES256", "active"] not in after
    assert after[before["ES256", "next"]] == "active"
    assert len(after) == len(before)
    refused = credenza_command("keys", "revoke", before["ES256", "active"])
    assert refused.status == 1
    assert "there is no signing key" in refused.err
