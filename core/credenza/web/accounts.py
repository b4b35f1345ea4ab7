"""Pages of our own that need somebody signed in: the console, the account page, and what plugins bring."""

from __future__ import annotations

from urllib.parse import urlencode

from litestar.datastructures import UploadFile

from ..protocol.assurance import MFA, satisfies
from ..protocol.errors import InvalidRequest
from ..protocol.parameters import Parameters
from ..store.engine import patient
from ..store.sessions import Session
from ..store.users import User
from .requests import MAX_PAGE_BODY, AnyRequest, check_csrf, form_parameters, in_time, server_of
from .sessions import csrf_cookie, find_session

FRESH = 600  # seconds since the sign-in, for what must not be done with somebody else's open browser


class SignInNeeded(Exception):
    """Nobody is signed in, or not surely enough: the user is led to the sign-in page, and back to `return_to`.

    That is a path of ours. With `max_age` a session that is older (in seconds) does not count. The sign-in page shows
    the `notice`: what for.
    """

    def __init__(self, return_to: str, max_age: int | None = None, notice: str = "") -> None:
        super().__init__(return_to)
        self.return_to = return_to
        self.max_age = max_age
        self.notice = notice


async def signed_in(request: AnyRequest, *, fresh: bool = False) -> tuple[Session, User]:
    """Who is signed in. Raises SignInNeeded; a form posted without a session leads back to the page it was on.

    With `fresh` they signed in minutes ago: what changes how one signs in needs that. OWASP ASVS V7.5.1.
    """
    found = await find_session(request)
    if found is None:
        raise SignInNeeded(way_back(request))
    session, user = found
    server = server_of(request)
    if server.wants_second_factor() and not satisfies(session.acr, MFA):
        raise SignInNeeded(way_back(request))
    if user.must_change_password:
        raise SignInNeeded(way_back(request))
    if fresh and server.now() - session.authenticated_at > FRESH:
        raise SignInNeeded(way_back(request), FRESH)
    if user.administrator:
        patient.set(True)
    return found


def way_back(request: AnyRequest) -> str:
    """The page that was asked for; of a form the page it stood on, for its own address may take no GET."""
    query = request.scope["query_string"].decode(errors="replace")
    path = request.scope["path"] + (f"?{query}" if query else "")
    if request.method != "GET":
        path = request.headers.get("referer", "").removeprefix(server_of(request).issuer)
    # Browsers read "/\host" as "//host".
    return path if path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() else "/"


async def signed_in_form(request: AnyRequest, *, fresh: bool = False) -> tuple[Session, User, Parameters]:
    """Who is signed in when all of it has come, and a form that a page of ours posted for them.

    Raises SignInNeeded or Forbidden.
    """
    await signed_in(request, fresh=fresh)
    form = await form_parameters(request, max_fields=20_000, max_bytes=2 * 1024 * 1024)  # pickers have many boxes
    session, user = await signed_in(request, fresh=fresh)
    check_csrf(request, form, csrf_cookie(request, session))
    return session, user, form


async def signed_in_upload(request: AnyRequest) -> tuple[Session, User, Parameters, dict[str, bytes]]:
    """The same for a form with files (multipart/form-data): their contents, by the names of their fields."""
    await signed_in(request)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidRequest("The body must be multipart/form-data.")
    try:
        fields = list((await in_time(request.form())).multi_items())
    except (LookupError, ValueError) as error:  # a character set that does not exist, or text that is not in it
        raise InvalidRequest("The body is not multipart/form-data in UTF-8.") from error
    session, user = await signed_in(request)
    texts = [(name, value) for name, value in fields if isinstance(value, str)]
    form = Parameters.parse(urlencode(texts, errors="replace").encode(), max_bytes=MAX_PAGE_BODY)
    check_csrf(request, form, csrf_cookie(request, session))
    files = {name: await value.read() for name, value in fields if isinstance(value, UploadFile)}
    return session, user, form, {name: content for name, content in files.items() if content}


def csrf_token(request: AnyRequest, session: Session | None) -> str:
    """For a form's hidden field `csrf_token`."""
    return server_of(request).keyring.csrf_token(csrf_cookie(request, session))
