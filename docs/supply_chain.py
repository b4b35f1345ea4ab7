"""What is built in, and what is known against it: `python docs/supply_chain.py sbom FILE`, or `audit`.

`sbom` writes a CycloneDX list of what requirements.lock names, with hashes, and for each open advisory why it cannot be
reached. `audit` asks for known vulnerabilities of the same list; exceptions are in `reference/advisories.toml`, as
long as their day has not come.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.impact_analysis import ImpactAnalysisJustification, ImpactAnalysisState
from cyclonedx.model.vulnerability import BomTarget, Vulnerability, VulnerabilityAnalysis
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL

DOCS = Path(__file__).parent
LOCK = DOCS.parent / "requirements.lock"
ENTRY = re.compile(
    r"^([A-Za-z0-9][\w.-]*)(?:\[[\w,-]+\])?==(\S+?)(?: ;[^\\]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)",
    re.MULTILINE,
)


def locked() -> dict[str, tuple[str, list[str]]]:
    """Each package of the lock file with its version and the hashes of its files."""
    return {
        name: (version, re.findall(r"[0-9a-f]{64}", rest)) for name, version, rest in ENTRY.findall(LOCK.read_text())
    }


def advisories() -> list[dict[str, Any]]:
    found = tomllib.loads((DOCS / "reference/advisories.toml").read_text())["advisory"]
    assert isinstance(found, list)
    return found


def bill_of_materials(version: str) -> str:
    """CycloneDX 1.5 in JSON, with a VEX entry for each open advisory."""
    bom = Bom()
    bom.metadata.component = Component(name="credenza", version=version, type=ComponentType.APPLICATION)
    components = {}
    for name, (number, hashes) in locked().items():
        component = Component(
            name=name,
            version=number,
            purl=PackageURL("pypi", name=name, version=number),
            bom_ref=f"{name}@{number}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in hashes],
        )
        components[name] = component
        bom.components.add(component)
    bom.register_dependency(bom.metadata.component, components.values())
    for advisory in advisories():
        target = BomTarget(ref=str(components[advisory["package"]].bom_ref))
        analysis = VulnerabilityAnalysis(
            state=ImpactAnalysisState.NOT_AFFECTED,
            justification=ImpactAnalysisJustification.CODE_NOT_REACHABLE,
            detail=advisory["why"],
        )
        bom.vulnerabilities.add(Vulnerability(id=advisory["id"], affects=[target], analysis=analysis))
    return JsonV1Dot5(bom).output_as_string(indent=2)


def audit(today: datetime.date) -> int:
    """pip-audit over the lock file; an exception whose day has come counts no longer."""
    ignored = [part for a in advisories() if a["until"] > today for part in ("--ignore-vuln", a["id"])]
    for late in (a for a in advisories() if a["until"] <= today):
        sys.stderr.write(f"the exception for {late['id']} ended on {late['until']}: look at it again\n")
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--no-deps", "--disable-pip", "--strict"]
    return subprocess.run([*command, *ignored], check=False).returncode  # noqa: S603  # our own command


def main() -> int:
    if sys.argv[1:2] == ["audit"]:
        return audit(datetime.datetime.now(tz=datetime.UTC).date())
    if sys.argv[1:2] == ["sbom"] and len(sys.argv) == 3:
        from credenza import __version__

        Path(sys.argv[2]).parent.mkdir(parents=True, exist_ok=True)
        Path(sys.argv[2]).write_text(bill_of_materials(__version__) + "\n")
        return 0
    sys.stderr.write("usage: supply_chain.py sbom FILE | audit\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
