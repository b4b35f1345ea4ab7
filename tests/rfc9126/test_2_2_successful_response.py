"""What is answered when a request was pushed. RFC 9126 §2.2."""

from __future__ import annotations

from credenza.testing import RelyingParty

from .conftest import push


def test_the_answer_names_the_request_and_how_long_it_lives(client: RelyingParty) -> None:
    """ "expires_in … a JSON number"; "HTTP 201 Created". RFC 9126 §2.2. SECURITY R-PA-01."""
    response = push(client)
    assert response.status_code == 201
    assert 0 < response.json()["expires_in"] < 600
    assert response.json()["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert response.headers["cache-control"] == "no-store"
