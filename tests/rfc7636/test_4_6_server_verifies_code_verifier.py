"""The verifier in the token request. RFC 7636 §4.5, §4.6."""

from __future__ import annotations

import pytest

from credenza.protocol.pkce import s256
from credenza.testing import RelyingParty, UserAgent


def test_4_5_the_token_request_has_the_verifier(user_agent: UserAgent, spa: RelyingParty) -> None:
    """ "code_verifier REQUIRED." RFC 7636 §4.5."""
    answer = spa.redeem(user_agent.authorize(spa), code_verifier=None)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("role", ["spa", "client"])
def test_equal_values_go_on_as_usual(user_agent: UserAgent, request: pytest.FixtureRequest, role: str) -> None:
    """ "If the values are equal, the token endpoint MUST continue processing as normal". RFC 7636 §4.6."""
    party: RelyingParty = request.getfixturevalue(role)
    assert party.redeem(user_agent.authorize(party)).status_code == 200


@pytest.mark.parametrize("role", ["spa", "client"])
def test_other_values_are_an_invalid_grant(user_agent: UserAgent, request: pytest.FixtureRequest, role: str) -> None:
    """ "If the values are not equal, an error response indicating 'invalid_grant' … MUST be returned." RFC 7636
    §4.6.
    """
    party: RelyingParty = request.getfixturevalue(role)
    answer = party.redeem(user_agent.authorize(party), code_verifier="x" * 43)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_4_5_the_method_is_that_of_the_code(user_agent: UserAgent, spa: RelyingParty) -> None:
    """ "That is the method that the token endpoint MUST use to verify the 'code_verifier'", whatever the token request
    says. RFC 7636 §4.5.
    """
    callback = user_agent.authorize(spa)
    answer = spa.redeem(callback, code_verifier=s256(spa.verifier), code_challenge_method="plain")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
