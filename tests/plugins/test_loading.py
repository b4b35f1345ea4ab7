"""What is wrong with a plugin stops the start, and the message says which plugin, which hook and what to do."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from litestar import get

import credenza.plugins
from credenza import (
    ClientType,
    Parameters,
    Permission,
    Scope,
    ScopeProvider,
    SecondFactor,
    SignInLink,
    Theme,
    User,
    Waiting,
    bump_version,
    create_app,
    hookimpl,
)
from credenza.endpoints.discovery import MAX_AGE
from credenza.plugins import PluginError, load_plugins
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests

from .conftest import hang

ROOT = Path(__file__).parents[2]


def plugin(**hooks: Callable[..., Any]) -> SimpleNamespace:
    """A plugin with these hooks."""
    return SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})


def start(tmp_path: Path, *plugins: tuple[str, object], **settings: Any) -> None:
    create_app(settings_for_tests(f"sqlite:///{tmp_path / 'credenza.db'}", **settings), plugins)


def refused(tmp_path: Path, *plugins: tuple[str, object], **settings: Any) -> str:
    with pytest.raises(PluginError) as caught:
        start(tmp_path, *plugins, **settings)
    return str(caught.value)


class Odd(ScopeProvider):
    name, title = "odd", "Odd"

    async def catalogue(self) -> Any:
        return []


# -- the start --------------------------------------------------------------------------------------------------------


def test_a_misspelt_hook_stops_the_start(tmp_path: Path) -> None:
    message = refused(tmp_path, ("odd", plugin(register_scpoes=lambda: Odd())))
    assert "'odd'" in message
    assert "register_scpoes" in message
    assert "did you mean 'register_scopes'?" in message
    assert "docs/plugins/hooks.md" in message


def test_an_argument_that_the_hook_does_not_have_stops_the_start(tmp_path: Path) -> None:
    message = refused(tmp_path, ("odd", plugin(register_scopes=lambda database: Odd())))
    assert "'odd'" in message
    assert "register_scopes" in message
    assert "database" in message


def test_two_plugins_of_one_name_stop_the_start(tmp_path: Path) -> None:
    message = refused(tmp_path, ("odd", plugin()), ("odd", plugin()))
    assert "two plugins are called 'odd'" in message


def test_an_installed_plugins_name_is_taken(tmp_path: Path) -> None:
    assert "two plugins are called 'profile'" in refused(tmp_path, ("profile", plugin()))


def test_two_plugins_that_bring_the_same_scope_source_stop_the_start(tmp_path: Path) -> None:
    message = refused(
        tmp_path, ("one", plugin(register_scopes=lambda: Odd())), ("two", plugin(register_scopes=lambda: Odd()))
    )
    assert "register_scopes" in message
    assert "'one'" in message
    assert "'two'" in message
    assert "'odd'" in message


def test_two_plugins_that_bring_the_same_client_type_stop_the_start(tmp_path: Path) -> None:
    def another() -> ClientType:
        return ClientType("spa", "Another", "…", ("authorization_code",))

    message = refused(tmp_path, ("mine", plugin(register_client_types=another)))
    assert "register_client_types: both" in message
    assert all(name in message for name in ("'clients'", "'mine'", "'spa'"))


@pytest.mark.parametrize(
    "hook",
    [
        "register_client_types",
        "register_scopes",
        "register_prompts",
        "register_themes",
        "register_grant_types",
        "register_authenticators",
        "register_routes",
        "register_tables",
        "register_listeners",
        "register_cleaners",
        "register_metadata",
    ],
)
def test_a_wrong_type_stops_the_start(tmp_path: Path, hook: str) -> None:
    """SECURITY.md A-PLG-02."""
    message = refused(tmp_path, ("odd", plugin(**{hook: lambda: 42})))
    assert "'odd'" in message
    assert hook in message
    assert "int" in message


@pytest.mark.parametrize("hook", ["register_client_types", "register_scopes", "register_routes", "register_tables"])
def test_a_hook_that_raises_stops_the_start(tmp_path: Path, hook: str) -> None:
    def broken() -> None:
        raise RuntimeError("no connection to the directory")

    message = refused(tmp_path, ("odd", plugin(**{hook: broken})))
    assert f"'odd' raised in {hook}" in message
    assert "no connection to the directory" in message


def test_an_object_without_a_name_stops_the_start(tmp_path: Path) -> None:
    message = refused(tmp_path, ("odd", plugin(register_themes=lambda: Theme("", "Nameless"))))
    assert "'odd'" in message
    assert "register_themes" in message
    assert "without a name" in message


def test_a_method_that_cannot_be_awaited_stops_the_start(tmp_path: Path) -> None:
    class Sync(Odd):
        def held(self, subject: object, permissions: object, choices: object) -> Any:
            return {}

    message = refused(tmp_path, ("odd", plugin(register_scopes=lambda: Sync())))
    assert "'odd'" in message
    assert "Sync.held (register_scopes) must be `async def`" in message


def test_a_method_that_is_not_written_stops_the_start(tmp_path: Path) -> None:
    class Empty(ScopeProvider):
        name, title = "empty", "Empty"

    message = refused(tmp_path, ("odd", plugin(register_scopes=lambda: Empty())))  # type: ignore[abstract]
    assert "'odd' raised in register_scopes" in message
    assert "catalogue" in message


def test_a_method_that_does_not_take_what_it_is_called_with_stops_the_start(tmp_path: Path) -> None:
    class Short(Odd):
        async def claims(self, subject: object, permissions: object) -> Any:  # type: ignore[override]
            return {}

    message = refused(tmp_path, ("odd", plugin(register_scopes=lambda: Short())))
    assert "plugin 'odd': Short.claims must take (subject, permissions, choices) (register_scopes)" in message


class DoorCode(SecondFactor):
    name, title, amr = "door-code", "Door code", ("pin",)

    async def held(self, user: User) -> Any: ...

    async def page(self, waiting: Waiting, user: User) -> Any: ...

    async def check(self, waiting: Waiting, user: User, form: Parameters) -> Any: ...

    async def reset(self, user: User) -> Any: ...


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"amr": ("pin")}, "Wrong.amr should be tuple, not 'pin'"),
        ({"order": "first"}, "Wrong.order should be int, not 'first'"),
        ({}, "Wrong.amr (tuple) is missing"),
    ],
)
def test_an_attribute_that_is_missing_or_of_another_kind_stops_the_start(
    tmp_path: Path, said: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not said:
        monkeypatch.delattr(DoorCode, "amr")
    wrong = type("Wrong", (DoorCode,), said)()
    assert f"plugin 'odd': {message} (register_second_factors)" in refused(
        tmp_path, ("odd", plugin(register_second_factors=lambda: wrong))
    )


def test_a_listener_that_takes_no_event_stops_the_start(tmp_path: Path) -> None:
    async def hear() -> None: ...

    message = refused(tmp_path, ("odd", plugin(register_listeners=lambda: hear)))
    assert "'odd'" in message
    assert "register_listeners" in message
    assert "one argument" in message


def test_stylesheets_that_are_one_text_stop_the_start(tmp_path: Path) -> None:
    message = refused(tmp_path, ("odd", plugin(register_themes=lambda: Theme("odd", "Odd", "odd.css"))))  # type: ignore[arg-type]
    assert "'odd' raised in register_themes" in message
    assert "stylesheets is a tuple, not 'odd.css'" in message


@pytest.mark.parametrize(
    "path", ["https://example.com/help", "//example.com/help", "help", r"/\example.com", "/\t/a.example", "/hjälp"]
)
def test_a_sign_in_link_that_leads_elsewhere_stops_the_start(tmp_path: Path, path: str) -> None:
    message = refused(tmp_path, ("odd", plugin(register_sign_in_links=lambda: SignInLink("Help", path))))
    assert "'odd' raised in register_sign_in_links" in message
    assert "path begins with one slash, and is ASCII without spaces and backslashes" in message


def test_a_handler_without_annotations_is_named(tmp_path: Path) -> None:
    @get("/hello")
    async def hello(request) -> str:  # type: ignore[no-untyped-def]
        return "hello"

    message = refused(tmp_path, ("odd", plugin(register_routes=lambda: hello)))
    assert "plugin 'odd': hello (/hello): 'request' needs an annotation" in message


def test_a_plugin_that_cannot_be_imported_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "credenza_that_is_not_there", "credenza")
    monkeypatch.setattr(credenza.plugins, "entry_points", lambda group: [*entry_points(group=group), broken])
    message = refused(tmp_path)
    assert "'broken'" in message
    assert "credenza_that_is_not_there" in message
    assert "cannot be imported" in message
    assert message.endswith("start without it: CREDENZA_PLUGINS_DISABLED=broken")


def test_a_blocked_plugin_stays_out_and_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "credenza_that_is_not_there", "credenza")
    monkeypatch.setattr(credenza.plugins, "entry_points", lambda group: [*entry_points(group=group), broken])
    manager = load_plugins(
        disabled=["broken", "odd", "profile"], extra=[("odd", plugin(register_scopes=lambda: Odd()))]
    )
    names = {name for name, _ in manager.list_name_plugin() if manager.has_plugin(name)}
    assert not names & {"broken", "odd", "profile"}
    assert "resources" in names


def test_what_a_blocked_plugin_brings_is_gone(credenza_database: str) -> None:
    with running(settings_for_tests(credenza_database, plugins_disabled=("profile",))) as credenza:
        document = credenza.request("GET", "/.well-known/openid-configuration").json()
        assert "email" not in document["scopes_supported"]


def test_the_lists_of_installed_plugins_and_of_folders_are_the_same() -> None:
    roots = [ROOT / "plugins", ROOT / "themes", ROOT / "console"]
    folders = {path.parent.name for root in roots for path in root.glob("credenza_*/__init__.py")}
    assert {entry_point.module for entry_point in entry_points(group="credenza")} == folders


def test_each_theme_is_installed_under_the_name_theme_something() -> None:
    for entry_point in entry_points(group="credenza"):
        if entry_point.module.startswith("credenza_theme_"):
            assert entry_point.name == "theme-" + entry_point.module.removeprefix("credenza_theme_")


# -- one file beside the configuration --------------------------------------------------------------------------------

SINGLE = '''"""A theme."""

from credenza import Theme, hookimpl


@hookimpl
def register_themes():
    return Theme("single", "Single")
'''


@pytest.fixture
def single_file(tmp_path: Path) -> Path:
    path = tmp_path / "my_plugin.py"
    path.write_text(SINGLE)
    path.chmod(0o600)
    return path


def test_a_single_file_is_a_plugin(credenza_database: str, single_file: Path) -> None:
    with running(settings_for_tests(credenza_database, plugins_path=str(single_file))) as credenza:
        assert "single" in credenza.server.themes
        assert "my_plugin" in credenza.server.plugins_named


def test_its_path_is_absolute(tmp_path: Path, single_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(single_file.parent)
    assert "must be an absolute path" in refused(tmp_path, plugins_path=single_file.name)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_it_is_refused_when_others_may_write_it(tmp_path: Path, single_file: Path, mode: int) -> None:
    """SECURITY.md R-CO-09, A-PLG-01."""
    single_file.chmod(mode)
    message = refused(tmp_path, plugins_path=str(single_file))
    assert str(single_file) in message
    assert "chmod go-w" in message


def test_it_is_named_when_it_is_broken_or_absent(tmp_path: Path, single_file: Path) -> None:
    single_file.write_text("import")
    assert f"{single_file} cannot be loaded" in refused(tmp_path, plugins_path=str(single_file))
    assert "cannot be loaded" in refused(tmp_path, plugins_path=str(tmp_path / "absent.py"))
    start(tmp_path, plugins_path=str(single_file), plugins_disabled=(single_file.stem,))  # not even imported


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("from credenza import hookimpl, nothing", ".py, line 1"),
        ("def broken(:\n", ".py, line 1"),
        ("import json\n\njson.loads('{')\n", ".py, line 3"),  # not the line of the library
        (
            "from credenza import hookimpl\n\n\ndef ask():\n    return {}['host']\n\n\n"
            "@hookimpl\ndef register_scopes():\n    return ask()\n",
            "KeyError('host') in FILE, line 5; mend it",
        ),
        (
            "def register_scopes():\n    return None\n",
            "register_scopes is the name of a hook; write @hookimpl above it",
        ),
        (
            "from credenza import hookimpl\n\n\n@hookimpl(optionalhook=True)\ndef console_page():\n    return None\n",
            "did you mean 'console_pages'?",
        ),
    ],
)
def test_its_mistake_is_told_with_the_line(tmp_path: Path, single_file: Path, source: str, message: str) -> None:
    single_file.write_text(source)
    assert message.replace("FILE", str(single_file)) in refused(tmp_path, plugins_path=str(single_file))


def test_an_optional_hook_of_a_plugin_that_is_not_there_is_none_of_ours(tmp_path: Path) -> None:
    start(tmp_path, ("odd", SimpleNamespace(harbour_tides=hookimpl(optionalhook=True)(lambda: None))))


# -- seeing what is loaded --------------------------------------------------------------------------------------------


def credenza_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "credenza", *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_credenza_plugins_tells_what_is_loaded_from_where_and_which_hooks_it_answers(
    tmp_path: Path, single_file: Path
) -> None:
    done = credenza_command(
        "plugins",
        "--json",
        CREDENZA_DATABASE_URL=f"sqlite:///{tmp_path / 'credenza.db'}",
        CREDENZA_PLUGINS_PATH=str(single_file),
    )
    assert done.returncode == 0, done.stderr
    found = {item["name"]: item for item in json.loads(done.stdout)}
    assert set(found) >= {entry_point.name for entry_point in entry_points(group="credenza")} | {"my_plugin"}
    assert found["profile"]["module"] == "credenza_profile"
    assert found["profile"]["hooks"] == ["register_scopes"]
    assert found["profile"]["distribution"].startswith("credenza ")
    assert found["my_plugin"]["distribution"] == str(single_file)
    assert list(tmp_path.glob("*.key")) == [], "a list makes no secret key"


def test_tracing_prints_each_call_its_result_and_its_milliseconds(tmp_path: Path, single_file: Path) -> None:
    done = credenza_command(
        "plugins",
        CREDENZA_DATABASE_URL=f"sqlite:///{tmp_path / 'credenza.db'}",
        CREDENZA_PLUGINS_PATH=str(single_file),
        CREDENZA_TRACE_PLUGINS="1",
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("plugins: ")]
    line = next(line for line in lines if "register_themes my_plugin" in line)
    assert "Theme(name='single'" in line
    assert line.endswith(" ms")


COMMAND = """
from credenza import Command, hookimpl


