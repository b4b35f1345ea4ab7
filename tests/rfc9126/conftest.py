"""A request that is pushed, and followed to its end."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from credenza.store.pushed_requests import PushedRequestRow
from credenza.testing import Callback, Credenza, RelyingParty, UserAgent


def push(client: RelyingParty, **changes: str | None) -> httpx.Response:
    request = dict(parse_qsl(urlsplit(client.authorization_url()).query))
    return client.post("/par", request | changes)


def pushed_url(client: RelyingParty, **changes: str | None) -> str:
    response = push(client, **changes)
    assert response.status_code == 201, response.text
    return "/authorize?" + urlencode({"client_id": client.client_id, "request_uri": response.json()["request_uri"]})


def finish(user_agent: UserAgent, url: str) -> Callback:
    seen = user_agent.through(url)
    assert isinstance(seen, Callback), seen.text
    return seen


def stored(credenza: Credenza) -> list[int]:
    """How long the text of each kept request is."""

    async def lengths() -> list[int]:
        rows = await PushedRequestRow.select(PushedRequestRow.parameters)
        return [len(row["parameters"]) for row in rows]

    return credenza.run(lengths)
