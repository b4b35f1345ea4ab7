"""The consent page takes a dozen queries at most, however large the company is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from credenza.testing import running, test_settings


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
