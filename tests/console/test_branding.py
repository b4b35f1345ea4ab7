"""Branding of an application: PRODUCT.md M25; uploads as SECURITY.md A-UPL-01 to 03."""

from __future__ import annotations

import io
import os
import random
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from PIL import Image

from credenza import LARGEST_IMAGE, audit, clients, provider, state
from credenza import branding as store
from credenza.testing import PageSeen, RelyingParty, UserAgent

Visitor = Any  # see conftest.py
PATH = "/console/applications/app/branding"
PROVIDER = "/console/branding"


@pytest.fixture
def credenza_settings(web_site: Any) -> dict[str, Any]:
    return {"outbound_allow": (web_site.host,)}


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
        headers={
            "origin": visitor.credenza.issuer,
            "sec-fetch-site": "same-origin",
            "referer": visitor.credenza.issuer + path,
        },
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


def test_the_sign_in_page_shows_the_providers_logo_unless_the_application_has_one(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    """Whose password one types there was written below the card only, and above it the application's initials."""
    upload(visitor, {"logo": ("logo.png", picture(), "image/png")}, PROVIDER, intent="publish")
    logo = visitor.credenza.run(provider.find_provider_setting, "branding")["logo"]
    page = user_agent.get(client.authorization_url())
    assert f'src="{logo}"' in page.html
    assert 'class="mark" aria-hidden' not in page.html
    upload(visitor, {"logo": ("logo.png", picture((32, 32)), "image/png")})
    assert f'src="{branding(visitor)["logo"]}"' in user_agent.get(client.authorization_url()).html


def test_a_logo_stays_until_it_is_replaced_or_removed(visitor: Visitor) -> None:
    upload(visitor, {"logo": ("logo.png", picture(), "image/png")})
    logo = branding(visitor)["logo"]
    upload(visitor, display_name="Other")
    assert branding(visitor)["logo"] == logo
    upload(visitor, remove_logo="on")
    assert branding(visitor)["logo"] == ""


def test_three_of_the_largest_pictures_fit_into_one_form_and_for_more_there_is_a_way_back(visitor: Visitor) -> None:
    out = io.BytesIO()
    Image.frombytes("RGB", (820, 820), random.Random(1).randbytes(820 * 820 * 3)).save(out, "PNG")
    assert LARGEST_IMAGE * 0.95 < len(out.getvalue()) < LARGEST_IMAGE
    names = ("logo", "dark_logo", "favicon")
    assert upload(visitor, {name: (name, out.getvalue()) for name in names}, PROVIDER).status_code == 303
    answer = upload(visitor, {name: (name, bytes(2 * LARGEST_IMAGE)) for name in names}, PROVIDER)
    assert answer.status_code == 413
    assert "more than fits into one form" in answer.text
    assert f'href="{PROVIDER}"' in answer.text


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


# -- drafts, publishing, and the way back ------------------------------------------------------------------------------


def saved_provider(visitor: Visitor) -> dict[str, str]:
    found: dict[str, str] = visitor.credenza.run(provider.find_provider_setting, "branding")
    return found


def test_a_draft_is_seen_by_nobody_until_it_is_published(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    assert upload(visitor, path=PROVIDER, display_name="Newcastle", action="draft").status_code == 303
    assert saved_provider(visitor) == {}
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    assert "Newcastle" not in page.text
    page = visitor.get(PROVIDER)
    assert "This is a draft of root" in page.text
    assert 'value="Newcastle"' in page.html
    upload(visitor, path=PROVIDER, display_name="Newcastle", action="publish")
    assert saved_provider(visitor) == {"display_name": "Newcastle"}
    assert "This is a draft" not in visitor.get(PROVIDER).text
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    assert "Newcastle" in page.text


def test_whoever_publishes_an_older_page_is_told_of_the_draft(visitor: Visitor) -> None:
    seen = re.search(r'name="seen" value="([^"]+)"', visitor.get(PROVIDER).html)
    assert seen
    upload(visitor, path=PROVIDER, display_name="Drafted", action="draft")
    answer = upload(visitor, path=PROVIDER, display_name="Mine", action="publish", seen=seen[1])
    assert answer.status_code == 422
    assert "Somebody has changed this since you opened the page" in answer.text
    assert 'value="Mine"' in answer.text
    assert 'value="Drafted"' in visitor.get(PROVIDER).html
    assert saved_provider(visitor) == {}


@pytest.mark.parametrize("action", ["discard", "undo", "again:first"])
def test_a_button_of_an_older_page_takes_nothing_away(visitor: Visitor, action: str) -> None:
    """Not the draft that somebody else has saved meanwhile, and not what they have published."""
    upload(visitor, path=PROVIDER, display_name="First")
    upload(visitor, path=PROVIDER, display_name="Second")
    first = re.findall(r'value="again:([^"]+)"', visitor.get(PROVIDER).html)[0]
    seen = re.search(r'name="seen" value="([^"]+)"', visitor.get(PROVIDER).html)
    assert seen
    upload(visitor, path=PROVIDER, display_name="Published by somebody else")
    upload(visitor, path=PROVIDER, display_name="Drafted by somebody else", action="draft")
    answer = upload(visitor, path=PROVIDER, action=action.replace("first", first), seen=seen[1])
    assert answer.status_code == 303
    page = visitor.get(PROVIDER)
    assert "Nothing was changed" in page.text
    assert 'value="Drafted by somebody else"' in page.html
    assert saved_provider(visitor) == {"display_name": "Published by somebody else"}


def test_a_draft_can_be_discarded(visitor: Visitor) -> None:
    upload(visitor, path=PROVIDER, display_name="Published")
    upload(visitor, path=PROVIDER, display_name="Drafted", action="draft")
    upload(visitor, path=PROVIDER, action="discard")
    page = visitor.get(PROVIDER)
    assert 'value="Published"' in page.html
    assert saved_provider(visitor) == {"display_name": "Published"}


def test_publications_are_undone_one_after_the_other_and_published_again(visitor: Visitor) -> None:
    visitor.credenza.apply({"provider": {"branding": {"name": "From the file"}}})
    for name in ("First", "Second"):
        upload(visitor, path=PROVIDER, display_name=name)
    assert upload(visitor, path=PROVIDER, action="undo").status_code == 303
    assert saved_provider(visitor) == {"display_name": "First"}
    upload(visitor, path=PROVIDER, action="undo")
    assert saved_provider(visitor) == {"display_name": "From the file"}
    upload(visitor, path=PROVIDER, action="undo")
    assert saved_provider(visitor) == {"display_name": "From the file"}, "there is nothing before it"
    versions = visitor.credenza.run(store.list_versions, "provider")
    [second] = [version for version in versions if version.value.get("display_name") == "Second"]
    upload(visitor, path=PROVIDER, action=f"again:{second.id}")
    assert saved_provider(visitor) == {"display_name": "Second"}
    events = visitor.credenza.run(audit.list_events, limit=50)
    said = [(event.data.get("kind"), event.data.get("action")) for event in events if event.name == "ObjectChanged"]
    assert said.count(("branding", "publication undone")) == 2
    assert said.count(("provider", "updated")) == 6  # one of them from the file


def test_undo_brings_an_applications_logo_back(visitor: Visitor) -> None:
    upload(visitor, {"logo": ("logo.png", picture(), "image/png")})
    logo = branding(visitor)["logo"]
    upload(visitor, remove_logo="on")
    assert branding(visitor)["logo"] == ""
    upload(visitor, action="undo")
    assert branding(visitor)["logo"] == logo


def test_a_reader_may_look_and_change_nothing(visitor: Visitor, administrator: Any) -> None:
    reader = administrator("read-only")
    assert reader.get(PROVIDER).status == 200
    assert reader.get(f"{PROVIDER}/preview?preview_page=consent").name == "consent"
    token = visitor.token()
    for path in (PROVIDER, f"{PROVIDER}/preview", PATH):
        answer = reader.agent.send(
            "POST",
            path,
            data={"csrf_token": token},
            files={"logo": ("", b"")},
            headers={"origin": reader.credenza.issuer},
        )
        assert answer.status_code == 403
    assert saved_provider(visitor) == {}


# -- colours, CSS, pictures from elsewhere -----------------------------------------------------------------------------


def test_a_colour_that_cannot_be_read_is_refused_beside_its_field(visitor: Visitor) -> None:
    answer = upload(visitor, path=PROVIDER, primary_color="#ffaa00", dark_primary_color="#222222")
    assert answer.status_code == 422
    assert "1.91:1" in answer.text
    assert "#a06b00" in answer.text
    assert 'id="dark_primary_color-error"' in answer.text
    assert saved_provider(visitor) == {}


def test_a_colour_is_measured_in_the_theme_that_is_picked(visitor: Visitor) -> None:
    assert upload(visitor, path=PROVIDER, primary_color="#707070").status_code == 303
    assert upload(visitor, path=PROVIDER, primary_color="#707070", theme="paper").status_code == 422


def test_the_colour_that_is_used_where_none_is_chosen_is_that_of_the_theme_or_of_the_provider(visitor: Visitor) -> None:
    own = "/console/applications/app/branding"
    assert 'placeholder="#1f5aa6"' in visitor.get(PROVIDER).html
    upload(visitor, path=PROVIDER, theme="paper")
    for path in (PROVIDER, own):
        page = visitor.get(path).html
        assert 'placeholder="#7a1f24"' in page
        assert 'placeholder="#1f5aa6"' not in page
    upload(visitor, path=PROVIDER, primary_color="#0b5563")
    assert 'placeholder="#0b5563"' in visitor.get(own).html


def test_custom_css_is_filtered_served_by_its_hash_and_what_is_left_out_is_said(visitor: Visitor) -> None:
    css = (
        "main { border-radius: 4px }\n[name=decision] { display: none }\nmain { position: fixed; background: url(//x) }"
    )
    assert upload(visitor, path=PROVIDER, css=css).status_code == 303
    address = saved_provider(visitor)["stylesheet"]
    served = visitor.agent.send("GET", address).text
    assert "border-radius: 4px" in served
    assert not any(word in served for word in ("decision", "position", "url("))
    page = visitor.get(PROVIDER)
    assert "Line 2: The selector “[name=decision]” is not allowed." in page.text
    assert "[name=decision]" in page.html, "what was typed is kept to be mended"
    upload(visitor, path=PROVIDER, css="")
    assert "stylesheet" not in saved_provider(visitor)


def test_css_of_which_something_was_left_out_is_exported_as_it_can_be_applied(visitor: Visitor, tmp_path: Path) -> None:
    upload(visitor, path=PROVIDER, css=":root { --radius: 2px }\nmain { border-radius: 4px; position: fixed }")
    credenza = visitor.credenza
    files: dict[str, bytes] = {}

    async def exported() -> dict[str, Any]:
        parts = state.with_files(credenza.server, state.parts(credenza.server), files)
        return {name: part async for name, part in parts if name == "provider"}

    document = credenza.run(exported)
    (tmp_path / "provider.css").write_bytes(files["provider.css"])
    upload(visitor, path=PROVIDER, css="")
    credenza.run(state.apply, credenza.server, credenza.app.state.passwords, document, tmp_path)
    served = visitor.agent.send("GET", saved_provider(visitor)["stylesheet"]).text
    assert "--radius: 2px" in served
    assert "border-radius: 4px" in served
    assert served.count("@layer") == 1


def test_too_much_css_is_refused_and_kept_in_the_form(visitor: Visitor) -> None:
    answer = upload(visitor, path=PROVIDER, css="a" * 50_001)
    assert answer.status_code == 422
    assert 'id="css-error"' in answer.text


def test_a_logo_is_fetched_once_from_an_address(visitor: Visitor, web_site: Any) -> None:
    address = web_site.publish("/logo.gif", picture(), content_type="image/gif")
    assert upload(visitor, logo_address=address).status_code == 303
    assert branding(visitor)["logo"].startswith("/image/")
    image = visitor.agent.send("GET", branding(visitor)["logo"])
    assert image.headers["content-type"] == "image/png"
    visitor.get(PATH)
    assert [path for path, _ in web_site.seen] == ["/logo.gif"]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/x.png",
        "https://169.254.169.254/x.png",
        "https://10.0.0.1/",
        "file:///etc/passwd",
        "https://[::1]/",
    ],
)
def test_a_logo_from_inside_is_refused(visitor: Visitor, address: str) -> None:
    answer = upload(visitor, logo_address=address)
    assert answer.status_code == 422
    assert 'id="logo_address-error"' in answer.text
    assert branding(visitor)["logo"] == ""


