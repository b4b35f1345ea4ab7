"""docs/explanation/organizations.md: its file is applied, and its table is what comes out."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest
import yaml

from credenza.testing import ORDERS, Credenza, RelyingParty, UserAgent

PAGE = Path(__file__).parents[2] / "docs/explanation/organizations.md"
SCOPE = "openid offline_access urn:credenza:scope:organizations members:read orders:read orders:write"


@pytest.fixture
def ids(credenza: Credenza) -> dict[str, str]:
    run = credenza.apply(yaml.safe_load(PAGE.with_suffix(".yaml").read_text()))
    return {change.name: change.made["id"] for change in run.changes if change.kind == "organization"}


def row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize(
    ("picked", "resource", "scope", "said"),
    [
        ("Acme", ORDERS, "", ("`resource=https://orders.example.com`", "the API", "`orders:write`", "Acme")),
        ("Acme", ORDERS, "orders:read", ("the same, and `scope=orders:read`", "the API", "`orders:read`", "-")),
        (
            "Acme",
            "urn:credenza:organization:{id}",
            "",
            (
                "`resource=urn:credenza:organization:{id}`",
                "`urn:credenza:organization:{id}`",
                "`members:read`",
                "Acme",
            ),
        ),
        ("Basalt", ORDERS, "", ("`resource=https://orders.example.com`", "the API", "`orders:read`", "-")),
    ],
)
def test_what_is_in_the_tokens(
    user_agent: UserAgent,
    client: RelyingParty,
    ids: dict[str, str],
    picked: str,
    resource: str,
    scope: str,
    said: tuple[str, ...],
) -> None:
    assert row((picked, *said)) in PAGE.read_text()
    resource = resource.format(id=ids[picked])
    user_agent.get(client.authorization_url(scope=SCOPE, resource=ORDERS))
    user_agent.sign_in()
    tokens = client.tokens(user_agent.decide(organization=ids[picked]))
    named = {"resource": resource} | ({"scope": scope} if scope else {})
    token = client.refresh(tokens["refresh_token"], **named).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == resource
    assert f"`{claims['scope']}`" == said[2]
    assert claims.get("organization_id") == (ids[picked] if said[3] == picked else None)


def test_who_holds_nothing_there_gets_no_token_for_it(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    user_agent.get(client.authorization_url(scope=SCOPE, resource=ORDERS))
    user_agent.sign_in()
    tokens = client.tokens(user_agent.decide(organization=ids["Basalt"]))
    answer = client.refresh(tokens["refresh_token"], resource=f"urn:credenza:organization:{ids['Basalt']}").json()
    assert answer["error"] == "invalid_target"
    assert "| `invalid_target`: she holds nothing there | | |" in PAGE.read_text()
