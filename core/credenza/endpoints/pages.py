"""Addresses beside the protocol: the front door, and what pages are dressed in."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from ..store.branding import find_stylesheet
from ..store.provider import find_image
from ..web.accounts import SignInNeeded, signed_in
from ..web.branding import colors_css
from ..web.requests import AnyRequest, choose_language, server_of
from ..web.responses import AnyResponse, redirect_response
from ..web.static import LASTING, in_scheme
from .authorization import begin_interaction


async def on_sign_in_needed(request: AnyRequest, error: SignInNeeded) -> AnyResponse:
    """Lead to the sign-in page and back; the way back is kept by us and never read from the request."""
    state: dict[str, Any] = {"begun": {} if error.max_age is None else {"max_age": error.max_age}}
    if request.method != "GET":  # nobody may believe that what they pressed was done
        state["login"] = {"undone": True}
    elif error.notice:
        state["login"] = {"notice": choose_language(request).say(error.notice)}
    return await begin_interaction(request, server_of(request), return_to=error.return_to, state=state)


@get("/", name="front door")
async def front_door(request: AnyRequest) -> AnyResponse:
    """Administrators to the console, everybody else to their account."""
    server = server_of(request)
    _, user = await signed_in(request)
    plugins = server.plugins_named
    if user.administrator and "console" in plugins:
        return redirect_response(server.settings, f"{server.issuer}/console")
    if "account" in plugins:
        return redirect_response(server.settings, f"{server.issuer}/account")
    return redirect_response(server.settings, f"{server.issuer}/logout")


@get("/branding/{name:str}", name="branding stylesheet")
async def branding_stylesheet(request: AnyRequest, name: FromPath[str]) -> AnyResponse:
    """The colours that its name spells out; or custom CSS, as it was cleaned when it was saved, by its hash."""
    css = colors_css(name) or await find_stylesheet(name)
    if not css:
        raise NotFoundException
    headers = LASTING | {"Cross-Origin-Resource-Policy": "same-origin"}
    css = in_scheme(css, request.query_params.get("scheme", ""))
    return Response(css.encode(), media_type="text/css", headers=headers)


@get("/image/{key:str}", name="image")
async def image(key: FromPath[str]) -> AnyResponse:
    """A logo, as it was encoded anew when it came in."""
    found = await find_image(key) if key.isalnum() and len(key) <= 64 else None
    if found is None:
        raise NotFoundException
    headers = LASTING | {"Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(found[1], media_type=found[0], headers=headers)
