"""What is built in is known, pinned and hashed. SECURITY.md R-OP-10, P-08."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
pytest.importorskip("cyclonedx", reason="cyclonedx-python-lib is missing")


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("supply_chain", ROOT / "docs/supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


supply_chain = load()


def test_r_op_10_every_package_is_pinned_with_its_hashes() -> None:
    """R-OP-10: and no address of a registry is written down."""
    text = (ROOT / "requirements.lock").read_text()
    entries = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(supply_chain.locked()) == len(entries) > 80
    assert all(hashes for _, hashes in supply_chain.locked().values())
    assert "://" not in text


def test_r_op_10_what_the_project_asks_for_is_in_the_lock_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=~; ]", line)[0].lower().replace("_", "-") for line in wanted}
    assert names - {name.lower() for name in supply_chain.locked()} == set()


def test_the_bill_of_materials_names_each_package_and_each_open_advisory() -> None:
    """P-08: CycloneDX, with why an advisory cannot be reached."""
    bill = json.loads(supply_chain.bill_of_materials("0.1.0"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert {part["name"] for part in bill["components"]} == set(supply_chain.locked())
    assert all(part["hashes"] and part["purl"].startswith("pkg:pypi/") for part in bill["components"])
    told = {entry["id"]: entry["analysis"] for entry in bill["vulnerabilities"]}
    assert set(told) == {advisory["id"] for advisory in supply_chain.advisories()}
    assert {analysis["state"] for analysis in told.values()} == {"not_affected"}
