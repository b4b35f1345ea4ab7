"""The MCP SDK's own OAuth client, in an environment of its own. The test plays the user, as with openid-client.

It meets a resource with nothing but its address: 401, resource metadata, registration, PKCE, token; then a refresh.
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

given = json.loads(sys.argv[1])


class Storage:
    tokens = None
    client_info = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client_info

    async def set_client_info(self, client_info):
        self.client_info = client_info


async def show(address):
    print(address, flush=True)


async def come_back():
    line = await asyncio.to_thread(sys.stdin.readline)
    query = {name: values[0] for name, values in parse_qs(urlsplit(line.strip()).query).items()}
    return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))


async def main():
    storage = Storage()
    metadata = OAuthClientMetadata(client_name="Somebody's agent", redirect_uris=[given["redirect_uri"]])
    provider = OAuthClientProvider(given["resource"], metadata, storage, show, come_back)
    async with httpx2.AsyncClient(auth=provider, trust_env=False) as http:
        first = await http.post(given["resource"], json={})
        before = storage.tokens.access_token
        provider.context.token_expiry_time = 1  # as if its hour was over
        second = await http.post(given["resource"], json={})
    seen = {"first": first.json(), "second": second.json(), "scope": storage.tokens.scope}
    seen["refreshed"] = storage.tokens.access_token != before
    seen["client_id"] = storage.client_info.client_id
    print(json.dumps(seen), flush=True)


asyncio.run(main())
