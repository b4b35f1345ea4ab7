"""OpenID Connect Back-Channel Logout 1.0 and Front-Channel Logout 1.0."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock
from urllib.parse import parse_qs, urlencode

import jwt
import pytest
from faults.waiting import PATIENCE, wait_until

from credenza import (
    LogoutDelivery,
    Session,
    StateError,
    clients,
    end_all_sessions,
    logout,
    sessions,
    state,
    users,
)
from credenza.cleaning import _clean_up
from credenza.logout import AT_ONCE, EVENT, OF_ONE, _deliver_due, deliver
from credenza.store.batches import batches
from credenza.store.clients import ClientRow
from credenza.store.grants import begin_grant
from credenza.store.logout import ATTEMPTS, Delivery, insert_deliveries, list_deliveries, list_due_deliveries
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent


class Listening:
    """An application that takes logout tokens, and answers as a test wants."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.status = 200
        self.arrived = threading.Event()
        outer = self

        self.released = threading.Event()
        self.released.set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.tokens.append(parse_qs(body)["logout_token"][0])
                outer.arrived.set()
                outer.released.wait(30)
                self.send_response(outer.status)
                self.send_header("content-length", "0")
                self.send_header("location", "http://127.0.0.1:1/")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket.listen(500)
        self.uri = f"http://127.0.0.1:{self.server.server_port}/logout"


@pytest.fixture
def listening() -> Iterator[Listening]:
    started = Listening()
    thread = threading.Thread(target=started.server.serve_forever)
    thread.start()
    yield started
    started.server.shutdown()
    thread.join()
    started.server.server_close()


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    return {"outbound_allow": ("127.0.0.1",)}


def signed_in(credenza: Credenza, user_agent: UserAgent, client: RelyingParty, **members: Any) -> dict[str, Any]:
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", **members}]})
    return client.tokens(user_agent.authorize(client))


def sign_out(user_agent: UserAgent, id_token: str) -> PageSeen | Callback:
    parameters = {"id_token_hint": id_token, "post_logout_redirect_uri": "https://app.example.com/", "state": "s"}
    return user_agent.get("/logout?" + urlencode(parameters))


def settled(credenza: Credenza) -> LogoutDelivery:
    """The one delivery, once its first attempt is over."""

    def one() -> LogoutDelivery:
        (delivery,) = credenza.run(list_deliveries, "app")
        return delivery

    wait_until(lambda: bool(one().delivered_at or one().error), "an attempt")
    return one()


@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
def test_2_4_the_logout_token(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, listening: Listening, subject_type: str
) -> None:
    """SECURITY R-LO-05, A-LGO-02. OpenID Connect Back-Channel Logout §2.4."""
    members = {"backchannel_logout_uri": listening.uri, "subject_type": subject_type}
    tokens = signed_in(credenza, user_agent, client, **members)
    id_token = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    callback = sign_out(user_agent, tokens["id_token"])
    assert isinstance(callback, Callback)
    assert callback.url == "https://app.example.com/?state=s"
    assert listening.arrived.wait(PATIENCE)
    (token,) = listening.tokens
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    keys = jwt.PyJWKSet.from_dict(credenza.request("GET", "/jwks").json())
    key = next(k for k in keys.keys if k.key_id == jwt.get_unverified_header(token)["kid"])
    claims = jwt.decode(token, key.key, algorithms=["RS256"], audience="app", issuer=credenza.issuer)
    assert claims["events"] == {EVENT: {}}
    assert (claims["sid"], claims["sub"]) == (id_token["sid"], id_token["sub"])
    assert claims["exp"] - claims["iat"] <= 120
    assert "nonce" not in claims
    assert settled(credenza).delivered_at


