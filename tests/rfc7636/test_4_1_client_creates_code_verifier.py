"""Which verifiers there are: those that a client sends us, and ours at a provider elsewhere. RFC 7636 §4.1."""

from __future__ import annotations

import pytest

from credenza.objects import SignInWishes
from credenza.protocol.pkce import s256
from credenza.testing import RelyingParty, UserAgent
from credenza_upstream.provider import new_request

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


@pytest.mark.parametrize("length", [43, 128])
def test_a_verifier_has_43_to_128_characters(user_agent: UserAgent, spa: RelyingParty, length: int) -> None:
    """ "using the unreserved characters … with a minimum length of 43 characters and a maximum length of 128
    characters". RFC 7636 §4.1.
    """
    verifier = (UNRESERVED * 2)[-length:]
    callback = user_agent.authorize(spa, code_challenge=s256(verifier))
    assert spa.redeem(callback, code_verifier=verifier).status_code == 200


@pytest.mark.parametrize("verifier", ["a" * 42, "a" * 129, "a" * 42 + "+", "a" * 42 + " "])
def test_any_other_is_refused_although_its_challenge_was_sent(
    user_agent: UserAgent, spa: RelyingParty, verifier: str
) -> None:
    """So that a short one is not found by trying."""
    callback = user_agent.authorize(spa, code_challenge=s256(verifier))
    answer = spa.redeem(callback, code_verifier=verifier)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_ours_at_another_provider_is_one_and_new_each_time() -> None:
    """ "The client first creates a code verifier, 'code_verifier', for each OAuth 2.0 … Authorization Request".
    RFC 7636 §4.1.
    """
    made = {new_request(SignInWishes(), 0)["verifier"] for _ in range(20)}
    assert len(made) == 20
    assert all(43 <= len(verifier) <= 128 and set(verifier) <= set(UNRESERVED) for verifier in made)
