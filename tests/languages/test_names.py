"""What somebody or something may be called, in any script."""

from __future__ import annotations

import pytest

from credenza import is_name
from credenza.protocol.names import as_typed


@pytest.mark.parametrize(
    "name",
    [
        "Ada",
        "山田\u3000太郎",  # the space of a Japanese keyboard
        "Ada\u00a0Lovelace",  # copied from a web page
        "مس\u200cگر",  # Persian joins some letters and not others
        "अक्\u200dष",
        "👩\u200d💻",
        "Zoe\u0308",
        "\u05d3\u05d5\u05d3",
        "ש\u05c1\u05bc\u05b8\u0591",  # a letter with its dots, its vowel and its accent
        "\u0f56\u0fb7\u0fb2\u0f71\u0f74\u0f83",  # bhrūṃ: two letters of Tibetan below another, two vowels and a sign
        "1\ufe0f\u20e3",
        "x" * 20,
    ],
)
def test_a_name_in_its_own_script_is_one(name: str) -> None:
    assert is_name(name, 20)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u3000",
        "\u200d",
        "\u200c \u200d",  # nobody sees it
        "\u3164\uffa0",  # the filler of Korean: a letter, and the usual name of those who want none
        "\u2800",  # Braille without a dot
        "\U0001d159",  # a note without a head
        "\ufe0f",
        "two\nlines",
        "tab\tbed",
        "nul\0",
        "line\u2028separator",
        "gpj.\u202eexe",  # what follows is read from right to left
        "Ada\u2066",
        "\ufeffAda",
        "\ud800",
        "x" * 21,
        "Ada" + "\u0335" * 5,
        "\u0f40" + "\u0fb5" * 5,  # letters of Tibetan below each other, down into the next lines
        "Ada" + "\u030d\u200d\u0489" * 5,  # which cover the lines above and below
    ],
)
def test_what_nobody_can_read_is_none(name: str) -> None:
    assert not is_name(name, 20)


def test_a_name_is_typed_as_it_is_seen() -> None:
    assert as_typed(" Acme  Corp ") == as_typed("Acme\u00a0Corp") == "Acme Corp"
    assert as_typed("مس\u200cگر") == as_typed("مسگر")
    assert as_typed("AcmeCorp") != as_typed("Acme Corp")
