"""Sessions, forms from elsewhere, and steps that cannot be skipped. SECURITY.md §1.9, §2.10."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from credenza.protocol.tokens import new_token
from credenza.store import sessions, users
from credenza.testing import PASSWORD, Callback, PageSeen, RelyingParty, UserAgent

SESSION, BROWSER = "__Host-credenza_session", "__Host-credenza_browser"
FORM = "application/x-www-form-urlencoded"


def cookie(agent: Any, name: str = SESSION) -> str:
    return next((c.value or "" for c in agent.cookies.jar if c.name == name), "")


def signed_in(agent: Any, client: RelyingParty) -> bool:
    return agent.get(client.authorization_url(prompt="none")).error != "login_required"


FOREIGN: list[dict[str, str]] = [
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "null", "sec-fetch-site": "cross-site"},
    {"origin": "https://id.example.com.evil.example"},
    {"origin": "https://idXexample.com"},
    {"origin": "http://id.example.com"},
    {"origin": "https://id.example.com:8443"},
    {"origin": "HTTPS://ID.EXAMPLE.COM"},
    {"origin": "https://app.id.example.com", "sec-fetch-site": "same-site"},
    {"origin": "https://id.example.com", "sec-fetch-site": "cross-site"},
    {"origin": "https://id.example.com", "sec-fetch-site": "same-site"},
]


def post(agent: Any, url: str, fields: list[tuple[str, str]], headers: dict[str, str]) -> Any:
    return agent.send("POST", url, content=urlencode(fields), headers={"content-type": FORM, **headers})


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_csr_03_signing_in_from_another_origin(
    credenza: Any, user_agent: Any, client: RelyingParty, headers: dict[str, str]
) -> None:
    """A-CSR-03, R-BR-05: login CSRF, with a token that would be right."""
    page = user_agent.get(client.authorization_url())
    fields = [*page.forms[0].hidden(), ("identifier", user_agent.name), ("password", PASSWORD)]
    with credenza.unchanged():
        answer = post(user_agent, page.url, fields, headers)
    assert answer.status_code == 403
    assert cookie(user_agent) == ""


def test_an_issuer_that_is_not_where_people_are_is_named(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """An operator who set another issuer than the address of the proxy sees both; who was only slow sees neither."""
    page = user_agent.get(client.authorization_url())
    fields = [*page.forms[0].hidden(), ("identifier", user_agent.name), ("password", PASSWORD)]
    text = post(user_agent, page.url, fields, {"origin": "http://id.example.com"}).text
    assert "<code>http://id.example.com</code>" in text
    assert f"<code>{credenza.issuer}</code>" in text
    text = post(user_agent, page.url, [("csrf_token", "0" * 64)], {"origin": credenza.issuer}).text
    assert "This page was out of date" in text
    assert "The form was sent from" not in text
    text = post(user_agent, page.url, fields, {"origin": "https://<b>"}).text
    assert "<b>" not in text


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_csr_02_approving_from_another_origin(
    credenza: Any, user_agent: Any, client: RelyingParty, headers: dict[str, str]
) -> None:
    """A-CSR-02, R-BR-05: 403 and no code."""
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    with credenza.unchanged():
        answer = post(user_agent, page.url, [*page.forms[0].hidden(), ("decision", "authorize")], headers)
    assert answer.status_code == 403
    assert "location" not in answer.headers
    assert "cz_code_" not in answer.text


def wrong_tokens(credenza: Any, user_agent: Any, other: Any) -> list[str | None]:
    keyring = credenza.server.keyring
    return [
        None,
        "",
        "x",
        "0" * 64,
        keyring.csrf_token(""),
        keyring.csrf_token(cookie(other)),
        keyring.csrf_token(cookie(other, BROWSER)),
        keyring.csrf_token(cookie(user_agent)).upper(),
        keyring.csrf_token(cookie(user_agent))[:-1],
        "\u00e9" * 64,
    ]


def test_a_csr_04_a_form_without_the_token_of_this_session(
    credenza: Any, user_agent: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-CSR-04, K10: at sign-in, consent and sign-out; a token is bound to one session."""
    other = new_visitor()
    other.authorize(client)
    same_origin = {"origin": credenza.issuer, "sec-fetch-site": "same-origin"}
    page = user_agent.get(client.authorization_url())
    for token in wrong_tokens(credenza, user_agent, other):
        fields = [("identifier", user_agent.name), ("password", PASSWORD)]
        fields += [("csrf_token", token)] if token is not None else []
        assert post(user_agent, page.url, fields, same_origin).status_code == 403
        assert post(user_agent, page.url, fields, {}).status_code == 403
    assert cookie(user_agent) == ""
    before_sign_in = credenza.server.keyring.csrf_token(cookie(user_agent, BROWSER))
    page = user_agent.sign_in()
    assert page.name == "consent"
    for token in [*wrong_tokens(credenza, user_agent, other), before_sign_in]:
        fields = [("decision", "authorize")] + ([("csrf_token", token)] if token is not None else [])
        with credenza.unchanged():
            assert post(user_agent, page.url, fields, same_origin).status_code == 403
            assert post(user_agent, "/logout", [("decision", "sign-out"), *fields[1:]], same_origin).status_code == 403
    assert user_agent.decide().code


