"""Sources of clients, cleaners and metadata of plugins that fail, or reach for what is not theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from credenza import Client, ClientSource, cleaning, errors, hookimpl
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests


class Directory(ClientSource):
    """Its answers are anything but good."""

    name = "directory"
    asked: list[tuple[str, bool]]

    def __init__(self) -> None:
        self.asked = []

    def concerns(self, client_id: str, stored: Client | None) -> bool:
        if client_id == "unclear":
            raise RuntimeError("who is that?")
        return True

    async def find(self, client_id: str, stored: Client | None, *, fresh: bool) -> Client | None:
        self.asked.append((client_id, fresh))
        match client_id:
            case "broken":
                raise RuntimeError("the directory is away")
            case "slow":
                await asyncio.sleep(60)
            case "refused":
                raise errors.InvalidClient("Ask the harbour master for an account.")
        return stored


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
def credenza(credenza_database: str, directory: Directory) -> Iterator[Credenza]:
    async def broken(now: int) -> int:
        raise RuntimeError

    plugin = SimpleNamespace(
        register_client_sources=hookimpl(lambda: directory),
        register_metadata=hookimpl(lambda: {"issuer": "https://evil.example", "harbour": True}),
        register_cleaners=hookimpl(lambda: broken),
    )
    settings = settings_for_tests(credenza_database, plugins_timeout=1)
    with running(settings, [("directory", plugin)]) as started:
        yield started


def opened(credenza: Credenza, client_id: str) -> PageSeen:
    page = UserAgent(credenza).get(RelyingParty(credenza, client_id, "https://app.example.com/cb").authorization_url())
    assert isinstance(page, PageSeen)
    return page


@pytest.mark.parametrize("client_id", ["broken", "slow"])
def test_a_source_that_fails_denies_and_is_named(
    credenza: Credenza, client_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert opened(credenza, client_id).error == "server_error"
    answer = RelyingParty(credenza, client_id, "").post("/token", {"grant_type": "refresh_token"})
    assert answer.json()["error"] == "server_error"
    assert "plugin 'directory' failed in find of client source 'directory'" in caplog.text


def test_a_source_that_cannot_say_whether_it_concerns_it_denies(
    credenza: Credenza, caplog: pytest.LogCaptureFixture
) -> None:
    assert opened(credenza, "unclear").error == "server_error"
    assert "plugin 'directory' failed in concerns of client source 'directory'" in caplog.text


def test_a_source_may_tell_the_developer_why(credenza: Credenza) -> None:
    page = opened(credenza, "refused")
    assert (page.error, page.status) == ("invalid_client", 400)
    assert "Ask the harbour master" in page.text
    answer = RelyingParty(credenza, "refused", "").post("/token", {"grant_type": "refresh_token"})
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_only_a_request_of_the_client_itself_is_fresh(credenza: Credenza, directory: Directory) -> None:
    """What merely has a token in hand never waits for somebody else's server."""
    client = RelyingParty(credenza, "app", "https://app.example.com/cb")
    tokens = client.tokens(UserAgent(credenza).authorize(client))
    directory.asked.clear()
    assert client.userinfo(tokens["access_token"]).status_code == 200
    assert directory.asked
    assert not any(fresh for _, fresh in directory.asked)


def test_members_of_the_metadata_that_are_ours_are_never_replaced(credenza: Credenza) -> None:
    document = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert document["issuer"] == credenza.issuer
    assert document["harbour"] is True


def test_a_cleaner_that_fails_is_named_and_keeps_nobody_else_from_cleaning(
    credenza: Credenza, caplog: pytest.LogCaptureFixture
) -> None:
    assert credenza.run(cleaning._clean_up, credenza.server) is False
    assert "a cleaner of plugin 'directory' failed" in caplog.text
