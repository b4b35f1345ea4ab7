"""Which theme a page wears, and with whose colours: merged in the order provider, application, what the user chose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from pathlib import Path

from ..objects import Theme
from ..protocol.clients import Branding
from .branding import colors_name
from .pages import Look
from .palette import Palette, palette_of
from .static import StaticFiles

CORE = Path(__file__).parent / "static"
DEFAULT_THEME = "plain"
BARE = "-"  # no theme at all, only what the core brings


class Wardrobe:
    """The themes of one server: their files and their colours."""

    def __init__(self, themes: Iterable[Theme]) -> None:
        self.themes = {theme.name: theme for theme in themes}
        self.files = {"core": StaticFiles("/static", CORE)}
        for theme in self.themes.values():
            if theme.static is not None:
                self.files[f"theme:{theme.name}"] = StaticFiles(f"/theme/{theme.name}", theme.static)
        own = self.files["core"].text("credenza.css")
        self._palettes = {"": palette_of([own])}
        for name, theme in self.themes.items():
            sheets = [] if self.missing(name) else [self.files[f"theme:{name}"].text(s) for s in theme.stylesheets]
            self._palettes[name] = palette_of([own, *sheets])

    def missing(self, theme: str) -> str:
        """Which of its stylesheets is not there, in a sentence; empty when all are."""
        files = self.files.get(f"theme:{theme}")
        missing = [name for name in self.themes[theme].stylesheets if files is None or not files.has(name)]
        return f"{', '.join(missing)} is not in its folder `static`" if missing else ""

    def palette(self, theme: str) -> Palette:
        return self._palettes.get(theme) or self._palettes.get(DEFAULT_THEME) or self._palettes[""]

    def usable(self, theme: str) -> bool:
        return theme in self.themes and not self.missing(theme)

    def picked(self, look: Look) -> tuple[str, int]:
        """The theme of the last in order that picked one, and its place there: colours of earlier ones are dropped."""
        if self.usable(look.theme):
            return look.theme, len(_levels(look))
        for place, branding in reversed(list(enumerate(_levels(look)))):
            if branding is not None and self.usable(branding.theme):
                return branding.theme, place
        return DEFAULT_THEME if self.usable(DEFAULT_THEME) else "", 0

    def dressed(self, look: Look, theme: str = "") -> tuple[Look, str]:
        """The look with the addresses of its stylesheets, and the theme's name; in `theme` when that is given."""
        if theme == BARE:
            return self.bare(look)
        worn, place = (theme, 0) if self.usable(theme) else self.picked(look)
        files = self.files.get(f"theme:{worn}")
        sheets = [files.address(name) for name in self.themes[worn].stylesheets] if files is not None else []
        sheets += self._colors(look, place, worn)
        if look.provider.stylesheet and place == 0 and not theme:
            sheets.append(look.provider.stylesheet)
        return replace(look, stylesheets=tuple(sheets)), worn

    def bare(self, look: Look) -> tuple[Look, str]:
        """Only the colours: for pages that must work whatever was picked."""
        return replace(look, stylesheets=tuple(self._colors(look, 0, ""))), ""

    def _colors(self, look: Look, place: int, theme: str) -> list[str]:
        merged = reduce(Branding.then, _levels(look)[place:], Branding())
        name = colors_name(merged, self._palettes[theme])
        return [f"/branding/{name}"] if name else []

    def with_logo(self, branding: Branding) -> Branding:
        """Our own mark, as long as the company has not brought one."""
        if branding.logo or branding.dark_logo:
            return branding
        files = self.files["core"]
        return replace(branding, logo=files.address("credenza.svg"), dark_logo=files.address("credenza-dark.svg"))


def _levels(look: Look) -> tuple[Branding | None, ...]:
    return (look.provider, look.application, look.context)
