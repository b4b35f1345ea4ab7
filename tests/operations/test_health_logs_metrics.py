"""Alive and ready, figures, logs and request ids: what an operator sees. SECURITY.md F-04, F-05, R-OP."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from faults.waiting import PATIENCE

from credenza import Event, audit, transaction, users
from credenza.logs import JsonFormatter, TextFormatter, request_id
from credenza.protocol.tokens import new_token
from credenza.settings import Settings, SettingsError
from credenza.store.engine import StoreFull, StoreUnavailable
from credenza.store.failed_sign_ins import FailedSignInRow
from credenza.testing import PASSWORD, Credenza, RelyingParty, UserAgent, running, test_settings
from credenza.web.observing import MOST

METRICS_TOKEN = "for-prometheus-only-for-prometheus-only"


@pytest.fixture
def broken(credenza: Credenza) -> Iterator[Callable[[Exception], None]]:
    """From now on the database answers everything with this error."""
    engine = credenza.server.engine
    run = engine._run

    def break_it(error: Exception) -> None:
        async def away(*arguments: Any, **options: Any) -> Any:
            raise error

        engine._run, engine.version = away, (-1.0, 0)

    yield break_it
    engine._run = run


# -- alive and ready --------------------------------------------------------------------------------------------------


def test_ready_means_that_the_database_answers(credenza: Credenza, broken: Callable[[Exception], None]) -> None:
    assert credenza.request("GET", "/readyz").json() == {"status": "ready"}
    broken(StoreUnavailable("away"))
    answer = credenza.request("GET", "/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "the database does not answer"})
    assert answer.headers["retry-after"] == "5"
    assert credenza.request("GET", "/healthz").json() == {"status": "live"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_how_it_is_now_is_kept_by_nobody(credenza: Credenza, path: str) -> None:
    """A cache on the way may keep an answer that says nothing about that. RFC 9111 §4.2.2."""
    assert credenza.request("GET", path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz"])
def test_head_is_get_without_a_body(credenza: Credenza, path: str) -> None:
    """What watches from outside often asks like this. RFC 9110 §9.3.2."""
    whole, bare = credenza.request("GET", path), credenza.request("HEAD", path)
    assert bare.status_code == whole.status_code == (303 if path == "/" else 200)
    assert bare.headers.get("content-type") == whole.headers.get("content-type")
    assert bare.content == b""


def test_head_tells_that_it_is_not_ready(credenza: Credenza, broken: Callable[[Exception], None]) -> None:
    broken(StoreUnavailable("away"))
    assert credenza.request("HEAD", "/readyz").status_code == 503
    assert credenza.request("HEAD", "/healthz").status_code == 200


def test_a_full_disk_turns_readiness_red_until_a_write_succeeds(credenza: Credenza, client: RelyingParty) -> None:
    """K23: reading goes on, so only a write tells."""
    engine = credenza.server.engine
    run = engine._run

    async def full(sql: str, *arguments: Any, **options: Any) -> Any:
        if not sql.lstrip().upper().startswith("SELECT"):
            raise StoreFull("database or disk is full")
        return await run(sql, *arguments, **options)

    engine._run = full
    try:
        assert credenza.request("GET", "/readyz").status_code == 200, "nobody has written yet"
        answer = credenza.request("GET", client.authorization_url(), headers={"accept": "text/html"})
        assert answer.status_code == 503
        red = credenza.request("GET", "/readyz")
        assert (red.status_code, red.json()) == (503, {"status": "the database takes no writes: is the disk full?"})
        assert credenza.request("GET", "/jwks").status_code == 200
    finally:
        engine._run = run
    assert credenza.request("GET", "/readyz").status_code == 200


def test_a_server_that_is_told_to_stop_is_not_ready(credenza: Credenza) -> None:
    """F-24."""
    credenza.server.stopping = True
    assert credenza.request("GET", "/readyz").json() == {"status": "stopping"}
    assert credenza.request("GET", "/jwks").status_code == 200


def test_what_is_not_done_in_time_is_ended_before_the_database_is_closed(
    credenza_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credenza.server.LAST", 0)
    counted = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            counted.append(await users.count_users())

    async def begin() -> None:
        credenza.server.spawn(endless())
        await asyncio.sleep(0)

    with running(test_settings(credenza_database)) as credenza:
        credenza.run(begin)
    assert counted == [3]


def test_what_does_not_let_itself_be_ended_keeps_no_server_from_stopping(
    credenza_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credenza.server.LAST", 0)
    monkeypatch.setattr("credenza.server.OVER", 0)

    async def stopped() -> bool:
        over = asyncio.Event()

        async def stubborn() -> None:
            while not over.is_set():
                with suppress(asyncio.CancelledError):
                    await over.wait()

        credenza.server.spawn(stubborn())
        await asyncio.sleep(0)
        stopping = asyncio.create_task(credenza.server.stop())
        done, _ = await asyncio.wait([stopping], timeout=PATIENCE / 4)
        over.set()
        await stopping
        return stopping in done

    with running(test_settings(credenza_database)) as credenza:
        assert credenza.run(stopped)


def test_before_the_database_was_there_everything_else_waits(credenza: Credenza) -> None:
    """F-04."""
    credenza.server.up = False
    answer = credenza.request("GET", "/.well-known/openid-configuration")
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert credenza.request("GET", "/readyz").status_code == 503
    assert credenza.request("GET", "/healthz").status_code == 200


def test_beyond_a_thousand_requests_at_once_the_rest_is_told_to_come_back(credenza: Credenza) -> None:
    credenza.app.under_way = MOST
    try:
        answer = credenza.request("GET", "/jwks")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert credenza.request("GET", "/readyz").status_code == 200
    finally:
        credenza.app.under_way = 0
    assert credenza.request("GET", "/jwks").status_code == 200
    assert credenza.app.under_way == 0


def test_a_wrong_secret_key_is_not_ready(credenza: Credenza, credenza_database: str) -> None:
    with running(test_settings(credenza_database, secret_key="another-key-" * 4)) as other:
        answer = other.request("GET", "/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "the signing keys do not open with this secret key"})


def test_f_05_keys_and_discovery_answer_while_the_database_is_slow_or_away(
    credenza: Credenza, broken: Callable[[Exception], None]
) -> None:
    """Whoever verifies a token must be able to."""
    import asyncio

    before = {path: credenza.request("GET", path) for path in ("/jwks", "/.well-known/openid-configuration")}
    engine = credenza.server.engine
    run = engine._run

    async def slow(*arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(60)
        return await run(*arguments, **options)

    engine._run, engine.version = slow, (-1.0, 0)
    began = time.monotonic()
    for path, answer in before.items():
        assert credenza.request("GET", path).json() == answer.json()
    assert time.monotonic() - began < 50
    broken(StoreUnavailable("away"))
    for path, answer in before.items():
        assert credenza.request("GET", path).json() == answer.json()


# -- figures ----------------------------------------------------------------------------------------------------------


def test_without_a_token_in_the_settings_there_are_no_metrics(credenza: Credenza) -> None:
    assert credenza.request("GET", "/metrics").status_code == 404
    assert credenza.request("GET", "/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_metrics_are_for_who_has_the_token(credenza_database: str) -> None:
    """Whoever has not is told of Bearer, which "MUST be followed by one or more auth-param values". RFC 6750 §3."""
    with running(test_settings(credenza_database, metrics_token=METRICS_TOKEN)) as credenza:
        for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {METRICS_TOKEN}"}):
            answer = credenza.request("GET", "/metrics", headers=header)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == 'Bearer realm="Credenza"'
            assert "credenza_" not in answer.text
        client = RelyingParty(credenza, "app", "https://app.example.com/cb")
        client.tokens(UserAgent(credenza).authorize(client))
        client.post("/token", {"grant_type": "nonsense"})
        credenza.request("GET", "/nothing/cz_at_secret")
        answer = credenza.request("GET", "/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
    assert answer.headers["content-type"].startswith("text/plain; version=")
    figures = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert figures['credenza_requests_total{endpoint="/token",method="POST",status="200"}'] == "1.0"
    assert figures['credenza_requests_total{endpoint="/token",method="POST",status="400"}'] == "1.0"
    assert figures['credenza_request_seconds_count{endpoint="/token"}'] == "2.0"
    assert figures['credenza_events_total{event="UserSignedIn",result="success"}'] == "1.0"
    assert figures['credenza_requests_total{endpoint="none",method="GET",status="404"}'] == "1.0"
    assert figures["credenza_workers"] == "1.0"
    assert "cz_" not in answer.text, "no label has a value from outside"


@dataclass(frozen=True, kw_only=True)
class TideTold(Event):
    """A plugin's own."""

    harbour: str = ""