@pytest.mark.parametrize("status", [200, 404])
def test_an_address_without_a_picture_is_refused(visitor: Visitor, web_site: Any, status: int) -> None:
    address = web_site.publish("/logo.svg", b"<svg onload='alert(1)'/>", status=status, content_type="image/svg+xml")
    assert upload(visitor, logo_address=address).status_code == 422
    assert branding(visitor)["logo"] == ""


# -- the preview -------------------------------------------------------------------------------------------------------


def counted(visitor: Visitor) -> list[int]:
    """Rows of every table that a preview could write to."""

    async def count() -> list[int]:
        engine = visitor.credenza.server.engine
        apps = visitor.credenza.server.table_apps
        return [await table.count() for app in apps for table in app.table_classes if engine is not None]

    return visitor.credenza.run(count)


def test_the_preview_has_the_ways_to_sign_in_that_a_script_would_show(visitor: Visitor) -> None:
    html = visitor.get(f"{PROVIDER}/preview?preview_page=sign-in").html
    button = re.search(r'<button[^>]*value="passkey"[^>]*>', html)
    assert button
    assert "hidden" not in button[0]
    assert "<script" not in html


PREVIEWS = ("sign-in", "consent", "error", "device", "sign-out", "account", "join")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PREVIEWS)
def test_every_page_is_previewed_as_it_is_typed_and_nothing_is_kept(visitor: Visitor, page: str, scheme: str) -> None:
    token = visitor.token()
    before = counted(visitor)
    answer = visitor.agent.send(
        "POST",
        f"{PROVIDER}/preview",
        data={
            "csrf_token": token,
            "display_name": "Newcastle",
            "primary_color": "#0b5563",
            "theme": "paper",
            "css": "main { border-radius: 4px } main { position: fixed }",
            "preview_page": page,
            "preview_scheme": scheme,
            "preview_client": "app",
            "preview_user": "ada",
        },
        files={"logo": ("logo.png", picture(), "image/png")},
        headers={"origin": visitor.credenza.issuer, "sec-fetch-site": "same-origin"},
    )
    assert answer.status_code == 200
    assert ("account" if page == "join" else page) in answer.text.split("data-page=")[1][:20]
    assert "Newcastle" in answer.text
    assert "/paper.css" in answer.text
    assert "/branding/0b5563-" in answer.text
    assert "border-radius: 4px" in answer.text
    assert "position: fixed" not in answer.text
    assert f'content="{scheme}"' in answer.text
    assert "prefers-color-scheme" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy
    assert "sandbox allow-same-origin" in policy
    assert "style-src 'self' 'sha256-" in policy
    assert counted(visitor) == before


