"""Branding of an organization: over the application's and the provider's, for those who chose it. PRODUCT M25."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from credenza import StateError
from credenza.testing import PageSeen, RelyingParty, UserAgent

Visitor = Any  # see conftest.py
WANTED = "openid profile urn:credenza:scope:organizations members:read"


def publish(visitor: Visitor, organization: str, **fields: str) -> httpx.Response:
    path = visitor.at(organization, "/branding")
    page = visitor.get(path)
    token = page.forms[-1].hidden() + page.forms[0].hidden()
    answer = visitor.agent.send(
        "POST",
        path,
        data={"csrf_token": dict(token)["csrf_token"], **fields},
        files={"logo": ("", b"")},
        headers={"origin": visitor.credenza.issuer, "sec-fetch-site": "same-origin"},
    )
    assert isinstance(answer, httpx.Response)
    return answer


def test_the_consent_page_shows_it_to_who_chose_the_organization(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    assert publish(visitor, "Acme", display_name="Acme Rowing", primary_color="#0b5563").status_code == 303
    page = user_agent.get(client.authorization_url(scope=WANTED))
    assert isinstance(page, PageSeen)
    assert "Acme Rowing" not in page.text, "nobody has chosen anything yet"
    page = user_agent.sign_in("ada")
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "Acme Rowing" in page.text
    assert "/branding/0b5563-" in page.html


def test_the_page_follows_the_choice(visitor: Visitor, user_agent: UserAgent, client: RelyingParty) -> None:
    visitor.credenza.apply(
        {"organizations": [{"name": "Basalt", "members": [{"username": "ada", "roles": ["guest"]}]}]}
    )
    publish(visitor, "Acme", display_name="Acme Rowing")
    publish(visitor, "Basalt", display_name="Basalt Sails", theme="paper")
    user_agent.get(client.authorization_url(scope=WANTED))
    user_agent.sign_in("ada")
    page = user_agent.decide("refresh", organization=visitor.ids["Basalt"])
    assert isinstance(page, PageSeen)
    assert "Basalt Sails" in page.text
    assert "Acme Rowing" not in page.text
    assert "/paper.css" in page.html
    page = user_agent.decide("refresh", organization=visitor.ids["Acme"])
    assert isinstance(page, PageSeen)
    assert "Acme Rowing" in page.text
    assert "/plain.css" in page.html


def test_a_request_that_names_the_organization_wears_it_from_the_sign_in_on(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    publish(visitor, "Acme", display_name="Acme Rowing")
    page = user_agent.get(client.authorization_url(scope=WANTED, organization_id=visitor.ids["Acme"]))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    assert "Acme Rowing" in page.text


def test_a_suspended_organization_shows_nothing(visitor: Visitor, user_agent: UserAgent, client: RelyingParty) -> None:
    publish(visitor, "Acme", display_name="Acme Rowing")
    visitor.credenza.apply({"organizations": [{"name": "Acme", "suspended": True}]})
    page = user_agent.get(client.authorization_url(scope=WANTED, organization_id=visitor.ids["Acme"]))
    assert isinstance(page, PageSeen)
    assert "Acme Rowing" not in page.text


def test_it_is_checked_undone_and_written_into_the_audit_log(visitor: Visitor) -> None:
    assert publish(visitor, "Acme", primary_color="#ffaa00").status_code == 422
    publish(visitor, "Acme", display_name="Acme Rowing")
    assert visitor.change("organization", action="branding updated").data["after"] == {"display_name": "Acme Rowing"}
    publish(visitor, "Acme", action="undo")
    assert 'value="Acme Rowing"' not in visitor.get(visitor.at("Acme", "/branding")).html


def test_the_preview_shows_it_in_its_place(visitor: Visitor) -> None:
    publish(visitor, "Acme", display_name="Acme Rowing", action="draft")
    page = visitor.get(visitor.at("Acme", "/branding/preview?preview_page=consent&preview_client=app&preview_user=ada"))
    assert "Acme Rowing" in page.text
    assert "Harbour Wiki wants to use your account" in page.text
    assert "Which organization?" in page.text
    assert f'value="{visitor.ids["Acme"]}" checked' in page.html


def test_it_can_be_declared_in_the_desired_state_file(visitor: Visitor) -> None:
    said = {"display_name": "Acme Rowing", "primary_color": "#0b5563"}
    visitor.credenza.apply({"organizations": [{"name": "Acme", "branding": said}]})
    assert 'value="Acme Rowing"' in visitor.get(visitor.at("Acme", "/branding")).html
    again = visitor.credenza.apply({"organizations": [{"name": "Acme", "branding": said}]})
    assert again.changes == []
    with pytest.raises(StateError, match=r"Acme: branding: The contrast of #ffaa00 is 1\.91:1"):
        visitor.credenza.apply({"organizations": [{"name": "Acme", "branding": {"primary_color": "#ffaa00"}}]})


def test_the_x_ray_shows_the_page_as_it_is_for_the_organization(visitor: Visitor) -> None:
    publish(visitor, "Acme", display_name="Acme Rowing")
    asked = {"client": "app", "user": "ada", "scope": WANTED, "organization": visitor.ids["Acme"]}
    assert "Acme Rowing" in visitor.get(f"/console/xray/page?{urlencode(asked)}").text
