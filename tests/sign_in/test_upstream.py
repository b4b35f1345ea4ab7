"""Signing in with another provider: a second Credenza that runs. RFC 9207, OpenID Connect Core §5.7; R-SE-07."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
from httpx import Cookies

from credenza import StateError, audit, sessions, users
from credenza.testing import PASSWORD, SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.rules import Rule
from credenza_upstream import pages, state, store
from credenza_upstream.tables import LinkRow, StateRow, UpstreamRow

from .conftest import Enrolled, press, seen
from .test_mail import NEW, MailServer, post_office, settled
from .test_second_factor import id_token, second_step

__all__ = ["post_office", "settled"]  # fixtures

LINKED = "/account/security/linked"
PROVIDERS = "/console/sign-in-providers"


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    return {"outbound_allow": ("localhost",)}


class Elsewhere:
    """The other provider, its client for us, and somebody who has an account there."""

    def __init__(self, live: Any) -> None:
        self.live = live
        self.name = f"person-{uuid4().hex[:8]}"
        self.client_id = f"client-{uuid4().hex[:8]}"
        redirect_uri = "https://id.example.com/upstream/other/callback"
        live.apply(
            {
                "users": [
                    {
                        "username": self.name,
                        "password": PASSWORD,
                        "email": "ada@example.com",  # the address of an account of ours: it must not matter
                        "email_verified": True,
                        "profile": {"name": "Somebody Else"},
                    }
                ],
                "applications": [
                    {
                        "client_id": self.client_id,
                        "client_secret": SECRET,
                        "name": "Harbour",
                        "type": "traditional",
                        "third_party": False,
                        "redirect_uris": [redirect_uri],
                    }
                ],
            }
        )

    def says(self, email: str, *, verified: bool) -> None:
        self.live.apply({"users": [{"username": self.name, "email": email, "email_verified": verified}]})

    def go(self, url: str) -> Callback:
        """Sign in there, in the same browser's other tab, and come back with the answer."""
        agent = UserAgent(self.live)
        page = agent.get(url)
        if not isinstance(page, Callback):
            page = agent.sign_in(self.name)
        assert isinstance(page, Callback), page.text
        return page


@pytest.fixture
def elsewhere(live_server: Any) -> Elsewhere:
    return Elsewhere(live_server)


@pytest.fixture
def provider(credenza: Credenza, admin: UserAgent, elsewhere: Elsewhere) -> Callable[..., None]:
    """Enter the other provider in the console."""

    def enter(**changes: str) -> None:
        admin.get(f"{PROVIDERS}/create")
        form = {
            "id": "other",
            "title": "Other Harbour",
            "issuer": elsewhere.live.issuer,
            "client_id": elsewhere.client_id,
            "secret": SECRET,
            "scope": "openid email profile",
            "enabled": "on",
            **changes,
        }
        press(admin, f"{PROVIDERS}/create", *form.items())

    return enter


def begun(agent: UserAgent, client: RelyingParty | None = None, **changes: str) -> str:
    """The address at the other provider, after its button on the sign-in page."""
    return pressed(agent, seen(agent.get(client.authorization_url(**changes) if client is not None else "/account")))


def pressed(agent: UserAgent, page: PageSeen) -> str:
    assert "Continue with Other Harbour" in page.text
    there = agent.get(next(link for link in page.links if link.startswith("/upstream/other/begin")))
    assert isinstance(there, Callback)
    return there.url


def back(agent: UserAgent, callback: Callback, **changes: str) -> Any:
    query = callback.parameters | changes
    return agent.get("/upstream/other/callback?" + urlencode({n: v for n, v in query.items() if v}))


def link(agent: UserAgent, elsewhere: Elsewhere, user: str = "ada") -> Any:
    agent.get(LINKED)
    agent.sign_in(user)
    page = press(agent, LINKED, ("provider", "other"))
    url = unescape(re.findall(r'content="0;url=([^"]+)"', page.html)[0])
    return back(agent, elsewhere.go(url))