def test_a_preview_shows_the_chosen_user_and_application(visitor: Visitor) -> None:
    asked = "preview_page=consent&preview_client=app&preview_user=ada"
    text = visitor.get(f"{PROVIDER}/preview?{asked}").text
    assert "Harbour Wiki wants to use your account" in text
    assert "ada@example.com" in text
    assert "See your orders" in text, "she holds it, and the application may ask for it"
    text = visitor.get(f"{PROVIDER}/preview?{asked.replace('ada', 'grace')}").text
    assert "See your orders" not in text
    account = visitor.get(f"{PROVIDER}/preview?preview_page=account&preview_user=grace").text
    assert "grace@example.com" in account


def test_what_is_wrong_is_previewed_as_it_was(visitor: Visitor) -> None:
    upload(visitor, path=PROVIDER, primary_color="#0b5563")
    answer = upload(visitor, path=f"{PROVIDER}/preview", primary_color="#ffaa00", terms_uri="javascript:alert(1)")
    assert answer.status_code == 200
    assert "/branding/0b5563-" in answer.text
    assert "javascript:" not in answer.text
    assert "Not shown: The contrast of #ffaa00 is 1.91:1" in answer.text, "and why, without publishing it"
    assert "Not shown" not in upload(visitor, path=f"{PROVIDER}/preview", primary_color="#0b5563").text


