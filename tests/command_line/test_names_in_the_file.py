"""A name that the console refuses comes in by no desired-state file; what is kept already stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from credenza import StateError, clients, new_id, provider, users
from credenza.testing import ORDERS, Credenza
from credenza_organizations import store as organizations
from credenza_organizations import template
from credenza_resources import store as resources

TURNED = "Prüfer\u202e"  # what follows is read from the right to the left
SPA = {"type": "spa", "redirect_uris": ["https://app.example/callback"]}


@pytest.mark.parametrize("name", [TURNED, "\u200b", "Prü\nfer", "Pr" + "\u0316" * 5 + "fer", "\u3164", " "], ids=ascii)
@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"applications": [{"name": None, **SPA}]}, "applications: an application: "),
        ({"applications": [{"client_id": "one", "name": None, **SPA}]}, r"applications: an application \(one\): "),
        ({"applications": [{"client_id": "demo", "name": "A", "branding": {"display_name": None}, **SPA}]}, "branding"),
        ({"roles": [{"name": None}]}, "roles: a role: "),
        ({"api_resources": [{"identifier": ORDERS, "name": None}]}, f"api_resources: {ORDERS}: "),
        (
            {"api_resources": [{"identifier": "https://new.example", "name": None}]},
            "api_resources: https://new.example: ",
        ),
        ({"organization_template": {"roles": [{"name": None}]}}, "organization_template: a role: "),
        ({"organizations": [{"name": None}]}, "organizations: an organization: "),
        ({"provider": {"branding": {"name": None}}}, "provider: provider: branding: "),
        ({"users": [{"username": "ada", "profile": {"given_name": None}}]}, "users: ada: profile: given_name: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_name_that_cannot_be_read_is_refused_with_its_place(
    credenza: Credenza, document: Mapping[str, Any], place: str, name: str
) -> None:
    with pytest.raises(StateError, match=f"{place}.*A name fits on one line"):
        credenza.apply(_named(document, name))
    credenza.apply(_named(document, "Prüfer"))


@pytest.mark.parametrize(
    ("document", "place", "most"),
    [
        ({"provider": {"branding": {"name": None}}}, "provider: branding: ", 100),
        ({"provider": {"branding": {"display_name": None}}}, "provider: branding: ", 100),
        (
            {"applications": [{"client_id": "demo", "name": "A", "branding": {"display_name": None}, **SPA}]},
            "A: branding: ",
            200,
        ),
        ({"organizations": [{"name": "Acme", "branding": {"display_name": None}}]}, "Acme: branding: ", 200),
    ],
)
def test_a_brands_name_is_as_long_as_in_the_console(
    credenza: Credenza, document: Mapping[str, Any], place: str, most: int
) -> None:
    credenza.apply(_named(document, "x" * most))
    with pytest.raises(StateError, match=f"{place}.*A name has at most {most} characters."):
        credenza.apply(_named(document, "x" * (most + 1)))


def _named(part: Any, name: str) -> Any:
    """With the name where None stands."""
    if isinstance(part, list):
        return [_named(each, name) for each in part]
    return {key: _named(each, name) for key, each in part.items()} if isinstance(part, dict) else part or name


def test_what_is_kept_already_is_exported_and_applied(credenza: Credenza) -> None:
    """An older release took them."""
    credenza.apply({"applications": [{"client_id": "one", "name": "One", **SPA}], "organizations": [{"name": "Acme"}]})
    client = credenza.run(clients.find_client, "one", credenza.server.client_types)
    credenza.run(clients.edit_client, replace(client, name=TURNED), ["name"], 0)
    (row,) = credenza.run(organizations.list_organizations)
    credenza.run(organizations.edit_organization, row["id"], {"name": TURNED})
    credenza.run(resources.save_role, new_id(), TURNED, "", default=False, now=0)
    credenza.run(resources.edit_resource, ORDERS, {"name": TURNED})
    credenza.run(template.save_template_role, new_id(), TURNED)
    credenza.run(provider.save_provider_setting, "branding", {"display_name": TURNED})
    ada = credenza.run(users.find_user_by_identifier, "ada")
    credenza.run(users.edit_user, replace(ada, profile={"name": TURNED}), ["profile"])
    kept = credenza.export()
    assert str(kept).count(ascii(TURNED)[-7:-1]) == 7
    assert credenza.apply(kept, prune=True).changes == []
    kept["roles"] = [{**role, "description": "Looks"} for role in kept["roles"] if role["name"] == TURNED]
    assert [change.name for change in credenza.apply({"roles": kept["roles"]}).changes] == [TURNED]
