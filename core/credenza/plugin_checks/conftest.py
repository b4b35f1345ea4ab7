"""The plugin under examination, what it registers, and a server that it is part of."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from credenza.app import create_server
from credenza.objects import Subject, Waiting
from credenza.plugins import PluginError, by_name, collect
from credenza.protocol.authorization_request import AuthorizationRequest
from credenza.protocol.parameters import Parameters
from credenza.server import AuthorizationServer
from credenza.settings import Settings
from credenza.store.users import User
from credenza.testing import Credenza, RelyingParty, UserAgent

# Fixtures of these names are given each object of the plugin in turn, by its name.
KINDS: Mapping[str, str] = {
    "scope_source": "scope_providers",
    "client_type": "client_types",
    "client_source": "client_sources",
    "prompt": "prompts",
    "theme": "themes",
    "grant_type": "grant_types",
    "authenticator": "authenticators",
}


@dataclass(frozen=True, slots=True)
class Examined:
    """`module` is the plugin itself; `path` is its file, when it is not installed."""

    name: str
    path: str
    module: Any
    names: Mapping[str, Sequence[str]]


def examine(wanted: str) -> Examined:
    """Load everything, as a server does at its start; what stops that is the first thing to say."""
    path = str(Path(wanted).resolve()) if wanted.endswith(".py") else ""
    try:
        server, _, _ = create_server(Settings(secret_key=secrets.token_hex(), plugins_path=path))
    except PluginError as error:
        pytest.exit(f"--credenza-plugin {wanted}: {error}")
    name = Path(path).stem if path else wanted
    if name not in server.plugins_named:
        known = ", ".join(sorted(server.plugins_named))
        pytest.exit(f"--credenza-plugin: no plugin is called {wanted!r}; installed are {known}")
    names = {fixture: _mine(server, name, getattr(server, kept)) for fixture, kept in KINDS.items()}
    for fixture, hook in (("state_section", "register_state"), ("command", "register_commands")):
        found = collect(server.plugins, hook, None, settings=server.settings)
        names[fixture] = [item for item in by_name(hook, found) if (name, by_name(hook, found)[item]) in found]
    return Examined(name, path, server.plugins.get_plugin(name), names)


def _mine(server: AuthorizationServer, plugin: str, found: Mapping[str, Any]) -> list[str]:
    return [name for name, item in found.items() if server.plugin_of(item) == plugin]


EXAMINED = pytest.StashKey[Examined]()


def examined_in(config: pytest.Config) -> Examined:
    if EXAMINED not in config.stash:
        config.stash[EXAMINED] = examine(config.getoption("--credenza-plugin"))
    return config.stash[EXAMINED]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, names in examined_in(metafunc.config).names.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, names, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of something that the plugin does not bring is no news."""
    items[:] = [item for item in items if "NOTSET" not in item.name]


@pytest.fixture(scope="session")
def examined(request: pytest.FixtureRequest) -> Examined:
    return examined_in(request.config)


@pytest.fixture
def credenza_settings(examined: Examined) -> dict[str, Any]:
    return {"plugins_path": examined.path} if examined.path else {}


@pytest.fixture
def server(credenza: Credenza) -> AuthorizationServer:
    return credenza.server


def _object(kept: str) -> Any:
    @pytest.fixture
    def found(request: pytest.FixtureRequest, server: AuthorizationServer) -> Any:
        return getattr(server, kept)[request.param]

    return found


scope_source = _object("scope_providers")
client_type = _object("client_types")
client_source = _object("client_sources")
prompt = _object("prompts")
theme = _object("themes")
grant_type = _object("grant_types")
authenticator = _object("authenticators")


def _registered(hook: str) -> Any:
    @pytest.fixture
    def found(request: pytest.FixtureRequest, server: AuthorizationServer) -> Any:
        return by_name(hook, collect(server.plugins, hook, None, settings=server.settings))[request.param]

    return found


state_section = _registered("register_state")
command = _registered("register_commands")


@pytest.fixture
def ada(credenza: Credenza) -> User:
    """Somebody with a profile and a role."""
    from credenza.store.users import find_user_by_identifier

    user = credenza.run(find_user_by_identifier, "ada")
    assert user is not None
    return user


@pytest.fixture
def subject(ada: User) -> Subject:
    return Subject(user=ada)


@pytest.fixture
def waiting(credenza: Credenza, client: RelyingParty, ada: User) -> Waiting:
    """An authorization request of the third-party application `app`, in front of ada, who is signed in."""
    from credenza.store.sessions import list_sessions

    agent = UserAgent(credenza)
    agent.get("/account")
    agent.sign_in("ada")
    (session,) = credenza.run(list_sessions, ada.id, credenza.server.now())
    registered = credenza.run(credenza.server.find_client, client.client_id)
    assert registered is not None
    parameters = Parameters.parse(client.authorization_url().partition("?")[2].encode())
    request = AuthorizationRequest.parse(parameters, registered, client.redirect_uri)
    return Waiting(
        credenza.server,
        request,
        registered,
        session,
        ada,
        action="/interaction/x/y",
        csrf_token="x",  # noqa: S106
    )
