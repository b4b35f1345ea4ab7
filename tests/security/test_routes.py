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
ROUTES = [*TABLE, *table().console_routes()]
NO_HEAD = [f"GET {path}" for path in table().NO_HEAD]


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


@pytest.mark.parametrize("route", [route for route in ROUTES if route.startswith("GET ") and route not in NO_HEAD])
def test_head_is_get_without_a_body(whole: Credenza, ada: UserAgent, route: str) -> None:
    """RFC 9110 §9.1, §9.3.2."""
    _, path = example(route)
    for agent in (UserAgent(whole), ada):
        bare, full = agent.send("HEAD", path), agent.send("GET", path)
        assert (bare.status_code, bare.content) == (full.status_code, b"")
        assert list(bare.headers) == [name for name in full.headers if name != "set-cookie"]


@pytest.mark.parametrize("path", ["/account", "/console/users", "/.well-known/security.txt", "/nowhere"])
def test_head_tells_the_length_that_get_has(ada: UserAgent, path: str) -> None:
    """RFC 9110 §8.6."""
    bare, full = ada.send("HEAD", path), ada.send("GET", path)
    assert bare.headers["content-length"] == full.headers["content-length"] == str(len(full.content))


@pytest.mark.parametrize("route", NO_HEAD)
def test_a_csr_06_where_get_uses_something_up_head_is_not_allowed(ada: UserAgent, route: str) -> None:
    """A-CSR-06. RFC 9110 §15.5.6."""
    _, path = example(route)
    answer = ada.send("HEAD", path)
    assert (answer.status_code, answer.content) == (405, b"")
    assert "HEAD" not in answer.headers["allow"]
    assert "GET" in answer.headers["allow"]


def test_what_answers_head_says_so(whole: Credenza) -> None:
    """RFC 9110 §10.2.1."""
    agent = UserAgent(whole)
    for method, path in (("OPTIONS", "/account"), ("DELETE", "/account"), ("OPTIONS", "/console/users")):
        assert {"GET", "HEAD"} <= set(agent.send(method, path).headers["allow"].split(", ")), (method, path)


def test_p_14_what_is_kept_for_ever_has_its_hash_in_its_name(whole: Credenza) -> None:
    agent = UserAgent(whole)
    agent.get("/device")
    assert agent.page is not None
    (style, *_) = re.findall(r'href="(/static/[^"]+\.css[^"]*)"', agent.page.html)
    assert "immutable" in agent.send("GET", style).headers["cache-control"]
