"""What every account page has: its headers, its navigation, and words for what programs send."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from credenza import browser_in_words
from credenza.testing import Callback, PageSeen, UserAgent
from credenza.web.claims import claims_in_words, claims_summary

Account = Callable[..., UserAgent]
PAGES = ["/account", "/account/sessions", "/account/security", "/account/data"]


def seen(page: PageSeen | Callback) -> PageSeen:
    assert isinstance(page, PageSeen), page.url
    return page


def test_every_page_is_strict_and_kept_by_nobody(account: Account) -> None:
    """SECURITY R-BR-02, R-BR-06."""
    ada = account("ada")
    for address in PAGES:
        page = seen(ada.get(address))
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe-inline" not in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert not any(part in page.html for part in (" style=", "<style"))
        assert page.html.count("<script") == page.html.count("<script src=")


def test_every_page_leads_to_the_others(account: Account) -> None:
    ada = account("ada")
    for address in PAGES:
        page = seen(ada.get(address))
        assert [link for link in page.links if link in PAGES][:4] == PAGES
        assert page.html.count('aria-current="page"') == 1
        assert page.html.count("<h1") == 1


def test_the_stylesheet_is_served(account: Account) -> None:
    ada = account("ada")
    html = seen(ada.get("/account")).html
    address = next(part for part in html.split('"') if part.startswith("/account/static/"))
    response = ada.send("GET", address)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/css")


def test_a_link_cannot_make_a_page_say_that_something_was_done(account: Account) -> None:
    ada = account("ada")
    ada.cookies.set("__Host-credenza_account_notice", "<b>anything</b>", domain="id.example.com", path="/")
    assert "anything" not in seen(ada.get("/account")).html


def test_administrators_find_the_console(admin: UserAgent, account: Account) -> None:
    assert "/console" in seen(admin.get("/account")).links
    assert "/console" not in seen(account("ada").get("/account")).links


@pytest.mark.parametrize(
    ("user_agent_header", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) CriOS/126.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_in_words(user_agent_header: str, said: str) -> None:
    """User-Agent has product identifiers, "in decreasing order of their significance". RFC 9110 §10.1.5."""
    assert browser_in_words(user_agent_header) == said


def test_data_in_words() -> None:
    claims = {
        "name": "Ada Lovelace",
        "given_name": "Ada",
        "updated_at": 17,
        "email_verified": True,
        "address": {"formatted": "12 St James's Square", "locality": "London"},
        "organizations": ["o1"],
        "organization_data": [{"id": "o1", "name": "Acme", "description": ""}],
        "organization_roles": ["o1:owner"],
    }
    assert claims_summary(claims, claims) == "Ada Lovelace, 12 St James's Square, Acme, Acme:owner"
    assert claims_in_words(claims)["email_verified"] == "Yes"
