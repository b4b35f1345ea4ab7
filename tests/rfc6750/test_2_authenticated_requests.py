"""Where a bearer token may stand in a request. RFC 6750 §2, §2.1, §2.2, §2.3."""

from __future__ import annotations

import pytest

from credenza.testing import Credenza, RelyingParty

FORM = "application/x-www-form-urlencoded"


def test_in_one_place_only(credenza: Credenza, token: str) -> None:
    """ "Clients MUST NOT use more than one method to transmit the token in each request." RFC 6750 §2."""
    headers = {"authorization": f"Bearer {token}"}
    answer = credenza.request("POST", "/userinfo", data={"access_token": token}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_2_1_in_the_authorization_header(credenza: Credenza, token: str, method: str) -> None:
    """ "Resource servers MUST support this method." RFC 6750 §2.1."""
    answer = credenza.request(method, "/userinfo", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_2_2_in_the_body_of_a_form(credenza: Credenza, token: str) -> None:
    """access_token "in the HTTP request entity-body". RFC 6750 §2.2."""
    assert credenza.request("POST", "/userinfo", data={"access_token": token}).status_code == 200


def test_2_2_not_in_the_body_of_a_get(credenza: Credenza, token: str) -> None:
    """The body has to have a meaning, so that "the 'GET' method MUST NOT be used". RFC 6750 §2.2."""
    headers = {"content-type": FORM}
    answer = credenza.request("GET", "/userinfo", content=f"access_token={token}", headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("content_type", ["Application/X-WWW-Form-URLEncoded", f"{FORM} ; charset=UTF-8"])
def test_2_2_whatever_letters_the_type_of_the_form_is_written_in(
    credenza: Credenza, token: str, content_type: str
) -> None:
    """ "The type and subtype tokens are case-insensitive." RFC 9110 §8.3.1."""
    headers = {"content-type": content_type}
    answer = credenza.request("POST", "/userinfo", content=f"access_token={token}", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", f"{FORM}-not"])
def test_2_2_a_body_of_another_type_is_not_read(credenza: Credenza, token: str, content_type: str) -> None:
    headers = {"content-type": content_type}
    answer = credenza.request("POST", "/userinfo", content=f"access_token={token}", headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_2_3_not_in_the_address(credenza: Credenza, token: str, method: str) -> None:
    """Addresses are written down in logs, so this method "SHOULD NOT be used". RFC 6750 §2.3."""
    answer = credenza.request(method, f"/userinfo?access_token={token}")
    assert (answer.status_code, "error" in answer.headers["www-authenticate"]) == (401, False)


def test_2_1_the_scheme_in_any_letter_case_and_the_token_as_it_is(client: RelyingParty, token: str) -> None:
    """Schemes are case-insensitive. RFC 9110 §11.1."""
    for scheme in ("bearer", "BEARER"):
        headers = {"authorization": f"{scheme} {token}"}
        assert client.credenza.request("GET", "/userinfo", headers=headers).status_code == 200
    assert client.userinfo(token.swapcase()).status_code == 401
