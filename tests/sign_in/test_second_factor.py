"""The second factor: TOTP and recovery codes. RFC 6238, ASVS V6.5; SECURITY R-PW-12, R-SE-02, R-SE-06, R-SE-07."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from credenza import UserRow, audit
from credenza.testing import PASSWORD, Callback, Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.tries import FREE_FAILURES

from .conftest import APP, Enrolled, Telephone, press, seen


def id_token(client: RelyingParty, callback: PageSeen | Callback) -> dict[str, Any]:
    import jwt

    return dict(jwt.decode(client.tokens(callback)["id_token"], options={"verify_signature": False}))


def second_step(agent: UserAgent, code: str, factor: str = "totp") -> PageSeen | Callback:
    return agent.submit([("code", code), ("decision", "continue")])


def test_after_the_password_comes_the_code(
    credenza: Credenza, client: RelyingParty, enrolled: Enrolled, user_agent: UserAgent
) -> None:
    """RFC 8176 §2: pwd, otp and mfa."""
    _, telephone, _ = enrolled()
    user_agent.get(client.authorization_url())
    page = seen(user_agent.sign_in())
    assert page.name == "second-factor"
    assert "Enter the code" in page.text
    page = seen(second_step(user_agent, telephone.next_code()))
    assert page.name == "consent"
    claims = id_token(client, user_agent.decide())
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    assert claims["acr"] == "urn:credenza:acr:mfa"


@pytest.mark.parametrize("zero", ["\uff10", "\u0660", "\u06f0"])
def test_a_code_is_typed_with_the_digits_of_ones_own_keyboard(
    credenza: Credenza, enrolled: Enrolled, user_agent: UserAgent, zero: str
) -> None:
    """Wide ones in Japan, others in Egypt and in Iran."""
    _, telephone, codes = enrolled()
    own = {ord("0") + n: chr(ord(zero) + n) for n in range(10)}
    user_agent.get("/account")
    user_agent.sign_in()
    assert seen(second_step(user_agent, telephone.next_code().translate(own))).name == "account"
    code = next(code for code in codes if not code.replace("-", "").isalpha())
    wide = {ord(letter): chr(ord(letter) + 0xFEE0) for letter in code}
    again = UserAgent(credenza)
    again.get("/account")
    again.sign_in()
    again.submit([("use", "recovery-code")])
    assert seen(second_step(again, code.translate(wide | own))).name == "account"


def test_the_password_alone_is_no_session(client: RelyingParty, enrolled: Enrolled, user_agent: UserAgent) -> None:
    """SECURITY A-SES-04: neither the account nor the consent page is reached between the two steps."""
    enrolled()
    user_agent.get(client.authorization_url())
    page = seen(user_agent.sign_in())
    assert not [name for name in user_agent.cookies if name.endswith("credenza_session")]
    assert seen(user_agent.get("/account")).name == "sign-in"
    base = page.url.rpartition("/")[0]
    token = page.forms[0].hidden()[0]
    for attempt in (f"{base}/consent", base):
        assert seen(user_agent.get(attempt)).name == "second-factor"
    assert seen(user_agent.post(f"{base}/consent", [token, ("decision", "authorize")])).name == "second-factor"
    assert seen(user_agent.post(f"{base}/second-factor", [token, ("decision", "skip")])).name != "consent"
    assert seen(user_agent.get(base)).name == "second-factor"


def test_an_app_on_the_very_device_is_opened_by_a_link(user_agent: UserAgent) -> None:
    """Nobody scans the screen of a telephone with that telephone."""
    user_agent.get(APP)
    page = seen(user_agent.sign_in("ada"))
    (seed,) = re.findall(r"<code>([A-Z2-7]{32})</code>", page.html)
    (link,) = (link for link in page.links if link.startswith("otpauth://"))
    assert pyotp.parse_uri(link).secret == seed


def test_a_code_counts_once(credenza: Credenza, enrolled: Enrolled) -> None:
    """SECURITY A-SES-07, RFC 6238 §5.2: also the one that the app was set up with."""
    _, telephone, _ = enrolled()
    first = UserAgent(credenza)
    first.get("/account")
    first.sign_in()
    assert seen(second_step(first, telephone.code)).status == 422
    assert seen(second_step(first, telephone.next_code())).name == "account"
    second = UserAgent(credenza)
    second.get("/account")
    second.sign_in()
    assert seen(second_step(second, telephone.code)).status == 422


def test_a_code_is_good_for_a_minute_and_a_half(credenza: Credenza, enrolled: Enrolled, found: Any) -> None:
    """SECURITY R-PW-12, RFC 6238 §5.2: that of the moment, and the one before and after it."""
    from credenza_totp import store

    _, telephone, _ = enrolled()
    credenza.clock.move(3600)
    now, ada = credenza.server.now(), found("ada")
    codes = {steps: pyotp.TOTP(telephone.seed).at(now + 30 * steps) for steps in (-3, -2, -1, 0, 1, 2, 3)}
    taken = [steps for steps in codes if credenza.run(store.spend_code, credenza.server, ada, codes[steps])]
    assert taken == [-1, 0, 1]


def test_of_many_at_once_with_one_code_one_comes_in(credenza: Credenza, enrolled: Enrolled, found: Any) -> None:
    import asyncio

    from credenza_totp import store

    _, telephone, codes = enrolled()
    code, ada = telephone.next_code(), found("ada")

    async def all_at_once(call: Callable[[], Any]) -> list[bool]:
        return list(await asyncio.gather(*(call() for _ in range(20))))

    taken = credenza.run(all_at_once, lambda: store.spend_code(credenza.server, ada, code))
    assert taken.count(True) == 1
    taken = credenza.run(all_at_once, lambda: store.spend_recovery_code(credenza.server, ada, codes[0]))
    assert taken.count(True) == 1


def test_of_two_apps_that_are_set_up_at_once_one_stays(credenza: Credenza, found: Any) -> None:
    """Whoever knows the password, and was shown a picture before its owner set up theirs, replaces nothing."""
    import asyncio

    from credenza_totp import store

    ada, seeds = found("ada"), [f"SEED{number}" for number in range(2, 8)]

    async def all_at_once() -> list[bool]:
        return list(await asyncio.gather(*(store.save_app(credenza.server, ada, seed, 1) for seed in seeds)))

    saved = credenza.run(all_at_once)
    assert saved.count(True) == 1
    app = credenza.run(store.find_app, credenza.server, ada)
    assert app is not None
    assert app.seed == seeds[saved.index(True)]


def test_guessing_is_slowed_down_across_browsers(credenza: Credenza, enrolled: Enrolled) -> None:
    """SECURITY R-PW-12, A-SES-07: every browser has the password; together they have a handful of tries."""
    _, telephone, _ = enrolled()
    statuses = []
    for _ in range(FREE_FAILURES + 5):
        agent = UserAgent(credenza)
        agent.address = f"203.0.113.{len(statuses)}"
        agent.get("/account")
        agent.sign_in()
        statuses.append(seen(second_step(agent, "000000")).status)
    assert statuses[:FREE_FAILURES] == [422] * FREE_FAILURES
    assert 429 in statuses
    credenza.clock.move(901)
    agent.get("/account")
    agent.sign_in()
    assert seen(second_step(agent, telephone.code)).name == "account"  # nobody is locked out for ever


def test_what_was_proved_belongs_to_one_browser(credenza: Credenza, client: RelyingParty, enrolled: Enrolled) -> None:
    """SECURITY R-SE-07, A-SES-03, A-SES-07."""
    _, telephone, _ = enrolled()
    attacker, victim = UserAgent(credenza), UserAgent(credenza)
    attacker.get(client.authorization_url())
    page = seen(attacker.sign_in())
    assert seen(victim.get(page.url)).name == "error"
    victim.get("/account")
    victim.sign_in()
    assert seen(second_step(victim, telephone.next_code())).name == "account"
    assert seen(attacker.get(page.url)).name == "second-factor"


def test_the_second_step_must_follow_soon(credenza: Credenza, enrolled: Enrolled, user_agent: UserAgent) -> None:
    _, telephone, _ = enrolled()
    user_agent.get("/account")
    user_agent.sign_in()
    credenza.clock.move(601)
    assert seen(second_step(user_agent, telephone.code)).name == "sign-in"


def test_a_password_changed_meanwhile_does_not_let_in_who_is_suspended(
    credenza: Credenza, enrolled: Enrolled, user_agent: UserAgent, found: Any
) -> None:
    _, telephone, _ = enrolled()
    user_agent.get("/account")
    user_agent.sign_in()
    row = UserRow
    credenza.run(row.update({row.suspended: True}).where(row.id == found("ada").id).run)
    assert seen(second_step(user_agent, telephone.next_code())).name == "sign-in"


def test_a_recovery_code_lets_in_once(credenza: Credenza, enrolled: Enrolled, found: Any) -> None:
    _, _, codes = enrolled()
    for code, name, status in ((codes[0], "account", 200), (codes[0].upper(), "second-factor", 422)):
        agent = UserAgent(credenza)
        agent.get("/account")
        agent.sign_in()
        page = seen(agent.submit([("use", "recovery-code")]))
        assert "Enter a recovery code" in page.text
        page = seen(second_step(agent, code))
        assert (page.name, page.status) == (name, status)
    used = credenza.run(audit.list_events, user=found("ada").id, name="FactorChanged")
    assert [event.data["action"] for event in used] == ["used", "added"]


def test_new_recovery_codes_take_the_place_of_the_old_ones(credenza: Credenza, enrolled: Enrolled) -> None:
    ada, _, old = enrolled()
    ada.get(APP)
    page = press(ada, f"{APP}/recovery-codes")
    assert "Keep these recovery codes" in page.text
    agent = UserAgent(credenza)
    agent.get("/account")
    agent.sign_in()
    agent.submit([("use", "recovery-code")])
    assert seen(second_step(agent, old[0])).status == 422


def test_the_database_holds_neither_seed_nor_codes(credenza: Credenza, enrolled: Enrolled) -> None:
    """SECURITY P-03."""
    from credenza_totp.tables import RecoveryCodeRow, TotpRow

    _, telephone, codes = enrolled()
    rows = str(credenza.run(TotpRow.select().run)) + str(credenza.run(RecoveryCodeRow.select().run))
    assert telephone.seed not in rows
    assert not [code for code in codes if code in rows or code.replace("-", "") in rows]


def test_setting_it_up_makes_the_session_surer(client: RelyingParty, enrolled: Enrolled) -> None:
    """SECURITY R-SE-02: with a new id; the session does not have to sign in again for it."""
    ada, _, _ = enrolled()
    claims = id_token(client, ada.authorize(client))
    assert claims["amr"] == ["pwd", "otp", "mfa"]


def test_setting_it_up_and_removing_it_need_a_fresh_sign_in(
    credenza: Credenza, enrolled: Enrolled, user_agent: UserAgent
) -> None:
    """SECURITY R-SE-06."""
    ada, telephone, _ = enrolled()
    ada.get(APP)
    credenza.clock.move(601)
    assert ada.page is not None
    form = next(form for form in ada.page.forms if form.action == f"{APP}/remove")
    page = seen(ada.post(form.action, form.hidden()))
    assert "Confirm that it is you" in page.text
    assert seen(second_step_after_password(ada, telephone)).url.endswith(APP)
    assert "last used" in press_remove(ada)
    user_agent.get("/account")
    user_agent.sign_in("grace")
    credenza.clock.move(601)
    assert seen(user_agent.get(APP)).name == "sign-in"


def second_step_after_password(agent: UserAgent, telephone: Telephone) -> PageSeen | Callback:
    agent.sign_in("ada", PASSWORD)
    return second_step(agent, telephone.next_code())


def press_remove(agent: UserAgent) -> str:
    assert agent.page is not None
    text = agent.page.text
    for name in ("Remove: Authenticator app", "Create new ones: Recovery codes"):
        assert f'aria-label="{name}"' in agent.page.html
    page = press(agent, f"{APP}/remove")
    assert "The second step is removed." in page.text
    return text


def test_a_wrong_code_does_not_set_it_up(credenza: Credenza, user_agent: UserAgent) -> None:
    user_agent.get(APP)
    page = seen(user_agent.sign_in())
    seed = next(value for name, value in page.forms[-1].hidden() if name == "seed")
    page = press(user_agent, APP, ("code", "000000"), status=422)
    assert "This code is wrong" in page.text
    assert 'role="img" aria-label="QR code"' in page.html
    other = UserAgent(credenza)
    other.get(APP)
    page = seen(other.sign_in("grace"))
    token = page.forms[-1].hidden()[0]
    assert seen(other.post(APP, [token, ("seed", seed), ("code", "000000")])).status == 200  # not hers: begin again
    for broken in ("", "v1:", "v1:AAAA", "x" * 500):
        assert seen(other.post(APP, [token, ("seed", broken), ("code", "1")])).status == 200


def test_the_picture_needs_neither_style_nor_script(user_agent: UserAgent) -> None:
    user_agent.get(APP)
    page = seen(user_agent.sign_in())
    svg = page.html[page.html.index("<svg") : page.html.index("</svg>")]
    assert "style" not in svg
    assert "script" not in svg
    assert "href" not in svg
