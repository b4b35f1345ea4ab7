"""Whatever comes in, what goes out is an answer. SECURITY.md G1, K11…K13, K19, §2.15."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credenza.protocol import jose
from credenza.protocol.errors import InvalidRequest
from credenza.protocol.parameters import Parameters
from credenza.protocol.redirect_uris import check_registrable, matches
from credenza.testing import ORDERS, SECRET, Callback, PageSeen, RelyingParty, UserAgent

FORM = "application/x-www-form-urlencoded"
HOST = (b"host", b"id.example.com")
GETS = ["/authorize", "/logout", "/userinfo", "/", "/jwks", "/.well-known/openid-configuration", "/token", "/x"]
POSTS = ["/authorize", "/token", "/revoke", "/introspect", "/userinfo", "/logout"]


def assert_clean(status: int, body: bytes | str, started: float) -> None:
    """CLEAN-4xx; 200 and 303 where there is nothing to object to."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    assert 200 <= status < 500, text[:500]
    assert time.process_time() - started < 2
    for leak in ("Traceback", "sqlite3", "asyncpg", "SELECT ", 'File "/'):
        assert leak not in text


# -- parameters -------------------------------------------------------------------------------------------------------

BAD = {
    "NUL": b"a=%00",
    "NUL in a name": b"%00=a",
    "raw NUL": b"a=\x00",
    "invalid UTF-8": b"a=%ff",
    "overlong": b"a=%c0%af",
    "surrogate": b"a=%ed%a0%80",
    "raw bytes": b"a=\xff\xfe",
    "raw surrogate": b"a=\xed\xa0\x80",
    "cut short": b"a=%e2%82",
    "too many": b"&".join(b"p%d=1" % n for n in range(1500)),
    "separators": b"&" * 60_000,
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("url", GETS)
def test_a_inp_01_a_inp_02_queries(credenza: Any, url: str, kind: str) -> None:
    """A-INP-01, A-INP-02, A-INP-06, K12."""
    started = time.process_time()
    for headers in ([HOST], [HOST, (b"accept", b"text/html")], [HOST, (b"accept", b"application/json")]):
        with credenza.unchanged():
            answer = credenza.raw("GET", url, query=BAD[kind], headers=headers)
        assert_clean(answer.status, answer.body, started)
        if url in ("/authorize", "/logout") and kind != "separators":
            assert answer.status == 400


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("url", POSTS)
def test_a_inp_01_a_inp_02_forms(credenza: Any, url: str, kind: str) -> None:
    """A-INP-01, A-INP-02, A-INP-06, K12."""
    started = time.process_time()
    headers = [HOST, (b"content-type", FORM.encode())]
    with credenza.unchanged():
        answer = credenza.raw("POST", url, headers=headers, body=BAD[kind])
        assert_clean(answer.status, answer.body, started)
        assert answer.status in (400, 401)
        answer = credenza.raw("POST", url, headers=headers, query=BAD[kind], body=b"")
        assert_clean(answer.status, answer.body, started)


NAMES = {
    "/authorize": "client_id redirect_uri response_type scope state nonce prompt max_age claims login_hint "
    "id_token_hint resource ui_locales acr_values code_challenge code_challenge_method response_mode request "
    "request_uri display",
    "/token": "grant_type code redirect_uri client_id client_secret code_verifier refresh_token scope resource "
    "client_assertion client_assertion_type username password",
    "/revoke": "token token_type_hint client_id",
    "/introspect": "token token_type_hint client_id",
    "/logout": "id_token_hint post_logout_redirect_uri client_id state ui_locales decision csrf_token",
}
VALUES = [
    "\x00",
    "a\x00b",
    "\x01\x02\x1b[31m",
    "\r\nx: y",
    "\ufffe\uffff",
    "\U0010ffff" * 50,
    "\u202e",
    "a" * 30_000,
    "1" * 10_000,
    "-1",
    "9223372036854775808",
    "1e999",
    "NaN",
    "null",
    "[]",
    "{}",
    "' OR 1=1--",
    '"; DROP TABLE credenza_user; --',
    "%",
    "_",
    "\\",
    "../../etc/passwd",
    "{{7*7}}",
    "${7*7}",
    "\u0661\u00b2",
]


@pytest.mark.parametrize(("url", "name"), [(url, name) for url, names in NAMES.items() for name in names.split()])
def test_a_inp_01_a_inj_01_every_parameter_with_every_horror(
    credenza: Any, client: RelyingParty, url: str, name: str
) -> None:
    """A-INP-01, A-INP-03, A-INJ-01, K19: a right request but for one value."""
    right = {
        "/authorize": dict(pair.split("=") for pair in client.authorization_url().partition("?")[2].split("&")),
        "/token": {"grant_type": "authorization_code", "code": "x"},
        "/revoke": {"token": "x"},
        "/introspect": {"token": "x"},
        "/logout": {},
    }[url]
    from urllib.parse import unquote_plus

    right = {key: unquote_plus(value) for key, value in right.items()}
    with credenza.unchanged():
        for value in VALUES:
            started = time.process_time()
            pairs = urlencode({**right, name: value})
            if url in ("/authorize", "/logout"):
                answer = credenza.request("GET", f"{url}?{pairs}", headers={"accept": "text/html"})
                assert_clean(answer.status_code, answer.text, started)
            headers = {"content-type": FORM}
            auth = None if name in ("client_id", "client_secret", "client_assertion") else ("app", SECRET)
            if url in ("/authorize", "/logout"):
                auth = None
            answer = credenza.request("POST", url, content=pairs, headers=headers, auth=auth)
            assert_clean(answer.status_code, answer.text, started)
            assert "access_token" not in answer.text


@pytest.mark.parametrize(
    "query", ["%", "%z", "%1", "a=%", "a=%zz", "a=%1", "=", "=a", "&&&", "a", ";a=b", "a=b=c", "a[]=1", "a[b]=1"]
)
@pytest.mark.parametrize("url", GETS)
def test_a_inp_03_malformed_percent_encoding(credenza: Any, url: str, query: str) -> None:
    """A-INP-03: literal, or a clean refusal."""
    started = time.process_time()
    answer = credenza.raw("GET", url, query=query.encode())
    assert_clean(answer.status, answer.body, started)


# -- the rest of a request --------------------------------------------------------------------------------------------

PATHS = [
    "/interaction/{}",
    "/interaction/{}/login",
    "/interaction/x/{}",
    "/interaction/{}/switch",
    "/invitation/{}",
    "/image/{}",
    "/branding/{}",
    "/static/x/{}",
    "/static/{}/credenza.css",
    "/{}",
    "/console/{}",
]
SEGMENTS = [
    "\x00",
    "\ufffd",
    "\ud7ff",
    "..",
    "%2e%2e",
    "../../../etc/passwd",
    "a" * 20_000,
    "0",
    "-1",
    "9223372036854775808",
    "1" + "0" * 30,
    "1e9",
    "{00000000-0000-0000-0000-000000000000}",
    "' OR 1=1--",
    "<script>",
    "\r\nSet-Cookie: a=b",
    "\u0661",
    "cz_in_" + "A" * 50,
    "con",
    ".htaccess",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_inp_09_strange_paths(credenza: Any, path: str) -> None:
    """A-INP-02, A-INP-09, K19: the path as the server has decoded it already."""
    for segment in SEGMENTS:
        for method in ("GET", "POST"):
            started = time.process_time()
            answer = credenza.raw(method, path.format(segment))
            assert_clean(answer.status, answer.body, started)
            anything = (200,) if path in ("/branding/{}", "/static/{}/credenza.css") else ()  # it is for caches only
            assert answer.status in (303, 400, 403, 404, 405, *anything), (path, segment)
            assert not answer.headers.get("location", "https://id.example.com/").startswith(("//", "http://"))
            assert b"root:" not in answer.body


@pytest.mark.parametrize(
    "header",
    [
        (b"cookie", b"\xff\xfe=\xff"),
        (b"cookie", b"__Host-credenza_session=" + b"a" * 60_000),
        (b"cookie", b"__Host-credenza_session=\xff; __Host-credenza_browser=\x80"),
        (b"cookie", b";" * 60_000),
        (b"cookie", b"=" * 1000),
        (b"cookie", b"__Host-credenza_session"),
        (b"authorization", b"\xff"),
        (b"authorization", b"Bearer \xff\xfe"),
        (b"authorization", b"Bearer " + b"." * 60_000),
        (b"authorization", b"Basic \xff"),
        (b"origin", b"\xff"),
        (b"origin", b"https://" + b"a" * 60_000),
        (b"content-length", b"-1"),
        (b"content-length", b"x"),
        (b"content-length", b"\xb2"),
        (b"content-length", b"9" * 5000),
        (b"content-length", b"99999999999"),
        (b"content-type", b"\xff"),
        (b"content-type", b"multipart/form-data"),
        (b"content-type", b"multipart/form-data; boundary="),
        (b"content-type", b"application/x-www-form-urlencoded; charset=utf-16"),
        (b"accept", b"\xff" * 1000),
        (b"accept", b"text/html;q=x"),
        (b"if-none-match", b"\xff"),
        (b"user-agent", b"\xff\x1b[31m" + b"a" * 60_000),
        (b"x-forwarded-for", b"\xff, , ,"),
        (b"sec-fetch-site", b"\xff"),
        (b"host", b"\xff"),
        (b"host", b"["),
        (b"transfer-encoding", b"x"),
        (b"content-encoding", b"gzip"),
        (b"expect", b"x"),
        (b"range", b"bytes=0-99999999999"),
    ],
    ids=lambda value: ascii(value)[:50],
)
@pytest.mark.parametrize(
    ("method", "url"),
    [("GET", "/authorize"), ("GET", "/"), ("GET", "/logout"), ("GET", "/jwks"), *(("POST", u) for u in POSTS)],
)
def test_a_inp_02_a_inp_06_headers(credenza: Any, method: str, url: str, header: tuple[bytes, bytes]) -> None:
    """A-INP-02, A-INP-06."""
    started = time.process_time()
    headers = [HOST, header] if header[0] != b"host" else [header]
    if header[0] != b"content-type":
        headers.append((b"content-type", FORM.encode()))
    with credenza.unchanged():
        answer = credenza.raw(method, url, headers=headers, body=b"a=b" if method == "POST" else b"")
    assert_clean(answer.status, answer.body, started)


def test_a_inp_06_thousands_of_headers(credenza: Any) -> None:
    headers = [HOST, *((b"x-%d" % n, b"y") for n in range(5000)), *((b"cookie", b"a=b") for _ in range(500))]
    started = time.process_time()
    answer = credenza.raw("GET", "/logout", headers=headers)
    assert_clean(answer.status, answer.body, started)


def test_a_inp_06_client_ids_that_nobody_can_have_fill_no_memory(credenza: Any) -> None:
    """A-INP-06, A-BRU-13: that there is no such client is kept for the next request, for as many as ask."""
    endless = "a" * 60_000
    assert credenza.request("GET", "/authorize", params={"client_id": endless}).status_code == 400
    assert credenza.request("GET", "/logout", params={"client_id": endless}).status_code < 500
    for url in ("/token", "/par", "/revoke", "/introspect", "/device_authorization"):
        assert credenza.request("POST", url, data={"client_id": endless, "grant_type": "x"}).status_code == 401
    assert credenza.request("GET", "/authorize", params={"client_id": "b" * 255}).status_code == 400
    kept = credenza.server._clients._values
    assert "b" * 255 in kept
    assert max(map(len, kept)) == 255


@pytest.mark.parametrize("url", POSTS)
def test_a_inp_06_bodies_that_never_end(credenza: Any, url: str) -> None:
    """A-INP-06, R-OP-09: given up as soon as it is too long, whatever the head says."""
    headers = [HOST, (b"content-type", FORM.encode())]
    for length in (None, b"5", b"11000000"):
        more = [(b"content-length", length)] if length is not None else []
        started = time.process_time()
        with credenza.unchanged():
            answer = credenza.raw("POST", url, headers=[*headers, *more], body=[b"a=" + b"b" * 65_536] * 170)
        assert answer.status in (400, 413), answer
        assert time.process_time() - started < 2


@pytest.mark.parametrize("url", POSTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b"null",
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"a":1,}',
        b"NaN",
    ],
    ids=range(9),
)
def test_a_inp_04_json_where_a_form_belongs(credenza: Any, url: str, body: bytes) -> None:
    """A-INP-04, R-TK-02, K13."""
    started = time.process_time()
    headers = [HOST, (b"content-type", b"application/json")]
    answer = credenza.raw("POST", url, headers=headers, body=body)
    assert_clean(answer.status, answer.body, started)
    assert answer.status in (400, 401)