@hookimpl
def register_commands():
    return Command("tides", "when the tide is high", lambda arguments: print(*arguments))
"""


def test_a_command_that_returns_nothing_went_well(tmp_path: Path, single_file: Path) -> None:
    single_file.write_text(COMMAND)
    done = credenza_command(
        "tides",
        "today",
        CREDENZA_DATABASE_URL=f"sqlite:///{tmp_path / 'credenza.db'}",
        CREDENZA_PLUGINS_PATH=str(single_file),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "today\n", "")


def test_a_broken_plugin_is_one_line_for_the_person_at_the_command_line(tmp_path: Path, single_file: Path) -> None:
    single_file.write_text(SINGLE.replace("register_themes", "register_temes"))
    done = credenza_command(
        "plugins",
        CREDENZA_DATABASE_URL=f"sqlite:///{tmp_path / 'credenza.db'}",
        CREDENZA_PLUGINS_PATH=str(single_file),
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "my_plugin" in done.stderr
    assert "register_temes" in done.stderr


# -- while the server runs --------------------------------------------------------------------------------------------


@pytest.fixture
def log() -> Iterator[list[str]]:
    """What the log says, from all threads."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Keep()
    logging.getLogger("credenza").addHandler(handler)
    yield lines
    logging.getLogger("credenza").removeHandler(handler)


