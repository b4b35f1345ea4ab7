"""A canary for each secret, and nowhere to be found afterwards. SECURITY.md §2.17, P-03, P-05, R-OP-*."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest

from credenza import audit
from credenza.encryption import Keyring, Undecryptable, derive
from credenza.logs import JsonFormatter, TextFormatter
from credenza.protocol.tokens import PREFIXES, is_token, new_token
from credenza.testing import ORDERS, SECRET, PageSeen, RelyingParty, UserAgent

CANARY = "canary sentence that nobody else would choose"


@pytest.mark.own_server
def test_a_log_01_a_tour_with_canaries(
    credenza: Any, user_agent: Any, client: RelyingParty, spa: RelyingParty, caplog: pytest.LogCaptureFixture
) -> None:
    """A-LOG-01, P-03, R-OP-03, R-OP-05, R-KY-03: logs at debug level, the database, the error pages."""
    from credenza.invitations import invite

    caplog.set_level(logging.DEBUG)
    secrets: list[str] = [SECRET, CANARY]
    user = credenza.user(credenza.new_user(password_hash=None))
    address = credenza.run(invite, credenza.server, purpose="password", user_id=user.id)
    secrets.append(address.rpartition("/")[2])
    user_agent.get(address)
    user_agent.submit([("password", CANARY), ("password_again", CANARY)])
    agent = UserAgent(credenza)
    agent.get(client.authorization_url())
    agent.sign_in(user.username, "wrong " + CANARY)
    agent.sign_in(user.username, CANARY)
    callback = agent.decide()
    tokens = client.tokens(callback, scope=None)
    offline = spa.tokens(agent.authorize(spa, scope="openid profile offline_access"))
    renewed = spa.refresh(offline["refresh_token"]).json()
    spa.refresh(offline["refresh_token"])
    client.redeem(callback)
    client.userinfo(tokens["access_token"])
    client.userinfo(tokens["access_token"] + "x")
    client.introspect(tokens["access_token"])
    client.revoke(tokens["access_token"])
    credenza.request("GET", f"/userinfo?access_token={tokens['access_token']}")
    credenza.request("POST", f"/token?client_secret={SECRET}&password={CANARY}", data={"grant_type": "password"})
    secrets += [callback.code, client.verifier, spa.verifier]
    secrets += [part[kind] for part in (tokens, offline, renewed) for kind in part if kind.endswith("_token")]
    secrets += [cookie.value for cookie in agent.cookies.jar if cookie.value]
    interactions = [answer.url.path.split("/")[2] for answer in agent.history if "/interaction/" in str(answer.url)]
    secrets.append(credenza.server.settings.secret_key)
    assert len(secrets) > 15
    ours = [caplog.handler.format(record) for record in caplog.records if record.name != "httpx"]  # the test's client
    places = {"log": "\n".join(ours), "database": credenza.dump(), "settings": repr(credenza.server.settings)}
    places |= {f"error page {n}": a.text for n, a in enumerate(agent.history) if a.status_code >= 400}
    for place, text in places.items():
        # The address of the page that is open is in the page.
        for secret in [*secrets, *(interactions if "page" not in place else [])]:
            assert secret not in text, (place, secret[:12])
    assert "BEGIN PRIVATE KEY" not in places["database"]


def test_a_log_02_text_from_outside_is_no_second_line(
    credenza: Any, user_agent: Any, client: RelyingParty, caplog: pytest.LogCaptureFixture
) -> None:
    """A-LOG-02: newlines and colours in names, user agents and client ids."""
    caplog.set_level(logging.DEBUG)
    evil = 'x\r\nERROR root: "forged"\x1b[31m'
    user_agent.get(client.authorization_url(client_id=evil))
    user_agent.get(client.authorization_url(), headers={"user-agent": "x\x1b[31m"})
    user_agent.sign_in(evil)
    credenza.raw("GET", "/x\r\nERROR forged")
    client.post("/token", {"grant_type": evil, "client_id": evil})
    for record in caplog.records:
        assert "\n" not in record.getMessage()
        assert "\x1b" not in record.getMessage()


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_a_log_02_a_record_is_one_line_whatever_a_plugin_writes(formatter: logging.Formatter) -> None:
    """A-LOG-02, R-OP-05: line ends of every kind, and what commands a terminal; a traceback keeps its lines."""
    evil = "x\nERROR root: forged\r\x1b[31m\x9b31m\u2028\x85\x00\u202e\u2066\u200bé"
    record = logging.LogRecord("plugin", logging.WARNING, "", 0, "somebody is called %s", (evil,), None)
    line = formatter.format(record)
    assert line.splitlines() == [line]
    assert not {"\x1b", "\x9b", "\0"} & set(line)
    assert "é" in line
    try:
        raise ValueError(evil)
    except ValueError:
        record.exc_info = sys.exc_info()
    assert not set("\r\x1b\x9b\u2028\0\u202e\u2066\u200b") & set(formatter.format(record))


def test_a_log_02_a_stranger_is_not_taken_for_another_client(
    credenza: Any, user_agent: Any, client: RelyingParty, admin: UserAgent
) -> None:
    """In the audit log, by what nobody sees there, or what turns the rest of a line."""
    user_agent.get(client.authorization_url(client_id="app\u200b \u202eppa\xad\U000e0061\U00013441"))
    page = admin.get("/console/audit-log")
    assert isinstance(page, PageSeen)
    assert "app\\u200b \\u202eppa\\u00ad\\udb40\\udc61\\ud80d\\udc41" in page.text
    assert not set("\u200b\u202e\xad\U000e0061\U00013441") & set(page.html)


def test_a_log_02_nor_by_a_space_more(credenza: Any, user_agent: Any, client: RelyingParty, admin: UserAgent) -> None:
    """In front, behind, two for one, and of another width."""
    for stranger in ("app ", " app", "app\n", "app\u3000", "ap  p", "ap\xa0p"):
        user_agent.get(client.authorization_url(client_id=stranger))
    names = [event.client for event in credenza.run(audit.list_events, name="AuthorizationRefused", limit=6)]
    assert names[::-1] == [
        "app\\u0020",
        "\\u0020app",
        "app\\u000a",
        "app\\u3000",
        "ap \\u0020p",
        "ap\\u00a0p",
    ]


@pytest.mark.own_server
def test_a_log_03_an_error_of_ours_tells_an_id(
    credenza: Any, user_agent: Any, client: RelyingParty, caplog: pytest.LogCaptureFixture
) -> None:
    """A-LOG-03, R-OP-11: the table is gone in the middle of a token request; the log has no token and no query."""
    callback = user_agent.authorize(client)

    async def break_it() -> None:
        from credenza.store.access_tokens import AccessTokenRow

        await AccessTokenRow.raw("ALTER TABLE credenza_access_token RENAME TO gone")

    credenza.run(break_it)
    answer = client.post(
        f"/token?secret={SECRET}",
        {"grant_type": "authorization_code", "code": callback.code, "code_verifier": client.verifier},
    )
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == "server_error"
    assert "Error id" in answer.json()["error_description"]
    for leak in ("Traceback", "sqlite", "gone", "credenza_access_token", callback.code):
        assert leak not in answer.text
    assert "Traceback" in caplog.text
    ours = "\n".join(caplog.handler.format(record) for record in caplog.records if record.name != "httpx")
    for secret in (callback.code, SECRET, client.verifier, "secret="):
        assert secret not in ours
    # Nothing was half done: the code is still there to be used.
    assert credenza.rows("credenza_access_token")["credenza_grant"] == 0


@pytest.mark.own_server
def test_r_op_12_when_the_database_is_away_every_page_says_so(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """R-OP-12, I4, I6: 503 and no stack trace, whichever handler was writing an answer; nothing is skipped."""
    from credenza.store.engine import StoreUnavailable

    callback = user_agent.authorize(client)
    engine = credenza.server.engine
    run = engine._run

    async def away(*arguments: Any, **options: Any) -> Any:
        raise StoreUnavailable("away")

    requests = [
        ("GET", client.authorization_url(), {}),
        ("GET", client.authorization_url(client_id="nobody"), {}),
        ("GET", "/authorize", {}),
        ("GET", "/logout?id_token_hint=x", {}),
        ("GET", "/nothing", {}),
        ("POST", "/logout", {"content": "a=%ff"}),
        ("POST", "/token", {"data": {"grant_type": "authorization_code", "code": callback.code}}),
        ("GET", "/userinfo", {"headers": {"authorization": "Bearer cz_at_x"}}),
        ("GET", "/.well-known/openid-configuration", {}),
        ("GET", "/readyz", {}),
    ]
    engine._run, engine.version = away, (-1.0, 0)
    try:
        for method, url, options in requests:
            for accept in ("text/html", "application/json"):
                headers = {**options.get("headers", {}), "accept": accept}
                answer = credenza.request(method, url, **{**options, "headers": headers})
                assert answer.status_code in (400, 401, 404, 503), (url, answer.status_code, answer.text)
                assert "Traceback" not in answer.text
                assert "code=" not in answer.headers.get("location", "")
        assert credenza.request("GET", "/healthz").status_code == 200
    finally:
        engine._run = run
    assert client.redeem(callback).status_code == 200


# -- keys and tokens --------------------------------------------------------------------------------------------------


def test_p_05_every_purpose_has_a_key_of_its_own() -> None:
    """P-05, P12."""
    purposes = ("encryption at rest", "csrf", "low-entropy names", "other")
    assert len({derive(b"x" * 32, purpose) for purpose in purposes}) == len(purposes)
    assert derive(b"y" * 32, "csrf") != derive(b"x" * 32, "csrf")


def test_p_03_a_ciphertext_opens_at_its_place_only() -> None:
    """P-03: AAD; another key, another row and a flipped bit refuse."""
    keyring = Keyring(b"x" * 32)
    sealed = keyring.encrypt(b"private", place="a/1/key")
    assert keyring.decrypt(sealed, place="a/1/key") == b"private"
    assert sealed != keyring.encrypt(b"private", place="a/1/key")
    with pytest.raises(Undecryptable):
        keyring.decrypt(sealed, place="a/2/key")
    with pytest.raises(Undecryptable):
        Keyring(b"y" * 32).decrypt(sealed, place="a/1/key")
    with pytest.raises(Undecryptable):
        keyring.decrypt(sealed[:-6] + ("AAAA==" if not sealed.endswith("AAAA==") else "BBBB=="), place="a/1/key")


def test_p_07_a_leaked_token_can_be_known() -> None:
    """P-07, R-CD-09: a prefix for each kind, and a checksum."""
    assert len(set(PREFIXES.values())) == len(PREFIXES)
    for kind in PREFIXES:
        token = new_token(kind)
        assert is_token(token, kind)
        assert not any(is_token(token, other) for other in PREFIXES if other != kind)
        assert not is_token(token[:-1] + ("A" if token[-1] != "A" else "B"), kind)
        assert not is_token(token + "\n", kind)


def test_p_03_secrets_are_shown_once(credenza: Any) -> None:
    """R-OP-04, R-CO-05: a generated secret is in the answer of the run that made it, and nowhere else."""
    from credenza import state

    run = credenza.apply(
        {
            "applications": [
                {
                    "client_id": "fresh",
                    "name": "Fresh",
                    "type": "machine_to_machine",
                    "permissions": {"api": {ORDERS: []}},
                }
            ]
        }
    )
    secret = next(change.made["client_secret"] for change in run.changes if "client_secret" in change.made)
    assert len(secret) >= 50
    assert secret not in credenza.dump()
    assert secret not in str(credenza.run(state.export, credenza.server))
