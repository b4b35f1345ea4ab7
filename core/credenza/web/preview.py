"""Previews for the console: a page of users in a look that nobody published, in a frame of our own. Nothing is kept."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import escape

from ..protocol.clients import Branding, Client
from .images import encode_again
from .pages import Look, Page
from .palette import Palette
from .rendering import Renderer, choose_look
from .requests import AnyRequest, server_of
from .responses import AnyResponse, own_frame, page_response
from .static import in_scheme

SEEN_AT = "/authorize"  # the path for which plugins choose a theme


@dataclass(frozen=True, slots=True)
class ThemeState:
    """A theme that can be picked. `problems` are sentences; with any, users see the plain theme where it fails."""

    name: str
    title: str
    description: str
    problems: tuple[str, ...]


def theme_states(request: AnyRequest) -> Sequence[ThemeState]:
    """All themes of this server, each tried on."""
    renderer: Renderer = request.app.state.renderer
    return [
        ThemeState(theme.name, theme.title, theme.description, renderer.problems(theme.name))
        for theme in server_of(request).themes.values()
    ]


async def published_look(request: AnyRequest, client: Client | None = None, context: Branding | None = None) -> Look:
    """What users see now, in the language of whoever asks."""
    return await choose_look(request, client, context, SEEN_AT)


def palette_of_look(request: AnyRequest, look: Look) -> Palette:
    """The colours of the theme that a look would wear."""
    renderer: Renderer = request.app.state.renderer
    return renderer.wardrobe.palette(renderer.wardrobe.picked(look)[0])


def preview(
    request: AnyRequest, page: Page, look: Look, *, scheme: str = "", css: str = "", refused: Sequence[str] = ()
) -> AnyResponse:
    """The page as it would be, in a frame of ours in which nothing can be pressed.

    `scheme` is "light" or "dark", whatever the browser prefers; `css` is clean and comes last. `refused` are sentences,
    above the page: why something is not as it was typed.
    """
    renderer: Renderer = request.app.state.renderer
    page.look = replace(look, provider=renderer.wardrobe.with_logo(look.provider))
    html = in_scheme(renderer.html(page), scheme).replace(" autofocus", "")  # nothing in it takes the focus
    said = "".join(f'<p class="alert" data-variant="warning" role="status">{escape(words)}</p>' for words in refused)
    html = html.replace("<main", f"{said}<main", 1)
    css = in_scheme(css, scheme)
    html = html.replace("</head>", f"<style>{css}</style></head>", 1) if css else html
    response = own_frame(page_response(server_of(request).settings, html))
    if css:
        allowed = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
        policy = response.headers["Content-Security-Policy"]
        response.headers["Content-Security-Policy"] = policy.replace(
            "style-src 'self'", f"style-src 'self' 'sha256-{allowed}'"
        )
    return response


def image_in_place(content: bytes) -> str:
    """A picture as part of a page, for a preview: nothing is stored. Raises UnusableImage."""
    return "data:image/png;base64," + base64.b64encode(encode_again(content)).decode()
