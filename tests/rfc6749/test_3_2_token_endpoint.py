"""RFC 6749 §3.2, the token endpoint, and who may ask there."""

from __future__ import annotations

import pytest

from credenza.protocol.tokens import new_token
from credenza.testing import ORDERS, SECRET, Credenza, RelyingParty, UserAgent

MACHINE = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}


@pytest.fixture
def machine(credenza: Credenza) -> RelyingParty:
    return RelyingParty(credenza, "machine", "")


def test_3_2_get_is_not_answered(credenza: Credenza) -> None:
    """ "The client MUST use the HTTP "POST" method when making access token requests." RFC 6749 §3.2."""
    answer = credenza.request("GET", "/token", params=MACHINE, auth=("machine", SECRET))
    assert answer.status_code == 405
    assert "access_token" not in answer.text


def test_3_2_empty_is_as_good_as_left_out_and_unknown_is_ignored(machine: RelyingParty) -> None:
    """ "Parameters sent without a value MUST be treated as if they were omitted". RFC 6749 §3.2."""
    whole = machine.post("/token", {**MACHINE, "scope": "", "client_secret": "", "tenant": "7"})
    assert (whole.status_code, whole.json()["scope"]) == (200, "orders:read")
    assert machine.post("/token", {**MACHINE, "grant_type": ""}).json()["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "tenant"])
def test_3_2_twice_is_refused(credenza: Credenza, name: str) -> None:
    """ "Request and response parameters MUST NOT be included more than once." RFC 6749 §3.2."""
    form = [*MACHINE.items(), ("client_id", "machine"), ("tenant", "7")]
    body = "&".join(f"{key}={value}" for key, value in [*form, (name, dict(form)[name])])
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = credenza.request("POST", "/token", content=body, headers=headers, auth=("machine", SECRET))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_3_2_1_a_confidential_client_proves_who_it_is(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "Confidential clients … MUST authenticate with the authorization server". RFC 6749 §3.2.1."""
    callback = user_agent.authorize(client)
    stranger = RelyingParty(client.credenza, "app", client.redirect_uri, auth_method="none")
    stranger.verifier = client.verifier
    answer = stranger.redeem(callback)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert client.redeem(callback).status_code == 200  # the attempt cost nobody the code


def test_2_1_a_public_client_needs_no_secret(user_agent: UserAgent, spa: RelyingParty) -> None:
    """ "Clients incapable of maintaining the confidentiality of their credentials". RFC 6749 §2.1."""
    assert spa.tokens(user_agent.authorize(spa))["token_type"] == "Bearer"


def test_4_4_a_public_client_cannot_act_for_itself(spa: RelyingParty) -> None:
    """ "The client credentials grant type MUST only be used by confidential clients." RFC 6749 §4.4."""
    answer = spa.post("/token", MACHINE)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_4_4_a_machine_gets_a_token_for_itself(machine: RelyingParty) -> None:
    tokens = machine.post("/token", MACHINE).json()
    assert tokens["scope"] == "orders:read"
    assert machine.introspect(tokens["access_token"])["client_id"] == "machine"


@pytest.mark.parametrize("kind", ["access_token", "refresh_token", "code"])
def test_10_10_nobody_can_guess_a_token(kind: str) -> None:
    """ "The probability of an attacker guessing generated tokens … MUST be less than or equal to 2^(-128)".

    RFC 6749 §10.10.
    """
    tokens = [new_token(kind) for _ in range(500)]
    drawn = [token.split("_", 2)[2][:-7] for token in tokens]  # without what it is, and the checksum
    assert len(set(drawn)) == len(tokens)
    assert {len(each) for each in drawn} == {43}
    varied = sum(len({each[place] for each in drawn}) > 32 for place in range(43))  # at least five bits each
    assert varied * 5 >= 128
