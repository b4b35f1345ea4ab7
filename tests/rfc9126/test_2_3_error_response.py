"""What is answered when it was refused, and who finds it. RFC 9126 §2.3."""

from __future__ import annotations

import pytest

from credenza.store import audit
from credenza.testing import Credenza, RelyingParty

from .conftest import push


@pytest.mark.parametrize(
    ("changes", "told", "kept"),
    [
        ({"redirect_uri": "https://app.example.com/cb/"}, "not registered", "https://app.example.com/cb/"),
        ({"redirect_uri": None}, "redirect_uri is missing", "redirect_uri is missing"),
        ({"prompt": "sign-in"}, "none, login, consent, select_account", "sign-in"),
    ],
)
def test_the_client_is_told_what_is_wrong_and_the_administrator_finds_it(
    credenza: Credenza, client: RelyingParty, changes: dict[str, str | None], told: str, kept: str
) -> None:
    """ "The authorization server returns an error response with the same format as is specified for error responses
    from the token endpoint". RFC 9126 §2.3. Under Activity too: whoever pushes has no other errors than these.
    """
    assert told in push(client, **changes).json()["error_description"]
    (event, *_) = credenza.run(audit.list_events, client="app", name="AuthorizationRefused", limit=1)
    assert kept in event.data["description"]


def test_a_stranger_writes_nothing_under_the_activity_of_a_client(credenza: Credenza, client: RelyingParty) -> None:
    client.secret = "wrong"
    push(client, prompt="sign-in")
    assert credenza.run(audit.list_events, client="app", name="AuthorizationRefused") == []
