"""No token is taken for one of another kind, no signature for ours. SECURITY.md R-AT-04, §2.5, K1…K7."""

from __future__ import annotations

import ast
import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import credenza
from credenza.protocol import jose
from credenza.testing import ORDERS, RelyingParty, UserAgent

ROOT = Path(credenza.__file__).parents[2]


@pytest.fixture
def api_tokens(credenza: Any, client: RelyingParty) -> dict[str, Any]:
    """Tokens with a JWT access token for an API, of somebody in the role `support`."""
    name = credenza.new_user()
    credenza.apply({"users": [{"username": name, "roles": ["support"]}]})
    visitor = UserAgent(credenza)
    visitor.address = credenza.address
    callback = visitor.authorize(client, user=name, scope="openid profile orders:read", resource=ORDERS)
    tokens = client.tokens(callback)
    assert tokens["access_token"].count(".") == 2
    return tokens


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = token.split(".")
    return tuple(json.loads(urlsafe_b64decode(part + "==")) for part in (header, claims))  # type: ignore[return-value]


def assert_worthless(client: RelyingParty, token: str) -> None:
    """At UserInfo, introspection, revocation, as a hint for signing in and for signing out."""
    answer = client.userinfo(token)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token"), answer.text
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert client.introspect(token) == {"active": False}
    assert client.revoke(token).status_code == 200


def assert_no_hint(client: RelyingParty, agent: Any, token: str) -> None:
    """Neither for signing in nor for signing out."""
    seen = agent.get(client.authorization_url(id_token_hint=token, prompt="none"))
    assert seen.error == "invalid_request"
    answer = agent.send("GET", f"/logout?id_token_hint={token}&post_logout_redirect_uri=https://app.example.com/")
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert agent.get(client.authorization_url(prompt="none")).error == ""


def test_a_jwt_01_an_id_token_is_no_access_token(user_agent: Any, client: RelyingParty) -> None:
    """A-JWT-01, R-AT-04."""
    tokens = client.tokens(user_agent.authorize(client))
    assert_worthless(client, tokens["id_token"])
    assert client.userinfo(tokens["access_token"]).status_code == 200


def test_a_jwt_02_an_access_token_is_no_hint(user_agent: Any, client: RelyingParty, api_tokens: dict[str, Any]) -> None:
    """A-JWT-02: no sign-in, no sign-out."""
    tokens = client.tokens(user_agent.authorize(client))
    for token in (tokens["access_token"], api_tokens["access_token"]):
        assert_no_hint(client, user_agent, token)


def test_a_jwt_03_a_token_for_an_api_is_for_that_api_only(
    credenza: Any, client: RelyingParty, new_visitor: Any
) -> None:
    """A-JWT-03: asked for by name it carries nothing for UserInfo, and another API is told nothing about it."""
    visitor = new_visitor()
    credenza.apply({"users": [{"username": visitor.name, "roles": ["support"]}]})
    callback = visitor.authorize(client, scope="openid profile orders:read", resource=ORDERS)
    token = client.tokens(callback, resource=ORDERS)["access_token"]
    answer = client.userinfo(token)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    other = RelyingParty(credenza, "machine", "")
    assert other.introspect(token) == {"active": False}


def test_the_token_that_all_forgeries_start_from_is_good(client: RelyingParty, api_tokens: dict[str, Any]) -> None:
    assert client.userinfo(api_tokens["access_token"]).status_code == 200
    assert client.introspect(api_tokens["access_token"])["active"] is True


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "null"])
def test_a_jwt_04_no_signature(
    credenza: Any, user_agent: Any, client: RelyingParty, api_tokens: dict[str, Any], forgery: Any, alg: str
) -> None:
    """A-JWT-04."""
    user_agent.authorize(client)
    for kind in ("access_token", "id_token"):
        header, claims = parts(api_tokens[kind])
        for key in (None, b"x"):
            forged = forgery.forge(header | {"alg": alg}, claims, key)
            assert_worthless(client, forged)
            if kind == "id_token":
                assert_no_hint(client, user_agent, forged)
        assert_worthless(client, api_tokens[kind].rpartition(".")[0] + ".")
        assert_worthless(client, api_tokens[kind].rpartition(".")[0])


