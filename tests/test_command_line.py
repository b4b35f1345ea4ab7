"""The command line: 0 is success, 1 a refusal in one line, 2 wrong usage in one line."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # asyncpg has no types
import pytest
import yaml

from credenza.__main__ import main
from credenza.commands import serving
from credenza.commands.checking import notes
from credenza.commands.opening import database_trouble
from credenza.settings import Settings
from credenza.state import StateError
from credenza.testing import ORDERS, PASSWORD, SECRET, STATE, Credenza
from credenza.testing import test_settings as settings_for_tests

COMMANDS = [
    ["serve"],
    ["demo"],
    ["migrate"],
    ["apply"],
    ["diff"],
    ["export"],
    ["admin"],
    ["admin", "create"],
    ["keys"],
    ["keys", "list"],
    ["keys", "rotate"],
    ["keys", "revoke"],
    ["plugins"],
    ["check"],
]


@dataclass
class Done:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line on standard error."""
        assert len(self.err.splitlines()) == 1, self.err
        return self.err.strip()


Run = Callable[..., Done]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap password hashing, a database of this test, and nothing else."""
    for name in [name for name in os.environ if name.startswith("CREDENZA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREDENZA_ISSUER", "https://id.example.com")
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'credenza.db'}")
    monkeypatch.setenv("CREDENZA_ARGON2_MEMORY_KIB", "8")
    monkeypatch.setenv("CREDENZA_ARGON2_TIME_COST", "1")


@pytest.fixture
def credenza_command(environment: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str | Path, typed: str = "") -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

    return run


@pytest.fixture
def declared(environment: None, credenza_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is as `credenza apply` leaves it with STATE."""
    shutil.copyfile(credenza_template, tmp_path / "credenza.db")
    monkeypatch.setenv("CREDENZA_SECRET_KEY", settings_for_tests("sqlite://").secret_key)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Any], Path]:
    """A desired-state file with this content."""

    def write(document: Any) -> Path:
        path = tmp_path / "state.yaml"
        path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
        return path

    return write


# -- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_takes_help(credenza_command: Run, command: list[str]) -> None:
    done = credenza_command(*command, "--help")
    assert done.status == 0
    assert done.out.startswith(f"usage: credenza {' '.join(command)}")
    assert done.err == ""


def test_who_has_read_enough_stops_it_without_a_word(tmp_path: Path) -> None:
    """`credenza plugins | head`: what is left of the answer goes nowhere."""
    command = [sys.executable, "-m", "credenza", "plugins"]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=buffered, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 0


