"""Every catalogue is complete: each sentence of the code and the templates, in each language, with its placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from credenza.commands.messages import collect

ROOT = Path(__file__).parents[2]
LANGUAGES = {"de", "es", "fr", "ja", "zh_Hans"}
PACKAGES = sorted(folder.parent for folder in ROOT.glob("*/*/locales"))
CATALOGUES = [path for package in PACKAGES for path in sorted(package.glob("locales/*/LC_MESSAGES/*.po"))]
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|%.")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_mo(file) if path.suffix == ".mo" else read_po(file)


def sentences(messages: Iterable[Message]) -> dict[Any, Any]:
    """One that a number decides is known by its singular and its plural."""
    return {plain(message.id): plain(message.string) for message in messages if message.id}


def plain(text: Any) -> Any:
    return tuple(text) if isinstance(text, list) else text


def in_singular(message: Any) -> str:
    return str(message[0] if isinstance(message, tuple | list) else message)


def test_every_package_with_sentences_has_catalogues() -> None:
    roots = [path for root in ("core", "plugins", "themes") for path in (ROOT / root).iterdir() if path.is_dir()]
    assert {path.name for path in roots if sentences(collect(path))} == {path.name for path in PACKAGES}


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_every_language_is_there(package: Path) -> None:
    assert {path.name for path in (package / "locales").iterdir() if path.is_dir()} == LANGUAGES


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_the_template_is_as_the_code_is(package: Path) -> None:
    """`make messages` was run."""
    assert sentences(catalogue(package / "locales" / "messages.pot")).keys() == sentences(collect(package)).keys()


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_a_catalogue_is_complete(path: Path) -> None:
    package = path.parents[3]
    found = catalogue(path)
    missing = set(sentences(collect(package))) - {m for m, said in sentences(found).items() if in_singular(said)}
    assert not missing
    assert not [message.id for message in found if message.id and message.fuzzy]
    assert not found.obsolete


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_a_translation_has_the_placeholders_of_its_sentence(path: Path) -> None:
    for message, said in sentences(catalogue(path)).items():
        for form in said if isinstance(said, tuple | list) else [said]:
            assert sorted(PLACEHOLDER.findall(form)) == sorted(PLACEHOLDER.findall(in_singular(message))), message
            assert form == form.strip()


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_a_catalogue_is_compiled(path: Path) -> None:
    """`make messages` was run after the last translation."""
    assert sentences(catalogue(path.with_suffix(".mo"))) == sentences(catalogue(path))