def test_linked_first_and_then_used(
    credenza: Credenza, client: RelyingParty, provider: Any, elsewhere: Elsewhere, found: Any
) -> None:
    """OpenID Connect Core §3.1."""
    provider()
    page = seen(link(UserAgent(credenza), elsewhere))
    assert "Other Harbour" in page.text
    assert "Remove" in page.text
    agent = UserAgent(credenza)
    url = begun(agent, client)
    asked = parse_qs(urlsplit(url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["https://id.example.com/upstream/other/callback"]
    assert len(asked["nonce"][0]) >= 43
    page = seen(back(agent, elsewhere.go(url)))
    assert page.name == "consent"
    claims = id_token(client, agent.decide())
    assert claims["sub"] == found("ada").id
    assert claims["acr"] == "urn:credenza:acr:federated"
    assert "amr" not in claims  # their words are not ours


def test_linked_accounts_are_shown_and_released_with_the_scope_identities(
    credenza: Credenza, client: RelyingParty, provider: Any, elsewhere: Elsewhere
) -> None:
    """PRODUCT M6. Issuer and subject name an account for ever; an application has to be allowed to ask."""
    provider()
    agent = UserAgent(credenza)
    link(agent, elsewhere)
    refused = agent.get(client.authorization_url(scope="openid identities"))
    assert isinstance(refused, Callback)
    assert refused.parameters["error"] == "invalid_scope"
    credenza.apply({"applications": [{"client_id": "app", "permissions": {"profile": ["identities"]}}]})
    page = seen(agent.get(client.authorization_url(scope="openid identities")))
    assert "Your linked accounts" in page.text
    assert "Other Harbour" in page.text
    info = client.userinfo(client.tokens(agent.decide())["access_token"]).json()
    (identity,) = info["identities"]
    assert identity["issuer"] == elsewhere.live.issuer
    assert identity["name"] == "Other Harbour"
    assert identity.keys() == {"issuer", "subject", "name"}


def test_who_has_linked_nothing_has_no_identities(credenza: Credenza, client: RelyingParty) -> None:
    credenza.apply({"applications": [{"client_id": "app", "permissions": {"profile": ["identities"]}}]})
    agent = UserAgent(credenza)
    tokens = client.tokens(agent.authorize(client, scope="openid identities"))
    assert "identities" not in client.userinfo(tokens["access_token"]).json()


def test_a_provider_is_declared_in_the_desired_state(
    credenza: Credenza, client: RelyingParty, elsewhere: Elsewhere
) -> None:
    declared = {
        "id": "other",
        "title": "Other Harbour",
        "issuer": elsewhere.live.issuer,
        "client_id": elsewhere.client_id,
        "client_secret": SECRET,
    }
    made = credenza.apply({"sign_in_providers": [declared]})
    assert [(change.action, change.name) for change in made.changes] == [("created", "other")]
    assert not credenza.apply({"sign_in_providers": [declared]}).changes
    agent = UserAgent(credenza)
    assert "Other Harbour" in seen(link(agent, elsewhere)).text
    (changed,) = credenza.apply({"sign_in_providers": [declared | {"client_secret": "another"}]}).changes
    assert changed.after == {"client_secret": "… (changed)"}
    assert SECRET not in str(changed)
    off = {"id": "other", "enabled": False, "create_users": True}
    credenza.apply({"sign_in_providers": [off]})
    (found,) = credenza.run(store.list_upstreams)
    assert (found.enabled, found.create_users, found.title) == (False, True, "Other Harbour")
    assert store.secret_of(credenza.server, found) == "another"
    assert credenza.run(state.SECTION.export) == [
        {key: value for key, value in declared.items() if key != "client_secret"}
        | {"scope": "openid email profile", "enabled": False, "create_users": True}
    ]
    with pytest.raises(StateError, match="other: issuer: it stays"):
        credenza.apply({"sign_in_providers": [{"id": "other", "issuer": "https://elsewhere.example.com"}]})
    with pytest.raises(StateError, match="new: client_id: "):
        credenza.apply({"sign_in_providers": [{"id": "new", "issuer": "https://elsewhere.example.com"}]})


def test_an_equal_email_address_links_nothing(credenza: Credenza, provider: Any, elsewhere: Elsewhere) -> None:
    provider()
    agent = UserAgent(credenza)
    page = seen(back(agent, elsewhere.go(begun(agent))))
    assert (page.status, page.error) == (403, "account_not_linked")
    assert seen(agent.get("/account")).name == "sign-in"
    assert credenza.run(LinkRow.count().run) == 0


def test_a_new_account_when_an_administrator_allows_it(
    credenza: Credenza, provider: Any, elsewhere: Elsewhere, found: Any
) -> None:
    """Not the one with the same address, and not with that address."""
    provider(create_users="on")
    agent = UserAgent(credenza)
    page = seen(back(agent, elsewhere.go(begun(agent))))
    assert page.name == "account"
    assert "Somebody Else" in page.text
    assert found("ada").email == "ada@example.com"
    again = UserAgent(credenza)
    seen(back(again, elsewhere.go(begun(again))))
    assert credenza.run(users.count_users, search="other-") == 1
    assert credenza.run(users.list_users, search="other-")[0].email is None


def test_two_first_sign_ins_at_once_make_one_account(
    credenza: Credenza, provider: Any, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked for the link before either wrote it."""
    provider(create_users="on")
    agents = [UserAgent(credenza), UserAgent(credenza)]
    answers = [elsewhere.go(begun(agent)) for agent in agents]
    first = seen(back(agents[0], answers[0]))
    real = store.find_link
    looks: list[str] = []

    async def before_it_was_written(issuer: str, subject: str) -> store.Link | None:
        looks.append(subject)
        return None if len(looks) == 1 else await real(issuer, subject)

    monkeypatch.setattr(store, "find_link", before_it_was_written)
    second = seen(back(agents[1], answers[1]))
    assert (first.name, second.status, second.name) == ("account", 200, "account")
    assert credenza.run(users.count_users, search="other-") == 1
    assert credenza.run(LinkRow.count().run) == 1


class TestTheAddressOfANewAccount:
    @pytest.fixture
    def credenza_settings(self, post_office: MailServer) -> dict[str, Any]:
        server = f"smtp://127.0.0.1:{post_office.port}"
        return {
            "outbound_allow": ("localhost",),
            "signup": True,
            "smtp_url": server,
            "mail_from": "no-reply@harbour.example",
        }

    def test_one_that_they_did_not_verify_opens_no_account_to_two_people(
        self, credenza: Credenza, provider: Any, elsewhere: Elsewhere, post_office: MailServer, settled: Any, found: Any
    ) -> None:
        """Whoever has it gets an account of their own, and no link into the one of whoever claimed it."""
        provider(create_users="on")
        elsewhere.says("victim@example.com", verified=False)
        stranger, victim = UserAgent(credenza), UserAgent(credenza)
        assert seen(back(stranger, elsewhere.go(begun(stranger)))).name == "account"
        (claimed,) = credenza.run(users.list_users, search="other-")
        assert (claimed.email, found("victim@example.com")) == (None, None)
        victim.get("/password-reset")
        victim.submit([("identifier", "victim@example.com")])
        settled()
        assert post_office.mails == []
        victim.get("/signup")
        victim.submit([("email", "victim@example.com")])
        settled()
        victim.get(post_office.link())
        victim.submit([("name", "Victim"), ("password", NEW), ("password_again", NEW)])
        mine = found("victim@example.com")
        assert (mine.id != claimed.id, mine.email_verified) == (True, True)

    def test_one_that_they_verified_is_kept_and_not_confirmed_here(
        self, credenza: Credenza, provider: Any, elsewhere: Elsewhere, found: Any
    ) -> None:
        provider(create_users="on")
        elsewhere.says("somebody@example.com", verified=True)
        agent = UserAgent(credenza)
        seen(back(agent, elsewhere.go(begun(agent))))
        assert found("somebody@example.com").email_verified is False


def test_the_second_factor_is_still_asked_for(
    credenza: Credenza, provider: Any, elsewhere: Elsewhere, enrolled: Enrolled
) -> None:
    provider()
    ada, telephone, _ = enrolled()
    ada.get(LINKED)
    page = press(ada, LINKED, ("provider", "other"))
    seen(back(ada, elsewhere.go(unescape(re.findall(r'content="0;url=([^"]+)"', page.html)[0]))))
    agent = UserAgent(credenza)
    assert seen(back(agent, elsewhere.go(begun(agent)))).name == "second-factor"
    assert seen(second_step(agent, telephone.next_code())).name == "account"


def test_an_answer_comes_to_the_browser_that_asked_once_and_as_it_was(
    credenza: Credenza, provider: Any, elsewhere: Elsewhere
) -> None:
    """State, issuer, single use: login CSRF and mix-up. "If the value does not match the expected issuer identifier,
    clients MUST reject the authorization response". RFC 9207 §2.4.
    """
    provider()
    seen(link(UserAgent(credenza), elsewhere))
    for changes in (
        {"state": "cz_us_" + "A" * 50},
        {"state": ""},
        {"iss": "https://evil.example"},
        {"iss": ""},
        {"code": ""},
        {"code": "cz_code_wrong"},
        {"code": "", "error": "access_denied"},
    ):
        agent = UserAgent(credenza)
        answer = elsewhere.go(begun(agent))
        assert seen(back(agent, answer, **changes)).status == 400, changes
        assert seen(agent.get("/account")).name == "sign-in"
        if "state" not in changes:
            assert seen(back(agent, answer)).status == 400  # it was spent
    attacker, victim = UserAgent(credenza), UserAgent(credenza)
    answer = elsewhere.go(begun(attacker))
    victim.get("/account")
    assert seen(back(victim, answer)).status == 400
    assert seen(victim.get("/account")).name == "sign-in"


def test_one_browser_has_only_so_many_on_their_way(
    credenza: Credenza, client: RelyingParty, provider: Any, elsewhere: Elsewhere
) -> None:
    """A-BRU-13: a stranger who presses the button again and again fills no table."""
    provider()
    seen(link(UserAgent(credenza), elsewhere))
    agent = UserAgent(credenza)
    url = begun(agent, client)
    assert agent.page is not None
    again = next(link for link in agent.page.links if link.startswith("/upstream/other/begin"))
    credenza.clock.move(1)
    for _ in range(15):
        agent.get(again)
    assert credenza.run(StateRow.count().run) == 10
    assert seen(back(agent, elsewhere.go(url))).status == 400
    last = agent.get(again)
    assert isinstance(last, Callback)
    assert seen(back(agent, elsewhere.go(last.url))).name == "consent"


class TestHowLongAgo:
    """R-AZ-20, R-AZ-21, R-SE-06: who must sign in anew is not let in by a session that they have elsewhere."""

    @staticmethod
    def there(elsewhere: Elsewhere) -> UserAgent:
        """A browser in which somebody is signed in at the other provider."""
        agent = UserAgent(elsewhere.live)
        agent.get("/account")
        assert seen(agent.sign_in(elsewhere.name)).status == 200
        return agent

    @pytest.mark.parametrize(("changes", "max_age"), [({"prompt": "login"}, "0"), ({"max_age": "900"}, "900")])
    def test_what_the_application_wants_is_handed_on(
        self, credenza: Credenza, client: RelyingParty, provider: Any, changes: dict[str, str], max_age: str
    ) -> None:
        provider()
        asked = parse_qs(urlsplit(begun(UserAgent(credenza), client, **changes)).query)
        assert asked["max_age"] == [max_age]
        assert json.loads(asked["claims"][0]) == {"id_token": {"auth_time": {"essential": True}}}

    def test_another_account_may_be_wanted(self, credenza: Credenza, client: RelyingParty, provider: Any) -> None:
        provider()
        asked = parse_qs(urlsplit(begun(UserAgent(credenza), client)).query)
        assert not {"prompt", "max_age", "claims"} & asked.keys()
        asked = parse_qs(urlsplit(begun(UserAgent(credenza), client, prompt="select_account")).query)
        assert asked["prompt"] == ["select_account"]

    def test_a_page_that_wants_a_fresh_sign_in_gets_one(
        self, credenza: Credenza, provider: Any, elsewhere: Elsewhere
    ) -> None:
        provider()
        agent = UserAgent(credenza)
        seen(link(agent, elsewhere))
        credenza.clock.move(3600)
        page = seen(agent.get(LINKED))
        assert page.name == "sign-in"
        url = pressed(agent, page)
        assert parse_qs(urlsplit(url).query)["max_age"] == ["600"]

    def test_an_old_sign_in_is_told_as_old_and_does_for_nobody_who_wants_a_new_one(
        self, credenza: Credenza, client: RelyingParty, provider: Any, elsewhere: Elsewhere
    ) -> None:
        """A provider that knows no `max_age`, and says in `auth_time` when it was."""
        provider()
        seen(link(UserAgent(credenza), elsewhere))
        there = self.there(elsewhere)
        signed_in_at = credenza.server.now()
        credenza.clock.move(300)
        agent = UserAgent(credenza)
        callback = there.get(re.sub(r"&max_age=\d+", "", begun(agent, client, prompt="login")))
        assert isinstance(callback, Callback)
        page = seen(back(agent, callback))
        assert (page.status, page.error) == (403, "upstream_not_fresh")
        assert seen(agent.get("/account")).name == "sign-in"
        agent = UserAgent(credenza)
        callback = there.get(begun(agent, client))
        assert isinstance(callback, Callback)
        page = seen(back(agent, callback))
        assert page.name == "consent"
        assert abs(id_token(client, agent.decide())["auth_time"] - signed_in_at) < 60


def test_the_answer_of_one_provider_is_never_taken_for_that_of_another(
    credenza: Credenza, client: RelyingParty, provider: Any, elsewhere: Elsewhere
) -> None:
    """RFC 9700 §4.4.2.2: one that leads a browser on to another one, with the state it was sent itself, is handed no
    code.

    By the address alone: not every provider says in `iss` who it is.
    """
    provider()
    seen(link(UserAgent(credenza), elsewhere))
    provider(id="evil", title="Evil Harbour")
    agent = UserAgent(credenza)
    page = seen(agent.get(client.authorization_url()))
    sent = agent.get(next(link for link in page.links if link.startswith("/upstream/evil/begin")))
    assert isinstance(sent, Callback)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(sent.url).query).items()}
    assert asked["redirect_uri"] == "https://id.example.com/upstream/evil/callback"
    honest = asked | {"redirect_uri": "https://id.example.com/upstream/other/callback"}
    answer = elsewhere.go(f"{sent.url.partition('?')[0]}?{urlencode(honest)}")
    assert "code" in answer.parameters
    page = seen(back(agent, answer, iss=""))
    assert (page.status, page.error) == (400, "upstream_failed")
    assert credenza.run(StateRow.count().run) == 1, "nothing was spent"
    assert seen(agent.get("/account")).name == "sign-in"


def test_r_se_07_an_answer_belongs_to_the_browser_that_was_sent(
    credenza: Credenza, provider: Any, elsewhere: Elsewhere
) -> None:
    """R-SE-07, A-SES-03: in another browser it is nothing, makes no account, and stays good where it belongs."""
    provider(create_users="on")
    mine, other = UserAgent(credenza), UserAgent(credenza)
    answer = elsewhere.go(begun(mine))
    begun(other)
    accounts = credenza.run(users.count_users)
    page = seen(back(other, answer))
    assert (page.status, page.error) == (400, "upstream_failed")
    assert credenza.run(users.count_users) == accounts
    assert credenza.run(StateRow.count().run) == 2
    assert seen(back(mine, answer)).name == "account"


def test_r_se_07_whoever_comes_back_is_signed_in_although_somebody_else_is_meanwhile(
    credenza: Credenza, provider: Any, elsewhere: Elsewhere, found: Any
) -> None:
    """R-SE-07: Grace signed in in another tab, and a first-party application was told about her."""
    provider()
    link(UserAgent(credenza), elsewhere)
    agent, own = UserAgent(credenza), RelyingParty(credenza, "own", "https://own.example.com/cb")
    url = begun(agent, own)
    agent.get("/account")
    agent.sign_in("grace")
    assert id_token(own, back(agent, elsewhere.go(url)))["sub"] == found("ada").id


def test_r_tk_14_who_is_suspended_here_does_not_come_in_from_elsewhere(
    credenza: Credenza, provider: Any, elsewhere: Elsewhere
) -> None:
    """R-TK-14, G3: and no session, and no event that says so, is left behind."""
    provider()
    link(UserAgent(credenza), elsewhere)
    credenza.apply({"users": [{"username": "ada", "suspended": True}]})
    agent = UserAgent(credenza)
    page = seen(back(agent, elsewhere.go(begun(agent))))
    assert (page.status, page.error) == (400, "upstream_failed")
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    assert credenza.run(sessions.list_sessions, ada.id, credenza.server.now()) == []


def test_a_link_from_elsewhere_begins_nothing(credenza: Credenza, provider: Any) -> None:
    provider()
    agent = UserAgent(credenza)
    page = seen(agent.get("/account"))
    address = next(link for link in page.links if "/begin" in link)
    for path in ("/upstream/other/begin", "/upstream/other/begin?continue=x", address.replace("/other/", "/none/")):
        assert seen(agent.get(path)).status == 404
    assert seen(UserAgent(credenza).get(address)).status == 404
    assert credenza.run(StateRow.count().run) == 0


def test_linking_is_asked_for_by_a_form_of_ours_in_one_session(
    credenza: Credenza, provider: Any, elsewhere: Elsewhere
) -> None:
    """Otherwise a stranger's account could be linked to the victim's."""
    provider()
    agent = UserAgent(credenza)
    agent.get(LINKED)
    agent.sign_in()
    assert seen(agent.post(LINKED, [("provider", "other")])).status == 403
    agent.get(LINKED)
    page = press(agent, LINKED, ("provider", "other"))
    answer = elsewhere.go(unescape(re.findall(r'content="0;url=([^"]+)"', page.html)[0]))
    other = UserAgent(credenza)
    other.get("/account")
    other.sign_in("grace")
    assert seen(back(other, answer)).status == 400
    agent.get("/account")
    assert agent.page is not None
    sign_out = next(i for i, form in enumerate(agent.page.forms) if form.action == "/logout")
    agent.submit([("decision", "sign-out")], form=sign_out)
    seen(back(agent, answer))
    assert credenza.run(LinkRow.count().run) == 0


def test_a_session_that_ended_meanwhile_links_nothing(
    credenza: Credenza, provider: Any, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or whoever was in with somebody else's session stays in, with an account of their own."""
    provider()
    real = pages.signed_in

    async def then_signed_out(request: Any, **options: Any) -> Any:
        session, user = await real(request, **options)
        await sessions.delete_sessions(user.id)
        return session, user

    monkeypatch.setattr(pages, "signed_in", then_signed_out)
    assert seen(link(UserAgent(credenza), elsewhere)).name == "sign-in"
    assert credenza.run(LinkRow.count().run) == 0


def test_linking_changes_the_cookie(credenza: Credenza, provider: Any, elsewhere: Elsewhere) -> None:
    """OWASP ASVS V7.2.4."""
    provider()
    agent = UserAgent(credenza)
    agent.get(LINKED)
    agent.sign_in()
    copied = UserAgent(credenza)
    copied.cookies = Cookies(agent.cookies)
    assert seen(copied.get("/account")).name == "account"
    page = press(agent, LINKED, ("provider", "other"))
    url = unescape(re.findall(r'content="0;url=([^"]+)"', page.html)[0])
    assert "Other Harbour" in seen(back(agent, elsewhere.go(url))).text
    assert seen(copied.get("/account")).name == "sign-in"


def test_their_account_belongs_to_one_of_ours(credenza: Credenza, provider: Any, elsewhere: Elsewhere) -> None:
    provider()
    seen(link(UserAgent(credenza), elsewhere))
    page = seen(link(UserAgent(credenza), elsewhere, "grace"))
    assert (page.status, page.error) == (409, "account_linked")


def test_a_link_is_removed(credenza: Credenza, provider: Any, elsewhere: Elsewhere, found: Any) -> None:
    provider()
    agent = UserAgent(credenza)
    page = seen(link(agent, elsewhere))
    key = re.findall(r'name="link" value="([0-9a-f]{64})"', page.html)[0]
    page = press(agent, f"{LINKED}/remove", ("link", key))
    assert "The account is not linked any more." in page.text
    events = credenza.run(audit.list_events, user=found("ada").id, name="FactorChanged")
    assert [event.data["action"] for event in events] == ["removed", "added"]


class TestTheConsole:
    def test_the_secret_is_encrypted_and_never_shown(self, credenza: Credenza, admin: UserAgent, provider: Any) -> None:
        """SECURITY P-03, A-CON-10."""
        provider()
        rows = credenza.run(UpstreamRow.select().run)
        assert SECRET not in str(rows)
        page = seen(admin.get(f"{PROVIDERS}/other"))
        assert SECRET not in page.html
        assert re.search(r'id="secret"[^>]* autocomplete="new-password"', page.html), "no browser puts one's own in"
        fields = [("title", "Renamed"), ("client_id", "c"), ("scope", "openid"), ("issuer", "https://evil.example")]
        press(admin, f"{PROVIDERS}/other", *fields)
        (row,) = credenza.run(UpstreamRow.select().run)
        assert (row["secret"], row["issuer"]) == (rows[0]["secret"], rows[0]["issuer"])

    def test_the_audit_log_says_what_changed(self, credenza: Credenza, admin: UserAgent, provider: Any) -> None:
        provider()
        same = {"client_id": "c", "scope": "openid", "enabled": "on"}
        for changes in ({"title": "Once"}, {"title": "Twice"}, {"title": "Twice"}, {"title": "Twice", "secret": "new"}):
            admin.get(f"{PROVIDERS}/other")
            press(admin, f"{PROVIDERS}/other", *(same | changes).items())
        secret, title, *_ = credenza.run(audit.list_events, name="ObjectChanged", limit=4)
        assert (title.data["before"]["title"], title.data["after"]["title"]) == ("Once", "Twice")
        assert "client_secret" not in title.data["after"]
        assert secret.data["before"] == {**secret.data["after"], "client_secret": "…"}

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"issuer": "https://10.0.0.1"}, "not a public address"),
            ({"issuer": "ftp://x"}, "https://"),
            ({"issuer": "http://localhost:1"}, "did not answer"),
            ({"id": "../x"}, "Lower-case letters"),
            ({"scope": "email"}, "openid among them"),
        ],
    )
    def test_mistakes_are_said(
        self, admin: UserAgent, elsewhere: Elsewhere, changes: dict[str, str], reason: str
    ) -> None:
        admin.get(f"{PROVIDERS}/create")
        form = {
            "id": "other",
            "title": "Other",
            "issuer": elsewhere.live.issuer,
            "client_id": "c",
            "scope": "openid",
            **changes,
        }
        page = press(admin, f"{PROVIDERS}/create", *form.items(), status=422)
        assert reason in page.text

    def test_one_that_is_off_signs_nobody_in(
        self, credenza: Credenza, admin: UserAgent, provider: Any, elsewhere: Elsewhere
    ) -> None:
        provider()
        agent = UserAgent(credenza)
        answer = elsewhere.go(begun(agent))
        admin.get(f"{PROVIDERS}/other")
        press(admin, f"{PROVIDERS}/other", ("title", "O"), ("client_id", "c"), ("scope", "openid"))
        assert seen(back(agent, answer)).status == 400
        assert "Continue with" not in seen(UserAgent(credenza).get("/account")).text

    def test_it_is_deleted_by_its_name_and_told_so(self, credenza: Credenza, admin: UserAgent, provider: Any) -> None:
        provider()
        page = seen(admin.get("/console/search?q=other+harb"))
        assert f"{PROVIDERS}/other" in page.links
        address = f"{PROVIDERS}/other/delete"
        page = seen(admin.get(address))
        assert "Type “other” to delete it" in page.text
        assert "No account is linked to it." in page.text
        page = press(admin, address, ("confirm", "Other Harbour"), status=422)
        assert "That is not its name." in page.text
        page = press(admin, address, ("confirm", "other"))
        assert "Other Harbour was deleted." in page.text
        assert credenza.run(UpstreamRow.count().run) == 0


