"""What a passkey's answer must be for somebody to come in with it. WebAuthn §7.2; R-SE-07."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

from credenza.testing import Credenza, UserAgent
from credenza_passkeys.store import Passkey, delete_passkeys, insert_passkey, key_of

from .conftest import seen

USER_PRESENT, USER_VERIFIED = 1, 4


def b64(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


class Authenticator:
    """One passkey of somebody's. Answers are right but for the changes."""

    def __init__(self, credenza: Credenza, user: Any, *, counter: int = 0) -> None:
        self.key, self.user, self.id, self.counter = ec.generate_private_key(ec.SECP256R1()), user, b"c" * 16, counter
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        made = Passkey(key_of(self.id), user.id, self.id, encode_cbor(cose), counter, False, (), "One", 1, None)
        assert credenza.run(insert_passkey, made)

    def answer(self, challenge: str, /, **changes: Any) -> str:
        said = {
            "type": "webauthn.get",
            "challenge": challenge,
            "origin": "https://id.example.com",
            "rp_id": "id.example.com",
            "flags": USER_PRESENT | USER_VERIFIED,
            "handle": b64(self.user.id.encode()),
            "counter": self.counter,
        } | changes
        client = json.dumps({name: said[name] for name in ("type", "challenge", "origin")}).encode()
        data = hashlib.sha256(said["rp_id"].encode()).digest()
        data += bytes([said["flags"]]) + said["counter"].to_bytes(4, "big")
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        if said["handle"] is not None:
            response["userHandle"] = said["handle"]
        return json.dumps({"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response})


def challenge_of(agent: UserAgent) -> str:
    page = seen(agent.get("/account"))
    button = next(f for f in page.forms[0].fields if f.get("data-passkey"))
    return str(json.loads(button["data-options"])["challenge"])


def send(agent: UserAgent, answer: str) -> str:
    return seen(agent.submit([("authenticator", "passkey"), ("credential", answer)])).name


def test_a_right_answer_lets_in_once(credenza: Credenza, found: Any) -> None:
    """WebAuthn §13.4.3: a challenge is for one answer, in the browser that was asked."""
    mine = Authenticator(credenza, found("ada"))
    agent, other = UserAgent(credenza), UserAgent(credenza)
    answer = mine.answer(challenge_of(agent))
    challenge_of(other)
    assert send(other, answer) == "sign-in"
    assert send(agent, answer) == "account"
    again = UserAgent(credenza)
    challenge_of(again)
    assert send(again, answer) == "sign-in"


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "webauthn.create"},
        {"challenge": b64(b"x" * 32)},
        {"challenge": ""},
        {"origin": "https://evil.example"},
        {"origin": "https://id.example.com.evil.example"},
        {"origin": "http://id.example.com"},
        {"rp_id": "example.com"},
        {"flags": USER_PRESENT},
        {"flags": USER_VERIFIED},
        {"flags": 0},
        {"handle": b64(b"somebody else")},
        {"handle": ""},
        {"handle": None},
        {"counter": 4},
        {"counter": 5},
    ],
    ids=str,
)
def test_whatever_is_not_right_lets_nobody_in(credenza: Credenza, found: Any, changes: dict[str, Any]) -> None:
    """WebAuthn §7.2, steps 6 and 11 to 22; "verify that response.userHandle is present"."""
    mine = Authenticator(credenza, found("ada"), counter=5)
    agent = UserAgent(credenza)
    challenge = challenge_of(agent)
    assert send(agent, mine.answer(challenge, **({"counter": 6} | changes))) == "sign-in"
    assert seen(agent.get("/account")).name == "sign-in"


def test_a_refused_answer_uses_the_challenge_up(credenza: Credenza, found: Any) -> None:
    mine = Authenticator(credenza, found("ada"))
    agent = UserAgent(credenza)
    challenge = challenge_of(agent)
    assert send(agent, mine.answer(challenge, origin="https://evil.example")) == "sign-in"
    assert send(agent, mine.answer(challenge)) == "sign-in"


def test_a_removed_one_and_one_of_a_suspended_user(credenza: Credenza, found: Any) -> None:
    mine = Authenticator(credenza, found("grace"))
    agent = UserAgent(credenza)
    challenge = challenge_of(agent)
    credenza.apply({"users": [{"username": "grace", "suspended": True}]})
    assert send(agent, mine.answer(challenge)) == "sign-in"
    credenza.apply({"users": [{"username": "grace", "suspended": False}]})
    challenge = challenge_of(agent)
    credenza.run(delete_passkeys, found("grace").id)
    assert send(agent, mine.answer(challenge)) == "sign-in"
