"""The lists of modules, the tests and the page on them belong together. SECURITY.md P-10."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest
from conformance_table import files_of, plans
from conformance_table import test_of as name_of_test

HERE = Path(__file__).parent
RESULTS = {"REVIEW", "SKIPPED", "FAILED"}


def functions_in(file: Path) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(file.read_text())
    return {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}


def test_every_module_has_its_test_and_every_test_its_module() -> None:
    wanted: dict[str, set[str]] = defaultdict(set)
    found: dict[str, set[str]] = {}
    for plan in plans().values():
        wanted[plan["tests"]] |= {name_of_test(module, plan.get("prefix", "")) for module in plan["modules"]}
        found[plan["tests"]] = {name for file in files_of(plan) for name in functions_in(file)}
    assert found == wanted
    known = {file for plan in plans().values() for file in files_of(plan)}
    assert known == set(HERE.rglob("test_*.py")) - {Path(__file__)}


def test_every_test_says_what_its_module_asks() -> None:
    files = {file for plan in plans().values() for file in files_of(plan)}
    assert not [name for file in files for name, test in functions_in(file).items() if not ast.get_docstring(test)]


def test_every_result_is_one_of_the_suite_and_has_a_reason(request: pytest.FixtureRequest) -> None:
    marks = [mark for item in request.session.items if HERE in item.path.parents for mark in item.iter_markers("suite")]
    assert all(result in RESULTS and reason.endswith(".") for result, reason in (mark.args for mark in marks))
