"""A server that does not sign with ES256: what a client has not chosen is signed like its ID tokens. R-FA-02."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from credenza.testing import STATE, Callback, Credenza, UserAgent

from .conftest import Bank


@pytest.fixture
def credenza_database(tmp_path: Path) -> str:
    """Its own, because the one of the tests has a key for ES256."""
    return f"sqlite:///{tmp_path / 'new.db'}"


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    return {"signing_algorithms": ("RS256", "PS256")}


@pytest.fixture
def bank(credenza: Credenza, new_bank: Callable[..., Bank]) -> Bank:
    credenza.apply(STATE)
    return new_bank("PS256", id_token_signed_response_alg="PS256")


def test_the_authorization_response(user_agent: UserAgent, bank: Bank) -> None:
    callback = user_agent.get(bank.pushed_url(response_mode="jwt", prompt="none"))
    assert isinstance(callback, Callback)
    assert jwt.get_unverified_header(callback.parameters["response"])["alg"] == "PS256"


def test_the_introspection_response(credenza: Credenza, bank: Bank) -> None:
    response = credenza.request(
        "POST",
        "/introspect",
        data={"client_id": bank.client_id, "token": "unknown", **bank.assertion()},
        headers={"accept": "application/token-introspection+jwt"},
    )
    assert response.status_code == 200
    assert jwt.get_unverified_header(response.text)["alg"] == "PS256"
