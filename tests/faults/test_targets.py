"""F-23: the mail server and an application that is told of sign-outs take a connection and never answer."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from faults.driver import Tally
from faults.oracle import ask
from faults.waiting import wait_until

from credenza.testing import Callback, PageSeen, RelyingParty, UserAgent

pytestmark = pytest.mark.faults

SOONER = '''
"""A second attempt comes in seconds, and not after a minute."""
import credenza_mail.mailer, credenza_mail.smtp
from credenza import cleaning
from credenza.store import logout

cleaning.EVERY = 1.0
credenza_mail.mailer.PATIENCE = 2
credenza_mail.smtp.TIMEOUT = 5.0
logout.FIRST_WAIT = 2
'''


class Silent:
    """Takes every connection, and says nothing."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self.thread = threading.Thread(target=self._take)
        self.thread.start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                self.connections.append(self.listener.accept()[0])

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for connection in self.connections:
            connection.close()


@pytest.fixture
def silent() -> Iterator[Callable[[], Silent]]:
    started: list[Silent] = []

    def start() -> Silent:
        started.append(Silent())
        return started[-1]

    yield start
    for one in started:
        with suppress(OSError):
            one.close()


def test_f_23_a_mail_server_that_never_answers(
    filled_database_url: str, start_server: Callable[..., Any], plugin: Any, silent: Any, tally: Tally
) -> None:
    """Nobody waits for it, nobody learns who has an account, and no mail is lost when the server is killed as well."""
    controller = pytest.importorskip("aiosmtpd.controller")
    dead = silent()
    address = {"smtp_url": f"smtp://127.0.0.1:{dead.port}", "mail_from": "Harbour <no-reply@harbour.example>"}
    server = start_server(filled_database_url, workers=2, config=plugin(SOONER), **address)
    took: dict[str, list[float]] = {"ada": [], "nobody": []}
    answers: dict[str, set[tuple[int, str]]] = {"ada": set(), "nobody": set()}
    for _ in range(3):
        for who in took:
            agent = UserAgent(server)
            agent.get("/password-reset")
            began = time.monotonic()
            page = agent.submit([("identifier", who)])
            took[who].append(time.monotonic() - began)
            assert isinstance(page, PageSeen)
            answers[who].add((page.status, page.text.replace(who, "…")))
    wait_until(lambda: len(dead.connections) > 0, "somebody to try")
    tally.look("I4", answers["ada"] == answers["nobody"] and len(answers["ada"]) == 1, f"{answers}")
    ratio = statistics.median(took["ada"]) / statistics.median(took["nobody"])
    assert 0.2 < ratio < 5, "the time tells who has an account"
    assert max(took["ada"]) < 5, "it was waited for the mail server"
    wait_until(lambda: ask(filled_database_url, "SELECT COUNT(*) AS what FROM credenza_mail") == ["3"], "the queue")
    server.program.kill()
    dead.close()
    inbox = Inbox()
    post_office = controller.Controller(inbox, hostname="127.0.0.1", port=dead.port)
    post_office.start()
    try:
        server.start()
        wait_until(lambda: len(set(inbox.mails)) == 3, "the mails")
        wait_until(lambda: server.request("GET", "/readyz").status_code == 200, "all is well")
    finally:
        post_office.stop()
    tally.look("I2", inbox.to == {"ada@example.com"}, f"mails to {inbox.to}")
    print(f"\nanswers took {ratio:.1f} times as long with an account as without; {len(inbox.mails)} mails for 3")
    assert not tally.violations, tally.violations


class Inbox:
    """What a mail server gets."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.to: set[str] = set()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        self.mails.append(envelope.content)
        self.to |= set(envelope.rcpt_tos)
        return "250 OK"


def test_f_23_an_application_that_never_answers_a_sign_out(
    filled_database_url: str, start_server: Callable[..., Any], plugin: Any, silent: Any, tally: Tally
) -> None:
    """The user goes on at once; the sign-out is delivered when the application is well, after a restart as well."""
    dead = silent()
    server = start_server(filled_database_url, workers=2, config=plugin(SOONER), outbound_allow="127.0.0.1")
    uri = f"http://127.0.0.1:{dead.port}/signed-out"
    server.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "backchannel_logout_uri": uri}]})
    party = RelyingParty(server, "app", "https://app.example.com/cb")
    agent = UserAgent(server)
    tokens = party.tokens(agent.authorize(party))
    hint = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://app.example.com/"}
    seen = agent.get("/logout?" + urlencode(hint))
    tally.look("I4", isinstance(seen, Callback), "the user was kept waiting")
    wait_until(lambda: len(dead.connections) > 0, "somebody to try")
    tally.look("I2", party.userinfo(tokens["access_token"]).status_code == 401, "a token outlives its session")
    server.program.kill()
    dead.close()
    told: list[str] = []

    class Application(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            told.extend(parse_qs(body)["logout_token"])
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", dead.port), Application) as application:
        thread = threading.Thread(target=application.serve_forever)
        thread.start()
        try:
            server.start()
            wait_until(lambda: bool(told), "the application to be told")
        finally:
            application.shutdown()
            thread.join()
    assert not tally.violations, tally.violations
