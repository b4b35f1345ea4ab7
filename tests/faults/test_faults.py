"""`make faults`: each fault of SECURITY.md §5 under traffic, on SQLite and PostgreSQL with two workers.

After each one, the invariants I1 to I6 are looked at; the run ends with how often, and how often one did not hold.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from argon2 import PasswordHasher
from faults.crowds import gathered
from faults.driver import SETTINGS, Tally
from faults.measuring import calm_times, measured, memory, p95
from faults.oracle import ask, at_the_end
from faults.waiting import wait_until

from credenza.testing import PASSWORD, Callback, RelyingParty, UserAgent

pytestmark = pytest.mark.faults
# -- processes --------------------------------------------------------------------------------------------------------


def test_f_01_workers_are_killed(filled_database_url: str, under_test: Callable[..., Any]) -> None:
    server, traffic, finish = under_test(filled_database_url)
    with at_the_end(traffic, finish):
        for _ in range(8):
            if workers := server.program.workers():
                with suppress(ProcessLookupError):
                    os.kill(random.choice(workers), signal.SIGKILL)
            time.sleep(random.uniform(0.5, 1.5))


def test_f_02_the_whole_service_is_killed_and_started(filled_database_url: str, under_test: Callable[..., Any]) -> None:
    server, traffic, finish = under_test(filled_database_url)
    agent = UserAgent(server)
    with at_the_end(traffic, finish):
        party = RelyingParty(server, "app", "https://app.example.com/cb")
        for _ in range(6):
            agent.get(party.authorization_url())
            agent.sign_in("grace", "a wrong password")
        counted = "SELECT MAX(failures) AS what FROM credenza_failed_sign_in"
        before = int(ask(server.database_url, counted)[0])
        for _ in range(2):
            server.restart()
            traffic.go_on(3, "a few flows")
        traffic.tally.look("I6", int(ask(server.database_url, counted)[0]) >= before >= 5, "failures were forgotten")


def test_f_24_every_worker_is_replaced_while_they_serve(
    filled_database_url: str, under_test: Callable[..., Any]
) -> None:
    server, traffic, finish = under_test(filled_database_url)
    with at_the_end(traffic, finish):
        for _ in range(2):
            before = set(server.program.workers())
            os.kill(server.program.process.pid, signal.SIGHUP)
            wait_until(lambda before=before: not before & set(server.program.workers()), "new workers")
        assert 503 not in traffic.watched.statuses
        assert 500 not in traffic.watched.statuses


def test_f_22_clients_that_hang_up(filled_database_url: str, under_test: Callable[..., Any]) -> None:
    """Right after the token request was sent: either it is done, or it is not."""
    server, traffic, finish = under_test(filled_database_url)
    body = b"grant_type=client_credentials&client_id=spa&code=cz_code_nothing&code_verifier=x"
    head = f"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"  # noqa: E501
    with at_the_end(traffic, finish):
        for number in range(300):
            with closing(socket.create_connection(("127.0.0.1", server.port))) as connection:
                connection.sendall(head.encode() + body)
                time.sleep(number % 20 / 1000)


# -- the database -----------------------------------------------------------------------------------------------------


@pytest.mark.postgresql
def test_f_03_postgresql_is_restarted(
    filled_postgresql_url: str, under_test: Callable[..., Any], restart_postgresql: Callable[[], None]
) -> None:
    _, traffic, finish = under_test(filled_postgresql_url)
    with at_the_end(traffic, finish):
        for _ in range(3):
            restart_postgresql()
            traffic.go_on(4, "a few flows", within=60)


@pytest.mark.postgresql
def test_f_05_a_slow_database(
    filled_postgresql_url: str, under_test: Callable[..., Any], through_proxy: Callable[..., Any]
) -> None:
    """Half a second for each packet, then 5: keys and discovery come from memory, and nothing piles up."""
    url, proxy = through_proxy(filled_postgresql_url)
    server, traffic, finish = under_test(filled_postgresql_url, behind=url)
    with at_the_end(traffic, finish):
        for delay, seconds in ((0.5, 8), (5.0, 8)):
            proxy.delay = delay
            until, took = time.monotonic() + seconds, []
            while time.monotonic() < until:
                began = time.monotonic()
                assert server.request("GET", "/jwks").status_code == 200
                took.append(time.monotonic() - began)
                time.sleep(0.05)
            print(f"\nwith {delay} s a packet, /jwks took {statistics.median(took) * 1000:.0f} ms at the median")
            assert statistics.median(took) < min(delay, 1), "keys must not wait for the database"
        proxy.delay = 0


@pytest.mark.postgresql
def test_f_05_a_database_that_is_away(
    filled_postgresql_url: str, under_test: Callable[..., Any], through_proxy: Callable[..., Any]
) -> None:
    url, proxy = through_proxy(filled_postgresql_url)
    server, traffic, finish = under_test(filled_postgresql_url, behind=url)
    with at_the_end(traffic, finish):
        for _ in range(2):
            proxy.shut()
            wait_until(lambda: server.request("GET", "/readyz").status_code == 503, "readiness to turn red")
            assert server.request("GET", "/healthz").status_code == 200
            time.sleep(2)
            proxy.open()
            traffic.go_on(4, "a few flows", within=60)
        assert traffic.watched.statuses[503] > 0


def test_f_07_sqlite_is_locked_by_another_program(filled_sqlite_url: str, under_test: Callable[..., Any]) -> None:
    _, traffic, finish = under_test(filled_sqlite_url)
    with at_the_end(traffic, finish):
        with closing(sqlite3.connect(filled_sqlite_url.removeprefix("sqlite:///"), timeout=30)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(10)
            other.rollback()
        assert traffic.watched.statuses[503] > 0


def test_f_08_the_disk_is_full(filled_sqlite_url: str, under_test: Callable[..., Any], small_disk: Path) -> None:
    """K23: what writes is refused with 503, what reads is answered, and all is well when there is room again."""
    database = small_disk / "credenza.db"
    shutil.copyfile(filled_sqlite_url.removeprefix("sqlite:///"), database)
    server, traffic, finish = under_test(f"sqlite:///{database}")
    party = RelyingParty(server, "app", "https://app.example.com/cb")
    seen = UserAgent(server).authorize(party)
    token = party.tokens(seen)["access_token"]
    machine = RelyingParty(server, "machine", "")
    with at_the_end(traffic, finish):
        fillers = [small_disk / f"filler-{number}" for number in range(500)]
        for filler in fillers:
            # SQLite writes into the log that is there already: what a checkpoint gives back is filled as well.
            fill_up(filler)
            if is_refused(server, machine) and is_refused(server, machine):
                break
            with suppress(sqlite3.Error), closing(sqlite3.connect(database, timeout=0.2)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        wait_until(lambda: server.request("GET", "/readyz").status_code == 503, "readiness to turn red")
        before = signed_in_so_far(database)
        for _ in range(20):
            traffic.tally.look("I4", server.request("GET", "/jwks").status_code == 200, "no keys")
            traffic.tally.look("I4", party.userinfo(token).status_code == 200, "a live token was refused")
            traffic.tally.look("I4", server.request("GET", "/healthz").status_code == 200, "not alive")
            agent = UserAgent(server)
            agent.get(party.authorization_url())
            if agent.page is not None and agent.page.forms:
                agent.sign_in("grace")
        after = signed_in_so_far(database)
        traffic.tally.look(
            "I6", after[0] - before[0] <= after[1] - before[1], f"not in the audit log: {before} {after}"
        )
        for filler in fillers:
            filler.unlink(missing_ok=True)
        wait_until(lambda: [ready(server) for _ in range(6)] == [True] * 6, "readiness of every worker")
        assert traffic.watched.statuses[503] > 0


def fill_up(filler: Path) -> None:
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def is_refused(server: Any, machine: RelyingParty) -> bool:
    answer = machine.post("/token", {"grant_type": "client_credentials"})
    return answer.status_code == 503 and answer.json()["error"] == "temporarily_unavailable"


def ready(server: Any) -> bool:
    return bool(server.request("GET", "/readyz").status_code == 200)


def signed_in_so_far(database: Path) -> tuple[int, int]:
    """Sessions, and sign-ins in the audit log: no action without its event."""
    url = f"sqlite:///{database}"
    events = "SELECT COUNT(*) AS what FROM credenza_audit_event WHERE name = 'UserSignedIn'"
    return int(ask(url, "SELECT COUNT(*) AS what FROM credenza_session")[0]), int(ask(url, events)[0])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


# -- keys, clocks, migrations -----------------------------------------------------------------------------------------


def test_f_13_signing_keys_are_rotated(filled_database_url: str, under_test: Callable[..., Any]) -> None:
    """A relying party with its own library and a cache of the key set: not one verification fails."""
    from joserfc import jwt
    from joserfc.jwk import KeySet

    from credenza.protocol import jose

    server, traffic, finish = under_test(filled_database_url)
    cache: dict[str, Any] = {}
    verified, lock = Counter[str](), threading.Lock()

    def verify(token: str) -> None:
        with lock:
            kid = str(jose.read_header(token)["kid"])
            if kid not in cache:  # as libraries do: a key that is not known is looked up once
                cache.clear()
                cache.update({key["kid"]: key for key in server.request("GET", "/jwks").json()["keys"]})
            verified["looked up"] += kid not in cache
            jwt.decode(token, KeySet.import_key_set({"keys": list(cache.values())}), algorithms=["RS256", "ES256"])
            verified["verified"] += 1

    traffic.on_id_token = verify
    with at_the_end(traffic, finish):
        for _ in range(6):
            server.command("keys", "rotate")
            traffic.go_on(2, "a few flows")
    print(f"\n{dict(verified)}")
    assert verified["verified"] > 10
    assert verified["looked up"] == 0


def test_f_11_clocks_that_differ(filled_database_url: str, tmp_path: Path, free_ports: Any, tally: Tally) -> None:
    """±10 s works; a code of a machine that is 90 s late is over at one that is 90 s early, and spent is spent."""
    issuer = "http://127.0.0.1:1"
    for offset, works in ((10, True), (90, False)):
        ports = free_ports(2)
        machines = [
            Skewed(filled_database_url, issuer, port, shift, tmp_path)
            for port, shift in zip(ports, (-offset, offset), strict=True)
        ]
        try:
            late, early = (RelyingParty(m, "app", "https://app.example.com/cb") for m in machines)  # type: ignore[arg-type]
            late.verifier = early.verifier = "x" * 43
            for issuing, redeeming in ((late, early), (early, late)):
                seen = UserAgent(issuing.credenza).authorize(issuing)
                assert isinstance(seen, Callback)
                answer = redeeming.redeem(seen)
                tally.look("I4", answer.status_code in (200, 400), answer.text)
                if works or issuing is early:
                    assert answer.status_code == 200, answer.text
                    tokens = answer.json()
                    tally.look("I2", 0 < tokens["expires_in"] <= 600, "a lifetime out of range")
                    tally.look("I1", issuing.redeem(seen).status_code == 400, "redeemed twice")
                else:
                    assert answer.json()["error"] == "invalid_grant"
        finally:
            for machine in machines:
                machine.stop()


class Skewed:
    """One machine whose clock is wrong by so many seconds."""

    PROGRAM = """
