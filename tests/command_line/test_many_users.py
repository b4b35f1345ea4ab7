"""A file with very many users: it is read in time, nothing long is done twice, and the one that is written is whole."""

from __future__ import annotations

import asyncio
import json
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import yaml

from credenza import (
    Client,
    EmailChanged,
    Listener,
    Scope,
    Statement,
    StateSection,
    User,
    clients,
    hookimpl,
    state,
    users,
)
from credenza.state import reading
from credenza.state import run as state_run
from credenza.store import batches
from credenza.store import users as stored_users
from credenza.store.addresses import engine_from_url
from credenza.testing import ORDERS, Credenza, running
from credenza.testing import test_settings as settings_for_tests
from credenza.web.passwords import Passwords
from credenza_resources.scopes import ApiScopes
from credenza_resources.state import roles as roles_state

# -- the file ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def json_file(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def test_json_is_read_without_the_library_for_yaml(json_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(reading.yaml, "load")
    json_file.write_text(
        '{"users": [{"username": "eve", "profile": {"birthdate": "1815-12-10", "name": "\\\\u0000"}}]}'
    )
    profile = {"birthdate": "1815-12-10", "name": "\\u0000"}
    assert state.read(json_file) == {"users": [{"username": "eve", "profile": profile}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "state.json: not JSON: Expecting value: line 1 column 1"),
        ("users: []", "not JSON"),
        ("[]", "a mapping of sections"),
        ('{"users": [], "roles": [], "users": []}', "not JSON: the key 'users' is there twice"),
        ('{"users": [{"username": "eve", "profile": {"name": "a", "name": "b"}}]}', "the key 'name' is there twice"),
        ('{"users": [{"username": "a\\u0000b"}]}', "a text has no NUL"),
        ('{"users": [{"username": "a\\\\\\u0000b"}]}', "a text has no NUL"),
        ('{"users": [{"username": "a\0b"}]}', "not JSON"),
        ('{"users": [{"username": "\\ud800"}]}', "only mappings, lists, texts"),
        ('{"users": [{"username": NaN}]}', "only mappings, lists, texts"),
        ("[" * 100_000, "only mappings, lists, texts"),
    ],
)
def test_json_is_refused_as_yaml_would_be(json_file: Path, text: str, message: str) -> None:
    json_file.write_text(text)
    with pytest.raises(state.StateError, match=message.replace("[", r"\[")):
        state.read(json_file)


def test_yaml_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    for text in ("[" * 100_000, "- " * 100_000, "? " * 100_000):
        (tmp_path / "state.yaml").write_text(text)
        with pytest.raises(state.StateError, match=r"not YAML|only mappings"):
            state.read(tmp_path / "state.yaml")


# -- passwords --------------------------------------------------------------------------------------------------------


def people(*passwords: str) -> dict[str, Any]:
    return {"users": [{"username": f"person{n}", "password": password} for n, password in enumerate(passwords)]}


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many were being hashed or checked, each time that one more was begun."""
    seen: list[int] = []
    under_way = 0
    real = Passwords._run

    async def run(*arguments: Any) -> Any:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        try:
            await asyncio.sleep(0)
            return await real(*arguments)
        finally:
            under_way -= 1

    monkeypatch.setattr(Passwords, "_run", run)
    return seen


def test_passwords_are_hashed_beside_each_other_and_never_more_than_may_wait(
    credenza: Credenza, hashing: list[int]
) -> None:
    made = credenza.apply(people(*(f"a long password {n}" for n in range(40))))
    assert len(made.changes) == len(hashing) == 40
    assert max(hashing) == 16
    for n in (0, 17, 39):
        user = credenza.run(users.find_user_by_identifier, f"person{n}")
        assert user is not None
        assert credenza.run(credenza.app.state.passwords.verify, user.password_hash, f"a long password {n}")


def test_a_password_is_checked_once_although_the_file_is_tried_first(credenza: Credenza, hashing: list[int]) -> None:
    credenza.apply(people("a long password", "qwertyuiop", "what it was"))
    hashing.clear()
    run = credenza.apply(people("a long password", "qwertyuiop", "what it is now"))
    assert len(hashing) == 4, "one to check each of the three, and one to hash the new one"
    assert [change.name for change in run.changes] == ["person2"]
    assert len([warning for warning in run.warnings if "person1" in warning]) == 1
    assert credenza.apply(people("a long password", "qwertyuiop", "what it is now")).changes == []


def test_a_password_that_changes_after_the_file_was_tried_is_checked_again(
    credenza: Credenza, monkeypatch: pytest.MonkeyPatch
) -> None:
    credenza.apply(people("as in the file"))
    real, times = stored_users.find_user_by_identifier, 0

    async def find(identifier: str) -> User | None:
        nonlocal times
        times += 1
        user = await real(identifier)
        if times == 2:
            assert user is not None
            changed = await credenza.app.state.passwords.hash("chosen meanwhile")
            await stored_users.update_password(user.id, changed, 2_000_000_000)
            user = await real(identifier)
        return user

    monkeypatch.setattr(stored_users, "find_user_by_identifier", find)
    assert [change.action for change in credenza.apply(people("as in the file")).changes] == ["updated"]
    assert times == 2


def test_listeners_hear_of_very_many_a_few_at_a_time(credenza_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or each would have too little of its time, and all of them would be in memory."""
    monkeypatch.setattr(state_run, "HEARING", 3)
    under_way, most, heard = 0, 0, set[str]()

    async def hears(event: EmailChanged) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.05)
        under_way -= 1
        heard.add(event.after)

    class Listens:
        @hookimpl
        def register_listeners(self) -> Listener:
            return hears

    with running(settings_for_tests(credenza_database), [("listens", Listens())]) as credenza:
        for place in ("old", "new"):
            names = [f"person{n}@{place}.example.com" for n in range(20)]
            credenza.apply({"users": [{"username": name.partition("@")[0], "email": name} for name in names]})
        credenza.run(credenza.server.heard)
    assert heard == set(names)
    assert most <= 4, "of one change more than those"


