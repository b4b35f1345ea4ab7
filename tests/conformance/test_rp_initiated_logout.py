"""RP-Initiated OP: `oidcc-rp-initiated-logout-certification-test-plan`."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from credenza.testing import Callback, PageSeen

NOT_LOGGED_IN = ("login_required", "interaction_required", "account_selection_required", "consent_required")
LOOKED_AT = "A person looks at the page."


@pytest.fixture(params=["static_client", "dynamic_client"])
def client(
    request: pytest.FixtureRequest,
    static_client: Callable[..., Any],
    dynamic_client: Callable[..., Any],
    lasting_web_site: Any,
) -> Any:
    if request.param == "static_client":
        return static_client()
    return dynamic_client(post_logout_redirect_uris=[lasting_web_site.url("/test/a/credenza/post_logout_redirect")])


def long_state() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits + "-._~") for _ in range(128))


def ended(client: Any, flow: Any, **changes: str | None) -> PageSeen | Callback:
    """Lead the browser to the end session endpoint, right but for the changes."""
    parameters = {
        "id_token_hint": flow.tokens["id_token"],
        "post_logout_redirect_uri": client.information["post_logout_redirect_uris"][0],
        "state": "state-of-the-test",
    } | changes
    sent = {name: value for name, value in parameters.items() if value is not None}
    address = client.discovered["end_session_endpoint"]
    return client.browser.get(f"{address}?{urlencode(sent)}" if sent else address)  # type: ignore[no-any-return]


def signed_out(client: Any, seen: PageSeen | Callback) -> None:
    """Confirm it if that is asked; then there is the page, and no session any more."""
    assert isinstance(seen, PageSeen)
    if seen.name == "sign-out":
        seen = client.browser.submit([("decision", "sign-out")])
    assert isinstance(seen, PageSeen)
    assert (seen.name, seen.status) == ("signed-out", 200)
    assert "You are signed out" in seen.text
    client.refused(*NOT_LOGGED_IN, prompt="none")


def kept_here(client: Any, seen: PageSeen | Callback, *names: str) -> None:
    """A page of ours, that leads nowhere; nobody was signed out by it."""
    assert isinstance(seen, PageSeen)
    assert seen.name in names
    ways = [
        *seen.links,
        *(form.action for form in seen.forms),
        seen.headers.get("refresh", ""),
        seen.headers.get("location", ""),
    ]
    assert not any("/post_logout_redirect" in way for way in ways), (
        "a developer may read the address, nobody goes there"
    )
    sent = client.request(prompt="none")
    assert client.arrived(sent, client.open(sent)).code


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(discovered: dict[str, Any]) -> None:
    """An `end_session_endpoint` with https."""
    assert discovered["end_session_endpoint"].startswith("https://")


def test_oidcc_rp_initiated_logout(client: Any) -> None:
    """With the hint, a registered URI and a state of 128 characters: back there with the state and nothing else."""
    state = long_state()
    seen = ended(client, client.flow(), state=state)
    assert isinstance(seen, Callback)
    assert seen.url == f"{client.information['post_logout_redirect_uris'][0]}?{urlencode({'state': state})}"
    client.refused(*NOT_LOGGED_IN, prompt="none")


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(client: Any) -> None:
    """A URI that is not registered: no redirect."""
    other = client.information["post_logout_redirect_uris"][0] + "/other"
    kept_here(client, ended(client, client.flow(), post_logout_redirect_uri=other), "error")


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_rp_initiated_logout_modified_id_token_hint(client: Any) -> None:
    """The hint changed to `alg: none`: no redirect."""
    flow = client.flow()
    unsigned = jwt.encode(flow.id_token, None, algorithm="none")
    kept_here(client, ended(client, flow, id_token_hint=unsigned), "error")


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_rp_initiated_logout_no_id_token_hint(client: Any) -> None:
    """A URI and no hint: no redirect."""
    kept_here(client, ended(client, client.flow(), id_token_hint=None), "error", "sign-out")


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_rp_initiated_logout_no_params(client: Any) -> None:
    """No parameters: the user is signed out, and told so."""
    flow = client.flow()
    signed_out(client, ended(client, flow, id_token_hint=None, post_logout_redirect_uri=None, state=None))


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(client: Any) -> None:
    """The hint only: the user is signed out, and told so."""
    signed_out(client, ended(client, client.flow(), post_logout_redirect_uri=None, state=None))


def test_oidcc_rp_initiated_logout_no_state(client: Any) -> None:
    """No `state` in, none out."""
    seen = ended(client, client.flow(), state=None)
    assert isinstance(seen, Callback)
    assert seen.url == client.information["post_logout_redirect_uris"][0]
    client.refused(*NOT_LOGGED_IN, prompt="none")


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_rp_initiated_logout_only_state(client: Any) -> None:
    """Only `state`: the user is signed out, and told so."""
    signed_out(client, ended(client, client.flow(), id_token_hint=None, post_logout_redirect_uri=None))


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(client: Any) -> None:
    """`?foo=bar` added to the registered URI: no redirect."""
    other = client.information["post_logout_redirect_uris"][0] + "?foo=bar"
    kept_here(client, ended(client, client.flow(), post_logout_redirect_uri=other), "error")


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_rp_initiated_logout_bad_id_token_hint(client: Any, tools: Any, client_key: dict[str, Any]) -> None:
    """The hint is signed by the client: no redirect."""
    flow = client.flow()
    kept_here(client, ended(client, flow, id_token_hint=tools.sign(client_key, flow.id_token)), "error")