import sys, uvicorn
from credenza.app import create_app
from credenza.testing import test_settings
url, issuer, port, shift = sys.argv[1:]
app = create_app(test_settings(url, issuer=issuer))
app.state.server.clock.move(int(shift))
uvicorn.run(app, port=int(port), log_level="warning")
"""

    def __init__(self, database_url: str, issuer: str, port: int, shift: int, folder: Path) -> None:
        self.issuer, self.address = issuer, f"http://127.0.0.1:{port}"
        arguments = [sys.executable, "-c", self.PROGRAM, database_url, issuer, str(port), str(shift)]
        self.log = (folder / f"skewed-{port}.log").open("wb")
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log)
        wait_until(lambda: self.process.poll() is not None or self._ready(), "a machine")
        self.http = httpx.Client(trust_env=False, timeout=60)

    def _ready(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.address}/readyz", trust_env=False).status_code == 200
        return False

    def request(self, method: str, url: str, *, address: str = "", **options: Any) -> httpx.Response:
        path = url.removeprefix(self.issuer).removeprefix(self.address)
        return self.http.request(method, self.address + path, **options)

    def stop(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


PLUGIN = '''
"""A table more, from one release to the next."""
from pathlib import Path
from piccolo.conf.apps import AppConfig
from credenza import hookimpl


@hookimpl
def register_tables():
    return AppConfig("later", str(Path(__file__).parent / "later_migrations"), table_classes=[])
'''
MIGRATION = """
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "later-{number}"
VERSION = "1.38.0"
DESCRIPTION = ""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="later", description=DESCRIPTION)

    async def work():
        await Table.raw("CREATE TABLE credenza_later_{number} (id VARCHAR(40) PRIMARY KEY)")

    manager.add_raw(work)
    return manager
