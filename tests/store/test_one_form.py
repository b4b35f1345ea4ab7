"""Names of a database that kept them as they were typed are brought to one form, and nobody is locked out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from credenza import users
from credenza.store.user_rows import UserRow
from credenza.testing import PASSWORD, Credenza, PageSeen, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests

from .test_upgrade import run_sql

PEOPLE = {  # by what each of them is called in the end
    "jose\u0301": "josé",
    "mu\u0308ller": "mu\u0308ller",  # whose name somebody else has
    "müller": "müller",
    "a\u030ae\u0301": "åé",  # of two who could have it
    "åe\u0301": "åe\u0301",
    "\u0958" * 100: "\u0958" * 100,  # which is longer in that form than a name may be
    "ada": "ada",
}


@contextmanager
def migrated(url: str) -> Iterator[Credenza]:
    """A server that finds the people of an older release."""
    with running(settings_for_tests(url)) as old:
        (ada,) = old.run(UserRow.select().where(UserRow.username == "ada").run)
        for number, name in enumerate(PEOPLE):
            row = {**ada, "id": f"u{number:030}", "username": name, "email": None, "words": f"{name}  zoe\u0308"}
            if name != "ada":
                old.run(UserRow.insert(UserRow(**row)).run)
    run_sql(url, "DELETE FROM migration WHERE app_name = 'credenza' AND name = '0005'")
    with running(settings_for_tests(url)) as new:
        yield new


def sign_in(credenza: Credenza, name: str) -> str:
    """The id of the account that this name signs in."""
    agent = UserAgent(credenza)
    agent.get(RelyingParty(credenza, "app", "https://app.example.com/cb").authorization_url())
    page = agent.sign_in(name, PASSWORD)
    assert isinstance(page, PageSeen)
    assert page.name == "consent", ascii(name)
    (newest,) = credenza.run(users.list_users, order="last_sign_in_at", descending=True, limit=1)
    credenza.clock.move(1)
    return newest.id


def test_who_had_a_name_still_signs_in_with_it(filled_database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "credenza"), migrated(filled_database_url) as credenza:
        rows = credenza.run(UserRow.select().where(UserRow.id.like("u0000%")).order_by(UserRow.id).run)
        assert [row["username"] for row in rows] == [kept for name, kept in PEOPLE.items() if name != "ada"]
        assert "3 accounts have the name of another one" in caplog.text
        ids = {name: f"u{number:030}" for number, name in enumerate(PEOPLE)}
        for name in PEOPLE.keys() - {"ada"}:
            assert sign_in(credenza, name) == ids[name], ascii(name)
        assert sign_in(credenza, "josé") == ids["jose\u0301"]
        assert sign_in(credenza, "åé") == ids["a\u030ae\u0301"]
        left = credenza.run(users.list_other_forms, 10)
        others = {user.username: other.id if other is not None else "" for user, other in left}
        assert others == {"mu\u0308ller": ids["müller"], "åe\u0301": ids["a\u030ae\u0301"], "\u0958" * 100: ""}


def test_people_are_found_however_a_name_is_composed(filled_database_url: str) -> None:
    with migrated(filled_database_url) as credenza:
        for search, many in (("zoë", 6), ("ZOE\u0308", 6), ("müller", 2), ("mu\u0308ller", 2), ("josé", 1)):
            assert len(credenza.run(lambda s=search: users.list_users(search=s))) == many, ascii(search)


def test_a_million_names_are_read_a_few_at_a_time(filled_database_url: str) -> None:
    """More than one page of them, of which some have to be changed."""
    with running(settings_for_tests(filled_database_url)) as old:
        rows = [
            UserRow(id=f"u{n:030}", username=f"{n}e\u0301" if n % 3 else f"{n}é", words=f"{n}é") for n in range(1200)
        ]
        for start in range(0, 1200, 300):
            old.run(UserRow.insert(*rows[start : start + 300]).run)
    run_sql(filled_database_url, "DELETE FROM migration WHERE app_name = 'credenza' AND name = '0005'")
    with running(settings_for_tests(filled_database_url)) as new:
        kept = new.run(UserRow.select(UserRow.username).where(UserRow.id.like("u0000%")).run)
        assert {row["username"] for row in kept} == {f"{n}é" for n in range(1200)}
        assert new.run(users.list_other_forms, 10) == []
