"""The audit log as a file, streamed: what the filters leave, newest first, as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from litestar.exceptions import NotFoundException

from credenza import AnyResponse, AuditEvent, ConsoleVisit, Listing, audit, console_get, download_response

from .listing import DAYS, FILTERS, HERE, MOST, day_of, wanted

BATCH = 1000
COLUMNS = ("at", "event", "result", "actor", "user", "client", "target", "address", "error_id", "data", "id")
FORMATS = {"csv": "text/csv", "json": "application/json"}
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet begins a formula


@console_get(HERE + "/export", "audit:read")
async def export_events(visit: ConsoleVisit) -> AnyResponse:
    form = visit.query.get("format", "csv")
    listing = Listing.of(visit, filters=FILTERS)
    if form not in FORMATS or any(day_of(listing.filters, name) is None for name in DAYS):
        raise NotFoundException
    chosen = await wanted(listing.filters, listing.search)
    if len(chosen["clients"]) > MOST:
        raise NotFoundException
    rows = _as_csv(_batches(chosen)) if form == "csv" else _as_json(_batches(chosen))
    day = datetime.fromtimestamp(visit.server.now(), UTC).strftime("%Y-%m-%d")
    return download_response(visit.server.settings, f"audit-log-{day}.{form}", FORMATS[form], rows)


async def _batches(chosen: dict[str, Any]) -> AsyncIterator[list[AuditEvent]]:
    before = ""
    while events := await audit.list_events(**chosen, before=before, limit=BATCH):
        yield events
        before = events[-1].id


def _record(event: AuditEvent) -> dict[str, Any]:
    at = datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    values: dict[str, Any] = {name: getattr(event, name) for name in COLUMNS if name not in ("at", "event")}
    return {"at": at, "event": event.name, **values}


async def _as_csv(batches: AsyncIterator[list[AuditEvent]]) -> AsyncIterator[bytes]:
    """RFC 4180. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    async for events in batches:
        for event in events:
            record = _record(event) | {"data": json.dumps(event.data, ensure_ascii=False)}
            writer.writerow(_harmless(record[name]) for name in COLUMNS)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    yield out.getvalue().encode()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(DANGEROUS) else cell


async def _as_json(batches: AsyncIterator[list[AuditEvent]]) -> AsyncIterator[bytes]:
    """One array; when it breaks off, it is not valid, so that nobody takes a part for the whole."""
    yield b"["
    comma = ""
    async for events in batches:
        lines = [json.dumps(_record(event), ensure_ascii=False) for event in events]
        yield (comma + "\n" + ",\n".join(lines)).encode()
        comma = ","
    yield b"\n]\n"
