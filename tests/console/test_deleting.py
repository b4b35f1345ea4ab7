"""Whatever is deleted in the console is deleted in one way: STYLE.md, "Destructive actions ask for the name"."""

from __future__ import annotations

import re
from typing import Any

import pytest

from credenza import segment_of, users
from credenza.testing import ORDERS
from credenza_organizations import store as organizations
from credenza_organizations import template
from credenza_resources import store as resources

Visitor = Any  # see conftest.py

STATE = {
    "organization_template": {
        "permissions": [{"name": "members:read", "description": "See who is a member"}],
        "roles": [{"name": "owner", "permissions": ["members:read"]}],
    },
    "organizations": [{"name": "Acme"}],
    "sign_in_providers": [
        {"id": "port", "title": "Port", "issuer": "https://id.port.example", "client_id": "us", "client_secret": "s"}
    ],
}
API = f"/console/api-resources/{segment_of(ORDERS)}"
CARD = re.compile(
    r'<section class="card[^"]*">\s*<header>\s*<h2>(?:\w+ or d|D)elete</h2>(.*)</section>\s*</div>\s*</main>', re.DOTALL
)


def address(visitor: Visitor, of: str) -> str:
    run = visitor.credenza.run
    if of == "user":
        return f"/console/users/{run(users.find_user_by_identifier, 'grace').id}"
    if of == "role":
        return f"/console/roles/{run(resources.list_roles)[0]['id']}"
    if of == "role of the template":
        return f"/console/organization-template/roles/{run(template.template_roles)['owner']['id']}"
    if of == "organization":
        return f"/console/organizations/{run(organizations.list_organizations)[0]['id']}"
    return of


@pytest.mark.parametrize(
    ("page", "offered"),
    [
        ("user", "card"),
        ("/console/applications/app", "card"),
        (API, "card"),
        ("role", "card"),
        ("organization", "card"),
        ("role of the template", "card"),
        ("/console/sign-in-providers/port", "card"),
        ("/console/applications/app", "table"),
        (API, "table"),
        ("/console/organization-template", "table"),
    ],
)
def test_it_is_offered_at_the_end_of_its_page_and_asks_for_the_name(visitor: Visitor, page: str, offered: str) -> None:
    """`role="alert"` says that nothing was done; why is said with the field, which has the focus, and only there."""
    visitor.credenza.apply(STATE)
    shown = visitor.get(address(visitor, page)).html
    card = CARD.search(shown)
    if offered == "card":
        assert card
        (link,) = re.findall(r'<a class="btn" data-variant="danger" href="([^"]+)"><span.*?</span>Delete</a>', card[1])
    else:
        (link, *_) = re.findall(r'<a class="btn icon-only"[^>]* href="([^"]+)" aria-label="Delete [^"]+"', shown)
    form = visitor.get(link).html
    assert re.search(r"<h1>Delete ", form)
    assert re.search(r'<button type="submit" class="btn" data-variant="destructive">Delete [a-zA-Z ]+</button>', form)
    assert re.search(r'<label for="confirm">Type “[^”]+” to delete it</label>', form)
    action = re.search(r'<form method="post" action="([^"]+)" class="stack narrow">', form)
    assert action
    refused = visitor.refused(action[1], {"confirm": "something else"})
    alerts = re.findall(r'role="alert".*?<p>(.*?)</p>', refused, re.DOTALL)
    assert alerts == ["Nothing was deleted."]
    assert re.search(r'id="confirm"[^>]* autofocus aria-invalid="true" aria-describedby="confirm-error', refused)
    assert re.search(r'<p class="error" id="confirm-error">That is not (its name|the username)\.</p>', refused)
