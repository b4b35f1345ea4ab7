"""What the page before a deletion counts, and where counting ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from credenza import Reach, count_reach
from credenza.store import reach
from credenza.store.access_tokens import AccessTokenRow
from credenza.store.clients import ClientRow
from credenza.store.consents import ConsentPermissionRow, ConsentRow
from credenza.store.grants import GrantRow
from credenza.store.refresh_tokens import RefreshTokenRow
from credenza.store.user_rows import UserRow
from credenza.testing import Credenza

NOW = 1_000
API = "https://orders.example.com"
PEOPLE = ("ann", "ben", "cleo", "dora")


@dataclass
class Filled:
    """Four people allowed two applications each; all but Dora gave "wiki" the API, and nobody gave it to "mail"."""

    credenza: Credenza

    def count(self, **asked: Any) -> Reach:
        return self.credenza.run(count_reach, NOW, **asked)


@pytest.fixture
def filled(credenza: Credenza) -> Filled:
    async def fill() -> None:
        for client in ("wiki", "mail"):
            await ClientRow.insert(ClientRow(id=client, name=client, type="traditional"))
        for name in PEOPLE:
            await UserRow.insert(UserRow(id=name, username=name, words=name))
            for client in ("wiki", "mail"):
                one = f"{name}-{client}"
                context = "organization=acme" if name == "ann" else ""
                await ConsentRow.insert(ConsentRow(id=one, user=name, client=client, context=context))
                granted = [("profile", "", "email", True), ("api", API, "orders:read", name != "dora")]
                await ConsentPermissionRow.insert(
                    *(
                        ConsentPermissionRow(
                            id=f"{one}-{scope}", consent=one, source=source, resource=resource, scope=scope, granted=yes
                        )
                        for source, resource, scope, yes in granted[: 2 if client == "wiki" else 1]
                    )
                )
                details = '{"organization":"acme"}' if name == "ann" else "{}"
                await GrantRow.insert(GrantRow(id=one, user=name, client=client, details=details))
                access = AccessTokenRow(digest=one, grant=one, client=client, context=context, expires_at=NOW + 1)
                await AccessTokenRow.insert(access)
                await RefreshTokenRow.insert(RefreshTokenRow(digest=one, grant=one, expires_at=NOW + 1))
        # None of these is in force.
        await ConsentRow.insert(ConsentRow(id="old", user="ann", client="wiki", context="x", expires_at=NOW))
        await AccessTokenRow.insert(AccessTokenRow(digest="old", grant="ann-wiki", client="wiki", expires_at=NOW))
        await RefreshTokenRow.insert(
            RefreshTokenRow(digest="old", grant="ann-wiki", expires_at=NOW + 1, spent_at=NOW),
        )

    credenza.run(fill)
    return Filled(credenza)


def some(*names: str) -> Any:
    return UserRow.select(UserRow.id).where(UserRow.username.is_in(list(names)))


def test_all_of_it_is_counted(filled: Filled) -> None:
    assert filled.count(clients=["wiki"]) == Reach(consents=4, users=4, tokens=8)
    assert filled.count(users=["ann"]) == Reach(consents=2, users=1, tokens=4)
    assert filled.count(users=some("ann", "ben")) == Reach(consents=4, users=2, tokens=8)
    assert filled.count(choice="acme") == Reach(consents=2, users=1, tokens=4)
    assert filled.count(users=some("ann", "ben"), choice="acme") == Reach(consents=2, users=1, tokens=4)


def test_of_a_permission_the_consents_that_have_it_and_the_tokens_of_their_applications(filled: Filled) -> None:
    assert filled.count(sources=["api"], resource=API) == Reach(consents=3, users=3, tokens=8)
    assert filled.count(sources=["api"], resource=API, scope="orders:write") == Reach()
    assert filled.count(clients=["wiki"], sources=["api"], resource=API) == Reach(consents=3, users=3, tokens=8)
    assert filled.count(clients=["mail"], sources=["api"], resource=API) == Reach()
    assert filled.count(users=some("cleo", "dora"), sources=["api"]) == Reach(consents=1, users=1, tokens=4)
    assert filled.count(users=some("dora"), sources=["api"]) == Reach()


def test_counting_ends_where_there_are_many(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "MANY", 2)
    assert filled.count(clients=["wiki"]) == Reach(consents=2, users=2, tokens=4, least=True)
    assert filled.count(sources=["api"]).least
    among = filled.count(users=some(*PEOPLE), sources=["api"])
    assert among.least
    assert among.consents <= 2
    assert filled.count(users=["ann"]) == Reach(consents=2, users=1, tokens=4)


def test_as_many_as_are_counted_are_all(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "MANY", 4)
    assert filled.count(clients=["wiki"]) == Reach(consents=4, users=4, tokens=8)


def test_the_tokens_of_many_applications_are_not_counted_in_full(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert filled.count(sources=["profile"]) == Reach(consents=8, users=4, tokens=16)
    monkeypatch.setattr(reach, "APPLICATIONS", 1)
    assert filled.count(sources=["profile"]) == Reach(consents=8, users=4, tokens=8, least=True)


def test_where_nothing_could_be_counted_there_may_be_something() -> None:
    assert Reach(least=True).any
    assert not Reach().any
