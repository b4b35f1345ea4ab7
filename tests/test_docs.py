"""The documentation is held to the code. `python docs/generate.py` mends what these tests find."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

from credenza.protocol.clients import Branding
from credenza.settings import OF_PLUGINS, OTHER_VARIABLES, Settings
from credenza.state import applications, users
from credenza_organizations.state import organizations, template
from credenza_profile import PROFILE_CLAIMS, SCOPES
from credenza_resources.state import api_resources, roles

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load()


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_reference_page_is_as_the_code_is(name: str) -> None:
    assert (DOCS / name).read_text() == generate.PAGES[name](), "run `python docs/generate.py`"


@pytest.mark.parametrize("path", generate.handwritten(), ids=lambda path: str(path.relative_to(ROOT)))
def test_code_blocks_are_as_the_files_are(path: Path) -> None:
    assert path.read_text() == generate.with_code(path), "run `python docs/generate.py`"


def test_each_paragraph_of_the_changelog_stands_by_itself() -> None:
    """Two changes that meet there are easily joined without the line between them."""
    assert re.findall(r"(?<!\n)\n\*\*.*", (ROOT / "CHANGELOG.md").read_text()) == []


def test_every_line_of_the_security_standard_has_a_test_or_a_reason() -> None:
    import security_table

    assert security_table.gaps() == []


def test_every_macro_has_a_meaning() -> None:
    import page_fields

    for templates in (page_fields.CORE_TEMPLATES, page_fields.CONSOLE_TEMPLATES):
        found = page_fields.macros(templates)
        assert found
        assert not [call for call, meaning in found if not meaning]


def test_every_setting_has_a_meaning() -> None:
    assert set(generate.SETTINGS) == {f.name for f in fields(Settings)} - OF_PLUGINS


def test_every_field_of_a_page_and_every_block_has_a_meaning() -> None:
    page = (DOCS / "reference/pages.md").read_text()
    core = page[: page.index("## Pages of our plugins")]
    assert not re.findall(r"^\| `\w+` \| .* \|  \|$", core, flags=re.MULTILINE)
    assert "| `groups` | `tuple[ConsentGroup, ...]` | What is asked now. |" in core
    assert "`permissions` (what is asked, and what was allowed before)" in core


@pytest.mark.parametrize("path", sorted((DOCS / "how-to").rglob("*")), ids=lambda path: str(path.relative_to(DOCS)))
def test_how_to_guides_name_settings_that_exist(path: Path) -> None:
    if path.is_dir():
        return
    known = {f"CREDENZA_{f.name.upper()}" for f in fields(Settings)} | OTHER_VARIABLES
    assert set(re.findall(r"CREDENZA_[A-Z0-9_]+", path.read_text())) <= known


def test_the_references_of_docstrings_are_understood() -> None:
    text = "What it is. RFC 6749 §4.1.2.1, §5.2; OpenID Connect Core §3.1.2.1 and Core §11, RFC 7636 §4.5-4.6."
    assert set(generate._named(text)) == {
        ("RFC 6749", "4.1.2.1"),
        ("RFC 6749", "5.2"),
        ("OpenID Connect Core", "3.1.2.1"),
        ("OpenID Connect Core", "11"),
        ("RFC 7636", "4.5"),
        ("RFC 7636", "4.6"),
    }


def test_the_page_on_the_desired_state_file_names_every_key() -> None:
    page = (DOCS / "reference/state.md").read_text()
    resources = (api_resources.API, api_resources.PERMISSION, roles.ROLE)
    plugins = (*resources, template.ROLE, organizations.ORGANIZATION, organizations.MEMBER)
    keys = {key for members in (users.MEMBERS, applications.MEMBERS, *plugins) for key in members}
    keys |= {f.name for f in fields(Branding)}
    assert not [key for key in sorted(keys) if f"`{key}`" not in page]


@pytest.mark.parametrize("path", generate.handwritten(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), target


def test_every_page_can_be_reached_from_the_first_one() -> None:
    reached: set[Path] = set()
    ahead = [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        ahead += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert set(DOCS.rglob("*.md")) <= reached


def test_every_scope_of_the_profile_is_listed_for_application_developers_with_its_claims() -> None:
    page = (DOCS / "how-to/applications.md").read_text()
    table = page[page.index("| scope | releases") : page.index("A claim without a value")]
    for scope in SCOPES:
        assert f"`{scope.permission.scope}`" in table
    for claim in PROFILE_CLAIMS:
        assert f"`{claim}`" in table
