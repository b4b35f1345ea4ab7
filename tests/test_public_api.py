"""What plugins rely on does not change in silence. docs/explanation/compatibility.md."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import credenza

ROOT = Path(__file__).parents[1]
SNAPSHOT = ROOT / "docs/reference/api.txt"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_public_api", ROOT / "docs/public_api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


public_api = load()


def test_the_public_api_is_as_it_was_written_down() -> None:
    """`python docs/generate.py` writes it afresh when the CHANGELOG names what differs."""
    changed = public_api.differing(SNAPSHOT.read_text(), public_api.snapshot())
    assert not changed, "name these in the newest section of CHANGELOG.md, and run `python docs/generate.py`"


BEFORE = (
    "Theme(name: str)\nTheme.name: str\nfetch(url: str)\n"
    "hook choose_theme(client: Client | None, path: str) -> str | None\n"
)


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (BEFORE, set()),
        (BEFORE.replace("fetch(url: str)\n", ""), {"fetch"}),
        (BEFORE + "invite(email: str)\n", {"invite"}),
        (BEFORE.replace(", path: str", ""), {"choose_theme"}),
        (BEFORE.replace("Theme.name: str", "Theme.name: bytes"), {"Theme.name"}),
    ],
)
def test_a_name_that_comes_goes_or_changes_is_noticed(after: str, names: set[str]) -> None:
    assert public_api.differing(BEFORE, after) == names


def test_the_newest_section_of_the_changelog_has_to_name_it() -> None:
    changelog = "# Changes\n\n## 0.2.0\n\n`fetch()` is gone; `Theme` has an `order`.\n\n## 0.1.0\n\n`invite` is new.\n"
    assert public_api.unmentioned({"fetch", "Theme.name", "choose_theme", "invite"}, changelog) == [
        "choose_theme",
        "invite",
    ]


def test_a_real_change_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = public_api.snapshot()
    monkeypatch.setattr(credenza, "__all__", [name for name in credenza.__all__ if name != "new_id"])
    monkeypatch.setattr(credenza.Theme, "wear", lambda self: None, raising=False)
    assert public_api.differing(before, public_api.snapshot()) == {"new_id", "Theme.wear"}


def test_what_is_public_is_there_once_and_explained() -> None:
    assert len(set(credenza.__all__)) == len(credenza.__all__)
    for name, thing in public_api.public().items():
        if inspect.isclass(thing) and thing.__module__.startswith("credenza"):
            assert (inspect.getdoc(thing) or "").strip(), name
    for name, hook in public_api.hooks().items():
        assert inspect.getdoc(hook), name


def test_the_hooks_of_our_plugins_are_watched_too() -> None:
    assert {"choose_theme", "console_pages", "account_sections"} <= public_api.hooks().keys()


@pytest.mark.parametrize(
    "name", ["Authenticator", "ClientSource", "GrantType", "Mailer", "Prompt", "ScopeProvider", "SecondFactor"]
)
def test_what_an_object_of_a_plugin_is_given_can_be_named(name: str) -> None:
    kind = getattr(credenza, name)
    ours = {thing.__name__ for thing in vars(credenza.objects).values() if inspect.isclass(thing)}
    for method, function in inspect.getmembers(kind, inspect.isfunction):
        for word in re.findall(r"[A-Z]\w+", public_api.signature(function)):
            assert word not in ours or word in credenza.__all__, f"{name}.{method} takes or returns {word}"


def test_the_page_says_nothing_about_strings_as_such() -> None:
    """Constants, type aliases and attributes of classes are explained below the line that makes them."""
    page = public_api.page()
    assert "str(object=" not in page
    assert "dict(mapping)" not in page
    assert "The class of a sign-in with two factors." in page
    assert "- `steady: ClassVar[bool] = False`: Whether `catalogue`" in page


def test_the_page_has_every_name() -> None:
    page = (ROOT / "docs/reference/api.md").read_text()
    assert page.endswith(public_api.page()), "run `python docs/generate.py`"
    assert sorted(re.findall(r"^### `(\w+)`$", page, flags=re.MULTILINE)) == sorted(credenza.__all__)


def test_what_is_called_check_raises() -> None:
    """STYLE: and answers with no sentence, which whoever calls it may forget to look at."""
    answering = [
        f"{path.relative_to(ROOT)}: {function.name}"
        for root in ("core", "console", "plugins")
        for path in (ROOT / root).rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and re.match("_?check_", function.name)
        and ast.unparse(function.returns or ast.Constant(None)) in ("str", "str | None", "dict[str, str]")
        and not any(re.search(r"^\s*raise|\bcheck_\w+\(", ast.unparse(part), re.MULTILINE) for part in function.body)
    ]
    assert answering == []
