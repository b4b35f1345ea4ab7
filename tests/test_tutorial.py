"""docs/tutorial/first-sign-in.md, followed to the letter, but for the ports."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from credenza.testing import Callback, PageSeen, UserAgent

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "tutorial/first-sign-in.md").read_text()


def block(name: str) -> str:
    """A code block, as a reader copies it from the page."""
    found = re.search(rf"<!-- from {re.escape(name)} -->\n+```\w+\n(.*?)```\n", PAGE, flags=re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def harbour_log(
    live_server: Any,
    start_program: Callable[..., Any],
    free_ports: Callable[[int], list[int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    """The application of the tutorial, registered and running."""
    tmp_path, (port,) = tmp_path_factory.mktemp("tutorial"), free_ports(1)
    (tmp_path / "harbour-log.yaml").write_text(block("harbour-log.yaml").replace(":8402", f":{port}"))
    (tmp_path / "harbour_log.py").write_text(block("harbour_log.py"))
    applied = live_server.command("apply", str(tmp_path / "harbour-log.yaml"), "--json")
    changed = json.loads(applied)["created"]
    secret = changed[0]["client_secret"]
    home = f"http://localhost:{port}"
    env = {"ISSUER": live_server.issuer, "PORT": str(port), "CLIENT_SECRET": secret}
    start_program([sys.executable, str(tmp_path / "harbour_log.py")], ready=f"{home}/nowhere", env=env)
    with httpx.Client(base_url=home, trust_env=False) as visitor:
        yield visitor


def authorization_url(visitor: httpx.Client) -> str:
    response = visitor.get("/")
    assert response.status_code == 303
    return str(response.headers["location"])


def test_the_tutorial_ends_in_a_greeting(live_server: Any, harbour_log: httpx.Client) -> None:
    user_agent = UserAgent(live_server)
    user_agent.get(authorization_url(harbour_log))
    page = user_agent.sign_in("ada")
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "Harbour Log" in page.text
    callback = user_agent.decide("authorize")
    assert isinstance(callback, Callback)
    response = harbour_log.get("/callback?" + urlsplit(callback.url).query)
    assert response.text == "Hello, Ada Lovelace! Your email address is ada@example.com."
    assert response.text in PAGE

    callback = user_agent.get(authorization_url(harbour_log))
    assert isinstance(callback, Callback), "what was allowed is remembered"


def test_its_application_can_be_told_no(live_server: Any, harbour_log: httpx.Client) -> None:
    user_agent = UserAgent(live_server)
    user_agent.get(authorization_url(harbour_log) + "&prompt=consent")
    user_agent.sign_in("grace")
    callback = user_agent.decide("deny")
    assert isinstance(callback, Callback)
    response = harbour_log.get("/callback?" + urlsplit(callback.url).query)
    assert response.text == "You did not sign in: access_denied"


def test_its_application_takes_no_sign_in_that_it_did_not_begin(live_server: Any, harbour_log: httpx.Client) -> None:
    state = parse_qs(urlsplit(authorization_url(harbour_log)).query)["state"][0]
    harbour_log.cookies.clear()
    assert harbour_log.get(f"/callback?state={state}&code=x").status_code == 400
