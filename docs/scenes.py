"""How to come to each page that users see, in a browser in which nobody is signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyotp
from harbour import BERTHS, ORDERS, PASSWORDS, Harbour

from credenza.testing import RelyingParty

ORGANIZATIONS = "urn:credenza:scope:organizations"
GULL_WATCH = {"client_name": "Gull Watch", "redirect_uris": ["http://127.0.0.1:33418/callback"]}


Scene = Callable[[Harbour, Any], None]
SCENES: dict[str, Scene] = {}


def scene(name: str) -> Callable[[Scene], Scene]:
    def add(function: Scene) -> Scene:
        SCENES[name] = function
        return function

    return add


def signed_in(place: Harbour, page: Any, username: str = "ada") -> None:
    page.context.add_cookies(place.cookies(username))


@scene("sign-in")
def _(place: Harbour, page: Any) -> None:
    page.goto(place.authorization())


@scene("sign-in-refused")
def _(place: Harbour, page: Any) -> None:
    page.goto(place.authorization("tide-board"))
    page.fill("[name=identifier]", "ada@example.com")
    page.fill("[name=password]", "not her password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator("#message").wait_for()


@scene("sign-in-again")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(place.authorization(prompt="login"))


@scene("sign-in-choose")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(place.authorization("tide-board", prompt="select_account"))


@scene("consent")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page, "grace")
    page.goto(
        place.authorization(
            scope="openid profile email phone offline_access berths:read", resource=BERTHS, prompt="consent"
        )
    )


@scene("consent-organization")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page, "ada")
    scope = f"openid profile email {ORGANIZATIONS} members:read orders:read"
    page.goto(place.authorization(scope=scope, resource=ORDERS))


@scene("consent-again")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page, "ada")
    page.goto(place.authorization("chandlers-exchange", scope="openid profile email orders:read", resource=ORDERS))


@scene("consent-unknown-application")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page, "ada")
    page.goto(place.issuer + stranger(place).authorization_url(scope="openid"))


@scene("leaving")
def _(place: Harbour, page: Any) -> None:
    page.goto(place.issuer + stranger(place).authorization_url(response_type="token"))


def stranger(place: Harbour) -> RelyingParty:
    """A client that registered itself."""
    made = place.credenza.request("POST", "/register", json=GULL_WATCH).raise_for_status().json()
    return RelyingParty(
        place.credenza,
        made["client_id"],
        made["redirect_uris"][0],
        secret=made.get("client_secret", ""),
        auth_method=made["token_endpoint_auth_method"],
    )


@scene("error-redirect-uri")
def _(place: Harbour, page: Any) -> None:
    page.goto(place.authorization(redirect_uri="https://wiki.harbour.example/calback"))


@scene("error-unknown-application")
def _(place: Harbour, page: Any) -> None:
    page.goto(place.authorization().replace("harbour-wiki", "harbor-wiki"))


@scene("error-not-found")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/no-such-page")


@scene("sign-out")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/logout")


@scene("signed-out")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/logout")


@scene("device")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/device")


@scene("device-confirm")
def _(place: Harbour, page: Any) -> None:
    enter_device_code(place, page)


@scene("device-done")
def _(place: Harbour, page: Any) -> None:
    enter_device_code(place, page)
    page.get_by_role("button", name="Connect my device").click()
    page.locator("[data-page=consent]").wait_for()
    page.get_by_role("button", name="Authorize").click()
    page.locator("[data-page=device]").wait_for()


def enter_device_code(place: Harbour, page: Any) -> None:
    started = place.party("tide-cli").post("/device_authorization", {"scope": "openid profile"}).json()
    signed_in(place, page)
    page.goto(started["verification_uri_complete"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Connect my device").wait_for()


@scene("invitation")
def _(place: Harbour, page: Any) -> None:
    from credenza import invite, users

    user = place.credenza.run(users.find_user_by_identifier, "emmy")
    assert user is not None
    page.goto(place.credenza.run(invite, place.credenza.server, purpose="user", user_id=user.id))


@scene("first-administrator")
def _(place: Harbour, page: Any) -> None:
    """As on a new server: while the page is fetched nobody is an administrator."""
    from credenza import invite
    from credenza.store.user_rows import UserRow
    from credenza.store.users import list_administrators

    async def give(roles: dict[str, str]) -> None:
        for user, role in roles.items():
            await UserRow.update({UserRow.administrator: role}).where(UserRow.id == user)

    roles = {user.id: user.administrator for user in place.credenza.run(list_administrators)}
    place.credenza.run(give, dict.fromkeys(roles, ""))
    try:
        page.goto(place.credenza.run(invite, place.credenza.server, purpose="administrator", user_id=None))
    finally:
        place.credenza.run(give, roles)
    page.get_by_role("heading", name="Welcome").wait_for()


@scene("account")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/account")


@scene("account-application")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/account")
    page.get_by_role("link", name="Harbour Wiki").first.click()
    page.get_by_role("heading", name="Harbour Wiki").wait_for()


@scene("account-sessions")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/account/sessions")


@scene("account-password")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/account/password")


@scene("account-data")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page)
    page.goto(f"{place.issuer}/account/data")


@scene("account-without-applications")
def _(place: Harbour, page: Any) -> None:
    signed_in(place, page, "inspector")
    page.goto(f"{place.issuer}/account")


# -- second factors, mail, sign-up -------------------------------------------------------------------------------------


def signing_in(place: Harbour, page: Any, username: str) -> None:
    """By the form, up to the page that comes after the password."""
    page.goto(place.authorization("tide-board"))
    page.fill("[name=identifier]", username)
    page.fill("[name=password]", PASSWORDS[username])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator("[data-page]:not([data-page=sign-in])").wait_for()


@scene("second-factor")
def _(place: Harbour, page: Any) -> None:
    signing_in(place, page, "hedy")


@scene("second-factor-refused")
def _(place: Harbour, page: Any) -> None:
    signing_in(place, page, "hedy")
    code = pyotp.TOTP(place.seed).at(place.credenza.clock.now())
    page.fill("[name=code]", f"{(int(code) + 1) % 1_000_000:06}")
    page.locator("main form button[type=submit]").first.click()
    page.locator("#message").wait_for()


@scene("sign-in-elsewhere-stopped")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/upstream/port/callback")


@scene("new-password")
def _(place: Harbour, page: Any) -> None:
    signing_in(place, page, "mary")


@scene("sign-up")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/signup")


@scene("sign-up-mail")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/signup")
    page.fill("[name=email]", "dorothy@example.com")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Check your email").wait_for()


@scene("password-reset")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/password-reset")


@scene("password-reset-mail")
def _(place: Harbour, page: Any) -> None:
    page.goto(f"{place.issuer}/password-reset")
    page.fill("[name=identifier]", "grace")
    page.get_by_role("button", name="Send the link").click()
    page.get_by_role("heading", name="Check your email").wait_for()


for _name in ("security", "security/authenticator", "security/passkeys", "security/email"):

    @scene(f"account-{_name.replace('/', '-')}")
    def _(place: Harbour, page: Any, path: str = _name) -> None:
        signed_in(place, page)
        page.goto(f"{place.issuer}/account/{path}")