def our_public_keys(credenza: Any) -> list[dict[str, Any]]:
    return list(credenza.request("GET", "/jwks").json()["keys"])


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "hs256"])
def test_a_jwt_05_a_jwt_06_our_public_key_is_no_hmac_key(
    credenza: Any,
    user_agent: Any,
    client: RelyingParty,
    api_tokens: dict[str, Any],
    forgery: Any,
    alg: str,
) -> None:
    """The algorithm is the one that goes with the key, RFC 8725 §3.1. A-JWT-05, A-JWT-06, K1: PEM, DER, JWK bytes, and
    the empty key.
    """
    user_agent.authorize(client)
    keys = credenza.run(credenza.server.keys)
    for key in keys.published:
        public = key.key.public_key().prepared_key
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        forms = [
            public.public_bytes(encoding, spki) for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
        ]
        published = next(k for k in our_public_keys(credenza) if k["kid"] == key.kid)
        forms += [json.dumps(published).encode(), json.dumps(published, separators=(",", ":")).encode(), b"", b"null"]
        for kind in ("access_token", "id_token"):
            header, claims = parts(api_tokens[kind])
            for form in forms:
                for kid in (key.kid, None):
                    forged = forgery.forge({**header, "alg": alg, **({"kid": kid} if kid else {})}, claims, form)
                    assert client.userinfo(forged).status_code == 401
                    assert client.introspect(forged) == {"active": False}
            assert_no_hint(client, user_agent, forgery.forge(header | {"alg": alg}, claims, forms[0]))


def test_a_jwt_07_whatever_is_edited_is_worthless(
    user_agent: Any, client: RelyingParty, api_tokens: dict[str, Any], forgery: Any
) -> None:
    """A-JWT-07: payload, header, signature of another token, `typ`."""
    token, id_token = api_tokens["access_token"], api_tokens["id_token"]
    header, claims = parts(token)
    _, body, signature = token.split(".")
    edited = [
        forgery.b64(json.dumps(header | {"typ": "JWT"}).encode()) + f".{body}.{signature}",
        forgery.b64(json.dumps(header).encode()) + f".{body}.{signature}",
        f"{token.split('.')[0]}.{forgery.b64(json.dumps(claims | {'scope': 'admin'}).encode())}.{signature}",
        f"{token.split('.')[0]}.{body}.{id_token.split('.')[2]}",
        f"{token.split('.')[0]}.{id_token.split('.')[1]}.{signature}",
        f"{id_token.split('.')[0]}.{body}.{signature}",
        f"{token.split('.')[0]}.{body}.{signature[:-8]}",
        f"{token.split('.')[0]}.{body}.{signature}.x",
        f"{token}\n",
        token.replace(".", "..", 1),
        forgery.b64(json.dumps(parts(id_token)[0] | {"typ": "at+jwt"}).encode())
        + "."
        + ".".join(id_token.split(".")[1:]),
    ]
    for forged in edited:
        if not forged.endswith("\n"):
            assert_worthless(client, forged)
    assert client.userinfo(token).status_code == 200


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_somebody_elses_signature(client: RelyingParty, api_tokens: dict[str, Any], forgery: Any, kind: str) -> None:
    """A-JWT-07, A-CLI-19: a key in the header, our kid with another key."""
    private: Any = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if kind == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    alg = "RS256" if kind == "rsa" else "ES256"
    header, claims = parts(api_tokens["access_token"])
    jwk = forgery.public_jwk(private, kid=header["kid"], alg=alg)
    for more in ({}, {"jwk": jwk}, {"jku": "https://evil.example/jwks"}, {"x5c": ["MIIB"]}, {"crit": ["x"], "x": 1}):
        forged = forgery.forge(header | {"alg": alg} | more, claims, private)
        assert_worthless(client, forged)


def test_r_at_04_our_key_signs_for_one_purpose_at_a_time(
    credenza: Any, user_agent: Any, client: RelyingParty, api_tokens: dict[str, Any]
) -> None:
    """R-AT-04, A-JWT-10, RFC 8725 §3.11: right key, right claims, other `typ`; and what was never issued."""
    key = credenza.run(credenza.server.keys).active["RS256"]
    _, claims = parts(api_tokens["access_token"])
    for typ in ("JWT", "logout+jwt", "dpop+jwt", "token-introspection+jwt", "client-authentication+jwt", "AT+JWTX", ""):
        assert_worthless(client, jose.sign(claims, key, typ=typ))
    unknown = jose.sign(claims | {"jti": "never-issued"}, key, typ="at+jwt")
    assert_worthless(client, unknown)
    for changes in ({"exp": claims["exp"] + 10**6, "jti": None}, {"iss": "https://evil.example"}, {"exp": "x"}):
        assert_worthless(client, jose.sign(claims | changes, key, typ="at+jwt"))
    _, id_claims = parts(api_tokens["id_token"])
    for typ in ("at+jwt", "logout+jwt", "dpop+jwt"):
        assert_worthless(client, jose.sign(id_claims, key, typ=typ))
    user_agent.authorize(client)
    for changes in ({"iss": "https://evil.example"}, {"exp": None}, {"iat": "x"}, {"iat": id_claims["iat"] + 10**6}):
        assert_no_hint(client, user_agent, jose.sign(id_claims | changes, key, typ="JWT"))


