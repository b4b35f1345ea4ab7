"""The documentation as a site: the menu is what `index.md` lists, and links into the code become its paths."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
OUTSIDE = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(((?:\.\./)+[^)]*)\)")
LISTED = re.compile(r"^## (?P<section>[^:\n]+)|^- \[(?P<title>[^\]]+)\]\((?P<page>[^)#]+\.md)\)", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Tutorials, how-to guides, reference and explanation, kept apart as they are there."""
    menu: list[dict[str, Any]] = [{"Credenza": "index.md"}]
    for found in LISTED.finditer((DOCS / "index.md").read_text()):
        if found["section"]:
            menu.append({found["section"]: []})
        else:
            section = menu[-1]
            section[next(iter(section))].append({found["title"]: found["page"]})
    config.nav = menu
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """The site has no copy of the code: a link out of `docs` becomes its words."""
    here = (DOCS / page.file.src_uri).parent

    def shown(match: re.Match[str]) -> str:
        target = (here / match[2].partition("#")[0]).resolve()
        return match[0] if DOCS.resolve() in target.parents else match[1]

    return OUTSIDE.sub(shown, markdown)
