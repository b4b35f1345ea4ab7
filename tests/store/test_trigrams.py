"""The index of every three characters that people are found by is always what their names are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from credenza import users
from credenza.store import user_search
from credenza.store.batches import batches
from credenza.store.user_rows import UserRow
from credenza.store.user_search import matching, words_of
from credenza.testing import Credenza, running
from credenza.testing import test_settings as settings_for_tests

TRIGRAMS = "credenza_user_trigrams"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "credenza.db"


@pytest.fixture
def here(path: Path) -> Iterator[Credenza]:
    with running(settings_for_tests(f"sqlite:///{path}")) as credenza:
        credenza.apply({"users": [{"username": name} for name in ("grace", "kay", "ada")]})
        yield credenza


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def check(path: Path) -> None:
    """Raises sqlite3.DatabaseError when it is about other names than there are. https://sqlite.org/fts5.html §6.4."""
    run_sql(path, f"INSERT INTO {TRIGRAMS}({TRIGRAMS}, rank) VALUES ('integrity-check', 1)")


def found(credenza: Credenza, search: str) -> list[str]:
    listed = credenza.run(lambda: users.list_users(search=search))
    assert credenza.run(lambda: users.count_users(search=search)) == len(listed)
    return [user.username for user in listed]


def person(credenza: Credenza, name: str) -> users.User:
    user = credenza.run(users.find_user_by_identifier, name)
    assert user is not None
    return user


def test_whoever_is_new_renamed_or_deleted(here: Credenza, path: Path) -> None:
    check(path)
    kay = replace(person(here, "kay"), profile={"name": "Kay McNulty"})
    here.run(users.edit_user, kay, ("profile",))
    assert found(here, "mcnulty") == ["kay"]
    here.run(users.touch_user, kay.id, 7)
    here.run(users.edit_user, replace(kay, profile={"name": "Kay Mauchly"}), ("profile",))
    assert found(here, "mcnulty") == []
    assert found(here, "AUCH") == ["kay"]
    here.run(users.delete_user, kay.id)
    assert found(here, "mauchly") == []
    check(path)


def test_a_copy_has_it_too(here: Credenza, path: Path, tmp_path: Path) -> None:
    """It knows a person by the number of the row. docs/how-to/backups.md makes a copy that way."""
    here.run(users.delete_user, person(here, "grace").id)
    run_sql(path, f"VACUUM INTO '{tmp_path / 'copy.db'}'")
    check(tmp_path / "copy.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
    check(path)
    assert found(here, "kay") == ["kay"]


def test_it_is_made_of_whoever_is_there(path: Path) -> None:
    settings = settings_for_tests(f"sqlite:///{path}")
    with running(settings) as old:
        old.apply({"users": [{"username": "kay"}]})
    triggers = [f"DROP TRIGGER {TRIGRAMS}_{name}" for name in ("new", "gone", "other")]
    forgotten = "DELETE FROM migration WHERE app_name = 'credenza' AND name = '0004'"
    run_sql(path, *triggers, f"DROP TABLE {TRIGRAMS}", forgotten)
    with running(settings) as new:
        assert found(new, "kay") == ["kay"]
    check(path)


@pytest.mark.parametrize("search", ["Ποσειδών", "山田_tanaka", 'é"_)^仮仮'])
def test_two_characters_that_are_many_bytes(credenza: Credenza, admin: Any, search: str) -> None:
    """SQLite crashed, and the worker with it, when they stood before any one character, as a sigma is."""
    credenza.apply({"users": [{"username": "sea", "profile": {"name": f"Admiral {search} Andreou"}}]})
    assert "Andreou" in admin.get(f"/console/users?q={quote(search)}").text


def row_of(user: users.User) -> UserRow:
    return UserRow(id=user.id, username=user.username, words=words_of(user.username, "", ""))


@pytest.mark.parametrize("last", [60, 75])
def test_no_more_than_some_thousands_are_counted(
    credenza: Credenza, admin: Any, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    """The pages go on beyond, to the last one: nobody who matches is left out."""
    made = [users.User(users.new_user_id(), f"sailor{number:02}") for number in range(last)]
    for some in batches(map(row_of, made)):
        credenza.run(UserRow.insert(*some).run)
    for module in (users, user_search):
        monkeypatch.setattr(module, "MANY", 30)
    pages = [admin.get(f"/console/users?q=sailor&page={number}") for number in (1, 2, 3)]
    expected = ("1-25 of more than 30", "26-50 of more than 50", f"51-{last} of {last}")
    assert all(shown in page.text for page, shown in zip(pages, expected, strict=True))
    assert ['rel="next"' in page.html for page in pages] == [True, True, False]
    assert f"sailor{last - 1}" in pages[2].text
    monkeypatch.undo()
    assert f"1-25 of {last}" in admin.get("/console/users?q=sailor").text


CREW = (
    "Zoe Quill",
    "Μαρία Ποσειδών",
    "山田 太郎",
    "Ægir Þórsson",
    "o'neill_50%",
    "Ali Zoe",
    "İpek",
    "xx yy xx",
    "🦜🦜🦜",
)
SEARCHES = {  # what may be found by three characters of it, what may not, and both
    "quil": {"Zoe Quill"},
    "QUILL zo": {"Zoe Quill"},
    "zoe": {"Zoe Quill", "Ali Zoe"},
    "zoe quill ali": set(),
    "Ποσειδών": {"Μαρία Ποσειδών"},
    "σειδ": {"Μαρία Ποσειδών"},
    "山田": {"山田 太郎"},
    "山田 太郎": {"山田 太郎"},
    "þórs": {"Ægir Þórsson"},
    "neill_50%": {"o'neill_50%"},
    "ipek": {"İpek"},
    "🦜🦜🦜": {"🦜🦜🦜"},
    "quilt": set(),
}


def test_both_databases_find_whoever_has_each_word(filled_database_url: str) -> None:
    people = [{"username": f"{number}", "profile": {"name": name}} for number, name in enumerate(CREW)]
    with running(settings_for_tests(filled_database_url)) as credenza:
        credenza.apply({"users": people})
        assert {search: {CREW[int(name)] for name in found(credenza, search)} for search in SEARCHES} == SEARCHES


async def plan_of(search: str) -> str:
    query = UserRow.select(UserRow.id).where(await matching(search)).querystrings[0]
    return "\n".join(row["QUERY PLAN"] for row in await UserRow.raw("EXPLAIN {}", query))


@pytest.mark.postgresql
def test_postgresql_asks_its_index_of_every_three_characters(filled_postgresql_url: str) -> None:
    """It is made anew where somebody was interrupted: a statement that was cancelled leaves one that is not used."""

    async def fill_and_forget() -> None:
        made = [users.User(users.new_user_id(), f"sailor{number}") for number in range(2000)]
        for some in batches(
            [UserRow(id=user.id, username=user.username, words=words_of(user.username, "", "")) for user in made]
        ):
            await UserRow.insert(*some)
        await UserRow.raw("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'credenza_user_threes'::regclass")
        await UserRow.raw("DELETE FROM migration WHERE app_name = 'credenza' AND name = '0006'")

    index, settings = "credenza_user_threes", settings_for_tests(filled_postgresql_url)
    with running(settings) as before:
        before.run(fill_and_forget)
        assert index not in before.run(plan_of, "sailor1234")
    with running(settings) as after:
        assert index in after.run(plan_of, "sailor1234")
        assert index not in after.run(plan_of, "34")
        assert found(after, "sailor1234") == ["sailor1234"]
