"""FAPI 2.0 Security Profile: DPoP proofs, and what they bind."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any


def thumbprint(key: dict[str, Any]) -> str:
    """Of an EC key. RFC 7638 §3."""
    members = json.dumps({name: key[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=").decode()


def test_access_token_type_header_case_sensitivity(bank: Any) -> None:
    """`dpop` and `DPoP` are the same scheme."""
    token = bank.flow()["access_token"]
    for scheme in ("dpop", "DPoP", "DPOP"):
        assert bank.resource(token, scheme=scheme).status_code == 200


def test_check_dpop_proof_nbf_exp(bank: Any, clock: Any) -> None:
    """`nbf` and `exp` in a proof are tolerated."""
    times = {"nbf": clock.now() - 1, "exp": clock.now() + 60}
    _, callback = bank.authorize(proof=times)
    tokens = bank.party.tokens(bank.redeem(callback, proof=times), token_type="dpop")
    assert bank.resource(tokens["access_token"], **times).status_code == 200


def test_ensure_dpopproof_with_iat_10seconds_before_succeeds(bank: Any, clock: Any) -> None:
    """An `iat` of 10 seconds ago is accepted, at all three endpoints."""
    accepted_everywhere(bank, iat=clock.now() - 10)


def test_ensure_dpopproof_with_iat_10seconds_after_succeeds(bank: Any, clock: Any) -> None:
    """An `iat` that is 10 seconds ahead is accepted, at all three endpoints."""
    accepted_everywhere(bank, iat=clock.now() + 10)


def accepted_everywhere(bank: Any, **changes: Any) -> None:
    _, callback = bank.authorize(proof=changes)
    tokens = bank.party.tokens(bank.redeem(callback, proof=changes), token_type="dpop")
    assert bank.resource(tokens["access_token"], **changes).status_code == 200


# -- codes that are bound to a key


def test_ensure_mismatched_dpop_jkt_fails(bank: Any, tools: Any, error: Callable[..., str]) -> None:
    """`dpop_jkt` of another key than that of the proof: refused when it is pushed."""
    response = bank.push(bank.request(dpop_jkt=thumbprint(tools.new_key("ES256"))), proof={})
    assert error(response) in ("invalid_request", "invalid_dpop_proof")


def test_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    bank: Any, tools: Any, error: Callable[..., str]
) -> None:
    """A key when it is pushed, another one at the token endpoint: refused."""
    _, callback = bank.authorize(proof={})
    response = bank.redeem(callback, proof={"key": tools.new_key("ES256")})
    assert error(response) in ("invalid_request", "invalid_grant", "invalid_dpop_proof")


def test_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(bank: Any, tools: Any, error: Callable[..., str]) -> None:
    """The same with `dpop_jkt`."""
    _, callback = bank.authorize(dpop_jkt=thumbprint(bank.dpop))
    response = bank.redeem(callback, proof={"key": tools.new_key("ES256")})
    assert error(response) in ("invalid_request", "invalid_grant", "invalid_dpop_proof")


def test_ensure_dpopproof_at_par_endpoint_binding_success(bank: Any) -> None:
    """A code that is bound by a proof works with its key."""
    assert bank.flow(proof={})


def test_ensure_dpop_auth_code_binding_success(bank: Any) -> None:
    """A code that is bound by `dpop_jkt` works with its key."""
    assert bank.flow(dpop_jkt=thumbprint(bank.dpop))


# -- proofs that are wrong


def forged(bank: Any, token: str, **header: Any) -> str:
    """A right proof with another header, and the signature of the right one."""
    right = bank.proof("GET", bank.party.discovered["userinfo_endpoint"], token=token)
    old, claims, signature = right.split(".")
    members = json.loads(base64.urlsafe_b64decode(old + "=" * (-len(old) % 4))) | header
    kept = json.dumps({name: value for name, value in members.items() if value is not None}).encode()
    return ".".join((base64.urlsafe_b64encode(kept).rstrip(b"=").decode(), claims, signature))


def test_dpop_negative_tests(bank: Any, tools: Any, clock: Any) -> None:
    """A long list of wrong proofs at the resource, each refused; a query and a fragment in `htu` are ignored."""
    token = bank.flow()["access_token"]
    url = bank.party.discovered["userinfo_endpoint"]
    public = {n: v for n, v in tools.public(bank.dpop).items() if n in ("kty", "crv", "x", "y")}

    def status(**changes: Any) -> int:
        return int(bank.resource(token, **changes).status_code)

    right = {
        "as it is": {},
        "a query and a fragment": {"htu": url + "?a=b#c"},
        "another spelling of the same address": {"htu": url.replace("https://", "HTTPS://")},
        "members that nobody knows": {"header": {"extra": "1"}, "extra": "2"},
    }
    assert {name: status(**changes) for name, changes in right.items()} == dict.fromkeys(right, 200)

    wrong: dict[str, dict[str, Any]] = {
        "no jti": {"jti": None},
        "no htm": {"htm": None},
        "no htu": {"htu": None},
        "no iat": {"iat": None},
        "no ath": {"ath": None},
        "another typ": {"header": {"typ": "JWT"}},
        "no typ": {"header": {"typ": None}},
        "no jwk": {"header": {"jwk": None}},
        "a private jwk": {"header": {"jwk": {**public, "d": bank.dpop["d"]}}},
        "another method": {"htm": "PUT"},
        "another address": {"htu": "https://other.example/userinfo"},
        "an hour ahead": {"iat": clock.now() + 3600},
        "an hour ago": {"iat": clock.now() - 3600},
        "another token's ath": {"ath": "x" * 43},
        "another key": {"key": tools.new_key("ES256")},
        "RS256": {"key": tools.new_key("RS256")},
        "as Bearer": {"scheme": "Bearer"},
    }
    assert {name: status(**changes) for name, changes in wrong.items()} == dict.fromkeys(wrong, 401)

    def proof() -> str:
        return str(bank.proof("GET", url, token=token))

    good = proof()
    raw: dict[str, list[str]] = {
        "no proof": [],
        "two proofs": [proof(), proof()],
        "no JWT": ["this is no JWT"],
        "no alg": [forged(bank, token, alg=None)],
        "alg none": [forged(bank, token, alg="none")],
        "a broken signature": [good[:-6] + secrets.token_urlsafe(4)[:6]],
    }
    refused = {name: bank.resource(token, raw=values).status_code for name, values in raw.items()}
    assert set(refused.values()) <= {400, 401}, refused

    fixed = secrets.token_hex(8)
    assert (status(jti=fixed), status(jti=fixed)) == (200, 401)