def test_an_event_of_a_plugins_own_is_kept_and_counted(credenza_database: str) -> None:
    with running(test_settings(credenza_database, metrics_token=METRICS_TOKEN)) as credenza:

        async def tell() -> None:
            async with transaction():
                await credenza.server.emit(TideTold(client="app", harbour="Hamburg"))

        credenza.run(tell)
        kept = credenza.run(audit.list_events, name="TideTold")
        assert [event.data for event in kept] == [{"harbour": "Hamburg"}]
        answer = credenza.request("GET", "/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
    assert 'credenza_events_total{event="TideTold",result="success"} 1.0' in answer.text


def test_a_short_metrics_token_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="metrics_token"):
        Settings(metrics_token="short")


# -- logs -------------------------------------------------------------------------------------------------------------


def written(formatter: logging.Formatter, log: Callable[[logging.Logger], None]) -> str:
    logger = logging.Logger("credenza.tests")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    log(logger)
    return stream.getvalue()


def test_json_logs_are_one_object_a_line() -> None:
    def log(logger: logging.Logger) -> None:
        token = request_id.set("abcdef0123456789")
        try:
            raise ValueError("two\nlines")
        except ValueError:
            logger.exception("failed at %s", "/token\nforged", extra={"endpoint": "/token"})
        finally:
            request_id.reset(token)

    (line,) = written(JsonFormatter(), log).splitlines()
    said = json.loads(line)
    assert said["level"] == "error"
    assert said["message"] == "failed at /token\nforged"
    assert (said["request_id"], said["endpoint"], said["logger"]) == ("abcdef0123456789", "/token", "credenza.tests")
    assert "ValueError: two\nlines" in said["exception"]
    assert datetime.fromisoformat(said["time"]).tzinfo is not None


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
def test_a_secret_of_ours_never_reaches_the_log(formatter: logging.Formatter) -> None:
    """P-07, R-OP-05: even when somebody logs it by mistake."""
    for kind in ("access_token", "refresh_token", "code", "client_secret", "session", "invitation"):
        secret = new_token(kind)

        def log(logger: logging.Logger, secret: str = secret) -> None:
            try:
                raise ValueError(f"what about {secret}?")
            except ValueError:
                logger.exception("secret=%s", secret, extra={"header": f"Bearer {secret}"})

        said = written(formatter, log)
        assert secret[-40:] not in said
        assert secret[: secret.index("_", 3) + 1] + "…" in said, "one sees what it was"


