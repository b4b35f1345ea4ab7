"""Users see and end their sessions. SECURITY R-SE-04, R-SE-05; OWASP ASVS V7.5.2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from credenza import audit, transaction, users
from credenza import sessions as stored
from credenza.store.users import hold_user
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.sessions import SessionGone, renew_session

Press = Callable[..., PageSeen | Callback]
Account = Callable[..., UserAgent]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def seen(page: PageSeen | Callback) -> PageSeen:
    assert isinstance(page, PageSeen), page.url
    return page


def sessions(agent: UserAgent) -> PageSeen:
    return seen(agent.get("/account/sessions"))


def others(page: PageSeen) -> list[str]:
    return [form.values_of("session")[0] for form in page.forms if form.action.endswith("/end")]


def test_the_list_tells_this_browser_from_the_others(account: Account) -> None:
    here, there = account("ada"), account("ada")
    page = sessions(here)
    assert (page.status, page.name) == (200, "account")
    assert page.text.count("This browser") == 1
    assert "203.0.113.7" in page.text
    assert len(others(page)) == 1
    assert others(page) != others(sessions(there))


def test_a_browser_is_named_in_words(credenza: Credenza, account: Account) -> None:
    agent = UserAgent(credenza)
    agent.get("/account")
    assert agent.page is not None
    form = [*agent.page.forms[0].hidden(), ("identifier", "ada"), ("password", "correct horse battery staple")]
    agent.post(agent.page.forms[0].action, form, headers={"user-agent": FIREFOX})
    assert "Firefox on Linux" in sessions(account("ada")).text


def test_an_ended_session_is_led_to_sign_in(account: Account, press: Press) -> None:
    here, there = account("ada"), account("ada")
    sessions(here)
    page = seen(press(here, "/sessions/end"))
    assert "signed out" in page.text
    assert others(page) == []
    assert seen(there.get("/account")).name == "sign-in"
    assert sessions(here).name == "account"


def test_all_others_end_at_once(account: Account, press: Press) -> None:
    here, *rest = account("ada"), account("ada"), account("ada")
    sessions(here)
    page = seen(press(here, "/sessions/end-others"))
    assert "All other browsers" in page.text
    assert not any(form.action.endswith("/end-others") for form in page.forms)
    assert [seen(agent.get("/account")).name for agent in rest] == ["sign-in", "sign-in"]


@pytest.mark.parametrize("button", ["/sessions/end", "/sessions/end-others"])
def test_with_the_session_its_tokens_end_but_not_offline_access(
    user_agent: UserAgent, client: RelyingParty, spa: RelyingParty, account: Account, press: Press, button: str
) -> None:
    """OpenID Connect Back-Channel Logout §2.7."""
    online = client.tokens(user_agent.authorize(client))
    offline = spa.tokens(user_agent.authorize(spa, scope="openid profile offline_access"))
    here = account("ada")
    mine = client.tokens(here.authorize(client))
    sessions(here)
    press(here, button)
    assert client.introspect(online["access_token"]) == {"active": False}
    assert client.userinfo(online["access_token"]).status_code == 401
    assert spa.refresh(offline["refresh_token"]).status_code == 200
    assert client.introspect(mine["access_token"])["active"]


def test_an_ended_session_is_written_down(credenza: Credenza, account: Account, press: Press) -> None:
    here, _ = account("ada"), account("ada")
    (ended,) = others(sessions(here))
    press(here, "/sessions/end")
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    (event,) = credenza.run(audit.list_events, user=ada.id, name="SessionEnded")
    assert (event.actor, event.data["session"]) == (ada.id, ended)


def test_somebody_else_s_session_is_unknown(account: Account) -> None:
    here, there = account("ada"), account("ada")
    (session,) = others(sessions(there))
    grace = account("grace")
    assert session not in sessions(grace).html
    assert grace.page is not None
    token = grace.page.forms[0].hidden()[0]
    for value in (session, "0" * 32, ""):
        answer = seen(grace.post("/account/sessions/end", [token, ("session", value)]))
        assert (answer.status, answer.error) == (404, "gone")
    assert seen(here.get("/account")).name == "account"


def test_without_csrf_token_nobody_is_signed_out(account: Account) -> None:
    here, there = account("ada"), account("ada")
    (session,) = others(sessions(here))
    for way in ("end", "end-others"):
        assert seen(here.post(f"/account/sessions/{way}", [("session", session)])).status == 403
    assert seen(there.get("/account")).name == "account"


def test_what_rested_too_long_is_not_listed(credenza: Credenza, account: Account) -> None:
    account("ada")
    credenza.clock.move(credenza.server.settings.session_idle_lifetime + 1)
    assert others(sessions(account("ada"))) == []


def test_signing_out_here_is_one_click(account: Account, press: Press) -> None:
    here = account("ada")
    assert seen(press(here, "/logout", ("decision", "sign-out"))).name == "signed-out"
    assert seen(here.get("/account")).name == "sign-in"


def test_whoever_suspends_a_user_does_not_wait_for_a_session_that_waits_for_them(
    credenza: Credenza, account: Account
) -> None:
    """Both hold the user first, then the session. PostgreSQL would end one of two that do it the other way round."""
    account("ada")

    async def renew(user: users.User, session: stored.Session, held: asyncio.Event) -> None:
        await held.wait()
        async with transaction():
            await renew_session(credenza.server, user, session, amr=("pwd",), acr="", address="", user_agent="")

    async def main() -> None:
        user = await users.find_user_by_identifier("ada")
        assert user is not None
        (session,) = await stored.list_sessions(user.id, credenza.server.now())
        held = asyncio.Event()
        renewal = asyncio.create_task(renew(user, session, held))  # outside of our transaction
        async with transaction():
            await hold_user(user.id)
            held.set()
            await asyncio.sleep(0.3)  # it has come to the user, or holds the session already
            assert await stored.delete_sessions(user.id) == [session.id]
        with pytest.raises(SessionGone):
            await renewal

    credenza.run(main)
