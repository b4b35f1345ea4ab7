"""An administrator at the console: opens its pages and posts its forms, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from credenza.testing import Credenza, PageSeen, UserAgent

Fields = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass
class Visitor:
    """Somebody who is signed in. `post` sends a right form but for the changes that a test names."""

    agent: UserAgent

    @property
    def credenza(self) -> Credenza:
        return self.agent.credenza

    def get(self, path: str, **headers: str) -> PageSeen:
        seen = self.agent.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert isinstance(seen, PageSeen)
        return seen

    def token(self) -> str:
        found = re.search(
            r'name="csrf_token" value="([0-9a-f]+)"', self.get("/console/applications/create/my-app/spa").html
        )
        return found[1] if found else ""

    def post(self, path: str, fields: Fields = (), *, token: str | None = None, **options: Any) -> httpx.Response:
        """The answer itself; redirects are not followed."""
        pairs = list(fields.items()) if isinstance(fields, Mapping) else list(fields)
        pairs.append(("csrf_token", self.token() if token is None else token))
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": self.credenza.issuer,
            "sec-fetch-site": "same-origin",
            **options.pop("headers", {}),
        }
        return self.agent.send("POST", path, content=urlencode(pairs), headers=headers, **options)

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
def visiting() -> type[Visitor]:
    """For another browser: `visiting(agent)`."""
    return Visitor


@pytest.fixture
def visitor(admin: UserAgent) -> Visitor:
    """The administrator `root`, who may do everything."""
    return Visitor(admin)


@pytest.fixture
def administrator(credenza: Credenza) -> Callable[[str], Visitor]:
    """An administrator with a role: `administrator("read-only")`."""

    def sign_in(role: str) -> Visitor:
        credenza.apply({"users": [{"username": "grace", "administrator": role}]})
        agent = UserAgent(credenza)
        agent.get("/console")
        agent.sign_in("grace")
        return Visitor(agent)

    return sign_in
