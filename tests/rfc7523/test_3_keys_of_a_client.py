"""Keys of a client at its `jwks_uri`, how long an assertion is remembered, and that somebody uses a client."""

from __future__ import annotations

import json
import secrets
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from credenza import clients
from credenza.protocol.client_authentication import ASSERTION_TYPE
from credenza.protocol.jose import SKEW
from credenza.store.expired import clean_up
from credenza.testing import ORDERS, SECRET, Credenza


class Machine:
    """A machine with keys of its own, one after the other, published where it says they are."""

    def __init__(self, credenza: Credenza, web_site: Any) -> None:
        self.credenza, self.site = credenza, web_site
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}

    def new_key(self, kid: str) -> None:
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())

    def publish(self) -> str:
        to_jwk = jwt.algorithms.ECAlgorithm.to_jwk
        keys = [json.loads(to_jwk(key.public_key())) | {"kid": kid} for kid, key in self.keys.items()]
        return str(self.site.publish("/jwks", {"keys": keys}))

    def assertion(self, kid: str, **changes: Any) -> str:
        now = self.credenza.server.now()
        claims = {"iss": "machine2", "sub": "machine2", "aud": self.credenza.issuer, "iat": now, "exp": now + 60}
        claims |= {"jti": secrets.token_hex(8)} | changes
        return jwt.encode(claims, self.keys[kid], "ES256", headers={"kid": kid})

    def ask(self, assertion: str) -> int:
        form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}
        form |= {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
        return self.credenza.request("POST", "/token", data=form).status_code


@pytest.fixture
def credenza_settings(web_site: Any) -> dict[str, Any]:
    return {"outbound_allow": (web_site.host,), "rate_limit": False}


@pytest.fixture
def machine(credenza: Credenza, web_site: Any) -> Machine:
    made = Machine(credenza, web_site)
    made.new_key("one")
    declared = {
        "client_id": "machine2",
        "name": "Machine",
        "type": "machine_to_machine",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": made.publish(),
        "permissions": {"api": {ORDERS: ["orders:read"]}},
    }
    credenza.apply({"applications": [declared]})
    return made


def test_keys_are_at_the_address_and_a_new_one_is_looked_for(machine: Machine) -> None:
    """By its `kid`, and not for each request."""
    assert machine.ask(machine.assertion("one")) == 200
    assert machine.ask(machine.assertion("one")) == 200
    assert len(machine.site.seen) == 1
    machine.new_key("two")
    machine.publish()
    machine.credenza.clock.move(120)
    assert machine.ask(machine.assertion("two")) == 200
    assert len(machine.site.seen) == 2
    machine.new_key("three")  # never published
    assert machine.ask(machine.assertion("three")) == 401


def test_an_assertion_is_remembered_for_as_long_as_it_is_accepted(machine: Machine) -> None:
    """And clean-up does not forget it earlier: the server's clock may be behind the client's."""
    assertion = machine.assertion("one")
    assert machine.ask(assertion) == 200
    machine.credenza.clock.move(60 + SKEW - 5)

    machine.credenza.run(clean_up, machine.credenza.server.now(), grant_lifetime=1)
    assert machine.ask(assertion) == 401


def test_a_client_that_is_used_says_when(credenza: Credenza) -> None:
    """The client and the secret that it used, so that an old secret can be seen to be unused."""
    now = credenza.server.now()
    form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}
    assert credenza.request("POST", "/token", data=form, auth=("machine", SECRET)).status_code == 200
    found = credenza.run(clients.list_secrets, "machine")
    assert [(secret["last_used_at"] or 0) >= now for secret in found] == [True]
    row = credenza.run(clients.ClientRow.select().where(clients.ClientRow.id == "machine").first().run)
    assert row["last_used_at"] >= now
