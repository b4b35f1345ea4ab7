"""Several workers: one that dies is replaced, all can be replaced while they serve, and none is left behind.

SECURITY.md F-03, F-04, F-19, F-24, I5.
"""

from __future__ import annotations

import inspect
import os
import re
import shutil
import signal
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from faults.waiting import wait_until

import credenza
from credenza.commands.workers import work
from credenza.testing import SECRET, RelyingParty, UserAgent

pytestmark = pytest.mark.slow
METRICS_TOKEN = "for-prometheus-only-for-prometheus-only"


CANNOT_START = """
from credenza import starting

async def fails(*arguments):
    raise RuntimeError("something is missing")

starting._start = fails
"""


class Traffic:
    """Client credentials, a hundred times a second at most, so that workers can start beside it, each over a connection
    of its own."""

    def __init__(self, server: Any) -> None:
        self.party = RelyingParty(server, "machine", "https://app.example.com/cb")
        self.answers: list[int] = []
        self.cut = 0  # connections that ended without an answer; whoever asks again gets one
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._over.wait(0.01):
            try:
                self.answers.append(self.party.post("/token", {"grant_type": "client_credentials"}).status_code)
            except httpx.TransportError:
                self.cut += 1


def test_a_worker_that_is_killed_is_replaced(filled_database_url: str, start_server: Callable[..., Any]) -> None:
    server = start_server(filled_database_url, workers=2)
    before = set(server.program.workers())
    assert len(before) == 2
    victim = min(before)
    with Traffic(server) as traffic:
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(set(server.program.workers()) - {victim}) == 2, "a new worker")
        answered = len(traffic.answers)
        wait_until(lambda: len(traffic.answers) > answered + 20, "answers")
    assert set(traffic.answers) == {200}
    assert server.program.alive()


LEAVING = '''
"""One request ends its process, as if that had not been able to start."""
import os
from litestar import get
from credenza import hookimpl


@get("/leaving")
async def leaving() -> None:
    os._exit(3)


@hookimpl
def register_routes():
    return [leaving]
'''


def test_a_worker_that_has_just_begun_to_serve_ends_nobody_else(
    filled_sqlite_url: str, start_server: Callable[..., Any], tmp_path: Path
) -> None:
    plugin = tmp_path / "leaving.py"
    plugin.write_text(LEAVING)
    plugin.chmod(0o600)
    server = start_server(filled_sqlite_url, workers=2, plugins_path=str(plugin))
    before = set(server.program.workers())
    with suppress(httpx.TransportError):
        server.request("GET", "/leaving")
    wait_until(lambda: len(set(server.program.workers()) - before) == 1, "a new worker")
    wait_until(lambda: len(server.program.workers()) == 2, "both of them")
    assert server.program.alive()


def test_workers_that_die_while_they_start_are_replaced_at_once(
    filled_sqlite_url: str, start_server: Callable[..., Any]
) -> None:
    server = start_server(filled_sqlite_url, workers=2)
    for _ in range(2):
        before = set(server.program.workers())
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda before=before: bool(set(server.program.workers()) - before), "a new worker")
        # The new one may stand for one that was killed the time before.
        told = [f"worker {pid} ended with -9; another one takes its place" for pid in before]
        wait_until(lambda told=told: any(line in server.program.said for line in told), "a line about one of them")
    began = time.monotonic()
    wait_until(lambda: status(server, "/readyz") == 200, "an answer")
    assert time.monotonic() - began < 25, "uvicorn would wait 30 seconds for the answer of one that is dead"


def test_sighup_replaces_every_worker_while_they_serve(
    filled_database_url: str, start_server: Callable[..., Any]
) -> None:
    """F-24: not one answer with 5xx; a connection that was just being ended is asked again."""
    server = start_server(filled_database_url, workers=2)
    before = set(server.program.workers())
    with Traffic(server) as traffic:
        wait_until(lambda: len(traffic.answers) > 5, "answers")
        os.kill(server.program.process.pid, signal.SIGHUP)
        wait_until(
            lambda: len(now := set(server.program.workers())) == 2 and not now & before, "two workers, both of them new"
        )
        answered = len(traffic.answers)
        wait_until(lambda: len(traffic.answers) > answered + 20, "answers of the new workers")
    assert set(traffic.answers) == {200}
    assert traffic.cut <= 2 * len(before)