# -- what each of them refers to ---------------------------------------------------------------------------------------


def test_nobody_goes_through_all_that_there_is_for_each(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand roles times a million users, and as many permissions times thousands of applications."""
    gone_through: list[str] = []

    async def all_roles() -> list[dict[str, Any]]:
        gone_through.append("roles")
        return []

    async def all_permissions(source: ApiScopes) -> list[Scope]:
        gone_through.append("permissions")
        return []

    monkeypatch.setattr(roles_state, "list_roles", all_roles)
    monkeypatch.setattr(ApiScopes, "catalogue", all_permissions)
    machine = {"client_id": "machine", "type": "machine_to_machine", "roles": ["support"]}
    document = {
        "users": [{"username": "eve", "roles": ["support"]}, {"username": "frank"}],
        "applications": [{**machine, "permissions": {"api": {ORDERS: ["orders:write"]}}}],
    }
    assert [change.kind for change in credenza.apply(document).changes] == [
        "user",
        "user roles",
        "user",
        "application",
        "application roles",
    ]
    assert gone_through == []
    with pytest.raises(state.StateError, match="api knows no 'orders:burn'"):
        credenza.apply({"applications": [{**machine, "permissions": {"api": {ORDERS: ["orders:burn"]}}}]})
    assert set(gone_through) == {"permissions"}, "to say what there is"


# -- writing it -------------------------------------------------------------------------------------------------------


class Outsider:
    """Comes before all other sections, and deletes a user when it has looked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.left: list[int] = []

    @hookimpl
    def register_state(self, settings: Any) -> StateSection:
        return StateSection("outsider", 1, self.apply, self.export)

    async def apply(self, part: Any, run: Any) -> None:
        raise NotImplementedError

    async def export(self) -> None:
        await Statement("SELECT id FROM credenza_user").all()
        other = engine_from_url(self.url)
        await other.start()
        try:
            await other.run_ddl("DELETE FROM credenza_user WHERE username = 'grace'")
            self.left.append(len(await other.run_ddl("SELECT id FROM credenza_user")))
        finally:
            await other.stop()


def test_an_export_is_of_one_moment(filled_database_url: str) -> None:
    outsider = Outsider(filled_database_url)
    with running(settings_for_tests(filled_database_url), [("outsider", outsider)]) as credenza:
        first, second = (credenza.run(state.export, credenza.server)["users"] for _ in range(2))
    names = [user["username"] for user in first]
    assert "grace" in names
    assert outsider.left[0] == len(names) - 1
    assert [user["username"] for user in second] == [name for name in names if name != "grace"]


def test_each_user_is_met_once_whoever_comes_and_goes(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PAGE", 3)
    credenza.apply({"users": [{"username": f"m{n}"} for n in range(10)]})

    async def meet() -> list[str]:
        met = []
        async for user in stored_users.every_user():
            met.append(user.username)
            if user.username == "m4":  # everybody behind moves by one, and then back by two
                await stored_users.delete_user((await found("m1")).id)
                await stored_users.insert_user(User("u" + "0" * 30, "aaron"))
                await stored_users.insert_user(User("u" + "1" * 30, "abel"))
                await stored_users.delete_user((await found("m7")).id)
        return met

    async def found(name: str) -> User:
        user = await stored_users.find_user_by_identifier(name)
        assert user is not None
        return user

    met = [name for name in credenza.run(meet) if name.startswith("m") and name[1:].isdigit()]
    assert met == [f"m{n}" for n in range(10) if n != 7]


def test_each_application_is_met_as_if_it_was_looked_for(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PAGE", 3)
    named = [{"client_id": f"m{n}", "name": "M", "type": "traditional", "third_party": True} for n in range(7)]
    for n in (1, 4):
        named[n]["permissions"] = {"profile": ["profile", "email?"]}
    credenza.apply({"applications": named})

    async def meet() -> list[Client]:
        return [client async for client in clients.every_client(types)]

    types = credenza.server.client_types
    met = credenza.run(meet)
    assert met == [credenza.run(clients.find_client, client.id, types) for client in met]
    assert [client.id for client in met if client.name == "M"] == [f"m{n}" for n in range(7)]
    assert all(client.secrets for client in met if client.name == "M")

    def one_by_one(*_: Any) -> None:
        raise AssertionError("an application was looked for by itself")

    monkeypatch.setattr(clients, "find_client", one_by_one)
    exported = credenza.run(state.export, credenza.server)["applications"]
    assert [client.get("permissions") for client in exported if client["client_id"] in ("m1", "m2")] == [
        {"profile": ["email?", "profile"]},
        None,
    ]


@pytest.mark.parametrize("many", [0, 1, 3, 4, 7, 8])
def test_what_is_written_in_parts_is_as_if_written_whole(many: int) -> None:
    people = [{"username": f"person{n}", "profile": {"name": "Ærøskøbing: no"}, "roles": []} for n in range(many)]
    document: dict[str, Any] = {"users": people} if people else {}
    document |= {"provider": {"branding": {"theme": "harbour"}}, "roles": [{"name": "x"}]}

    async def parts() -> AsyncIterator[tuple[str, Any]]:
        for name, part in document.items():
            for some in batches.batches(part, 4) if isinstance(part, list) else [part]:
                yield name, some

    async def written(kind: Callable[[AsyncIterator[tuple[str, Any]]], AsyncIterator[str]]) -> str:
        return "".join([text async for text in kind(parts())])

    whole = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    assert asyncio.run(written(state.as_yaml)) == whole
    assert json.loads(asyncio.run(written(state.as_json))) == document


def test_nothing_is_json_too() -> None:
    async def nothing() -> AsyncIterator[tuple[str, Any]]:
        for _ in ():
            yield "users", []

    async def written() -> str:
        return "".join([text async for text in state.as_json(nothing())])

    assert json.loads(asyncio.run(written())) == {}


def test_users_are_exported_some_at_a_time_in_one_order_on_each_database(
    filled_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "BATCH", 3)
    monkeypatch.setattr(batches, "PAGE", 2)
    names = ["a", "a-c", "ab", "a.d", "a_e", "z", "ärzte", "Éa"]
    with running(settings_for_tests(filled_database_url)) as credenza:
        credenza.apply({"users": [{"username": name} for name in names]})

        async def seen() -> list[list[str]]:
            async with aclosing(state.parts(credenza.server)) as parts:
                return [[user["username"] for user in part] async for name, part in parts if name == "users"]

        some = credenza.run(seen)
        assert {len(part) for part in some[:-1]} == {3}
        found = [name for part in some for name in part]
        assert found == sorted(found)
        assert set(found) >= {name.lower() for name in names}
        assert [user["username"] for user in credenza.run(state.export, credenza.server)["users"]] == found


class Lockers:
    """A section of a plugin that has something of each user."""

    @hookimpl
    def register_state(self, settings: Any) -> StateSection:
        return StateSection("lockers", 500, self.apply, self.export)

    async def apply(self, part: Any, run: Any) -> None:
        raise NotImplementedError

    async def export(self) -> AsyncIterator[dict[str, str]]:
        async for user in users.in_one_order():
            yield {"of": user.username}


def test_a_section_of_a_plugin_may_ask_for_everybody_once_more(filled_database_url: str) -> None:
    with running(settings_for_tests(filled_database_url), [("lockers", Lockers())]) as credenza:
        document = credenza.run(state.export, credenza.server)
    assert [locker["of"] for locker in document["lockers"]] == [user["username"] for user in document["users"]]


class Entry(dict[str, Any]):
    """Whose life can be followed."""

    __hash__ = object.__hash__


class Endless:
    """A section of a plugin that yields its entries."""

    def __init__(self) -> None:
        self.alive: weakref.WeakSet[Entry] = weakref.WeakSet()
        self.most = 0

    @hookimpl
    def register_state(self, settings: Any) -> StateSection:
        return StateSection("endless", 1, self.apply, self.export)

    async def apply(self, part: Any, run: Any) -> None:
        raise NotImplementedError

    async def export(self) -> AsyncIterator[Entry]:
        for number in range(3000):
            entry = Entry(number=number)
            self.alive.add(entry)
            self.most = max(self.most, len(self.alive))
            yield entry


def test_a_section_that_yields_its_entries_is_never_in_memory_as_a_whole(credenza_database: str) -> None:
    endless = Endless()
    with running(settings_for_tests(credenza_database), [("endless", endless)]) as credenza:

        async def written() -> str:
            async with aclosing(state.parts(credenza.server)) as parts:
                return "".join([text async for text in state.as_json(parts)])

        document = json.loads(credenza.run(written))
    assert document["endless"] == [{"number": number} for number in range(3000)]
    assert endless.most <= 2 * state.BATCH + 2
