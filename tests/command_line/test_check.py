"""migrate, check and serve: what keeps a server from being safe is said before it serves."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]  # asyncpg has no types
import pytest
import yaml

from credenza.commands import serving
from credenza.commands.checking import notes
from credenza.commands.opening import database_trouble
from credenza.settings import Settings
from credenza.state import StateError
from credenza.testing import Credenza

from .conftest import Run


def test_migrate_runs_once(credenza_command: Run) -> None:
    assert "credenza/0001" in credenza_command("migrate", "--json").json["migrations"]
    assert credenza_command("migrate").out == "Nothing to do.\n"


def test_check_is_not_content_with_pending_migrations(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    Path(os.environ["CREDENZA_DATABASE_URL"].removeprefix("sqlite:///")).touch(mode=0o600)
    done = credenza_command("check")
    assert done.status == 1
    assert "migrations have not run, beginning with credenza/0001;" in done.error
    credenza_command("migrate")
    assert credenza_command("check").out == "Everything looks right.\n"
    assert credenza_command("check", "--json").json == {"problems": [], "warnings": []}


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
    credenza_command("migrate")
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
    shutil.copy(Path(__file__).parents[2] / "docs/plugins/examples/kiosk_client.py", kiosk)
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
    assert done.out == "It can serve; mind the warnings.\n"
    done = credenza_command("export")
    assert done.status == 0
    assert "they are not in the file" in done.error


def test_permissions_whose_plugin_is_gone_are_not_lost(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`check` says so; what `export` wrote can be applied, and is there again with the plugin."""
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    staff = tmp_path / "staff_directory.py"
    shutil.copy(Path(__file__).parents[2] / "docs/plugins/examples/staff_directory.py", staff)
    staff.chmod(0o600)
    file = tmp_path / "state.yaml"
    application = {"client_id": "rota", "name": "Rota", "type": "spa", "redirect_uris": ["https://rota.example.com/cb"]}
    file.write_text(yaml.safe_dump({"applications": [{**application, "permissions": {"staff": ["groups?"]}}]}))
    monkeypatch.setenv("CREDENZA_PLUGINS_PATH", str(staff))
    assert credenza_command("apply", file).status == 0
    monkeypatch.delenv("CREDENZA_PLUGINS_PATH")
    assert "warning: permissions of the source 'staff' are granted to nobody" in credenza_command("check").error
    file.write_text(credenza_command("export").out)
    assert "groups?" in file.read_text()
    assert credenza_command("apply", file).out == "0 objects changed.\n"
    file.write_text(file.read_text().replace("groups?", "keys?"))
    refused = credenza_command("apply", file)
    assert refused.status == 1
    assert "no plugin brings 'staff' any more" in refused.error
    monkeypatch.setenv("CREDENZA_PLUGINS_PATH", str(staff))
    assert credenza_command("check").err == ""
    assert "groups?" in credenza_command("export").out


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


@pytest.mark.parametrize("name", ["credenza.db", "credenza.db.key", "credenza.db.migrating"])
def test_check_is_not_content_with_a_database_that_others_can_read(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """P-18."""
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    credenza_command("migrate")
    (tmp_path / name).chmod(0o644)
    done = credenza_command("check")
    assert done.status == 1
    assert f"{name} can be read by others; chmod 600 it" in done.error


def test_a_second_factor_that_nobody_brings_cannot_be_required(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could sign in."""
    monkeypatch.setenv("CREDENZA_SECOND_FACTOR", "required")
    assert credenza_command("migrate").status == 0
    monkeypatch.setenv("CREDENZA_PLUGINS_DISABLED", "totp,passkeys")
    for command in ("check", "export"):
        assert "second_factor: no plugin brings one" in credenza_command(command).error


@pytest.mark.parametrize(
    "command",
    ["check", "export", "diff state.yaml", "keys list", "keys rotate", "keys revoke x", "revoke-all", "reseal"],
)
def test_what_needs_a_database_makes_none(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    """In another folder there would be nothing to revoke; made by root, it is one that the service cannot open."""
    (tmp_path / "state.yaml").write_text("users: []")
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    path = tmp_path / "none" / "credenza.db"
    path.parent.mkdir()
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{path}")
    done = credenza_command(*command.split())
    assert done.status == 1
    assert f"{path}: there is no database yet; run `credenza migrate`" in done.error
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


def test_check_says_that_a_newer_release_has_migrated(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not right, and ends with 0: while machines are replaced one after the other, the old ones may restart."""
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    credenza_command("migrate")
    path = Path(os.environ["CREDENZA_DATABASE_URL"].removeprefix("sqlite:///"))
    for app in ("credenza", "a plugin that is not installed"):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO migration (app_name, name) VALUES (?, '9999')", [app])
    done = credenza_command("check")
    assert done.status == 0
    warning = "the database was migrated by a newer release, which has credenza/9999"
    assert done.error == f"credenza: warning: {warning}"
    assert done.out == "It can serve; mind the warnings.\n"
    assert credenza_command("check", "--json").json == {"problems": [], "warnings": [warning]}


def test_check_names_accounts_that_look_the_same(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a database in which a name was kept as it was typed."""
    monkeypatch.delenv("CREDENZA_ARGON2_MEMORY_KIB")
    monkeypatch.delenv("CREDENZA_ARGON2_TIME_COST")
    first, second = (credenza_command("admin", "create", "--username", n, "--json").json["id"] for n in ("zoë", "ada"))
    path = Path(os.environ["CREDENZA_DATABASE_URL"].removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE credenza_user SET username = 'zoe\u0308' WHERE username = 'ada'")
    done = credenza_command("check")
    assert done.status == 0
    assert f"warning: the user name 'zoe\\u0308' of {second} is not in Unicode's form C" in done.error
    assert f"in which {first} has it" in done.error
    assert done.out == "It can serve; mind the warnings.\n"
    exported = credenza_command("export").out
    assert f"id: {first}" in exported
    assert f"id: {second}" in exported


def test_check_is_not_content_with_a_database_that_can_only_be_read(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, postgresql_server: Any, postgresql_url: str
) -> None:
    monkeypatch.setenv("CREDENZA_DATABASE_URL", postgresql_url)
    monkeypatch.setenv("CREDENZA_SECRET_KEY", "0123456789abcdef0123456789abcdef")
    credenza_command("migrate")
    database = urlsplit(postgresql_url).path.removeprefix("/")
    said = postgresql_server.psql(f"ALTER DATABASE {database} SET default_transaction_read_only = on;")
    assert "ALTER DATABASE" in said
    done = credenza_command("check", "--json")
    assert done.status == 1
    assert [problem for problem in done.json["problems"] if "can be read and not written to" in problem]


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


def test_a_file_that_cannot_be_opened_is_one_line_that_says_where_to_look(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    credenza_command("migrate")
    (tmp_path / "credenza.db-wal").mkdir()
    done = credenza_command("export")
    assert done.status == 1
    assert done.error.endswith("may this user write to the file and its folder, and is there room on the disk?")


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