def test_sighup_starts_workers_of_a_release_that_was_installed_since(
    filled_sqlite_url: str, start_server: Callable[..., Any], tmp_path: Path
) -> None:
    """Whoever starts them is of the release before, and knows no class of the new one, nor what uvicorn is told."""
    mine = tmp_path / "credenza"  # where the server is started, and so what it imports
    shutil.copytree(Path(credenza.__file__).parent, mine, ignore=shutil.ignore_patterns("__pycache__"))
    server = start_server(filled_sqlite_url, workers=2)
    assert "server" not in server.request("GET", "/healthz").headers
    before = set(server.program.workers())
    source = (mine / "commands" / "workers.py").read_text()
    newer = re.sub(r"\b(Worker|BeatingServer)\b", r"Newer\1", source)
    newer = newer.replace('"server_header": False', '"server_header": True')
    (mine / "commands" / "workers.py").write_text(newer)
    os.kill(server.program.process.pid, signal.SIGHUP)
    given_up = "aborting the restart"
    wait_until(lambda: not before & set(server.program.workers()) or given_up in server.program.said, "new workers")
    assert server.request("GET", "/healthz").headers["server"] == "uvicorn", server.program.said


def test_a_worker_needs_nothing_that_an_older_supervisor_does_not_give() -> None:
    """What is added later has a default, or SIGHUP does not go from one release to the next."""
    needed = {name for name, given in inspect.signature(work).parameters.items() if given.default is given.empty}
    assert needed == {"sockets", "pipe", "established", "counts", "place", "later"}


def has_open(pid: int, name: str) -> bool:
    """A worker opens its database after it has read its settings."""
    return any(Path(opened.path).name == name for opened in psutil.Process(pid).open_files())


def test_new_workers_that_cannot_start_do_not_replace_the_old_ones(
    filled_sqlite_url: str, start_server: Callable[..., Any], tmp_path: Any
) -> None:
    config = tmp_path / "credenza.toml"
    config.write_text("")
    server = start_server(filled_sqlite_url, workers=2, config=str(config))
    wait_until(lambda: all(has_open(pid, "filled.db") for pid in server.program.workers()), "both to have read it")
    wait_until(lambda: all(status(server, "/readyz") == 200 for _ in range(20)), "both to serve")
    before = set(server.program.workers())
    assert len(before) == 2
    config.write_text("no_such_setting = 1")
    os.kill(server.program.process.pid, signal.SIGHUP)
    wait_until(lambda: "not ready in time" in server.program.said, "the restart to be given up")
    assert set(server.program.workers()) == before
    assert RelyingParty(server, "machine", "").post("/token", {"grant_type": "client_credentials"}).status_code == 200


def test_a_replacement_that_cannot_start_ends_nobody(
    filled_sqlite_url: str, start_server: Callable[..., Any], tmp_path: Any
) -> None:
    """Something is wrong by now, and met by whoever takes the place of a worker that died: the other one goes on."""
    config, broken = tmp_path / "credenza.toml", tmp_path / "broken.py"
    broken.write_text(CANNOT_START)
    config.write_text("")
    server = start_server(filled_sqlite_url, workers=2, config=str(config))
    wait_until(lambda: all(status(server, "/readyz") == 200 for _ in range(20)), "both to serve")
    victim, kept = server.program.workers()
    time.sleep(2)
    config.write_text(f'[plugins]\npath = "{broken}"\n')
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: "a worker could not start" in server.program.said, "one that cannot start")
    with Traffic(server) as traffic:
        wait_until(lambda: len(traffic.answers) > 20, "answers of the one that is left")
        assert kept in server.program.workers()
        config.write_text("")
        wait_until(lambda: len(set(server.program.workers()) - {victim}) == 2, "another one")
    assert set(traffic.answers) == {200}


def test_workers_end_when_their_parent_is_killed(filled_sqlite_url: str, start_server: Callable[..., Any]) -> None:
    """Another one would find the port taken, and those would serve with nobody to watch them."""
    server = start_server(filled_sqlite_url, workers=2)
    wait_until(lambda: all(status(server, "/readyz") == 200 for _ in range(20)), "both to serve")
    children = server.program.workers()
    server.program.process.kill()
    wait_until(lambda: not [pid for pid in children if alive(pid)], "the workers to end")


