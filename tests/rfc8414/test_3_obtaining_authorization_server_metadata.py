"""Where the metadata is and what it looks like. RFC 8414 §3, §3.1, §3.2, §3.3."""

from __future__ import annotations

from credenza.testing import Credenza

WELL_KNOWN = "/.well-known/oauth-authorization-server"


def test_3_it_is_at_the_well_known_place_of_the_issuer(credenza: Credenza) -> None:
    """ "Authorization servers supporting metadata MUST make a JSON document containing metadata … available at a path
    formed by inserting a well-known URI string into the authorization server's issuer identifier". RFC 8414 §3.
    """
    assert credenza.request("GET", credenza.issuer + WELL_KNOWN).status_code == 200
    assert credenza.request("GET", f"{credenza.issuer}{WELL_KNOWN}/elsewhere").status_code == 404


def test_3_1_it_is_asked_for_with_get(credenza: Credenza) -> None:
    """ "An authorization server metadata document MUST be queried using an HTTP 'GET' request". RFC 8414 §3.1."""
    assert credenza.request("POST", WELL_KNOWN).status_code == 405


def test_3_2_it_is_a_json_object(credenza: Credenza) -> None:
    """ "The successful response MUST use the 200 OK HTTP status code and return a JSON object using the
    'application/json' content type". RFC 8414 §3.2.
    """
    answer = credenza.request("GET", WELL_KNOWN)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert isinstance(answer.json(), dict)


def test_3_2_several_values_are_an_array_and_none_are_left_out(credenza: Credenza) -> None:
    """ "Claims with zero elements MUST be omitted from the response." RFC 8414 §3.2."""
    document = credenza.request("GET", WELL_KNOWN).json()
    assert isinstance(document["scopes_supported"], list)
    assert document["response_types_supported"] == ["code"]
    assert [name for name, value in document.items() if value in ([], "", None, {})] == []


def test_3_3_the_issuer_in_it_is_the_issuer_that_was_asked(credenza: Credenza) -> None:
    """ "The 'issuer' value returned MUST be identical to the authorization server's issuer identifier value into which
    the well-known URI string was inserted". RFC 8414 §3.3.
    """
    assert credenza.request("GET", WELL_KNOWN).json()["issuer"] == credenza.issuer
