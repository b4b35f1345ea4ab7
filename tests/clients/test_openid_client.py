"""npm's openid-client, in its own runtime."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from credenza.testing import ORDERS, UserAgent

from .conftest import led_by

pytestmark = pytest.mark.clients


def test_code_with_pkce_then_userinfo_refresh_introspection_revocation_and_logout(
    live_server: Any,
    application: Callable[..., dict[str, Any]],
    the_user: Callable[[str], str],
    node_modules: Path,
) -> None:
    registered = application(offline_access=True, post_logout_redirect_uris=["https://rp.example.com/bye"])
    given = {
        "issuer": live_server.issuer,
        "client_id": registered["client_id"],
        "client_secret": registered["client_secret"],
        "redirect_uri": registered["redirect_uris"][0],
        "post_logout_redirect_uri": registered["post_logout_redirect_uris"][0],
    }
    seen = json.loads(led_by(the_user, "node", "openid_client.mjs", json.dumps(given), cwd=node_modules))
    assert seen["claims"]["iss"] == live_server.issuer
    assert seen["userinfo"]["sub"] == seen["claims"]["sub"]
    assert (seen["userinfo"]["name"], seen["userinfo"]["email"]) == ("Ada Lovelace", "ada@example.com")
    assert seen["active"]["active"] is True
    assert seen["active"]["client_id"] == registered["client_id"]
    assert seen["revoked"] == {"active": False}
    assert the_user(seen["logout"]) == f"https://rp.example.com/bye?state={seen['state']}"


# -- one flow in each run ---------------------------------------------------------------------------------------------

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def key_pair() -> tuple[dict[str, Any], dict[str, Any]]:
    """A private key as JWK, and the public one."""
    private = ec.generate_private_key(ec.SECP256R1())
    algorithm = jwt.get_algorithm_by_name("ES256")
    halves = [algorithm.to_jwk(key, as_dict=True) for key in (private, private.public_key())]
    for half in halves:
        half.pop("key_ops", None)
    return halves[0], halves[1]


@pytest.fixture
def run_flow(live_server: Any, node_modules: Path) -> Callable[..., dict[str, Any]]:
    """Run one flow of openid_client_flows.mjs; `the_user` takes the address that it prints to where it ends."""

    def run(flow: str, registered: dict[str, Any], the_user: Callable[[str], str], **more: Any) -> dict[str, Any]:
        given = {
            "flow": flow,
            "issuer": live_server.issuer,
            "client_id": registered["client_id"],
            "client_secret": registered.get("client_secret"),
            "redirect_uri": (registered.get("redirect_uris") or [None])[0],
        }
        command = ("node", "openid_client_flows.mjs", json.dumps(given | more))
        return dict(json.loads(led_by(the_user, *command, cwd=node_modules)))

    return run


def seen_as_ada(seen: dict[str, Any], token_type: str) -> None:
    """Tokens, UserInfo, refresh, introspection and revocation, all through the library."""
    assert seen["token_type"] == token_type
    assert seen["userinfo"]["sub"] == seen["claims"]["sub"] == seen["refreshed"]["sub"] == seen["again"]
    assert seen["refreshed"]["token_type"] == token_type
    assert seen["active"]["active"] is True
    assert seen["revoked"] == {"active": False}


@pytest.mark.parametrize(
    ("flow", "token_type", "settings"),
    [
        ("client_secret_post", "bearer", {"token_endpoint_auth_method": "client_secret_post"}),
        ("par", "bearer", {"metadata": {"require_pushed_authorization_requests": True}}),
        ("jarm", "bearer", {}),
        ("dpop", "dpop", {"metadata": {"dpop_bound_access_tokens": True}}),
    ],
)
def test_a_flow_with_a_secret(
    application: Callable[..., dict[str, Any]],
    the_user: Callable[[str], str],
    run_flow: Callable[..., dict[str, Any]],
    flow: str,
    token_type: str,
    settings: dict[str, Any],
) -> None:
    seen_as_ada(run_flow(flow, application(offline_access=True, **settings), the_user), token_type)


@pytest.mark.parametrize(
    ("flow", "token_type", "settings"),
    [
        (
            "private_key_jwt",
            "bearer",
            {"token_endpoint_auth_method": "private_key_jwt", "id_token_signed_response_alg": "ES256"},
        ),
        ("fapi2", "dpop", {"profile": "fapi2"}),
    ],
)
def test_a_flow_with_a_key(
    application: Callable[..., dict[str, Any]],
    the_user: Callable[[str], str],
    run_flow: Callable[..., dict[str, Any]],
    flow: str,
    token_type: str,
    settings: dict[str, Any],
) -> None:
    """`fapi2` is the whole profile: private_key_jwt, PAR, PKCE and DPoP together."""
    private, public = key_pair()
    registered = application(jwks={"keys": [public]}, **settings)
    seen_as_ada(run_flow(flow, registered, the_user, private_jwk=private), token_type)


def test_a_device(
    live_server: Any, application: Callable[..., dict[str, Any]], run_flow: Callable[..., dict[str, Any]]
) -> None:
    registered = application(
        type="native",
        redirect_uris=["http://127.0.0.1/cb"],
        grant_types=["authorization_code", DEVICE, "refresh_token"],
    )

    def at_another_screen(url: str) -> str:
        agent = UserAgent(live_server)
        agent.get(url)
        seen: Any = agent.submit([("user_code", agent.page.forms[0].values_of("user_code")[0])])  # type: ignore[union-attr]
        for _ in range(4):
            if seen.name == "sign-in":
                seen = agent.sign_in()
            elif seen.name == "consent":
                seen = agent.decide()
            elif seen.forms and "connected" not in seen.text:
                seen = agent.submit([("decision", "authorize")])
        assert "connected" in seen.text, seen.text
        return "done"

    seen = run_flow("device", registered, at_another_screen)
    assert seen["token_type"] == "bearer"
    assert seen["userinfo"]["name"] == "Ada Lovelace"


def test_client_credentials(run_flow: Callable[..., dict[str, Any]]) -> None:
    machine = {"client_id": "machine", "client_secret": "a-secret-of-the-tests-0123456789"}
    seen = run_flow("client_credentials", machine, lambda _: "", resource=ORDERS)
    assert seen == {"token_type": "bearer", "scope": "orders:read"}


def test_token_exchange(
    application: Callable[..., dict[str, Any]], the_user: Callable[[str], str], run_flow: Callable[..., dict[str, Any]]
) -> None:
    registered = application(grant_types=["authorization_code", "refresh_token", EXCHANGE])
    seen = run_flow("token_exchange", registered, the_user)
    assert seen["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert (seen["token_type"], seen["scope"]) == ("bearer", "email")
