"""What stands around an answer. SECURITY.md R-BR-01…06, R-AZ-13…16, §2.16, A-COK-01."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.settings import Settings, SettingsError
from credenza.testing import ISSUER, ORDERS, PageSeen, RelyingParty

HOST = (b"host", b"id.example.com")


def all_pages(user_agent: Any, client: RelyingParty) -> list[PageSeen]:
    """One of each kind that needs no administrator."""
    pages = [user_agent.get(client.authorization_url()), user_agent.sign_in("nobody"), user_agent.sign_in()]
    assert [page.name for page in pages] == ["sign-in", "sign-in", "consent"]
    pages.append(user_agent.authorize(client, response_mode="form_post"))
    pages += [user_agent.get("/logout"), user_agent.get("/logout?post_logout_redirect_uri=https://evil.example")]
    pages += [user_agent.get("/nothing"), user_agent.get("/authorize"), user_agent.get("/interaction/x/login")]
    pages.append(user_agent.get("/invitation/x"))
    pages.append(user_agent.post("/logout", [("decision", "sign-out")]))
    pages[4:5] = [user_agent.get("/logout")]
    pages.append(user_agent.submit([("decision", "sign-out")]) if user_agent.page.forms else user_agent.get("/logout"))
    return pages


def test_r_br_02_r_br_03_every_page_carries_the_headers(user_agent: Any, client: RelyingParty) -> None:
    """R-AZ-15, R-AZ-16, R-BR-02, R-BR-03, A-CAC-01, A-CSR-01. Clickjacking MUST be prevented: RFC 9700 §4.16."""
    for page in all_pages(user_agent, client):
        headers = page.headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["base-uri"] == "'none'"
        assert policy["object-src"] == "'none'"
        assert set(policy["form-action"].split()) <= {"'self'", "https://app.example.com"}
        assert "unsafe" not in headers["content-security-policy"]
        assert "*" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] in ("same-origin", "no-referrer")
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        age = dict(p.strip().partition("=")[::2] for p in headers["strict-transport-security"].split(";"))
        assert int(age["max-age"]) >= 31_536_000
        assert "includeSubDomains" in age
        assert "server" not in headers
        assert "x-powered-by" not in headers
        assert headers["content-type"] == "text/html; charset=utf-8"


def test_a_cac_01_nothing_of_the_protocol_is_kept_by_anybody(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """A-CAC-01, R-TK-10, R-TK-11, R-BR-06: errors too."""
    callback = user_agent.authorize(client)
    tokens = client.tokens(callback)
    form = {"content-type": "application/x-www-form-urlencoded"}
    answers = [
        client.redeem(callback),
        client.refresh("x"),
        client.userinfo(tokens["access_token"]),
        client.userinfo("x"),
        credenza.request("GET", "/userinfo"),
        client.post("/introspect", {"token": tokens["access_token"]}),
        client.post("/introspect", {"token": "x"}),
        client.post("/introspect", {}),
        client.revoke("x"),
        client.post("/revoke", {}),
        credenza.request("POST", "/token", content="", headers=form),
        credenza.request("POST", "/introspect", content="", headers=form),
        credenza.request("POST", "/token", content="a=%ff", headers=form),
        *user_agent.history,
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store", answer.url


def test_r_tk_10_a_token_answer_is_json(user_agent: Any, client: RelyingParty) -> None:
    answer = client.redeem(user_agent.authorize(client))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 600


def test_what_says_that_a_token_is_revoked_is_json_too(spa: RelyingParty) -> None:
    """Nobody has to read it, but oidc-client-ts and simple-oauth2 fail at any other type. RFC 7009 §2.2."""
    answer = spa.revoke("x")
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (200, "application/json", {})


# -- cookies ----------------------------------------------------------------------------------------------------------


def test_a_cok_01_every_cookie_of_a_tour(user_agent: Any, client: RelyingParty) -> None:
    """A-COK-01, R-BR-01."""
    all_pages(user_agent, client)
    cookies = [value for answer in user_agent.history for value in answer.headers.get_list("set-cookie")]
    names = {f"__Host-credenza_{name}" for name in ("session", "browser", "known")}
    assert {cookie.partition("=")[0] for cookie in cookies} == names
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)
        assert len(cookie) < 4096


@pytest.mark.own_server(issuer="http://localhost:8400")
def test_a_cok_01_a_development_server_on_loopback(credenza: Any, client: RelyingParty) -> None:
    """CONTRACT.md: plain cookies on loopback only, and no HSTS there."""
    answer = credenza.request("GET", client.authorization_url())
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("credenza_browser=")
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Secure" not in cookie
    assert "strict-transport-security" not in credenza.request("GET", "/x", headers={"accept": "text/html"}).headers


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example.com",
        "https://id.example.com/",
        "https://id.example.com/path",
        "https://id.example.com?x=1",
        "https://id.example.com#x",
        "https://user@id.example.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.nip.io",
        "http://10.0.0.1",
        "ftp://id.example.com",
        "id.example.com",
        "https://",
        "",
        "javascript:alert(1)",
    ],
)
def test_r_md_01_the_issuer_is_configured_and_https(issuer: str) -> None:
    """R-MD-01."""
    with pytest.raises(SettingsError):
        Settings(issuer=issuer)


# -- hosts ------------------------------------------------------------------------------------------------------------

HOSTS: list[list[tuple[bytes, bytes]]] = [
    [(b"host", b"evil.example")],
    [(b"host", b"id.example.com:666")],
    [(b"host", b"idXexample.com")],
    [(b"host", b"id.example.com.")],
    [(b"host", b"ID.EXAMPLE.COM")],
    [(b"host", b"evil.example/path?x")],
    [(b"host", b"")],
    [],
    [HOST, (b"host", b"evil.example")],
    [(b"host", b"evil.example"), HOST],
    [HOST, (b"x-forwarded-host", b"evil.example")],
    [(b"x-forwarded-host", b"evil.example")],
    [HOST, (b"x-forwarded-proto", b"http")],
    [HOST, (b"x-forwarded-port", b"666")],
    [HOST, (b"x-forwarded-prefix", b"/evil")],
    [HOST, (b"forwarded", b"host=evil.example;proto=http")],
    [HOST, (b"x-original-url", b"/evil")],
    [HOST, (b"x-rewrite-url", b"/evil")],
    [HOST, (b"x-original-uri", b"/console")],
    [HOST, (b"x-host", b"evil.example"), (b"x-forwarded-server", b"evil.example")],
]


@pytest.mark.parametrize("headers", HOSTS, ids=str)
def test_a_hst_01_a_hst_02_nothing_follows_the_host(
    credenza: Any, client: RelyingParty, headers: list[tuple[bytes, bytes]]
) -> None:
    """A-HST-01, A-HST-02, R-MD-01: discovery, iss, redirects and cookies stay on the configured issuer."""
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks"):
        answer = credenza.raw("GET", path, headers=headers)
        assert answer.status in (200, 400)
        assert b"evil" not in answer.body
        assert b"666" not in answer.body or path == "/jwks"
        assert b"http://id" not in answer.body
    url, _, query = client.authorization_url(prompt="none").partition("?")
    answer = credenza.raw("GET", url, query=query.encode(), headers=headers)
    assert answer.status in (303, 400)
    if answer.status == 303:
        assert "iss=https%3A%2F%2Fid.example.com&" in answer.headers["location"] + "&"
    query = client.authorization_url().partition("?")[2]
    for path, text in ((url, query), ("/", "")):
        answer = credenza.raw("GET", path, query=text.encode(), headers=headers)
        assert answer.status in (303, 400)
        if answer.status == 303:
            assert answer.headers["location"].startswith(ISSUER + "/interaction/")
            assert "Secure" in answer.headers["set-cookie"]
            assert "omain=" not in answer.headers["set-cookie"]


# -- CORS -------------------------------------------------------------------------------------------------------------

EVIL = [
    "https://evil.example",
    "null",
    "https://spa.example.com.evil.example",
    "https://spaXexample.com",
    "https://evilspa.example.com",
    "https://SPA.example.com",
    "http://spa.example.com",
    "https://spa.example.com:8443",
    "https://spa.example.com/",
    "https://spa.example.com, https://evil.example",
    "https://app.example.com",
    "https://id.example.com.evil.example",
    "",
    "*",
]
PAGES = ["/authorize", "/logout", "/interaction/x/login", "/invitation/x", "/", "/introspect", "/console"]


@pytest.mark.parametrize("url", PAGES)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_cor_01_no_page_can_be_read_from_elsewhere(credenza: Any, url: str, method: str) -> None:
    """A-COR-01, R-AZ-13, D6: nor by a registered origin."""
    for origin in (*EVIL, "https://spa.example.com", ISSUER):
        headers = {"origin": origin, "access-control-request-method": "POST", "cookie": "__Host-credenza_session=x"}
        answer = credenza.request(method, url, headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")], origin


@pytest.mark.parametrize("origin", EVIL)
@pytest.mark.parametrize("url", ["/token", "/userinfo", "/revoke"])
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_a_cor_02_only_registered_origins_read_the_endpoints(credenza: Any, url: str, origin: str, method: str) -> None:
    """A-COR-02, D6."""
    headers = {"origin": origin, "access-control-request-method": "POST"}
    answer = credenza.request(method, url, headers=headers)
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers.get("vary", "Origin") == "Origin"


@pytest.mark.parametrize("url", ["/token", "/userinfo", "/revoke"])
def test_d6_a_registered_origin_reads_without_credentials(credenza: Any, url: str) -> None:
    headers = {"origin": "https://spa.example.com"}
    preflight = credenza.request("OPTIONS", url, headers=headers | {"access-control-request-method": "POST"})
    for answer in (preflight, credenza.request("POST", url, headers=headers)):
        assert answer.headers["access-control-allow-origin"] == "https://spa.example.com"
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "url", ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks"]
)
def test_d6_public_documents_are_public(credenza: Any, url: str) -> None:
    """ "A recipient MUST use the weak comparison function when comparing entity tags for If-None-Match". RFC 9110
    §13.1.2.

    For anybody, and for a while.
    """
    answer = credenza.request("GET", url, headers={"origin": "https://evil.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "max-age" in answer.headers["cache-control"]
    etag = answer.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", W/{etag}', "*"):
        again = credenza.request("GET", url, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b""), known
    for known in ('"other"', "", etag.strip('"'), f"W/W/{etag}", f"*, {etag[:-1]}"):
        assert credenza.request("GET", url, headers={"if-none-match": known}).status_code == 200
    asked = {"access-control-request-method": "GET", "access-control-request-headers": "mcp-protocol-version"}
    preflight = credenza.request("OPTIONS", url, headers={"origin": "https://evil.example"} | asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-headers"] == "*"
    assert "access-control-allow-credentials" not in preflight.headers


@pytest.mark.own_server
def test_d6_origins_of_a_disabled_client_are_not_registered(credenza: Any) -> None:
    credenza.apply({"applications": [{"client_id": "spa", "enabled": False}]})
    answer = credenza.request("POST", "/token", headers={"origin": "https://spa.example.com"})
    assert "access-control-allow-origin" not in answer.headers


# -- small things -----------------------------------------------------------------------------------------------------


def test_a_hst_01_a_404_tells_nothing(credenza: Any) -> None:
    """R-OP-11."""
    for headers in ({"accept": "text/html"}, {"accept": "application/json"}, {"accept": "*/*"}, {}):
        answer = credenza.request("GET", "/nothing/here", headers=headers)
        assert answer.status_code == 404
        assert "litestar" not in answer.text.lower()
        assert "nothing/here" not in answer.text


def test_r_at_03_an_api_decides_how_long_its_tokens_live(credenza: Any, machine: RelyingParty) -> None:
    """R-AT-03."""
    form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}
    assert 0 < machine.post("/token", form).json()["expires_in"] <= 600
