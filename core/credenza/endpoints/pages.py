"""Pages beside the protocol: the front door, and a link that sets a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, route
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from ..events import ObjectChanged
from ..logout import end_most_sessions
from ..protocol.email_addresses import check_email
from ..protocol.names import UNREADABLE, as_identifier, is_name
from ..protocol.parameters import Parameters
from ..protocol.tokens import digest, is_token, new_token
from ..protocol.words import Words
from ..server import AuthorizationServer
from ..store import invitations, users
from ..store.branding import find_stylesheet
from ..store.engine import AlreadyExists, database
from ..store.provider import find_image
from ..store.users import User
from ..web.accounts import SignInNeeded, signed_in
from ..web.branding import colors_css
from ..web.errors import error_page
from ..web.new_password import password_refusal, set_password
from ..web.pages import PasswordPage
from ..web.passwords import Passwords
from ..web.rendering import render
from ..web.requests import AnyRequest, address_of, query_parameters, server_of
from ..web.responses import AnyResponse, redirect_response
from ..web.static import LASTING, in_scheme
from ..web.visitors import visitor_of
from .authorization import begin_interaction
from .interaction import follow_languages, sign_in_with_new, way_on


async def on_sign_in_needed(request: AnyRequest, error: SignInNeeded) -> AnyResponse:
    """Lead to the sign-in page and back; the way back is kept by us and never read from the request."""
    state: dict[str, Any] = {"begun": {} if error.max_age is None else {"max_age": error.max_age}}
    if request.method != "GET":  # nobody may believe that what they pressed was done
        state["login"] = {"undone": True}
    return await begin_interaction(request, server_of(request), return_to=error.return_to, state=state)


@route("/", http_method=[HttpMethod.GET, HttpMethod.HEAD], status_code=200, name="front door")
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


async def invite(server: AuthorizationServer, *, purpose: str, user_id: str | None, lifetime: int = 0) -> str:
    """A link that sets a password once: for a new user, or for the first administrator (without a user).

    It takes the place of older ones for the same purpose. `lifetime` is in seconds, the usual one when it is 0.
    """
    token = new_token("invitation")
    await invitations.insert_invitation(
        digest(token),
        purpose=purpose,
        user_id=user_id,
        now=server.now(),
        lifetime=lifetime or server.settings.invitation_lifetime,
    )
    return f"{server.issuer}/invitation/{token}"


@route("/invitation/{token:str}", http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200, name="invitation")
async def invitation(request: AnyRequest, token: FromPath[str]) -> AnyResponse:
    server = server_of(request)
    after = query_parameters(request).get("continue", "")
    await follow_languages(request, after)
    found = await invitations.find_invitation(digest(token), server.now()) if is_token(token, "invitation") else None
    if found is None or not await _still_wanted(found):
        return await error_page(
            request,
            "invitation_expired",
            Words("This link was used before or is too old. Ask for a new one."),
            status=404,
            links=((Words("Sign in"), way_on(after)),),
        )
    visitor = visitor_of(request)
    user = await users.find_user(found["user"]) if found["user"] is not None else None
    page = PasswordPage(
        title=Words("Choose a password"),
        action=f"/invitation/{token}" + (f"?{urlencode({'continue': after})}" if after else ""),
        csrf_token=visitor.csrf_token,
        heading=Words("Choose a password") if user is not None else Words("Welcome"),
        explanation=Words("For the account %(name)s.", name=user.username)
        if user is not None
        else Words("Create the first administrator."),
        username=user.username if user is not None else "",
        email=(user.email or "") if user is not None else "",
        ask_username=user is None,
        minimum=server.settings.password_min_length,
    )
    if request.method == "POST":
        form = await visitor.form()
        page.username, page.email = form.get("username", page.username), form.get("email", page.email)
        page.message = await _accept(request, digest(token), user, form, found["purpose"])
        if not page.message:
            username = user.username if user is not None else as_identifier(page.username)
            return await sign_in_with_new(request, after, username)
    return visitor.known(await render(request, page, status=422 if page.message else 200))


async def _still_wanted(found: Mapping[str, Any]) -> bool:
    """The link without a user makes the first administrator, however the first one came to be."""
    return found["user"] is not None or await users.count_administrators() == 0


async def _accept(request: AnyRequest, key: str, user: User | None, form: Parameters, purpose: str) -> str:
    """Set the password; the sentence that says what is wrong, or nothing. A refused answer leaves the link unused."""
    server = server_of(request)
    username = user.username if user is not None else as_identifier(form.get("username", ""))
    email = (user.email or "") if user is not None else as_identifier(form.get("email", ""))
    if message := check_username(username) or check_email(email):
        return message
    _, message = await password_refusal(server, form, username, email)
    if message:
        return message
    passwords: Passwords = request.app.state.passwords
    stored = await passwords.hash(form["password"])
    now = server.now()
    if user is not None:
        await end_most_sessions(server, user.id)
    try:
        async with database().transaction():
            spent = await invitations.spend_invitation(key, now)
            if spent is None or not await _still_wanted(spent):
                return Words("This link was used before.")
            if user is None:
                user = User(users.new_user_id(), username, email or None, administrator="full", created_at=now)
                await users.insert_user(replace(user, password_hash=stored, password_changed_at=now, updated_at=now))
                await server.emit(
                    ObjectChanged(
                        actor=user.id,
                        user=user.id,
                        kind="user",
                        action="created",
                        target=username,
                        address=address_of(request),
                    )
                )
            else:
                await set_password(
                    server,
                    user,
                    stored,
                    through="reset" if purpose == "reset" else "invitation",
                    address=address_of(request),
                )
    except AlreadyExists:
        return Words("Somebody has this username already.")
    return ""


def check_username(username: str) -> str:
    """What is wrong with a user name, in a sentence; empty when nothing is."""
    if "@" in username or any(map(str.isspace, username)) or not 1 <= len(username) <= 150:
        return Words("A username has 1 to 150 characters, no spaces and no @.")
    return "" if username.isprintable() and is_name(username, 150) else UNREADABLE