def test_every_request_may_be_a_line(credenza_database: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "credenza.access")
    with running(test_settings(credenza_database, log_requests=True)) as credenza:
        credenza.request("GET", "/invitation/cz_inv_secret?token=also-secret")
    (record,) = [record for record in caplog.records if record.name == "credenza.access"]
    assert (record.endpoint, record.status, record.method) == ("/invitation/{token}", 404, "GET")
    assert "secret" not in record.getMessage()


# -- request ids ------------------------------------------------------------------------------------------------------


def test_a_request_id_is_believed_from_a_trusted_proxy_only(credenza_database: str) -> None:
    with running(test_settings(credenza_database, trusted_proxies=("10.0.0.0/8",))) as credenza:

        def error_id(address: str, given: str) -> tuple[str, str]:
            headers = {"accept": "text/html", "x-request-id": given}
            answer = credenza.request("GET", "/authorize?client_id=nobody", address=address, headers=headers)
            return answer.text.partition("Error id <code>")[2].partition("<")[0], answer.headers.get("x-request-id", "")

        assert error_id("10.1.2.3", "from-the-proxy-1234") == ("from-the-proxy-1234", "from-the-proxy-1234")
        for address, given in (
            ("203.0.113.7", "from-a-stranger-1234"),
            ("10.1.2.3", "<script>alert(1)</script>"),
            ("10.1.2.3", "x" * 41),
            ("10.1.2.3", "short"),
        ):
            shown, answered = error_id(address, given)
            assert given not in shown
            assert len(shown) == 16
            assert answered == (shown if address.startswith("10.") else "")


