"""Asking an API what a client asks that knows nothing but its address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsoleVisit,
    Link,
    console_get,
    console_post,
    protected_resource_address,
)

from .. import store
from ..discovery import Finding, look
from .api_resources import ONE, TEMPLATES, UP, address_of, find

CHECK = ONE + "/check"


@dataclass(kw_only=True)
class CheckPage(ConsoleForm):
    """`findings` are there once, after the API was asked."""

    template: ClassVar[str] = "api_resources/check.html"
    folder: ClassVar[Path | None] = TEMPLATES
    address: str
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        return all(finding.good for finding in self.findings)


@console_get(CHECK, "api-resources:write")
async def show_check(visit: ConsoleVisit, resource: str) -> CheckPage:
    row = await _find(resource)
    address = address_of(row["identifier"])
    return CheckPage(
        title=f"Ask {row['name']}",
        lead="As a client does that knows nothing but its address.",
        path=(UP, Link(row["name"], address)),
        address=f"{address}/check",
        findings=tuple(Finding(*finding) for finding in json.loads(visit.secret.get("findings", "[]"))),
    )


@console_post(CHECK, "api-resources:write")
async def check(visit: ConsoleVisit, resource: str) -> ConsoleDone:
    """Nothing changes, here or there."""
    identifier = (await _find(resource))["identifier"]
    scopes = list(await store.resource_permissions(identifier))
    findings = await look(visit.server.settings, visit.server.issuer, identifier, scopes)
    return ConsoleDone(f"{address_of(identifier)}/check", secret={"findings": json.dumps(findings)})


async def _find(segment: str) -> dict[str, Any]:
    row = await find(segment)
    if not protected_resource_address(row["identifier"]):
        raise NotFoundException  # its identifier is no address
    return row
