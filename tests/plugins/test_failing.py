"""A plugin that fails, or answers with something else, lets nobody in, is named in the log, and harms nobody else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from litestar import get
from litestar.params import FromPath
from piccolo.conf.apps import AppConfig

from credenza import (
    AccountSection,
    AnyRequest,
    AnyResponse,
    Authenticator,
    ClientSource,
    ClientType,
    ConsolePage,
    FormPage,
    GrantType,
    HeldFactor,
    Permission,
    PluginError,
    Prompt,
    Refused,
    Scope,
    ScopeProvider,
    SecondFactor,
    SecondFactorPage,
    StateError,
    StateSection,
    Way,
    account_get,
    cleaning,
    console_get,
    create_app,
    hookimpl,
    render,
    users,
)
from credenza.testing import SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests

from .conftest import hang


@contextmanager
def with_plugin(database: str, **hooks: Callable[..., Any]) -> Iterator[Credenza]:
    """The server of the tests with a plugin `bad` that has these hooks: functions, or classes to be made."""
    plugin = SimpleNamespace(
        **{name: hookimpl(optionalhook=True)(lambda made=made: made()) for name, made in hooks.items()}
    )
    with running(settings_for_tests(database), [("bad", plugin)]) as credenza:
        yield credenza


def app_of(credenza: Credenza) -> RelyingParty:
    return RelyingParty(credenza, "app", "https://app.example.com/cb")


def opened(credenza: Credenza) -> tuple[UserAgent, PageSeen]:
    """A browser on the sign-in page of the application."""
    user_agent = UserAgent(credenza)
    page = user_agent.get(app_of(credenza).authorization_url())
    assert isinstance(page, PageSeen)
    return user_agent, page


async def fail(*_: Any, **__: Any) -> Any:
    raise RuntimeError("it is down")


async def say_nonsense(*_: Any, **__: Any) -> Any:
    return 42


class DoorCode(SecondFactor):
    name, title, amr = "door-code", "Door code", ("pin",)
    answer: Any = ""

    async def held(self, user: Any) -> Any:
        return [HeldFactor("Door code")]

    async def page(self, waiting: Any, user: Any) -> SecondFactorPage:
        return SecondFactorPage(title="Door code", action="", csrf_token="", heading="Enter a door code")

    async def check(self, waiting: Any, user: Any, form: Any) -> Any:
        return self.answer

    async def reset(self, user: Any) -> int:
        return 0


@pytest.mark.parametrize("answer", [False, True, None, 0, [], 42])
def test_a_second_factor_that_does_not_answer_with_a_sentence_lets_nobody_in(
    credenza_database: str, caplog: pytest.LogCaptureFixture, answer: object
) -> None:
    """SECURITY A-PLG-02. "Empty when the answer is right": nothing else is empty."""
    factor = DoorCode()
    factor.answer = answer
    with with_plugin(credenza_database, register_second_factors=lambda: factor) as credenza:
        user_agent, _ = opened(credenza)
        asked = user_agent.sign_in("ada")
        assert isinstance(asked, PageSeen)
        assert asked.name == "second-factor"
        refused = user_agent.submit([("code", "1815")])
        assert isinstance(refused, PageSeen)
        assert refused.status == 500
        again = user_agent.get(app_of(credenza).authorization_url())
        assert isinstance(again, PageSeen)
        assert again.name == "sign-in"
    assert "plugin 'bad' failed in second factor 'door-code'" in caplog.text


@pytest.mark.parametrize("held", [fail, say_nonsense, lambda _: asyncio.sleep(0), hang])
def test_a_second_factor_that_does_not_tell_who_has_it_lets_nobody_in(
    credenza_database: str, caplog: pytest.LogCaptureFixture, held: Callable[..., Any]
) -> None:
    class Silent(DoorCode):
        async def held(self, user: Any) -> Any:
            return await held(user)

    with with_plugin(credenza_database, register_second_factors=Silent) as credenza:
        user_agent, _ = opened(credenza)
        page = user_agent.sign_in("ada")
        assert isinstance(page, PageSeen)
        assert page.status == 500
    assert "plugin 'bad' failed in second factor 'door-code'" in caplog.text


@pytest.mark.parametrize("method", ["page", "check"])
def test_nobody_waits_for_ever_for_a_second_factor(
    credenza_database: str, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    factor = DoorCode()
    setattr(factor, method, hang)
    with with_plugin(credenza_database, register_second_factors=lambda: factor) as credenza:
        user_agent, _ = opened(credenza)
        page = user_agent.sign_in("ada")
        if method == "check":
            page = user_agent.submit([("code", "1815")])
        assert isinstance(page, PageSeen)
        assert page.status == 500
    assert "plugin 'bad' failed in second factor 'door-code'" in caplog.text


def test_an_administrator_does_not_either(credenza_database: str, caplog: pytest.LogCaptureFixture) -> None:
    class AdasCode(DoorCode):
        async def held(self, user: Any) -> Any:
            return [HeldFactor("Door code")] if user.username == "ada" else []

        async def reset(self, user: Any) -> Any:
            await hang()

    with with_plugin(credenza_database, register_second_factors=AdasCode) as credenza:
        ada, user_agent = credenza.run(users.find_user_by_identifier, "ada"), UserAgent(credenza)
        assert ada is not None
        user_agent.get(f"/console/users/{ada.id}/sign-in")
        page = user_agent.sign_in("root")
        assert isinstance(page, PageSeen)
        form = next(place for place, form in enumerate(page.forms) if form.action.endswith("/sign-in"))
        page = user_agent.submit([("factor", "door-code")], form)
        assert isinstance(page, PageSeen)
        assert page.status == 500
    assert "plugin 'bad' failed in second factor 'door-code'" in caplog.text


@pytest.mark.parametrize("says", [fail, say_nonsense, hang])
def test_an_administrator_sees_what_people_allowed_where_its_source_has_no_name_for_it(
    credenza_database: str, caplog: pytest.LogCaptureFixture, says: Callable[..., Any]
) -> None:
    class Branches(ScopeProvider):
        name, title = "branches", "Branches"

        async def catalogue(self) -> Any:
            return []

        async def answer_title(self, question: str, answer: str) -> Any:
            asked.append(answer)
            return await says()

    class Branch(Prompt):
        name, order = "branch", 500

        async def required(self, waiting: Any) -> bool:
            waiting.choices["branch"] = "North Quay"
            return False

        async def submit(self, waiting: Any, form: Any) -> Any:
            raise AssertionError

    asked: list[str] = []
    with with_plugin(credenza_database, register_scopes=Branches, register_prompts=Branch) as credenza:
        app, admin = app_of(credenza), UserAgent(credenza)
        for user in ("ada", "grace"):
            visitor = UserAgent(credenza)
            assert isinstance(visitor.authorize(app, user=user), Callback)
        assert isinstance(page := visitor.get("/account"), PageSeen)
        assert page.status == 200
        ada = credenza.run(users.find_user_by_identifier, "ada")
        assert ada is not None
        admin.get("/console")
        admin.sign_in("root")
        for path in ("/console/applications/app/users", f"/console/users/{ada.id}/consents"):
            asked.clear()
            page = admin.get(path)
            assert isinstance(page, PageSeen)
            assert (page.status, "North Quay" in page.text) == (200, True), path
            assert asked == ["North Quay"], "once for all who have it"
    assert "plugin 'bad' failed in answer_title of scope source 'branches'" in caplog.text


class Badge(Authenticator):
    name, title, amr = "badge", "Badge", ("hwk",)
    answer: Any = staticmethod(say_nonsense)

    async def authenticate(self, server: Any, form: Any, address: str) -> Any:
        return await self.answer()


@pytest.mark.parametrize("ways", [fail, say_nonsense, hang])
def test_a_way_to_sign_in_that_fails_takes_no_other_one_away(
    credenza_database: str, caplog: pytest.LogCaptureFixture, ways: Callable[..., Any]
) -> None:
    class Lost(Badge):
        async def ways(self, waiting: Any) -> Any:
            return await ways(waiting)

    with with_plugin(credenza_database, register_authenticators=Lost) as credenza:
        user_agent, page = opened(credenza)
        assert page.name == "sign-in"
        assert "Badge" not in page.text
        consent = user_agent.sign_in("ada")
        assert isinstance(consent, PageSeen)
        assert consent.name == "consent"
    assert "plugin 'bad' failed in ways of the way to sign in 'badge'" in caplog.text


def test_a_way_that_leads_to_a_page_of_its_own_takes_no_form(credenza_database: str) -> None:
    """SECURITY G1: no input from outside is an error of ours."""

    class Link(Authenticator):
        name, title, amr = "link", "A link by mail", ("otp",)

        async def ways(self, waiting: Any) -> Any:
            return [Way(self.name, self.title, address=f"/link?token={waiting.token}")]

    with with_plugin(credenza_database, register_authenticators=Link) as credenza:
        user_agent, page = opened(credenza)
        assert "A link by mail" in page.text
        page_again = user_agent.submit([("authenticator", "link"), ("identifier", "ada")])
        assert isinstance(page_again, PageSeen)
        assert page_again.status == 400


@pytest.mark.parametrize("answer", [say_nonsense, hang])
def test_a_way_to_sign_in_that_does_not_answer_lets_nobody_in(
    credenza_database: str, caplog: pytest.LogCaptureFixture, answer: Callable[..., Any]
) -> None:
    way = Badge()
    way.answer = answer
    with with_plugin(credenza_database, register_authenticators=lambda: way) as credenza:
        user_agent, _ = opened(credenza)
        page = user_agent.submit([("authenticator", "badge"), ("identifier", "ada")])
        assert isinstance(page, PageSeen)
        assert page.status == 500
    assert "plugin 'bad' failed in the way to sign in 'badge'" in caplog.text


@pytest.mark.parametrize("method", ["required", "show", "submit"])
def test_nobody_waits_for_ever_for_a_prompt(
    credenza_database: str, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    class Team(Prompt):
        name = "team"

        async def required(self, waiting: Any) -> Any:
            return True

        async def show(self, waiting: Any) -> Any:
            return SecondFactorPage(title="", heading="", action=waiting.action, csrf_token=waiting.csrf_token)

        async def submit(self, waiting: Any, form: Any) -> Any:
            return None

    team = Team()
    setattr(team, method, hang)
    with with_plugin(credenza_database, register_prompts=lambda: team) as credenza:
        user_agent, _ = opened(credenza)
        page = user_agent.sign_in("ada")
        if method == "submit":
            page = user_agent.submit([])
        assert isinstance(page, PageSeen)
        assert page.status == 500
    assert "plugin 'bad' failed in prompt 'team'" in caplog.text


@pytest.mark.parametrize("method", ["required", "show", "submit"])
def test_a_prompt_that_fails_is_named(credenza_database: str, caplog: pytest.LogCaptureFixture, method: str) -> None:
    class Team(Prompt):
        name = "team"

        async def required(self, waiting: Any) -> Any:
            return await fail() if method == "required" else True

        async def show(self, waiting: Any) -> Any:
            if method == "submit":
                return SecondFactorPage(title="", heading="", action=waiting.action, csrf_token=waiting.csrf_token)
            return None  # no page: the browser would be sent round and round

        async def submit(self, waiting: Any, form: Any) -> Any:
            return "done"

    with with_plugin(credenza_database, register_prompts=Team) as credenza:
        user_agent, _ = opened(credenza)
        page = user_agent.sign_in("ada")
        if method == "submit":
            page = user_agent.submit([])
        assert isinstance(page, PageSeen)
        assert page.status == 500
    assert "plugin 'bad' failed in prompt 'team'" in caplog.text


def test_a_client_source_that_answers_with_nonsense_is_named(
    credenza_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Elsewhere(ClientSource):
        name = "elsewhere"

        def concerns(self, client_id: str, stored: Any) -> bool:
            return True

        async def find(self, client_id: str, stored: Any, *, fresh: bool) -> Any:
            return await say_nonsense()

    with with_plugin(credenza_database, register_client_sources=Elsewhere) as credenza:
        _, page = opened(credenza)
        assert page.status == 500
    assert "plugin 'bad' failed in find of client source 'elsewhere'" in caplog.text


class Contracts(ScopeProvider):
    """Its catalogue is asked of a service, which is away."""

    name, title = "contracts", "Contracts"

    async def catalogue(self) -> Any:
        raise Refused("https://contracts.example.com/scopes did not answer")


def test_a_source_that_fails_ends_no_request_that_asks_for_nothing_of_it(
    credenza_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with with_plugin(credenza_database, register_scopes=Contracts) as credenza:
        client = app_of(credenza)
        tokens = client.tokens(UserAgent(credenza).authorize(client, scope="openid profile"))
        assert set(tokens["scope"].split()) == {"openid", "profile"}
        answer = UserAgent(credenza).authorize(client, scope="openid profile contracts:read")
        assert isinstance(answer, Callback)
        assert answer.error == "server_error", "nobody can tell whether it is a scope of that source"
        asked = '{"id_token": {"contracts": null}}'
        answer = UserAgent(credenza).authorize(client, scope="openid profile", claims=asked)
        assert isinstance(answer, Callback)
        assert answer.error == "server_error", "nor whether it is one of its claims"
    assert "plugin 'bad' failed in requested of scope source 'contracts': https://contracts" in caplog.text
    assert "Traceback" not in caplog.text, "the sentence says it all, and there are many while a service is away"


def test_a_source_that_looks_first_is_asked_by_nobody_else(credenza_database: str) -> None:
    """As docs/plugins/scope-source.md has it."""

    class Careful(Contracts):
        async def requested(self, asked: Any) -> Any:
            ours = any(scope.startswith("contracts:") for scope in asked.scopes) or "contracts" in asked.claims
            return await super().requested(asked) if ours else []

        async def catalogue(self) -> Any:
            asked.append("catalogue")
            return await super().catalogue()

    asked: list[str] = []
    with with_plugin(credenza_database, register_scopes=Careful) as credenza:
        client = app_of(credenza)
        asked.clear()
        tokens = client.tokens(UserAgent(credenza).authorize(client, scope="openid profile"))
        assert client.userinfo(tokens["access_token"]).status_code == 200
        assert asked == []
        answer = UserAgent(credenza).authorize(client, scope="openid contracts:read")
        assert isinstance(answer, Callback)
        assert answer.error == "server_error"


def test_nobody_waits_twice_in_one_request_for_a_source_that_does_not_answer(credenza_database: str) -> None:
    class Slow(Contracts):
        async def requested(self, asked: Any) -> Any:
            waited.append("requested")
            await hang()

    def waits() -> int:
        found = len(waited)
        waited.clear()
        return found

    waited: list[str] = []
    with with_plugin(credenza_database, register_scopes=Slow) as credenza:
        user_agent, client = UserAgent(credenza), app_of(credenza)
        user_agent.get(client.authorization_url())
        assert waits() == 1
        user_agent.sign_in("ada")
        assert waits() == 2, "on the way to the consent page, and by the page"
        callback = user_agent.decide()
        assert waits() == 2, "with the answer, and before the code"
        client.tokens(callback)
        assert waits() == 1
        assert isinstance(user_agent.get(client.authorization_url()), Callback)
        assert waits() == 1, "where nothing is asked of the user it is one request"


@pytest.mark.parametrize("method", ["audience", "binding"])
@pytest.mark.parametrize("nonsense", [True, False])
def test_a_source_that_cannot_say_where_a_token_is_for_is_named(
    credenza_database: str, caplog: pytest.LogCaptureFixture, method: str, nonsense: bool
) -> None:
    def answer() -> Any:
        if not works and not nonsense:
            raise RuntimeError
        return "" if works else None

    class Odd(ScopeProvider):
        name, title = "odd", "Odd"

        async def catalogue(self) -> Any:
            return [Scope(Permission("odd", "https://odd.example.com", "odd:read"), "Odd")]

        def audience(self, permission: Any, choices: Any) -> Any:
            return answer() if method == "audience" else permission.resource

        def binding(self, permission: Any, choices: Any) -> Any:
            return answer() if method == "binding" else ""

    works = True
    enabled = {"profile": ["profile"], "odd": {"https://odd.example.com": ["odd:read"]}}
    with with_plugin(credenza_database, register_scopes=Odd) as credenza:
        credenza.apply({"applications": [{"client_id": "app", "permissions": enabled}]})
        client = app_of(credenza)
        asked = {"scope": "openid odd:read", "resource": "https://odd.example.com"}
        tokens = client.tokens(UserAgent(credenza).authorize(client, **asked))
        second = UserAgent(credenza).authorize(client, **asked)
        works = False
        assert client.redeem(second).json()["error"] == "server_error"
        assert client.userinfo(tokens["access_token"]).json()["error"] == "server_error"
    assert caplog.text.count(f"plugin 'bad' failed in {method} of scope source 'odd'") == 2


@pytest.mark.parametrize("answer", [fail, say_nonsense])
def test_a_grant_type_that_fails_is_named(
    credenza_database: str, caplog: pytest.LogCaptureFixture, answer: Callable[..., Any]
) -> None:
    class Ticket(GrantType):
        name = "urn:example:ticket"

        async def token_response(self, server: Any, request: Any) -> Any:
            return await answer()

    kind = ClientType("clerk", "Clerk", "", grant_types=("urn:example:ticket",), third_party=False)
    hooks = {"register_grant_types": Ticket, "register_client_types": lambda: kind}
    with with_plugin(credenza_database, **hooks) as credenza:
        application = {"client_id": "clerk", "client_secret": SECRET, "name": "Clerk", "type": "clerk"}
        credenza.apply({"applications": [{**application, "third_party": False}]})
        client = RelyingParty(credenza, "clerk", "")
        assert client.post("/token", {"grant_type": "urn:example:ticket"}).json()["error"] == "server_error"
    assert "plugin 'bad' failed in grant type 'urn:example:ticket'" in caplog.text


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 10**5000], ids=["object", "set", "bytes", "number"])
def test_claims_that_are_not_json_are_the_failure_of_their_source(
    credenza_database: str, caplog: pytest.LogCaptureFixture, value: object
) -> None:
    class Odd(ScopeProvider):
        name, title = "odd", "Odd"

        async def catalogue(self) -> Any:
            return [Scope(Permission("odd", "", "odd"), "Odd", claims=("odd",))]

        async def claims(self, subject: Any, permissions: Any, choices: Any) -> Any:
            return {"odd": answer}

    answer: object = "even"
    with with_plugin(credenza_database, register_scopes=Odd) as credenza:
        credenza.apply({"applications": [{"client_id": "app", "permissions": {"odd": ["odd"]}}]})
        client = app_of(credenza)
        tokens = client.tokens(UserAgent(credenza).authorize(client, scope="openid odd"))
        assert client.userinfo(tokens["access_token"]).json()["odd"] == "even"
        answer = value
        failed = client.userinfo(tokens["access_token"])
        assert failed.json()["error"] == "server_error"
    assert "plugin 'bad' failed in claims of scope source 'odd'" in caplog.text


def test_a_desired_state_says_that_a_source_does_not_answer(credenza_database: str) -> None:
    with with_plugin(credenza_database, register_scopes=Contracts) as credenza:
        application = {"client_id": "app", "permissions": {"contracts": ["contracts:read"]}}
        with pytest.raises(StateError, match=r"app: permissions: contracts does not answer.*'contracts:read'"):
            credenza.apply({"applications": [application]})


def test_a_desired_state_says_what_a_section_was_refused_elsewhere(credenza_database: str) -> None:
    async def apply(part: Any, run: Any) -> None:
        raise Refused("https://contracts.example.com/scopes did not answer")

    section = StateSection("contracts", 300, apply, say_nonsense)
    with (
        with_plugin(credenza_database, register_state=lambda: section) as credenza,
        pytest.raises(StateError, match=r"^contracts: .* did not answer"),
    ):
        credenza.apply({"contracts": {}})


def test_a_section_may_bring_the_scopes_of_applications_in_the_same_file(credenza_database: str) -> None:
    read = Permission("contracts", "", "contracts:read")
    offered: list[Scope] = []

    class Configured(Contracts):
        async def catalogue(self) -> Any:
            return offered

    async def apply(part: Any, run: Any) -> None:
        async def write() -> None:
            offered.append(Scope(read, "Read contracts"))

        run.declared.setdefault("permission", set()).add(read.key)
        await run.compare("contracts", "service", None, {"address": part}, write)

    section = StateSection("contracts", 300, apply, say_nonsense)
    hooks = {"register_scopes": Configured, "register_state": lambda: section}
    with with_plugin(credenza_database, **hooks) as credenza:
        application = {"client_id": "app", "permissions": {"contracts": ["contracts:read"]}}
        credenza.apply({"applications": [application], "contracts": "https://contracts.example.com"})
        client = credenza.run(credenza.server.find_client, "app")
        assert client is not None
        assert client.ceiling == {read: True}


@pytest.mark.parametrize("answer", [fail, lambda _: asyncio.sleep(0), lambda _: asyncio.sleep(0, "many")])
def test_a_cleaner_that_fails_keeps_no_other_from_cleaning(
    credenza_database: str, caplog: pytest.LogCaptureFixture, answer: Callable[..., Any]
) -> None:
    cleaned: list[int] = []

    async def bad(now: int) -> Any:
        return await answer(now)

    async def good(now: int) -> int:
        cleaned.append(now)
        return 0

    with with_plugin(credenza_database, register_cleaners=lambda: [bad, good]) as credenza:
        assert credenza.run(cleaning._clean_up, credenza.server) is False
    assert cleaned
    assert "a cleaner of plugin 'bad' failed" in caplog.text


@pytest.mark.parametrize(("name", "taken"), [("user_keys", "administrator"), ("client_keys", "redirect_uris")])
def test_a_section_takes_no_member_of_ours(credenza_database: str, name: str, taken: str) -> None:
    """What may stand there is checked by us, and was not any more."""
    section = StateSection("contracts", 300, say_nonsense, say_nonsense, **{name: (taken,)})  # type: ignore[arg-type]
    with (
        with_plugin(credenza_database, register_state=lambda: section) as credenza,
        pytest.raises(PluginError, match=f"both 'credenza' and 'bad' bring '{taken}'"),
    ):
        credenza.apply({})


def test_two_sections_share_no_member(credenza_database: str) -> None:
    sections = [StateSection(name, 300, say_nonsense, say_nonsense, user_keys=("badge",)) for name in ("one", "two")]
    with (
        with_plugin(credenza_database, register_state=lambda: sections) as credenza,
        pytest.raises(PluginError, match="'badge'"),
    ):
        credenza.apply({})


def test_who_fails_in_the_data_file_of_an_account_is_named(
    credenza_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def sums_up(visit: Any) -> str:
        return "One badge"

    section = AccountSection("Badges", "/account/badges", sums_up, export=fail)
    with with_plugin(credenza_database, account_sections=lambda: section) as credenza:
        user_agent = UserAgent(credenza)
        user_agent.get("/account")
        user_agent.sign_in("ada")
        assert user_agent.send("GET", "/account/data.json").status_code == 500
    assert "plugin 'bad' failed to export its account section 'Badges'" in caplog.text


def test_a_page_of_the_account_that_returns_nothing_is_told(
    credenza_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def sums_up(visit: Any) -> str:
        return "One badge"

    @account_get("/account/badges")
    async def badges(visit: Any) -> Any:
        await sums_up(visit)  # and nothing is returned

    section = AccountSection("Badges", "/account/badges", sums_up, (badges,))
    with with_plugin(credenza_database, account_sections=lambda: section) as credenza:
        user_agent = UserAgent(credenza)
        user_agent.get("/account")
        user_agent.sign_in("ada")
        assert user_agent.send("GET", "/account/badges").status_code == 500
    assert "GET /account/badges takes an AccountPage, an AccountDone or a response, not None" in caplog.text


@dataclass(kw_only=True)
class Nowhere(FormPage):
    template: ClassVar[str] = "nowhere.html"
    name: ClassVar[str] = "nowhere"


@get("/nowhere")
async def nowhere(request: AnyRequest) -> AnyResponse:
    return await render(request, Nowhere(title="Nowhere", action="", csrf_token=""))


def test_a_template_that_is_nowhere_is_no_fault_of_the_theme(
    credenza_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with with_plugin(credenza_database, register_routes=lambda: nowhere) as credenza:
        assert credenza.request("GET", "/nowhere").status_code == 500
    assert "TemplateNotFound: nowhere.html" in caplog.text
    assert "theme" not in "".join(record.getMessage() for record in caplog.records)


# -- the start --------------------------------------------------------------------------------------------------------


def refused(**hooks: dict[str, Callable[..., Any]]) -> str:
    """What the start says of plugins with these hooks."""
    plugins = [
        (name, SimpleNamespace(**{hook: hookimpl(optionalhook=True)(function) for hook, function in answers.items()}))
        for name, answers in hooks.items()
    ]
    with pytest.raises(PluginError) as caught:
        create_app(settings_for_tests("sqlite:///not-opened.db"), plugins)
    return str(caught.value)


def route(path: str) -> Callable[[], Any]:
    @get(path)
    async def page() -> str:
        return ""

    return lambda: page


def test_two_plugins_at_one_address_are_both_named() -> None:
    said = refused(one={"register_routes": route("/tides")}, two={"register_routes": route("/tides")})
    assert "'one'" in said
    assert "'two'" in said
    assert "/tides" in said


@pytest.mark.parametrize("path", ["/token", "/healthz", "/account/sessions", "/console/users"])
def test_who_takes_an_address_of_ours_is_named(path: str) -> None:
    said = refused(bad={"register_routes": route(path)})
    assert "'bad'" in said
    assert path in said


def test_methods_of_one_address_may_be_of_two_plugins() -> None:
    from litestar import post

    @post("/tides/{day:str}")
    async def noted(day: FromPath[str]) -> str:
        return day

    @get("/tides/{day:str}")
    async def seen(day: FromPath[str]) -> str:
        return day

    plugins = [
        ("one", SimpleNamespace(register_routes=hookimpl(lambda: noted))),
        ("two", SimpleNamespace(register_routes=hookimpl(lambda: seen))),
    ]
    create_app(settings_for_tests("sqlite:///not-opened.db"), plugins)


@pytest.mark.parametrize("hook", ["console_pages", "console_panels", "account_sections"])
@pytest.mark.parametrize("nonsense", [True, False])
def test_who_fails_in_a_hook_of_another_plugin_is_the_one_to_be_disabled(hook: str, nonsense: bool) -> None:
    def answer() -> Any:
        if nonsense:
            return 42
        raise RuntimeError

    said = refused(bad={hook: answer})
    assert said.startswith("plugin 'bad' ")
    assert hook in said
    assert "DISABLED=console" not in said
    assert "DISABLED=account" not in said


def test_who_takes_an_address_of_the_console_is_named() -> None:
    async def show(visit: Any) -> Any:
        return None

    page = ConsolePage("Users", "/console/users", (console_get("/console/users", "users:read")(show),))
    assert refused(bad={"console_pages": lambda: page}).startswith("plugin 'bad': GET /console/users is there already")


def test_tables_without_their_migrations_stop_the_start(tmp_path: Path) -> None:
    """As of a package that leaves them out: nothing would be migrated, and the first request would miss the tables."""
    tables = AppConfig("tides", str(tmp_path / "migrations"))
    said = refused(bad={"register_tables": lambda: tables})
    assert "'bad'" in said
    assert str(tmp_path / "migrations") in said


@pytest.mark.parametrize("name", ["credenza", "credenza_totp"])
def test_tables_of_one_name_are_both_named(tmp_path: Path, name: str) -> None:
    """What ran of one counted for the other."""
    tables = AppConfig(name, str(tmp_path))
    said = refused(bad={"register_tables": lambda: tables})
    assert "'bad'" in said
    assert f"'{name}'" in said


@pytest.mark.parametrize("attribute", ["templates", "locales"])
@pytest.mark.parametrize("folder", ["templates", Path("/nowhere")])
def test_a_folder_that_is_none_stops_the_start(attribute: str, folder: object) -> None:
    with pytest.raises(PluginError, match=f"'bad': `{attribute}` is the Path of a folder"):
        create_app(settings_for_tests("sqlite:///not-opened.db"), [("bad", SimpleNamespace(**{attribute: folder}))])


def test_two_plugins_at_one_address_of_the_console_are_both_named() -> None:
    async def show(visit: Any) -> Any:
        return None

    page = ConsolePage("Tides", "/console/tides", (console_get("/console/tides", "tides:read")(show),))
    said = refused(one={"console_pages": lambda: page}, two={"console_pages": lambda: page})
    assert "'one'" in said
    assert "'two'" in said


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 10**5000], ids=["object", "set", "bytes", "number"])
def test_metadata_that_is_not_json_stops_the_start(value: object) -> None:
    """Nobody could read the discovery document."""
    said = refused(bad={"register_metadata": lambda: {"tides": value}})
    assert "'bad'" in said
    assert "register_metadata" in said


def test_hookspecs_without_a_hook_are_named() -> None:
    with pytest.raises(PluginError, match="'bad'"):
        create_app(settings_for_tests("sqlite:///not-opened.db"), [("bad", SimpleNamespace(hookspecs=logging))])


@pytest.mark.parametrize(
    "wrong", [{"pkce": "Required"}, {"grant_types": "authorization_code"}, {"auth_methods": ["none"]}]
)
def test_a_client_type_that_is_misspelt_cannot_be_made(wrong: dict[str, Any]) -> None:
    said: dict[str, Any] = {"name": "kiosk", "title": "Kiosk", "description": "", "grant_types": ()}
    with pytest.raises((ValueError, TypeError), match=f"'kiosk': {next(iter(wrong))} "):
        ClientType(**said | wrong)
