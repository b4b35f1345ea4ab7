"""The page behind a link that sets a password: of somebody who was invited, or of the first administrator."""

from __future__ import annotations

from urllib.parse import urlencode

from litestar import route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from ..events import ObjectChanged
from ..logout import end_most_sessions
from ..protocol.email_addresses import email_mistake
from ..protocol.names import as_identifier, username_mistake
from ..protocol.parameters import Parameters
from ..protocol.tokens import digest, is_token
from ..protocol.words import Words
from ..store import users
from ..store.engine import AlreadyExists, database
from ..store.invitations import Invitation, find_invitation, spend_invitation
from ..store.users import User
from ..web.errors import error_page
from ..web.new_password import password_refusal, set_password
from ..web.pages import PasswordPage
from ..web.passwords import Passwords
from ..web.rendering import render
from ..web.requests import AnyRequest, address_of, query_parameters, server_of
from ..web.responses import AnyResponse
from ..web.visitors import visitor_of
from .interaction import follow_languages, sign_in_with_new, way_on


@route("/invitation/{token:str}", http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200, name="invitation")
async def invitation(request: AnyRequest, token: FromPath[str]) -> AnyResponse:
    server = server_of(request)
    after = query_parameters(request).get("continue", "")
    await follow_languages(request, after)
    found = await find_invitation(digest(token), server.now()) if is_token(token, "invitation") else None
    if found is None or not await _still_wanted(found):
        return await error_page(
            request,
            "invitation_expired",
            Words("This link was used before or is too old. Ask for a new one."),
            status=404,
            links=((Words("Sign in"), way_on(after)),),
        )
    visitor = visitor_of(request)
    user = await users.find_user(found.user_id) if found.user_id is not None else None
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
        page.wrong, page.message = await _accept(request, digest(token), user, form)
        if not page.message:
            username = user.username if user is not None else as_identifier(page.username)
            return await sign_in_with_new(request, after, username)
    return visitor.known(await render(request, page, status=422 if page.message else 200))


async def _still_wanted(found: Invitation) -> bool:
    """The link without a user makes the first administrator, however the first one came to be."""
    return found.user_id is not None or await users.count_administrators() == 0


async def _accept(request: AnyRequest, key: str, user: User | None, form: Parameters) -> tuple[str, str]:
    """Set the password; which input is wrong and what, or nothing. A refused answer leaves the link unused."""
    server = server_of(request)
    username = user.username if user is not None else as_identifier(form.get("username", ""))
    email = (user.email or "") if user is not None else as_identifier(form.get("email", ""))
    for name, message in (("username", username_mistake(username)), ("email", email_mistake(email))):
        if message:
            return name, message
    wrong, message = await password_refusal(server, form, username, email)
    if message:
        return wrong, message
    passwords: Passwords = request.app.state.passwords
    stored = await passwords.hash(form["password"])
    if user is not None:
        await end_most_sessions(server, user.id)
    try:
        async with database().transaction():
            spent = await spend_invitation(key, server.now())
            if spent is None or not await _still_wanted(spent):
                return "", Words("This link was used before.")
            if user is None:
                await _create_administrator(request, username, email, stored)
            else:
                through = "reset" if spent.purpose == "reset" else "invitation"
                await set_password(server, user, stored, through=through, address=address_of(request))
    except AlreadyExists:
        return "username", Words("Somebody has this username already.")
    return "", ""


async def _create_administrator(request: AnyRequest, username: str, email: str, stored: str) -> None:
    """The first one. Raises AlreadyExists."""
    server, now = server_of(request), server_of(request).now()
    user = User(
        users.new_user_id(),
        username,
        email or None,
        password_hash=stored,
        password_changed_at=now,
        administrator="full",
        created_at=now,
        updated_at=now,
    )
    await users.insert_user(user)
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