@pytest.fixture
def misbehaviour() -> Callable[[], Any]:
    """Overridden by parametrization: what the source does when it is asked."""
    raise NotImplementedError


async def raise_something() -> None:
    raise RuntimeError("the directory is down")


async def answer_with_nonsense() -> str:
    return "nonsense"


class Broken(importlib.import_module("staff_directory").StaffDirectory):  # type: ignore[misc]
    """The staff directory, until it breaks in one method."""

    broken = ""
    how: Callable[[], Any] = staticmethod(raise_something)

    async def _maybe(self, method: str, *arguments: Any) -> Any:
        if self.broken == method and (answer := await self.how()) is not None:
            return answer
        return await getattr(super(), method)(*arguments)

    async def catalogue(self) -> Any:
        return await self._maybe("catalogue")

    def implied(self, ceiling: Any) -> Any:
        if self.broken == "implied":
            raise RuntimeError("the directory is down")
        return {}

    async def requested(self, asked: Any) -> Any:
        return await self._maybe("requested", asked)

    async def held(self, subject: Any, permissions: Any, choices: Any) -> Any:
        return await self._maybe("held", subject, permissions, choices)

    async def question(self, subject: Any, permissions: Any) -> Any:
        return await self._maybe("question", subject, permissions)

    async def claims(self, subject: Any, permissions: Any, choices: Any) -> Any:
        return await self._maybe("claims", subject, permissions, choices)


