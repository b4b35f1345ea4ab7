"""An administrator at the console, and three organizations with their members."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from credenza import audit, segment_of, users
from credenza.testing import ORDERS, Credenza, PageSeen, UserAgent

Fields = Mapping[str, str] | Sequence[tuple[str, str]]
TOKEN = re.compile(r'name="csrf_token" value="([0-9a-f]+)"')
STATE = {
    "organization_template": {
        "permissions": [
            {"name": "members:read", "description": "See who is a member"},
            {"name": "members:write", "description": "Change who is a member"},
        ],
        "roles": [
            {
                "name": "owner",
                "permissions": ["members:read", "members:write"],
                "api_permissions": {ORDERS: ["orders:read"]},
            },
            {"name": "guest", "permissions": ["members:read"]},
        ],
    },
    "organizations": [
        {"name": "Acme", "members": [{"username": "ada", "roles": ["owner"]}]},
        {"name": "Basalt", "members": [{"username": "grace", "roles": ["guest"]}]},
    ],
    "applications": [
        {
            "client_id": "app",
            "name": "Harbour Wiki",
            "permissions": {"profile": ["profile"], "organization": ["members:read", "members:write"]},
        }
    ],
}


@dataclass
class Visitor:
    """Somebody who is signed in. `post` sends a right form but for the changes that a test names."""

    agent: UserAgent
    ids: Mapping[str, str]

    @property
    def credenza(self) -> Credenza:
        return self.agent.credenza

    def at(self, organization: str, path: str = "") -> str:
        """An address below an organization, by its name."""
        return f"/console/organizations/{segment_of(self.ids[organization])}{path}"

    def role(self, name: str) -> str:
        """The id of a role of the template."""
        return self.ids[f"role {name}"]

    def user(self, username: str) -> users.User:
        found = self.credenza.run(users.find_user_by_identifier, username)
        assert found is not None
        return found

    def change(self, kind: str, **data: str) -> audit.AuditEvent:
        """What this administrator changed, from the audit log; the only one of its kind with this data."""
        found: list[audit.AuditEvent] = self.credenza.run(audit.list_events, limit=200)
        root = self.user("root").id
        mine = [event for event in found if event.actor == root and event.data.get("kind") == kind]
        (event,) = [event for event in mine if data.items() <= event.data.items()]
        return event

    def get(self, path: str) -> PageSeen:
        seen = self.agent.get(path)
        assert isinstance(seen, PageSeen)
        return seen

    def post(self, path: str, fields: Fields = (), *, token: str | None = None) -> httpx.Response:
        """The answer itself; redirects are not followed."""
        if token is None:
            found = TOKEN.search(self.get("/console/organizations/create").html)
            token = found[1] if found else ""
        pairs = list(fields.items()) if isinstance(fields, Mapping) else list(fields)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": self.credenza.issuer,
            "sec-fetch-site": "same-origin",
        }
        return self.agent.send("POST", path, content=urlencode([*pairs, ("csrf_token", token)]), headers=headers)

    def done(self, path: str, fields: Fields = ()) -> PageSeen:
        """Post a form that is taken, and see the page that it leads to."""
        response = self.post(path, fields)
        assert response.status_code == 303, response.text
        return self.get(response.headers["location"])

    def refused(self, path: str, fields: Fields = ()) -> str:
        """Post a form that is shown again with what is wrong; its HTML."""
        response = self.post(path, fields)
        assert response.status_code == 422, response.text
        heard = ('role="alert"', ' autofocus aria-invalid="true"')  # as an alert, or with the field that has the focus
        assert any(told in response.text for told in heard)
        return response.text


@pytest.fixture
def ids(credenza: Credenza) -> dict[str, str]:
    """Names of organizations to their ids, and "role owner" to the id of that role."""
    from credenza_organizations import template

    run = credenza.apply(STATE)
    made: dict[str, Any] = {c.name: c.made["id"] for c in run.changes if c.kind == "organization"}
    return made | {f"role {name}": role["id"] for name, role in credenza.run(template.template_roles).items()}


@pytest.fixture
def visitor(admin: UserAgent, ids: dict[str, str]) -> Visitor:
    """The administrator `root`, who may do everything."""
    return Visitor(admin, ids)
