"""Signing in with a provider that lies or is broken: it is refused on a page of ours, soon. Core §3.1.3.7, RFC 8725."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from credenza import audit, outbound, users
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.rules import Rule
from credenza_upstream import pages
from credenza_upstream import provider as upstream_provider
from credenza_upstream.tables import LinkRow

from .conftest import press, seen

PROVIDERS = "/console/sign-in-providers"
SECRET = "what-the-provider-gave-us"
DISCOVERY = "/.well-known/openid-configuration"
Sign = Callable[[bytes], bytes]


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    return {"outbound_allow": ("127.0.0.1",)}


@pytest.fixture(autouse=True)
def short_of_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "TIMEOUT", 1.0)


@pytest.fixture(scope="module")
def keys() -> list[rsa.RSAPrivateKey]:
    return [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def signing(key: rsa.RSAPrivateKey, algorithm: hashes.HashAlgorithm | None = None) -> Sign:
    return lambda text: key.sign(text, padding.PKCS1v15(), algorithm or hashes.SHA256())


def mac(key: bytes) -> Sign:
    return lambda text: hmac.new(key, text, hashlib.sha256).digest()


class Provider:
    """A provider that is right but for what a test changes: `claims`, `header`, `sign`, and the pages of its `site`."""

    def __init__(self, credenza: Credenza, site: Any, keys: list[rsa.RSAPrivateKey]) -> None:
        self.credenza, self.site, self.keys = credenza, site, keys
        self.issuer = site.url("").rstrip("/")
        self.nonce = ""
        self.as_it_should_be()

    def as_it_should_be(self) -> None:
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.sign = signing(self.keys[0])
        self.describe()
        self.site.publish("/jwks", {"keys": [self.jwk()]})
        self.site.publish("/userinfo", {"sub": "somebody", "name": "Some Body"})
        self.site.pages["/token"] = lambda handler: wire(200, self.tokens())(handler)
        self.forget()

    def describe(self, **changes: Any) -> None:
        endpoints = {name: self.site.url(f"/{name}") for name in ("token", "userinfo")}
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": self.site.url("/authorize"),
            "jwks_uri": self.site.url("/jwks"),
            **{f"{name}_endpoint": address for name, address in endpoints.items()},
        }
        self.site.publish(DISCOVERY, document | changes)
        self.forget()

    def forget(self) -> None:
        """What our server has kept of it."""
        upstream_provider._KEPT.clear()
        self.credenza.server.remote_keys._kept.clear()
        self.credenza.server.remote_keys._failed.clear()

    def jwk(self, number: int = 0) -> dict[str, Any]:
        public = self.keys[number].public_key().public_numbers()
        return {"kty": "RSA", "n": b64(public.n.to_bytes(256, "big")), "e": "AQAB", "kid": "one"}

    def signed(self, claims: dict[str, Any], header: dict[str, Any], sign: Sign) -> str:
        said = {name: value for name, value in claims.items() if value is not ...}
        text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(said).encode())}"
        return f"{text}.{b64(sign(text.encode()))}"

    def tokens(self, **changes: Any) -> bytes:
        now = self.credenza.server.now()
        usual = {"iss": self.issuer, "aud": "us", "sub": "somebody", "iat": now, "exp": now + 300, "nonce": self.nonce}
        token = self.signed(usual | self.claims, self.header, self.sign)
        return json.dumps({"id_token": token, "access_token": "theirs", "token_type": "Bearer"} | changes).encode()

    def begin(self, agent: UserAgent, url: str = "/account") -> str:
        """Press its button; the state with which the browser is to come back."""
        page = seen(agent.get(url))
        sent = agent.get(next(link for link in page.links if link.startswith("/upstream/hostile/begin")))
        assert isinstance(sent, Callback), sent.text
        self.nonce = sent.parameters["nonce"]
        return sent.parameters["state"]

    def come_back(
        self, url: str = "/account", *, before: Callable[[], object] = lambda: None, **changes: str | None
    ) -> PageSeen:
        agent = UserAgent(self.credenza)
        query = {"code": "c", "state": self.begin(agent, url)} | changes
        before()
        return seen(agent.get("/upstream/hostile/callback?" + urlencode({n: v for n, v in query.items() if v})))

    def refused(self, what: object, **options: Any) -> None:
        page = self.come_back(**options)
        assert (page.status, page.error) == (400, "upstream_failed"), what
        assert self.credenza.run(LinkRow.count().run) == 0, what
        assert self.credenza.run(users.count_users, search="hostile-") == 0, what


@pytest.fixture
def hostile(credenza: Credenza, admin: UserAgent, web_site: Any, keys: list[rsa.RSAPrivateKey]) -> Iterator[Provider]:
    provider = Provider(credenza, web_site, keys)
    admin.get(f"{PROVIDERS}/create")
    form = {"id": "hostile", "title": "Hostile Harbour", "issuer": provider.issuer, "client_id": "us", "secret": SECRET}
    press(admin, f"{PROVIDERS}/create", *form.items(), ("scope", "openid"), ("enabled", "on"), ("create_users", "on"))
    yield provider
    provider.forget()


def wire(status: int, body: bytes = b"", *headers: bytes, length: bool = True) -> Callable[[Any], None]:
    """An answer byte for byte."""
    lines = [b"HTTP/1.1 %03d Answer" % status, *(headers or [b"Content-Type: application/json"])]
    lines += [b"Content-Length: %d" % len(body)] if length else []

    def answer(handler: Any) -> None:
        handler.wfile.write(b"\r\n".join([*lines, b"", body]))
        handler.close_connection = True

    return answer


def endless(begin: bytes, again: bytes) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.wfile.write(begin)
        with suppress(OSError):
            while True:
                handler.wfile.write(again)

    return answer


def late(answer: Callable[[Any], None], seconds: float) -> Callable[[Any], None]:
    def wait(handler: Any) -> None:
        time.sleep(seconds)
        answer(handler)

    return wait


def test_with_nothing_changed_it_works(hostile: Provider, credenza: Credenza) -> None:
    page = hostile.come_back()
    assert page.name == "account"
    assert "Some Body" in page.text
    assert credenza.run(LinkRow.count().run) == 1


WRONG: dict[str, list[Any]] = {
    "iss": ["https://evil.example", ["https://evil.example"], None, 1],
    "aud": ["other", [], ["other"], ["us", "other"], None, {"us": 1}],
    "azp": ["other", ["us"], None],
    "nonce": ["x", "", None, ["x"], 1, "é"],
    "exp": [1, None, "9999999999", 9999999999, -1, True, [1], 1e300, 10**400],
    "iat": [9999999999, "1", None],
    "nbf": [9999999999, "x"],
    "sub": ["", None, 1, "x" * 256, "a\nb", ["somebody"], "a\0b", "\ud800"],
}


def test_3_1_3_7_claims_that_are_not_right(hostile: Provider) -> None:
    for name, values in WRONG.items():
        for value in [*values, *([...] if name not in ("azp", "nbf") else [])]:
            hostile.claims = {name: value}
            hostile.refused(hostile.claims)
    hostile.claims = {"aud": ["us", "other"], "azp": "other"}
    hostile.refused(hostile.claims)


@pytest.mark.parametrize("wish", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "86400"}])
def test_3_1_2_1_who_does_not_say_when_it_was_is_not_believed_fresh(
    hostile: Provider, client: RelyingParty, wish: dict[str, str]
) -> None:
    """OpenID Connect Core §3.1.2.1: "When `max_age` is used, the ID Token returned MUST include an `auth_time`"."""
    hostile.site.publish("/userinfo", {"sub": "somebody", "auth_time": hostile.credenza.server.now()})
    for auth_time in (..., None, "9999999999", True, []):
        hostile.claims = {"auth_time": auth_time}
        page = hostile.come_back(client.authorization_url(**wish))
        assert (page.status, page.error) == (403, "upstream_not_fresh")
        assert "Hostile Harbour does not say" in page.text
        assert hostile.come_back(client.authorization_url()).name == "consent", "an ordinary sign-in goes on"
    hostile.claims = {"auth_time": hostile.credenza.server.now()}
    assert hostile.come_back(client.authorization_url(**wish)).name == "consent"


def test_a_page_of_ours_takes_who_comes_back_from_it(hostile: Provider) -> None:
    """Who has no other way could change nothing in the account otherwise."""
    agent = UserAgent(hostile.credenza)
    agent.get("/upstream/hostile/callback?" + urlencode({"code": "c", "state": hostile.begin(agent)}))
    hostile.credenza.clock.move(3600)
    state = hostile.begin(agent, "/account/security/linked")
    page = seen(agent.get("/upstream/hostile/callback?" + urlencode({"code": "c", "state": state})))
    assert "Hostile Harbour" in page.text
    assert (page.name, page.status) != ("error", 403)


def test_signatures_that_are_not_the_providers(hostile: Provider, keys: list[rsa.RSAPrivateKey]) -> None:
    public, spki = keys[0].public_key(), serialization.PublicFormat.SubjectPublicKeyInfo
    encodings = (serialization.Encoding.PEM, serialization.Encoding.DER)
    known = [SECRET.encode(), b"", *(public.public_bytes(encoding, spki) for encoding in encodings)]
    ours, theirs = signing(keys[0]), signing(keys[1])
    attempts: list[tuple[dict[str, Any], Sign]] = [
        *(({"alg": alg, "kid": "one"}, lambda text: b"") for alg in ("none", "None", "nOnE")),
        *(({"alg": "HS256", **kid}, mac(key)) for key in known for kid in ({}, {"kid": "one"})),
        ({"alg": "RS256", "kid": "one"}, theirs),
        ({"alg": "RS256", "jwk": hostile.jwk(1)}, theirs),
        ({"alg": "RS256", "kid": "one", "jku": hostile.site.url("/evil")}, theirs),
        *(({"alg": "RS256", "kid": kid}, ours) for kid in ("two", "../one", "one\0", 1, ["one"], "x" * 10_000)),
        *(({"alg": "RS256", "kid": "one", "typ": typ}, ours) for typ in ("at+jwt", "logout+jwt", ["JWT"])),
        *(({"alg": "RS256", "kid": "one", name: value}, ours) for name, value in (("crit", ["x"]), ("b64", False))),
        *(({"alg": alg, "kid": "one"}, ours) for alg in ("PS256", "ES256", "EdDSA", ["RS256"], None)),
        ({"alg": "RS512", "kid": "one"}, signing(keys[0], hashes.SHA512())),
    ]
    for hostile.header, hostile.sign in attempts:
        hostile.refused(hostile.header)
    assert not any("evil" in path for path, _ in hostile.site.seen)


def test_an_administrator_reads_which_algorithms_there_are(hostile: Provider, credenza: Credenza) -> None:
    """LemonLDAP::NG signs with HS512 unless it is told otherwise."""
    hostile.header, hostile.sign = {"alg": "HS512"}, lambda text: b"m" * 64
    hostile.refused("HS512")
    (event,) = credenza.run(audit.list_events, name="SignInFailed")
    assert event.data["reason"] == "the ID token is not right: alg must be one of RS256, ES256, PS256, EdDSA"


def test_what_is_no_id_token(hostile: Provider) -> None:
    nested = b64(b"[" * 5000) + ".e30.x"
    for token in (1, None, "", "a.b", "..", "é.é.é", "\ud800.a.b", ["a"], "e30.e30.e30", "W10.W10.W10", nested):
        hostile.site.pages["/token"] = wire(200, hostile.tokens(id_token=token))
        hostile.refused(token)


BROKEN = {
    "a redirect": wire(302, b"", b"Location: https://127.0.0.1/userinfo"),
    "an error": wire(500, b"no"),
    "a page": wire(200, b"<html>", b"Content-Type: text/html"),
    "nothing": wire(200),
    "no content": wire(204, length=False),
    "no object": wire(200, b"null"),
    "a number beyond all numbers": wire(200, b'{"keys": 1e999}'),
    "many digits": wire(200, b'{"keys": ' + b"9" * 6000 + b"}"),
    "many levels": wire(200, b"[" * 60_000),
    "no text": wire(200, b'{"a": "\xff"}'),
    "compressed": wire(200, gzip.compress(b" " * 10_000_000), b"Content-Encoding: gzip"),
    "too much": wire(200, b" " * 3_000_000),
    "no end": endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 100_000),
    "headers without end": endless(b"HTTP/1.1 200 OK\r\n", b"X-Y: " + b"z" * 1000 + b"\r\n"),
    "not yet, for ever": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "no HTTP": lambda handler: handler.wfile.write(b"\0\1garbage\r\n\r\n"),
    "less than announced": wire(200, b"{}", b"Content-Length: 100", length=False),
    "a wrong length": wire(200, b"{}", b"Content-Length: -1", length=False),
    "wrong chunks": wire(200, b"zz\r\n{}", b"Transfer-Encoding: chunked", length=False),
    "another protocol": wire(101, b"{}", b"Upgrade: x", b"Connection: Upgrade", length=False),
    "an unknown status": wire(999, b"{}"),
    "odd headers": wire(200, b"{}", b"Set-Cookie: a=\xff; expires=Foo; max-age=" + b"9" * 30, b"Content-Type: \xff"),
    "an end": lambda handler: None,
}


@pytest.mark.parametrize("place", [DISCOVERY, "/token", "/jwks"])
def test_an_endpoint_that_is_broken(hostile: Provider, place: str) -> None:
    for what, answer in BROKEN.items():
        hostile.as_it_should_be()

        def breaks(answer: Callable[[Any], None] = answer) -> None:
            hostile.forget()
            hostile.site.pages[place] = answer

        began = time.monotonic()
        hostile.refused(what, before=breaks)
        assert time.monotonic() - began < 60, what  # those without an end have none


@pytest.mark.parametrize("what", ["an error", "a page", "no object", "an end"])
@pytest.mark.parametrize("place", ["/token", "/jwks"])
def test_no_key_in_the_query_of_an_endpoint_is_in_the_audit_log(
    hostile: Provider, credenza: Credenza, place: str, what: str
) -> None:
    member = {"/token": "token_endpoint", "/jwks": "jwks_uri"}[place]
    hostile.describe(**{member: hostile.site.url(f"{place}?key=a-secret")})
    hostile.site.pages[place] = BROKEN[what]
    hostile.refused(what)
    (event,) = credenza.run(audit.list_events, name="SignInFailed")
    assert event.data["reason"].startswith(hostile.site.url(place))
    assert "a-secret" not in event.data["reason"]


def test_one_can_sign_in_without_userinfo(hostile: Provider) -> None:
    for what, answer in BROKEN.items():
        hostile.site.pages["/userinfo"] = answer
        assert hostile.come_back().name == "account", what


def test_what_userinfo_says_of_somebody_else_is_nothing(hostile: Provider, credenza: Credenza) -> None:
    """Core §5.3.2; and an address that is not said to be verified, in so many words, is not kept."""
    for claims in (
        {"sub": "other", "name": "EVIL"},
        {"name": "EVIL"},
        {"sub": ["somebody"], "name": "EVIL"},
        {"sub": "somebody", "name": ["EVIL"]},
        {"sub": "somebody", "name": "EVIL\nEVIL"},
        *({"sub": "somebody", "email": "x@example.com", "email_verified": v} for v in ("true", 1, False, None, [True])),
        {"sub": "somebody", "email": "a@example.com, b@example.com", "email_verified": True},
        {"sub": "somebody", "email": "ADA@example.com", "email_verified": True},
    ):
        hostile.site.publish("/userinfo", claims)
        page = hostile.come_back()
        assert page.name == "account", claims
        assert "EVIL" not in page.html, claims
        (made,) = credenza.run(users.list_users, search="hostile-")
        assert (made.email, made.email_verified) == (None, False), claims
        credenza.run(users.delete_user, made.id)


@pytest.mark.parametrize(
    ("claims", "userinfo", "kept"),
    [
        ({"email": "a@example.com"}, {"email": "b@example.com", "email_verified": True}, None),
        ({"email_verified": True}, {"email": "b@example.com"}, None),
        ({"email_verified": True}, {"email": "b@example.com", "email_verified": False}, None),
        ({"email": "a@example.com", "email_verified": False}, {"email": "a@example.com", "email_verified": True}, None),
        ({"email": "a@example.com"}, {"email": "a@example.com", "email_verified": True}, "a@example.com"),
        ({"email": "a@example.com", "email_verified": True}, {"email": "b@example.com"}, "a@example.com"),
        ({}, {"email": "b@example.com", "email_verified": True}, "b@example.com"),
    ],
)
def test_an_address_is_verified_by_whoever_says_it(
    hostile: Provider, credenza: Credenza, claims: dict[str, Any], userinfo: dict[str, Any], kept: str | None
) -> None:
    """That another one was verified, in the ID token or in UserInfo, says nothing of it."""
    hostile.claims = claims
    hostile.site.publish("/userinfo", {"sub": "somebody", **userinfo})
    assert hostile.come_back().name == "account"
    (made,) = credenza.run(users.list_users, search="hostile-")
    assert made.email == kept


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"sub": "other", "email": "EVIL@example.com"}, "UserInfo is about somebody else"),
        (b"e30.a.b", "UserInfo is signed, and not right"),
        (b"EVIL", "does not answer with JSON"),
        (None, "answered 403"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_userinfo_that_cannot_be_used_is_in_the_audit_log(
    hostile: Provider, credenza: Credenza, answer: object, told: str
) -> None:
    """Who looks for why somebody's name or address is missing finds it: once, without what was said, or a token."""
    hostile.come_back()
    (made,) = credenza.run(users.list_users, search="hostile-")
    assert credenza.run(audit.list_events, name="SignInFailed") == []
    if answer is None:
        error = json.dumps({"error": "EVIL", "error_description": "the token theirs of EVIL@example.com"}).encode()
        hostile.site.pages["/userinfo"] = wire(403, error)
    else:
        kind = "application/jwt" if answer == b"e30.a.b" else "application/json"
        hostile.site.publish("/userinfo", answer, content_type=kind)
    assert hostile.come_back().name == "account"
    (event,) = credenza.run(audit.list_events, name="SignInFailed")
    assert (event.user, event.target, event.result) == (made.id, "hostile", "incomplete")
    assert event.data["reason"].startswith("it goes on without UserInfo: ")
    assert told in event.data["reason"]
    assert "EVIL" not in str(event)
    assert "theirs" not in str(event)