@pytest.fixture
def source() -> Broken:
    return Broken()


@pytest.fixture
def with_source(credenza_database: str, source: Broken) -> Iterator[Credenza]:
    settings = settings_for_tests(credenza_database)
    with running(settings, [("staff-directory", plugin(register_scopes=lambda: source))]) as credenza:
        permissions = {"profile": ["profile", "email"], "staff": ["groups"]}
        credenza.apply({"applications": [{"client_id": "app", "permissions": permissions}]})
        yield credenza


def issued(credenza: Credenza) -> int:
    """How many access tokens, codes and consents there are."""
    from credenza.store.access_tokens import AccessTokenRow
    from credenza.store.authorization_codes import AuthorizationCodeRow
    from credenza.store.consents import ConsentRow

    async def count() -> int:
        return sum([await table.count() for table in (AccessTokenRow, AuthorizationCodeRow, ConsentRow)])

    return credenza.run(count)


HOW = pytest.mark.parametrize("how", [raise_something, hang, answer_with_nonsense])


@HOW
@pytest.mark.parametrize("method", ["requested", "held", "question", "claims"])
def test_a_source_that_fails_ends_the_authorization_request_with_server_error(
    with_source: Credenza, source: Broken, log: list[str], method: str, how: Callable[[], Any]
) -> None:
    user_agent = UserAgent(with_source)
    client = RelyingParty(with_source, "app", "https://app.example.com/cb")
    before = issued(with_source)
    source.broken, source.how = method, how  # type: ignore[method-assign]
    answer = user_agent.authorize(client, scope="openid groups")
    assert isinstance(answer, Callback)
    assert answer.error == "server_error"
    assert answer.parameters["state"] == "state-of-the-test"
    assert "directory is down" not in str(answer.parameters)
    assert issued(with_source) == before
    assert f"plugin 'staff-directory' failed in {method} of scope source 'staff'" in log