def test_help_lists_every_command(credenza_command: Run) -> None:
    out = credenza_command("--help").out
    assert all(f"  {command[0]} " in out for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["keys"],
        ["keys", "nonsense"],
        ["admin", "create"],
        ["apply"],
        ["export", "--nonsense"],
        ["serve", "--port", "many"],
        ["serve", "--port", "65536"],
        ["serve", "--workers", "0"],
        ["demo", "--app-port", "0"],
        ["admin", "create", "--username", "olive", "--role", "nonsense"],
        ["--config"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_one_line(credenza_command: Run, arguments: list[str]) -> None:
    done = credenza_command(*arguments)
    assert done.status == 2
    assert done.out == ""
    assert done.error.startswith("credenza")
    assert "--help" in done.error


def test_the_version_is_told(credenza_command: Run) -> None:
    done = credenza_command("--version")
    assert (done.status, done.err) == (0, "")
    assert re.fullmatch(r"credenza \d+\.\d+\.\d+\n", done.out)


def test_a_command_that_is_not_there_makes_no_files(credenza_command: Run, tmp_path: Path) -> None:
    credenza_command("nonsense")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("before", [True, False])
def test_config_may_stand_before_or_after_the_command(credenza_command: Run, tmp_path: Path, before: bool) -> None:
    config = tmp_path / "credenza.toml"
    config.write_text('[plugins]\ndisabled = ["profile"]\n')
    option = ["--config", str(config)]
    done = credenza_command(*(option if before else []), "plugins", "--json", *([] if before else option))
    assert done.status == 0, done.err
    assert "profile" not in {plugin["name"] for plugin in done.json}


def test_an_unknown_setting_is_named(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENZA_ISUER", "https://id.example.com")
    done = credenza_command("export")
    assert done.status == 1
    assert "CREDENZA_ISUER" in done.error


def test_a_database_that_is_none_is_one_line(credenza_command: Run, tmp_path: Path) -> None:
    (tmp_path / "credenza.db").write_text("This is a letter, and no database. " * 50)
    (tmp_path / "credenza.db.key").write_text("0123456789abcdef0123456789abcdef")
    for command in (["export"], ["migrate"], ["keys", "list"], ["check"]):
        done = credenza_command(*command)
        assert done.status == 1, command
        assert done.out == ""
        assert "Traceback" not in done.err
        assert "file is not a database" in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://localhost/credenza",
        "credenza.db",
        "sqlite://credenza.db",
        "sqlite:////",
        "sqlite:///.",
        "postgresql://[bad",
        "postgresql://localhost:99999/credenza",
    ],
)
def test_a_database_address_that_is_none_is_one_line(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("CREDENZA_DATABASE_URL", url)
    monkeypatch.setenv("CREDENZA_SECRET_KEY", "0123456789abcdef0123456789abcdef")
    for command in ("export", "check"):
        done = credenza_command(command)
        assert done.status == 1
        assert "database_url" in done.error


def test_a_database_that_cannot_be_reached_is_one_line(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENZA_DATABASE_URL", "postgresql://127.0.0.1:9/credenza")
    monkeypatch.setenv("CREDENZA_SECRET_KEY", "0123456789abcdef0123456789abcdef")
    done = credenza_command("export")
    assert done.status == 1
    assert done.error.startswith("credenza: ")


# -- apply, diff, export ----------------------------------------------------------------------------------------------


def exported(run: Run) -> Any:
    done = run("export")
    assert done.status == 0, done.err
    return yaml.safe_load(done.out)


def test_apply_brings_the_database_to_the_declared_state_and_says_so(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    done = credenza_command("apply", file(STATE))
    assert done.status == 0, done.err
    assert "+ user ada" in done.out
    assert "+ application Harbour Wiki" in done.out
    assert re.search(r"^\d+ objects changed\.$", done.out, flags=re.MULTILINE)
    state = exported(credenza_command)
    assert [user["username"] for user in state["users"]] == ["ada", "grace", "root"]
    assert {app["client_id"] for app in state["applications"]} == {"app", "spa", "native", "own", "machine"}


def test_applying_the_same_file_again_changes_nothing(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    path = file(STATE)
    credenza_command("apply", path)
    before = exported(credenza_command)
    assert credenza_command("diff", path).out == "0 objects would change.\n"
    assert credenza_command("apply", path).out == "0 objects changed.\n"
    assert credenza_command("apply", path, "--json").json == {"created": [], "updated": [], "deleted": []}
    assert exported(credenza_command) == before


def test_what_was_exported_can_be_applied_to_an_empty_database_and_exported_again(
    credenza_command: Run, file: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    credenza_command("apply", file(STATE))
    first = credenza_command("export").out
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'second.db'}")
    done = credenza_command("apply", file(first))
    assert done.status == 0, done.err
    assert credenza_command("export").out == first
    assert credenza_command("export", "--json").json == yaml.safe_load(first)


def test_what_was_exported_into_a_folder_is_complete(
    credenza_command: Run, file: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Pictures and custom CSS go along: nothing has to be put beside it by hand."""
    from PIL import Image

    for color in ("teal", "navy"):
        Image.new("RGB", (8, 8), color).save(tmp_path / f"{color}.png")
    (tmp_path / "own.css").write_text("/* ours */ .card { border-radius: 1px; }")
    declared = {
        "provider": {"branding": {"logo": "teal.png", "stylesheet": "own.css"}},
        "organizations": [{"id": "acme", "name": "Acme", "branding": {"logo": "navy.png"}}],
        "applications": [{"client_id": "a", "name": "A", "type": "spa", "branding": {"dark_logo": "teal.png"}}],
    }
    credenza_command("apply", file(declared))
    state, folder = exported(credenza_command), tmp_path / "exported"
    done = credenza_command("export", "--directory", folder, "--json")
    assert sorted(done.json["files"]) == sorted(str(path) for path in folder.iterdir())
    assert len(done.json["files"]) == 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'second.db'}")
    assert credenza_command("apply", folder / "credenza.yaml").status == 0
    assert exported(credenza_command) == state
    assert credenza_command("diff", folder / "credenza.yaml").out == "0 objects would change.\n"
    done = credenza_command("export", "--directory", tmp_path / "own.css")
    assert (done.status, "own.css: File exists" in done.error) == (1, True)


def test_whoever_is_made_anew_elsewhere_stays_the_same(
    credenza_command: Run, file: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Applications know a user by `sub`, which is the id."""
    credenza_command("apply", file({"users": [{"username": "ada"}, {"username": "grace"}]}))
    ada, grace = exported(credenza_command)["users"]
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'second.db'}")
    made = credenza_command("apply", "--json", file({"users": [ada]})).json["created"]
    assert made[0]["id"] == ada["id"]
    assert credenza_command("diff", file({"users": [ada]})).out == "0 objects would change.\n"
    for wrong, message in (
        ({**ada, "id": grace["id"]}, "ada: id was fixed at creation"),
        ({"username": "joan", "id": ada["id"]}, "joan: this id is another user's"),
        ({"username": "joan", "id": "joan"}, "joan: id is u and 30 hexadecimal digits"),
    ):
        done = credenza_command("apply", file({"users": [wrong]}))
        assert (done.status, message in done.error) == (1, True)


def test_export_has_one_order_whatever_the_order_of_making(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    """So that the files of two databases can be compared."""
    resources = [{"identifier": f"https://{name}.example.com", "name": name} for name in ("z", "a")]
    named = [{"client_id": f"id-{name}", "name": name, "type": "spa"} for name in ("Zebra", "apple", "Pear")]
    for api in resources:
        credenza_command("apply", file({"api_resources": [api]}))
    for application in named:
        credenza_command("apply", file({"applications": [application]}))
    state = exported(credenza_command)
    assert [api["name"] for api in state["api_resources"]] == ["a", "z"]
    assert [application["name"] for application in state["applications"]] == ["apple", "Pear", "Zebra"]


def test_what_was_exported_with_a_logo_and_css_can_be_applied_where_they_are(
    credenza_command: Run, file: Callable[[Any], Path], tmp_path: Path
) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8), "teal").save(tmp_path / "logo.png")
    (tmp_path / "own.css").write_text("body.page { letter-spacing: 0.01em; }")
    branding = {"logo": "logo.png", "stylesheet": "own.css"}
    assert credenza_command("apply", file({"provider": {"branding": branding}})).status == 0
    first = credenza_command("export").out
    assert "logo: /image/" in first
    assert "stylesheet: /branding/" in first
    done = credenza_command("apply", file(first))
    assert (done.status, done.out) == (0, "0 objects changed.\n"), done.err


@pytest.mark.usefixtures("declared")
def test_export_has_no_secrets_and_no_passwords(credenza_command: Run) -> None:
    out = credenza_command("export").out
    assert SECRET not in out
    assert PASSWORD not in out
    assert "argon2" not in out
    assert "password" not in out


def test_a_dry_run_and_diff_tell_and_change_nothing(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    path = file(STATE)
    for command in (["apply", path, "--dry-run"], ["diff", path]):
        done = credenza_command(*command)
        assert done.status == 0, done.err
        assert "+ user ada" in done.out
        assert "objects would change." in done.out
        assert exported(credenza_command) is None or exported(credenza_command) == {}


@pytest.mark.usefixtures("declared")
def test_an_update_shows_before_and_after(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    change = {"applications": [{"client_id": "app", "description": "A wiki for sailors"}]}
    done = credenza_command("apply", file(change), "--json")
    (updated,) = done.json["updated"]
    assert updated["before"] == {"description": ""}
    assert updated["after"] == {"description": "A wiki for sailors"}
    assert (done.json["created"], done.json["deleted"]) == ([], [])


@pytest.mark.usefixtures("declared")
def test_leaving_an_object_out_leaves_it_alone(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    before = exported(credenza_command)
    assert credenza_command("apply", file({"applications": [], "users": []})).out == "0 objects changed.\n"
    assert exported(credenza_command) == before


@pytest.mark.usefixtures("declared")
def test_prune_removes_what_the_files_sections_do_not_name(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    kept = [app for app in STATE["applications"] if app["client_id"] in ("app", "own")]
    done = credenza_command("apply", file({"applications": kept}), "--prune", "--json")
    assert {change["name"] for change in done.json["deleted"]} == {"Tide Board", "Tide CLI", "Night Job"}
    state = exported(credenza_command)
    assert {app["client_id"] for app in state["applications"]} == {"app", "own"}
    assert len(state["users"]) == 3, "sections that the file does not have are left alone"


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_weak_password_is_said(credenza_command: Run, file: Callable[[Any], Path], options: list[str]) -> None:
    """R-PW-03: a file may hold one, for a test machine, and whoever applies it hears of it, rehearsal or not."""
    done = credenza_command("apply", file({"users": [{"username": "joan", "password": "short"}]}), *options)
    assert done.status == 0
    assert "warning: users: joan: Use at least 15 characters." in done.error
    assert "short" not in done.error.replace("shorter", "")


@pytest.mark.usefixtures("declared")
def test_a_chosen_secret_that_is_short_is_said(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    """R-OP-04: a plain hash is kept of it, which is right for what was made at random."""
    crane = {"client_id": "crane", "name": "Crane", "type": "machine_to_machine", "third_party": False}
    done = credenza_command("apply", file({"applications": [crane | {"client_secret": "harbour-crane-7"}]}))
    assert done.status == 0
    assert "warning: Crane: client_secret: a chosen one can be guessed" in done.error
    assert "harbour-crane-7" not in done.error
    done = credenza_command("apply", file({"applications": [crane | {"client_secret": "0123456789abcdef" * 2}]}))
    assert "warning" not in done.err


@pytest.mark.usefixtures("declared")
def test_an_address_that_two_have_confirmed_is_told(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    """Nobody could sign in with it, because it could not be told who is meant."""
    ada = {"username": "ada", "email": "ada@example.com", "email_verified": True}
    credenza_command("apply", file({"users": [ada]}))
    message = "warning: users: eve: somebody else has confirmed ada@example.com; nobody signs in with it"
    for people in ([ada | {"username": "eve"}], [ada | {"username": "joan"}, ada | {"username": "eve"}]):
        assert message in credenza_command("diff", file({"users": people})).err
    moved = [ada | {"email": "countess@example.com"}, ada | {"username": "eve"}]
    assert credenza_command("diff", file({"users": moved})).err == ""


@pytest.mark.usefixtures("declared")
def test_what_is_left_empty_is_empty_and_what_is_left_out_stays(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    app = {
        "client_id": "app",
        "description": "Once",
        "jwks_uri": "https://app.example.com/jwks",
        "backchannel_logout_uri": "https://app.example.com/logout",
        "access_token_lifetime": 60,
        "userinfo_signed_response_alg": "RS256",
        "enabled": False,
        "branding": {"display_name": "Shown", "primary_color": "#1f5aa6"},
    }
    ada = {"username": "ada", "email": "ada@example.com", "phone_number": "+1", "profile": {"name": "Ada"}}
    template = {
        "permissions": [{"name": "bill", "description": "Pay"}],
        "roles": [{"name": "payer", "permissions": ["bill"]}],
    }
    credenza_command("apply", file({"users": [ada], "applications": [app], "organization_template": template}))
    empty = {key: None for key in (*app, *ada) if key not in ("client_id", "username", "branding")}
    second = {
        "users": [{"username": "ada"} | {key: empty[key] for key in ada if key in empty} | {"password": None}],
        "applications": [
            {"client_id": "app", "branding": {"display_name": None}} | {key: empty[key] for key in app if key in empty}
        ],
        "organization_template": {
            "permissions": [{"name": "bill"}],
            "roles": [{"name": "payer", "description": "Pays"}],
        },
    }
    assert credenza_command("apply", file(second)).status == 0
    state = exported(credenza_command)
    (user,) = (user for user in state["users"] if user["username"] == "ada")
    assert not {"email", "phone_number", "profile"} & user.keys()
    (found,) = (application for application in state["applications"] if application["client_id"] == "app")
    assert not {"description", "jwks_uri", "backchannel_logout_uri", "userinfo_signed_response_alg"} & found.keys()
    assert (found["enabled"], found["access_token_lifetime"]) == (True, 600)
    assert found["branding"] == {"primary_color": "#1f5aa6"}
    assert {"name": "bill", "description": "Pay"} in state["organization_template"]["permissions"]
    assert {"name": "payer", "description": "Pays", "permissions": ["bill"]} in state["organization_template"]["roles"]


def test_a_rehearsal_knows_the_default_roles_of_the_file(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    path = file({"roles": [{"name": "everybody", "default": True}], "users": [{"username": "ada"}]})
    rehearsed = credenza_command("apply", "--dry-run", "--json", path).json
    assert [(change["kind"], change["name"]) for change in rehearsed["updated"]] == [("user roles", "ada")]
    assert [c["kind"] for c in credenza_command("apply", "--json", path).json["updated"]] == ["user roles"]
    assert credenza_command("diff", path).out == "0 objects would change.\n"


def test_who_has_no_roles_has_none_where_the_export_is_applied(
    credenza_command: Run, file: Callable[[Any], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = [{"name": "everybody", "default": True}]
    credenza_command("apply", file({"roles": roles, "users": [{"username": "ada", "roles": []}]}))
    state = exported(credenza_command)
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'second.db'}")
    credenza_command("apply", file(state))
    assert exported(credenza_command) == state


def test_another_secret_is_added_and_prune_ends_the_former_one(
    credenza_command: Run, file: Callable[[Any], Path], tmp_path: Path
) -> None:
    """So that a rotation overlaps, and ends when the administrator says so."""

    def apply(secret: str, *options: str) -> Any:
        app = {"client_id": "app", "name": "App", "type": "traditional", "client_secret": secret}
        return credenza_command("apply", "--json", *options, file({"applications": [app]})).json

    def kept() -> int:
        with closing(sqlite3.connect(tmp_path / "credenza.db")) as database:
            return int(database.execute("SELECT count(*) FROM credenza_client_secret").fetchone()[0])

    apply("first" * 8)
    apply("second" * 8)
    assert kept() == 2
    (gone,) = apply("second" * 8, "--prune")["deleted"]
    assert (gone["kind"], gone["name"]) == ("client secret", "Default of App")
    assert kept() == 1
    assert apply("second" * 8, "--prune") == {"created": [], "updated": [], "deleted": []}


def test_pruned_members_are_called_by_their_names(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    people = [{"username": "ada"}, {"username": "grace"}]
    credenza_command("apply", file({"users": people, "organizations": [{"name": "Acme", "members": people}]}))
    path = file({"organizations": [{"name": "Acme", "members": [{"username": "ada"}]}]})
    deleted = credenza_command("diff", "--prune", "--json", path).json["deleted"]
    assert [(change["kind"], change["name"]) for change in deleted] == [("member", "grace of Acme")]


@pytest.mark.usefixtures("declared")
def test_prune_keeps_the_last_administrator(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    done = credenza_command("apply", file({"users": []}), "--prune")
    assert done.status == 0
    assert "root stays, as the last administrator" in done.error
    assert [user["username"] for user in exported(credenza_command)["users"]] == ["root"]


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("users: [", "not YAML"),
        ("[]", "a mapping of sections"),
        ({"people": []}, "there is no section 'people'"),
        ({"users": [{"username": "eve", "pasword": "x"}]}, "unknown key 'pasword'; did you mean 'password'?"),
        (
            {"applications": [{"client_id": "app", "permissions": {"profile": ["mail"]}}]},
            "profile knows no 'mail'; there is address, custom_data, email, identities",
        ),
        (
            {"applications": [{"client_id": "app", "permissions": {"api": {ORDERS: ["eat"]}}}]},
            f"api knows no 'eat' at {ORDERS}; there is orders:read, orders:write",
        ),
        (
            {"applications": [{"client_id": "app", "permissions": {"api": {"https://x.example.com": ["eat"]}}}]},
            "api knows no 'eat' at https://x.example.com; nothing is declared there",
        ),
        ({"users": [{"username": "eve smith"}]}, "no spaces"),
        *(
            ({"applications": [{"client_id": "app", "metadata": {name: value}}]}, name)
            for name, value in (
                ("consent_lifetime", "an hour"),
                ("consent_lifetime", True),
                ("consent_lifetime", 0),
                ("default_max_age", "600"),
                ("resources", "https://orders.example.com/v2"),  # every part of it would be one
                ("resources", [{"identifier": "https://orders.example.com"}]),
                ("dpop_bound_access_tokens", "no"),
                ("require_pushed_authorization_requests", "false"),
            )
        ),
        ({"users": [{"username": "eve"}, {"username": "Eve"}]}, "users: user eve is in the file twice"),
        ("users: []\nroles: []\nusers: []", "the key 'users' is there twice"),
        (
            {"applications": [{"client_id": "app", "description": "one"}, {"client_id": "app", "description": "two"}]},
            "applications: application app is in the file twice",
        ),
        (
            {"applications": [{"name": "Same", "type": "spa"}] * 2},
            "applications: application Same is in the file twice",
        ),
        (
            {"applications": [{"client_id": "app", "colour": "red"}]},
            "an application (app): unknown key 'colour'; the keys are",
        ),
        ({"api_resources": [{"identifier": ORDERS, "name": "x"}] * 2}, f"api_resource {ORDERS} is in the file twice"),
        (
            {"api_resources": [{"identifier": ORDERS, "permissions": [{"name": "orders:eat"}] * 2}]},
            f"{ORDERS}: permission orders:eat is in the file twice",
        ),
        ({"roles": [{"name": "captain"}] * 2}, "roles: role captain is in the file twice"),
        ({"organization_template": {"roles": [{"name": "x"}] * 2}}, "organization_role x is in the file twice"),
        (
            {"organization_template": {"permissions": [{"name": "x", "description": "X"}] * 2}},
            "organization_permission x is in the file twice",
        ),
        ({"organizations": [{"name": "Acme"}] * 2}, "organizations: organization Acme is in the file twice"),
        (
            {"organizations": [{"name": "Acme", "members": [{"username": "ada"}, {"username": "ada"}]}]},
            "member ada of Acme is in the file twice",
        ),
        ({"users": [{"email": "eve@example.com"}]}, "a user: username is required"),
        *(
            ({"users": [{"username": "eve", **wrong}]}, message)
            for wrong, message in (
                ({"username": 12}, "a user (12): username is a text, in quotes"),
                ({"email_verified": "false"}, "a user (eve): email_verified is true or false"),
                ({"suspended": "no"}, "suspended is true or false"),
                ({"phone_number": 49123}, "phone_number is a text, in quotes"),
                ({"phone_number": "1" * 51}, "phone_number is a text of at most 50 characters"),
                ({"profile": []}, "profile is a mapping"),
                ({"profile": {"birthdate": 1815}}, "eve: profile: birthdate is a text, in quotes"),
                ({"profile": {"address": "Main Street 1"}}, "profile: address is a mapping"),
                ({"profile": {"name": float("nan")}}, "only mappings, lists, texts"),
                ({"administrator": "false"}, "administrator is true, false, or one of full, applications, read-only"),
                ({"roles": "sailor"}, "roles is a list"),
            )
        ),
        ('users: [{username: eve, profile: {name: "a\\0b"}}]', "a text has no NUL"),
        *(
            ({"applications": [{"client_id": "app", **wrong}]}, message)
            for wrong, message in (
                ({"third_party": "false"}, "third_party is true or false"),
                ({"enabled": "false"}, "enabled is true or false"),
                ({"access_token_lifetime": "600"}, "access_token_lifetime is a whole number"),
                ({"access_token_lifetime": True}, "access_token_lifetime is a whole number"),
                ({"name": "x" * 201}, "name is a text of at most 200 characters"),
                ({"redirect_uris": "https://app.example.com/cb"}, "redirect_uris is a list"),
                ({"redirect_uris": [5]}, "redirect_uris is a list of texts"),
                ({"permissions": ["email"]}, "permissions is a mapping"),
                ({"permissions": {"profile": "email"}}, "permissions: profile is a list of scopes, not 'email'"),
                ({"metadata": ["a"]}, "metadata is a mapping"),
                ({"branding": {"theme": "nonsense"}}, "there is no theme 'nonsense'; the themes are "),
            )
        ),
        (
            {"applications": [{"name": "Bad", "type": "spa", "client_secret": "a secret of many characters"}]},
            "client_secret: a spa application cannot keep one",
        ),
        ({"roles": [{"name": "x", "default": "false"}]}, "default is true or false"),
        ({"roles": [{"name": None}]}, "name is required"),
        ({"roles": [{"name": "x" * 101}]}, "at most 100 characters"),
        ({"roles": [{"name": "x", "permissions": ["orders:read"]}]}, "a role (x): permissions is a mapping"),
        ({"api_resources": [{"identifier": ORDERS, "token_lifetime": "abc"}]}, "token_lifetime is a whole number"),
        ({"api_resources": [{"identifier": ORDERS, "token_lifetime": 1.5}]}, "token_lifetime is a whole number"),
        (
            {"api_resources": [{"identifier": ORDERS, "permissions": [{"name": "a b"}]}]},
            f"{ORDERS}: 'a b': a permission",
        ),
        ({"organizations": [{"name": "X", "suspended": "false"}]}, "suspended is true or false"),
        ({"organizations": [{"name": "X", "members": ["ada"]}]}, "members is a list of mappings"),
        ({"organizations": [{"name": "X", "id": "../x"}]}, "an id has letters, digits"),
        ({"organizations": [{"name": "X", "branding": {"theme": "nonsense"}}]}, "there is no theme 'nonsense'"),
        ({"provider": {"branding": {"theme": "nonsense"}}}, "there is no theme 'nonsense'"),
        ({"users": "eve"}, "users"),
        (
            {"users": [{"username": "eve", "password_hash": "plain"}]},
            "eve: password_hash is no bcrypt, Argon2 or PBKDF2 hash",
        ),
        ({"users": [{"username": "eve", "roles": ["captain"]}]}, "there is no role 'captain'"),
        ({"applications": [{"name": "Bad", "type": "toaster"}]}, "type is one of traditional, "),
        ({"applications": [{"name": "Bad", "type": "spa", "redirect_uris": ["javascript:alert(1)"]}]}, "Bad"),
        ({"applications": [{"name": "Bad", "type": "spa", "redirect_uris": ["https://x.example.com/*#y"]}]}, "Bad"),
        ({"applications": [{"name": "Bad", "type": "spa", "permissions": {"profile": ["wishes"]}}]}, "wishes"),
        ({"applications": [{"name": "Bad", "type": "spa", "permissions": {"wishes": ["x"]}}]}, "no source 'wishes'"),
        ({"applications": [{"name": "Bad", "type": "machine_to_machine", "third_party": True}]}, "third party"),
        ({"applications": [{"name": "Bad", "type": "spa", "branding": {"logo": "absent.png"}}]}, "absent.png"),
        ({"applications": [{"client_id": "app", "type": "spa"}]}, "fixed at creation"),
        ({"api_resources": [{"identifier": "orders", "name": "x"}]}, "absolute URI"),
        ({"api_resources": [{"identifier": "javascript:alert(1)"}]}, "cannot begin with javascript:"),
        ({"api_resources": [{"identifier": "https://a.example/#b"}]}, "no fragment"),
        ({"roles": [{"name": "x", "permissions": {ORDERS: ["orders:eat"]}}]}, "no permission 'orders:eat'"),
        ({"provider": {"branding": {"primary_color": "#ffff00"}}}, "contrast"),
        (
            {"applications": [{"name": "Bad", "type": "spa", "branding": {"favicon": "/image/deadbeef"}}]},
            "applications: Bad: branding: favicon: /image/deadbeef is not in this database",
        ),
        (
            {"organizations": [{"name": "Acme", "branding": {"logo": "/image/deadbeef"}}]},
            "organizations: Acme: branding: logo: /image/deadbeef is not in this database",
        ),
        ({"provider": {"branding": {"dark_logo": "/image/"}}}, "dark_logo: /image/ is not in this database"),
        (
            {"provider": {"branding": {"stylesheet": "/branding/deadbeef.css"}}},
            "provider: branding: stylesheet: /branding/deadbeef.css is not in this database",
        ),
    ],
)
def test_a_mistake_in_the_last_line_changes_nothing(
    credenza_command: Run, file: Callable[[Any], Path], document: Any, message: str
) -> None:
    before = exported(credenza_command)
    if isinstance(document, dict):
        new = {"users": [{"username": "new"}], "applications": [{"name": "New", "type": "spa"}]}
        for section, items in document.items():
            merged = [*new[section], *items] if section in new and isinstance(items, list) else items
            new[section] = merged
        document = new
    done = credenza_command("apply", file(document))
    assert done.status == 1
    assert message in done.error
    assert done.out == ""
    assert exported(credenza_command) == before


def test_a_file_that_is_not_there_is_one_line(credenza_command: Run, tmp_path: Path) -> None:
    done = credenza_command("apply", tmp_path / "absent.yaml")
    assert done.status == 1
    assert "absent.yaml: No such file or directory" in done.error


def test_yaml_cannot_run_anything(credenza_command: Run, file: Callable[[Any], Path], tmp_path: Path) -> None:
    done = credenza_command("apply", file(f"users: !!python/object/apply:os.mkdir ['{tmp_path}/made']"))
    assert done.status == 1
    assert not (tmp_path / "made").exists()


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_a_generated_secret_is_printed_once_in_the_run_that_made_it(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    path = file({"applications": [{"client_id": "web", "name": "Web", "type": "traditional"}]})
    (created,) = credenza_command("apply", path, "--json").json["created"]
    assert created["client_id"] == "web"
    assert len(created["client_secret"]) >= 43
    again = credenza_command("apply", path, "--json")
    assert created["client_secret"] not in again.out + again.err
    assert again.json["created"] == []


def test_generated_ids_are_printed(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    document = {"applications": [{"name": "Web", "type": "spa"}], "users": [{"username": "eve"}]}
    created = credenza_command("apply", file(document), "--json").json["created"]
    application = next(change for change in created if change["kind"] == "application")
    user = next(change for change in created if change["kind"] == "user")
    assert application["client_id"]
    assert "client_secret" not in application
    assert user["id"]
    assert user["invitation"].startswith("https://id.example.com/invitation/")


def test_a_declared_secret_or_password_is_never_printed(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    path = file(STATE)
    for command in (["diff", path], ["apply", path, "--json"], ["apply", path], ["export", "--json"]):
        done = credenza_command(*command)
        assert SECRET not in done.out + done.err
        assert PASSWORD not in done.out + done.err


def test_a_dry_run_makes_no_secret(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    path = file({"applications": [{"client_id": "web", "name": "Web", "type": "traditional"}]})
    done = credenza_command("apply", path, "--dry-run", "--json")
    assert "client_secret" not in done.out


# -- administrators ---------------------------------------------------------------------------------------------------


def test_an_administrator_is_created_with_a_password_from_standard_input(credenza_command: Run) -> None:
    done = credenza_command(
        "admin", "create", "--username", "Olive", "--email", "olive@example.com", "--password-stdin", typed=PASSWORD
    )
    assert (done.status, done.out, done.err) == (0, "olive is an administrator.\n", "")
    (user,) = exported(credenza_command)["users"]
    assert user == {"username": "olive", "id": user["id"], "email": "olive@example.com", "administrator": "full"}


def test_without_a_password_a_link_is_printed(credenza_command: Run) -> None:
    made = credenza_command("admin", "create", "--username", "olive", "--json").json
    assert made["username"] == "olive"
    assert made["invitation"].startswith("https://id.example.com/invitation/")


def test_a_user_becomes_an_administrator(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    credenza_command("apply", file({"users": [{"username": "ada", "password": PASSWORD}]}))
    done = credenza_command("admin", "create", "--username", "ada", "--json")
    assert "invitation" not in done.json, "ada has a password already"
    (user,) = exported(credenza_command)["users"]
    assert user["administrator"] == "full"


def test_another_password_from_the_command_line_ends_what_the_old_one_opened(
    credenza_command: Run, tmp_path: Path
) -> None:
    """Whoever knew the old one is out, as everywhere else: links that set a password go too."""
    credenza_command("admin", "create", "--username", "olive")
    credenza_command("admin", "create", "--username", "olive", "--password-stdin", typed=PASSWORD)
    with closing(sqlite3.connect(tmp_path / "credenza.db")) as database:
        assert database.execute("SELECT count(*) FROM credenza_invitation").fetchone() == (0,)
        (details,) = database.execute("SELECT data FROM credenza_audit_event WHERE name = 'PasswordChanged'").fetchone()
    assert "command line" in details


def test_an_administrator_who_is_created_has_the_default_roles(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    credenza_command("apply", file({"roles": [{"name": "everybody", "default": True}]}))
    credenza_command("admin", "create", "--username", "olive")
    (user,) = exported(credenza_command)["users"]
    assert user["roles"] == ["everybody"]


def test_an_address_is_given_to_a_user_who_becomes_an_administrator(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    people = [{"username": "ada"}, {"username": "grace", "email": "grace@example.com", "email_verified": True}]
    credenza_command("apply", file({"users": people}))
    credenza_command("admin", "create", "--username", "ada", "--email", "Ada@example.com")
    done = credenza_command("admin", "create", "--username", "ada", "--email", "grace@example.com")
    assert (done.status, done.error) == (1, "credenza: grace@example.com is the confirmed address of grace")
    ada, _ = exported(credenza_command)["users"]
    assert (ada["username"], ada["email"], ada["administrator"]) == ("ada", "ada@example.com", "full")


@pytest.mark.parametrize("password", ["", "short", "passwordpassword", "olive-olive-olive"])
def test_a_weak_password_is_refused_and_creates_nobody(credenza_command: Run, password: str) -> None:
    done = credenza_command("admin", "create", "--username", "olive", "--password-stdin", typed=f"{password}\n")
    assert done.status == 1
    assert done.out == ""
    assert done.error
    if password:
        assert password not in done.err
    assert not exported(credenza_command)


@pytest.mark.parametrize(("option", "value"), [("--username", "two words"), ("--email", "not an address")])
def test_a_name_or_an_address_that_is_none_is_refused(credenza_command: Run, option: str, value: str) -> None:
    names = {"--username": "olive", option: value}
    done = credenza_command("admin", "create", *(word for pair in names.items() for word in pair))
    assert done.status == 1
    assert done.error
    assert not exported(credenza_command)


# -- keys -------------------------------------------------------------------------------------------------------------


def test_keys_are_listed_without_their_private_halves(credenza_command: Run) -> None:
    done = credenza_command("keys", "list", "--json")
    assert {(key["alg"], key["state"]) for key in done.json} == {
        (alg, state) for alg in ("RS256", "ES256", "PS256") for state in ("active", "next")
    }
    assert all(set(key) == {"kid", "alg", "state", "created_at"} for key in done.json)
    assert len(credenza_command("keys", "list").out.splitlines()) == 6


def test_rotation_makes_the_next_keys_sign(credenza_command: Run) -> None:
    before = {(key["alg"], key["state"]): key["kid"] for key in credenza_command("keys", "list", "--json").json}
    done = credenza_command("keys", "rotate", "--json")
    assert done.status == 0, done.err
    state = {key["kid"]: key["state"] for key in done.json}
    for alg in ("RS256", "ES256", "PS256"):
        assert state[before[alg, "next"]] == "active"
        assert state[before[alg, "active"]] == "retired"
    assert sorted(state.values()).count("next") == 3


def test_a_key_is_revoked_by_its_id(credenza_command: Run) -> None:
    before = {(key["alg"], key["state"]): key["kid"] for key in credenza_command("keys", "list", "--json").json}
    done = credenza_command("keys", "revoke", before["ES256", "active"], "--json")
    assert done.status == 0, done.err
    after = {key["kid"]: key["state"] for key in done.json}
    assert before["ES256", "active"] not in after
    assert after[before["ES256", "next"]] == "active"
    assert len(after) == len(before)
    refused = credenza_command("keys", "revoke", before["ES256", "active"])
    assert refused.status == 1
    assert "there is no signing key" in refused.err


# -- migrate and check ------------------------------------------------------------------------------------------------


def test_migrate_runs_once(credenza_command: Run) -> None:
    assert "credenza/0001" in credenza_command("migrate", "--json").json["migrations"]
    assert credenza_command("migrate").out == "Nothing to do.\n"


def test_check_is_not_content_with_pending_migrations(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    Path(os.environ["CREDENZA_DATABASE_URL"].removeprefix("sqlite:///")).touch(mode=0o600)
    done = credenza_command("check")
    assert done.status == 1
    assert "migrations have not run" in done.error
    credenza_command("migrate")
    assert credenza_command("check").out == "Everything looks right.\n"
    assert credenza_command("check", "--json").json == {"problems": []}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RATE_LIMIT", "off", "rate_limit is off"),
        ("ARGON2_MEMORY_KIB", "1024", "argon2"),
        ("OUTBOUND_ALLOW", "10.0.0.0/8", "10.0.0.0/8"),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "0.0.0.0/0 is everybody"),
        ("TRUSTED_PROXIES", "::/0", "::/0 is everybody"),
        ("TRACE_PLUGINS", "1", "for debugging"),
        ("CACHE_URL", "valkey://127.0.0.1:9", "the cache does not answer"),
        ("PLUGINS_DISABLED", "console,consol", "no plugin is called 'consol'"),
        ("SECRET_KEY", "ab" * 20, "not made at random"),
        ("SECRET_KEY", "another key than the one of this database", "another secret key"),
    ],
)
def test_check_is_not_content_with_unsafe_settings(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    """P-18."""
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    credenza_command("keys", "list")
    monkeypatch.setenv("CREDENZA_ISSUER", "https://id.example.com")
    monkeypatch.setenv(f"CREDENZA_{name}", value)
    done = credenza_command("check")
    assert done.status == 1
    assert message in done.err
    assert message in credenza_command("check", "--json").out


def test_an_application_whose_plugin_is_gone_is_not_lost_in_silence(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    kiosk = tmp_path / "kiosk_client.py"
    shutil.copy(Path(__file__).parents[1] / "docs/plugins/examples/kiosk_client.py", kiosk)
    kiosk.chmod(0o600)
    lobby = {"client_id": "lobby", "name": "Lobby", "type": "kiosk", "redirect_uris": ["https://lobby.example.com/cb"]}
    file = tmp_path / "lobby.yaml"
    file.write_text(yaml.safe_dump({"applications": [lobby]}))
    monkeypatch.setenv("CREDENZA_PLUGINS_PATH", str(kiosk))
    assert credenza_command("apply", file).status == 0
    assert credenza_command("check").status == 0
    monkeypatch.delenv("CREDENZA_PLUGINS_PATH")
    done = credenza_command("check")
    assert done.status == 0
    assert "warning: applications of the type 'kiosk' are refused" in done.error
    done = credenza_command("export")
    assert done.status == 0
    assert "they are not in the file" in done.error


def test_check_knows_another_secret_key_before_there_are_signing_keys(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    credenza_command("admin", "create", "--username", "olive")
    monkeypatch.setenv("CREDENZA_SECRET_KEY", "another key than the one of this database")
    done = credenza_command("check")
    assert done.status == 1
    assert "another secret key" in done.err
    monkeypatch.delenv("CREDENZA_SECRET_KEY")
    assert credenza_command("check").status == 0


@pytest.mark.parametrize(
    "text", ['secret_key = "0123456789abcdef0123456789abcdef"', 'cache_url = "valkey://u:pw@localhost"']
)
def test_check_is_not_content_with_secrets_that_others_can_read(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    """P-18."""
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    config = tmp_path / "credenza.toml"
    config.write_text(text)
    config.chmod(0o644)
    assert "holds secrets and can be read by others" in credenza_command("check", "--config", str(config)).err
    config.chmod(0o600)
    assert "holds secrets" not in credenza_command("check", "--config", str(config)).err


def test_check_tells_what_is_for_development_only(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An http issuer is accepted for loopback hosts: worth a word, and no failure."""
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    credenza_command("migrate")
    done = credenza_command("check")
    assert (done.status, done.err) == (0, "")
    assert [note.partition(" is http")[0] for note in notes(Settings())] == ["the issuer http://localhost:8400"]
    (note,) = notes(Settings(issuer="https://id.example.com", database_url="postgresql://db.example.com/x"))
    assert "sslmode=verify-full" in note
    for smtp_url, said in (
        ("smtp://mail.example.com", True),
        ("smtps://mail.example.com", False),
        ("smtp://[::1]", False),
    ):
        told = list(notes(Settings(issuer="https://id.example.com", smtp_url=smtp_url, mail_from="id@example.com")))
        assert bool(told) is said, told
    monkeypatch.setenv("CREDENZA_ISSUER", "http://id.example.com")
    done = credenza_command("check")
    assert done.status == 1
    assert "http is accepted for localhost" in done.error


def test_check_is_not_content_with_a_database_that_others_can_read(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """P-18."""
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    credenza_command("migrate")
    (tmp_path / "credenza.db").chmod(0o644)
    done = credenza_command("check")
    assert done.status == 1
    assert "credenza.db can be read by others; chmod 600 it" in done.error


def test_a_second_factor_that_nobody_brings_cannot_be_required(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could sign in."""
    monkeypatch.setenv("CREDENZA_SECOND_FACTOR", "required")
    assert credenza_command("migrate").status == 0
    monkeypatch.setenv("CREDENZA_PLUGINS_DISABLED", "totp,passkeys")
    for command in ("check", "export"):
        assert "second_factor: no plugin brings one" in credenza_command(command).error


def test_check_makes_no_database(credenza_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Made by root, it would be one that the service cannot open."""
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    path = tmp_path / "none" / "credenza.db"
    path.parent.mkdir()
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{path}")
    done = credenza_command("check")
    assert done.status == 1
    assert "there is no database yet; run `credenza migrate`" in done.error
    assert list(path.parent.iterdir()) == []


def test_check_changes_nothing(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even in a database that nobody has served yet: no signing keys, no lasting secret, no version."""
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    credenza_command("migrate")
    path = Path(os.environ["CREDENZA_DATABASE_URL"].removeprefix("sqlite:///"))

    def rows() -> list[str]:
        with closing(sqlite3.connect(path)) as connection:
            return list(connection.iterdump())

    before = rows()
    assert credenza_command("check").out == "Everything looks right.\n"
    assert rows() == before


def test_check_is_not_content_with_a_database_that_does_not_answer(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENZA_DATABASE_URL", "postgresql://127.0.0.1:9/credenza")
    monkeypatch.setenv("CREDENZA_SECRET_KEY", "0123456789abcdef0123456789abcdef")
    done = credenza_command("check", "--json")
    assert done.status == 1
    (problem,) = (problem for problem in done.json["problems"] if "does not answer" in problem)
    assert "('127.0.0.1', 9)" in problem
    assert problem.endswith("is it running, and is database_url right?")


def test_a_database_that_is_away_is_one_line_that_says_where_to_look(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENZA_DATABASE_URL", "postgresql://ada:hush@127.0.0.1:9/credenza")
    monkeypatch.setenv("CREDENZA_SECRET_KEY", "0123456789abcdef0123456789abcdef")
    done = credenza_command("migrate")
    assert done.status == 1
    assert done.error.startswith("credenza: No connection to the database: ")
    assert "hush" not in done.err
    said = database_trouble(asyncpg.InvalidCatalogNameError('database "credenza" does not exist'))
    assert said == 'database "credenza" does not exist; create it, or correct database_url'
    said = database_trouble(asyncpg.InvalidPasswordError('password authentication failed for user "ada"'))
    assert said.endswith("; correct database_url")


def test_a_key_that_cannot_be_kept_is_named(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENZA_DATABASE_URL", "sqlite:////proc/credenza.db")
    monkeypatch.delenv("CREDENZA_SECRET_KEY", raising=False)
    done = credenza_command("migrate")
    assert done.status == 1
    assert "/proc/credenza.db.key cannot be written" in done.error


def test_serve_on_a_port_in_use_says_so(credenza_command: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = credenza_command("serve", "--port", str(taken.getsockname()[1]))
    assert (done.status, done.out) == (1, "")
    assert done.error.endswith("choose another with --port")


def test_serve_without_a_key_says_how_to_make_one_and_not_where_it_is(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENZA_DATABASE_URL", "postgresql://127.0.0.1:9/credenza")
    monkeypatch.delenv("CREDENZA_SECRET_KEY", raising=False)
    monkeypatch.setattr(serving, "write_logs", lambda log_format: None)  # they would go to this test's standard error
    with socket.create_server(("127.0.0.1", 0)) as was_free:
        port = was_free.getsockname()[1]
    done = credenza_command("serve", "--port", str(port))
    assert (done.status, done.out) == (1, "")
    assert "openssl rand -hex 32" in done.error


def test_the_last_administrator_stays_one(credenza: Credenza) -> None:
    """SECURITY R-CO-07."""
    for change in ({"administrator": False}, {"suspended": True}):
        with pytest.raises(StateError, match="last administrator"):
            credenza.apply({"users": [{"username": "root", **change}]})
    credenza.apply({"users": [{"username": "ada", "administrator": True}]})
    assert credenza.apply({"users": [{"username": "root", "administrator": False}]}).changes
