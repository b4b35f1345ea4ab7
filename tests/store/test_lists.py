"""Lists are searched and sorted by what people call things, on each engine in the same way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest

from credenza import clients, consents, users
from credenza.testing import Credenza, running
from credenza.testing import test_settings as settings_for_tests
from credenza_organizations import store as organizations
from credenza_organizations import template
from credenza_resources import store as resources

NAMES = (
    "Ärztekammer Nord",
    "boat club",
    "Zulu Ferry",
    "ÉCOLE du port",
    "100% tide",
    r"Sand\Bank",
    "İstanbul",
    "ΟΔΟΣ ΑΘΗΝΑΣ",
)
STATE = {
    "applications": [
        {"client_id": f"app{i}", "name": name, "type": "spa", "third_party": False} for i, name in enumerate(NAMES)
    ],
    "api_resources": [
        {
            "identifier": f"https://api{i}.example",
            "name": name,
            "permissions": [{"name": "read", "description": "Read"}],
        }
        for i, name in enumerate(NAMES)
    ],
    "roles": [{"name": name, "permissions": {}} for name in NAMES],
    "organization_template": {"roles": [{"name": name, "permissions": []} for name in NAMES]},
    "organizations": [{"name": name} for name in NAMES],
}


@pytest.fixture
def credenza(filled_database_url: str) -> Iterator[Credenza]:
    with running(settings_for_tests(filled_database_url)) as started:
        yield started


async def applications(search: str) -> list[str]:
    return [row["name"] for row in await clients.list_clients(search=search)]


async def apis(search: str) -> list[str]:
    return [name for _, name in await resources.search_resources(search, limit=50)]


async def roles(search: str) -> list[str]:
    return [name for _, name in await resources.search_roles(search, limit=50)]


async def template_roles(search: str) -> list[str]:
    return [name for _, name in await template.search_template_roles(search, limit=50)]


async def listed(search: str) -> list[str]:
    return [row["name"] for row in await organizations.list_organizations(search=search)]


async def found(search: str) -> list[str]:
    return [name for _, name in await organizations.search_organizations(search, limit=50)]


@pytest.mark.parametrize("names", [applications, apis, roles, template_roles, listed, found])
def test_capital_letters_make_no_difference(credenza: Credenza, names: Callable[[str], Awaitable[list[str]]]) -> None:
    """Of no language: SQLite by itself knows those of English only."""
    credenza.apply(STATE)

    def ask(search: str) -> list[str]:
        return [name for name in credenza.run(names, search) if name in NAMES]

    for search in ("Ärzte", "ärzte", "ÄRZTE", "nord ärztekammer"):
        assert ask(search) == ["Ärztekammer Nord"], search
    for search in ("istanbul", "İSTANBUL", "ISTANBUL", "İstan"):
        assert ask(search) == ["İstanbul"], search
    for search in ("αθηνας οδος", "ΟΔΟΣ ΑΘΗΝΑΣ", "ΑΘΗΝΑΣ"):
        assert ask(search) == ["ΟΔΟΣ ΑΘΗΝΑΣ"], search
    assert ask("école") == ["ÉCOLE du port"]
    assert ask("100%") == ["100% tide"]
    assert ask("sand\\bank") == ["Sand\\Bank"]
    assert ask("ärzte ferry") == []
    everything = ask("")
    assert len(everything) == len(NAMES)
    assert [name for name in everything if name.isascii()] == ["100% tide", "boat club", r"Sand\Bank", "Zulu Ferry"]


def test_names_that_differ_in_capital_letters_only_have_an_order(credenza: Credenza) -> None:
    """A file that is exported twice is the same. Which of them is first, the database says, but not who came first."""
    pairs = ("pilot", "PILOT", "SHIP", "ship")
    roles = [{"name": name, "permissions": {}} for name in pairs]
    parts = [{"name": name, "permissions": []} for name in pairs]
    apis = [{"identifier": f"https://api{i}.example", "name": "Sea", "permissions": []} for i in (2, 1)]
    credenza.apply({"roles": roles, "api_resources": apis, "organization_template": {"roles": parts}})
    for names in (
        [row["name"] for row in credenza.run(resources.list_roles)],
        list(credenza.run(template.template_roles)),
    ):
        first, second, third, fourth = (name for name in names if name in pairs)
        assert (first.lower(), third.lower()) == (second.lower(), fourth.lower()) == ("pilot", "ship")
        assert first.isupper() == third.isupper()
    found = [identifier for identifier, name, _ in credenza.run(resources.list_apis) if name == "Sea"]
    assert found == sorted(found)


def test_who_is_found_among_all_is_found_among_some(credenza: Credenza) -> None:
    """By words in any order, and by the id: among the members of an organization, the holders of a role, and so on."""
    credenza.apply(
        {
            "roles": [{"name": "Pilot", "permissions": {}}],
            "organizations": [{"name": "Nord", "members": [{"username": name} for name in ("ada", "zoë", "bob")]}],
            "users": [
                {"username": "zoë", "email": "z@example.com", "profile": {"name": "Zoë Ärmel"}, "roles": ["Pilot"]},
                {"username": "bob", "email": "b@example.com", "profile": {"name": "Bob Öst İlker"}, "roles": ["Pilot"]},
                {"username": "ada", "roles": ["Pilot"]},
            ],
        }
    )
    nord = credenza.run(lambda: organizations.list_organizations(search="nord"))[0]["id"]
    pilot = credenza.run(lambda: resources.search_roles("pilot", limit=1))[0][0]
    zoe = credenza.run(users.find_user_by_identifier, "zoë")
    ada = credenza.run(users.find_user_by_identifier, "ada")

    async def everywhere(search: str) -> list[list[str]]:
        return [
            [user.username for user in await users.list_users(search=search)],
            [user.username for user, _, _ in await organizations.list_members(nord, search=search)],
            [name for _, name, _ in await resources.list_holders(pilot, search=search)],
        ]

    for search in ("zoë", "ärmel ZOË", zoe.id, "Z@EXAMPLE"):
        assert credenza.run(everywhere, search) == [["zoë"]] * 3, search
    for search in ("ilker", "İLKER BOB"):
        assert credenza.run(everywhere, search) == [["bob"]] * 3, search
    assert credenza.run(everywhere, "ärmel bob") == [[]] * 3
    assert credenza.run(lambda: organizations.count_members(nord, search=zoe.id)) == 1
    assert credenza.run(lambda: resources.count_role_holders(pilot, search="öst bob")) == 1
    assert [name for _, name, _ in credenza.run(lambda: resources.list_holders(pilot))] == ["ada", "bob", "zoë"]
    for user_id in (ada.id, zoe.id):
        consent = consents.Consent(consents.consent_id(user_id, "app", ""), user_id, "app")
        credenza.run(consents.save_consent, consent, credenza.clock.now())
    listed = credenza.run(lambda: consents.list_consents(client_id="app", search="ärmel zoë"))
    assert [consent.user_id for consent in listed] == [zoe.id]
    assert credenza.run(lambda: consents.count_consents("app", search=ada.id)) == 1
    assert credenza.run(lambda: consents.count_consents("app", search="\u3000 ")) == 2
    assert credenza.run(lambda: consents.count_consents("app", search="nobody")) == 0


def test_whoever_is_active_is_neither_suspended_nor_invited(credenza: Credenza) -> None:
    """They are counted as everybody but those, and listed one by one."""
    credenza.apply({"users": [{"username": "new"}, {"username": "gone"}, {"username": "ada", "suspended": True}]})
    gone = credenza.run(users.find_user_by_identifier, "gone")
    credenza.run(users.edit_user, replace(gone, suspended=True), ("suspended",))
    for state in ("active", "suspended", "invited", ""):
        found = credenza.run(lambda state=state: users.list_users(state=state))
        assert credenza.run(lambda state=state: users.count_users(state=state)) == len(found), state
    invited = credenza.run(lambda: users.list_users(state="invited"))
    assert "new" in [user.username for user in invited]
    assert "gone" not in [user.username for user in invited]
