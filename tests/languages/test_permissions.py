"""Permissions say in each language what they allow: written in the console or the desired-state file, read by users."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from credenza.state import StateError, export
from credenza.testing import ORDERS, Credenza, PageSeen, RelyingParty, UserAgent

GERMAN = {"accept-language": "de"}
DECLARED: dict[str, Any] = {
    "api_resources": [
        {
            "identifier": ORDERS,
            "name": "Orders",
            "translations": {"de": "Bestellungen"},
            "permissions": [
                {
                    "name": "orders:read",
                    "description": "See your orders",
                    "translations": {"de": "Ihre Bestellungen sehen"},
                },
                {"name": "orders:write", "description": "Change your orders"},
            ],
        }
    ],
    "organization_template": {
        "permissions": [
            {"name": "members:read", "description": "See who is a member", "translations": {"de": "Mitglieder sehen"}}
        ],
        "roles": [{"name": "owner", "permissions": ["members:read"]}],
    },
    "organizations": [{"name": "Acme", "members": [{"username": "ada", "roles": ["owner"]}]}],
    "applications": [
        {
            "client_id": "app",
            "permissions": {
                "profile": ["email"],
                "api": {ORDERS: ["orders:read", "orders:write"]},
                "organization": ["members:read"],
            },
        }
    ],
}


def consent(credenza: Credenza, client: RelyingParty, language: str) -> PageSeen:
    agent = UserAgent(credenza)
    scope = "openid email orders:read members:read urn:credenza:scope:organizations"
    agent.get(client.authorization_url(scope=scope, resource=ORDERS, ui_locales=language))
    page = agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    return page


def test_users_read_permissions_in_their_language(credenza: Credenza, client: RelyingParty) -> None:
    credenza.apply(DECLARED)
    german, english, french = (consent(credenza, client, tag).text for tag in ("de", "en", "fr"))
    for text in ("Bestellungen", "Ihre Bestellungen sehen", "Mitglieder sehen"):
        assert text in german
    for text in ("Orders", "See your orders", "See who is a member"):
        assert text in english
        assert text in french, "nobody translated it: the text as it was written"


def test_the_account_page_says_them_so_too(credenza: Credenza, client: RelyingParty) -> None:
    credenza.apply(DECLARED)
    agent = UserAgent(credenza)
    scope = "openid orders:read members:read urn:credenza:scope:organizations"
    agent.get(client.authorization_url(scope=scope, resource=ORDERS))
    agent.sign_in()
    agent.decide()
    page = agent.get("/account", headers=GERMAN)
    assert isinstance(page, PageSeen)
    assert "Mitglieder sehen" in page.text
    page = agent.get(next(link for link in page.links if "/account/applications/" in link), headers=GERMAN)
    assert isinstance(page, PageSeen)
    assert "Mitglieder sehen" in page.text


def test_the_file_is_exported_as_it_was_applied(credenza: Credenza) -> None:
    credenza.apply(DECLARED)
    assert not credenza.apply(DECLARED).changes
    exported = credenza.run(export, credenza.server)
    assert exported["api_resources"] == DECLARED["api_resources"]
    assert exported["organization_template"]["permissions"] == DECLARED["organization_template"]["permissions"]


def test_a_changed_translation_is_a_change(credenza: Credenza) -> None:
    credenza.apply(DECLARED)
    unsaid = {"permissions": [{"name": "members:read", "description": "See who is a member"}]}
    assert not credenza.apply({"organization_template": unsaid}).changes
    changed = {"permissions": [{"name": "members:read", "translations": {}}]}
    (change,) = credenza.apply({"organization_template": changed}).changes
    assert change.before == {"description": {"text": "See who is a member", "translations": {"de": "Mitglieder sehen"}}}
    assert change.after == {"description": "See who is a member"}


@pytest.mark.parametrize(
    ("translations", "message"),
    [
        ({"tlh": "x"}, "'tlh' is not a language of the pages"),
        (["de"], "translations is a mapping"),
        ({"de": "x" * 501}, "more than 500 characters"),
    ],
)
def test_a_translation_that_cannot_be_is_refused(credenza: Credenza, translations: Any, message: str) -> None:
    permission = {"name": "members:read", "description": "x", "translations": translations}
    with pytest.raises(StateError, match=message):
        credenza.apply({"organization_template": {"permissions": [permission]}})


ADDRESSES = [
    "/console/api-resources/https~3A~2F~2Forders.example.com/permissions/orders~3Aread",
    "/console/organization-template/permissions/members~3Aread",
]


def post(admin: UserAgent, path: str, **fields: str) -> Any:
    page = admin.get(path)
    assert isinstance(page, PageSeen)
    token = re.findall(r'name="csrf_token" value="([0-9a-f]+)"', page.html)[-1]
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "origin": admin.credenza.issuer,
        "sec-fetch-site": "same-origin",
    }
    return admin.send("POST", path, content=urlencode({**fields, "csrf_token": token}), headers=headers)


@pytest.mark.parametrize("path", ADDRESSES)
def test_the_console_has_a_field_for_each_language(credenza: Credenza, admin: UserAgent, path: str) -> None:
    credenza.apply(DECLARED)
    assert (
        post(admin, path, **{"description": "Look", "description-ja": "表示する", "description-de": ""}).status_code
        == 303
    )
    page = admin.get(path)
    assert isinstance(page, PageSeen)
    for tag in credenza.server.languages.tags:
        assert f'name="description-{tag}"' in page.html
    assert 'value="表示する" lang="ja" dir="ltr"' in page.html
    assert "sehen" not in page.html, "an emptied field takes the translation away"


@pytest.mark.parametrize("path", ADDRESSES)
def test_what_is_wrong_is_said_beside_the_field(credenza: Credenza, admin: UserAgent, path: str) -> None:
    credenza.apply(DECLARED)
    answer = post(admin, path, **{"description": "Look", "description-ja": "あ" * 501})
    assert answer.status_code == 422
    assert 'id="description-ja-error"' in answer.text
    assert "あ" * 501 in answer.text, "what was typed survives"
    page = admin.get(path)
    assert isinstance(page, PageSeen)
    assert "Look" not in page.html


def test_the_name_of_an_api_is_translated_in_the_console(credenza: Credenza, admin: UserAgent) -> None:
    path = "/console/api-resources/https~3A~2F~2Forders.example.com"
    assert post(admin, path, name="Orders", **{"name-fr": "Commandes"}).status_code == 303
    page = admin.get(path)
    assert isinstance(page, PageSeen)
    assert 'value="Commandes" lang="fr"' in page.html
