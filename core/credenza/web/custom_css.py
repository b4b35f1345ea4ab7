"""Custom CSS from the console is not trusted: it is parsed, and only what is on these lists is written out again.

Nothing that is listed can load, move, cover or hide anything, or make text unreadable: text and grounds take their
colours from variables, whose pairs are measured. OWASP ASVS V1.3.5, SECURITY.md R-BR-09.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import tinycss2

from .branding import LEAST_CONTRAST, contrast, nearest_readable
from .css_selectors import SCHEMES, clean_selector, media_query, tokens
from .css_values import PROPERTIES, SURFACES, TEXTS, VARIABLES, Check, colors_among
from .palette import Palette, is_root, opaque

MOST = 50_000  # characters
PAIRS = (
    ("--foreground", "--background"),
    ("--foreground", "--card"),
    ("--foreground", "--muted"),
    ("--foreground", "--accent"),
    ("--card-foreground", "--background"),
    ("--card-foreground", "--card"),
    ("--card-foreground", "--muted"),
    ("--muted-foreground", "--background"),
    ("--muted-foreground", "--card"),
    ("--muted-foreground", "--muted"),
    ("--accent-foreground", "--accent"),
    ("--primary", "--background"),
    ("--primary", "--card"),
    ("--primary", "--muted"),
    ("--primary-foreground", "--primary"),
    ("--destructive", "--card"),
    ("--warning", "--card"),
)
# In a layer: there `!important` wins over everything outside, and nothing of ours or a theme's needs it.
GUARD = (
    "@layer credenza-guard { body.page .btn:not([data-variant]) "
    "{ color: var(--primary-foreground) !important; background: var(--primary) !important } }\n"
)


class UnusableCss(Exception):
    """The message is for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was left out, with its line and why."""

    line: int
    text: str


@dataclass(slots=True)
class CleanCss:
    """What is left, and what was left out."""

    content: str = ""
    remarks: list[Remark] = field(default_factory=list)


def clean_css(source: str, palette: Palette) -> CleanCss:
    """What may be served of somebody's CSS. `palette` is that of the theme it comes after. Raises UnusableCss."""
    if len(source) > MOST:
        raise UnusableCss(f"Custom CSS has at most {MOST:,} characters.")
    if not source.strip():
        return CleanCss()
    try:
        return _Cleaner(palette).clean(source)
    except RecursionError as error:
        raise UnusableCss("The brackets are nested too deeply.") from error


