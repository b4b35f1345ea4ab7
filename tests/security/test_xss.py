"""Text stays text, on every page that can show it. SECURITY.md §2.9, A-INJ-02, R-BR-02…04."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from credenza import ClientRow, UserRow, is_name
from credenza.testing import PageSeen, RelyingParty

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '"><svg onload=alert(1)>',
    "'><b>",
    "{{999*1001}}{% raw %}${999*1001}#{999*1001}<%= 999*1001 %>",
    '" autofocus onfocus="alert(1)',
    "</title><script>alert(1)</script>",
    "--></textarea></style><script>alert(1)</script>",
    "javascript:alert(1)",
    "<x hx-get=/console/ hx-trigger=load>",
    "\u202e\u2066<b>",
    "&lt;script&gt;&#60;script&#62;",
]


class Tags(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


# What our templates are made of.
WRITTEN = """
    html head meta title link body main header footer section div span p h1 h2 ul li label input button form a strong
    dl dt dd code picture source img svg path circle rect line polyline polygon ellipse g details summary fieldset
    legend bdi script iframe
"""
KNOWN = set(WRITTEN.split())
ROOT = Path(__file__).parents[2]


def assert_inert(page: Any) -> None:
    """No tag that we do not write, no handler, no address that runs, no template that was evaluated."""
    assert isinstance(page, PageSeen)
    parser = Tags()
    parser.feed(page.html)
    for tag, attributes in parser.tags:
        assert tag in KNOWN, tag
        if tag == "script":
            assert re.match(r"(/[a-z]+)?/static/[0-9a-f]+/[a-z_./]+\.js$", attributes.get("src") or "")
        for name, value in attributes.items():
            assert not name.startswith(("on", "hx-", "data-hx")), (tag, name)
            assert name != "style", tag
            if name in ("href", "src", "action", "formaction", "srcset"):
                assert not re.match(r"\s*(javascript|data|vbscript):", value or "", re.IGNORECASE), value
    assert "999999" not in page.text
    csp = page.headers["content-security-policy"]
    assert "default-src 'none'" in csp
    assert "unsafe" not in csp
    assert "base-uri 'none'" in csp
    assert "object-src 'none'" in csp


@pytest.mark.parametrize("text", PAYLOADS)
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_xss_02_on_the_error_page(user_agent: Any, client: RelyingParty, name: str, text: str) -> None:
    """A-XSS-02, A-INJ-02."""
    page = user_agent.get(client.authorization_url(**{name: text}))
    assert_inert(page)
    assert page.status == 400


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_xss_02_on_the_sign_in_page(user_agent: Any, client: RelyingParty, text: str) -> None:
    """A-XSS-02: `login_hint` is shown, and so is what was typed."""
    changes = dict.fromkeys(("login_hint", "state", "ui_locales", "nonce", "acr_values", "display"), text)
    page = user_agent.get(client.authorization_url(**changes))
    assert_inert(page)
    assert text in page.forms[0].values_of("identifier") or "\u202e" in text
    page = user_agent.sign_in(text)
    assert_inert(page)
    assert page.status == 422


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_xss_02_in_the_names_of_pages(credenza: Any, user_agent: Any, text: str) -> None:
    """A-XSS-02: addresses that do not exist."""
    from urllib.parse import quote

    for path in (
        f"/{quote(text)}",
        f"/interaction/{quote(text, safe='')}/login",
        f"/invitation/{quote(text, safe='')}",
    ):
        assert_inert(user_agent.get(path))


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_xss_02_on_the_sign_out_page(user_agent: Any, client: RelyingParty, text: str) -> None:
    user_agent.authorize(client)
    from urllib.parse import urlencode

    for parameters in (
        {"client_id": text},
        {"state": text},
        {"id_token_hint": text},
        {"post_logout_redirect_uri": text},
    ):
        assert_inert(user_agent.get("/logout?" + urlencode(parameters)))


@pytest.mark.own_server
def test_a_xss_01_names_of_clients_people_and_permissions(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-XSS-01, A-XSS-06, A-INJ-02: on the consent page, and on every other that names the application."""
    for text in PAYLOADS:
        name = text if is_name(text, 100) else "App"
        credenza.apply(
            {
                "applications": [
                    {"client_id": "app", "name": name, "description": text, "branding": {"display_name": name}}
                ],
                "users": [{"username": user_agent.name, "profile": {"name": name, "nickname": text}}],
            }
        )
        if name != text:
            credenza.run(_kept_by_an_older_release, text, user_agent.name)
        page = user_agent.get(client.authorization_url(prompt="consent"))
        assert_inert(page)
        if page.name == "sign-in":
            page = user_agent.sign_in()
            assert_inert(page)
        assert page.name == "consent"
        assert text in page.text or "\u202e" in text or "  " in text or "&" in text
        assert_inert(user_agent.get("/logout?client_id=app"))
        assert_inert(user_agent.get(client.authorization_url(redirect_uri="https://evil.example")))


async def _kept_by_an_older_release(name: str, username: str) -> None:
    """What no file brings in any more. Nobody has read yet what the file before has changed."""
    c, u, branding = ClientRow, UserRow, json.dumps({"display_name": name})
    await c.update({c.name: name, c.branding: branding}).where(c.id == "app")
    await u.update({u.profile: json.dumps({"name": name})}).where(u.username == username)


@pytest.mark.own_server
def test_a_xss_03_an_old_row_with_a_dangerous_link(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-XSS-03: what came into the database some other way renders no link that runs."""
    branding = json.dumps({"terms_uri": "javascript:alert(1)", "policy_uri": "data:text/html,x"})

    async def write() -> None:
        await ClientRow.update({ClientRow.branding: branding}).where(ClientRow.id == "app")

    credenza.run(write)
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    assert page.name == "consent"
    assert not [link for link in page.links if link.startswith(("javascript:", "data:"))]


def test_r_br_02_no_page_has_anything_inline(user_agent: Any, client: RelyingParty) -> None:
    """R-BR-02, R-BR-04, R-BR-07: no inline script or style, nothing from elsewhere."""
    pages = [user_agent.get(client.authorization_url())]
    pages += [user_agent.sign_in("nobody"), user_agent.sign_in(), user_agent.get("/logout"), user_agent.get("/x")]
    pages.append(user_agent.authorize(client, response_mode="form_post"))
    for page in pages:
        assert_inert(page)
        assert "<style" not in page.html
        for address in re.findall(r'(?:src|href)="([^"]*)"', page.html):
            assert address.startswith(("/", "#")), address
            assert not address.startswith("//")


def test_p_13_no_template_switches_escaping_off() -> None:
    """P-13: what is trusted says so in Python, where the linter sees it (S704)."""
    templates = [path for part in ("core", "console", "plugins", "themes") for path in (ROOT / part).rglob("*.html")]
    assert len(templates) > 100
    for path in templates:
        found = re.findall(r"\|\s*safe\b|\bautoescape\b|\bMarkup\b", path.read_text())
        assert found == [], path
