"""`reference/pages.md`, from the dataclasses of pages and the blocks of their templates."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import Field, fields
from pathlib import Path

from jinja2 import Environment, nodes
from public_api import Meanings
from public_api import meanings as meanings_below

import credenza_account
import credenza_organizations
from credenza import Branding, ConsoleView
from credenza.web import pages
from credenza.web.pages import FormPage, Look, Page

ROOT = Path(__file__).parents[1]
CORE_TEMPLATES = ROOT / "core/credenza/web/templates"
CONSOLE_TEMPLATES = ROOT / "console/credenza_console/templates"
MACRO = re.compile(r"(?:\{#((?:(?!#\}).)*)#\}\n)?\{% macro (.*?) %\}", re.DOTALL)
BRINGING_PAGES = (credenza_account, credenza_organizations)  # loaded, so that their pages are known
BLOCKS = {
    "title": "what the browser's tab says",
    "head": "more for `<head>`",
    "header": "above everything: logos, or an icon",
    "main": "all that is on the card below the header",
    "footer": "below the card",
    "fields": "the inputs of the form",
    "factor": "what a second factor needs beside a code",
    "warnings": "what must stand out",
    "questions": "what must be chosen first",
    "permissions": "what is asked, and what was allowed before",
    "aside": "where the browser goes next, and how to take it back",
    "actions": "the buttons: `decision` with authorize and deny",
    "account": "all that is on the card below the tabs",
}


def pages_page(note: str) -> str:
    meanings = {
        **meanings_below(ROOT / "core/credenza/web/pages.py"),
        **meanings_below(ROOT / "core/credenza/protocol/clients.py"),
    }
    own = [kind for kind in vars(pages).values() if isinstance(kind, type) and kind.__module__ == pages.__name__]
    shown = [kind for kind in own if issubclass(kind, Page) and hasattr(kind, "template")]
    parts = [kind for kind in own if not issubclass(kind, Page) and kind is not Look]
    brought = [
        kind
        for kind in _kinds(Page)
        if kind.__module__.partition(".")[0] in [module.__name__ for module in BRINGING_PAGES]
        and not issubclass(kind, ConsoleView)
        and hasattr(kind, "template")
    ]
    return f"""{note}
# Pages

Every page that users see is a dataclass, and its template gets one variable, `page`. Fields and blocks are added; none
is taken away without notice in the [CHANGELOG](../../CHANGELOG.md). How a theme uses them is told in
[A theme](../plugins/theme.md).

A template of a theme with the name of one of these replaces it, and may extend it:
`{{% extends "core:consent.html" %}}`. All of them extend `page.html`, whose blocks they have too:
{_blocks(CORE_TEMPLATES / "page.html")}.

## Macros

What several pages draw in the same way. `{{% import "macros.html" as ui %}}` makes them `ui.icon("key")`, and so on.

{_macros(CORE_TEMPLATES)}

Pages of the console have others, with `{{% import "console:macros.html" as ui %}}`. Those with a *caller* stand in
`{{% call ui.empty("Nothing yet") %}}…{{% endcall %}}`.

{_macros(CONSOLE_TEMPLATES)}

## Icons

{_icons()}.

They are [Lucide](https://lucide.dev)'s. A theme brings more, or draws one of these its own way, as `icons/<name>.svg`
in its folder of templates: the content of the file is put into the page, and `stroke="currentColor"` takes the colour
of the text. A name that there is no file for shows the key.

## What all pages have

{_sections_of((Page, FormPage, Look, Branding), meanings)}
## The pages

{_sections_of(shown, meanings)}
## Parts of pages

{_sections_of(parts, meanings)}
## Pages of our plugins

{_sections_of(brought, meanings)}"""


def macros(templates: Path) -> list[tuple[str, str]]:
    """Of `macros.html`: how each is called, and what stands above it."""
    found = MACRO.findall((templates / "macros.html").read_text())
    return [(call, " ".join(meaning.split())) for meaning, call in found]


def _macros(templates: Path) -> str:
    return "\n".join(
        ["| macro | draws |", "|---|---|", *(f"| `{call}` | {text} |" for call, text in macros(templates))]
    )


def _icons() -> str:
    return textwrap.fill(", ".join(f"`{path.stem}`" for path in sorted((CORE_TEMPLATES / "icons").glob("*.svg"))), 118)


def _kinds(kind: type[Page]) -> list[type[Page]]:
    return [kind, *(found for sub in kind.__subclasses__() for found in _kinds(sub))]


def _sections_of(kinds: Iterable[type], meanings: Meanings) -> str:
    return "\n".join(_section_of(kind, meanings) for kind in kinds)


def _section_of(kind: type, meanings: Meanings) -> str:
    words = [" ".join((kind.__doc__ or "").split())]
    if issubclass(kind, Page) and hasattr(kind, "template"):
        words.append(f'\nTemplate `{kind.template}`, `data-page="{kind.name}"`.')
        words += ["It has the fields of `FormPage` too."] if issubclass(kind, FormPage) else []
        blocks = _blocks((kind.folder or CORE_TEMPLATES) / kind.template)
        words += [f"Blocks: {blocks}."] if blocks else []
    own = [f for f in fields(kind) if f.name in kind.__annotations__]
    rows = "".join(f"| `{f.name}` | {_type(f)} | {meanings.get((kind.__name__, f.name), '')} |\n" for f in own)
    table = f"\n| field | type | meaning |\n|---|---|---|\n{rows}" if rows else ""
    return f"### `{kind.__name__}`\n\n" + "\n".join(words) + "\n" + table


def _type(f: Field[object]) -> str:
    return f"`{f.type}`".replace("|", "\\|")


def _blocks(path: Path) -> str:
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(path.read_text())  # noqa: S701  # nothing is rendered
    return ", ".join(f"`{block.name}` ({BLOCKS[block.name]})" for block in tree.find_all(nodes.Block))
