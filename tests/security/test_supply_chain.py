"""What is built in is known, pinned and hashed. SECURITY.md R-OP-10, P-08, P-09."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
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


def test_p_09_a_wheel_is_the_same_wherever_and_whenever_it_is_built(tmp_path: Path) -> None:
    """P-09: in another folder, at another time, by somebody with another umask and another order of files."""
    wheels = []
    for name, age, mode, zone in (("one", 0, 0o644, "UTC"), ("other", 10_000_000, 0o600, "Asia/Tokyo")):
        clone = tmp_path / name
        for part in ("core", "console", "plugins", "themes"):
            shutil.copytree(ROOT / part, clone / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
            shutil.copyfile(ROOT / part, clone / part)
        for path in clone.rglob("*"):
            if path.is_file():
                os.utime(path, (1_700_000_000 - age,) * 2)
                path.chmod(mode)
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / f"dist-{name}")]
        env = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"} | {"TZ": zone}
        subprocess.run(build, cwd=clone, env=env, check=True, capture_output=True)
        (wheel,) = (tmp_path / f"dist-{name}").iterdir()
        wheels.append(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert wheels[0] == wheels[1]
