"""Pages that a browser leaves by itself: with a form, and after frames have been loaded."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from credenza.testing import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def place(lasting_web_site: Any) -> Callable[[str], str]:
    """An address of the application's own, whatever the query."""
    lasting_web_site.publish("/favicon.ico", b"", content_type="image/png")
    return lambda path: str(lasting_web_site.publish(path, b"<p>hello", content_type="text/html"))


@pytest.fixture
def page(live_server: Any, lasting_web_site: Any, open_page: Callable[..., Any]) -> Any:
    return open_page({live_server.issuer, lasting_web_site.url("")}, ignore_https_errors=True)


def sign_in(page: Any, live_server: Any, application: dict[str, Any], **more: str) -> None:
    asked = {
        "client_id": application["client_id"],
        "redirect_uri": application["redirect_uris"][0],
        "response_type": "code",
        "scope": "openid",
        "state": "some-state",
        **more,
    }
    page.goto(f"{live_server.issuer}/authorize?{urlencode(asked)}")
    page.fill("[name=identifier]", "ada")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Authorize").click()


def test_the_form_of_form_post_sends_itself(
    page: Any, live_server: Any, application: Callable[..., Any], lasting_web_site: Any, place: Callable[[str], str]
) -> None:
    """OAuth 2.0 Form Post Response Mode §2."""
    path = f"/{secrets.token_hex(4)}/callback"
    registered = application(redirect_uris=[place(path)])
    sign_in(page, live_server, registered, response_mode="form_post")
    page.wait_for_url(lasting_web_site.url(path))
    (body,) = lasting_web_site.posted[path]
    posted = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert posted.keys() == {"code", "state", "iss"}
    assert (posted["state"], posted["iss"]) == ("some-state", live_server.issuer)


def test_after_its_frames_the_signed_out_page_goes_on(
    page: Any, live_server: Any, application: Callable[..., Any], lasting_web_site: Any, place: Callable[[str], str]
) -> None:
    """OpenID Connect Front-Channel Logout §3."""
    folder = f"/{secrets.token_hex(4)}"
    back, callback, out = (place(f"{folder}/{name}") for name in ("back", "callback", "out"))
    registered = application(
        redirect_uris=[callback], post_logout_redirect_uris=[back], metadata={"frontchannel_logout_uri": out}
    )
    sign_in(page, live_server, registered)
    page.wait_for_url(lambda url: url.startswith(callback))
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback}
    pair = (registered["client_id"], registered["client_secret"])
    tokens = live_server.request("POST", "/token", data=form, auth=pair).json()

    hint = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": back, "state": "s"}
    page.goto(f"{live_server.issuer}/logout?{urlencode(hint)}", wait_until="commit")
    page.wait_for_url(f"{back}?state=s")
    here = [path for path, _ in lasting_web_site.seen if path.startswith(f"{folder}/")]
    frame = next(path for path in here if path.startswith(f"{folder}/out?"))
    assert parse_qs(urlsplit(frame).query).keys() == {"iss", "sid"}
    assert here.index(frame) < here.index(f"{folder}/back?state=s")


def test_a_form_of_another_site_signs_out_too(
    page: Any, live_server: Any, application: Callable[..., Any], lasting_web_site: Any, place: Callable[[str], str]
) -> None:
    """RP-Initiated Logout §2: by GET and by POST. A browser sends our cookies with the former only."""
    folder = f"/{secrets.token_hex(4)}"
    back, callback = (place(f"{folder}/{name}") for name in ("back", "callback"))
    registered = application(redirect_uris=[callback], post_logout_redirect_uris=[back])
    sign_in(page, live_server, registered)
    page.wait_for_url(lambda url: url.startswith(callback))
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback}
    pair = (registered["client_id"], registered["client_secret"])
    tokens = live_server.request("POST", "/token", data=form, auth=pair).json()
    fields = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": back, "state": "s"}
    page.evaluate(
        """([action, fields]) => {
            const form = document.createElement("form");
            form.method = "post";
            form.action = action;
            for (const [name, value] of Object.entries(fields)) {
                const input = document.createElement("input");
                [input.name, input.value] = [name, value];
                form.append(input);
            }
            document.body.append(form);
            form.submit();
        }""",
        [f"{live_server.issuer}/logout", fields],
    )
    page.wait_for_url(f"{back}?state=s")
    page.goto(f"{live_server.issuer}/account")
    assert page.locator("[data-page=sign-in]").count() == 1
