"""`make site`: the documentation is built, and no link in it leads nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KINDS = ["Tutorials", "How-to guides", "Reference", "Explanation"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there_and_in_the_menu(site: Path) -> None:
    menu = (site / "index.html").read_text()
    for path in sorted((ROOT / "docs").rglob("*.md")):
        page = path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        if "examples" not in page:
            assert (site / page).is_file()
            assert f'href="{page}"' in menu, f"docs/index.md does not list {page}"


def test_four_kinds_are_kept_apart(site: Path) -> None:
    menu = (site / "index.html").read_text()
    places = [menu.index(f">{kind}<") for kind in KINDS]
    assert places == sorted(places)


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        for address in re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', path.read_text()):
            assert not address.startswith(("http:", "https:", "//")), f"{path}: {address}"


def test_no_link_leads_into_the_code(site: Path) -> None:
    for path in site.rglob("*.html"):
        anchors = re.findall(r'<a[^>]*href="([^"#:]+)"', path.read_text()) if path.name != "404.html" else []
        for address in anchors:
            assert (path.parent / address).resolve().is_relative_to(site), f"{path}: {address}"
            assert (path.parent / address).exists(), f"{path}: {address}"
