"""Stylesheets, scripts and fonts: kept for ever, packed for those who can unpack, and never more than was asked for."""

from __future__ import annotations

import re

import pytest

from credenza.testing import Credenza, PageSeen, UserAgent


@pytest.fixture
def stylesheet(user_agent: UserAgent) -> str:
    page = user_agent.get("/device")
    assert isinstance(page, PageSeen)
    found = re.search(r'href="(/static/[0-9a-f]{16}/vendor/basecoat.min.css)"', page.html)
    assert found is not None
    return found[1]


def test_its_address_changes_with_it_so_that_browsers_keep_it(credenza: Credenza, stylesheet: str) -> None:
    answer = credenza.request("GET", stylesheet)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert credenza.request("GET", f"{stylesheet}x").status_code == 404


@pytest.mark.parametrize(
    ("accepts", "encoding"),
    [
        ("gzip, br", "gzip"),
        ("br;q=1, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip; q=0.0, br", None),
    ],
)
def test_it_travels_packed_to_those_who_can_unpack_it(
    credenza: Credenza, stylesheet: str, accepts: str, encoding: str | None
) -> None:
    """RFC 9110 §12.5.3."""
    plain = credenza.request("GET", stylesheet, headers={"accept-encoding": "identity"})
    answer = credenza.request("GET", stylesheet, headers={"accept-encoding": accepts})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == plain.content
    if encoding:
        assert int(answer.headers["content-length"]) < len(plain.content) / 4


def test_a_page_is_never_packed(credenza: Credenza) -> None:
    """It holds a secret (its CSRF token) beside what somebody else may have chosen: BREACH."""
    answer = credenza.request("GET", "/device", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers


def test_nothing_above_the_folder_is_served(credenza: Credenza, stylesheet: str) -> None:
    folder = stylesheet.split("/vendor/")[0]
    for name in ("../pages.py", "%2e%2e/pages.py", "vendor/../../pages.py", "..%2fpages.py", "vendor", ""):
        assert credenza.request("GET", f"{folder}/{name}").status_code in (404, 405), name
