"""Half of a surrogate pair in JSON. RFC 8259 §8.2."""

from __future__ import annotations

import json

import jwt

from credenza.testing import RelyingParty, UserAgent


def test_a_claim_whose_name_is_no_text_is_not_asked_for(user_agent: UserAgent, client: RelyingParty) -> None:
    """Implementations that meet names "that cannot encode Unicode characters" might "even suffer fatal runtime
    exceptions". RFC 8259 §8.2.
    """
    claims = json.dumps({"id_token": {"\ud800": None, "email": {"essential": True}}})
    tokens = client.tokens(user_agent.authorize(client, claims=claims))
    said = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert said["email"] == "ada@example.com"
