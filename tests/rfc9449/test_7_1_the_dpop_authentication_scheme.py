"""How a request with a bound token is written, and how it is refused. RFC 9449 §7.1."""

from __future__ import annotations

from credenza.testing import Credenza, RelyingParty, UserAgent

from .conftest import Key, redeem, userinfo


def test_a_token_that_is_no_longer_good_is_refused_in_the_scheme_it_came_by(
    credenza: Credenza, client: RelyingParty, token: str, key: Key
) -> None:
    """Whoever is answered with Bearer would send the next one without a proof. RFC 9449 §7.1."""
    client.revoke(token)
    answer = userinfo(credenza, token, key.proof("/userinfo", "GET", token=token))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith('DPoP error="invalid_token"')


def test_so_is_one_that_is_good_for_something_else(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, key: Key
) -> None:
    """RFC 9449 §7.1, with the error of RFC 6750 §3.1."""
    token = redeem(client, user_agent.authorize(client, scope=None), key).json()["access_token"]
    answer = userinfo(credenza, token, key.proof("/userinfo", "GET", token=token))
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert answer.headers["www-authenticate"].startswith('DPoP error="insufficient_scope"')


def test_the_challenge_names_the_algorithms(credenza: Credenza, token: str) -> None:
    """ "algs … is a space-delimited list of JWS alg (Algorithm) header values", and SHOULD be there. RFC 9449 §7.1."""
    challenge = userinfo(credenza, token).headers["www-authenticate"]
    named = challenge.partition('algs="')[2].partition('"')[0].split(" ")
    document = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert named == document["dpop_signing_alg_values_supported"]


def test_the_scheme_in_any_letter_case(credenza: Credenza, token: str, key: Key) -> None:
    """The access token is sent "with an authentication scheme of DPoP". RFC 9449 §7.1."""
    for scheme in ("dpop", "DPOP", "DPoP"):
        proof = key.proof("/userinfo", "GET", token=token)
        assert userinfo(credenza, token, proof, scheme=scheme).status_code == 200
