"""The DPoP header of a request: checked, and used once. RFC 9449 §4.3, §11.1."""

from __future__ import annotations

import hashlib

from ..protocol.clients import Client
from ..protocol.dpop import check_proof
from ..protocol.errors import InvalidDPoPProof
from ..protocol.jose import ALGORITHMS, FAPI_ALGORITHMS
from ..store.spent_assertions import spend_assertion
from .client_authentication import check_allowance
from .requests import AnyRequest, server_of
from .rules import Rule

BY_ADDRESS = Rule("DPoP proofs of public clients by address", burst=600, seconds=60)


async def proof_key(request: AnyRequest, client: Client, *, access_token: str | None = None) -> str:
    """The thumbprint of the key that a valid proof of this client's was made with; empty when no proof was sent."""
    headers = request.headers.getall("dpop", [])
    if not headers:
        return ""
    server = server_of(request)
    url = server.issuer + request.url.path
    proof = check_proof(
        headers,
        method=request.method,
        url=url,
        now=server.now(),
        access_token=access_token,
        algorithms=FAPI_ALGORITHMS if client.fapi else ALGORITHMS,
    )
    await check_allowance(request, client, BY_ADDRESS)  # each is remembered, whatever becomes of the request
    # Of one key: two keys may well choose the same jti.
    used = hashlib.sha256(f"dpop\0{proof.jkt}\0{proof.jti}".encode()).hexdigest()
    if not await spend_assertion(used, proof.forgotten_at):
        raise InvalidDPoPProof("The DPoP proof was used before.")
    return proof.jkt
