"""The logo of the demo's application, drawn: a lighthouse over two waves."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageDraw

LIGHT, DARK = "harbour-wiki.png", "harbour-wiki-dark.png"
SIZE = 1024  # drawn large and made small, which smooths the edges
SMALL = 256


def draw(folder: Path) -> None:
    """Write both pictures, for light and for dark pages."""
    _logo("#0f766e", "#ffffff", "#fde68a").save(folder / LIGHT, "PNG", optimize=True)
    _logo("#2dd4bf", "#042f2e", "#fffbeb").save(folder / DARK, "PNG", optimize=True)


def _logo(ground: str, ink: str, lamp: str) -> Image.Image:
    picture = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, SIZE - 1, SIZE - 1), radius=SIZE * 0.22, fill=ground)

    def at(x: float, y: float) -> tuple[float, float]:
        return x * SIZE / 100, y * SIZE / 100

    pen.polygon([at(44, 32), at(14, 22), at(14, 40)], fill=lamp)
    pen.polygon([at(56, 32), at(86, 22), at(86, 40)], fill=lamp)
    pen.polygon([at(42, 24), at(50, 14), at(58, 24)], fill=ink)  # roof
    pen.rectangle([at(44, 26), at(56, 37)], fill=lamp)  # lantern room
    pen.rounded_rectangle([at(38, 38), at(62, 42)], radius=SIZE * 0.01, fill=ink)  # gallery
    pen.polygon([at(42, 44), at(58, 44), at(63, 68), at(37, 68)], fill=ink)  # tower
    pen.polygon([at(40.6, 52), at(59.4, 52), at(60.6, 58), at(39.4, 58)], fill=ground)  # its band
    for height in (74, 85):
        wave = [at(x / 2, height + 2.2 * math.sin(x / 200 * 6 * math.pi)) for x in range(28, 173)]
        pen.line(wave, fill=ink, width=SIZE // 20, joint="curve")
        for x, y in (wave[0], wave[-1]):
            r = SIZE / 40
            pen.ellipse((x - r, y - r, x + r, y + r), fill=ink)
    return picture.resize((SMALL, SMALL), Image.Resampling.LANCZOS)
