"""What we ship of other people's work is what they published, has its licence, and fetches nothing from elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).parents[2] / "core/credenza/web"
VENDOR = WEB / "static/vendor"
PACKAGES: list[dict[str, Any]] = json.loads((VENDOR / "vendor.json").read_text())
SHIPPED = {path: digest for package in PACKAGES for path, digest in package["files"].items()}
STYLESHEETS = sorted(str(path.relative_to(WEB)) for path in (WEB / "static").rglob("*.css"))
SCRIPTS = sorted(str(path.relative_to(WEB)) for path in (WEB / "static").rglob("*.js"))
PICTURES = sorted(str(path.relative_to(WEB)) for path in WEB.rglob("*.svg"))


@pytest.mark.parametrize("path", sorted(SHIPPED))
def test_a_vendored_file_is_byte_for_byte_the_recorded_one(path: str) -> None:
    assert hashlib.sha256((WEB / path).read_bytes()).hexdigest() == SHIPPED[path]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_a_vendored_package_says_its_version_and_brings_its_licence(package: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
    assert package["licence"]
    assert "Copyright" in (licence := (VENDOR / package["licence_file"]).read_text()) or "Permission" in licence


def test_every_file_in_the_vendor_folder_is_recorded() -> None:
    licences = {package["licence_file"] for package in PACKAGES}
    recorded = {Path(path).name for path in SHIPPED if path.startswith("static/vendor/")}
    assert {path.name for path in VENDOR.iterdir()} == recorded | licences | {"vendor.json"}


@pytest.mark.parametrize("path", [*STYLESHEETS, *SCRIPTS, *PICTURES])
def test_a_stylesheet_script_or_picture_names_no_other_host(path: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", (WEB / path).read_text(), flags=re.DOTALL)
    text = text.replace("http://www.w3.org/2000/svg", "")  # a namespace; nobody fetches it
    assert re.findall(r"\b(?:https?|wss?):\\*/\\*/|[\"'(]\s*//\w", text) == []
    if path.endswith(".css"):
        assert "@import" not in text


@pytest.mark.parametrize("path", STYLESHEETS)
def test_an_address_in_a_stylesheet_is_data_or_a_file_beside_it(path: str) -> None:
    for address in re.findall(r"url\(\s*[\"']?([^\"')]+)", (WEB / path).read_text()):
        assert address.startswith("data:") or (WEB / path).parent.joinpath(address).is_file()


def test_what_the_tests_bring_along_is_recorded_too() -> None:
    folder = Path(__file__).parents[1] / "browser/vendor"
    recorded = {"vendor.json"}
    for package in json.loads((folder / "vendor.json").read_text()):
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert "Mozilla Public License" in (folder / package["licence_file"]).read_text()
        for name, digest in package["files"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        recorded |= {package["licence_file"], *package["files"]}
    assert {path.name for path in folder.iterdir()} == recorded
