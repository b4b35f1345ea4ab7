"""How an authorization request ends: with a code, with an approved device, or with an error. RFC 6749 §4.1.2."""

from __future__ import annotations

from ..events import AuthorizationRefused, CodeIssued
from ..objects import Waiting
from ..permissions import Decision
from ..prompts.consent import final_decision, record_automatic
from ..protocol import jose
from ..protocol.assurance import reached_class
from ..protocol.authorization_response import AuthorizationResponse, failure, success
from ..protocol.clients import Client
from ..protocol.errors import LoginRequired, ProtocolError
from ..protocol.fapi import CODE_LIFETIME
from ..protocol.parameters import Parameters
from ..protocol.redirect_uris import host_of
from ..protocol.scopes import join_scope
from ..protocol.tokens import digest, new_id, new_token
from ..protocol.words import Words
from ..server import AuthorizationServer
from ..store import sessions
from ..store.authorization_codes import AuthorizationCode, insert_code
from ..store.device_authorizations import APPROVED, answer_device
from ..store.engine import database
from ..store.grants import Details, Grant
from ..store.pushed_requests import spend_pushed_request
from ..store.sealed import place_of
from ..store.sessions import Interaction
from ..web.errors import HOME, cookie_facts, error_page, new_error_id
from ..web.pages import DevicePage, FormPostPage, InterstitialPage
from ..web.refusals import write_down
from ..web.rendering import render
from ..web.requests import AnyRequest, address_of
from ..web.responses import AnyResponse, policy_source, redirect_response
from ..web.sessions import find_session


async def finish(request: AnyRequest, waiting: Waiting, interaction: Interaction | None) -> AnyResponse:
    """Nothing is left to ask: back to a page of ours, or to the client with a code."""
    server = waiting.server
    if waiting.request is None:
        assert interaction is not None
        await sessions.spend_interaction(interaction.digest)
        place = place_of(sessions.InteractionRow.return_to, interaction.digest)
        path = server.keyring.decrypt(interaction.return_to, place=place).decode()
        return redirect_response(server.settings, server.issuer + path)
    if waiting.device:
        return await _approve_device(request, waiting, interaction)
    code = new_token("code")
    async with database().transaction():
        if interaction is not None and not await sessions.spend_interaction(interaction.digest):
            return await gone(request)
        if waiting.pushed and not await spend_pushed_request(waiting.pushed):
            return await gone(request)
        await issue_code(waiting, code)
    answer = success(
        waiting.request.redirect_uri,
        waiting.request.response_mode,
        code=code,
        state=waiting.request.state,
        issuer=server.issuer,
    )
    return await send(request, server, await sealed(server, answer, waiting.client), waiting.client)


async def _approve_device(request: AnyRequest, waiting: Waiting, interaction: Interaction | None) -> AnyResponse:
    """The device that waits may fetch its tokens. RFC 8628 §3.3."""
    async with database().transaction():
        if interaction is None or not await sessions.spend_interaction(interaction.digest):
            return await gone(request)
        grant, decision = await new_grant(waiting)
        assert waiting.client is not None
        offline = decision.offline and "refresh_token" in waiting.client.grant_types
        if not await answer_device(waiting.device, APPROVED, grant, waiting.server.now(), offline=offline):
            return await gone(request)
    return await device_page(
        request, Words("Your device is connected"), Words("You can go back to it and close this window.")
    )


async def device_page(request: AnyRequest, heading: str, explanation: str) -> AnyResponse:
    page = DevicePage(
        title=heading, action="/device", csrf_token="", done=True, heading=heading, explanation=explanation
    )
    return await render(request, page)


