"""Permissions in words, for pages that list what was allowed, whatever their sources say meanwhile. PRODUCT M16."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from credenza import Asked, Permission, Scope, ScopeProvider, described, hookimpl
from credenza.testing import Credenza

TIDE, MOON = Permission("sea", "", "tide"), Permission("sea", "", "moon")


class Sea(ScopeProvider):
    """Names only the first of its scopes in a request: the other one is in its catalogue alone."""

    name = "sea"
    title = "Sea"
    order = 1  # asked before the profile
    broken = False

    async def catalogue(self) -> Sequence[Scope]:
        return [Scope(TIDE, "An older title"), Scope(MOON, "See the moon")]

    async def requested(self, asked: Asked) -> Sequence[Scope]:
        if self.broken:
            raise RuntimeError("the sea is away")
        return [Scope(TIDE, "See the tide")] if "tide" in asked.scopes else []


class Plugin:
    def __init__(self) -> None:
        self.sea = Sea()

    @hookimpl
    def register_scopes(self) -> ScopeProvider:
        return self.sea


@pytest.fixture
def plugin() -> Plugin:
    return Plugin()


@pytest.fixture
def credenza_plugins(plugin: Plugin) -> list[tuple[str, object]]:
    return [("sea", plugin)]


def titles(credenza: Credenza, *permissions: Permission) -> dict[str, str]:
    found = credenza.run(described, credenza.server, permissions)
    return {permission.scope: str(scope.title) for permission, scope in found.items()}


def test_what_a_request_names_is_described_as_there(credenza: Credenza) -> None:
    assert titles(credenza, TIDE) == {"tide": "See the tide"}


def test_what_no_request_names_alone_is_in_the_catalogue(credenza: Credenza) -> None:
    """The request's own words win where both have some."""
    assert titles(credenza, TIDE, MOON) == {"tide": "See the tide", "moon": "See the moon"}


def test_what_no_source_knows_goes_by_its_own_name(credenza: Credenza) -> None:
    gone = Permission("gone", "https://gone.example.com", "gone:read")
    found = credenza.run(described, credenza.server, [gone])
    assert (found[gone].title, found[gone].description) == ("gone:read", "https://gone.example.com")


def test_a_source_that_fails_hides_nothing(
    credenza: Credenza, plugin: Plugin, caplog: pytest.LogCaptureFixture
) -> None:
    """The other sources are asked all the same, and the log names the plugin and the question."""
    plugin.sea.broken = True
    email = Permission("profile", "", "email")
    zeal = Permission("zeal", "", "zeal")
    found = titles(credenza, TIDE, email, zeal)
    assert found["tide"] == "tide"
    assert found["email"] not in ("", "email")
    assert found["zeal"] == "zeal"
    assert "plugin 'sea' failed in requested of scope source 'sea'" in caplog.text
    caplog.clear()
