"""Names that look the same are the same, whatever keyboards make of a letter, in the console and the desired state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from credenza import Client, StateError, clients, new_id, users
from credenza.state import export
from credenza.testing import ORDERS, Credenza
from credenza_organizations import store as organizations
from credenza_organizations import template
from credenza_resources import store as resources

Visitor = Any  # see conftest.py

COMPOSED, DECOMPOSED = "Prüfer", "Pru\u0308fer"
BOTH = (COMPOSED, DECOMPOSED)
TAKEN = "There is a role with this name already."


class Roles:
    """Global ones."""

    at = "/console/roles"

    @staticmethod
    def document(*names: str, **members: Any) -> dict[str, Any]:
        return {"roles": [{"name": name, **members} for name in names]}

    @staticmethod
    def kept(credenza: Credenza) -> dict[str, Mapping[str, Any]]:
        rows = credenza.run(resources.list_roles)
        return {row["name"]: row for row in rows if row["name"] != "support"}

    @staticmethod
    def keep(credenza: Credenza, name: str) -> str:
        """As an older release did."""
        credenza.run(resources.save_role, role := new_id(), name, "", default=False, now=0)
        return role


class TemplateRoles:
    """Those of the organization template."""

    at = "/console/organization-template/roles"

    @staticmethod
    def document(*names: str, **members: Any) -> dict[str, Any]:
        return {"organization_template": {"roles": [{"name": name, **members} for name in names]}}

    @staticmethod
    def kept(credenza: Credenza) -> dict[str, Mapping[str, Any]]:
        return dict(credenza.run(template.template_roles))

    @staticmethod
    def keep(credenza: Credenza, name: str) -> str:
        credenza.run(template.save_template_role, role := new_id(), name)
        return role


of_roles = pytest.mark.parametrize("kind", [Roles, TemplateRoles])


def applied(credenza: Credenza, document: Mapping[str, Any], **options: Any) -> list[str]:
    """What became of what."""
    return [f"{change.action} {change.name}" for change in credenza.apply(document, **options).changes]


SPACED = ("Chief pilot", " Chief \u00a0 pilot ")


@of_roles
@pytest.mark.parametrize(("first", "second"), [BOTH, BOTH[::-1], SPACED, SPACED[::-1]])
def test_a_role_that_looks_the_same_is_there_already(visitor: Visitor, kind: Any, first: str, second: str) -> None:
    kept = COMPOSED if first in BOTH else SPACED[0]
    visitor.done(f"{kind.at}/create", {"name": first})
    assert list(kind.kept(visitor.credenza)) == [kept]
    assert TAKEN in visitor.refused(f"{kind.at}/create", {"name": second})
    assert applied(visitor.credenza, kind.document(second)) == []
    changed = applied(visitor.credenza, kind.document(second, description="Looks"), prune=True)
    assert f"updated {kept}" in changed
    assert list(kind.kept(visitor.credenza)) == [kept]


@of_roles
def test_a_role_that_an_older_release_kept_in_another_form_stays_and_is_found(visitor: Visitor, kind: Any) -> None:
    role = kind.keep(visitor.credenza, DECOMPOSED)
    assert TAKEN in visitor.refused(f"{kind.at}/create", {"name": COMPOSED})
    assert applied(visitor.credenza, kind.document(COMPOSED)) == []
    assert applied(visitor.credenza, kind.document(COMPOSED, description="Looks")) == [f"updated {DECOMPOSED}"]
    visitor.done(f"{kind.at}/{role}", {"name": COMPOSED, "description": "Looks twice"})
    assert kind.kept(visitor.credenza)[DECOMPOSED]["description"] == "Looks twice"
    visitor.done(f"{kind.at}/{role}/delete", {"confirm": COMPOSED})
    assert kind.kept(visitor.credenza) == {}


@of_roles
def test_of_two_that_an_older_release_kept_each_is_edited_exported_and_deleted(visitor: Visitor, kind: Any) -> None:
    composed, decomposed = (kind.keep(visitor.credenza, name) for name in BOTH)
    kept = visitor.credenza.run(export, visitor.credenza.server)
    assert applied(visitor.credenza, {name: kept[name] for name in kind.document()}, prune=True) == []
    visitor.done(f"{kind.at}/{decomposed}", {"name": DECOMPOSED, "description": "Looks"})
    assert [kind.kept(visitor.credenza)[name]["description"] for name in BOTH] == ["", "Looks"]
    visitor.done(f"{kind.at}/{decomposed}/delete", {"confirm": DECOMPOSED})
    assert [row["id"] for row in kind.kept(visitor.credenza).values()] == [composed]


@of_roles
def test_a_file_has_each_role_once(credenza: Credenza, kind: Any) -> None:
    with pytest.raises(StateError, match=f"role {COMPOSED} is in the file twice"):
        credenza.apply(kind.document(*BOTH))


def test_whoever_holds_a_role_is_named_in_either_form(credenza: Credenza) -> None:
    document = {
        **Roles.document(DECOMPOSED),
        **TemplateRoles.document(COMPOSED),
        "users": [{"username": "ada", "roles": [COMPOSED]}],
        "organizations": [{"name": "Acme", "members": [{"username": "ada", "roles": [DECOMPOSED]}]}],
    }
    applied(credenza, document)
    assert applied(credenza, document) == []
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    assert list(credenza.run(resources.user_roles, ada.id).values()) == [COMPOSED]
    (membership,) = credenza.run(organizations.memberships, ada.id)
    assert membership.roles == (COMPOSED,)


def test_an_organization_is_found_by_its_name_in_either_form(visitor: Visitor) -> None:
    visitor.done("/console/organizations/create", {"name": DECOMPOSED})
    (row,) = visitor.credenza.run(organizations.list_organizations)
    assert row["name"] == COMPOSED
    assert applied(visitor.credenza, {"organizations": [{"name": DECOMPOSED}]}) == []
    visitor.credenza.run(organizations.edit_organization, row["id"], {"name": DECOMPOSED})  # by an older release
    assert applied(visitor.credenza, {"organizations": [{"name": COMPOSED}]}) == []
    assert applied(visitor.credenza, {"organizations": [{"id": row["id"], "name": COMPOSED}]}) == []
    visitor.done(f"/console/organizations/{row['id']}", {"name": f"{DECOMPOSED} & Co", "description": ""})
    (row,) = visitor.credenza.run(organizations.list_organizations)
    assert row["name"] == f"{COMPOSED} & Co"


def test_an_api_has_its_name_in_one_form(visitor: Visitor) -> None:
    page = visitor.get("/console/api-resources").html
    address = re.search(r'href="(/console/api-resources/[^"/]+)">Orders', page)
    assert address
    visitor.done(address[1], {"name": DECOMPOSED, "description": "", "token_lifetime": ""})
    assert visitor.credenza.run(resources.find_resource, ORDERS)["name"] == COMPOSED
    document = {"api_resources": [{"identifier": ORDERS, "name": DECOMPOSED}]}
    assert applied(visitor.credenza, document) == []


def applications(credenza: Credenza) -> list[Client]:
    """Those that look like it."""

    async def every() -> list[Client]:
        return [client async for client in clients.every_client(credenza.server.client_types)]

    return [client for client in credenza.run(every) if client.name.startswith(("Prü", "Pru"))]


def test_an_application_is_found_by_its_name_in_either_form(visitor: Visitor) -> None:
    credenza = visitor.credenza
    visitor.done("/console/applications/create/my-app/spa", {"name": DECOMPOSED})
    (client,) = applications(credenza)
    assert client.name == COMPOSED
    assert applied(credenza, {"applications": [{"name": DECOMPOSED}]}) == []
    assert applied(credenza, {"applications": [{"client_id": client.id, "name": DECOMPOSED}]}) == []
    credenza.run(clients.edit_client, replace(client, name=DECOMPOSED), ["name"], 0)  # by an older release
    assert applied(credenza, {"applications": [{"name": COMPOSED, "description": "Looks"}]}) == [
        f"updated {DECOMPOSED}"
    ]
    address = f"/console/applications/{client.id}"
    fields = {"auth_method": "none", "id_token_alg": "RS256"}
    visitor.done(address, {**fields, "name": COMPOSED, "description": "Looks twice"})
    (client,) = applications(credenza)
    assert (client.name, client.description) == (DECOMPOSED, "Looks twice")
    visitor.done(address, {**fields, "name": f"{DECOMPOSED} & Co"})
    assert [client.name for client in applications(credenza)] == [f"{COMPOSED} & Co"]


def test_of_two_applications_that_look_the_same_a_file_means_each_by_its_own_name(credenza: Credenza) -> None:
    spa = {"type": "spa", "redirect_uris": ["https://app.example/callback"]}
    credenza.apply({"applications": [{"client_id": name, "name": COMPOSED, **spa} for name in ("first", "second")]})
    second = next(client for client in applications(credenza) if client.id == "second")
    credenza.run(clients.edit_client, replace(second, name=DECOMPOSED), ["name"], 0)
    assert applied(credenza, {"applications": [{"name": DECOMPOSED, "description": "Looks"}]}) == [
        f"updated {DECOMPOSED}"
    ]
    assert {client.id: client.description for client in applications(credenza)} == {"first": "", "second": "Looks"}
    kept = credenza.run(export, credenza.server)
    assert applied(credenza, {"applications": kept["applications"]}) == []


def test_a_file_has_each_application_once(credenza: Credenza) -> None:
    spa = {"type": "spa", "redirect_uris": ["https://app.example/callback"]}
    with pytest.raises(StateError, match=f"application {COMPOSED} is in the file twice"):
        credenza.apply({"applications": [{"name": name, **spa} for name in BOTH]})


@pytest.mark.parametrize("document", [Roles.document("\u0958" * 60), TemplateRoles.document("\u0958" * 60)])
def test_a_name_is_short_enough_as_it_is_kept(credenza: Credenza, document: dict[str, Any]) -> None:
    """PostgreSQL has no room for more; in one form, this letter is two."""
    with pytest.raises(StateError, match="name is a text of at most 100 characters"):
        credenza.apply(document)
