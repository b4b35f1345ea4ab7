"""What Prometheus may ask: requests by endpoint, what happened by kind, and how the password hashing is doing.

No label ever has a value from outside: endpoints are as declared, events are our own names.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's: where several workers keep their figures
SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The figures of this process; `render` adds up those of all workers."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "credenza_requests", "Requests answered", ["method", "endpoint", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "credenza_request_seconds",
            "From the request's head to the end of its answer",
            ["endpoint"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self.events = Counter(
            "credenza_events", "What the audit log keeps, by kind", ["event", "result"], registry=self._registry
        )
        self.unavailable = Counter(
            "credenza_store_unavailable", "Requests that the database could not serve", registry=self._registry
        )
        self.hashing = Gauge(
            "credenza_password_hashing",
            "Password checks running or waiting",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.hashing_refused = Counter(
            "credenza_password_hashing_refused",
            "Password checks refused because too many were waiting",
            registry=self._registry,
        )
        self.workers = Gauge("credenza_workers", "Workers alive", registry=self._registry, multiprocess_mode="livesum")
        self.workers.set(1)

    def observe(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        self.requests.labels(method if method in METHODS else "other", endpoint, str(status)).inc()
        self.seconds.labels(endpoint).observe(seconds)

    def render(self) -> bytes:
        """Prometheus' text format."""
        if not (directory := os.environ.get(DIRECTORY)):
            return generate_latest(self._registry)
        _forget_the_dead(Path(directory))
        together = CollectorRegistry()
        _Written(together, directory)  # type: ignore[no-untyped-call]
        return generate_latest(together)


class _Written(MultiProcessCollector):
    """The files that have something in them: a worker that starts makes its own empty, and may be killed just then."""

    def collect(self) -> Any:
        files = [str(path) for path in Path(self._path).glob("*.db") if _size(path)]
        return self.merge(files, accumulate=True)  # type: ignore[no-untyped-call]


def _size(path: Path) -> int:
    """In bytes; 0 where the file of a worker that has ended was just removed."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _forget_the_dead(directory: Path) -> None:
    """A worker that was killed could not say goodbye; its counters stay, its gauges go."""
    for path in directory.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)  # asks whether it lives, and does nothing to it
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another worker was faster
                mark_process_dead(pid)  # type: ignore[no-untyped-call]
