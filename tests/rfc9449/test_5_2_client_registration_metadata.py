"""An application that has bound tokens only. RFC 9449 §5.2."""

from __future__ import annotations

from credenza.testing import Credenza, RelyingParty, UserAgent

from .conftest import Key, redeem


def test_a_client_that_requires_it_gets_no_bearer_token(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, key: Key
) -> None:
    """ "the authorization server MUST reject token requests from the client that do not contain the DPoP header." RFC
    9449 §5.2.
    """
    metadata = {"dpop_bound_access_tokens": True}
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "metadata": metadata}]})
    callback = user_agent.authorize(client)
    assert client.redeem(callback).json()["error"] == "invalid_request"
    assert redeem(client, callback, key).status_code == 200
