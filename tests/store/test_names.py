"""What no database can hold is refused before it is asked, on each engine in the same way. SECURITY.md G1, K19."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from credenza.testing import Credenza, UserAgent, running
from credenza.testing import test_settings as settings_for_tests


@pytest.fixture
def credenza(filled_database_url: str) -> Iterator[Credenza]:
    settings = settings_for_tests(filled_database_url, registration="open", rate_limit=False)
    with running(settings) as started:
        yield started


def test_an_address_with_a_nul_character_does_not_exist(credenza: Credenza) -> None:
    """Of strangers, users and administrators."""
    agents = [UserAgent(credenza) for _ in range(3)]
    for agent, user in zip(agents[1:], ("ada", "root"), strict=True):
        agent.get("/account")
        agent.sign_in(user)
    paths = {route.path_format for route in credenza.app.routes if "{" in route.path_format}
    assert len(paths) > 50
    for path in sorted(paths):
        for name in ("%00", "a%00b"):
            for agent in agents:
                address = re.sub(r"\{[^}]+\}", name, path)
                response = agent.send("GET", address, headers={"accept": "text/html"})
                assert response.status_code in (404, 405), (address, response.status_code)
                assert 'data-page="error"' in response.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 53}.example", 201),
        (f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 54}.example", 400),
        (f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 53}.example:65535", 400),
        ("a" * 250 + ".example", 400),
        ("a" * 1500 + ".example", 400),
    ],
)
def test_a_host_is_as_long_as_dns_allows(credenza: Credenza, host: str, status: int) -> None:
    body = {"redirect_uris": [f"https://{host}/cb"], "client_name": "Gull", "token_endpoint_auth_method": "none"}
    response = credenza.request("POST", "/register", json=body)
    assert response.status_code == status, response.text
    assert status == 201 or response.json()["error"] == "invalid_redirect_uri"