@HOW
@pytest.mark.parametrize("method", ["requested", "held"])
def test_a_source_that_fails_ends_a_token_request_with_server_error_and_the_code_may_be_tried_again(
    with_source: Credenza, source: Broken, log: list[str], method: str, how: Callable[[], Any]
) -> None:
    client = RelyingParty(with_source, "app", "https://app.example.com/cb")
    callback = UserAgent(with_source).authorize(client, scope="openid groups")
    before = issued(with_source)
    source.broken, source.how = method, how  # type: ignore[method-assign]
    response = client.redeem(callback)
    assert response.status_code >= 500
    assert response.json()["error"] == "server_error"
    assert issued(with_source) == before
    assert f"plugin 'staff-directory' failed in {method} of scope source 'staff'" in log
    source.broken = ""
    assert set(client.tokens(callback)["scope"].split()) == {"groups", "openid"}


@HOW
@pytest.mark.parametrize("method", ["requested", "held", "claims"])
def test_a_source_that_fails_releases_no_claims(
    with_source: Credenza, source: Broken, log: list[str], method: str, how: Callable[[], Any]
) -> None:
    """SECURITY.md R-CO-09, A-PLG-02."""
    client = RelyingParty(with_source, "app", "https://app.example.com/cb")
    tokens = client.tokens(UserAgent(with_source).authorize(client, scope="openid groups"))
    source.broken, source.how = method, how  # type: ignore[method-assign]
    response = client.userinfo(tokens["access_token"])
    assert response.status_code >= 500
    assert response.json()["error"] == "server_error"
    assert "harbour-pilots" not in response.text
    assert f"plugin 'staff-directory' failed in {method} of scope source 'staff'" in log


