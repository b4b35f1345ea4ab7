"""Branding of an application: PRODUCT.md M25; uploads as SECURITY.md A-UPL-01 to 03."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any

import httpx
import pytest
from PIL import Image

from credenza import clients

Visitor = Any  # see conftest.py
PATH = "/console/applications/app/branding"


def picture(size: tuple[int, int] = (64, 64)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#d9480f").save(out, "PNG")
    return out.getvalue()


def upload(visitor: Visitor, files: dict[str, Any] | None = None, path: str = PATH, **fields: str) -> httpx.Response:
    """As a browser posts it: multipart/form-data, empty file fields included."""
    answer = visitor.agent.send(
        "POST",
        path,
        data={"csrf_token": visitor.token(), **fields},
        files={"logo": ("", b""), **(files or {})},
        headers={"origin": visitor.credenza.issuer, "sec-fetch-site": "same-origin"},
    )
    assert isinstance(answer, httpx.Response)
    return answer


def branding(visitor: Visitor) -> dict[str, str]:
    found = visitor.credenza.run(clients.find_client, "app", visitor.credenza.server.client_types)
    return asdict(found.branding)


def test_a_name_links_a_theme_and_a_logo_are_saved(visitor: Visitor) -> None:
    """SECURITY.md A-UPL-03: whatever the file was called."""
    fields = {"display_name": "The Wiki", "terms_uri": "https://app.example.com/terms", "theme": "plain"}
    answer = upload(visitor, {"logo": ("../../x.php", picture(), "text/html")}, **fields)
    assert answer.status_code == 303
    saved = branding(visitor)
    assert saved["display_name"] == "The Wiki"
    assert saved["terms_uri"] == "https://app.example.com/terms"
    assert saved["logo"].startswith("/image/")
    image = visitor.agent.send("GET", saved["logo"])
    assert image.headers["content-type"] == "image/png"
    assert saved["logo"] in visitor.get(PATH).html


def test_a_logo_stays_until_it_is_replaced_or_removed(visitor: Visitor) -> None:
    upload(visitor, {"logo": ("logo.png", picture(), "image/png")})
    logo = branding(visitor)["logo"]
    upload(visitor, display_name="Other")
    assert branding(visitor)["logo"] == logo
    upload(visitor, remove_logo="on")
    assert branding(visitor)["logo"] == ""


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script>",
        picture()[:60],
        b"x" * (2 * 1024 * 1024 + 1),
    ],
    ids=["svg", "html", "truncated", "large"],
)
def test_a_file_that_is_no_picture_is_refused_beside_its_field(visitor: Visitor, content: bytes) -> None:
    before = branding(visitor)
    answer = upload(visitor, {"logo": ("logo.png", content, "image/png")}, display_name="typed")
    assert answer.status_code == 422
    assert 'id="logo-error"' in answer.text
    assert 'value="typed"' in answer.text
    assert branding(visitor) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("terms_uri", "javascript:alert(1)"),
        ("policy_uri", "data:text/html,x"),
        ("terms_uri", "http://app.example.com/terms"),
        ("theme", "nothing"),
        ("display_name", "x" * 201),
    ],
)
def test_what_cannot_be_linked_or_shown_is_refused(visitor: Visitor, field: str, value: str) -> None:
    before = branding(visitor)
    answer = upload(visitor, **{field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert branding(visitor) == before


def test_a_body_that_is_no_form_is_refused(visitor: Visitor) -> None:
    for content_type in ("multipart/form-data; boundary=x", "multipart/form-data", "application/json", ""):
        answer = visitor.agent.send("POST", PATH, content=b"--y\r\nnonsense", headers={"content-type": content_type})
        assert answer.status_code in (400, 403), content_type
