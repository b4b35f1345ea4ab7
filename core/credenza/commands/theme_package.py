"""A branding as a theme that can be installed: the plugin that `credenza plugin new --kind theme` makes, filled in."""

from __future__ import annotations

import argparse
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ..objects import Theme
from ..protocol.clients import Branding
from ..server import AuthorizationServer
from ..web.branding import colors_css, colors_name
from ..web.themes import DEFAULT_THEME, Wardrobe
from .plugin import module_of, parse_name, render

WRITTEN = (2026, 1, 1, 0, 0, 0)  # the same branding is the same file
NOTE = "/* Made in the console from the theme {base}: its stylesheets, then colours, then custom CSS. */\n"


def theme_package(server: AuthorizationServer, branding: Branding, name: str, css: str = "") -> bytes:
    """A zip file with the folder `credenza-NAME`, to be installed with pip. `css` is clean custom CSS.

    Raises ValueError, with a sentence, for a name that cannot be used.
    """
    try:
        name = parse_name(name)
    except argparse.ArgumentTypeError as error:
        raise ValueError(f"{error}.") from error
    if name in server.themes or name in server.plugins_named:
        raise ValueError(f"There is a theme or plugin called {name} already.")
    wardrobe = Wardrobe(server.themes.values())
    picked = branding.theme if wardrobe.usable(branding.theme) else DEFAULT_THEME
    base = server.themes.get(picked) or Theme(picked, "Plain")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for path, content in _files(wardrobe, base, branding, name, css):
            package.writestr(zipfile.ZipInfo(f"credenza-{name}/{path}", WRITTEN), content)
    return archive.getvalue()


def _files(
    wardrobe: Wardrobe, base: Theme, branding: Branding, name: str, css: str
) -> Iterator[tuple[str, str | bytes]]:
    module = module_of(name)
    stylesheet = f"{module}/static/{name}.css"
    for path, text in render(name, "theme").items():
        if path.as_posix() == stylesheet:
            yield stylesheet, NOTE.format(base=base.title) + _css(wardrobe, base, branding) + css
        elif path.as_posix() == f"{module}/__init__.py":
            yield path.as_posix(), _with_templates(text) if base.templates is not None else text
        else:
            yield path.as_posix(), text
    static = wardrobe.files.get(f"theme:{base.name}")
    for file, content in (static.items() if static is not None else {}).items():
        if file not in base.stylesheets:
            yield f"{module}/static/{file}", content
    for template in sorted(base.templates.rglob("*")) if base.templates is not None else ():
        if template.is_file():
            yield f"{module}/templates/{template.relative_to(_folder(base)).as_posix()}", template.read_bytes()


def _folder(theme: Theme) -> Path:
    assert theme.templates is not None
    return theme.templates


def _css(wardrobe: Wardrobe, base: Theme, branding: Branding) -> str:
    files = wardrobe.files.get(f"theme:{base.name}")
    sheets = [files.text(name) for name in base.stylesheets] if files is not None else []
    palette = wardrobe.palette(base.name)
    usual = Branding(primary_color=palette.light["--primary"], dark_primary_color=palette.dark["--primary"])
    return "\n".join([*sheets, colors_css(colors_name(usual.then(branding), palette))])


def _with_templates(text: str) -> str:
    """The plugin's module, which brings the templates of the theme it was made from too."""
    return text.replace(
        "        static=STATIC,\n", '        static=STATIC,\n        templates=Path(__file__).parent / "templates",\n'
    )