def alive(pid: int) -> bool:
    """A zombie is not: in a container the first process may wait for nobody."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_under_way_is_answered_before_the_end(
    filled_sqlite_url: str, start_server: Callable[..., Any], workers: int
) -> None:
    """F-24: SIGTERM in the middle of a request."""
    server = start_server(filled_sqlite_url, workers=workers, shutdown_delay="2")
    body = b"grant_type=client_credentials"
    basic = b64encode(f"machine:{SECRET}".encode()).decode()
    head = "\r\n".join(
        (
            "POST /token HTTP/1.1",
            "Host: localhost",
            f"Authorization: Basic {basic}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            "\r\n",
        )
    )
    children = server.program.workers()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + body[:10])
        wait_until(lambda: httpx.get(f"{server.address}/healthz", trust_env=False).status_code == 200, "an answer")
        server.program.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        if workers == 1:
            wait_until(lambda: httpx.get(f"{server.address}/readyz", trust_env=False).status_code == 503, "red first")
            assert httpx.get(f"{server.address}/jwks", trust_env=False).status_code == 200, "and still serving"
        else:
            wait_until(lambda: status(server, "/readyz") != 200, "one of them to be red")
        connection.sendall(body[10:])
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert b"access_token" in answer
    server.program.process.wait(30)
    assert time.monotonic() - began < 30
    assert not [pid for pid in children if psutil.pid_exists(pid)], "no worker is left behind"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.postgresql
def test_f_04_a_server_waits_for_its_database(
    filled_postgresql_url: str, start_server: Callable[..., Any], through_proxy: Callable[..., Any], workers: int
) -> None:
    """Live and not ready, and ready once the database is there; nobody had to do anything."""
    url, proxy = through_proxy(filled_postgresql_url, listening=False)
    server = start_server(url, workers=workers, wait=False)
    wait_until(lambda: status(server, "/healthz") == 200, "life")
    assert status(server, "/readyz") == 503
    assert status(server, "/.well-known/openid-configuration") == 503
    proxy.open()
    wait_until(lambda: [status(server, "/readyz") for _ in range(8)] == [200] * 8, "readiness of every worker")
    party = RelyingParty(server, "machine", "")
    wait_until(lambda: party.post("/token", {"grant_type": "client_credentials"}).status_code == 200, "a token")
    assert workers > 1 or "the database answers; serving" in server.program.said
    wait_until(lambda: "Credenza is at" in server.program.said, "the greeting, which is where to set it up as well")
    assert server.program.said.count("Credenza is at") == 1, "from none of the workers again"


@pytest.mark.postgresql
def test_a_worker_that_dies_while_the_database_is_away_takes_nobody_with_it(
    filled_postgresql_url: str, start_server: Callable[..., Any], through_proxy: Callable[..., Any]
) -> None:
    url, proxy = through_proxy(filled_postgresql_url)
    server = start_server(url, workers=2)
    proxy.shut()
    victim = server.program.workers()[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(set(server.program.workers()) - {victim}) == 2, "a new worker")
    wait_until(lambda: "trying again every second" in server.program.said, "the new worker to wait")
    assert server.program.alive()
    proxy.open()
    wait_until(lambda: [status(server, "/readyz") for _ in range(8)] == [200] * 8, "readiness of every worker")


def test_metrics_are_those_of_all_workers(filled_sqlite_url: str, start_server: Callable[..., Any]) -> None:
    server = start_server(filled_sqlite_url, workers=2, metrics_token=METRICS_TOKEN)
    agent = UserAgent(server)
    for _ in range(40):
        agent.send("GET", "/jwks")

    def figures() -> dict[str, str]:
        answer = server.request("GET", "/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
        assert answer.status_code == 200
        return dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))

    jwks = 'credenza_requests_total{endpoint="/jwks",method="GET",status="200"}'
    wait_until(lambda: figures()[jwks] == "40.0", "the last answer to be counted, which is after it is sent")
    assert [figures()[jwks] for _ in range(6)] == ["40.0"] * 6, "whichever worker answers"
    victim = server.program.workers()[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(set(server.program.workers()) - {victim}) == 2, "a new worker")
    wait_until(lambda: figures()["credenza_workers"] == "2.0", "the dead one to be forgotten")
    assert figures()[jwks] == "40.0", "what it had counted stays"
    folder = psutil.Process(server.program.workers()[0]).environ()["PROMETHEUS_MULTIPROC_DIR"]
    Path(folder, "counter_0.db").touch()
    assert figures()[jwks] == "40.0", "and whoever has just begun to write a file of its own is in nobody's way"


def status(server: Any, path: str) -> int:
    try:
        return int(server.request("GET", server.address + path).status_code)
    except httpx.TransportError:
        return 0
