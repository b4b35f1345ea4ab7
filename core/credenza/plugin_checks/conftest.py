"""The plugins under examination, what they register, and a server that they are part of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from credenza.objects import Subject, Waiting
from credenza.plugins import by_name, collect
from credenza.protocol.assurance import PASSWORD
from credenza.protocol.authorization_request import AuthorizationRequest
from credenza.protocol.parameters import Parameters
from credenza.server import AuthorizationServer
from credenza.store.sessions import Session
from credenza.store.users import User, find_user_by_identifier
from credenza.testing import Credenza, RelyingParty, running, test_settings
from credenza.testing.examination import EXAMINATION, FIXTURES, Examination, Examined
from credenza.web.sessions import begin_session


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    examination = metafunc.config.stash[EXAMINATION]
    for fixture in FIXTURES.intersection(metafunc.fixturenames):
        metafunc.parametrize(fixture, examination.names(fixture), indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of something that no plugin brings is no news."""
    items[:] = [item for item in items if "NOTSET" not in item.name]


# -- servers ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def examination(pytestconfig: pytest.Config) -> Examination:
    return pytestconfig.stash[EXAMINATION]


@pytest.fixture(scope="session")
def credenza_settings(examination: Examination) -> dict[str, Any]:
    """A server waits longer for a plugin; a person who signs in does not."""
    return {"plugins_path": examination.path, "plugins_timeout": 3}


@pytest.fixture(scope="session")
def credenza(
    credenza_template: Path, credenza_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Credenza]:
    """One server for all checks that leave it as it is; the others are in test_changes.py."""
    with copied(credenza_template, tmp_path_factory.mktemp("credenza"), credenza_settings) as started:
        yield started


def copied(template: Path, folder: Path, settings: dict[str, Any]) -> AbstractContextManager[Credenza]:
    copy = folder / "credenza.db"
    shutil.copyfile(template, copy)
    return running(test_settings(f"sqlite:///{copy}", **settings))


@pytest.fixture
def server(credenza: Credenza) -> AuthorizationServer:
    return credenza.server


# -- what is examined -------------------------------------------------------------------------------------------------


@pytest.fixture
def examined(request: pytest.FixtureRequest, examination: Examination) -> Examined:
    return examination.plugins[request.param]


cleaning = examined


def registered_by(plugin: Examined, server: AuthorizationServer, hook: str, **arguments: Any) -> list[Any]:
    known = {"settings": server.settings, "server": server, "plugins": server.plugins, **arguments}
    return [item for owner, item in collect(server.plugins, hook, None, **known) if owner == plugin.name]


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
second_factor = _object("second_factors")


def _registered(hook: str) -> Any:
    @pytest.fixture
    def found(request: pytest.FixtureRequest, server: AuthorizationServer) -> Any:
        return by_name(hook, collect(server.plugins, hook, None, settings=server.settings))[request.param]

    return found


state_section = _registered("register_state")
command = _registered("register_commands")


# -- people -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def ada(credenza: Credenza) -> User:
    """Somebody with a profile and a role."""
    user = credenza.run(find_user_by_identifier, "ada")
    assert user is not None
    return user


@pytest.fixture
def subject(ada: User) -> Subject:
    return Subject(user=ada)


@pytest.fixture(scope="session")
def session(credenza: Credenza, ada: User) -> Session:
    """ada's, who has signed in with a password, whatever prompts and second factors ask of her beyond that."""
    proved = {"amr": ("pwd",), "acr": PASSWORD, "address": "203.0.113.7", "user_agent": ""}
    begun, _ = credenza.run(begin_session, credenza.server, ada, **proved, old=None)
    return begun


@pytest.fixture
def waiting(credenza: Credenza, client: RelyingParty, ada: User, session: Session) -> Waiting:
    """An authorization request of the third-party application `app`, in front of ada, who is signed in."""
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
