"""Of two who confirm one email address at the same moment one has it: shared, it would be nobody's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from credenza import User, UserRow, users
from credenza.testing import PASSWORD, Credenza, PageSeen, UserAgent, running
from credenza.testing import test_settings as settings_for_tests
from credenza_mail import addresses
from credenza_signup import store

from .conftest import seen
from .test_mail import EMAIL, NEW, MailServer, post_office, settled
from .test_upstream import Elsewhere, back, begun, elsewhere, provider

__all__ = ["elsewhere", "post_office", "provider", "settled"]  # fixtures

SHARED = "both@example.com"
Going = Callable[[], PageSeen]


@pytest.fixture
def credenza(filled_database_url: str, post_office: MailServer) -> Iterator[Credenza]:
    settings = settings_for_tests(
        filled_database_url,
        signup=True,
        outbound_allow=("localhost",),
        smtp_url=f"smtp://127.0.0.1:{post_office.port}",
        mail_from="no-reply@harbour.example",
    )
    with running(settings) as started:
        yield started


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[PageSeen]]:
    """Who asks whether the address is free waits a moment for the other one, so that neither has written before."""

    def go(*goings: Going) -> list[PageSeen]:
        both = asyncio.Barrier(2)

        def met(real: Any) -> Any:
            async def look(*arguments: Any) -> Any:
                answer = await real(*arguments)
                with suppress(TimeoutError):
                    await asyncio.wait_for(both.wait(), 0.5)
                return answer

            return look

        looks = (
            (addresses, "taken"),
            (store, "taken"),
            (users, "find_confirmed_owner"),
            (users, "find_user_signing_in"),
        )
        with monkeypatch.context() as patched, ThreadPoolExecutor() as threads:
            for where, name in looks:
                patched.setattr(where, name, met(getattr(where, name)))
            return [going.result() for going in [threads.submit(going) for going in goings]]

    return go


@pytest.fixture
def confirming(credenza: Credenza, post_office: MailServer, settled: Any) -> Callable[[str], Going]:
    """Follow the link in the mail, up to the click."""

    def begin(username: str) -> Going:
        agent = UserAgent(credenza)
        agent.get(EMAIL)
        agent.sign_in(username)
        agent.submit([("email", SHARED)], form=-1)  # the one before is for the address that they have
        settled()
        assert seen(agent.get(post_office.link())).status == 200
        return lambda: seen(agent.submit([]))

    return begin


@pytest.fixture
def signing_up(credenza: Credenza, post_office: MailServer, settled: Any) -> Callable[[], Going]:
    def begin() -> Going:
        agent = UserAgent(credenza)
        agent.get("/signup")
        agent.submit([("email", SHARED)])
        settled()
        agent.get(post_office.link())
        return lambda: seen(agent.submit([("name", "Joan"), ("password", NEW), ("password_again", NEW)]))

    return begin


def owners(credenza: Credenza) -> list[dict[str, Any]]:
    return list(credenza.run(UserRow.select().where(UserRow.email == SHARED).run))


def test_by_two_links(credenza: Credenza, at_once: Any, confirming: Any) -> None:
    pages = at_once(confirming("ada"), confirming("grace"))
    assert sorted(page.status for page in pages) == [200, 404], pages
    (owner,) = owners(credenza)
    assert seen(_account(credenza, SHARED)).name == "account"
    assert owner["email_verified"]


def test_by_a_link_and_a_new_account(credenza: Credenza, at_once: Any, confirming: Any, signing_up: Any) -> None:
    pages = at_once(confirming("ada"), signing_up())
    assert sum(page.status >= 400 for page in pages) == 1
    assert len(owners(credenza)) == 1


@pytest.mark.parametrize("path", ["/console/users/{grace}", "/console/users/create"])
def test_by_a_link_and_an_administrator(
    credenza: Credenza, admin: UserAgent, at_once: Any, confirming: Any, found: Any, path: str
) -> None:
    page = path.format(grace=found("grace").id)
    admin.get(page)
    fields = [("username", "joan" if "create" in page else "grace"), ("email", SHARED), ("email_verified", "on")]
    form = next(form for form in admin.page.forms if form.action == page)  # type: ignore[union-attr]
    saving = lambda: seen(admin.post(page, [*form.hidden(), *fields]))  # noqa: E731  # one more of them
    mailed, saved = at_once(confirming("ada"), saving)
    assert (mailed.status, saved.status) in [(200, 422), (404, 200)]
    assert saved.status == 200 or "This is the confirmed address of ada." in saved.text
    assert len(owners(credenza)) == 1


def test_by_two_accounts_elsewhere(credenza: Credenza, at_once: Any, provider: Any, elsewhere: Elsewhere) -> None:
    """Both come in; the address of neither is confirmed here."""
    provider(create_users="on")
    goings = []
    for name in (elsewhere.name, f"{elsewhere.name}-2"):
        person = {"username": name, "password": PASSWORD, "email": SHARED, "email_verified": True}
        elsewhere.live.apply({"users": [person]})
        elsewhere.name, agent = name, UserAgent(credenza)
        answer = elsewhere.go(begun(agent))
        goings.append(lambda agent=agent, answer=answer: seen(back(agent, answer)))
    assert [page.name for page in at_once(*goings)] == ["account", "account"]
    assert credenza.run(users.count_users, search="other-") == 2
    (owner,) = owners(credenza)
    assert not owner["email_verified"]


def test_by_a_link_and_a_file(credenza: Credenza, confirming: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file has it in any case, and whoever applies it is told when somebody else has it too."""
    confirm, real, looks = confirming("ada"), users.find_confirmed_owner, []

    async def then_confirmed(email: str, but: str = "") -> User | None:
        """By somebody who clicks just after the pass that writes has looked."""
        answer = await real(email, but)
        looks.append(email)
        if len(looks) == 2:
            await asyncio.to_thread(confirm)
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(users, "find_confirmed_owner", then_confirmed)
        run = credenza.apply({"users": [{"username": "grace", "email": SHARED, "email_verified": True}]})
    shared = len(owners(credenza)) == 2
    assert shared is any(SHARED in warning for warning in run.warnings), run.warnings


def _account(credenza: Credenza, identifier: str) -> Any:
    agent = UserAgent(credenza)
    agent.get("/account")
    return agent.sign_in(identifier)
