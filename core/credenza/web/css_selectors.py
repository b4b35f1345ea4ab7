"""Selectors and media queries of custom CSS: what may be chosen, and when. What is not here is left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .css_values import named

SCHEMES = ("light", "dark")
TYPES = named(
    "a body button code dd details div dl dt fieldset footer form h1 h2 header img input label legend li main p "
    "section small span strong summary ul"
)
PSEUDO = named("hover focus focus-visible first-child last-child disabled checked")
ATTRIBUTES = ("data-page", "data-variant")


@dataclass(frozen=True, slots=True)
class Selector:
    """Written out again, below `body.page`. `subjects` are the words of its last part: types and classes."""

    text: str
    subjects: tuple[str, ...]


def clean_selector(part: Sequence[Any]) -> Selector | None:
    """Types, classes and a few states; None for anything else."""
    found = list(part)
    while found and found[-1].type in ("whitespace", "comment"):
        found.pop()
    while found and found[0].type in ("whitespace", "comment"):
        found.pop(0)
    text, after = "", ""
    subjects: list[str] = []
    for token in found:
        if token.type == "comment":
            continue
        if token.type == "whitespace" or (token.type == "literal" and token.value in (">", "+", "~") and not after):
            text += " " if token.type == "whitespace" else token.value
            subjects = []
        elif token.type == "literal" and token.value in (".", ":") and not after:
            text, after = text + token.value, token.value
            continue
        elif token.type == "ident" and _allowed(token.value, after):
            text += token.serialize()
            subjects += [after + token.value] if after != ":" else []
        elif token.type == "[] block" and not after and (attribute := _attribute(token)):
            text += attribute
        else:
            return None
        after = ""
    if not text or after or text[0] in "+~>":
        return None
    for prefix in ("body.page", "body", ".page"):
        if text == prefix or text.startswith((prefix + " ", prefix + ">")):
            return Selector(f"body.page{text.removeprefix(prefix)}", tuple(subjects) or ("body",))
    return Selector(f"body.page {text}", tuple(subjects)) if subjects else None


def _allowed(word: str, after: str) -> bool:
    return word.lower() in (PSEUDO if after == ":" else TYPES) if after != "." else True


def _attribute(token: Any) -> str:
    inner = tokens(token.content)
    if len(inner) != 3 or inner[0].type != "ident" or inner[0].value not in ATTRIBUTES or inner[1] != "=":
        return ""
    value = inner[2].value if inner[2].type in ("ident", "string") else ""
    return f'[{inner[0].value}="{value}"]' if value.replace("-", "").isalnum() else ""


def media_query(prelude: Iterable[Any]) -> str:
    """A condition on the colour scheme or the width, or several with `and`; empty for anything else."""
    parts = []
    for index, token in enumerate(tokens(prelude)):
        if index % 2:
            if token.type != "ident" or token.lower_value != "and":
                return ""
        elif token.type != "() block" or not (condition := _condition(tokens(token.content))):
            return ""
        else:
            parts.append(condition)
    return " and ".join(parts)


def _condition(inner: Sequence[Any]) -> str:
    if len(inner) != 3 or inner[0].type != "ident" or inner[1] != ":":
        return ""
    name, value = inner[0].lower_value, inner[2]
    if name == "prefers-color-scheme" and value.type == "ident" and value.lower_value in SCHEMES:
        return f"({name}: {value.lower_value})"
    if name in ("min-width", "max-width") and value.type == "dimension" and value.lower_unit in ("px", "rem", "em"):
        return f"({name}: {value.serialize()})"
    return ""


def tokens(value: Iterable[Any]) -> list[Any]:
    return [token for token in value if token.type not in ("whitespace", "comment")]