class TestWhatAnAdministratorFindsOfOneThatFailed:
    """By the id on the page: a secret that the other provider does not know shows to nobody else."""

    def test_what_the_other_provider_says(self, credenza: Credenza, provider: Any, elsewhere: Elsewhere) -> None:
        provider(secret="of another installation")
        agent = UserAgent(credenza)
        page = seen(back(agent, elsewhere.go(begun(agent))))
        assert (page.status, page.error) == (400, "upstream_failed")
        (event,) = credenza.run(audit.list_events, name="SignInFailed")
        assert (event.target, event.data["reason"]) == (
            "other",
            f"{elsewhere.live.issuer}/token answered 401: 'invalid_client', 'Client authentication failed.'",
        )
        assert event.error_id in page.text
        answer = {"error": "access_denied", "error_description": "The user said no."}
        page = seen(back(agent, Callback("", {**answer, "state": state_in(begun(agent))})))
        event, _ = credenza.run(audit.list_events, name="SignInFailed")
        assert event.data["reason"] == "it answered with 'access_denied', 'The user said no.'"
        assert event.error_id in page.text

    def test_only_of_who_was_sent_there_and_only_so_many(
        self, credenza: Credenza, provider: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider()
        monkeypatch.setattr(pages, "WRITTEN_DOWN", Rule("sign-ins elsewhere that failed", burst=2, seconds=3600))
        agent = UserAgent(credenza)
        seen(back(agent, Callback("", {"error": "x", "state": "of nobody"})))
        assert credenza.run(audit.list_events, name="SignInFailed") == []
        for _ in range(6):
            page = seen(back(agent, Callback("", {"error": "x", "state": state_in(begun(agent))})))
            assert page.error == "upstream_failed"
        assert len(credenza.run(audit.list_events, name="SignInFailed")) == 3  # two at once, and then seldom


def state_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def test_strangers_begin_only_so_many(
    credenza: Credenza, provider: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SECURITY A-BRU-13: each is remembered until it ends. Others go on."""
    provider()
    monkeypatch.setattr(pages, "BY_ADDRESS", Rule("sign-ins begun elsewhere", burst=3, seconds=600))

    def answered(address: str) -> int:
        agent = UserAgent(credenza)
        agent.address = address
        link = next(link for link in seen(agent.get("/account")).links if link.startswith("/upstream/other/begin"))
        return agent.send("GET", link).status_code

    answers = [answered("198.51.100.66") for _ in range(6)]
    assert (answers[:3], answers[-1]) == ([303, 303, 303], 400)
    assert answered("198.51.100.67") == 303
