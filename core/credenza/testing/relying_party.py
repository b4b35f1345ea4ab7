"""A client that was written by somebody else."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from ..protocol.clients import DEVICE_CODE
from ..protocol.pkce import s256
from .pages import Callback, PageSeen
from .server import Credenza
from .state import SECRET


class RelyingParty:
    """A client that was written by somebody else: it knows its settings and the specifications."""

    def __init__(
        self,
        credenza: Credenza,
        client_id: str,
        redirect_uri: str = "",
        *,
        secret: str = SECRET,
        auth_method: str = "client_secret_basic",
    ) -> None:
        self.credenza = credenza
        self.client_id = client_id
        self.redirect_uri = redirect_uri
        self.secret = secret
        self.auth_method = auth_method
        self.verifier = secrets.token_urlsafe(32)

    def authorization_url(self, **changes: str | None) -> str:
        """A right request but for these parameters; what is None is left out."""
        parameters: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid profile email" if self.client_id != "native" else "openid profile",
            "state": "state-of-the-test",
            "nonce": "nonce-of-the-test",
            "code_challenge": s256(self.verifier),
            "code_challenge_method": "S256",
        }
        parameters |= changes
        return "/authorize?" + urlencode({n: v for n, v in parameters.items() if v is not None})

    def post(self, url: str, form: Mapping[str, str | None], **options: Any) -> httpx.Response:
        """A form with this client's authentication."""
        body = {name: value for name, value in form.items() if value is not None}
        if self.auth_method == "client_secret_basic":
            options.setdefault("auth", (self.client_id, self.secret))
        else:
            body.setdefault("client_id", self.client_id)
            if self.auth_method == "client_secret_post":
                body.setdefault("client_secret", self.secret)
        return self.credenza.request("POST", url, data=body, **options)

    def redeem(self, callback: PageSeen | Callback, **changes: str | None) -> httpx.Response:
        """The answer of the token endpoint to the code that came back."""
        assert isinstance(callback, Callback), f"not at the redirect URI but at {callback.url}: {callback.text[:300]}"
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": callback.parameters.get("code"),
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.post("/token", form | changes)

    def tokens(self, callback: PageSeen | Callback, **changes: str | None) -> dict[str, Any]:
        """What the code is good for: `access_token`, `id_token`, `scope` …"""
        response = self.redeem(callback, **changes)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def refresh(self, refresh_token: str, **changes: str | None) -> httpx.Response:
        return self.post("/token", {"grant_type": "refresh_token", "refresh_token": refresh_token} | changes)

    def begin_device(self, scope: str = "openid profile", **changes: str | None) -> dict[str, Any]:
        """What a device gets that asks for access: `user_code`, `device_code`, `verification_uri` …"""
        response = self.post("/device_authorization", {"scope": scope} | changes)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def poll_device(self, begun: Mapping[str, Any], **changes: str | None) -> httpx.Response:
        """The answer of the token endpoint to a device that asks whether somebody has entered its code."""
        return self.post("/token", {"grant_type": DEVICE_CODE, "device_code": begun["device_code"]} | changes)

    def introspect(self, token: str) -> dict[str, Any]:
        return dict(self.post("/introspect", {"token": token}).json())

    def revoke(self, token: str, **changes: str | None) -> httpx.Response:
        return self.post("/revoke", {"token": token} | changes)

    def userinfo(self, token: str) -> httpx.Response:
        return self.credenza.request("GET", "/userinfo", headers={"authorization": f"Bearer {token}"})
