"""The configuration of a provider, found from its issuer alone."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.testing import ISSUER, Credenza, RelyingParty, UserAgent


@pytest.fixture
def document(credenza: Credenza) -> dict[str, Any]:
    """ "A successful response MUST use the 200 OK HTTP status code and return a JSON object using the application/json
    content type". OpenID Connect Discovery §4.2.
    """
    answer = credenza.request("GET", ISSUER.rstrip("/") + "/.well-known/openid-configuration")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    return dict(answer.json())


def test_4_1_the_address_is_the_issuers_with_the_well_known_path(document: dict[str, Any]) -> None:
    """OpenID Connect Discovery §4.1."""
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert document[name].startswith(f"{ISSUER}/")


def test_4_2_what_has_no_value_is_left_out(document: dict[str, Any]) -> None:
    """ "Claims with zero elements MUST be omitted from the response." OpenID Connect Discovery §4.2."""
    assert not [name for name, value in document.items() if value in ([], {}, "", None)]


def test_4_3_the_issuer_is_the_one_that_was_asked_and_that_tokens_name(
    document: dict[str, Any], user_agent: UserAgent, client: RelyingParty
) -> None:
    """ "The issuer value returned MUST be identical to the Issuer URL that was used as the prefix".

    OpenID Connect Discovery §4.3.
    """
    assert document["issuer"] == ISSUER
    callback = user_agent.authorize(client)
    assert client.tokens(callback)["id_token"]
    assert callback.parameters["iss"] == document["issuer"]  # type: ignore[union-attr]