def test_a_csr_04_a_planted_cookie_makes_the_form_worthless(
    credenza: Any, user_agent: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-CSR-04: cookie tossing, the attacker's own pair of cookie and token."""
    attacker = new_visitor()
    attacker.get(client.authorization_url())
    planted = cookie(attacker, BROWSER)
    page = user_agent.get(client.authorization_url())
    fields = [
        ("csrf_token", credenza.server.keyring.csrf_token(planted)),
        ("identifier", attacker.name),
        ("password", PASSWORD),
    ]
    both = f"{BROWSER}={planted}; {BROWSER}={cookie(user_agent, BROWSER)}"
    for header in (both, f"{BROWSER}={planted}"):
        answer = user_agent.send(
            "POST", page.url, content=urlencode(fields), headers={"content-type": FORM, "cookie": header}
        )
        assert answer.status_code in (400, 403)
        assert SESSION not in answer.headers.get("set-cookie", "")


def test_a_csr_04_of_two_cookies_of_our_name_none_counts(
    user_agent: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-CSR-04, A-SES-01: a neighbour may have planted one of them, before ours or after it."""
    attacker = new_visitor()
    for agent in (user_agent, attacker):
        agent.authorize(client)
    pair = [f"{SESSION}={cookie(attacker)}", f"{SESSION}={cookie(user_agent)}"]
    for both in (pair, pair[::-1]):
        answer = user_agent.send("GET", client.authorization_url(prompt="none"), headers={"cookie": "; ".join(both)})
        assert "error=login_required" in answer.headers["location"]


def test_cookies_of_somebody_else_do_not_hide_ours(user_agent: Any, client: RelyingParty) -> None:
    """A cookie of a neighbour with quotes in it must not sign anybody out."""
    user_agent.authorize(client)
    header = f'theme={{"dark":true}}; x="; other_{SESSION}=1; {SESSION}={cookie(user_agent)}; y=\\'
    answer = user_agent.send("GET", client.authorization_url(prompt="none"), headers={"cookie": header})
    assert "code=" in answer.headers["location"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_a_csr_06_nothing_is_answered_by_another_method(
    credenza: Any, user_agent: Any, client: RelyingParty, method: str
) -> None:
    """A-CSR-06: nor by an override."""
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    fields = urlencode([*page.forms[0].hidden(), ("decision", "authorize"), ("_method", "POST")])
    with credenza.unchanged():
        answer = user_agent.send(method, f"{page.url}?{fields}", headers={"X-HTTP-Method-Override": "POST"})
    assert answer.status_code in (200, 405)
    assert "cz_code_" not in answer.text
    assert "location" not in answer.headers


def test_a_csr_10_an_approval_is_good_once(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-CSR-10: no second code."""
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    fields = [*page.forms[0].hidden(), ("decision", "authorize")]
    assert isinstance(user_agent.post(page.url, fields), Callback)
    with credenza.unchanged():
        again = user_agent.post(page.url, fields)
        assert (again.status, again.error) == (400, "interaction_expired")
        again = user_agent.get(page.url.removesuffix("/consent"))
        assert (again.status, again.error) == (400, "interaction_expired")


# -- sessions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", ["chosen", "", "x" * 5000, "' OR 1=1--", "\u00ff"])
def test_a_ses_01_an_id_that_a_browser_brings_is_never_adopted(
    credenza: Any, user_agent: Any, client: RelyingParty, chosen: str
) -> None:
    """A-SES-01, K8, R-SE-02."""
    user_agent.cookies.set(
        SESSION, chosen.encode("latin-1", "replace").decode("latin-1") or "x", domain="id.example.com"
    )
    if "\u00ff" in chosen:
        user_agent.cookies.clear()
    user_agent.authorize(client)
    assert cookie(user_agent) not in ("", chosen)
    assert cookie(user_agent).startswith("cz_ses_")


def test_a_ses_01_a_well_formed_id_is_not_adopted_either(
    credenza: Any, user_agent: Any, new_visitor: Any, client: RelyingParty
) -> None:
    chosen = new_token("session")
    user_agent.cookies.set(SESSION, chosen, domain="id.example.com", path="/")
    user_agent.get(client.authorization_url())
    user_agent.sign_in()
    victims = [c.value for c in user_agent.cookies.jar if c.name == SESSION]
    assert victims != [chosen]
    attacker = new_visitor()
    attacker.cookies.set(SESSION, chosen, domain="id.example.com", path="/")
    assert not signed_in(attacker, client)


def test_r_se_02_each_sign_in_gives_a_new_id_and_the_old_one_is_dead(
    credenza: Any, user_agent: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """R-SE-02: at a second sign-in of the same person, and of another one."""
    user_agent.authorize(client)
    seen = [cookie(user_agent)]
    for name in (user_agent.name, new_visitor().name):
        user_agent.get(client.authorization_url(prompt="login"))
        user_agent.sign_in(name)
        assert cookie(user_agent) not in seen
        thief = UserAgent(credenza)
        thief.cookies.set(SESSION, seen[-1], domain="id.example.com", path="/")
        assert not signed_in(thief, client)
        seen.append(cookie(user_agent))


def test_r_se_01_ids_are_long_and_stored_as_hashes(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-SE-01, R-OP-03."""
    user_agent.authorize(client)
    dump = credenza.dump()
    for name in (SESSION, BROWSER):
        assert len(cookie(user_agent, name)) >= 50
        assert cookie(user_agent, name) not in dump


DAY = 24 * 3600


def test_r_se_03_sessions_end_when_idle(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-SE-03: on the server, at use."""
    user_agent.authorize(client)
    credenza.clock.move(6 * DAY)
    assert signed_in(user_agent, client)
    credenza.clock.move(7 * DAY + 1)
    assert not signed_in(user_agent, client)


def test_r_se_03_sessions_end_however_often_they_are_used(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    user_agent.authorize(client)
    session = cookie(user_agent)
    for _ in range(5):
        credenza.clock.move(5 * DAY)
        assert signed_in(user_agent, client)
    credenza.clock.move(5 * DAY + 1)
    user_agent.cookies.set(SESSION, session, domain="id.example.com", path="/")
    assert not signed_in(user_agent, client)


def test_a_ses_02_a_session_that_was_ended(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-SES-02, R-SE-04: by an administrator or by the user."""
    user_agent.authorize(client)
    user = credenza.user(user_agent.name)
    found = credenza.run(sessions.list_sessions, user.id, credenza.server.now())
    assert len(found) == 1
    assert not credenza.run(sessions.delete_user_session, "u" + "0" * 30, found[0].id)
    assert signed_in(user_agent, client)
    assert credenza.run(sessions.delete_user_session, user.id, found[0].id)
    assert not signed_in(user_agent, client)


def test_a_ses_02_a_user_who_was_suspended_or_deleted(
    credenza: Any, user_agent: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-SES-02, R-SE-04: also with the consent page open."""
    from dataclasses import replace

    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    assert page.name == "consent"
    credenza.run(users.update_user, replace(credenza.user(user_agent.name), suspended=True))
    answer = user_agent.decide()
    assert not isinstance(answer, Callback)
    assert not signed_in(user_agent, client)
    other = new_visitor()
    other.authorize(client)
    credenza.run(users.delete_user, credenza.user(other.name).id)
    assert not signed_in(other, client)


def test_a_ses_03_a_link_to_a_half_finished_sign_in(credenza: Any, new_visitor: Any, client: RelyingParty) -> None:
    """A-SES-03, R-SE-07: the victim does not go on with the attacker's request, signed in or not."""
    attacker, victim, fresh = new_visitor(), new_visitor(), new_visitor()
    victim.authorize(client)
    page = attacker.get(client.authorization_url(state="attackers"))
    interaction = page.url.removesuffix("/login")
    with credenza.unchanged():
        for agent in (victim, fresh):
            for url in (interaction, page.url, interaction + "/consent", interaction + "/switch"):
                seen = agent.get(url)
                assert (seen.status, seen.error) == (400, "interaction_expired")
                seen = agent.post(url, [*page.forms[0].hidden(), ("identifier", agent.name), ("password", PASSWORD)])
                assert seen.status in (400, 403, 405)
    seen = new_visitor().get(interaction)  # it has no cookie, as after a sign-in that began at 127.0.0.1
    assert "the sign-in began at another address" in seen.html
    assert credenza.issuer in seen.html
    assert "the sign-in began at another address" not in victim.get(interaction).html
    assert attacker.get(page.url).name == "sign-in"


def test_a_ses_04_no_step_can_be_skipped(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-SES-04, R-SE-07: back to the first step that is due."""
    page = user_agent.get(client.authorization_url())
    start = page.url.removesuffix("/login")
    with credenza.unchanged():
        for url in (start, start + "/consent", start + "/password", start + "/x", start + "/login"):
            assert user_agent.get(url).name == "sign-in"
        for fields in ([("decision", "authorize")], [], [*page.forms[0].hidden(), ("decision", "authorize")]):
            seen = user_agent.post(start + "/consent", fields)
            assert isinstance(seen, PageSeen)
            assert seen.name == "sign-in"
    assert user_agent.post(page.url, page.forms[0].hidden()).name == "sign-in"
    user_agent.get(page.url)
    assert user_agent.sign_in().name == "consent"
    assert user_agent.get(start + "/login").name == "consent"
    assert user_agent.get(start + "/x").name == "consent"
    assert user_agent.decide("").name == "consent"
    assert user_agent.decide("authorise").name == "consent"
    assert user_agent.decide().code


def test_a_ses_04_an_interaction_does_not_live_for_ever(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    page = user_agent.get(client.authorization_url())
    credenza.clock.move(3601)
    assert user_agent.get(page.url).error == "interaction_expired"


def test_a_ses_05_another_user_in_the_same_browser(
    credenza: Any, user_agent: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-SES-05: no consent, no page and no token of the first one."""
    first = client.tokens(user_agent.authorize(client))
    mine = client.userinfo(first["access_token"]).json()["sub"]
    other = new_visitor()
    user_agent.get(client.authorization_url(prompt="login"))
    page = user_agent.sign_in(other.name)
    assert page.name == "consent"
    assert f"{other.name}@example.com" in page.text
    assert f"{user_agent.name}@example.com" not in page.text
    second = client.tokens(user_agent.decide())
    theirs = client.userinfo(second["access_token"]).json()
    assert theirs["sub"] != mine
    assert theirs["email"] == f"{other.name}@example.com"


def test_a_ses_05_an_answer_of_the_first_user_does_not_count_for_the_second(
    credenza: Any, user_agent: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-SES-05: the account is switched while the consent page is open."""
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    other = new_visitor()
    assert user_agent.get(page.url.removesuffix("/consent") + "/switch").name == "sign-in"
    stale = [*page.forms[0].hidden(), ("decision", "authorize")]
    assert user_agent.sign_in(other.name).name == "consent"
    seen = user_agent.post(page.url, stale)
    assert isinstance(seen, PageSeen)
    assert seen.status == 403
    assert credenza.run(users_consents, credenza, other.name) == 0


async def users_consents(credenza: Any, name: str) -> int:
    from credenza.store.consents import list_consents

    user = await users.find_user_by_identifier(name)
    assert user is not None
    return len(await list_consents(user_id=user.id))


def test_signing_out_while_the_consent_page_is_open(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-LO-04, A-SES-04: in another tab."""
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    user = credenza.user(user_agent.name)
    credenza.run(sessions.delete_sessions, user.id)
    with credenza.unchanged():
        seen = user_agent.post(page.url, [*page.forms[0].hidden(), ("decision", "authorize")])
        assert isinstance(seen, PageSeen)
        assert seen.name == "sign-in"


def test_r_se_02_a_code_is_not_issued_for_a_session_that_just_ended(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """R-LO-04: signing out and issuing a code wait for one another."""
    user_agent.authorize(client)
    user = credenza.user(user_agent.name)
    found = credenza.run(sessions.list_sessions, user.id, credenza.server.now())[0]
    assert credenza.run(sessions.hold_session, found.digest)
    credenza.run(sessions.delete_session, found.digest)
    assert not credenza.run(sessions.hold_session, found.digest)


def test_the_password_of_somebody_who_was_suspended_meanwhile(credenza: Any, user_agent: Any) -> None:
    """R-TK-14: hashing takes a while; what an administrator does in it stays done."""
    from dataclasses import replace

    from credenza.web.new_password import set_password

    before = credenza.user(user_agent.name)
    credenza.run(users.update_user, replace(before, suspended=True, administrator=""))
    credenza.run(set_password, credenza.server, before, before.password_hash, through="test", address="")
    credenza.run(users.replace_hash, before.id, before.password_hash, before.password_hash)
    assert credenza.user(user_agent.name).suspended