@pytest.mark.own_server
def test_a_signed_userinfo_answer_is_no_hint_and_no_token(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-AT-04: it has the `typ` of an ID token and no `exp`."""
    credenza.apply({"applications": [{"client_id": "app", "userinfo_signed_response_alg": "RS256"}]})
    tokens = client.tokens(user_agent.authorize(client))
    signed = client.userinfo(tokens["access_token"])
    assert signed.headers["content-type"].startswith("application/jwt")
    assert_worthless(client, signed.text)
    assert_no_hint(client, user_agent, signed.text)


def test_a_jwt_the_size_of_a_house(client: RelyingParty) -> None:
    for token in ("a" * 20_000 + ".b.c", "." * 20_000, "e30." * 5000):
        answer = client.userinfo(token)
        assert isinstance(answer, httpx.Response)
        assert answer.status_code == 401


@pytest.mark.own_server
def test_tokens_of_another_provider_with_our_name(
    credenza: Any, user_agent: Any, client: RelyingParty, api_tokens: dict[str, Any], tmp_path: Path
) -> None:
    """A-JWT-07: same issuer, same claims, another provider's key."""
    foreign = jose.load_signing_key(jose.generate_private_key("RS256"), "RS256")
    _, claims = parts(api_tokens["access_token"])
    assert_worthless(client, jose.sign(claims, foreign, typ="at+jwt"))


# -- the code itself --------------------------------------------------------------------------------------------------

SOURCES = [path for folder in ("core", "console", "plugins", "themes") for path in (ROOT / folder).rglob("*.py")]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_k1_one_file_knows_the_jose_library() -> None:
    """K1, R-OP-08: and one file makes outgoing calls (`testing` is for tests, `demo` plays the application)."""
    assert SOURCES
    knowing = {path.relative_to(ROOT).as_posix() for path in SOURCES if "jose" in imports(path)}
    assert knowing == {"core/credenza/protocol/jose.py"}
    calling = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if imports(path) & {"httpx", "requests", "urllib3", "aiohttp"} and not {"demo", "testing"} & set(path.parts)
    }
    assert calling == {"core/credenza/outbound.py"}


def test_k2_every_verification_names_its_algorithms() -> None:
    """K2."""
    tree = ast.parse((ROOT / "core/credenza/protocol/jose.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    verifying = [
        c for c in calls if c.func.attr in ("verify", "decode") and ast.unparse(c.func.value) in ("jws", "jwt")
    ]  # type: ignore[attr-defined]
    assert verifying
    for call in verifying:
        assert "algorithms" in {keyword.arg for keyword in call.keywords}


def test_a_tim_01_secrets_are_never_compared_with_equals() -> None:
    """A-TIM-01, R-OP-02, P-13: nor made with `random`."""
    suspicious = ("secret", "password", "verifier", "csrf_token", "assertion")
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
                continue
            for side in (node.left, *node.comparators):
                name = side.id if isinstance(side, ast.Name) else side.attr if isinstance(side, ast.Attribute) else ""
                constant = any(isinstance(other, ast.Constant) for other in (node.left, *node.comparators))
                assert constant or not name.lower().endswith(suspicious), f"{path}:{node.lineno}"
        if "random" in imports(path):
            text = path.read_text()
            assert text.count("random.") == text.count("random.uniform("), path  # jitter


def test_r_op_01_no_sql_is_put_together_from_text() -> None:
    """R-OP-01, P-13: what is given to `raw` is made of literals and of names in capitals."""
    for path in SOURCES:
        if "/migrations/" in path.as_posix() or path.name in ("schema.py", "migrate.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "raw":
                inside = list(ast.walk(node.args[0]))
                assert not any(isinstance(part, ast.Call | ast.Mod) for part in inside), f"{path}:{node.lineno}"
                names = [part.id for part in inside if isinstance(part, ast.Name)]
                assert all(name.isupper() for name in names), f"{path}:{node.lineno}"


def test_k7_keys_are_handled_by_the_cryptography_package(rsa_key: Any, forgery: Any) -> None:
    key = jose.parse_jwks({"keys": [forgery.public_jwk(rsa_key, alg="RS256")]})[0].key
    assert type(key).__module__ == "jose.backends.cryptography_backend"
