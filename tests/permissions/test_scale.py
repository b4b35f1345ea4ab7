"""The consent page takes a dozen queries at most, however large the company is, and a token reads nothing twice."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from credenza.testing import RelyingParty, UserAgent, running, test_settings

MEMBERSHIP = "credenza_organization_member"


def load_benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "consent_page.py"
    spec = importlib.util.spec_from_file_location("consent_page", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_consent_page_takes_a_dozen_queries(tmp_path: Path) -> None:
    benchmark = load_benchmark()
    with running(test_settings(f"sqlite:///{tmp_path}/large.db")) as credenza:
        credenza.apply(benchmark.company(users=50, organizations=10, apis=12, permissions=20))
        user_agent, page = benchmark.open_consent_page(credenza)
        with benchmark.counted(credenza) as statements:
            user_agent.send("GET", page.url)
    assert len(statements) <= 12, "\n".join(statements)


def test_which_organization_it_is_for_is_read_once_for_a_token(tmp_path: Path) -> None:
    """Whether the user is still in it, holds the scope that names it, and what is told of it: of one `subject`."""
    benchmark = load_benchmark()
    with running(test_settings(f"sqlite:///{tmp_path}/small.db")) as credenza:
        credenza.apply(benchmark.company(users=1, organizations=2, apis=4, permissions=20))
        user_agent = UserAgent(credenza)
        client = RelyingParty(credenza, "app", "https://app.example.com/cb")
        scope = f"openid offline_access {benchmark.ORGANIZATIONS} m0:read p0:read"
        user_agent.get(client.authorization_url(scope=scope, resource="https://api3.example.com"))
        user_agent.sign_in()
        token = client.tokens(user_agent.decide())["refresh_token"]
        with benchmark.counted(credenza) as statements:
            own = client.refresh(token, scope=f"openid {benchmark.ORGANIZATIONS}").json()
        assert [sql for sql in statements if MEMBERSHIP in sql] != []
        for ask in (lambda: client.refresh(token), lambda: client.userinfo(own["access_token"])):
            with benchmark.counted(credenza) as statements:
                assert ask().status_code == 200
            read = [sql for sql in statements if MEMBERSHIP in sql]
            assert len(read) == len(set(read)), "\n".join(read)