def test_the_error_page_the_audit_log_and_the_log_have_one_id(
    credenza: Credenza, user_agent: UserAgent, caplog: pytest.LogCaptureFixture
) -> None:
    from credenza.store.audit import list_events

    page = user_agent.get("/authorize?client_id=nobody")
    shown = page.html.partition("Error id <code>")[2].partition("<")[0]
    assert len(shown) == 16
    events = credenza.run(list_events, error_id=shown)
    assert [event.name for event in events] == ["AuthorizationRefused"]


# -- security.txt -----------------------------------------------------------------------------------------------------


def test_p_01_security_txt(credenza_database: str) -> None:
    """P-01, R-OP-10, RFC 9116 §2.5: Contact, Expires within a year, Canonical, Policy. In UTF-8: RFC 9116 §3."""
    contacts = ("mailto:security@example.com", "https://example.com/report")
    settings = test_settings(
        credenza_database, security_contact=contacts, security_policy="https://example.com/security"
    )
    with running(settings) as credenza:
        answer = credenza.request("GET", "/.well-known/security.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = [line.partition(": ")[::2] for line in answer.text.splitlines()]
    assert [value for name, value in lines if name == "Contact"] == list(contacts)
    fields = dict(lines)
    expires = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=365)
    assert fields["Canonical"] == f"{credenza.issuer}/.well-known/security.txt"
    assert fields["Policy"] == "https://example.com/security"


def test_without_a_contact_there_is_no_security_txt(credenza: Credenza) -> None:
    assert credenza.request("GET", "/.well-known/security.txt").status_code == 404


@pytest.mark.parametrize("contact", ["security@example.com", "mailto:a@b\nPolicy: x", "http://example.com"])
def test_a_contact_that_is_no_address_stops_the_start(contact: str) -> None:
    with pytest.raises(SettingsError, match="security_"):
        Settings(security_contact=(contact,))


def test_p_18_a_start_says_what_others_can_read(start_server: Callable[..., Any], filled_sqlite_url: str) -> None:
    """P-18: and serves."""
    Path(filled_sqlite_url.removeprefix("sqlite:///")).chmod(0o644)
    server = start_server(filled_sqlite_url)
    assert "filled.db can be read by others; chmod 600 it" in server.program.said


# -- too many sign-ins ------------------------------------------------------------------------------------------------


def test_when_too_many_sign_in_the_rest_are_told_when_to_come_back(credenza: Credenza, client: RelyingParty) -> None:
    """F-18, K20: 503, Retry-After and a way back, before the database is asked for anything."""
    agent = UserAgent(credenza)
    agent.get(client.authorization_url())
    passwords = credenza.app.state.passwords
    from credenza.web.passwords import MAX_WAITING

    passwords._waiting = MAX_WAITING
    counted = "SELECT COUNT(*) AS n FROM credenza_failed_sign_in"
    try:
        page = agent.sign_in()
        assert (page.status, page.name) == (503, "error")
        assert page.headers["retry-after"]
        assert "Try again in a few seconds" in page.text
        typed = {"identifier": "ada", "password": PASSWORD}
        for sent in (typed, typed | {"decision": "whatever"}):
            nobodys = agent.send("POST", "/interaction/nobody/login", data=sent)
            assert nobodys.status_code == 503, "whose sign-in it is was not even looked up"
        assert credenza.run(FailedSignInRow.raw, counted)[0]["n"] == 0, "nobody has used up a try"
    finally:
        passwords._waiting = 0
    again: Any = agent.get(page.url)
    assert again.name == "sign-in", "where the link on the page leads: its own address"
    seen: Any = agent.sign_in()
    assert seen.name == "consent"


def test_the_database_file_is_as_it_was(credenza: Credenza) -> None:
    """Readiness writes nothing while all is well."""
    path = credenza.server.settings.sqlite_path
    if path is None:
        pytest.skip("of SQLite")
    with sqlite3.connect(path) as connection:
        before = connection.execute("PRAGMA data_version").fetchone()
        for _ in range(3):
            assert credenza.request("GET", "/readyz").status_code == 200
        assert connection.execute("PRAGMA data_version").fetchone() == before
    connection.close()
