"""Two machines on one database: what one of them does, the other knows at once. SECURITY.md G3, I2, F-13.

Two processes on two ports, behind a proxy that sends each connection to the other one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from faults.proxy import Proxy

from credenza.testing import PASSWORD, Callback, PageSeen, RelyingParty, UserAgent

pytestmark = pytest.mark.slow


@dataclass
class Machines:
    """`both` are reached through the proxy, in turn; `at(n)` is one of them alone."""

    one: Any
    other: Any
    issuer: str

    def request(self, method: str, url: str, **options: Any) -> Any:
        return self.one.request(method, url, **options)  # to the issuer, which is the proxy

    def at(self, number: int) -> Any:
        machine = (self.one, self.other)[number]
        return _At(self.issuer, machine)


@dataclass
class _At:
    issuer: str
    machine: Any

    def request(self, method: str, url: str, **options: Any) -> Any:
        path = url.removeprefix(self.issuer).removeprefix(self.address)
        return self.machine.request(method, self.address + path, **options)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.machine.port}"  # the proxy's host: cookies do not care for ports


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def machines(
    request: pytest.FixtureRequest,
    copy_database: Callable[[str], str],
    serve: Callable[..., Any],
    free_ports: Callable[[int], list[int]],
) -> Iterator[Machines]:
    first, second = free_ports(2)
    proxy = Proxy(("127.0.0.1", first), ("127.0.0.1", second))
    issuer = f"http://127.0.0.1:{proxy.port}"
    database_url = copy_database(request.param)
    started = [serve(database_url=database_url, port=port, issuer=issuer) for port in (first, second)]
    yield Machines(started[0], started[1], issuer)
    proxy.close()


def party_at(machine: Any, client_id: str = "app", uri: str = "https://app.example.com/cb") -> RelyingParty:
    return RelyingParty(machine, client_id, uri)


def test_a_whole_sign_in_across_both(machines: Machines) -> None:
    """Sign-in, consent, code, tokens, refresh, UserInfo and logout, each request at the other machine."""
    agent = UserAgent(machines)  # type: ignore[arg-type]
    party = party_at(machines)
    callback = agent.authorize(party, scope="openid profile email offline_access")
    assert isinstance(callback, Callback), callback.text
    tokens = party.tokens(callback)
    for _ in range(3):
        renewed = party.refresh(tokens["refresh_token"])
        assert renewed.status_code == 200, renewed.text
        tokens = {**tokens, **renewed.json()}
        assert party.userinfo(tokens["access_token"]).json()["name"] == "Ada Lovelace"
    assert party.redeem(callback).json()["error"] == "invalid_grant", "the other machine knows that it is spent"
    agent.get("/logout")
    seen = agent.submit([("decision", "sign-out")])
    assert isinstance(seen, PageSeen)
    assert seen.name == "signed-out"
    again = agent.get(party.authorization_url(prompt="none"))
    assert isinstance(again, Callback)
    assert again.error == "login_required"


def test_many_single_use_things_meet_at_both_machines(machines: Machines) -> None:
    """What begins at one machine ends at the other; and a code is spent for both."""
    agent = UserAgent(machines)  # type: ignore[arg-type]
    for number in range(6):
        asking = party_at(machines.at(number % 2))
        callback = agent.authorize(party_at(machines))
        assert isinstance(callback, Callback)
        here, there = party_at(machines.at(number % 2)), party_at(machines.at(1 - number % 2))
        here.verifier = there.verifier = asking.verifier = "x" * 43
        seen = agent.get(here.authorization_url())
        assert isinstance(seen, Callback)
        assert here.redeem(seen).status_code == 200
        assert there.redeem(seen).json()["error"] == "invalid_grant"


def test_what_is_revoked_at_one_is_dead_at_the_other(machines: Machines) -> None:
    agent = UserAgent(machines)  # type: ignore[arg-type]
    here, there = party_at(machines.at(0)), party_at(machines.at(1))
    for _ in range(3):
        through = party_at(machines)
        tokens = through.tokens(agent.authorize(through, scope="openid offline_access"))
        assert here.introspect(tokens["access_token"])["active"]
        assert there.introspect(tokens["access_token"])["active"]
        assert here.revoke(tokens["refresh_token"]).status_code == 200
        assert there.introspect(tokens["access_token"]) == {"active": False}
        assert there.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_disabled_application_is_refused_by_both_at_once(machines: Machines) -> None:
    """G3: both have it in their caches, and neither may use that."""
    ask = {"grant_type": "client_credentials"}
    here, there = (party_at(machines.at(n), "machine", "") for n in (0, 1))
    for _ in range(2):
        assert [p.post("/token", ask).status_code for p in (here, there)] == [200, 200]
        machines.one.apply({"applications": [{"client_id": "machine", "enabled": False}]})
        for party in (there, here):
            refused = party.post("/token", ask)
            assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        machines.other.apply({"applications": [{"client_id": "machine", "enabled": True}]})


def test_a_suspended_user_is_refused_by_both_at_once(machines: Machines) -> None:
    agent = UserAgent(machines)  # type: ignore[arg-type]
    party = party_at(machines)
    tokens = party.tokens(agent.authorize(party, scope="openid profile offline_access"))
    here, there = (party_at(machines.at(n)) for n in (0, 1))
    assert {p.userinfo(tokens["access_token"]).status_code for p in (here, there)} == {200}
    machines.one.apply({"users": [{"username": "ada", "suspended": True}]})
    for asked in (there, here):
        assert asked.userinfo(tokens["access_token"]).status_code == 401
        assert asked.introspect(tokens["access_token"]) == {"active": False}
        assert asked.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
        fresh = UserAgent(asked.credenza)
        fresh.get(asked.authorization_url())
        page = fresh.sign_in("ada", PASSWORD)
        assert isinstance(page, PageSeen)
        assert (page.name, page.status) == ("sign-in", 422)
    machines.other.apply({"users": [{"username": "ada", "suspended": False}]})


def test_a_rotated_key_is_known_to_both_at_once(machines: Machines) -> None:
    """F-13: the key that signs was published before, and both sign with the new one from now on."""
    from credenza.protocol import jose

    agent = UserAgent(machines)  # type: ignore[arg-type]
    here, there = (party_at(machines.at(n)) for n in (0, 1))
    here.verifier = there.verifier = "x" * 43
    for party in (here, there):
        party.tokens(agent.authorize(party))  # both have the keys in their caches
    for _ in range(2):
        published = {key["kid"] for key in machines.at(1).request("GET", "/jwks").json()["keys"]}
        machines.one.command("keys", "rotate")
        active = {
            line.split()[2] for line in machines.one.command("keys", "list").splitlines() if line.startswith("active")
        }
        assert active <= published, "a relying party that caches the key set knows it already"
        for party in (there, here):
            tokens = party.tokens(agent.authorize(party))
            assert jose.read_header(tokens["id_token"])["kid"] in active
            now_published = {key["kid"] for key in party.credenza.request("GET", "/jwks").json()["keys"]}
            assert published <= now_published, "and what signed a moment ago is still there"
