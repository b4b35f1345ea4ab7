"""An application that has to push its requests. RFC 9126 §6."""

from __future__ import annotations

from credenza.testing import Callback, Credenza, RelyingParty, UserAgent

from .conftest import finish, pushed_url


def test_a_client_that_requires_it_cannot_be_used_without(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """require_pushed_authorization_requests: "the only means of initiating an authorization request the client is
    allowed to use is PAR". RFC 9126 §6. SECURITY R-PA-05.
    """
    metadata = {"require_pushed_authorization_requests": True}
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "metadata": metadata}]})
    callback = user_agent.get(client.authorization_url())
    assert isinstance(callback, Callback)
    assert callback.error == "invalid_request"
    finish(user_agent, pushed_url(client))