def test_such_entries_are_bounded_and_leave_room_for_others(
    hostile: Provider, credenza: Credenza, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "WRITTEN_DOWN", Rule("sign-ins elsewhere that failed", burst=2, seconds=3600))
    hostile.site.pages["/userinfo"] = wire(500)
    for _ in range(6):
        hostile.come_back()
    hostile.site.pages["/token"] = wire(500)
    hostile.come_back()
    results = [event.result for event in credenza.run(audit.list_events, name="SignInFailed")]
    assert results == ["failure", *["incomplete"] * 3], "two at once, and then seldom"


SAID = {"sub": "somebody", "name": "Signed Body"}


def test_5_3_2_userinfo_that_is_signed(hostile: Provider) -> None:
    """ "If signed, the UserInfo Response MUST contain the Claims iss (issuer) and aud (audience) as members."
    OpenID Connect Core §5.3.2.
    """
    for audience in ("us", ["other", "us"]):
        claims = SAID | {"iss": hostile.issuer, "aud": audience}
        token = hostile.signed(claims, hostile.header, hostile.sign)
        hostile.site.publish("/userinfo", token.encode(), content_type="application/jwt; charset=utf-8")
        assert "Signed Body" in hostile.come_back().text, audience
    assert hostile.site.seen[-1][1]["accept"] == "application/json, application/jwt"


