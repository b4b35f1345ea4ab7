"""The consent page of a large company: how many queries it takes, and how long.

    python benchmarks/consent_page.py --users 10000

applies 10,000 users, 500 organizations and 200 APIs with 20 permissions each to a SQLite database in a temporary
folder, and shows the consent page of an application that may ask for all of it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from credenza.store.sqlite import SafeSQLiteEngine
from credenza.testing import PASSWORD, SECRET, Credenza, PageSeen, RelyingParty, UserAgent, running, test_settings

ORGANIZATIONS = "urn:credenza:scope:organizations"


def company(users: int, organizations: int, apis: int, permissions: int) -> dict[str, Any]:
    """A desired state: every user has one role, ada has ten and is the owner in five organizations."""
    scopes = [f"p{j}:read" for j in range(permissions)]
    everything = {f"https://api{i}.example.com": scopes for i in range(apis)}
    members = [f"m{j}:read" for j in range(10)]
    people = [
        {"username": f"user{i}", "email": f"user{i}@example.com", "roles": [f"role{i % apis}"]} for i in range(users)
    ]
    size = max(1, users // organizations)
    return {
        "api_resources": [
            {
                "identifier": uri,
                "name": f"API {i}",
                "permissions": [{"name": s, "description": f"{s} of {i}"} for s in scopes],
            }
            for i, uri in enumerate(everything)
        ],
        "roles": [{"name": f"role{i}", "permissions": {uri: scopes}} for i, uri in enumerate(everything)],
        "organization_template": {
            "permissions": [{"name": name, "description": name} for name in members],
            "roles": [
                {"name": "owner", "permissions": members, "api_permissions": dict(list(everything.items())[:10])}
            ],
        },
        "users": [
            *people,
            {
                "username": "ada",
                "password": PASSWORD,
                "email": "ada@example.com",
                "roles": [f"role{i}" for i in range(min(10, apis))],
            },
        ],
        "organizations": [
            {
                "name": f"Organization {i:03}",
                "members": [
                    *(
                        {"username": f"user{k}", "roles": ["owner"]}
                        for k in range(i * size, min((i + 1) * size, users))
                    ),
                    *([{"username": "ada", "roles": ["owner"]}] if i < 5 else []),
                ],
            }
            for i in range(organizations)
        ],
        "applications": [
            {
                "client_id": "app",
                "client_secret": SECRET,
                "name": "Large",
                "type": "traditional",
                "third_party": True,
                "redirect_uris": ["https://app.example.com/cb"],
                "permissions": {
                    "profile": ["profile", "email", ORGANIZATIONS],
                    "api": everything,
                    "organization": members,
                    "organization_api": everything,
                },
            }
        ],
    }


@contextmanager
def counted(credenza: Credenza) -> Iterator[list[str]]:
    """The statements that SQLite is given meanwhile."""
    statements: list[str] = []
    engine = credenza.server.engine
    assert isinstance(engine, SafeSQLiteEngine)
    connections = credenza.run(engine.connections)
    for connection in (connections.reader, connections.writer):
        connection.set_trace_callback(statements.append)
    try:
        yield statements
    finally:
        for connection in (connections.reader, connections.writer):
            connection.set_trace_callback(None)


def open_consent_page(credenza: Credenza) -> tuple[UserAgent, PageSeen]:
    """Sign ada in, and open the page on which an application asks for thirty permissions."""
    user_agent = UserAgent(credenza)
    client = RelyingParty(credenza, "app", "https://app.example.com/cb")
    scopes = [f"p{j}:read" for j in range(20)] + [f"m{j}:read" for j in range(10)]
    scope = f"openid profile email offline_access {ORGANIZATIONS} {' '.join(scopes)}"
    user_agent.get(client.authorization_url(scope=scope, resource="https://api3.example.com"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    return user_agent, page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--organizations", type=int, default=500)
    parser.add_argument("--apis", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=50)
    arguments = parser.parse_args()
    state = company(arguments.users, arguments.organizations, arguments.apis, 20)
    with tempfile.TemporaryDirectory() as folder, running(test_settings(f"sqlite:///{folder}/large.db")) as credenza:
        started = time.perf_counter()
        changes = len(credenza.apply(state).changes)
        sys.stdout.write(f"apply: {changes} objects in {time.perf_counter() - started:.1f} s\n")
        user_agent, page = open_consent_page(credenza)
        measure(credenza, user_agent, page, arguments.rounds)
    return 0


def measure(credenza: Credenza, user_agent: UserAgent, page: PageSeen, rounds: int) -> None:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        user_agent.send("GET", page.url)
        times.append((time.perf_counter() - started) * 1000)
    with counted(credenza) as statements:
        user_agent.send("GET", page.url)
    sys.stdout.write(
        f"consent page: {len(statements)} statements; median {statistics.median(times):.1f} ms, "
        f"slowest {max(times):.1f} ms of {rounds}, in memory, without a network\n"
    )


if __name__ == "__main__":
    sys.exit(main())
