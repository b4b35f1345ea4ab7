"""`pytest --credenza-plugin NAME`: what every plugin promises, checked on each object that it registers."""

from __future__ import annotations

import os
import re
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import forked
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/plugins/examples"
SINGLE_FILES = ["staff_directory.py", "kiosk_client.py", "opening_hours.py"]
INSTALLED = ["defaults", *sorted(entry.name for entry in entry_points(group="credenza"))]


def run(folder: Path, *plugins: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CREDENZA_", "PYTEST_"))}
    options = ["-q", "-rfEps", "-p", "no:randomly", "-p", "no:cacheprovider"]
    named = [word for plugin in plugins for word in ("--credenza-plugin", plugin)]
    return forked.run_pytest([*options, *named], env=env, cwd=folder)


def written(folder: Path, text: str) -> str:
    path = folder / "careless.py"
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


@pytest.mark.slow
def test_ours_pass(tmp_path: Path) -> None:
    done = run(tmp_path, *INSTALLED)
    assert done.returncode == 0, done.stdout + done.stderr
    for plugin in INSTALLED:
        assert f"PASSED ::test_its_templates_compile[{plugin}]" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("example", SINGLE_FILES)
def test_examples_pass_as_single_files(example: str, tmp_path: Path) -> None:
    copy = tmp_path / example
    copy.write_text((EXAMPLES / example).read_text())
    copy.chmod(0o600)
    done = run(tmp_path, str(copy))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


SCOPES = """
import asyncio
from credenza import Permission, Refused, Scope, ScopeProvider, hookimpl

class Right(ScopeProvider):
    name = title = "right"

    async def catalogue(self):
        return [Scope(Permission(self.name, "", self.name), self.name, claims=(self.name,))]

    async def requested(self, asked):
        return [s for s in await self.catalogue() if s.permission.scope in asked.scopes]

    async def claims(self, subject, permissions, choices):
        return {self.name: 1}

class Elsewhere(Right):
    name = "elsewhere"

    async def catalogue(self):
        return [Scope(Permission("profile", "", self.name), self.name)]

class Wordless(Right):
    name = "wordless"

    async def catalogue(self):
        return [Scope(Permission(self.name, "", self.name), "")]

class Thief(Right):
    name = "thief"

    async def catalogue(self):
        return [Scope(Permission(self.name, "", self.name), "Thief", claims=("sub",))]

class Pushy(Right):
    name = "pushy"

    async def requested(self, asked):
        return await self.catalogue()

class Talkative(Right):
    name = "talkative"

    async def held(self, subject, permissions, choices):
        return {"x": "y"}

class Odd(Right):
    name = "odd"

    async def claims(self, subject, permissions, choices):
        return {self.name: object()}

class Hanging(Right):
    name = "hanging"

    async def access_token_claims(self, subject, audience, choices):
        await asyncio.sleep(600)

class Remote(Right):
    name = "remote"

    async def held(self, subject, permissions, choices):
        raise Refused("crm.example.com cannot be resolved")

@hookimpl
def register_scopes():
    return [Right(), Remote(), Elsewhere(), Wordless(), Thief(), Pushy(), Talkative(), Odd(), Hanging()]
"""
WRONG = {
    "each_scope_of_its_catalogue_is_its_own_and_has_words[elsewhere]": "names another source",
    "each_scope_of_its_catalogue_is_its_own_and_has_words[wordless]": "has no title",
    "each_scope_of_its_catalogue_is_its_own_and_has_words[thief]": "releases a claim of the protocol",
    "a_request_for_nothing_names_nothing_of_it[pushy]": "",
    "a_subject_holds_at_most_what_was_asked_about[talkative]": "it answers about more than it was asked",
    "its_claims_are_json_and_none_of_the_protocols[odd]": "is not JSON serializable",
    "its_claims_for_access_tokens_are_json[hanging]": "TimeoutError",
}
GRANTS = """
from credenza import GrantType, hookimpl

class Careful(GrantType):
    name = "urn:example:careful"

    async def token_response(self, server, request):
        return {"access_token": "…", "token_type": "Bearer"}

class Generous(Careful):
    name = "urn:example:generous"

    async def token_response(self, server, request):
        return {"access_token": "…", "token_type": "Bearer", "id_token": "…"}

class Careless(Careful):
    name = "urn:example:careless"

    async def token_response(self, server, request):
        return {"access_token": request.parameters["ticket"], "token_type": "Bearer"}

@hookimpl
def register_grant_types():
    return [Careful(), Generous(), Careless()]
"""
THEMES = """
from pathlib import Path
from credenza import Theme, hookimpl

HERE = Path(__file__).parent

@hookimpl
def register_themes():
    return [
        Theme(name, name, stylesheets=("any.css",), static=HERE / "static", templates=HERE / name)
        for name in ("careful", "careless")
    ]
"""


@pytest.mark.slow
def test_careless_scope_sources_are_told_what_is_wrong(tmp_path: Path) -> None:
    done = run(tmp_path, written(tmp_path, SCOPES))
    assert done.returncode == 1
    for test, said in WRONG.items():
        assert f"FAILED ::test_{test}" in done.stdout
        assert said in done.stdout
    assert not re.search(r"FAILED .*\[(right|remote)\]", done.stdout)
    assert "remote could not ask: crm.example.com cannot be resolved" in done.stdout


@pytest.mark.slow
def test_careless_grant_types_are_told_what_is_wrong(tmp_path: Path) -> None:
    done = run(tmp_path, written(tmp_path, GRANTS))
    assert done.returncode == 1
    name = "::test_a_grant_type_names_nobody_for_an_empty_request"
    assert f"PASSED {name}[urn:example:careful]" in done.stdout
    assert f"FAILED {name}[urn:example:generous]" in done.stdout
    assert "an application alone has no user" in done.stdout
    assert f"FAILED {name}[urn:example:careless]" in done.stdout


FACTORS = """
from credenza import HeldFactor, SecondFactor, SecondFactorPage, hookimpl

class Careful(SecondFactor):
    name, title, amr = "careful", "Careful", ("pin",)
    right = "1815"

    async def held(self, user):
        return [HeldFactor("The code")]  # everybody's, also of whoever signs in for the checks

    async def page(self, waiting, user):
        return SecondFactorPage(title="Code", action="", csrf_token="", heading="Code")

    async def check(self, waiting, user, form):
        return "" if form.get("code") == self.right else "This is not the code."

    async def reset(self, user):
        return 0

class Careless(Careful):
    name = "careless"
    right = None

class Boolean(Careful):
    name = "boolean"

    async def check(self, waiting, user, form):
        return form.get("code") == self.right

@hookimpl
def register_second_factors():
    return [Careful(), Careless(), Boolean()]
"""


@pytest.mark.slow
def test_careless_second_factors_are_told_what_is_wrong(tmp_path: Path) -> None:
    done = run(tmp_path, written(tmp_path, FACTORS))
    assert done.returncode == 1
    name = "::test_a_second_factor_takes_nothing_for_the_right_answer"
    assert f"PASSED {name}[careful]" in done.stdout
    assert f"FAILED {name}[careless]" in done.stdout
    assert f"FAILED {name}[boolean]" in done.stdout
    assert "2 failed" in done.stdout


TABLE = """
from pathlib import Path
from piccolo.columns import Integer, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table
from credenza import ConsolePage, console_get, hookimpl

class Berth(Table, tablename="careless_berth"):
    id = Varchar(length=40, primary_key=True)
    boat = Varchar(length=80, null=True, default=None)

@console_get("/console/berths", "users:read")
async def berths(visit):
    raise RuntimeError("no berth is free")

@hookimpl
def register_tables():
    folder = str(Path(__file__).parent / "migrations")
    return AppConfig("careless", folder, table_classes=[Berth], migration_dependencies=["credenza.store.piccolo_app"])

@hookimpl
def console_pages():
    return ConsolePage("Berths", "/console/berths", (berths,))
"""
MIGRATION = """
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import Integer, Varchar
from credenza import NewTable

ID, VERSION, DESCRIPTION = "0001", "1.38.0", "Berths."

async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="careless", description=DESCRIPTION)
    table = NewTable(manager, "Berth", "careless_berth")
    table.column("id", Integer, primary_key=True)
    table.column("boat", Varchar, length=80, null=True, default=None)
    return manager
"""


@pytest.mark.slow
def test_a_table_that_is_not_what_its_class_says_and_a_page_that_fails_are_told(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "__init__.py").write_text("")
    (tmp_path / "migrations" / "m0001_berths.py").write_text(MIGRATION)
    done = run(tmp_path, written(tmp_path, TABLE))
    assert done.returncode == 1
    assert "FAILED ::test_its_migrations_make_what_its_classes_describe[careless]" in done.stdout
    assert "Berth: what the migrations made, and the class" in done.stdout
    assert "FAILED ::test_a_page_of_the_console_without_parameters_does_not_fail[careless]" in done.stdout
    assert "2 failed" in done.stdout


@pytest.mark.slow
def test_a_template_with_an_undefined_variable_is_told(tmp_path: Path) -> None:
    templates = {
        "careful": '{% extends "core:consent.html" %}',
        "careless": '{% extends "core:consent.html" %}{% block header %}{{ page.nonsense }}{% endblock %}',
    }
    for theme, template in templates.items():
        (tmp_path / theme).mkdir()
        (tmp_path / theme / "consent.html").write_text(template)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "any.css").write_text("")
    done = run(tmp_path, written(tmp_path, THEMES))
    assert done.returncode == 1
    assert "FAILED ::test_every_page_renders_in_a_theme[careless]" in done.stdout
    assert "nonsense" in done.stdout
    assert "PASSED ::test_every_page_renders_in_a_theme[careful]" in done.stdout
    assert "1 failed" in done.stdout


