"""Which CSS properties and variables custom CSS may set, and to what. What is not here is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import tinycss2

from .palette import color_of, opaque

Check = Callable[[Sequence[Any]], bool]
FONT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,60}")
NO_LETTERS = ("dings", "symbol", "blank", "barcode", "icon", "emoji")  # fonts in which words cannot be read
PIXELS = {"px": 1.0, "rem": 16.0, "em": 16.0}


def named(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLORS = named(
    "--background --foreground --card --card-foreground --muted --muted-foreground --accent --accent-foreground "
    "--primary --primary-foreground --border --input --ring --destructive --warning"
)
# What may take another colour of text, or another ground: words of a selector's last part.
TEXTS = named(
    "body main header footer section p h1 h2 legend label dt dd li summary small strong .intro .title .description "
    ".data .name .small .aside .links .group .field .account .facts .between .or .centred"
)
SURFACES = named(
    "body main header footer section fieldset form li dl details .intro .group .lines .row .account .facts .mark "
    ".stack .field"
)


def is_color(found: Sequence[Any]) -> bool:
    if len(found) != 1:
        return False
    return bool(color_of(found[0])[0]) or _variable(found[0]) in COLORS or words("currentcolor")(found)


def _variable(token: Any) -> str:
    """The variable that `var(--…)` names; empty for anything else, a fallback included."""
    if token.type != "function" or token.lower_name != "var":
        return ""
    inner = [t for t in token.arguments if t.type != "whitespace"]
    return inner[0].value if len(inner) == 1 and inner[0].type == "ident" else ""


def variable(*names: str) -> Check:
    return lambda found: len(found) == 1 and (_variable(found[0]) in names or words("inherit", "transparent")(found))


def text_color(found: Sequence[Any]) -> bool:
    names = ("--foreground", "--card-foreground", "--muted-foreground", "--primary")
    return len(found) == 1 and (_variable(found[0]) in names or words("inherit")(found))


def lengths(least: float, most: float, *, many: int = 4, words: tuple[str, ...] = (), percent: bool = False) -> Check:
    """So many lengths between these, in pixels; an em counts as 16."""

    def one(token: Any) -> bool:
        if token.type == "ident":
            return token.lower_value in words
        if token.type == "percentage":
            return percent and 0 <= token.value <= 100
        if token.type == "number":
            return bool(token.value == 0 and least <= 0)
        return token.type == "dimension" and (
            token.lower_unit in PIXELS and least <= token.value * PIXELS[token.lower_unit] <= most
        )

    return lambda found: 1 <= len(found) <= many and all(one(token) for token in found)


def font_size(found: Sequence[Any]) -> bool:
    """In rem or px: an em inside of an em could become too small to read."""
    return lengths(12, 48, many=1)(found) and found[0].lower_unit in ("rem", "px")


def words(*allowed: str) -> Check:
    return lambda found: 1 <= len(found) <= 3 and all(t.type == "ident" and t.lower_value in allowed for t in found)


def number(least: float, most: float, *allowed: str) -> Check:
    return lambda found: (
        len(found) == 1
        and (
            (found[0].type == "number" and least <= found[0].value <= most)
            or (found[0].type == "ident" and found[0].lower_value in allowed)
        )
    )


def fonts(found: Sequence[Any]) -> bool:
    """Names of fonts that the system has; nothing is loaded."""
    names, name = [], ""
    for token in found:
        if token.type in ("ident", "string"):
            name = f"{name} {token.value}".strip()
        elif token == "," and name:
            names.append(name)
            name = ""
        elif _variable(token) not in ("--font-sans", "--font-mono"):
            return False
        else:
            name = "inherit"
    names.append(name)
    return all(FONT.fullmatch(n) and not any(word in n.lower() for word in NO_LETTERS) for n in names)


def border(found: Sequence[Any]) -> bool:
    styles = ("none", "solid", "dashed", "dotted", "double", "thin", "medium", "thick")
    return 1 <= len(found) <= 3 and all(
        lengths(0, 12, many=1)([t]) or is_color([t]) or words(*styles)([t]) for t in found
    )


def shadow(found: Sequence[Any]) -> bool:
    """Soft shadows outside of a box: so light that no text below them is lost."""
    for token in found:
        if token == "," or lengths(-24, 48, many=1)([token]) or words("none")([token]):
            continue
        color, alpha = color_of(token)
        if not color or alpha > 0.25:
            return False
    return bool(found)


def painting(found: Sequence[Any]) -> bool:
    """`--page`: none, a colour, or gradients of opaque colours."""

    def inside(token: Any) -> bool:
        return (
            token == ","
            or token.type in ("percentage", "dimension", "number")
            or opaque([token]) is not None
            or _variable(token) in ("--background", "--card", "--muted")
            or words("to", "top", "bottom", "left", "right", "center", "at", "circle", "ellipse")([token])
        )

    def one(token: Any) -> bool:
        if token.type == "function" and token.lower_name in ("linear-gradient", "radial-gradient"):
            return all(inside(t) for t in token.arguments if t.type != "whitespace")
        return token == "," or opaque([token]) is not None or words("none")([token])

    return bool(found) and all(one(token) for token in found)


def colors_among(value: str) -> list[str]:
    """The opaque colours in a value, those in gradients too."""
    found, waiting = [], list(tinycss2.parse_component_value_list(value))
    while waiting:
        token = waiting.pop()
        if token.type == "function" and not (color := opaque([token])):
            waiting += token.arguments
        elif color := opaque([token]):
            found.append(color)
    return found


def opaque_color(found: Sequence[Any]) -> bool:
    return opaque(found) is not None


BOX = lengths(0, 48)
SIDES = ("top", "right", "bottom", "left", "block", "inline", "block-start", "block-end", "inline-start", "inline-end")
CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right", "start-start", "start-end", "end-start", "end-end")
GROUND = variable("--background", "--card", "--muted", "--accent")

PROPERTIES: dict[str, Check] = {
    "color": text_color,
    "background": GROUND,
    "background-color": GROUND,
    "border": border,
    "border-color": is_color,
    "border-style": border,
    "border-width": lengths(0, 12),
    "border-radius": lengths(0, 64, percent=True),
    "box-shadow": shadow,
    "column-gap": BOX,
    "font-family": fonts,
    "font-size": font_size,
    "font-style": words("normal", "italic", "oblique"),
    "font-variant": words("normal", "small-caps", "tabular-nums", "lining-nums"),
    "font-weight": number(100, 900, "normal", "bold"),
    "gap": BOX,
    "justify-content": words("start", "end", "center", "flex-start", "flex-end", "space-between"),
    "letter-spacing": lengths(-0.5, 5, many=1, words=("normal",)),
    "line-height": number(1.1, 2.5, "normal"),
    "margin": lengths(0, 48, words=("auto",)),
    "max-inline-size": lengths(280, 960, many=1),
    "max-width": lengths(280, 960, many=1),
    "min-block-size": lengths(0, 96, many=1),
    "min-height": lengths(0, 96, many=1),
    "outline-color": is_color,
    "padding": BOX,
    "row-gap": BOX,
    "text-align": words("start", "end", "center", "left", "right"),
    "text-decoration": words("none", "underline", "dotted", "dashed", "solid", "wavy"),
    "text-decoration-color": is_color,
    "text-transform": words("none", "uppercase", "lowercase", "capitalize"),
    "text-underline-offset": lengths(0, 12, many=1),
    "text-wrap": words("wrap", "balance", "pretty"),
    "word-spacing": lengths(0, 8, many=1, words=("normal",)),
    **{f"border-{side}": border for side in SIDES},
    **{f"border-{side}-color": is_color for side in SIDES},
    **{f"border-{side}-width": lengths(0, 12) for side in SIDES},
    **{f"border-{corner}-radius": lengths(0, 64, percent=True) for corner in CORNERS},
    **{f"margin-{side}": lengths(0, 48, words=("auto",)) for side in SIDES},
    **{f"padding-{side}": BOX for side in SIDES},
}
VARIABLES: dict[str, Check] = {
    **dict.fromkeys(COLORS, opaque_color),
    "--radius": lengths(0, 32, many=1),
    "--card-width": lengths(280, 960, many=1),
    "--font-sans": fonts,
    "--font-mono": fonts,
    "--page": painting,
}