@pytest.mark.parametrize("path", ["/schema", "/schema/openapi.json", "/docs", "/redoc", "/openapi.json", "/swagger"])
def test_k15_there_is_no_page_about_our_api(credenza: Any, path: str) -> None:
    """K15, R-OP-07."""
    assert credenza.request("GET", path).status_code == 404


@pytest.mark.parametrize(
    "url", ["/TOKEN", "/token/", "//token", "/Authorize", "/%74oken/x", "/jwks.json", "/.env", "/.git/config"]
)
def test_other_spellings_of_an_endpoint(credenza: Any, url: str) -> None:
    for method in ("GET", "POST"):
        answer = credenza.raw(method, url, headers=[HOST, (b"content-type", FORM.encode())])
        assert answer.status in (400, 401, 404, 405)


def test_a_request_of_no_honest_length_is_not_kept_until_somebody_has_signed_in(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    """A-BRU-13, R-AZ-10: ten thousand of them may wait, which would be gigabytes."""
    refused = user_agent.get(client.authorization_url(junk="x" * 40_000))
    assert isinstance(refused, Callback)
    assert (refused.error, refused.parameters["state"]) == ("invalid_request", "state-of-the-test")
    page = user_agent.get(client.authorization_url(state="\u4e2d" * 2048, login_hint="x" * 10_000))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"


def test_more_scopes_than_anybody_means(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-INP-06, R-OP-09: thousands of words in one request would keep everybody else waiting for seconds."""
    most, too_many = (" ".join(["openid", "profile", *(f"s{n}" for n in range(count))]) for count in (998, 999))
    tokens = client.tokens(user_agent.authorize(client, scope=most))
    assert tokens["scope"] == "openid profile"
    assert user_agent.get(client.authorization_url(scope=too_many)).error == "invalid_scope"
    pushed = {"response_type": "code", "redirect_uri": client.redirect_uri, "scope": too_many}
    answers = [
        client.post("/par", pushed),
        client.redeem(user_agent.authorize(client, scope=most), scope=too_many),
        credenza.request(
            "POST",
            "/token",
            data={"grant_type": "client_credentials", "scope": too_many, "resource": ORDERS},
            auth=("machine", SECRET),
        ),
    ]
    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [(400, "invalid_scope")] * 3
    assert all("more than 1000" in answer.json()["error_description"] for answer in answers)


@pytest.mark.parametrize("separator", ["&", "&&"])
def test_more_parameters_than_anybody_needs_are_refused_as_such(separator: str) -> None:
    assert len(Parameters.parse(b"&".join(b"a%d=1" % n for n in range(100)))) == 100
    with pytest.raises(InvalidRequest, match="more than 100"):
        Parameters.parse(separator.encode().join(b"a%d=1" % n for n in range(101)))


# -- property tests ---------------------------------------------------------------------------------------------------

FAST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FAST
@given(st.binary(max_size=300))
def test_a_inp_13_any_bytes_are_parameters_or_refused(data: bytes) -> None:
    """A-INP-13, P-11: and what is accepted is text that can be stored, and comes back the same."""
    try:
        parameters = Parameters.parse(data)
    except InvalidRequest:
        return
    for name, value in parameters.pairs():
        assert "\0" not in name + value
        assert (name + value).encode()
        assert value
    assert Parameters.parse(urlencode(parameters.pairs()).encode()).pairs() == parameters.pairs()


@FAST
@given(
    st.one_of(
        st.text(max_size=200), st.from_regex(r"[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*", fullmatch=True)
    )
)
def test_a_inp_13_any_text_is_a_jwt_or_refused(text: str) -> None:
    """K4, P-11: one kind of exception."""
    for read in (jose.read_header, jose.read_claims, lambda token: jose.verify(token, [], types=(None, "jwt"))):
        try:
            read(text)
        except jose.InvalidJWT:
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@FAST
@given(st.dictionaries(st.sampled_from(["kty", "n", "e", "crv", "x", "y", "alg", "use", "kid", "d"]), JSON), JSON)
def test_a_inp_13_any_json_is_a_key_or_refused(key: dict[str, Any], other: object) -> None:
    """A-CLI-24, K4, P-11."""
    for jwks in (
        {"keys": [key]},
        {"keys": other},
        other,
        {"keys": [key | {"kty": "RSA"}]},
        {"keys": [key | {"kty": "EC"}]},
    ):
        try:
            jose.parse_jwks(jwks)  # type: ignore[arg-type]
        except ValueError:
            continue


@FAST
@given(st.dictionaries(st.sampled_from(["exp", "iat", "nbf"]), JSON))
def test_a_inp_13_any_times_are_checked_or_refused(claims: dict[str, Any]) -> None:
    """K3, K4, P-11."""
    try:
        jose.check_times(claims, 1_000_000)
    except jose.InvalidJWT:
        return
    assert all(isinstance(claims[name], int | float) and not isinstance(claims[name], bool) for name in ("exp", "iat"))


@FAST
@given(
    st.text(max_size=60), st.sampled_from(["http://127.0.0.1/cb", "http://localhost/cb", "https://app.example.com/cb"])
)
def test_a_inp_13_no_text_is_taken_for_a_registered_uri(tail: str, registered: str) -> None:
    """R-AZ-01, P-11: but itself, or itself with a port."""
    for sent in (registered + tail, tail + registered, registered.replace("/cb", tail + "/cb"), tail):
        if matches(sent, registered, native=True) and sent != registered:
            before, _, after = registered.partition("/cb")
            port = sent.removeprefix(before + ":").removesuffix("/cb" + after)
            assert port.isascii()
            assert port.isdecimal()


@FAST
@given(st.text(max_size=60))
def test_a_inp_13_any_text_can_be_registered_or_is_refused(text: str) -> None:
    for uri in (text, "https://" + text, "com.example:/" + text, "http://127.0.0.1" + text):
        try:
            check_registrable(uri, native=True)
        except ValueError:
            continue
        assert uri.isascii()
        assert not set(uri) & set(' \t\r\n\\"<>#')


def test_a_inp_13_any_value_anywhere(credenza: Any, client: RelyingParty) -> None:
    """A-INP-13, G1: whole requests, in the short form that fits a unit suite."""
    names = st.sampled_from(sorted({name for names in NAMES.values() for name in names.split()}))

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(sorted(NAMES)), st.lists(st.tuples(names, st.text(max_size=40)), max_size=6), st.booleans())
    def attack(url: str, pairs: list[tuple[str, str]], authenticated: bool) -> None:
        started = time.process_time()
        body = "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in pairs)
        auth = ("app", SECRET) if authenticated and url not in ("/authorize", "/logout") else None
        answer = credenza.request("POST", url, content=body, headers={"content-type": FORM}, auth=auth)
        assert_clean(answer.status_code, answer.text, started)
        if url in ("/authorize", "/logout"):
            answer = credenza.request("GET", f"{url}?{body}", headers={"accept": "text/html"})
            assert_clean(answer.status_code, answer.text, started)

    attack()
