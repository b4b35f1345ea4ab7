"""Classes of authentication that applications ask for. OpenID Connect Core §3.1.2.1, §5.5.1.1."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from credenza import sessions
from credenza.testing import Credenza, RelyingParty, UserAgent

from .conftest import Enrolled, Telephone, seen
from .test_second_factor import id_token, second_step

MFA = "urn:credenza:acr:mfa"
PASSWORD = "urn:credenza:acr:password"


def essential(*values: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": list(values)}}})


def test_the_metadata_names_what_can_be_reached(credenza: Credenza) -> None:
    document = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert set(document["acr_values_supported"]) >= {PASSWORD, MFA}
    assert document["acr_values_supported"] == list(credenza.server.acr_values)


@pytest.fixture
def half_signed_in(credenza: Credenza, enrolled: Enrolled, user_agent: UserAgent) -> tuple[UserAgent, Telephone]:
    """A browser whose session is of the password alone, from before the authenticator app was set up."""
    user_agent.get("/account")
    user_agent.sign_in()
    _, telephone, _ = enrolled()
    return user_agent, telephone


@pytest.mark.parametrize("wish", [{"acr_values": MFA}, {"claims": essential(MFA)}])
def test_a_signed_in_user_adds_the_second_factor(
    credenza: Credenza, client: RelyingParty, half_signed_in: tuple[UserAgent, Telephone], wish: dict[str, str]
) -> None:
    agent, telephone = half_signed_in
    before = dict(agent.cookies)
    since = credenza.server.now()
    page = seen(agent.get(client.authorization_url(**wish)))
    assert page.name == "second-factor"  # without the password once more
    assert seen(second_step(agent, telephone.next_code())).name == "consent"
    claims = id_token(client, agent.decide())
    assert (claims["acr"], claims["amr"]) == (MFA, ["pwd", "otp", "mfa"])
    assert claims["auth_time"] <= since
    assert dict(agent.cookies) != before


def test_a_session_that_ended_meanwhile_gets_no_second_factor(
    credenza: Credenza,
    client: RelyingParty,
    half_signed_in: tuple[UserAgent, Telephone],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A code alone signs nobody in."""
    agent, telephone = half_signed_in
    agent.get(client.authorization_url(acr_values=MFA))
    factor = credenza.server.second_factors["totp"]
    real = factor.check

    async def check_while_they_are_signed_out(waiting: Any, user: Any, form: Any) -> Any:
        answer = await real(waiting, user, form)
        await sessions.delete_sessions(user.id)
        return answer

    monkeypatch.setattr(factor, "check", check_while_they_are_signed_out)
    page = seen(second_step(agent, telephone.next_code()))
    assert (page.status, page.name) == (200, "sign-in")


def test_whoever_has_it_already_is_not_asked(client: RelyingParty, enrolled: Enrolled) -> None:
    ada, _, _ = enrolled()
    callback = ada.authorize(client, acr_values=MFA)
    assert id_token(client, callback)["acr"] == MFA


def test_a_weaker_class_is_reached_by_a_stronger_session(client: RelyingParty, enrolled: Enrolled) -> None:
    """Core §2: the class that was asked for and satisfied is told."""
    ada, _, _ = enrolled()
    callback = ada.authorize(client, acr_values=f"urn:somebody:else {PASSWORD}")
    assert id_token(client, callback)["acr"] == PASSWORD


def test_a_voluntary_class_may_be_declined(client: RelyingParty, user_agent: UserAgent) -> None:
    """Core §3.1.2.1: acr_values is a voluntary claim."""
    user_agent.get(client.authorization_url(acr_values=MFA))
    page = seen(user_agent.sign_in("grace"))
    assert "Set up a second step" in page.text
    page = seen(user_agent.submit([("decision", "skip")]))
    assert page.name == "consent"
    assert id_token(client, user_agent.decide())["acr"] == PASSWORD


def test_a_voluntary_class_nobody_knows_is_ignored(client: RelyingParty, user_agent: UserAgent) -> None:
    callback = user_agent.authorize(client, acr_values="urn:somebody:else")
    assert id_token(client, callback)["acr"] == PASSWORD


