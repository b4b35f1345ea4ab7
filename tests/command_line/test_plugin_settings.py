"""What an operator sets for plugins: a table of the file, variables over it, and an error that names what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Run

EXAMPLES = Path(__file__).parents[2] / "docs" / "plugins" / "examples"
KEY = "-".join(["only", "for", "tests"] * 3)


@pytest.fixture
def single_file(environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a plugin of a single file is looked for; its name is visitor_book."""
    path = tmp_path / "visitor_book.py"
    shutil.copy(EXAMPLES / "visitor_book.py", path)
    path.chmod(0o600)
    monkeypatch.setenv("CREDENZA_PLUGINS_PATH", str(path))
    return path


@pytest.fixture
def config(single_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "credenza.toml"
    monkeypatch.setenv("CREDENZA_CONFIG", str(path))
    return path


def test_a_plugins_table_of_the_file_is_read(credenza_command: Run, config: Path, tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("u1 app\n")
    config.write_text(f'[plugins.visitor_book]\nfile = "{tmp_path / "book.txt"}"\n')
    assert credenza_command("visitor-book").out == "u1 app\n"


def test_the_environment_wins_over_the_table(
    credenza_command: Run, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.txt").write_text("u2 app\n")
    config.write_text('[plugins.visitor_book]\nfile = "nowhere.txt"\n')
    monkeypatch.setenv("CREDENZA_PLUGINS_VISITOR_BOOK_FILE", str(tmp_path / "other.txt"))
    assert credenza_command("visitor-book").out == "u2 app\n"


def test_without_either_there_are_defaults(credenza_command: Run, single_file: Path, tmp_path: Path) -> None:
    (tmp_path / "visitor-book.txt").write_text("u3 app\n")
    assert credenza_command("visitor-book").out == "u3 app\n"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("[plugins.visitor_book]\nfil = 1", "[plugins.visitor_book]: there is no setting 'fil'; did you mean 'file'?"),
        (
            "[plugins.visitor_book]\nxyz = 1",
            "[plugins.visitor_book]: there is no setting 'xyz'; the settings are file,",
        ),
        ("[plugins.visitor_book]\nnewest = 'all'", "[plugins.visitor_book]: newest must be a whole number, not 'all'"),
        ("[plugins.visitor_book]\nfile = ['a']", "[plugins.visitor_book]: file must be a text, not ['a']"),
        ("[plugins.visitor_book.file]\nname = 'a'", "[plugins.visitor_book]: file must not be a table"),
        ("[plugins.visitor_bok]\nfile = 'a'", "[plugins.visitor_bok]: no plugin is called 'visitor_bok'; did you mean"),
        ("[plugins.console]\nfile = 'a'", "[plugins.console]: the plugin 'console' has no settings"),
    ],
)
@pytest.mark.parametrize("command", ["plugins", "visitor-book", "migrate"])
def test_what_is_wrong_in_the_file_is_named(
    credenza_command: Run, config: Path, command: str, lines: str, said: str
) -> None:
    config.write_text(lines + "\n")
    done = credenza_command(command)
    assert done.status != 0
    assert f"{config}: {said}" in done.error


def test_check_names_it_too(credenza_command: Run, config: Path) -> None:
    config.write_text("")
    assert credenza_command("migrate").status == 0
    config.write_text("[plugins.visitor_book]\nfil = 1\n")
    done = credenza_command("check")
    assert done.status != 0
    assert f"{config}: [plugins.visitor_book]: there is no setting 'fil'" in done.err


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CREDENZA_PLUGINS_VISITOR_BOOK_FIL", "x", "there is no setting 'fil'; did you mean 'file'?"),
        ("CREDENZA_PLUGINS_VISITOR_BOOK_NEWEST", "all", "newest must be a whole number, not 'all'"),
        ("CREDENZA_PLUGINS_VISITOR_BOK_FILE", "x", "there is no setting 'plugins_visitor_bok_file'; "),
        ("CREDENZA_PLUGINS_CONSOLE_FILE", "x", "the plugin 'console' has no settings"),
    ],
)
def test_a_wrong_variable_is_named(
    credenza_command: Run,
    single_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(variable, value)
    assert f"{variable}: {said}" in credenza_command("plugins").error


def test_the_settings_of_a_disabled_plugin_are_not_read(
    credenza_command: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("[plugins]\ndisabled = ['visitor_book', 'mail']\n\n[plugins.visitor_book]\nfil = 1\n")
    monkeypatch.setenv("CREDENZA_PLUGINS_MAIL_COLOUR", "red")
    assert credenza_command("plugins").status == 0


# -- secrets ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def webhook(single_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = single_file.with_name("signed_webhook.py")
    shutil.copy(EXAMPLES / "signed_webhook.py", path)
    path.chmod(0o600)
    monkeypatch.setenv("CREDENZA_PLUGINS_PATH", str(path))


@pytest.mark.parametrize("value", [f"['{KEY}']", f"{{ first = '{KEY}' }}"])
def test_a_secret_of_a_wrong_type_is_not_shown(credenza_command: Run, config: Path, webhook: None, value: str) -> None:
    config.write_text(f"[plugins.signed_webhook]\nkey = {value}\n")
    error = credenza_command("plugins").error
    assert f"{config}: [plugins.signed_webhook]: key must " in error
    assert KEY not in error


def test_ours_are_not_shown_either(credenza_command: Run, config: Path) -> None:
    config.write_text(f"smtp_url = ['smtp://mail:{KEY}@mail.example.com']\n")
    error = credenza_command("plugins").error
    assert f"{config}: smtp_url must be a text" in error
    assert KEY not in error


@pytest.mark.parametrize(("line", "told"), [(f"key = '{KEY}'", True), ("address = ''", False)])
def test_check_is_not_content_with_one_that_others_can_read(
    credenza_command: Run, config: Path, webhook: None, line: str, told: bool
) -> None:
    config.write_text(f"[plugins.signed_webhook]\n{line}\n")
    config.chmod(0o644)
    complaint = f"{config} holds secrets and can be read by others"
    assert (complaint in credenza_command("check").err) is told
    config.chmod(0o600)
    assert complaint not in credenza_command("check").err


def test_what_the_plugin_says_is_wrong_is_told_with_the_place(
    credenza_command: Run, config: Path, webhook: None
) -> None:
    config.write_text("[plugins.signed_webhook]\naddress = 'https://events.example.com/'\nkey = 'short-key'\n")
    error = credenza_command("plugins").error
    assert f"{config}: [plugins.signed_webhook]: key: at least 32 random characters" in error
    assert "short-key" not in error


def test_it_is_told_with_the_variable_where_that_is_wrong(
    credenza_command: Run, config: Path, webhook: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("[plugins.signed_webhook]\naddress = 'https://events.example.com/'\n")
    monkeypatch.setenv("CREDENZA_PLUGINS_SIGNED_WEBHOOK_KEY", "short-key")
    error = credenza_command("plugins").error
    assert "CREDENZA_PLUGINS_SIGNED_WEBHOOK_KEY: key: at least 32 random characters" in error