@HOW
def test_a_source_without_a_list_takes_no_page_away(
    with_source: Credenza, source: Broken, log: list[str], how: Callable[[], Any]
) -> None:
    """Every client reads the metadata document, and administrators must be able to see what is wrong."""
    admin = UserAgent(with_source)
    admin.get("/console")
    admin.sign_in("root")
    source.broken, source.how = "catalogue", how  # type: ignore[method-assign]
    with_source.run(bump_version)
    document = with_source.request("GET", "/.well-known/openid-configuration")
    assert {"openid", "profile", "email"} <= set(document.json()["scopes_supported"])
    for path in ("", "/permissions", "/permissions/add"):
        page = admin.get(f"/console/applications/app{path}")
        assert isinstance(page, PageSeen)
        assert page.status == 200
    assert "plugin 'staff-directory' failed in catalogue of scope source 'staff'" in log
    source.broken = ""
    kept = with_source.app.state.discovery
    kept.made_at -= MAX_AGE  # what was made without it is not kept for ever
    with_source.request("GET", "/.well-known/openid-configuration")
    with_source.run(asyncio.wait, [kept._renewing])
    whole = with_source.request("GET", "/.well-known/openid-configuration").json()
    assert set(whole["scopes_supported"]) - set(document.json()["scopes_supported"]) == {"groups"}


def test_a_source_that_fails_to_tell_what_is_implied_implies_nothing(
    with_source: Credenza, source: Broken, log: list[str]
) -> None:
    client = RelyingParty(with_source, "app", "https://app.example.com/cb")
    source.broken = "implied"
    assert client.tokens(UserAgent(with_source).authorize(client, scope="openid profile"))["scope"] == "openid profile"
    assert "plugin 'staff-directory' failed in implied of scope source 'staff'" in log