def test_without_a_page_nothing_is_added(client: RelyingParty, half_signed_in: tuple[UserAgent, Telephone]) -> None:
    """prompt=none: what is voluntary is left out, what is essential is an error. Core §3.1.2.6."""
    agent, _ = half_signed_in
    agent.authorize(client)
    assert id_token(client, agent.authorize(client, prompt="none", acr_values=MFA))["acr"] == PASSWORD
    callback = agent.authorize(client, prompt="none", claims=essential(MFA))
    assert callback.parameters["error"] == "login_required"  # type: ignore[union-attr]


@pytest.mark.parametrize("values", [("urn:somebody:else",), ("urn:a", "urn:b")])
def test_an_essential_class_that_cannot_be_reached_is_an_error(
    client: RelyingParty, user_agent: UserAgent, values: tuple[str, ...]
) -> None:
    """OpenID Connect Core Error Code unmet_authentication_requirements."""
    callback = user_agent.authorize(client, claims=essential(*values))
    assert callback.error == "unmet_authentication_requirements"
    assert callback.parameters["state"] == "state-of-the-test"  # type: ignore[union-attr]


def test_an_essential_class_is_set_up_or_refused(client: RelyingParty, user_agent: UserAgent) -> None:
    user_agent.get(client.authorization_url(claims=essential(MFA)))
    page = seen(user_agent.sign_in("grace"))
    assert "Set up a second step" in page.text
    assert ("decision", "skip") not in [(f.get("name"), f.get("value")) for f in page.forms[0].fields]
    page = seen(user_agent.submit([("decision", "skip")]))
    assert page.name == "second-factor"
    callback = user_agent.submit([("decision", "deny")])
    assert callback.error == "unmet_authentication_requirements"


def test_setting_it_up_on_the_way(credenza: Credenza, client: RelyingParty, user_agent: UserAgent) -> None:
    user_agent.get(client.authorization_url(claims=essential(MFA)))
    page = seen(user_agent.sign_in("grace"))
    telephone = Telephone(credenza, re.findall(r"<code>([A-Z2-7]{32})</code>", page.html)[0])
    page = seen(second_step(user_agent, "000000"))
    assert (page.status, telephone.seed in page.html) == (422, True)
    page = seen(second_step(user_agent, telephone.code))
    assert (page.status, len(re.findall(r"<code>[a-z0-9-]{14}</code>", page.html))) == (200, 10)
    page = seen(user_agent.submit([("decision", "continue")]))
    assert page.name == "consent"
    assert id_token(client, user_agent.decide())["acr"] == MFA


class TestAnOpenBrowser:
    """R-SE-06: who changes how one signs in did sign in minutes ago, and not somebody who found a session open.

    They would put an app of their own on the account, and lock its owner out.
    """

    @pytest.fixture
    def left_open(self, credenza: Credenza, user_agent: UserAgent) -> UserAgent:
        user_agent.get("/account")
        user_agent.sign_in("grace")
        credenza.clock.move(601)
        return user_agent

    @pytest.mark.parametrize("essentially", [True, False])
    def test_what_must_be_set_up_needs_a_fresh_sign_in(
        self, credenza: Credenza, client: RelyingParty, left_open: UserAgent, essentially: bool
    ) -> None:
        if not essentially:
            credenza.apply({"applications": [{"client_id": "app", "require_second_factor": True}]})
        wish = {"claims": essential(MFA)} if essentially else {}
        page = seen(left_open.get(client.authorization_url(**wish)))
        assert page.name == "sign-in"
        page = seen(left_open.get(page.url.replace("/login", "/second-factor")))
        assert page.name == "sign-in"
        page = seen(left_open.sign_in("grace"))
        assert "Set up a second step" in page.text
        telephone = Telephone(credenza, re.findall(r"<code>([A-Z2-7]{32})</code>", page.html)[0])
        assert "Keep these recovery codes" in seen(second_step(left_open, telephone.code)).text
        assert seen(left_open.submit([("decision", "continue")])).name == "consent"

    def test_what_may_be_set_up_is_not_offered(self, client: RelyingParty, left_open: UserAgent) -> None:
        assert seen(left_open.get(client.authorization_url(acr_values=MFA))).name == "consent"
        assert id_token(client, left_open.decide())["acr"] == PASSWORD

    def test_a_page_that_was_left_open_sets_nothing_up(
        self, credenza: Credenza, client: RelyingParty, user_agent: UserAgent, found: Any
    ) -> None:
        user_agent.get("/account")
        user_agent.sign_in("grace")
        page = seen(user_agent.get(client.authorization_url(claims=essential(MFA))))
        telephone = Telephone(credenza, re.findall(r"<code>([A-Z2-7]{32})</code>", page.html)[0])
        credenza.clock.move(601)
        assert seen(second_step(user_agent, telephone.code)).name == "sign-in"
        assert credenza.run(credenza.server.second_factors["totp"].held, found("grace")) == []

    def test_who_has_one_only_proves_it(
        self, credenza: Credenza, client: RelyingParty, half_signed_in: tuple[UserAgent, Telephone]
    ) -> None:
        agent, telephone = half_signed_in
        credenza.clock.move(601)
        assert "Enter the code" in seen(agent.get(client.authorization_url(claims=essential(MFA)))).text
        assert seen(second_step(agent, telephone.next_code())).name == "consent"


