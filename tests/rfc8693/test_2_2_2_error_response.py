"""What is refused, and with which error. RFC 8693 §2.2.2."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.testing import RelyingParty

from .conftest import ACCESS_TOKEN, STOCK, exchange


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"resource": "https://unknown.example.com"}, "invalid_target"),
        ({"resource": STOCK, "audience": STOCK}, "invalid_target"),
        ({"resource": STOCK + "#x"}, "invalid_target"),
        ({"resource": STOCK, "scope": "stock:write"}, "invalid_scope"),
        ({"scope": "email"}, "invalid_scope"),
        ({"subject_token": "nonsense"}, "invalid_request"),
    ],
)
def test_whatever_is_not_right_is_refused(
    client: RelyingParty, tokens: dict[str, Any], changes: dict[str, str | None], error: str
) -> None:
    """ "The value of the error parameter MUST be the invalid_request error code", but of a target that no token is
    issued for it SHOULD be invalid_target. RFC 8693 §2.2.2.
    """
    response = exchange(client, tokens["access_token"], **changes)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert "access_token" not in response.json()