async def new_grant(waiting: Waiting) -> tuple[Grant, Decision]:
    """What the user has just allowed, with all filters applied once more."""
    client, authorization_request = waiting.client, waiting.request
    assert client is not None
    assert authorization_request is not None
    assert waiting.user is not None
    assert waiting.session is not None
    if not await sessions.hold_session(waiting.session.digest):
        raise LoginRequired("The user has signed out meanwhile.")
    if not client.third_party:
        await record_automatic(waiting)
    decision = await final_decision(waiting)
    details = Details(
        scopes=authorization_request.scopes,
        resources=authorization_request.resources,
        userinfo_claims=tuple(sorted(authorization_request.claims.userinfo)),
        id_token_claims=tuple(sorted(authorization_request.claims.id_token)),
        choices=dict(waiting.choices),
        nonce=authorization_request.nonce,
        auth_time=waiting.session.authenticated_at,
        acr=reached_class(waiting.session.acr, authorization_request.wanted_acrs),
        amr=waiting.session.amr,
        dpop_jkt=authorization_request.dpop_jkt,
    )
    return Grant(new_id(), waiting.user.id, client.id, waiting.session.id, details), decision


async def issue_code(waiting: Waiting, code: str) -> None:
    server, authorization_request = waiting.server, waiting.request
    assert authorization_request is not None
    grant, decision = await new_grant(waiting)
    now = server.now()
    lifetime = server.settings.code_lifetime
    if waiting.client is not None and waiting.client.fapi:
        lifetime = min(lifetime, CODE_LIFETIME)
    sent_redirect_uri = authorization_request.parameters.get("redirect_uri", "")
    await insert_code(
        AuthorizationCode(
            digest(code),
            grant,
            sent_redirect_uri,
            authorization_request.code_challenge,
            now + lifetime,
        ),
        now,
    )
    await server.emit(
        CodeIssued(
            actor=grant.user_id,
            user=grant.user_id,
            client=grant.client_id,
            address=waiting.address,
            scope=join_scope(p.scope for p in decision.granted),
            grant=grant.id,
        )
    )


async def refuse(
    request: AnyRequest,
    server: AuthorizationServer,
    client: Client,
    redirect_uri: str,
    parameters: Parameters,
    error: ProtocolError,
) -> AnyResponse:
    """Tell the client, at a redirect URI that was checked."""
    event = AuthorizationRefused(
        client=client.id,
        address=address_of(request),
        error_id=new_error_id(),
        error=error.code,
        description=error.told,
    )
    await write_down(request, event)
    answer = await sealed(server, failure(redirect_uri, parameters, error, issuer=server.issuer), client)
    silent = "none" in parameters.get("prompt", "").split()
    if client.unverified and not silent and await find_session(request) is None:
        # Anybody may have made this client to lead people astray from our address. RFC 9700 §4.11.2
        page = InterstitialPage(
            title=Words("Leaving"),
            application=client.name,
            redirect_host=host_of(redirect_uri),
            location=answer.location,
            code=error.code,
        )
        return await render(request, page, status=400)
    return await send(request, server, answer, client)


async def sealed(
    server: AuthorizationServer, answer: AuthorizationResponse, client: Client | None
) -> AuthorizationResponse:
    """Signed, where the client asked for that. JARM §2.1, §3."""
    if not answer.to_sign or client is None:
        return answer
    key = (await server.keys()).active[client.answer_alg("authorization")]
    return answer.signed(
        lambda claims: jose.sign(claims, key, typ="oauth-authz-resp+jwt"), client_id=client.id, now=server.now()
    )


async def send(
    request: AnyRequest, server: AuthorizationServer, answer: AuthorizationResponse, client: Client | None
) -> AnyResponse:
    if not answer.by_form:
        return redirect_response(server.settings, answer.location)
    page = FormPostPage(
        title=Words("Continue"), action=answer.redirect_uri, parameters=tuple(answer.parameters.items())
    )
    return await render(request, page, client=client, form_action=policy_source(answer.redirect_uri))


async def gone(request: AnyRequest) -> AnyResponse:
    """A sign-in that has ended or is not this browser's; developers who open 127.0.0.1 for localhost see it, too."""
    return await error_page(
        request,
        "interaction_expired",
        Words(
            "This sign-in was finished, took too long, or was begun in another browser. "
            "Go back to the application and start again."
        ),
        facts=cookie_facts(request),
        links=(HOME,),
    )