LOOKS = """
from pathlib import Path
from credenza import Theme, hookimpl

HERE = Path(__file__).parent

@hookimpl
def register_themes():
    return [Theme(name, name, ("any.css",), HERE / name) for name in ("careful", "careless")]
"""


@pytest.mark.slow
def test_a_stylesheet_without_its_font_or_with_text_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    rules = {
        "careful": ':root { --radius: 0; } body { background: url("wave.svg?2#top"), url(data:,) }',
        "careless": ":root { --primary: #ffd; } @font-face { font-family: Any; src: url(any.woff2) }",
    }
    for theme, css in rules.items():
        (tmp_path / theme).mkdir()
        (tmp_path / theme / "any.css").write_text(css)
    (tmp_path / "careful" / "wave.svg").write_text("<svg/>")
    done = run(tmp_path, written(tmp_path, LOOKS))
    assert done.returncode == 1
    assert "FAILED ::test_a_themes_stylesheets_name_files_that_are_there[careless]" in done.stdout
    assert "any.css: there is no any.woff2" in done.stdout
    assert "FAILED ::test_the_text_of_a_theme_can_be_read[careless]" in done.stdout
    assert "light: --primary on --background is" in done.stdout
    assert "2 failed" in done.stdout


def test_a_plugin_that_stops_the_start_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, written(tmp_path, "import no_such_module"))
    assert done.returncode == 2
    assert "cannot be loaded" in done.stdout + done.stderr


def test_a_plugin_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "nobody")
    assert done.returncode == 2
    assert "no plugin is called 'nobody'; installed are account" in done.stdout + done.stderr


def test_two_files_are_refused_as_a_server_takes_one(tmp_path: Path) -> None:
    done = run(tmp_path, written(tmp_path, ""), str(EXAMPLES / "kiosk_client.py"))
    assert done.returncode == 2
    assert "one file at a time" in done.stdout + done.stderr
