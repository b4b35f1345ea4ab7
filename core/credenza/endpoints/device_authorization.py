"""The device authorization endpoint, and the page on which people enter the code. RFC 8628."""

from __future__ import annotations

import secrets
from unicodedata import normalize
from urllib.parse import urlencode

from litestar import route
from litestar.enums import HttpMethod

from ..asked import check_asked
from ..protocol.authorization_request import AuthorizationRequest
from ..protocol.clients import DEVICE_CODE
from ..protocol.errors import ProtocolError, TooManyTries, UnauthorizedClient
from ..protocol.parameters import Parameters
from ..protocol.tokens import digest, new_token
from ..protocol.words import Words
from ..store.device_authorizations import find_by_user_code, insert_device_authorization
from ..store.sessions import Session
from ..web.client_authentication import authenticate_client, check_allowance
from ..web.endpoints import endpoint
from ..web.limits import Limiter, neighbourhood
from ..web.pages import DevicePage
from ..web.refusals import record_refused_authorization
from ..web.rendering import render
from ..web.requests import AnyRequest, address_of, check_csrf, form_parameters, query_parameters, server_of
from ..web.responses import AnyResponse, error_response, json_response
from ..web.rules import Rule
from ..web.sessions import browser_cookie, csrf_cookie, find_session, set_browser_cookie
from .authorization import as_kept, begin_interaction
from .pushed_authorization import without_authentication

LIFETIME = 600  # seconds
INTERVAL = 5  # seconds
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words; no digits, so nothing to confuse. RFC 8628 §6.1
LENGTH = 8
BEGUN_BY_ADDRESS = Rule("device codes of public clients by address", burst=120, seconds=600)
TRIES_BY_ADDRESS = Rule("user code by address", burst=20, seconds=600)
TRIES_BY_SESSION = Rule("user code by session", burst=20, seconds=600)
TRIES_IN_ALL = Rule("user code", burst=600, seconds=600)  # wrong ones, or those who are right would be stopped too
TOO_MANY = Words("Too many codes were tried. Wait a few minutes.")


@endpoint("/device_authorization", methods=("POST",), name="device_authorization")
async def device_authorization(request: AnyRequest) -> AnyResponse:
    """A code for the device, and one for its user to type in elsewhere. RFC 8628 §3.1, §3.2."""
    server = server_of(request)
    client_id = ""
    try:
        parameters = await form_parameters(request)
        parameters.check_no_repeats()
        client = await authenticate_client(request, parameters)
        client_id = client.id
        if DEVICE_CODE not in client.grant_types:
            raise UnauthorizedClient("This client may not use the device code grant.")
        asked = without_authentication(parameters, client)
        parsed, _ = await check_asked(server, client, AuthorizationRequest.parse(asked, client, "", device=True))
        text = as_kept(parsed.parameters)
        await check_allowance(request, client, BEGUN_BY_ADDRESS)
        device_code, user_code = new_token("device_code"), "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        await insert_device_authorization(
            digest(device_code),
            server.keyring.keyed_name(user_code),
            client.id,
            text,
            interval=INTERVAL,
            now=server.now(),
            lifetime=LIFETIME,
        )
    except ProtocolError as error:
        await record_refused_authorization(request, error, client_id)
        return error_response(error)
    shown = f"{user_code[:4]}-{user_code[4:]}"
    return json_response(
        {
            "device_code": device_code,
            "user_code": shown,
            "verification_uri": f"{server.issuer}/device",
            "verification_uri_complete": f"{server.issuer}/device?{urlencode({'user_code': shown})}",
            "expires_in": LIFETIME,
            "interval": INTERVAL,
        }
    )


@route("/device", http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200, name="device")
async def device(request: AnyRequest) -> AnyResponse:
    """A code in the address only fills the field in: nothing happens without a click. RFC 8628 §3.3.1."""
    server = server_of(request)
    found = await find_session(request)
    session = found[0] if found is not None else None
    browser = browser_cookie(request) or new_token("browser")
    cookie = csrf_cookie(request, session) or browser
    page = DevicePage(title=Words("Connect a device"), action="/device", csrf_token=server.keyring.csrf_token(cookie))
    if request.method == "POST":
        form = await form_parameters(request)
        check_csrf(request, form, csrf_cookie(request, session))
        answer = await _entered(request, form, page, session)
        if answer is not None:
            return answer
    else:
        page.user_code = query_parameters(request).get("user_code", "")[:20]
    response = await render(request, page, status=page.status)
    set_browser_cookie(response, server.settings, browser)
    return response


async def _entered(
    request: AnyRequest, form: Parameters, page: DevicePage, session: Session | None
) -> AnyResponse | None:
    """Wrong codes of strangers are counted in all, so that many networks do not help; people signed in count apart.

    RFC 8628 §5.1, §6.1.
    """
    server, limiter = server_of(request), request.app.state.limiter
    assert isinstance(limiter, Limiter)
    page.user_code = form.get("user_code", "")[:20]
    code = "".join(c for c in normalize("NFKC", page.user_code).upper() if c in ALPHABET)
    in_all = (TRIES_IN_ALL, "signed in" if session is not None else "")
    here = [(TRIES_BY_ADDRESS, neighbourhood(address_of(request)))]
    here += [(TRIES_BY_SESSION, session.id)] if session is not None else []
    if await limiter.blocked(in_all) or not await limiter.allow(*here):
        raise TooManyTries(TOO_MANY)
    waiting = await find_by_user_code(server.keyring.keyed_name(code), server.now()) if len(code) == LENGTH else None
    if not await limiter.may_know(waiting is not None, in_all):
        raise TooManyTries(TOO_MANY)
    if waiting is None:
        page.message, page.status = Words("This code is wrong or has expired. Check your device again."), 422
        return None
    parameters = Parameters.parse(waiting.parameters.encode())
    state = {"device_digest": waiting.digest, "user_code": f"{code[:4]}-{code[4:]}"}
    return await begin_interaction(request, server, parameters=parameters, state=state)