def test_a_preview_in_the_dark_is_dark_in_all_its_files(visitor: Visitor) -> None:
    html = visitor.get(f"{PROVIDER}/preview?preview_page=sign-in&preview_scheme=dark").html
    sheets = [part.split('"')[0] for part in html.split('rel="stylesheet" href="')[1:]]
    assert all(sheet.endswith("?scheme=dark") for sheet in sheets)
    core = next(sheet for sheet in sheets if "credenza.css" in sheet)
    text = visitor.agent.send("GET", core).text
    assert "prefers-color-scheme" not in text
    assert "@media (min-width: 0)" in text


def test_there_is_no_preview_of_another_page(visitor: Visitor) -> None:
    assert visitor.get(f"{PROVIDER}/preview?preview_page=../../etc").status == 404


def test_the_console_says_which_theme_is_broken(visitor: Visitor) -> None:
    renderer = visitor.credenza.app.state.renderer
    renderer._failed["paper"] = {"consent.html": "line 3: UndefinedError: nothing"}
    page = visitor.get(PROVIDER)
    assert "The theme Paper is broken" in page.text
    assert "consent.html: line 3: UndefinedError: nothing" in page.text
    assert "Paper (broken)" in page.text


# -- a theme to take along ---------------------------------------------------------------------------------------------


