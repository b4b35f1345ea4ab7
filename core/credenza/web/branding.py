"""What a brand may be: colours that can be read, addresses that can be linked. WCAG 2.2 §1.4.3."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable, Mapping

from ..protocol.clients import Branding
from ..protocol.names import name_mistake
from ..protocol.redirect_uris import check_web_uri
from .palette import Palette

COLOR = re.compile(r"#[0-9a-fA-F]{6}")
LEAST_CONTRAST = 4.5
# What links stand on in the plain theme, in light and in dark; the text on a button is chosen to fit its colour.
PLAIN = Palette({"--card": "#ffffff"}, {"--card": "#12161b", "--background": "#06090d"})
SCHEMES = {"light": "primary_color", "dark": "dark_primary_color"}
INKS = ("#ffffff", "#06101e")
NAME = re.compile(r"[0-9a-f]{6}(-[0-9a-f]{6}){3}\.css")
LONGEST = {"provider": 100, "application": 200, "context": 200}  # characters of a display name


def check_branding(branding: Mapping[str, str], palette: Palette = PLAIN) -> None:
    """Raise ValueError, with a sentence, for a colour that cannot be read or an address that cannot be linked.

    `palette` is that of the theme in which the colours will be seen.
    """
    for scheme, name in SCHEMES.items():
        if color := branding.get(name):
            check_color(color, palette.grounds(scheme))
    for name in ("terms_uri", "policy_uri"):
        if branding.get(name):
            check_web_uri(branding[name])


def display_name_mistake(name: str, level: str) -> str:
    """What is wrong with a brand's name, in a sentence, or nothing; `level` is that of its BrandingEditor."""
    return name_mistake(name, LONGEST[level])


def check_color(color: str, grounds: tuple[str, ...]) -> None:
    if not COLOR.fullmatch(color):
        raise ValueError(f"{color!r} is not a colour; write it like #1f5aa6.")
    worst = least_contrast(color, grounds)
    if worst < LEAST_CONTRAST:
        nearest = nearest_readable(color, grounds)
        raise ValueError(
            f"The contrast of {color} is {worst:.2f}:1, and text needs {LEAST_CONTRAST}:1. "
            f"The nearest colour that passes is {nearest}."
        )


def least_contrast(color: str, grounds: Iterable[str]) -> float:
    return min((contrast(color, ground) for ground in grounds), default=21.0)


def contrast(a: str, b: str) -> float:
    """WCAG 2.2, contrast ratio: 1 to 21."""
    lighter, darker = sorted((luminance(a), luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    channels = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in _rgb(color)]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def nearest_readable(color: str, grounds: tuple[str, ...]) -> str:
    """The same hue, as little lighter or darker as will do."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(color))
    candidates = []
    for step in range(256):
        candidate = _hex(colorsys.hls_to_rgb(hue, step / 255, saturation))
        if least_contrast(candidate, grounds) >= LEAST_CONTRAST:
            candidates.append((abs(step / 255 - lightness), candidate))
    # Between a light and a dark ground there may be none; then as good as it gets.
    return min(candidates)[1] if candidates else max(INKS, key=lambda ink: least_contrast(ink, grounds))


def colors_name(branding: Branding, palette: Palette) -> str:
    """The name of the stylesheet with these colours, each with the ink that is read on it; empty without colours.

    A colour given for one scheme only, or checked for another theme, is moved until it can be read.
    """
    given = {scheme: color for scheme, name in SCHEMES.items() if COLOR.fullmatch(color := getattr(branding, name))}
    if not given:
        return ""
    parts = []
    for scheme in SCHEMES:
        color, grounds = given.get(scheme) or next(iter(given.values())), palette.grounds(scheme)
        if least_contrast(color, grounds) < LEAST_CONTRAST:
            color = nearest_readable(color, grounds)
        parts += [color, max(INKS, key=lambda ink: contrast(ink, color))]
    return "-".join(part.removeprefix("#").lower() for part in parts) + ".css"


def colors_css(name: str) -> str:
    """The stylesheet that such a name stands for: the name says it all. Empty for another name."""
    if not NAME.fullmatch(name):
        return ""
    colors = [f"#{part}" for part in name.removesuffix(".css").split("-")]
    return "".join(
        f"@media (prefers-color-scheme: {scheme}) "
        f"{{ :root {{ --primary: {color}; --primary-foreground: {ink}; --ring: {color} }} }}\n"
        for scheme, color, ink in (("light", *colors[:2]), ("dark", *colors[2:]))
    )


def _rgb(color: str) -> tuple[float, float, float]:
    return int(color[1:3], 16) / 255, int(color[3:5], 16) / 255, int(color[5:7], 16) / 255


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(value * 255):02x}" for value in rgb)
