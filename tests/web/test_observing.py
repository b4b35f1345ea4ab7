"""What stands around Litestar is still Litestar."""

from __future__ import annotations

import re
from typing import Any

import pytest
from litestar import Litestar

from credenza.store.engine import StoreUnavailable
from credenza.testing import Credenza

ERROR_ID = re.compile("[0-9a-f]{16}")
PATHS = ["/jwks", "/userinfo", "/token", "/introspect", "/.well-known/openid-configuration"]


def test_the_table_of_routes_is_the_one_that_litestar_would_make(credenza: Credenza) -> None:
    its_own = Litestar.route_handler_method_map
    assert credenza.app.route_handler_method_map == its_own.fget(credenza.app)  # type: ignore[attr-defined]
    assert len(credenza.app.routes) > 100


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", PATHS)
def test_an_endpoint_answers_the_same_straight_and_through_the_framework(
    credenza: Credenza, path: str, method: str
) -> None:
    """With a slash at its end the framework looks for the path."""
    straight, looked_for = (credenza.request(method, path + end) for end in ("", "/"))
    assert straight.status_code == looked_for.status_code
    assert straight.headers == looked_for.headers
    assert ERROR_ID.sub("", straight.text) == ERROR_ID.sub("", looked_for.text)


@pytest.mark.parametrize("path", ["/userinfo", "/userinfo/"])
@pytest.mark.parametrize(("error", "status"), [(StoreUnavailable, 503), (ValueError, 500)])
def test_an_error_of_an_endpoint_is_answered_as_the_framework_does(
    credenza: Credenza, monkeypatch: pytest.MonkeyPatch, path: str, error: type[Exception], status: int
) -> None:
    async def inspect(*arguments: Any) -> None:
        raise error("away")

    monkeypatch.setattr("credenza.endpoints.userinfo.inspect", inspect)
    answer = credenza.request("GET", path, headers={"Authorization": "Bearer any"})
    assert answer.status_code == status
    assert "Error id" in answer.text


def test_an_answer_that_has_begun_is_not_begun_again(credenza: Credenza) -> None:
    """Whoever sends it fails, and there is nobody to tell."""
    begun: list[Any] = []

    async def send(message: Any) -> None:
        begun.append(message["type"])
        if message["type"] == "http.response.body":
            raise ConnectionResetError

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def ask() -> None:
        headers = [(b"host", b"id.example.com")]
        scope: Any = {
            "type": "http",
            "method": "GET",
            "path": "/jwks",
            "headers": headers,
            "client": ("203.0.113.7", 1),
        }
        await credenza.app({**scope, "query_string": b""}, receive, send)  # type: ignore[arg-type]

    with pytest.raises(ConnectionResetError):
        credenza.portal.call(ask)
    assert begun == ["http.response.start", "http.response.body"]
