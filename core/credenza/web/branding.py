"""What a brand may be: colours that can be read, addresses that can be linked. WCAG 2.2 §1.4.3."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Mapping

from ..protocol.redirect_uris import check_web_uri

COLOR = re.compile(r"#[0-9a-fA-F]{6}")
LEAST_CONTRAST = 4.5
# The text on a button, and what a link stands on, in light and in dark.
GROUNDS = {"primary_color": ("#ffffff",), "dark_primary_color": ("#06101e", "#12161b")}


def check_branding(branding: Mapping[str, str]) -> None:
    """Raise ValueError, with a sentence, for a colour that cannot be read or an address that cannot be linked."""
    for name, grounds in GROUNDS.items():
        if color := branding.get(name):
            check_color(color, grounds)
    for name in ("terms_uri", "policy_uri"):
        if branding.get(name):
            check_web_uri(branding[name])


def check_color(color: str, grounds: tuple[str, ...]) -> None:
    if not COLOR.fullmatch(color):
        raise ValueError(f"{color!r} is not a colour; write it like #1f5aa6.")
    worst = min(contrast(color, ground) for ground in grounds)
    if worst < LEAST_CONTRAST:
        nearest = nearest_readable(color, grounds)
        raise ValueError(
            f"The contrast of {color} is {worst:.2f}:1, and text needs {LEAST_CONTRAST}:1. "
            f"The nearest colour that passes is {nearest}."
        )


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
        if min(contrast(candidate, ground) for ground in grounds) >= LEAST_CONTRAST:
            candidates.append((abs(step / 255 - lightness), candidate))
    return min(candidates)[1]


def _rgb(color: str) -> tuple[float, float, float]:
    return int(color[1:3], 16) / 255, int(color[3:5], 16) / 255, int(color[5:7], 16) / 255


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(value * 255):02x}" for value in rgb)
