"""Nobody takes away the last way into their own account: of passkeys and linked accounts together. R-SE-06."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from credenza import users
from credenza.testing import Credenza, PageSeen, UserAgent, running
from credenza.testing import test_settings as settings_for_tests
from credenza_passkeys.store import Passkey, insert_passkey, key_of, list_passkeys
from credenza_upstream import store
from credenza_upstream.store import Upstream

from .conftest import seen

LINKED = "/account/security/linked"
PASSKEYS = "/account/security/passkeys"
ONLY = "This is your only way to sign in."


@pytest.fixture
def here(filled_database_url: str) -> Iterator[Credenza]:
    with running(settings_for_tests(filled_database_url)) as credenza:
        yield credenza


class Person:
    """Somebody who is signed in and has no password. `link` and `passkey` give them another way, and name it."""

    def __init__(self, credenza: Credenza) -> None:
        self.credenza, self.agent = credenza, UserAgent(credenza)
        self.agent.get(LINKED)
        self.agent.sign_in()
        user = credenza.run(users.find_user_by_identifier, "ada")
        self.user = replace(user, password_hash=None)
        credenza.run(users.edit_user, self.user, ("password_hash",))

    def link(self, provider: str, *, enabled: bool = True) -> str:
        issuer = f"https://{provider}.example"
        upstream = Upstream(provider, provider.title(), issuer, "us", "", "openid", enabled, False, 1)
        self.credenza.run(store.save_upstream, upstream)
        assert self.credenza.run(store.insert_link, upstream, self.user.id, "subject", "ada", 1)
        return store.link_id(issuer, "subject")

    def passkey(self, name: str) -> str:
        made = Passkey(key_of(name.encode()), self.user.id, name.encode(), b"key", 0, False, (), name, 1, None)
        assert self.credenza.run(insert_passkey, made)
        return made.id

    def unlink(self, link: str, status: int = 200) -> str:
        return self._press(seen(self.agent.get(LINKED)), link, status)

    def remove(self, passkey: str, status: int = 200) -> str:
        return self._press(seen(self.agent.get(PASSKEYS)), passkey, status)

    def _press(self, page: PageSeen, key: str, status: int) -> str:
        """The button beside this one."""
        index = next(i for i, form in enumerate(page.forms) if key in dict(form.hidden()).values())
        answer = seen(self.agent.submit([], form=index))
        assert answer.status == status, answer.text
        return answer.text

    @property
    def ways(self) -> int:
        links = self.credenza.run(store.list_links, self.user.id)
        return len(links) + len(self.credenza.run(list_passkeys, self.user.id))


def test_the_last_one_stays(here: Credenza) -> None:
    person = Person(here)
    link, passkey = person.link("harbour"), person.passkey("telephone")
    assert "The account is not linked any more." in person.unlink(link)
    assert ONLY in person.remove(passkey, 422)
    link = person.link("harbour")
    assert "The passkey is removed." in person.remove(passkey)
    assert ONLY in person.unlink(link, 422)
    assert person.ways == 1


def test_a_provider_that_is_off_is_no_way_in(here: Credenza) -> None:
    person = Person(here)
    off = person.link("closed", enabled=False)
    link = person.link("harbour")
    assert ONLY in person.unlink(link, 422)
    assert "The account is not linked any more." in person.unlink(off)


@pytest.mark.parametrize("rounds", range(3))
def test_of_two_that_are_removed_at_once_one_stays(here: Credenza, rounds: int) -> None:
    person = Person(here)
    ways = [(LINKED, "link", person.link("harbour")), (PASSKEYS, "passkey", person.passkey("telephone"))]
    token = seen(person.agent.get(LINKED)).forms[-1].hidden()
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in person.agent.cookies.jar)
    headers = {
        "cookie": cookies,
        "origin": here.issuer,
        "content-type": "application/x-www-form-urlencoded",
        "accept": "text/html",
    }

    def take(way: tuple[str, str, str]) -> Any:
        page, name, key = way
        fields = [*((n, v) for n, v in token if n == "csrf_token"), (name, key)]
        return here.request("POST", f"{page}/remove", content=urlencode(fields), headers=headers)

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(answer.status_code for answer in pool.map(take, ways))
    assert person.ways == 1, answers
    assert 303 in answers


def test_r_se_06_what_changes_how_one_signs_in_needs_a_fresh_sign_in(credenza: Credenza) -> None:
    """SECURITY R-SE-06, OWASP ASVS V7.5.1: of each part of the Security tab, whichever plugin brings it."""
    found = [
        section
        for sections in credenza.server.plugins.hook.account_sections(settings=credenza.server.settings)
        for section in as_list(sections)
    ]
    forms = [route for section in found for route in section.routes if route.method == "POST"]
    assert {"/account/security/passkeys", "/account/security/passkeys/remove"} <= {route.path for route in forms}
    assert [route.path for route in forms if not route.fresh] == []


def as_list(sections: Any) -> list[Any]:
    return sections if isinstance(sections, list) else [sections]
