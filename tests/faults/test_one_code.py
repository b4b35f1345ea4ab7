"""A code is good for one redemption, however many ask at the same moment and whichever worker they reach."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from credenza.testing import RelyingParty

pytestmark = pytest.mark.slow
AT_ONCE = 100


async def redeem_at_once(party: RelyingParty, code: str) -> list[tuple[int, dict[str, Any]]]:
    """Every connection is open before the first byte is sent, so that the requests really meet."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": party.redirect_uri,
        "code_verifier": party.verifier,
    }
    body = urlencode(form).encode()
    head = [
        "POST /token HTTP/1.1",
        f"Host: {urlsplit(party.credenza.issuer).netloc}",
        "Authorization: Basic " + b64encode(f"{party.client_id}:{party.secret}".encode()).decode(),
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    request = "\r\n".join([*head, "", ""]).encode() + body
    port = urlsplit(party.credenza.issuer).port
    connections = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(AT_ONCE)))
    for _, writer in connections:
        writer.write(request)
    answers = await asyncio.gather(*(reader.read() for reader, _ in connections))
    for _, writer in connections:
        writer.close()
        await writer.wait_closed()
    return [(int(answer.split(b" ", 2)[1]), json.loads(answer.partition(b"\r\n\r\n")[2])) for answer in answers]


def test_of_a_hundred_parallel_redemptions_exactly_one_succeeds(
    filled_database_url: str, start_server: Callable[..., Any], signed_in: Callable[..., Any]
) -> None:
    """ "The client MUST NOT use the authorization code more than once." RFC 6749 §4.1.2."""
    server = start_server(filled_database_url, workers=2)
    party = RelyingParty(server, "app", "https://app.example.com/cb")
    _, code_for = signed_in(server, party)
    for _ in range(3):
        answers = asyncio.run(redeem_at_once(party, code_for(party)))
        assert Counter(status for status, _ in answers) == {200: 1, 400: AT_ONCE - 1}
        assert {body["error"] for status, body in answers if status == 400} == {"invalid_grant"}
        # "… and SHOULD revoke (when possible) all tokens previously issued based on that authorization code."
        (tokens,) = [body for status, body in answers if status == 200]
        assert party.introspect(tokens["access_token"]) == {"active": False}
        assert party.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