def test_5_3_2_userinfo_that_is_signed_wrongly(
    hostile: Provider, keys: list[rsa.RSAPrivateKey], credenza: Credenza, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is it read; one can sign in without it, and the log says why there is no name."""
    right, now = SAID | {"iss": hostile.issuer, "aud": "us"}, credenza.server.now()
    ours, header = hostile.sign, hostile.header
    attempts = {
        hostile.signed(right, header, signing(keys[1])): "not right: signature does not match",
        hostile.signed(right, {"alg": "none"}, lambda text: b""): "alg must be one of RS256, ES256, PS256, EdDSA",
        hostile.signed(right, {"alg": "HS256", "kid": "one"}, mac(SECRET.encode())): "alg must be one of",
        hostile.signed(right, header | {"typ": "at+jwt"}, ours): "typ must be jwt",
        hostile.signed(right | {"iss": "https://evil.example"}, header, ours): "not by this issuer",
        hostile.signed(right | {"iss": ...}, header, ours): "not by this issuer",
        hostile.signed(right | {"aud": "other"}, header, ours): "for somebody else",
        hostile.signed(right | {"aud": ...}, header, ours): "for somebody else",
        hostile.signed(right | {"exp": now - 1}, header, ours): "expired",
        hostile.signed(right | {"exp": None}, header, ours): "exp is missing",
        hostile.signed(right | {"sub": "other"}, header, ours): "UserInfo is about somebody else",
        hostile.signed(right | {"sub": ...}, header, ours): "UserInfo is about somebody else",
        hostile.signed(right | {"name": "x" * 20_000}, header, ours): "not a compact JWS",
        "e30.a.b.c.d": "UserInfo is encrypted",
        "é": "not a compact JWS",
        json.dumps(SAID): "not a compact JWS",
    }
    for token, told in attempts.items():
        caplog.clear()
        hostile.site.publish("/userinfo", token.encode(), content_type="application/jwt")
        page = hostile.come_back()
        assert (page.name, "Signed Body" in page.text) == ("account", False), told
        assert told in caplog.text
        assert "hostile" in caplog.text


def test_metadata_that_leads_elsewhere(hostile: Provider) -> None:
    """OpenID Connect Discovery §4.3."""
    for changes in (
        {"issuer": "https://other.example"},
        *(
            {"authorization_endpoint": uri}
            for uri in ("javascript:alert(1)", "//evil.example", "https://x.example#y", 1)
        ),
        *({"token_endpoint": uri} for uri in ("https://10.0.0.1/token", "file:///etc/passwd", "https://x.example/#y")),
        *({"jwks_uri": uri} for uri in ("https://169.254.169.254/", "https://127.1/", None)),
    ):
        hostile.as_it_should_be()
        hostile.refused(changes, before=lambda changes=changes: hostile.describe(**changes))


def test_an_answer_that_is_an_error_or_two_answers(hostile: Provider) -> None:
    for changes in ({"error": "access_denied"}, {"error": "<b>\r\n\x1b[31m" + "x" * 5000}, {"code": ""}, {"iss": "x"}):
        hostile.refused(changes, **changes)


def test_endpoints_that_are_all_slow_keep_nobody_waiting(hostile: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """G1: each answers within its time, and all together do not."""
    monkeypatch.setattr(outbound, "TIMEOUT", 60)
    monkeypatch.setattr(upstream_provider, "PATIENCE", 1.2)
    slow = {path: late(answer, 0.8) for path, answer in hostile.site.pages.items()}

    def slows() -> None:
        hostile.forget()
        hostile.site.pages |= slow
        hostile.site.seen.clear()

    hostile.refused("three in a row", before=slows)
    asked = [path for path, _ in hostile.site.seen]
    assert asked[:1] == [DISCOVERY]
    assert "/userinfo" not in asked, "the time was over before"
    monkeypatch.setattr(upstream_provider, "PATIENCE", 60)
    hostile.as_it_should_be()
    hostile.site.pages["/userinfo"] = slow["/userinfo"]
    assert "Some Body" in hostile.come_back().text


def test_one_that_never_answers_takes_only_so_many_connections(
    hostile: Provider, credenza: Credenza, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-OP-09: whoever presses its button again and again leaves connections to everybody else."""
    monkeypatch.setattr(outbound, "AT_ONE_HOST", 3)
    agents = [UserAgent(credenza) for _ in range(12)]
    links = [
        next(link for link in seen(agent.get("/account")).links if link.startswith("/upstream/hostile/begin"))
        for agent in agents
    ]
    asked, answers = threading.Semaphore(0), threading.Event()

    def never(handler: Any) -> None:
        asked.release()
        answers.wait(20)

    hostile.forget()
    hostile.site.pages[DISCOVERY] = never
    with ThreadPoolExecutor(len(agents)) as pool:
        pages = list(pool.map(lambda agent, link: seen(agent.get(link)), agents, links))
    answers.set()
    assert {page.error for page in pages} == {"upstream_failed"}
    assert [asked.acquire(blocking=False) for _ in range(4)] == [True, True, True, False]
    hostile.as_it_should_be()
    assert hostile.come_back().name == "account"