def unpacked(visitor: Visitor, folder: Path, name: str) -> Path:
    answer = visitor.agent.send("GET", f"{PROVIDER}/theme?name={name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert f'filename="credenza-{name}.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as package:
        package.extractall(folder)
    return folder / f"credenza-{name}"


def test_what_was_edited_becomes_a_plugin_that_passes_its_own_tests(visitor: Visitor, tmp_path: Path) -> None:
    upload(visitor, path=PROVIDER, theme="paper", primary_color="#0b5563", css="main { border-radius: 4px }")
    folder = unpacked(visitor, tmp_path, "night-watch")
    sheet = (folder / "credenza_night_watch/static/night-watch.css").read_text()
    for words in ("A letterhead", "--primary: #0b5563", "border-radius: 4px"):
        assert words in sheet
    assert "ornament" in (folder / "credenza_night_watch/templates/page.html").read_text()
    # As pip would install it: on the path, with its entry point.
    installed = tmp_path / "installed"
    shutil.copytree(folder / "credenza_night_watch", installed / "credenza_night_watch")
    metadata = installed / "credenza_night_watch-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: credenza-night-watch\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text("[credenza]\nnight-watch = credenza_night_watch\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(folder / "tests")],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


@pytest.mark.parametrize("name", ["", "Paper!", "paper", "console", "../../etc", "x" * 41])
def test_a_name_that_cannot_be_used_is_refused_beside_its_field(visitor: Visitor, name: str) -> None:
    page = visitor.get(f"{PROVIDER}/theme?{urlencode({'name': name})}")
    assert page.status == 422
    assert "Nothing was downloaded. Check the marked field." in page.text
    assert 'id="name-error"' in page.html