class _Cleaner:
    def __init__(self, palette: Palette) -> None:
        self._remarks: list[Remark] = []
        self._colors = {"light": dict(palette.light), "dark": dict(palette.dark)}
        self._set: dict[tuple[str, str], tuple[str, int]] = {}  # scheme and variable: value and line
        self._rules: list[str] = []

    def clean(self, source: str) -> CleanCss:
        for rule in tinycss2.parse_stylesheet(source, skip_comments=True, skip_whitespace=True):
            self._rule(rule, "")
        self._measure()
        content = self._variables() + "".join(self._rules)
        if "<" in content:  # it may stand inside of HTML
            raise UnusableCss("The character < has no place in CSS.")
        if content:
            content = GUARD + content
        return CleanCss(content, sorted(self._remarks, key=lambda remark: remark.line)[:50])

    def _leave_out(self, node: Any, text: str) -> None:
        self._remarks.append(Remark(node.source_line, text))

    def _rule(self, rule: Any, media: str) -> None:
        if rule.type == "qualified-rule":
            self._qualified(rule, media)
        elif rule.type == "at-rule" and rule.lower_at_keyword == "media" and not media and rule.content is not None:
            query = media_query(rule.prelude)
            if not query:
                self._leave_out(rule, "A media query may ask for the colour scheme and the width.")
                return
            for inner in tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True):
                self._rule(inner, query)
        elif rule.type == "at-rule":
            self._leave_out(rule, f"@{rule.lower_at_keyword} is not allowed{' here' if media else ''}.")
        else:
            self._leave_out(rule, "This is not CSS.")

    def _qualified(self, rule: Any, media: str) -> None:
        declarations = list(self._declarations(rule.content))
        if is_root(rule.prelude):
            self._root(declarations, media)
            return
        selectors = [clean_selector(part) for part in split(rule.prelude)]
        if not selectors or any(selector is None for selector in selectors):
            self._leave_out(rule, f"The selector “{shown(rule.prelude)}” is not allowed.")
            return
        subjects = {subject for selector in selectors if selector is not None for subject in selector.subjects}
        kept = [text for declaration in declarations if (text := self._declaration(declaration, subjects))]
        if kept:
            prelude = ", ".join(selector.text for selector in selectors if selector is not None)
            text = f"{prelude} {{ {'; '.join(kept)} }}\n"
            self._rules.append(f"@media {media} {{ {text.strip()} }}\n" if media else text)

    def _declarations(self, content: Iterable[Any]) -> Iterator[Any]:
        for item in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
            if item.type == "declaration":
                yield item
            else:
                self._leave_out(item, "Only declarations may stand in a rule: no rules, and no mistakes.")

    def _declaration(self, declaration: Any, subjects: set[str]) -> str:
        """A property with its value, as it is written out; empty when it is left out."""
        name = declaration.lower_name
        check = PROPERTIES.get(name)
        if check is None:
            self._leave_out(declaration, f"“{name}” is not allowed.")
        elif name in ("color", "background", "background-color") and not subjects <= (
            TEXTS if name == "color" else SURFACES
        ):
            self._leave_out(declaration, f"“{name}” is not allowed for this selector; set a variable in :root.")
        elif not self._fits(check, declaration):
            self._leave_out(declaration, f"“{shown(declaration.value)}” is not allowed for “{name}”.")
        else:
            return f"{name}: {serialized(declaration.value)}"
        return ""

    def _fits(self, check: Check, declaration: Any) -> bool:
        return check(tokens(declaration.value))

    def _root(self, declarations: Sequence[Any], media: str) -> None:
        schemes = [s for s in SCHEMES if media == f"(prefers-color-scheme: {s})"] or ([] if media else list(SCHEMES))
        for declaration in declarations:
            check = VARIABLES.get(declaration.name)
            if check is None:
                self._leave_out(declaration, f"“{declaration.name}” is not one of the variables.")
            elif not schemes:
                self._leave_out(declaration, "Variables are set for all widths.")
            elif not self._fits(check, declaration):
                self._leave_out(declaration, f"“{shown(declaration.value)}” is not allowed for “{declaration.name}”.")
            else:
                for scheme in schemes:
                    color = opaque(declaration.value)
                    self._set[scheme, declaration.name] = (
                        color or serialized(declaration.value),
                        declaration.source_line,
                    )

    def _measure(self) -> None:
        """Leave out colours that cannot be read on each other, with the figure and the nearest that could."""
        for scheme in SCHEMES:
            for _ in range(len(PAIRS)):
                colors = self._colors[scheme] | {n: value for (s, n), (value, _) in self._set.items() if s == scheme}
                if not self._drop_unreadable(scheme, colors):
                    break
            self._measure_page(scheme)

    def _drop_unreadable(self, scheme: str, colors: dict[str, str]) -> bool:
        for text, ground in PAIRS:
            mine = [name for name in (text, ground) if (scheme, name) in self._set]
            if not mine or text not in colors or ground not in colors:
                continue
            ratio = contrast(colors[text], colors[ground])
            if ratio < LEAST_CONTRAST:
                name = mine[0]
                value, line = self._set.pop((scheme, name))
                other = colors[ground if name == text else text]
                self._remarks.append(
                    Remark(
                        line,
                        f"{scheme.capitalize()}: {text} on {ground} is {ratio:.2f}:1, and text needs "
                        f"{LEAST_CONTRAST}:1. For “{name}” the nearest to {value} that passes is "
                        f"{nearest_readable(value, (other,))}.",
                    )
                )
                return True
        return False

    def _measure_page(self, scheme: str) -> None:
        """What is painted behind the card carries the footer."""
        if (scheme, "--page") not in self._set:
            return
        value, line = self._set[scheme, "--page"]
        colors = self._colors[scheme] | {n: v for (s, n), (v, _) in self._set.items() if s == scheme}
        for color in colors_among(value):
            for text in ("--foreground", "--muted-foreground"):
                if text in colors and (ratio := contrast(colors[text], color)) < LEAST_CONTRAST:
                    del self._set[scheme, "--page"]
                    self._remarks.append(
                        Remark(line, f"{scheme.capitalize()}: {text} on {color} in “--page” is {ratio:.2f}:1.")
                    )
                    return

    def _variables(self) -> str:
        text = ""
        for scheme in SCHEMES:
            said = "; ".join(f"{name}: {value}" for (s, name), (value, _) in self._set.items() if s == scheme)
            if said:
                text += f"@media (prefers-color-scheme: {scheme}) {{ :root {{ {said} }} }}\n"
        return text


def split(prelude: Iterable[Any]) -> list[list[Any]]:
    """At the commas."""
    parts: list[list[Any]] = [[]]
    for token in prelude:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def serialized(value: Iterable[Any]) -> str:
    return " ".join(str(tinycss2.serialize(value)).split())


def shown(value: Iterable[Any]) -> str:
    text = serialized(value)
    return text if len(text) <= 60 else text[:59] + "…"
