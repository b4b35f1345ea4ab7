"""User names that are compared as people see them, whatever their keyboards make of a letter. RFC 8265 §3.3.1."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from credenza import StateError, UserRow, as_identifier, invite
from credenza.testing import PASSWORD, Callback, Credenza, PageSeen, RelyingParty, UserAgent

COMPOSED, DECOMPOSED = "müller", "mu\u0308ller"
FORMS = (COMPOSED, DECOMPOSED, "MU\u0308LLER", f" {DECOMPOSED} ")


def seen(page: PageSeen | Callback) -> PageSeen:
    assert isinstance(page, PageSeen)
    return page


def declare(credenza: Credenza, *names: str) -> list[str]:
    """What became of them."""
    return [change.action for change in credenza.apply({"users": [{"username": n} for n in names]}).changes]


@pytest.mark.parametrize("kept", FORMS)
def test_a_name_is_the_same_in_upper_case_and_with_its_marks_apart(
    credenza: Credenza, client: RelyingParty, kept: str
) -> None:
    """ "Map uppercase and titlecase code points to their lowercase equivalents" and "Apply Unicode Normalization Form C
    (NFC) to all strings." RFC 8265 §3.3.1.
    """
    credenza.apply({"users": [{"username": kept, "password": PASSWORD}]})
    for typed in FORMS:
        agent = UserAgent(credenza)
        agent.get(client.authorization_url())
        assert seen(agent.sign_in(typed)).name == "consent", ascii(typed)


def test_nobody_gets_the_name_of_another_one_in_another_form(credenza: Credenza) -> None:
    assert declare(credenza, COMPOSED) == ["created"]
    assert declare(credenza, DECOMPOSED) == []
    with pytest.raises(StateError, match="twice"):
        declare(credenza, COMPOSED, DECOMPOSED)


def test_the_first_administrator_signs_in_with_the_name_that_they_chose(credenza: Credenza) -> None:
    credenza.run(UserRow.update({UserRow.administrator: ""}).where(UserRow.username == "root").run)
    agent = UserAgent(credenza)
    agent.get(credenza.run(invite, credenza.server, purpose="administrator", user_id=None))
    fields = [("username", DECOMPOSED), ("email", ""), ("password", PASSWORD), ("password_again", PASSWORD)]
    assert seen(agent.submit(fields)).name == "sign-in"
    assert seen(agent.sign_in(COMPOSED)).status == 200
    assert seen(agent.get("/console")).status == 200


def test_an_email_address_is_the_same_in_both_forms(credenza: Credenza, client: RelyingParty) -> None:
    """Before the "@" there is ASCII only; the host may have letters of any script."""
    decomposed = "Ada@Mu\u0308nchen.example"
    credenza.apply({"users": [{"username": "ada", "email": decomposed, "email_verified": True}]})
    for typed in (decomposed, "ada@münchen.example"):
        agent = UserAgent(credenza)
        agent.get(client.authorization_url())
        assert seen(agent.sign_in(typed)).name == "consent", ascii(typed)


def test_every_letter_has_one_form() -> None:
    """And what is brought to it twice stays as it is."""
    for letter in map(chr, [*range(0xD800), *range(0xE000, 0x110000)]):
        forms = {unicodedata.normalize(form, letter) for form in ("NFC", "NFD")} | {letter}
        assert len({as_identifier(f"a{form}b") for form in forms}) == 1, ascii(letter)
        assert as_identifier(once := as_identifier(letter)) == once, ascii(letter)


def test_a_tower_of_marks_keeps_nobody_waiting(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    """To bring them into order takes the square of their number: a second, in which a worker answers nobody, for as
    many as a form may have."""
    read, normalize = list[str](), unicodedata.normalize

    def noted(form: Any, text: str) -> str:
        read.append(text)
        return normalize(form, text)

    credenza.run(UserRow.update({UserRow.administrator: ""}).where(UserRow.username == "root").run)
    agent = UserAgent(credenza)
    agent.get(credenza.run(invite, credenza.server, purpose="administrator", user_id=None))
    monkeypatch.setattr(unicodedata, "normalize", noted)
    tower = "a" + "\u0301\u0327" * 5000
    fields = [("username", tower), ("email", ""), ("password", PASSWORD), ("password_again", PASSWORD)]
    assert seen(agent.submit(fields)).status == 422
    assert max(map(len, read)) < 2000
