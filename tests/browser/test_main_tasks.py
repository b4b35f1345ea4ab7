"""The main task of each page, at a desk and on a phone, by day and by night, and on a phone without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

pytestmark = pytest.mark.browser

WAYS = {  # width, color scheme, script
    "desk-light": (1360, "light", True),
    "phone-dark": (375, "dark", True),
    "phone-light-without-script": (375, "light", False),
}
Task = Callable[["Clerk"], None]
TASKS: dict[str, Task] = {}


def task(function: Task) -> Task:
    TASKS[function.__name__] = function
    return function


@dataclass
class Clerk:
    """Somebody at the console, with a mark that makes their names their own."""

    harbour: Any
    page: Any
    mark: str

    def open(self, path: str) -> None:
        self.page.goto(self.harbour.issuer + path)

    def follow(self, name: str) -> None:
        self.page.locator("main").get_by_role("link", name=name, exact=True).first.click()

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).fill(value)

    def tick(self, name: str) -> None:
        self.page.locator("main").get_by_role("checkbox", name=re.compile(name)).first.check()

    def press(self, name: str) -> None:
        self.page.locator("main").get_by_role("button", name=name, exact=True).first.click()

    def sees(self, text: str) -> None:
        self.page.locator("main").get_by_text(text).first.wait_for()

    def is_told(self, text: str) -> None:
        """Once, on the page that a form leads to."""
        self.page.locator("[data-notice]", has_text=text).wait_for()

    def is_refused(self, text: str) -> None:
        self.page.locator(".alert, .error").filter(has_text=text).first.wait_for()

    def apply(self, **sections: Any) -> None:
        self.harbour.credenza.apply(sections)

    def application(self, **changes: Any) -> str:
        """A third-party application of this test alone; its address in the console."""
        name = f"app-{self.mark}"
        declared = {"client_id": name, "name": name, "type": "traditional", "third_party": True}
        self.apply(applications=[declared | {"redirect_uris": ["https://rp.example.com/cb"]} | changes])
        return f"/console/applications/{name}"

    def user(self, **changes: Any) -> str:
        name = f"user-{self.mark}"
        self.apply(users=[{"username": name, "email": f"{name}@example.com"} | changes])
        return name


@pytest.fixture(params=WAYS)
def clerk(
    request: pytest.FixtureRequest,
    harbour: Any,
    admin_cookies: list[dict[str, str]],
    reopen_page: Callable[..., Any],
) -> Clerk:
    width, scheme, script = WAYS[request.param]
    page = reopen_page(harbour.issuer, width=width, color_scheme=scheme, java_script_enabled=script)
    page.context.add_cookies(admin_cookies)
    return Clerk(harbour, page, uuid4().hex[:8])


@task
def an_application_is_created(clerk: Clerk) -> None:
    clerk.open("/console/applications/third-party")
    clerk.follow("Create application")
    clerk.page.get_by_role("link", name="Third-party app").click()
    clerk.page.get_by_role("link", name="Traditional web").click()
    clerk.fill("Name", f"Tide Tables {clerk.mark}")
    clerk.fill("Description", "When the water comes")
    clerk.press("Create")
    clerk.page.get_by_role("heading", name=f"Tide Tables {clerk.mark}", level=1).wait_for()
    clerk.sees("Copy it now")
    clerk.open(f"/console/applications/third-party?q={clerk.mark}")
    clerk.follow(f"Tide Tables {clerk.mark}")


@task
def a_redirect_uri_is_explained_and_saved(clerk: Clerk) -> None:
    clerk.open(clerk.application())
    clerk.fill("Redirect URIs", "http://rp.example.com/callback#top")
    clerk.press("Save changes")
    clerk.page.locator("#redirect_uris-error").wait_for()
    assert clerk.page.get_by_label("Redirect URIs", exact=True).input_value() == "http://rp.example.com/callback#top"
    clerk.fill("Redirect URIs", "https://rp.example.com/cb\nhttps://rp.example.com/other")
    clerk.press("Save changes")
    clerk.is_told("Saved.")


@task
def permissions_are_enabled_and_made_optional(clerk: Clerk) -> None:
    clerk.open(clerk.application() + "/permissions")
    clerk.follow("Add permissions")
    clerk.tick("Your email address")
    clerk.tick("See your berths")
    clerk.press("Add permissions")
    clerk.is_told("2 permissions added")
    clerk.page.get_by_role("button", name=re.compile("Make optional ?: Your email")).click()
    clerk.page.get_by_role("button", name=re.compile("Make required ?: Your email")).wait_for()


@task
def a_secret_is_added_and_deleted(clerk: Clerk) -> None:
    clerk.open(clerk.application())
    clerk.follow("Create secret")
    clerk.fill("Name", "staging")
    clerk.press("Create secret")
    clerk.sees("Copy it now")
    clerk.page.get_by_role("link", name=re.compile("Delete .*staging")).click()
    clerk.fill("Type “staging” to delete it", "production")
    clerk.press("Delete secret")
    clerk.is_refused("")
    clerk.fill("Type “staging” to delete it", "staging")
    clerk.press("Delete secret")
    clerk.is_told("")


@task
def an_application_gets_a_name_for_users(clerk: Clerk) -> None:
    clerk.open(clerk.application() + "/branding")
    clerk.fill("Display name", "Tide & Time")
    clerk.press("Publish")
    clerk.is_told("")


@task
def an_application_is_disabled_and_deleted(clerk: Clerk) -> None:
    address = clerk.application()
    clerk.open(address)
    clerk.follow("Disable")
    clerk.press("Disable")
    clerk.is_told("")
    clerk.open(f"{address}/delete")
    clerk.fill(f"Type “app-{clerk.mark}” to delete it", f"app-{clerk.mark}")
    clerk.press("Delete application")
    clerk.is_told("")


@task
def a_user_is_created_and_suspended(clerk: Clerk) -> None:
    clerk.open("/console/users")
    clerk.follow("Create user")
    clerk.fill("Username", f"user-{clerk.mark}")
    clerk.fill("Email", f"{clerk.mark}@example.com")
    clerk.press("Create user")
    clerk.page.get_by_role("heading", name=f"user-{clerk.mark}", level=1).wait_for()
    clerk.follow("Suspend")
    clerk.press("Suspend")
    clerk.is_told("")


@task
def a_user_gets_a_role(clerk: Clerk) -> None:
    clerk.user()
    clerk.open(f"/console/users?q={clerk.mark}")
    clerk.follow(f"user-{clerk.mark}")
    clerk.follow("Edit roles")
    clerk.tick("bookkeeper")
    clerk.press("Save changes")
    clerk.is_told("")
    clerk.sees("bookkeeper")


@task
def an_api_and_its_permission_are_created(clerk: Clerk) -> None:
    clerk.open("/console/api-resources")
    clerk.follow("Create API resource")
    clerk.fill("Name", "Weather")
    clerk.fill("Identifier", "not a URI")
    clerk.press("Create")
    clerk.is_refused("")
    clerk.fill("Identifier", f"https://{clerk.mark}.example.com")
    clerk.press("Create")
    clerk.is_told("")
    clerk.follow("Create permission")
    clerk.fill("Name", "wind:read")
    clerk.fill("Description", "See where the wind blows")
    clerk.press("Create permission")
    clerk.sees("See where the wind blows")


@task
def a_role_is_created(clerk: Clerk) -> None:
    clerk.open("/console/roles")
    clerk.follow("Create role")
    clerk.fill("Name", f"pilot {clerk.mark}")
    clerk.tick("Move ships")
    clerk.press("Create role")
    clerk.is_told("")


@task
def an_organization_is_created_with_a_member(clerk: Clerk) -> None:
    name = clerk.user()
    clerk.open("/console/organizations")
    clerk.follow("Create organization")
    clerk.fill("Name", f"Lock Keepers {clerk.mark}")
    clerk.press("Create")
    clerk.is_told("")
    clerk.follow("Members")
    clerk.follow("Add member")
    clerk.fill("Username or email", name)
    clerk.tick("owner")
    clerk.press("Add member")
    clerk.is_told("")
    clerk.sees(name)
    clerk.follow("Invitations")
    clerk.follow("Invite by link")
    clerk.fill("Email", f"guest-{clerk.mark}@example.com")
    clerk.press("Create link")
    clerk.sees("/organization-invitation/")


@task
def a_role_joins_the_template(clerk: Clerk) -> None:
    clerk.open("/console/organization-template")
    clerk.follow("Create role")
    clerk.fill("Name", f"purser {clerk.mark}")
    clerk.tick("See who is a member")
    clerk.press("Create role")
    clerk.is_told("")


@task
def a_colour_that_nobody_can_read_is_refused(clerk: Clerk) -> None:
    clerk.open("/console/branding")
    clerk.fill("Colour", "#ffee88")
    clerk.press("Publish")
    clerk.page.locator("#primary_color-error").wait_for()
    assert clerk.page.get_by_label("Colour", exact=True).input_value() == "#ffee88"


@task
def the_x_ray_explains(clerk: Clerk) -> None:
    clerk.open("/console/xray")
    clerk.fill("Client ID", "harbour-wiki")
    clerk.fill("User", "ada")
    clerk.press("Show")
    clerk.sees("See your orders")
    clerk.page.frame_locator("iframe").get_by_text("Harbour Wiki wants to use your account").wait_for()


@task
def the_audit_log_is_filtered(clerk: Clerk) -> None:
    clerk.open("/console/audit-log")
    clerk.fill("Application", "chandlers-exchange")
    clerk.press("Filter")
    clerk.page.wait_for_url("**client=chandlers-exchange**")
    clerk.sees("chandlers-exchange")
    assert clerk.page.locator("tbody").get_by_text("tide-board").count() == 0


@task
def signing_keys_are_rotated(clerk: Clerk) -> None:
    clerk.open("/console/signing-keys")
    clerk.page.get_by_role("link", name=re.compile("Rotate")).click()
    clerk.press("Rotate now")
    clerk.is_told("")


@task
def a_signing_key_is_revoked(clerk: Clerk) -> None:
    clerk.open("/console/signing-keys")
    row = clerk.page.locator("tbody tr").filter(has_text="Next").first
    row.get_by_role("link", name=re.compile("Revoke")).click()
    clerk.page.locator("[name=confirm]").fill("wrong")
    clerk.press("Revoke now")
    clerk.is_refused("That is not how its ID begins.")
    label = clerk.page.locator("label[for=confirm]").inner_text()
    clerk.page.locator("[name=confirm]").fill(label.split("“")[1].split("”")[0])
    clerk.press("Revoke now")
    clerk.is_told("was removed from the key set.")


@task
def plugins_are_listed(clerk: Clerk) -> None:
    clerk.open("/console")
    clerk.open("/console/plugins")
    clerk.sees("organizations")


@task
def an_administrator_is_appointed(clerk: Clerk) -> None:
    name = clerk.user()
    clerk.open("/console/administrators")
    clerk.follow("Add administrator")
    clerk.fill("User", name)
    clerk.page.get_by_role("radio", name=re.compile("Read-only")).check()
    clerk.press("Add administrator")
    clerk.is_told("")
    clerk.sees(name)


@task
def a_list_is_searched_and_sorted(clerk: Clerk) -> None:
    clerk.open("/console/applications/third-party")
    clerk.page.get_by_label("Find by name or client ID").fill("wiki")
    clerk.page.get_by_label("Find by name or client ID").press("Enter")
    clerk.page.wait_for_url("**q=wiki**")
    clerk.page.get_by_role("link", name="Tide Board").wait_for(state="detached")
    clerk.follow("Last used")
    clerk.page.wait_for_url("**sort=last_used_at**")
    clerk.page.go_back()
    clerk.page.locator("th[aria-sort=ascending] a", has_text="Name").wait_for()
    assert "q=wiki" in clerk.page.url


@task
def anything_is_found(clerk: Clerk) -> None:
    clerk.open("/console/search")
    clerk.page.locator("main [name=q]").fill("grace")
    clerk.press("Search")
    clerk.follow("grace@example.com")
    clerk.page.get_by_role("heading", name="Grace Hopper").or_(
        clerk.page.get_by_role("heading", name="grace")
    ).first.wait_for()


@task
def the_kit_has_what_a_developer_needs(clerk: Clerk) -> None:
    clerk.open(clerk.application() + "/kit")
    clerk.sees(f"OIDC_CLIENT_ID=app-{clerk.mark}")


@task
def who_authorized_is_listed_and_can_be_revoked(clerk: Clerk) -> None:
    clerk.open("/console/applications/harbour-wiki/users")
    clerk.sees("Ada Lovelace")
    clerk.open("/console/applications/harbour-wiki/activity")
    clerk.sees("Error id")


@pytest.mark.parametrize("name", TASKS)
def test_a_task(clerk: Clerk, looks_right: Callable[..., None], name: str) -> None:
    TASKS[name](clerk)
    scheme = "dark" if clerk.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    looks_right(clerk.page, scheme)
