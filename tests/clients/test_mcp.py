"""MCP clients: the SDK's own, and the scenarios for authorization servers of its conformance tests."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
import threading
import venv
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest

from credenza.testing import Callback, UserAgent

from .conftest import alone, attempt, led_by

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent / "mcp"
SDK = "mcp==2.3.0"
NODE = "22.23.3"
RESULT = re.compile(r"^. ([a-z-]+): (\d+) passed, (\d+) failed", flags=re.MULTILINE)
SCENARIOS = {"authorization-server-metadata-endpoint": ("2", "0"), "authorization-code-grant": ("1", "0")}


def as_the_user(server: Any, user: str = "ada") -> Callable[[str], str]:
    def go(url: str) -> str:
        seen = UserAgent(server).through(url, user)
        assert isinstance(seen, Callback), f"{seen.name} {seen.error}: {seen.text[:500]}"
        return seen.url

    return go


# -- the SDK ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sdk_python(pytestconfig: pytest.Config) -> Path:
    """A Python that has the SDK, which brings another HTTP client than ours."""
    folder = pytestconfig.cache.mkdir("clients-mcp")
    python = folder / "venv" / "bin" / "python"
    with alone(folder):
        if not (folder / SDK).exists():
            venv.create(folder / "venv")
            install = ("-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check", SDK)
            attempt(sys.executable, *install, "--no-compile", reason="the MCP SDK could not be installed")
            (folder / SDK).touch()
    return python


class Resource:
    """An MCP server, as far as authorization goes: it tells where tokens come from, and takes those that are for it."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys: Callable[[], Any] = lambda: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.path == "/.well-known/oauth-protected-resource/mcp"
                document = {"resource": outer.uri, "authorization_servers": [outer.issuer]}
                self.answer(200 if known else 404, document | {"scopes_supported": ["tools:call"]})

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                try:
                    self.answer(200, outer.read(self.headers.get("authorization", "")))
                except (jwt.InvalidTokenError, KeyError):
                    where = f"{outer.origin}/.well-known/oauth-protected-resource/mcp"
                    self.answer(401, {}, **{"WWW-Authenticate": f'Bearer resource_metadata="{where}"'})

            def answer(self, status: int, document: object, **headers: str) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.uri = f"{self.origin}/mcp"

    def read(self, authorization: str) -> dict[str, Any]:
        token = authorization.removeprefix("Bearer ")
        key = jwt.PyJWKSet.from_dict(self.keys())[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=self.uri, issuer=self.issuer)
        return {"scope": claims["scope"], "client_id": claims["client_id"]}


@pytest.fixture
def resource() -> Iterator[Resource]:
    started = Resource()
    thread = threading.Thread(target=started.server.serve_forever)
    thread.start()
    yield started
    started.server.shutdown()
    thread.join()
    started.server.server_close()


def declared(resource: Resource) -> dict[str, Any]:
    """An administrator knows the resource, and lets unknown applications ask for what it does."""
    permissions = [{"name": "tools:call", "description": "Call tools"}]
    return {
        "api_resources": [{"identifier": resource.uri, "name": "Tools", "permissions": permissions}],
        "roles": [{"name": "support", "permissions": {resource.uri: ["tools:call"]}}],
        "unregistered": {"permissions": {"api": {resource.uri: ["tools:call"]}}},
    }


def test_the_sdk_finds_registers_signs_in_and_refreshes(
    filled_sqlite_url: str, start_server: Callable[..., Any], sdk_python: Path, resource: Resource
) -> None:
    server = start_server(filled_sqlite_url, registration="open")
    server.apply(declared(resource))
    resource.issuer, resource.keys = server.issuer, lambda: server.request("GET", "/jwks").json()
    given = {"resource": resource.uri, "redirect_uri": "http://127.0.0.1:6276/oauth/callback"}
    command = (str(sdk_python), str(HERE / "client.py"), json.dumps(given))
    seen = json.loads(led_by(as_the_user(server), *command))
    assert seen["first"] == seen["second"] == {"scope": "tools:call", "client_id": seen["client_id"]}
    assert seen["refreshed"] is True


# -- the conformance tests --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def conformance(pytestconfig: pytest.Config) -> list[str]:
    """The program that runs the scenarios, with a Node that is new enough for it."""
    if not shutil.which("npm"):
        pytest.skip("the MCP conformance tests need npm, which is not installed")
    folder = pytestconfig.cache.mkdir("clients-mcp-npm")
    node = f"node-{platform.system().lower()}-{'arm64' if platform.machine() in ('arm64', 'aarch64') else 'x64'}"
    with alone(folder):
        wanted, installed = (HERE / "package-lock.json").read_bytes(), folder / "package-lock.json"
        if not (folder / "ready").exists() or installed.read_bytes() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(HERE / name, folder / name)
            quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
            attempt("npm", "ci", *quiet, cwd=folder, reason="the MCP conformance tests could not be installed")
            attempt(
                "npm",
                "install",
                "--no-save",
                "--no-package-lock",
                *quiet,
                f"{node}@{NODE}",
                cwd=folder,
                reason=f"no Node {NODE}",
            )
            (folder / "ready").touch()
    program = folder / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    return [str(folder / "node_modules" / node / "bin" / "node"), str(program), "authorization"]


def test_every_scenario_for_authorization_servers(
    filled_sqlite_url: str,
    start_server: Callable[..., Any],
    free_ports: Callable[[int], list[int]],
    conformance: list[str],
) -> None:
    """The metadata document, and the code grant with PKCE and a resource, which no scope is named for."""
    server = start_server(filled_sqlite_url, client_id_metadata_documents="on")
    (port,) = free_ports(1)
    tools = "https://tools.example.com/mcp"
    application = {
        "client_id": "inspector",
        "name": "Inspector",
        "type": "native",
        "third_party": True,
        "redirect_uris": [f"http://127.0.0.1:{port}/callback"],
        "permissions": {"api": {tools: ["tools:call"]}},
    }
    permissions = [{"name": "tools:call", "description": "Call tools"}]
    document = {
        "api_resources": [{"identifier": tools, "name": "Tools", "permissions": permissions}],
        "roles": [{"name": "support", "permissions": {tools: ["tools:call"]}}],
        "applications": [application],
    }
    server.apply(document)
    arguments = ["--url", server.issuer, "--client-id", "inspector", "--resource", tools, "--port", str(port)]
    said: list[str] = []
    with subprocess.Popen(
        [*conformance, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith(f"{server.issuer}/authorize?"):
                server.http.get(as_the_user(server)(line.strip()))
    found = {name: (passed, failed) for name, passed, failed in RESULT.findall("".join(said))}
    assert found == SCENARIOS, "".join(said)
    assert process.returncode == 0