def test_a_password_is_not_enough_to_replace_what_somebody_has(
    credenza: Credenza, client: RelyingParty, enrolled: Enrolled, user_agent: UserAgent
) -> None:
    """Whoever only knows the password is never shown the page that sets up another app."""
    enrolled()
    user_agent.get(client.authorization_url(claims=essential(MFA)))
    page = seen(user_agent.sign_in())
    assert "Enter the code" in page.text
    seed = credenza.server.keyring.encrypt(b"A" * 32, place="somewhere else")
    fields = [("factor", "totp"), ("seed", seed), ("code", Telephone(credenza, "A" * 32).code)]
    assert seen(user_agent.submit(fields)).status == 422


class TestWhenEverybodyMust:
    @pytest.fixture
    def credenza_settings(self) -> dict[str, Any]:
        return {"second_factor": "required"}

    def test_it_is_set_up_at_the_next_sign_in(self, credenza: Credenza, user_agent: UserAgent) -> None:
        user_agent.get("/account")
        page = seen(user_agent.sign_in())
        assert "Set up a second step" in page.text
        telephone = Telephone(credenza, re.findall(r"<code>([A-Z2-7]{32})</code>", page.html)[0])
        page = seen(second_step(user_agent, telephone.code))
        assert "Keep these recovery codes" in page.text
        codes = re.findall(r"<code>([a-z0-9-]{14})</code>", page.html)
        assert f'href="data:text/plain;charset=utf-8,{"%0D%0A".join(codes)}"' in page.html, "as a file"
        assert 'data-copy="' + "\n".join(codes) in page.html
        assert seen(user_agent.submit([("decision", "continue")])).name == "account"

    def test_the_console_is_closed_before(self, credenza: Credenza, user_agent: UserAgent) -> None:
        user_agent.get("/console")
        assert seen(user_agent.sign_in("root")).name == "second-factor"
        assert seen(user_agent.get("/console")).name in ("sign-in", "second-factor")


def test_an_application_may_need_it(credenza: Credenza, client: RelyingParty, user_agent: UserAgent) -> None:
    credenza.apply({"applications": [{"client_id": "app", "require_second_factor": True}]})
    user_agent.get(client.authorization_url())
    page = seen(user_agent.sign_in())
    assert "Set up a second step" in page.text
    callback = user_agent.submit([("decision", "deny")])
    assert callback.error == "access_denied"


def test_what_one_factor_was_enough_for_ends_when_two_are_needed(
    credenza: Credenza, client: RelyingParty, enrolled: Enrolled, user_agent: UserAgent
) -> None:
    wish = {"scope": "openid offline_access", "prompt": "consent"}
    of_grace = client.tokens(user_agent.authorize(client, user="grace", **wish))
    ada, _, _ = enrolled()
    of_ada = client.tokens(ada.authorize(client, acr_values=MFA, **wish))
    credenza.apply({"applications": [{"client_id": "app", "require_second_factor": True}]})
    assert not client.introspect(of_grace["access_token"])["active"]
    refused = client.refresh(of_grace["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert client.introspect(of_ada["access_token"])["active"]
    assert client.refresh(of_ada["refresh_token"]).status_code == 200
