"""The front door: what happened today, beside the last two weeks, and what an administrator may want to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from weakref import WeakKeyDictionary

from credenza import (
    AuthorizationServer,
    ConsolePage,
    ConsoleView,
    ConsoleVisit,
    Listing,
    ShownPanel,
    audit,
    clients,
    console_get,
)

from .applications.listing import Row, row_of
from .audit_log import EventRow, list_rows

DAY = 86400
DAYS = 14
FIGURES = (
    ("Sign-ins", ("UserSignedIn",), "?name=UserSignedIn"),
    ("Consents", ("ConsentGiven",), "?name=ConsentGiven"),
    ("Tokens", ("TokenIssued",), "?name=TokenIssued"),
    (
        "Errors",
        (
            *("AuthorizationRefused", "ConsentRefused", "SignOutRefused"),
            *("TokenRefused", "SignInFailed", "ReuseDetected"),
        ),
        "?failed=1",
    ),
)
PAST: WeakKeyDictionary[AuthorizationServer, tuple[int, dict[str, dict[int, int]]]] = WeakKeyDictionary()
HEIGHT, WIDTH, GAP = 48, 14, 4  # of a chart and its bars, in units of its view box


@dataclass(frozen=True, slots=True)
class Bar:
    x: int
    y: float
    height: float
    now: bool
    title: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of today with a chart of the last two weeks; `summary` says the chart in words."""

    title: str
    today: int
    address: str
    bars: tuple[Bar, ...]
    summary: str


@dataclass(kw_only=True)
class Overview(ConsoleView):
    template: ClassVar[str] = "overview/overview.html"
    folder: ClassVar[Path | None] = Path(__file__).parent / "templates"
    figures: tuple[Figure, ...]
    chart: tuple[int, int, int] = ((WIDTH + GAP) * DAYS - GAP, HEIGHT, WIDTH)
    fresh: tuple[Row, ...]
    rows: tuple[EventRow, ...]
    older: str = ""
    panels: tuple[ShownPanel, ...]


@console_get("/console", "overview:read")
async def show_overview(visit: ConsoleVisit) -> Overview:
    today = visit.server.now() // DAY
    found = await clients.list_clients(order="created_at", descending=True, limit=5)
    rows: tuple[EventRow, ...] = ()
    if visit.may("audit:read"):
        rows, _ = await list_rows(visit, Listing("/console"), {"failed": True}, limit=8)
    return Overview(
        title="Overview",
        lead="Today and the past two weeks (UTC).",
        figures=await _figures(visit, today),
        fresh=tuple(row_of(visit, row) for row in found),
        rows=rows,
        panels=tuple(await visit.panels("overview", None)),
    )


async def _figures(visit: ConsoleVisit, today: int) -> tuple[Figure, ...]:
    counts = await _counts(visit.server, today)
    days = range(today - DAYS + 1, today + 1)
    log = "/console/audit-log" if visit.may("audit:read") else ""
    made = await clients.count_clients_by_day(third_party=True, since=days[0] * DAY)

    def of(names: tuple[str, ...]) -> list[int]:
        return [sum(counts.get(name, {}).get(day, 0) for name in names) for day in days]

    return (
        *(_figure(title, of(names), log and log + query) for title, names, query in FIGURES),
        _figure(
            "New third-party apps",
            [made.get(day, 0) for day in days],
            "/console/applications/third-party?sort=-created_at" if visit.may("applications:read") else "",
        ),
    )


async def _counts(server: AuthorizationServer, today: int) -> Mapping[str, Mapping[int, int]]:
    """By name and day. Days that are over do not change any more, so they are counted once a day."""
    counted, past = PAST.get(server, (0, {}))
    if counted != today:
        past = await audit.count_events_by_day(since=(today - DAYS + 1) * DAY)
        PAST[server] = (today, past)
    fresh = await audit.count_events_by_day(since=today * DAY)
    return {name: {**past.get(name, {}), **fresh.get(name, {})} for name in {*past, *fresh}}


def _figure(title: str, values: list[int], address: str) -> Figure:
    most = max([*values, 1])
    bars = []
    for i, value in enumerate(values):
        height = max(round(value / most * HEIGHT, 1), 1.0)
        ago = DAYS - 1 - i
        when = "today" if ago == 0 else "yesterday" if ago == 1 else f"{ago} days ago"
        bars.append(Bar(i * (WIDTH + GAP), HEIGHT - height, height, ago == 0, f"{value:,} {when}"))
    summary = f"{title}: {sum(values):,} in {DAYS} days, at most {max(values):,} a day"
    return Figure(title, values[-1], address, tuple(bars), summary)


PAGE = ConsolePage("Overview", "/console", (show_overview,), icon="layout-dashboard", order=0)