"""


def test_f_15_migrations_during_traffic(
    filled_database_url: str, under_test: Callable[..., Any], tmp_path: Path
) -> None:
    """The next release adds a table: `migrate` from two machines at once, one of them killed, then new workers."""
    config = tmp_path / "credenza.toml"
    config.write_text("")
    server, traffic, finish = under_test(filled_database_url, config=str(config))
    folder = tmp_path / "later_migrations"
    folder.mkdir()
    with at_the_end(traffic, finish):
        for number in (1, 2):
            (folder / f"m{number}.py").write_text(MIGRATION.format(number=number))
            plugin = tmp_path / "later.py"
            plugin.write_text(PLUGIN)
            config.write_text(f'[plugins]\npath = "{plugin}"\n')
            arguments = [sys.executable, "-m", "credenza", "migrate"]
            processes = [subprocess.Popen(arguments, env=server.env, cwd=tmp_path) for _ in range(3)]
            time.sleep(random.uniform(0.2, 1.5))
            processes[0].kill()
            processes[0].wait()
            assert [process.wait(120) for process in processes[1:]] == [0, 0]
            before = set(server.program.workers())
            os.kill(server.program.process.pid, signal.SIGHUP)
            wait_until(lambda before=before: not before & set(server.program.workers()), "new workers")
            assert ask(filled_database_url, f"SELECT COUNT(*) AS what FROM credenza_later_{number}") == ["0"]


# -- too much at once -------------------------------------------------------------------------------------------------


STORMS = 3


def test_f_18_three_hundred_sign_in_at_once(
    filled_database_url: str, start_server: Callable[..., Any], tally: Tally, tmp_path: Path
) -> None:
    """Three hundred people with Argon2id as it is by default: some get in, the rest is told when to come back."""
    server = start_server(
        filled_database_url, workers=2, rate_limit="on", argon2_memory_kib="19456", argon2_time_cost="2"
    )
    stored = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1).hash(PASSWORD)
    names = [f"storm{number}" for number in range(300)]
    server.apply({"users": [{"username": name, "password_hash": stored} for name in names]})
    largest, over = [0.0], threading.Event()
    watching = threading.Thread(target=lambda: watch(server, largest, over), daemon=True)
    watching.start()  # in calm times too: who watches costs something
    calm, busy, seconds = calm_times(server, tmp_path, seconds=3), [], 0.0
    statuses = Counter[int]()
    for _ in range(STORMS):  # in turn, because what else this machine does changes
        with ThreadPoolExecutor(8) as threads:
            requests = list(threads.map(lambda name: sign_in(open_sign_in(server), name), names))
        with gathered("storm", server.port, requests) as go, measured(server, tmp_path) as took:
            began = time.monotonic()
            statuses += go()
            seconds += time.monotonic() - began
        busy += took
        calm += calm_times(server, tmp_path, seconds=3)
    over.set()
    watching.join()
    ratio = p95(busy) / p95(calm)
    print(
        f"\n{STORMS} times 300 sign-ins in {seconds:.1f} s: {dict(statuses)}; token p95 {p95(calm) * 1000:.1f} ms, "
        f"then {p95(busy) * 1000:.1f} ms ({ratio:.1f} times), {len(calm)} and {len(busy)} of them; "
        f"{max(largest):.0f} MiB"
    )
    tally.look("I4", set(statuses) <= {303, 429, 503}, f"answers were {statuses}")
    tally.look("I6", statuses[303] > 0, "nobody got in")
    assert not tally.violations, tally.violations
    assert max(largest) < 600
    assert ratio < 3


def open_sign_in(server: Any) -> UserAgent:
    agent = UserAgent(server)
    agent.get(RelyingParty(server, "app", "https://app.example.com/cb").authorization_url())
    return agent


def sign_in(agent: UserAgent, username: str) -> str:
    """The request in which this browser sends the form that is open."""
    assert agent.page is not None
    form, issuer = agent.page.forms[0], agent.credenza.issuer
    body = urlencode([*form.hidden(), ("identifier", username), ("password", PASSWORD)])
    cookies = "; ".join(f"{name}={value}" for name, value in agent.cookies.items())
    lines = [
        f"POST {urlsplit(str(form.action or agent.page.url)).path} HTTP/1.1",
        f"Host: {issuer.removeprefix('http://')}",
        f"Origin: {issuer}",
        "Sec-Fetch-Site: same-origin",
        "Accept: text/html",
        f"Cookie: {cookies}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", body])


def watch(server: Any, largest: list[float], over: threading.Event) -> None:
    while not over.wait(0.2):
        largest.append(memory(server))


def test_f_21_slow_clients(
    filled_sqlite_url: str, start_server: Callable[..., Any], tally: Tally, tmp_path: Path
) -> None:
    """R-OP-09: 200 connections that drip heads or bodies: the others are served, and these are cut."""
    server = start_server(filled_sqlite_url, workers=2)
    calm = calm_times(server, tmp_path)
    head = b"GET /jwks HTTP/1.1\r\nX-Slow: "
    body = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    body += b"Content-Length: 60000\r\n\r\n"
    connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    for number, connection in enumerate(connections):
        connection.setblocking(False)
        connection.send(body if number % 2 else head)
    began, open_now = time.monotonic(), set(connections)
    with measured(server, tmp_path) as busy:
        while open_now and time.monotonic() - began < 60:
            open_now -= {connection for connection in open_now if is_cut(connection)}
            time.sleep(0.5)
    seconds = time.monotonic() - began
    for connection in connections:
        connection.close()
    ratio = p95(busy) / p95(calm)
    print(f"\n{200 - len(open_now)} of 200 were cut after {seconds:.0f} s; token p95 {ratio:.1f} times its calm value")
    tally.look("I5", not open_now and seconds < 45, f"{len(open_now)} slow connections are still open")
    assert not tally.violations, tally.violations
    assert ratio < 3


def is_cut(connection: socket.socket) -> bool:
    """One byte more, and whether the other side has had enough."""
    try:
        connection.send(b"x")
        return connection.recv(4096) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


# -- the past comes back ----------------------------------------------------------------------------------------------


def test_f_26_an_old_backup_is_restored(
    filled_database_url: str, start_server: Callable[..., Any], backup: Callable[..., Any], tally: Tally
) -> None:
    """What was revoked or rotated since does not live again, and what a newer release added is not in the way."""
    server = start_server(filled_database_url, workers=2, **SETTINGS)
    agent = UserAgent(server)
    kept, revoked = (RelyingParty(server, "app", "https://app.example.com/cb") for _ in range(2))
    rotated = RelyingParty(server, "spa", "https://spa.example.com/cb", auth_method="none")
    scope = "openid profile offline_access"
    tokens = {p: p.tokens(agent.authorize(p, scope=scope)) for p in (kept, revoked, rotated)}
    restore = backup(filled_database_url)
    assert revoked.revoke(tokens[revoked]["refresh_token"]).status_code == 200
    assert rotated.refresh(tokens[rotated]["refresh_token"]).status_code == 200
    server.program.stop()
    ask(filled_database_url, 'CREATE TABLE credenza_newer ("user" VARCHAR(40) REFERENCES credenza_user (id))')
    restore()
    said = server.command("revoke-all", "--json")
    assert '"grants": 3' in said
    server.start()
    for party, had in tokens.items():
        tally.look("I2", party.userinfo(had["access_token"]).status_code == 401, "an access token lives again")
        answer = party.refresh(had["refresh_token"])
        tally.look("I2", answer.json().get("error") == "invalid_grant", f"a refresh token lives again: {answer.text}")
    page: Any = agent.get(kept.authorization_url(prompt="none"))
    tally.look("I2", page.error == "login_required", "a session lives again")
    fresh = UserAgent(server)
    assert kept.tokens(fresh.authorize(kept, scope=scope))["refresh_token"]
    assert not tally.violations, tally.violations


@pytest.fixture
def backup(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], Callable[[], None]]:
    """As docs/how-to/backups.md says; what it returns puts the backup back."""

    def make(database_url: str) -> Callable[[], None]:
        if database_url.startswith("sqlite"):
            path, copy = Path(database_url.removeprefix("sqlite:///")), tmp_path / "backup.db"
            with closing(sqlite3.connect(path)) as connection:
                connection.execute(f"VACUUM INTO '{copy}'")

            def restore() -> None:
                for suffix in ("-wal", "-shm"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
                shutil.copyfile(copy, path)

            return restore
        programs, dump = request.getfixturevalue("postgresql_server").bin_path, tmp_path / "backup.dump"
        subprocess.run(
            [programs / "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={database_url}"], check=True
        )
        return lambda: restore_postgresql(programs, dump, database_url)

    return make


def restore_postgresql(programs: Path, dump: Path, database_url: str) -> None:
    emptied = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"  # not DROP OWNED BY: this user is the superuser
    subprocess.run([programs / "psql", database_url, f"--command={emptied}"], check=True)
    subprocess.run([programs / "pg_restore", "--single-transaction", f"--dbname={database_url}", dump], check=True)