def test_2_7_tokens_of_the_session_end_but_for_offline_access(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """SECURITY R-LO-04."""
    online = signed_in(credenza, user_agent, client)
    offline = client.tokens(user_agent.authorize(client, scope="openid offline_access"))
    assert isinstance(sign_out(user_agent, online["id_token"]), Callback)
    assert client.introspect(online["access_token"]) == {"active": False}
    assert client.refresh(offline["refresh_token"]).status_code == 200
    refused = user_agent.get(client.authorization_url(prompt="none"))
    assert isinstance(refused, Callback)
    assert refused.error == "login_required"


@pytest.mark.parametrize("trouble", ["failing", "redirecting", "dead"])
def test_a_broken_application_delays_nobody_and_is_tried_again(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, listening: Listening, trouble: str
) -> None:
    """SECURITY R-LO-06, A-LGO-03, F-23."""
    listening.status = 302 if trouble == "redirecting" else 500
    uri = "http://127.0.0.1:9/logout" if trouble == "dead" else listening.uri
    tokens = signed_in(credenza, user_agent, client, backchannel_logout_uri=uri)
    assert isinstance(sign_out(user_agent, tokens["id_token"]), Callback)
    assert settled(credenza).error
    assert credenza.run(list_due_deliveries, credenza.clock.now()) == []
    listening.status = 200
    credenza.apply(
        {"applications": [{"client_id": "app", "name": "Harbour Wiki", "backchannel_logout_uri": listening.uri}]}
    )
    credenza.clock.move(60)
    (due,) = credenza.run(list_due_deliveries, credenza.clock.now())
    credenza.run(deliver, credenza.server, due)
    assert credenza.run(list_deliveries, "app")[0].delivered_at


def test_a_disabled_application_is_told_nothing(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, listening: Listening
) -> None:
    """Neither of a session that ends now, by either channel, nor, until it is enabled, of one that ended before."""
    frame = "https://app.example.com/out"
    members = {"backchannel_logout_uri": listening.uri, "metadata": {"frontchannel_logout_uri": frame}}
    listening.status = 500
    sign_out(user_agent, signed_in(credenza, user_agent, client, **members)["id_token"])
    settled(credenza)
    tokens = signed_in(credenza, user_agent, client, **members)
    credenza.apply({"applications": [{"client_id": "app", "enabled": False}]})
    page = user_agent.get("/logout?" + urlencode({"id_token_hint": tokens["id_token"]}))
    assert isinstance(page, PageSeen)
    assert page.name == "signed-out"
    assert frame not in page.html
    credenza.clock.move(60)
    (due,) = credenza.run(list_due_deliveries, credenza.clock.now())
    credenza.run(deliver, credenza.server, due)
    assert settled(credenza).error == "the application is disabled"
    assert len(listening.tokens) == 1
    listening.status = 200
    credenza.apply({"applications": [{"client_id": "app", "enabled": True}]})
    credenza.clock.move(60)
    credenza.run(deliver, credenza.server, due)
    assert settled(credenza).delivered_at


def test_a_slow_application_delays_neither_the_user_nor_the_others(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, listening: Listening
) -> None:
    """SECURITY R-LO-06. The slow one answers only after the user has gone on and the other one was told."""
    slow = Listening()
    slow.released.clear()
    thread = threading.Thread(target=slow.server.serve_forever)
    thread.start()
    try:
        signed_in(credenza, user_agent, client, backchannel_logout_uri=slow.uri)
        own = RelyingParty(credenza, "own", "https://own.example.com/cb")
        changed = {"client_id": "own", "name": "Our Portal", "backchannel_logout_uri": listening.uri}
        credenza.apply({"applications": [changed]})
        hint = own.tokens(user_agent.authorize(own))["id_token"]
        page = user_agent.get("/logout?" + urlencode({"id_token_hint": hint}))
        assert isinstance(page, PageSeen)
        assert page.name == "signed-out"
        assert slow.arrived.wait(PATIENCE)
        assert listening.arrived.wait(PATIENCE)
        (waiting,) = credenza.run(list_deliveries, "app")
        assert (waiting.delivered_at, waiting.attempts) == (None, 1)
    finally:
        slow.released.set()
        assert settled(credenza).delivered_at
        slow.server.shutdown()
        thread.join()
        slow.server.server_close()


def test_applications_that_nobody_vouches_for_take_one_share_together(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, spa: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LO-06: anybody registers as many as they like, each of which is slow; the others are told first."""
    told: list[str] = []
    released = asyncio.Event()

    async def slowly(server: Any, delivery: Any) -> None:
        told.append(delivery.client_id)
        await released.wait()

    monkeypatch.setattr(logout, "OF_ONE", 1)
    monkeypatch.setattr(logout, "deliver", slowly)
    monkeypatch.setattr(logout, "list_due_deliveries", AsyncMock(return_value=[]))
    own = RelyingParty(credenza, "own", "https://own.example.com/cb")
    for party in (client, spa, own):
        party.tokens(user_agent.authorize(party))
        registered = credenza.run(credenza.server.find_client, party.client_id)
        assert registered is not None
        metadata = {**registered.metadata, "unverified": party is not own}
        changed = replace(registered, metadata=metadata, backchannel_logout_uri="https://rp.example.com/logout")
        credenza.run(clients.edit_client, changed, ("metadata", "backchannel_logout_uri"), credenza.server.now())
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    credenza.run(end_all_sessions, credenza.server, ada.id)
    credenza.run(asyncio.sleep, 0)
    assert len(told) == 2
    assert told[0] == "own"
    credenza.portal.call(released.set)


def test_what_waits_for_one_application_leaves_another_its_turn(
    credenza: Credenza, client: RelyingParty, spa: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LO-06: a backlog of one, and of those together that nobody vouches for."""
    told: list[str] = []

    async def at_once(server: Any, delivery: Any) -> None:
        if server is credenza.server:
            told.append(delivery.client_id)

    monkeypatch.setattr(logout, "deliver", at_once)
    monkeypatch.setattr(logout, "AT_ONCE", 3)
    own = RelyingParty(credenza, "own", "https://own.example.com/cb")
    for party in (client, spa):
        registered = credenza.run(credenza.server.find_client, party.client_id)
        assert registered is not None
        changed = replace(registered, metadata={**registered.metadata, "unverified": True})
        credenza.run(clients.edit_client, changed, ("metadata",), credenza.server.now())
    now = credenza.clock.now() - 10
    before = [*[client] * 60, *[spa] * 60, *[own] * 2]
    waiting = [Delivery(f"{n:03}", party.client_id, "u1", "s1", now) for n, party in enumerate(before)]

    async def wait_and_look() -> None:
        await insert_deliveries(waiting)
        told.clear()
        await _deliver_due(credenza.server)

    credenza.run(wait_and_look)
    assert [name == "own" for name in told[:3]] == [True, False, True]


def test_very_many_that_nobody_vouches_for_leave_another_its_turn(credenza: Credenza) -> None:
    """R-LO-06: of more than are read at once, those that somebody vouches for come first."""
    now = credenza.clock.now() - 10
    common = {"type": "spa", "auth_method": "none", "metadata": json.dumps({"unverified": True})}
    strangers = [ClientRow(id=f"stranger-{n}", name=f"Stranger {n}", **common) for n in range(1001)]
    waiting = [Delivery(f"{n:04}", row.id, "u1", "s1", now - 60) for n, row in enumerate(strangers)]

    async def wait_and_look() -> list[Delivery]:
        for some in batches(strangers):
            await ClientRow.insert(*some)
        await insert_deliveries([*waiting, Delivery("own", "own", "u1", "s1", now)])
        return await list_due_deliveries(now)

    assert "own" in {delivery.client_id for delivery in credenza.run(wait_and_look)}


def test_an_error_of_one_does_not_end_the_turn_of_the_others(
    credenza: Credenza,
    client: RelyingParty,
    spa: RelyingParty,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And each that something is wrong with is in the log, once however many of its tokens are due."""
    told: list[str] = []

    async def slowly(server: Any, delivery: Any) -> None:
        if delivery.id != "2":
            raise RuntimeError("what nobody thought of")
        for _ in range(10):
            await asyncio.sleep(0)
        told.append(delivery.id)

    monkeypatch.setattr(logout, "deliver", slowly)
    now = credenza.clock.now() - 10

    async def wait_and_look() -> None:
        parties = (client, client, client, spa)
        await insert_deliveries([Delivery(str(n), p.client_id, "u1", "s1", now) for n, p in enumerate(parties)])
        await _deliver_due(credenza.server)

    credenza.run(wait_and_look)
    assert set(told) == {"2"}
    lines = Counter(record.getMessage() for record in caplog.records if record.name == "credenza.logout")
    assert set(lines) == {f"back-channel logout of {party.client_id!r} failed" for party in (client, spa)}
    assert len(set(lines.values())) == 1
    assert "RuntimeError: what nobody thought of" in caplog.text


def test_many_sessions_that_end_at_once_are_told_of_little_by_little(
    credenza: Credenza,
    user_agent: UserAgent,
    client: RelyingParty,
    listening: Listening,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R-LO-06, R-OP-09: each takes a connection, and a slow application would hold as many as there are."""

    async def nothing(now: int) -> list[Any]:
        return []

    # The queue's own turn: every server of this process has one, and others may not call where this one may.
    monkeypatch.setattr("credenza.logout.list_due_deliveries", nothing)
    many = 3 * AT_ONCE
    listening.released.clear()
    signed_in(credenza, user_agent, client, backchannel_logout_uri=listening.uri)
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None

    async def sign_in_again_and_again() -> None:
        now = credenza.server.now()
        for number in range(many):
            name = f"session-{number}"
            await sessions.insert_session(Session(f"{number:064}", name, ada.id, now, now, now, now + 3600))
            await begin_grant({"grant": name, "user": ada.id, "client": "app", "session": name, "details": "{}"}, now)

    credenza.run(sign_in_again_and_again)
    credenza.run(end_all_sessions, credenza.server, ada.id)
    wait_until(lambda: len(listening.tokens) >= OF_ONE, "the first of them")
    assert credenza.server.told_at_once.total() <= OF_ONE
    threading.Event().wait(0.2)
    assert len(listening.tokens) <= OF_ONE
    waiting = credenza.run(list_deliveries, "app", limit=1000)
    assert len(waiting) == many + 1
    listening.released.set()
    for _ in range(200):
        credenza.clock.move(60)
        for delivery in credenza.run(list_due_deliveries, credenza.clock.now()):
            credenza.run(deliver, credenza.server, delivery)
        left = [each for each in credenza.run(list_deliveries, "app", limit=1000) if not each.delivered_at]
        if not left:
            break
        threading.Event().wait(0.05)  # some are still on their way, or waited for their answer for too long
    assert left == []


@pytest.mark.parametrize("how", ["pruned", "password change required"])
def test_whom_the_desired_state_signs_out_is_signed_out_at_applications_too(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, listening: Listening, how: str
) -> None:
    signed_in(credenza, user_agent, client, backchannel_logout_uri=listening.uri)
    people = [{"username": "ada", "password_change_required": True}, {"username": "root"}]
    document = {"users": people[1:] if how == "pruned" else people}
    credenza.run(
        state.apply, credenza.server, credenza.app.state.passwords, document, Path.cwd(), prune=how == "pruned"
    )
    assert listening.arrived.wait(PATIENCE)
    assert settled(credenza).delivered_at


def test_an_administrator_sees_what_became_of_it(
    credenza: Credenza, user_agent: UserAgent, admin: UserAgent, client: RelyingParty, listening: Listening
) -> None:
    listening.status = 500
    tokens = signed_in(credenza, user_agent, client, backchannel_logout_uri=listening.uri)
    page = admin.get("/console/applications/app/activity")
    assert isinstance(page, PageSeen)
    assert "No sign-out had to be reported yet" in page.text
    sign_out(user_agent, tokens["id_token"])
    assert settled(credenza).error
    page = admin.get("/console/applications/app/activity")
    assert isinstance(page, PageSeen)
    assert "the application answered 500" in page.text
    assert "Will be tried again" in page.text
    listening.status = 200
    credenza.clock.move(60)
    (due,) = credenza.run(list_due_deliveries, credenza.clock.now())
    credenza.run(deliver, credenza.server, due)
    page = admin.get("/console/applications/app/activity")
    assert isinstance(page, PageSeen)
    assert "Delivered" in page.text


def test_it_is_given_up_in_the_end_and_forgotten_after_a_week(
    credenza: Credenza, user_agent: UserAgent, admin: UserAgent, client: RelyingParty
) -> None:
    tokens = signed_in(credenza, user_agent, client, backchannel_logout_uri="http://127.0.0.1:9/logout")
    sign_out(user_agent, tokens["id_token"])
    settled(credenza)
    for _ in range(ATTEMPTS - 1):
        credenza.clock.move(6000)
        (due,) = credenza.run(list_due_deliveries, credenza.clock.now())
        credenza.run(deliver, credenza.server, due)
    credenza.clock.move(6000)
    assert credenza.run(list_due_deliveries, credenza.clock.now()) == []
    page = admin.get("/console/applications/app/activity")
    assert isinstance(page, PageSeen)
    assert f"Given up after {ATTEMPTS} attempts" in page.text
    credenza.clock.move(8 * 24 * 3600)
    while credenza.run(_clean_up, credenza.server):
        pass
    assert credenza.run(list_deliveries, "app") == []


@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
def test_front_channel_frames_carry_issuer_and_session(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, subject_type: str
) -> None:
    """OpenID Connect Front-Channel Logout §3."""
    metadata = {"frontchannel_logout_uri": "https://app.example.com/out?x=1"}
    tokens = signed_in(credenza, user_agent, client, metadata=metadata, subject_type=subject_type)
    sid = jwt.decode(tokens["id_token"], options={"verify_signature": False})["sid"]
    page = sign_out(user_agent, tokens["id_token"])
    assert isinstance(page, PageSeen)
    assert page.name == "signed-out"
    query = urlencode({"iss": credenza.issuer, "sid": sid}).replace("&", "&amp;")
    assert f'src="https://app.example.com/out?x=1&amp;{query}"' in page.html
    assert "frame-src https://app.example.com" in page.headers["content-security-policy"]
    assert "https://app.example.com/?state=s" in page.html


@pytest.mark.parametrize(
    "uri",
    ["https://other.example.com/out", "https://app.example.com:8443/out", "https://app.example.com.evil.example/out"],
)
def test_2_a_frame_is_at_the_origin_of_a_redirect_uri(credenza: Credenza, uri: str) -> None:
    """OpenID Connect Front-Channel Logout §2: "The domain, port, and scheme of this URL MUST be the same"."""
    with pytest.raises(StateError, match="frontchannel_logout_uri"):
        credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "frontchannel_logout_uri": uri}]})
    same = "https://app.example.com/out"
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "frontchannel_logout_uri": same}]})
    exported = credenza.run(state.export, credenza.server)["applications"]
    (app,) = [application for application in exported if application["client_id"] == "app"]
    assert app["frontchannel_logout_uri"] == same
