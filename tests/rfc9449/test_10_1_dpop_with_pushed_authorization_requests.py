"""A proof that is sent with a pushed request. RFC 9449 §10.1."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from credenza.protocol.jose import thumbprint_of
from credenza.testing import Callback, PageSeen, RelyingParty, UserAgent

from .conftest import Key, redeem


def push(client: RelyingParty, key: Key, **changes: str) -> httpx.Response:
    request = dict(parse_qsl(urlsplit(client.authorization_url()).query))
    return client.post("/par", request | changes, headers={"dpop": key.proof("/par")})


def test_a_proof_at_par_binds_the_code(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    """The server checks the proof, and acts as if its thumbprint had been in dpop_jkt. RFC 9449 §10.1."""
    answers = {}
    for name, shown in {"the same": key, "another": Key()}.items():
        pushed = push(client, key)
        assert pushed.status_code == 201, pushed.text
        request = urlencode({"client_id": "app", "request_uri": pushed.json()["request_uri"]})
        seen = user_agent.get(f"/authorize?{request}")
        if isinstance(seen, PageSeen) and seen.name == "sign-in":
            seen = user_agent.sign_in()
        answers[name] = redeem(client, seen if isinstance(seen, Callback) else user_agent.decide(), shown).json()
    assert answers["the same"]["token_type"] == "DPoP"
    assert answers["another"]["error"] == "invalid_dpop_proof"


def test_both_ways_at_once_must_agree(client: RelyingParty, key: Key) -> None:
    """ "the authorization server MUST reject the request if the JWK Thumbprint in dpop_jkt does not match the public
    key in the DPoP header." RFC 9449 §10.1.
    """
    assert push(client, key, dpop_jkt=thumbprint_of(key.jwk)).status_code == 201
    assert push(client, key, dpop_jkt="A" * 43).json()["error"] == "invalid_dpop_proof"
