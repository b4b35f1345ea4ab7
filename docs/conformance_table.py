"""`reference/conformance.md`, from `tests/conformance`: plan, module, test."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFORMANCE = ROOT / "tests/conformance"


def plans() -> dict[str, dict[str, object]]:
    """What `tests/conformance/plans.toml` lists, each plan with its modules."""
    found = tomllib.loads((CONFORMANCE / "plans.toml").read_text())
    return {name: {**found.get(plan.get("like", ""), {}), **plan} for name, plan in found.items()}


def test_of(module: str, prefix: str) -> str:
    """The test that a module of the suite has here: `oidcc-max-age-1` is `test_oidcc_max_age_1`."""
    return "test_" + re.sub(r"\W", "_", module.removeprefix(prefix)).lower()


def conformance_page(note: str) -> str:
    sections = "\n".join(_plan(name, plan) for name, plan in plans().items())
    return f"""{note}
# Conformance

Which module of the OpenID Foundation's conformance suite has which test here, and how the suite should end it: no
result of the suite itself is published, and nobody has certified Credenza. The tests drive a running server over https
with a browser that has no script, with clients of a [desired-state file](../../tests/conformance/state.yaml) and with
clients that register themselves. How to run the suite itself is in [its own guide](../how-to/conformance.md).

| result | means |
|---|---|
| PASSED | everything that the suite checks holds |
| REVIEW | the same, and a person looks at a screenshot |
| SKIPPED | the suite finds in our metadata that we do not offer this, and asks no further |
| FAILED | we do not do this, on purpose; the test shows that it is refused cleanly |

{sections}"""


def files_of(plan: Mapping[str, object]) -> list[Path]:
    """The file with a plan's tests, or those in its folder."""
    place = CONFORMANCE / str(plan["tests"])
    return sorted(place.glob("test_*.py")) if place.is_dir() else [place]


def _plan(name: str, plan: Mapping[str, object]) -> str:
    prefix = str(plan.get("prefix", ""))
    tests = {
        node.name: (node, file)
        for file in files_of(plan)
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    rows = "\n".join(_module(str(module), *tests[test_of(str(module), prefix)]) for module in _list(plan))
    modules = f"The names of the modules begin with `{prefix}`.\n\n" if prefix else ""
    return f"## {plan['title']}\n\n`{name}`\n\n{modules}| module | asks | result | test |\n|---|---|---|---|\n{rows}\n"


def _list(plan: Mapping[str, object]) -> list[object]:
    modules = plan["modules"]
    assert isinstance(modules, list)
    return modules


def _module(module: str, test: ast.FunctionDef, file: Path) -> str:
    result, reason = "PASSED", ""
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.suite":
            result, reason = (str(_constant(argument, file)) for argument in decorator.args)
    asks = " ".join((ast.get_docstring(test) or "").split())
    link = f"[{file.stem}](../../{file.relative_to(ROOT).as_posix()})"
    return f"| `{module}` | {asks} | {result}{'. ' + reason if reason else ''} | {link} |"


def _constant(node: ast.expr, file: Path) -> object:
    """A literal, or the name of one at the top of the file."""
    if not isinstance(node, ast.Name):
        return ast.literal_eval(node)
    for statement in ast.parse(file.read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == node.id:
            return ast.literal_eval(statement.value)
    raise LookupError(node.id)
