"""The table of routes is whole, and what it says is so. SECURITY.md P-14, R-BR-02, R-CO-01, A-CSR-02, A-CAC-01."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from credenza.testing import Credenza, UserAgent, running, test_settings

EVERYTHING = {
    "registration": "open",
    "client_id_metadata_documents": True,
    "metrics_token": "0123456789abcdef0123456789abcdef",
    "smtp_url": "smtp://localhost",
    "mail_from": "id@example.com",
    "signup": True,
    "security_contact": ("mailto:security@example.com",),
    "rate_limit": False,
}
OWN = {"origin": "https://id.example.com", "sec-fetch-site": "same-origin"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def table() -> ModuleType:
    path = Path(__file__).parents[2] / "docs/routes.py"
    spec = importlib.util.spec_from_file_location("routes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLE = table().declared()


@pytest.fixture(scope="module")
def whole(credenza_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Credenza]:
    path = tmp_path_factory.mktemp("routes") / "credenza.db"
    path.write_bytes(credenza_template.read_bytes())
    with running(test_settings(f"sqlite:///{path}", **EVERYTHING)) as started:
        yield started


@pytest.fixture(scope="module")
def ada(whole: Credenza) -> UserAgent:
    agent = UserAgent(whole)
    agent.get("/account")
    agent.sign_in()
    return agent


def served(credenza: Credenza) -> set[str]:
    found = set()
    for route in credenza.app.routes:
        path = re.sub(r":[a-z]+", "", route.path)
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:  # type: ignore[union-attr]
            methods = set(getattr(handler, "http_methods", ())) or set(handler.opt.get("methods", ()))
            found |= {f"{method} {path}" for method in methods - {"OPTIONS", "HEAD"}}
    return found


def example(route: str) -> tuple[str, str]:
    method, _, path = route.partition(" ")
    return method, re.sub(r"\{\w+\}", "x", path)


def test_p_14_every_route_is_in_the_table(whole: Credenza) -> None:
    """And nothing else is."""
    console = set(table().console_routes())
    assert served(whole) == set(TABLE) | console | {"GET /console/static/{version}/{name}"}


@pytest.mark.parametrize("route", [route for route, columns in TABLE.items() if columns[0].startswith("user")])
def test_p_14_what_is_for_users_leads_strangers_to_the_sign_in_page(whole: Credenza, route: str) -> None:
    method, path = example(route)
    answer = UserAgent(whole).send(method, path, headers=FORM)
    assert answer.status_code == 303
    assert "/interaction/" in answer.headers["location"]


@pytest.mark.parametrize("route", [route for route, columns in TABLE.items() if columns[0].endswith(" token")])
def test_p_14_what_is_for_a_token_refuses_whoever_has_none(whole: Credenza, ada: UserAgent, route: str) -> None:
    """Nobody's session is one."""
    method, path = example(route)
    assert ada.send(method, path, headers={**FORM, **OWN}).status_code == 401


@pytest.mark.parametrize("route", [route for route, columns in TABLE.items() if columns[0] == "client"])
def test_p_14_what_is_for_clients_refuses_whoever_is_none(whole: Credenza, ada: UserAgent, route: str) -> None:
    method, path = example(route)
    answer = ada.send(method, path, content="client_id=nobody&grant_type=x&token=x", headers={**FORM, **OWN})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("route", [route for route, columns in TABLE.items() if columns[1] == "form"])
def test_p_14_a_form_without_its_token_is_refused(whole: Credenza, ada: UserAgent, route: str) -> None:
    """Also of whoever is signed in, and with the token of another browser."""
    stranger = UserAgent(whole)
    stranger.get("/device")
    assert stranger.page is not None
    (foreign,) = stranger.page.forms[0].values_of("csrf_token")
    method, path = example(route)
    for body in ("", f"csrf_token={foreign}", "csrf_token="):
        answer = ada.send(method, path, content=body, headers={**FORM, **OWN})
        assert answer.status_code in (400, 403, 404), body


@pytest.mark.parametrize("route", [route for route, columns in TABLE.items() if "immutable" not in columns[3]])
def test_p_14_what_caches_may_keep(whole: Credenza, ada: UserAgent, route: str) -> None:
    """A-CAC-01: of whoever is signed in, too."""
    method, path = example(route)
    for agent in (UserAgent(whole), ada):
        answer = agent.send(method, path, headers=FORM)
        assert answer.headers.get("cache-control", "-") == TABLE[route][3]


def test_p_14_what_is_kept_for_ever_has_its_hash_in_its_name(whole: Credenza) -> None:
    agent = UserAgent(whole)
    agent.get("/device")
    assert agent.page is not None
    (style, *_) = re.findall(r'href="(/static/[^"]+\.css[^"]*)"', agent.page.html)
    assert "immutable" in agent.send("GET", style).headers["cache-control"]
