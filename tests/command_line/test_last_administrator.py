"""A desired state takes the full role from nobody who is the last to have it, whatever happens while it is applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from credenza import User, state, users
from credenza.state import users as state_users
from credenza.testing import PASSWORD, Credenza

from .conftest import Run, exported

CHANGES: list[dict[str, Any]] = [{"administrator": False}, {"administrator": "read-only"}, {"suspended": True}]


@pytest.fixture
def two(credenza: Credenza) -> tuple[User, User]:
    """The only two who may do everything."""
    credenza.apply({"users": [{"username": name, "administrator": True} for name in ("root", "second")]})
    found = [credenza.run(users.find_user_by_identifier, name) for name in ("root", "second")]
    assert credenza.run(users.count_administrators) == 2
    root, second = found
    assert root is not None
    assert second is not None
    return root, second


async def demote(user: User) -> None:
    await users.edit_user(replace(user, administrator=""), ("administrator",))


@pytest.mark.parametrize("change", CHANGES)
def test_who_has_become_the_last_one_meanwhile_stays(
    credenza: Credenza, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    root, second = two
    real = users.hold_user

    async def hold(user_id: str) -> User | None:
        await demote(second)
        return await real(user_id)

    monkeypatch.setattr(state_users.users, "hold_user", hold)
    with pytest.raises(state.StateError, match="users: root: is the last administrator, and stays one"):
        credenza.apply({"users": [{"username": "root", **change}]})
    assert credenza.run(users.find_user, root.id) == root


@pytest.mark.parametrize("change", CHANGES)
def test_the_last_but_one_goes(credenza: Credenza, two: tuple[User, User], change: dict[str, Any]) -> None:
    assert len(credenza.apply({"users": [{"username": "root", **change}]}).changes) == 1
    assert credenza.run(users.count_administrators) == 1


def test_who_is_not_named_and_the_last_one_meanwhile_stays(
    credenza: Credenza, two: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, second = two

    async def clear(user_id: str, disable: Any) -> None:
        if user_id == root.id:
            await demote(second)

    monkeypatch.setattr(state_users, "clear_user", clear)
    run = credenza.apply({"users": [{"username": "ada"}]}, prune=True)
    assert "users: root stays, as the last administrator" in run.warnings
    assert credenza.run(users.find_user, root.id) == root
    assert "root" not in [change.name for change in run.changes]


def test_who_is_suspended_is_not_the_last_one(credenza: Credenza, two: tuple[User, User]) -> None:
    credenza.apply({"users": [{"username": "root", "suspended": True}]})
    run = credenza.apply({"users": [{"username": "second"}]}, prune=True)
    assert "root" in [change.name for change in run.changes]
    assert run.warnings == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_takes_it_from_everybody_changes_nothing(
    credenza: Credenza, two: tuple[User, User], change: dict[str, Any]
) -> None:
    """The first would be gone by the time that the last one is refused."""
    with pytest.raises(state.StateError, match="users: second: is the last administrator, and stays one"):
        credenza.apply({"users": [{"username": user.username, **change} for user in two]})
    assert [credenza.run(users.find_user, user.id) for user in two] == list(two)


@pytest.mark.parametrize("people", [[], [{"username": "ada", "administrator": True}]], ids=["nobody", "somebody else"])
def test_a_dry_run_tells_who_of_them_goes(
    credenza_command: Run, file: Callable[[Any], Path], people: list[dict[str, Any]]
) -> None:
    for name in ("root", "second"):
        credenza_command("admin", "create", "--username", name)
    path = file({"users": people})
    told = credenza_command("diff", path, "--prune", "--json")
    done = credenza_command("apply", path, "--prune", "--json")
    assert (told.json["deleted"], told.err) == (done.json["deleted"], done.err)
    assert [user.get("administrator") for user in exported(credenza_command)["users"]] == ["full"]


def test_the_command_line_takes_it_from_nobody_either(credenza_command: Run) -> None:
    credenza_command("admin", "create", "--username", "root")
    done = credenza_command(
        "admin", "create", "--username", "root", "--role", "read-only", "--password-stdin", typed=PASSWORD
    )
    assert (done.status, done.error) == (1, "credenza: root is the last administrator, and stays one")
    (user,) = exported(credenza_command)["users"]
    assert user["administrator"] == "full"
    credenza_command("admin", "create", "--username", "second")
    assert credenza_command("admin", "create", "--username", "root", "--role", "read-only").status == 0
