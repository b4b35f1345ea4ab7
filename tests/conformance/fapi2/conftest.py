"""A client of the FAPI 2.0 plan: pushed requests, PKCE, assertions for the issuer, and a DPoP proof with every call."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import yaml

from credenza.testing import Callback, PageSeen

HERE = Path(__file__).parent
SUITE = "https://localhost.emobix.co.uk:8443"


def hashed(value: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Bank:
    """`party` makes the checks of every client; `dpop` is the private key of the proofs."""

    party: Any
    tools: Any
    dpop: dict[str, Any]

    def __post_init__(self) -> None:
        self.verifier = secrets.token_urlsafe(48)

    @property
    def browser(self) -> Any:
        return self.party.browser

    @property
    def issuer(self) -> str:
        return str(self.party.discovered["issuer"])

    # -- proofs

    def proof(
        self,
        method: str,
        url: str,
        *,
        token: str = "",
        key: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A right DPoP proof but for the changes to claims and header; None leaves a member out. RFC 9449 §4.2."""
        key = key or self.dpop
        claims = {"jti": secrets.token_hex(16), "htm": method, "htu": url, "iat": self.party.clock.now()}
        claims |= {"ath": hashed(token)} if token else {}
        kept = {name: value for name, value in (claims | changes).items() if value is not None}
        jwk = {name: value for name, value in self.tools.public(key).items() if name not in ("use", "alg", "kid")}
        return str(self.tools.sign(key, kept, **{"kid": None, "typ": "dpop+jwt", "jwk": jwk, **(header or {})}))

    # -- pushed authorization requests

    def request(self, **changes: str | None) -> dict[str, str]:
        pkce = {"code_challenge": hashed(self.verifier), "code_challenge_method": "S256"}
        return dict(self.party.request(**{**pkce, **changes}))

    def push(self, sent: Mapping[str, str | None], *, proof: Mapping[str, Any] | None = None) -> httpx.Response:
        """`proof` are changes to the DPoP proof, which is sent only when they are given."""
        endpoint = self.party.discovered["pushed_authorization_request_endpoint"]
        headers = {} if proof is None else {"dpop": self.proof("POST", endpoint, **proof)}
        return self.party.post("pushed_authorization_request_endpoint", sent, headers=headers)  # type: ignore[no-any-return]

    def pushed(self, sent: Mapping[str, str | None], *, proof: Mapping[str, Any] | None = None) -> str:
        """The `request_uri`. RFC 9126 §2.2."""
        response = self.push(sent, proof=proof)
        assert response.status_code == 201, response.text
        assert 0 < response.json()["expires_in"] < 600
        return str(response.json()["request_uri"])

    def open(self, request_uri: str, **beside: str) -> PageSeen | Callback:
        sent = {"client_id": self.party.client_id, "request_uri": request_uri, **beside}
        return self.browser.get(f"{self.party.discovered['authorization_endpoint']}?{urlencode(sent)}")  # type: ignore[no-any-return]

    def authorize(self, *, proof: Mapping[str, Any] | None = None, **changes: str | None) -> tuple[Any, Callback]:
        """What was sent, and the callback with a code."""
        sent = self.request(**changes)
        callback = self.party.arrived(sent, self.browser.answer(self.open(self.pushed(sent, proof=proof))))
        assert "error" not in callback.parameters, callback.parameters
        return sent, callback

    # -- tokens

    def post(self, form: Mapping[str, str | None], *, proof: Mapping[str, Any] | None = None) -> httpx.Response:
        """To the token endpoint with a proof, to which these are the changes; None sends none."""
        endpoint = self.party.discovered["token_endpoint"]
        headers = {} if proof is None else {"dpop": self.proof("POST", endpoint, **proof)}
        return self.party.post("token_endpoint", form, headers=headers)  # type: ignore[no-any-return]

    def redeem(
        self, callback: Callback, *, proof: Mapping[str, Any] | None = {}, **changes: str | None
    ) -> httpx.Response:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": callback.code,
            "redirect_uri": self.party.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.post(form | changes, proof=proof)

    def tokens(self, response: httpx.Response, *, nonce: str | None = None) -> dict[str, Any]:
        """Tokens that are bound to the key, with an ID token that is checked like every other."""
        tokens = dict(self.party.tokens(response, token_type="dpop"))
        tokens["claims"] = self.party.check_id_token(tokens["id_token"], nonce=nonce)
        return tokens

    def flow(self, *, proof: Mapping[str, Any] | None = None, **changes: str | None) -> dict[str, Any]:
        """The whole way, to tokens and a call of the resource with them."""
        sent, callback = self.authorize(proof=proof, **changes)
        tokens = self.tokens(self.redeem(callback), nonce=sent.get("nonce"))
        response = self.resource(tokens["access_token"])
        assert response.status_code == 200, response.text
        assert "date" in response.headers
        assert response.json()["sub"] == tokens["claims"]["sub"]
        return tokens

    def refresh(self, token: str, *, proof: Mapping[str, Any] | None = {}, **changes: str | None) -> httpx.Response:
        return self.post({"grant_type": "refresh_token", "refresh_token": token, **changes}, proof=proof)

    def resource(
        self, token: str, *, scheme: str = "DPoP", raw: list[str] | None = None, **proof: Any
    ) -> httpx.Response:
        """UserInfo as the protected resource, with a right proof but for the changes, or with these as they are."""
        endpoint = self.party.discovered["userinfo_endpoint"]
        proofs = [self.proof("GET", endpoint, **{"token": token, **proof})] if raw is None else raw
        headers = [("authorization", f"{scheme} {token}"), *(("dpop", value) for value in proofs)]
        return self.party.provider.request("GET", endpoint, headers=headers)  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def banks(provider: Any, tools: Any, lasting_web_site: Any) -> dict[str, dict[str, Any]]:
    """For each algorithm both clients as they are declared, their private keys, and one for the proofs."""
    text = (HERE / "state.yaml").read_text().replace(SUITE, lasting_web_site.url(""))
    made = {}
    for alg in ("ES256", "PS256", "EdDSA"):
        applications = yaml.safe_load(text)["applications"]
        keys = [tools.new_key(alg) for _ in applications]
        for application, key in zip(applications, keys, strict=True):
            application["client_id"] += f"-{alg.lower()}"
            application["jwks"] = {"keys": [tools.public(key)]}
        made[alg] = {"applications": applications, "keys": keys, "dpop": tools.new_key(alg)}
    provider.apply({"applications": [item for each in made.values() for item in each["applications"]]})
    return made


@pytest.fixture
def new_bank(banks: dict[str, dict[str, Any]], party: Callable[..., Any], tools: Any) -> Callable[..., Bank]:
    """One of the two clients: `new_bank(2, "PS256")`."""

    def make(number: int = 1, alg: str = "ES256") -> Bank:
        declared = banks[alg]
        application, key = declared["applications"][number - 1], declared["keys"][number - 1]
        information = {
            "token_endpoint_auth_method": "private_key_jwt",
            "id_token_signed_response_alg": "ES256",
            **application,
        }
        return Bank(party(information, key=key, audience="issuer"), tools, declared["dpop"])

    return make


@pytest.fixture
def bank(new_bank: Callable[..., Bank]) -> Bank:
    return new_bank()


@pytest.fixture
def other_bank(new_bank: Callable[..., Bank]) -> Bank:
    return new_bank(2)