def test_a_source_that_answers_with_more_than_it_was_asked_grants_nothing_more(
    with_source: Credenza, source: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SECURITY.md A-PLG-02."""
    from credenza import Permission

    async def everything(subject: Any, permissions: Any, choices: Any) -> Any:
        other = Permission("api", "https://orders.example.com", "orders:write")
        return {**dict.fromkeys(permissions, ""), other: "forged"}

    monkeypatch.setattr(source, "held", everything)
    client = RelyingParty(with_source, "app", "https://app.example.com/cb")
    asked = {"scope": "openid groups orders:write", "resource": "https://orders.example.com"}
    tokens = client.tokens(UserAgent(with_source).authorize(client, **asked))
    assert "orders:write" not in tokens["scope"].split()


OF_THE_SERVER = (
    *("iss", "sub", "aud", "client_id", "exp", "iat", "nbf", "jti", "scope", "nonce", "sid", "azp"),
    *("auth_time", "acr", "amr", "at_hash", "cnf", "act"),
)


class Forging(ScopeProvider):
    """Says what only the server may say."""

    name = "forging"
    title = "Forging"

    async def catalogue(self) -> Any:
        api = Permission("forging", "https://forged.example.com", "forged:read")
        return [Scope(api, "x", always=True), Scope(Permission("forging", "", "forged"), "x", always=True)]

    async def claims(self, subject: Any, permissions: Any, choices: Any) -> Any:
        return dict.fromkeys(OF_THE_SERVER, "forged") | {"tide": "high"}

    async def access_token_claims(self, subject: Any, audience: str, choices: Any) -> Any:
        return await self.claims(subject, (), choices)


def test_a_plg_03_no_plugin_says_what_only_the_server_says(credenza_database: str) -> None:
    """SECURITY.md A-PLG-03: nor where the server itself is silent, as about the key of a token that has none."""
    settings = settings_for_tests(credenza_database)
    with running(settings, [("forging", plugin(register_scopes=lambda: Forging()))]) as credenza:
        client = RelyingParty(credenza, "app", "https://app.example.com/cb")
        wish = json.dumps({"id_token": dict.fromkeys([*OF_THE_SERVER, "tide"])})
        asked = {"scope": "openid forged forged:read", "resource": "https://forged.example.com", "claims": wish}
        callback = UserAgent(credenza).authorize(client, **asked, nonce=None)
        assert isinstance(callback, Callback)
        assert "code" in callback.parameters, callback.parameters
        tokens = client.tokens(callback)
    for kind in ("access_token", "id_token"):
        said = jwt.decode(tokens[kind], options={"verify_signature": False})
        assert said["tide"] == "high"
        assert [name for name, value in said.items() if value == "forged"] == []


@pytest.mark.parametrize("how", [raise_something, hang])
def test_a_listener_that_fails_disturbs_nobody(credenza_database: str, log: list[str], how: Callable[[], Any]) -> None:
    heard: list[str] = []

    async def bad(event: object) -> None:
        await how()

    async def good(event: object) -> None:
        heard.append(type(event).__name__)

    plugins = [
        ("bad", plugin(register_listeners=lambda: bad)),
        ("good", plugin(register_listeners=lambda: good)),
    ]
    with running(settings_for_tests(credenza_database), plugins) as credenza:
        client = RelyingParty(credenza, "app", "https://app.example.com/cb")
        assert client.tokens(UserAgent(credenza).authorize(client))
    assert {"UserSignedIn", "ConsentGiven", "CodeIssued", "TokenIssued"} <= set(heard)
    assert "listener of plugin 'bad' failed on UserSignedIn" in log


@pytest.mark.parametrize("answer", ["raise", 42, "no-such-theme"])
def test_a_plugin_that_fails_in_choose_theme_is_named_and_passed_over(
    credenza_database: str, log: list[str], answer: object
) -> None:
    def choose_theme(client: object) -> object:
        if answer == "raise":
            raise RuntimeError
        return answer

    with running(settings_for_tests(credenza_database), [("odd", plugin(choose_theme=choose_theme))]) as credenza:
        client = RelyingParty(credenza, "app", "https://app.example.com/cb")
        page = UserAgent(credenza).get(client.authorization_url())
        assert isinstance(page, PageSeen)
        assert page.name == "sign-in"
        assert "/plain.css" in page.html
    assert ("plugin 'odd' failed in choose_theme; it is passed over" in log) == (answer != "no-such-theme")


@pytest.mark.parametrize("answer", ["raise", 42, "no-such-template.html"])
def test_a_plugin_that_fails_in_render_consent_leaves_the_usual_page(
    credenza_database: str, log: list[str], answer: object
) -> None:
    def render_consent(page: object) -> object:
        if answer == "raise":
            raise RuntimeError
        return answer

    with running(settings_for_tests(credenza_database), [("odd", plugin(render_consent=render_consent))]) as credenza:
        client = RelyingParty(credenza, "app", "https://app.example.com/cb")
        assert client.tokens(UserAgent(credenza).authorize(client))
    assert any("render_consent" in line or "no-such-template.html" in line for line in log)


def test_a_theme_with_a_broken_template_is_named_and_the_page_comes_without_it(
    credenza_database: str, tmp_path: Path, log: list[str]
) -> None:
    (tmp_path / "sign_in.html").write_text("{{ page.there_is_no_such_field }}")
    theme = Theme("broken", "Broken", templates=tmp_path)
    with running(settings_for_tests(credenza_database), [("odd", plugin(register_themes=lambda: theme))]) as credenza:
        credenza.apply({"provider": {"branding": {"theme": "broken"}}})
        client = RelyingParty(credenza, "app", "https://app.example.com/cb")
        page = UserAgent(credenza).get(client.authorization_url())
        assert isinstance(page, PageSeen)
        assert page.name == "sign-in"
    assert any("theme 'broken' failed on sign_in.html" in line for line in log)
