"""Photograph every page, on a desk and on a phone, by day and by night: `make screenshots`.

The pages are those of `harbour.py` (the console) and `scenes.py` (users). The browser tests look at the same ones.
"""

from __future__ import annotations

import functools
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harbour import Harbour, harbour
from PIL import Image, ImageChops
from scenes import SCENES, signed_in

DOCS = Path(__file__).parent
SHOTS = DOCS / "screenshots"
SCREENS = {"desktop": (1360, 800), "phone": (375, 740)}
SCHEMES = ("light", "dark")
EXACT = 16  # colours of a picture, those that it has most of
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell")


def name_of(route: str) -> str:
    """/console/applications/{application:str}/kit: console-applications-application-kit."""
    return re.sub(r"\{(\w+):\w+\}", r"\1", route).strip("/").replace("/", "-")


def take(page: Any, name: str, folder: Path) -> None:
    """The page as it is, on each screen and in each scheme; of a long one its beginning."""
    for screen, (width, height) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": height})
        long = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": min(max(long, height), height * 5 // 4)})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            # The console is flat; pages of users have a gradient.
            small = of_few_colors(picture, 64 if name.startswith("console") else 256)
            small.save(folder / f"{name}-{screen}-{scheme}.png", optimize=True)


def of_few_colors(picture: Image.Image, most: int) -> Image.Image:
    """A tenth of its bytes. What there is most of keeps its colour exactly: a white page is not a pink one."""
    counted: Any = picture.getcolors(picture.width * picture.height)
    frequent = [color for _, color in sorted(counted, reverse=True)[: most // 2]]
    spread = picture.quantize(most // 2, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for color in frequent for part in color] + (spread.getpalette() or [])[: most // 2 * 3])
    small = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    for index, color in enumerate(frequent[:EXACT]):  # for which Pillow takes a near one, where there is one
        alike = [[255 * (value == part) for value in range(256)] for part in color]
        bands = [band.point(table) for band, table in zip(picture.split(), alike, strict=True)]
        small.paste(index, mask=functools.reduce(ImageChops.multiply, bands))
    return small


def photograph(place: Harbour, browser: Any, folder: Path, wanted: Sequence[str] = ()) -> None:
    """Pages whose name contains one of the wanted words; all of them without any."""

    def is_wanted(name: str) -> bool:
        return not wanted or any(word in name for word in wanted)

    desk = browser.new_context(reduced_motion="reduce")
    signed_in(place, page := desk.new_page(), "admin")
    for route, address in place.pages().items():
        if is_wanted(name := name_of(route)) and not place.is_download(address):
            page.goto(place.issuer + address)
            take(page, name, folder)
    desk.close()
    for name, come_to in SCENES.items():
        if is_wanted(name):
            context = browser.new_context(reduced_motion="reduce")
            come_to(place, page := context.new_page())
            take(page, name, folder)
            context.close()


FEATURED = (
    ("consent", "The consent page: who asks, for what, with the data itself; what is optional may be declined."),
    ("consent-organization", "An application that asks for an organization's data: the user chooses which one."),
    ("consent-again", "Asked again for something new: that comes first, what was allowed before is folded away."),
    ("error-redirect-uri", "An error page that teaches: both addresses, and where they differ."),
    ("account", "The account page: what each application may do, and how to take it back."),
    ("console", "The console's overview."),
    ("console-applications-third-party", "Third-party applications."),
    ("console-applications-application", "Everything that a developer needs, and the settings of an application."),
    ("console-applications-application-permissions", "Its ceiling: what it may ask for at all."),
    ("console-xray", "The consent x-ray: what somebody would be asked, and for each permission why."),
)


def name_in_words(name: str) -> str:
    return name.replace("console-applications-", "").replace("-", " ").capitalize()


def write_page(names: Sequence[str]) -> None:
    """docs/screenshots.md: the pictures worth a look, and links to all of them."""
    lines = [
        "# Screenshots",
        "",
        "Every page, on a desk and on a phone, in light and in dark. `make screenshots` takes them again and writes",
        "this page. The people and applications are those of [`harbour.yaml`](harbour.yaml), which you can bring to a",
        "server of your own with `credenza apply`.",
    ]
    for name, words in FEATURED:
        lines += ["", f"## {name_in_words(name)}", "", words, ""]
        lines += [f"![{words}](screenshots/{name}-desktop-{scheme}.png)" for scheme in SCHEMES]
    lines += ["", "## All pages", "", "| page | desktop | phone |", "|---|---|---|"]
    for name in names:
        cells = [", ".join(f"[{one}](screenshots/{name}-{screen}-{one}.png)" for one in SCHEMES) for screen in SCREENS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    (DOCS / "screenshots.md").write_text("\n".join(lines) + "\n")


def main(wanted: Sequence[str]) -> int:
    from playwright.sync_api import sync_playwright

    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not wanted:
        shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, harbour(Path(folder)) as place, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, chromium_sandbox=False)
        photograph(place, browser, SHOTS, wanted)
        browser.close()
    taken = sorted(SHOTS.glob("*.png"))
    write_page(sorted({path.stem.rsplit("-", 2)[0] for path in taken}))
    size = sum(path.stat().st_size for path in taken)
    sys.stdout.write(f"{len(taken)} pictures, {size / 1e6:.1f} MB, in {SHOTS}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
