"""A made-up language that is written from right to left, as a plugin brings it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from credenza.__main__ import main

ALPHABET = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ابتثجحخدذرزسشصضطظعغفقكلمنه")
MODULE = '''"""Brings a language: nothing but a folder of catalogues."""

from pathlib import Path

locales = Path(__file__).parent / "locales"
'''


def in_arabic_letters(sentence: str) -> str:
    """Each letter replaced, so that nothing is left that somebody forgot; what is filled in stays."""
    parts = re.split(r"(%\(\w+\)s)", sentence)
    return "".join(part if part.startswith("%(") else part.lower().translate(ALPHABET) for part in parts)


@pytest.fixture(scope="session")
def arabic_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a plugin with a complete catalogue: the core's sentences, and those of the plugins beside it."""
    package = tmp_path_factory.mktemp("arabic")
    (package / "arabic.py").write_text(MODULE)
    assert main(["plugin", "messages", str(package), "--language", "ar", "--whole"]) == 0
    (path,) = package.glob("locales/ar/LC_MESSAGES/*.po")
    with path.open("rb") as file:
        catalogue = read_po(file)
    for message in catalogue:
        if message.id:
            forms = catalogue.num_plurals
            said = (
                [in_arabic_letters(message.id[-1])] * forms if message.pluralizable else in_arabic_letters(message.id)
            )
            message.string = tuple(said) if message.pluralizable else said
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
    return package / "arabic.py"
