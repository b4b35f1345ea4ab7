"""What strangers may send to the passkeys' pages. SECURITY A-ENU-03, R-SE-06; the ceremonies are in tests/browser."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from credenza.testing import Credenza, UserAgent

from .conftest import press, seen

PASSKEYS = "/account/security/passkeys"
HOSTILE: list[Any] = [
    "",
    "{}",
    "[]",
    "null",
    "[" * 5000,
    "x" * 30_000,
    {"rawId": 1, "response": []},
    {"rawId": "AA", "id": "AA", "type": "public-key", "response": {"clientDataJSON": "AA", "authenticatorData": 1}},
    {"rawId": "AA", "id": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", "attestationObject": "AA"}},
    {"rawId": "é", "id": "é", "response": None},
    {"rawId": "AA" * 4000, "id": "AA" * 4000, "type": "x", "response": {"userHandle": {}}},
]


@pytest.mark.parametrize("answer", HOSTILE)
def test_an_answer_that_proves_nothing_is_refused(user_agent: UserAgent, answer: Any) -> None:
    credential = answer if isinstance(answer, str) else json.dumps(answer)
    user_agent.get("/account")
    page = seen(user_agent.submit([("authenticator", "passkey"), ("credential", credential)]))
    assert (page.status, page.name) == (422, "sign-in")
    assert "The passkey was not accepted." in page.text
    user_agent.get(PASSKEYS)
    user_agent.sign_in()
    page = press(user_agent, PASSKEYS, ("name", "x"), ("credential", credential), status=422)
    assert "The passkey was not accepted." in page.text
    assert ('role="alert"' in page.html, 'aria-invalid="true"' in page.html) == (True, False), "the name is right"


def test_a_wrong_name_is_heard_with_its_field(user_agent: UserAgent) -> None:
    user_agent.get(PASSKEYS)
    user_agent.sign_in()
    page = press(user_agent, PASSKEYS, ("name", "x" * 101), status=422)
    assert "A name has at most 100 characters." in page.text
    assert 'aria-describedby="name-hint message" aria-invalid="true" autofocus' in page.html
    assert 'role="alert"' not in page.html


def test_without_its_script_nothing_is_seen_of_it(user_agent: UserAgent) -> None:
    html = seen(user_agent.get("/account")).html
    assert 'class="or" hidden>' in html
    assert re.search(r'value="passkey"[^>]* hidden', html)


def test_the_question_is_the_same_for_everybody(credenza: Credenza) -> None:
    """No account is named before it is proved, and each question is asked once."""
    asked = []
    for _ in range(2):
        agent = UserAgent(credenza)
        page = seen(agent.get("/account"))
        button = next(f for f in page.forms[0].fields if f.get("data-passkey"))
        options = json.loads(button["data-options"])
        assert "allowCredentials" not in options or not options["allowCredentials"]
        assert (options["rpId"], options["userVerification"]) == ("id.example.com", "required")
        asked.append(options["challenge"])
    assert asked[0] != asked[1]
    assert len(asked[0]) >= 43


def test_a_list_needs_a_fresh_sign_in(credenza: Credenza, user_agent: UserAgent) -> None:
    user_agent.get(PASSKEYS)
    page = seen(user_agent.sign_in())
    assert "None" not in page.text
    assert 'aria-describedby="name-hint"' in page.html
    assert 'id="name-hint"' in page.html
    credenza.clock.move(601)
    assert seen(user_agent.get(PASSKEYS)).name == "sign-in"
