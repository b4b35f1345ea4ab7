"""Rotation of signing keys while tokens are issued and verified. OpenID Connect Core §10.1.1."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
from faults.waiting import wait_until

from credenza import rotate_keys
from credenza.testing import ORDERS, Credenza, RelyingParty, UserAgent

ROTATIONS = 20
MAX_AGE = 300  # seconds; of the JWKS, as its Cache-Control says


class CachingParty:
    """Verifies as libraries do: keys are kept by `kid`, and fetched again only for one that is not known."""

    def __init__(self, credenza: Credenza) -> None:
        self.credenza = credenza
        self.keys: dict[str, Any] = {}
        self.fetches = 0

    def fetch(self) -> None:
        self.fetches += 1
        document = self.credenza.request("GET", "/jwks").json()
        self.keys = {key["kid"]: jwt.PyJWK(key) for key in document["keys"]}

    def verify(self, token: str, audience: str, *, fetch: bool = True) -> str:
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in self.keys and fetch:
            self.fetch()
        key = self.keys[kid]
        options = {"verify_iat": False}  # the server's clock may have been moved
        issuer, algorithms = self.credenza.issuer, [key.algorithm_name]
        jwt.decode(token, key, algorithms=algorithms, audience=audience, issuer=issuer, options=options)
        return str(kid)


class Traffic:
    """A machine that asks for tokens, and an API that verifies each; what went wrong is in `failures`."""

    def __init__(self, credenza: Credenza) -> None:
        self.credenza = credenza
        self.verified: list[str] = []
        self.kids: set[str] = set()
        self.failures: list[str] = []
        self.stopped = False

    def run(self) -> None:
        machine, api = RelyingParty(self.credenza, "machine", ""), CachingParty(self.credenza)
        form = {"grant_type": "client_credentials", "resource": ORDERS, "scope": "orders:read"}
        while not self.stopped:
            try:
                token = machine.post("/token", form).json()["access_token"]
                self.kids.add(api.verify(token, ORDERS))
                self.verified.append(token)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a failure
                self.failures.append(repr(error))

    def wait_for(self, more: int) -> None:
        wanted = len(self.verified) + more
        wait_until(lambda: len(self.verified) >= wanted or bool(self.failures), "more tokens")


@contextmanager
def traffic(credenza: Credenza, many: int) -> Iterator[list[Traffic]]:
    streams = [Traffic(credenza) for _ in range(many)]
    threads = [threading.Thread(target=stream.run) for stream in streams]
    for thread in threads:
        thread.start()
    try:
        yield streams
    finally:
        for stream in streams:
            stream.stopped = True
        for thread in threads:
            thread.join()


def test_twenty_rotations_under_traffic_and_no_failed_verification(credenza: Credenza) -> None:
    """SECURITY R-KY-02, P-06."""
    with traffic(credenza, 2) as streams:
        for _ in range(ROTATIONS):
            for stream in streams:
                stream.wait_for(3)
            credenza.run(rotate_keys, credenza.server, actor="test")
        for stream in streams:
            stream.wait_for(3)
    assert [failure for stream in streams for failure in stream.failures] == []
    kids = set().union(*(stream.kids for stream in streams))
    assert len(kids) == ROTATIONS + 1, "each key signed something"
    latecomer = CachingParty(credenza)
    for stream in streams:
        for token in stream.verified:
            latecomer.verify(token, ORDERS)  # the first token too: retired keys stay for as long as what they signed
    assert latecomer.fetches == 1


def test_a_party_that_only_ever_fetches_when_its_cache_is_too_old_never_misses_a_key(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """The next key is published before it signs: rotations as far apart as the cache lives surprise nobody."""
    assert f"max-age={MAX_AGE}" in credenza.request("GET", "/jwks").headers["cache-control"]
    party = CachingParty(credenza)
    for _ in range(ROTATIONS):
        party.fetch()
        credenza.run(rotate_keys, credenza.server, actor="test")
        tokens = client.tokens(user_agent.authorize(client))
        party.verify(tokens["id_token"], "app", fetch=False)
        credenza.clock.move(MAX_AGE)


@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256"])
def test_each_algorithm_has_a_key_in_each_state(credenza: Credenza, alg: str) -> None:
    for _ in range(2):
        credenza.run(rotate_keys, credenza.server, actor="test")
    keys = credenza.request("GET", "/jwks").json()["keys"]
    assert len([key for key in keys if key["alg"] == alg]) == 4, "two retired, one active, one next"
