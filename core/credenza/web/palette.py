"""The colours of a stylesheet, by scheme: what its variables are in the light and in the dark. CSS Variables §2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import tinycss2
import tinycss2.color4

Variables = Mapping[str, str]  # names with their dashes to colours like #1f5aa6


@dataclass(frozen=True, slots=True)
class Palette:
    """Variables that are colours. What is said for the light holds in the dark, unless that says something else."""

    light: Variables = field(default_factory=dict)
    dark: Variables = field(default_factory=dict)

    def grounds(self, scheme: str) -> tuple[str, ...]:
        """What text stands on: the card, and the page behind it."""
        colors = self.dark if scheme == "dark" else self.light
        return tuple(dict.fromkeys(colors[name] for name in ("--card", "--background") if name in colors))


def palette_of(sheets: Iterable[str]) -> Palette:
    """Of stylesheets that follow each other. Only what stands in `:root` counts, and opaque colours."""
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    for sheet in sheets:
        for always, colors in said_in(sheet):
            light |= colors if always else {}
            dark |= colors
    return Palette(light, dark)


@lru_cache(maxsize=32)
def said_in(sheet: str) -> tuple[tuple[bool, Variables], ...]:
    """What a stylesheet says of colours, in its order: always, or in the dark only. Every theme begins with ours."""
    said: list[tuple[bool, Variables]] = []
    for rule in tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True):
        if rule.type == "qualified-rule" and is_root(rule.prelude):
            said.append((True, colors_in(rule.content)))
        elif rule.type == "at-rule" and rule.lower_at_keyword == "media" and is_for(rule.prelude, "dark"):
            rules = tinycss2.parse_rule_list(rule.content or [], skip_comments=True, skip_whitespace=True)
            roots = [inner for inner in rules if inner.type == "qualified-rule" and is_root(inner.prelude)]
            said += [(False, colors_in(root.content)) for root in roots]
    return tuple(said)


def is_root(prelude: Iterable[Any]) -> bool:
    words: str = tinycss2.serialize(prelude).strip()
    return words == ":root"


def is_for(prelude: Iterable[Any], scheme: str) -> bool:
    """Whether a media query is the one for this scheme, and nothing besides."""
    words: str = "".join(tinycss2.serialize(prelude).split())
    return words == f"(prefers-color-scheme:{scheme})"


def colors_in(content: Iterable[Any]) -> dict[str, str]:
    declarations = tinycss2.parse_declaration_list(content, skip_comments=True, skip_whitespace=True)
    return {
        declaration.name: color
        for declaration in declarations
        if declaration.type == "declaration"
        and declaration.name.startswith("--")
        and (color := opaque(declaration.value)) is not None
    }


def opaque(value: Iterable[Any]) -> str | None:
    """One opaque colour as #rrggbb; None for anything else."""
    tokens = [token for token in value if token.type not in ("whitespace", "comment")]
    color, alpha = color_of(tokens[0]) if len(tokens) == 1 else ("", 0.0)
    return color if color and alpha == 1 else None


def color_of(token: Any) -> tuple[str, float]:
    """A colour that sRGB can show as #rrggbb, and how opaque it is (0 to 1); empty for anything else."""
    color = tinycss2.color4.parse_color(token)
    if color is None or color == "currentcolor":
        return "", 0.0
    try:
        red, green, blue, alpha = color.to("srgb")
    except NotImplementedError:  # a space of its own, like oklch
        return "", 0.0
    channels = (round(min(max(float(channel or 0), 0.0), 1.0) * 255) for channel in (red, green, blue))
    return "#" + "".join(f"{channel:02x}" for channel in channels), float(alpha)
