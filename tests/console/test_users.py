"""Users and administrators in the console: SECURITY.md §1.11, A-CON-02, A-CON-12."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from faults.waiting import wait_until

from credenza import User, UserRow, audit, invitation_mail, users
from credenza.testing import PASSWORD, PageSeen, RelyingParty, UserAgent

Visitor = Any  # see conftest.py


def find(visitor: Visitor, name: str) -> User:
    found = visitor.credenza.run(users.find_user_by_identifier, name)
    assert isinstance(found, User)
    return found


def path_of(visitor: Visitor, name: str = "ada") -> str:
    return f"/console/users/{find(visitor, name).id}"


PROFILE = {
    "username": "ada",
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada@example.com",
}


def test_the_list_is_searched_and_sorted(visitor: Visitor) -> None:
    page = visitor.get("/console/users")
    assert {"ada", "grace", "root"} <= set(page.text.split())
    assert "grace@example.com" not in visitor.get("/console/users?q=ADA@").text
    assert "Nobody matches" in visitor.get("/console/users?q=zzz").text
    part = visitor.get("/console/users?q=ada", HX_Request="true")
    assert part.html.lstrip().startswith('<div id="table"')


def test_a_user_is_created_and_chooses_a_password_with_the_link(visitor: Visitor, user_agent: UserAgent) -> None:
    page = visitor.done("/console/users/create", {"username": "Kay", "email": "kay@example.com", "name": "Kay McNulty"})
    link = re.search(r'id="link-value">(https://[^<]+)<', page.html)
    assert link
    assert find(visitor, "kay").profile["name"] == "Kay McNulty"
    assert "Invited" in visitor.get("/console/users?q=kay").text
    assert link[1] not in visitor.get(f"/console/users/{find(visitor, 'kay').id}").html
    user_agent.get(link[1])
    user_agent.submit([("password", PASSWORD), ("password_again", PASSWORD)])
    assert find(visitor, "kay").password_hash
    events = visitor.credenza.run(audit.list_events, limit=200)
    assert link[1].rpartition("/")[2] not in str(events)


def test_whoever_does_again_what_is_done_changes_nothing(visitor: Visitor) -> None:
    """Two administrators at once, or a button that is pressed twice: the audit log says once what was changed."""

    def written() -> list[str]:
        found = visitor.credenza.run(audit.list_events, name="ObjectChanged", limit=200)
        return [str(event.data["action"]) for event in found][::-1]

    before = written()
    suspension = f"/console/users/{find(visitor, 'ada').id}/suspension"
    for address, switched in ((suspension, {"suspended": "on"}), ("/console/applications/app/availability", {})):
        for fields in (switched, {} if switched else {"enabled": "on"}):
            visitor.done(address, fields)
            visitor.done(address, fields)
    assert written() == [*before, "suspended", "reactivated", "disabled", "enabled"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"username": "", "email": ""}, "username"),
        ({"username": "with space", "email": ""}, "username"),
        ({"username": "ADA", "email": ""}, "username"),
        ({"username": "kay", "email": "nothing"}, "email"),
        ({"username": "kay", "name": "x" * 201}, "name"),
    ],
)
def test_a_user_who_cannot_be_is_said_beside_the_field(visitor: Visitor, fields: dict[str, str], field: str) -> None:
    before = visitor.credenza.run(users.count_users)
    assert f'id="{field}-error"' in visitor.refused("/console/users/create", fields)
    assert visitor.credenza.run(users.count_users) == before


def test_of_several_wrong_fields_the_first_has_the_focus(visitor: Visitor) -> None:
    """HTML §6.6.7: two elements of a page must not both have `autofocus`. What is wrong with the others is an alert."""
    page = visitor.refused("/console/users/create", {"username": "two words", "email": "nobody", "name": "\u200b"})
    assert re.findall(r'id="(\w+)"[^>]* autofocus', page) == ["username"]
    assert re.findall(r'role="alert" id="(\w+)-error"', page) == ["form", "email", "name"]


def test_a_name_that_is_short_enough_is_not_called_too_long(visitor: Visitor) -> None:
    piled = "Zoe" + "\u0335" * 5
    html = visitor.refused("/console/users/create", {"username": piled, "name": piled})
    assert html.count("at most four marks on one letter") == 2
    assert not re.search(r"\d characters", html)
    html = visitor.refused("/console/users/create", {"username": "z" * 151, "name": "z" * 201})
    assert "1 to 150 characters" in html
    assert "at most 200 characters" in html
    assert "marks" not in html


@pytest.mark.parametrize(
    "path",
    [
        "/console/users",
        "/console/organizations",
        "/console/roles",
        "/console/api-resources",
        "/console/applications",
        "/console/applications/third-party",
        "/console/applications/app/users",
        "/console/unknown-applications",
        "consents",
    ],
)
def test_a_page_that_a_list_no_longer_has_does_not_say_that_the_list_is_empty(visitor: Visitor, path: str) -> None:
    """Somebody else, or a tab before this one, has deleted what stood there."""
    path = f"{path_of(visitor)}/consents" if path == "consents" else path
    page = visitor.get(f"{path}?page=9&sort=-created_at&q=a")
    assert "This page of the list is gone" in page.text
    (back,) = [link for link in page.links if link.startswith(f"{path}?")]
    assert "page=" not in back
    assert path.endswith("consents") or "q=a" in back


def test_who_searches_keeps_the_order(visitor: Visitor) -> None:
    page = visitor.get("/console/users?sort=-created_at&state=active", HX_Request="true")
    assert '<input type="hidden" form="search" name="sort" value="-created_at">' in page.html


def test_what_is_pasted_into_a_filter_may_have_spaces_around_it(visitor: Visitor) -> None:
    found = visitor.get("/console/audit-log?actor=%20root%20&name=UserSignedIn%20", HX_Request="true")
    assert "Signed in" in found.text


def test_who_wants_no_mail_sent_is_not_asked_again(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The box that was not ticked was ticked again by the mistake beside another field."""
    monkeypatch.setattr(visitor.credenza.server, "mailer", object())
    assert 'name="send" value="on" checked' in visitor.get("/console/users/create").html
    html = visitor.refused("/console/users/create", {"username": "ada", "email": "two@example.com"})
    assert "has this username already" in html
    assert 'name="send" value="on" checked' not in html


def test_a_new_user_has_the_default_roles(visitor: Visitor) -> None:
    visitor.credenza.apply({"roles": [{"name": "member", "default": True}]})
    visitor.done("/console/users/create", {"username": "kay"})
    wait_until(lambda: "member" in visitor.get(path_of(visitor, "kay")).text, "the role")


def test_a_profile_is_saved_and_nothing_that_the_form_does_not_have(visitor: Visitor) -> None:
    """SECURITY.md R-CO-04, A-CON-02."""
    before = find(visitor, "ada")
    extra = {"administrator": "full", "id": "x", "password_hash": "x", "suspended": "on"}
    visitor.done(path_of(visitor), {**PROFILE, "given_name": "Augusta", "phone_number": "+44 20", **extra})
    after = find(visitor, "ada")
    assert after.profile["given_name"] == "Augusta"
    assert after.phone_number == "+44 20"
    assert not after.email_verified
    assert (after.administrator, after.suspended, after.password_hash) == ("", False, before.password_hash)


def test_whoever_is_renamed_keeps_everything_and_signs_in_by_the_new_name(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile"))
    ada = find(visitor, "ada")
    visitor.done(path_of(visitor), {**PROFILE, "email_verified": "on", "username": " Ada.King "})
    assert find(visitor, "ada.king").id == ada.id
    assert visitor.credenza.run(users.find_user_by_identifier, "ada") is None
    claims = client.userinfo(tokens["access_token"]).json()
    assert (claims["sub"], claims["preferred_username"]) == (ada.id, "ada.king")
    assert "ada.king" in visitor.get("/console/users?q=ada.k").text, "who is renamed is found at once"
    other = UserAgent(visitor.credenza)
    other.get("/account")
    assert other.sign_in("ada").name == "sign-in"
    assert other.sign_in("ada.king").name == "account"
    event = next(e for e in visitor.credenza.run(audit.list_events, name="ObjectChanged") if e.data["after"])
    assert (event.target, event.data["before"], event.data["after"]) == (
        "ada",
        {"username": "ada"},
        {"username": "ada.king"},
    )


def test_a_name_that_somebody_has_or_that_is_none_is_refused(visitor: Visitor) -> None:
    before = find(visitor, "ada")
    for name, why in (
        ("Grace", "Somebody has this username already."),
        ("", "A username has 1 to 150 characters"),
        ("ada@example.com", "no spaces and no @"),
        ("a\u202eda", "no invisible characters"),
    ):
        html = visitor.refused(path_of(visitor), {**PROFILE, "username": name, "phone_number": "12"})
        assert 'id="username-error"' in html
        assert why in html
        assert 'value="12"' in html, "and what else was typed stays"
    assert find(visitor, "ada") == before


def test_a_name_in_another_form_stays_until_it_is_changed(visitor: Visitor) -> None:
    """Migration 0005 leaves a name in another form of Unicode to whoever has it, if that form is somebody else's."""
    visitor.done("/console/users/create", {"username": "zoë"})
    visitor.done("/console/users/create", {"username": "other"})
    other = find(visitor, "other")
    u = UserRow
    visitor.credenza.run(u.update({u.username: "zoe\u0308"}).where(u.id == other.id).run)
    path = f"/console/users/{other.id}"
    visitor.done(path, {"username": "zoe\u0308", "phone_number": "12"})
    assert find(visitor, "zoe\u0308").phone_number == "12"
    visitor.done(path, {"username": "zoé"})
    assert find(visitor, "zoe\u0301").id == other.id


@pytest.mark.parametrize(("field", "value"), [("email", "x"), ("name", "x" * 201), ("phone_number", "1" * 51)])
def test_a_profile_that_is_wrong_is_shown_again(visitor: Visitor, field: str, value: str) -> None:
    before = find(visitor, "ada")
    assert f'id="{field}-error"' in visitor.refused(path_of(visitor), {**PROFILE, field: value})
    assert find(visitor, "ada") == before


def test_a_session_is_ended(visitor: Visitor, user_agent: UserAgent) -> None:
    user_agent.get("/account")
    user_agent.sign_in("ada")
    path = f"{path_of(visitor)}/sessions"
    session = re.search(r'name="session" value="([0-9a-f]{10,})"', visitor.get(path).html)
    assert session
    assert 'aria-label="End: python-httpx"' in visitor.get(path).html, "which session it is, for ears"
    assert re.search(
        r'title="python-httpx/[^"]+">python-httpx<', visitor.get(path).html
    )  # in words, and as it was sent
    assert visitor.post(f"{path_of(visitor, 'grace')}/sessions", {"session": session[1]}).status_code == 404
    assert "1 session ended." in visitor.done(path, {"session": session[1]}).text
    seen = user_agent.get("/account")
    assert isinstance(seen, PageSeen)
    assert seen.name == "sign-in"
    assert "Not signed in anywhere" in visitor.get(path).text


def test_a_consent_is_revoked_with_its_tokens(visitor: Visitor, user_agent: UserAgent, client: RelyingParty) -> None:
    tokens = client.tokens(user_agent.authorize(client))
    path = f"{path_of(visitor)}/consents"
    page = visitor.get(path)
    assert "Harbour Wiki" in page.text
    consent = re.search(r'name="consent" value="(\w+)" aria-label="Revoke: Harbour Wiki"', page.html)
    assert consent
    assert visitor.post(f"{path_of(visitor, 'grace')}/consents", {"consent": consent[1]}).status_code == 404
    visitor.done(path, {"consent": consent[1]})
    assert "Nothing authorized" in visitor.get(path).text
    assert client.userinfo(tokens["access_token"]).status_code == 401
    (event,) = visitor.credenza.run(audit.list_events, name="ConsentRevoked")
    assert (event.actor, event.user, event.client) == (find(visitor, "root").id, find(visitor, "ada").id, "app")
    assert event.data["permissions"] == ["openid openid", "profile email", "profile profile"]


def test_suspending_ends_everything_at_once(visitor: Visitor, user_agent: UserAgent, client: RelyingParty) -> None:
    tokens = client.tokens(user_agent.authorize(client))
    path = f"{path_of(visitor)}/suspension"
    assert re.search(r"<dt>Sessions</dt><dd>1</dd>", visitor.get(path).html)
    visitor.done(path, {"suspended": "on"})
    assert find(visitor, "ada").suspended
    assert client.userinfo(tokens["access_token"]).status_code == 401
    visitor.done(path)
    assert not find(visitor, "ada").suspended


def test_a_user_is_deleted_after_the_name_is_typed(visitor: Visitor) -> None:
    path = f"{path_of(visitor)}/delete"
    visitor.refused(path, {"confirm": "ADA"})
    assert "ada was deleted." in visitor.done(path, {"confirm": "ada"}).text
    assert visitor.credenza.run(users.find_user_by_identifier, "ada") is None


def test_a_name_is_one_however_it_is_composed(visitor: Visitor) -> None:
    """When it is chosen, looked for and typed to confirm something. RFC 8265 §3.3.1."""
    visitor.done("/console/users/create", {"username": "zoe\u0308", "email": "z@mu\u0308nchen.example"})
    zoe = find(visitor, "zoë")
    assert (zoe.username, zoe.email) == ("zoë", "z@münchen.example")
    assert "has this username already" in visitor.refused("/console/users/create", {"username": "zoë"})
    for search in ("zoë", "ZOE\u0308", "mu\u0308nchen"):
        assert "zoë" in visitor.get(f"/console/users?{urlencode({'q': search})}").text
    composed = {"email": "z@ko\u0308ln.example", "email_verified": "on", "username": "zoe\u0308"}
    visitor.done(path_of(visitor, "zoë"), composed)
    moved = find(visitor, "z@köln.example")
    assert (moved.id, moved.username) == (zoe.id, "zoë")
    assert "was deleted" in visitor.done(f"{path_of(visitor, 'zoë')}/delete", {"confirm": "zoe\u0308"}).text


def test_a_link_for_a_new_password_makes_older_ones_useless(visitor: Visitor, user_agent: UserAgent) -> None:
    links = [
        re.search(r'id="link-value">(https://[^<]+)<', visitor.done(f"{path_of(visitor)}/link").html) for _ in range(2)
    ]
    assert links[0]
    assert links[1]
    seen = [user_agent.get(link[1]) for link in links if link]
    assert [page.status for page in seen if isinstance(page, PageSeen)] == [404, 200]


def test_r_pw_08_a_link_to_an_account_in_use_works_for_a_day(visitor: Visitor, user_agent: UserAgent) -> None:
    """R-PW-08: and one for somebody who is new as long as the settings say."""
    visitor.done("/console/users/create", {"username": "moss"})

    def made(name: str) -> str:
        page = visitor.done(f"{path_of(visitor, name)}/link")
        return next(iter(re.findall(r'id="link-value">(https://[^<]+)<', page.html)))

    assert "works once, for 24 hours" in visitor.get(f"{path_of(visitor)}/link").text
    assert "works once, for 7 days" in visitor.get(f"{path_of(visitor, 'moss')}/link").text
    visitor.done("/console/users/create", {"username": "kay"})
    visitor.credenza.run(users.touch_user, path_of(visitor, "kay").rpartition("/")[2], 1)  # with a passkey, say
    assert "works once, for 24 hours" in visitor.get(f"{path_of(visitor, 'kay')}/link").text
    links = [made("ada"), made("kay"), made("moss")]
    visitor.credenza.clock.move(24 * 3600 + 1)
    assert [user_agent.send("GET", link).status_code for link in links] == [404, 404, 200]


@pytest.mark.parametrize(
    ("credenza_settings", "works"),
    [
        ({}, ("7 days", "24 hours")),
        ({"invitation_lifetime": 3 * 3600}, ("3 hours", "3 hours")),
        ({"invitation_lifetime": 5400}, ("90 minutes", "90 minutes")),
    ],
)
def test_a_link_to_choose_a_password_is_shown_and_mailed_with_how_long_it_works(
    visitor: Visitor, works: tuple[str, str]
) -> None:
    created = visitor.done("/console/users/create", {"username": "moss", "email": "moss@example.com"})
    assert f"The link works once, for {works[0]}." in created.text
    assert f"The link works once, for {works[1]}." in visitor.done(f"{path_of(visitor)}/link").text
    for name, said in zip(("moss", "ada"), works, strict=True):
        user = visitor.credenza.run(users.find_user_by_identifier, name)
        mail = visitor.credenza.run(invitation_mail, visitor.credenza.server, user, "https://id.example.com/x")
        assert f"The link works once, for {said}." in [str(line) for line in mail.lines]


def link_for(visitor: Visitor, name: str = "ada") -> str:
    page = visitor.done(f"{path_of(visitor, name)}/link")
    return next(iter(re.findall(r'id="link-value">(https://[^<]+)<', page.html)))


@pytest.mark.parametrize(
    "changed",
    [
        lambda visitor: visitor.done(path_of(visitor), {**PROFILE, "email": "countess@example.com"}),
        lambda visitor: visitor.credenza.apply({"users": [{"username": "ada", "email": "countess@example.com"}]}),
    ],
    ids=["console", "apply"],
)
def test_r_pw_08_a_link_that_was_mailed_to_a_wrong_address_opens_nothing_once_there_is_another(
    visitor: Visitor, user_agent: UserAgent, changed: Callable[[Visitor], object]
) -> None:
    """R-PW-08: whoever got the mail by mistake does not choose the password."""
    link = link_for(visitor)
    visitor.done(path_of(visitor), PROFILE | {"given_name": "Augusta"})
    assert user_agent.send("GET", link).status_code == 200
    changed(visitor)
    assert find(visitor, "ada").email == "countess@example.com"
    assert user_agent.send("GET", link).status_code == 404


def test_r_tk_14_who_is_suspended_chooses_no_password_for_afterwards(visitor: Visitor, user_agent: UserAgent) -> None:
    """R-TK-14: whoever made it necessary may have a link that was mailed before."""
    link = link_for(visitor)
    visitor.done(f"{path_of(visitor)}/suspension", {"suspended": "on"})
    assert user_agent.send("GET", link).status_code == 404
    visitor.done(f"{path_of(visitor)}/suspension")
    assert user_agent.send("GET", link).status_code == 404


def test_nobody_suspends_or_deletes_their_own_account(
    visitor: Visitor, administrator: Callable[[str], Visitor]
) -> None:
    administrator("full")
    own = path_of(visitor, "root")
    assert "your own account" in visitor.refused(f"{own}/suspension", {"suspended": "on"})
    assert "your own account" in visitor.refused(f"{own}/delete", {"confirm": "root"})
    assert not find(visitor, "root").suspended


@pytest.mark.parametrize("user", ["nobody", "%00", "x" * 500, "~"])
def test_a_user_who_is_not_there_is_a_page_that_says_so(visitor: Visitor, user: str) -> None:
    for view in ("", "/sessions", "/consents", "/delete", "/suspension", "/link", "/roles"):
        assert visitor.get(f"/console/users/{user}{view}").status == 404


def test_what_somebody_else_has_deleted_is_no_dead_end(visitor: Visitor) -> None:
    """Neither after a link nor after a form: the menu is there, and the list that it was in."""
    answer = visitor.post("/console/users/gone/delete", {"confirm": "gone"})
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert re.search(r'<a class="btn"[^>]* href="/console/users">', answer.text)


# -- administrators ---------------------------------------------------------------------------------------------------


def test_somebody_becomes_an_administrator_and_is_none_again(visitor: Visitor) -> None:
    page = visitor.done("/console/administrators/add", {"identifier": "ada@example.com", "role": "applications"})
    assert "Applications only" in page.text
    assert find(visitor, "ada").administrator == "applications"
    visitor.done(f"/console/administrators/{find(visitor, 'ada').id}", {"role": "none"})
    assert find(visitor, "ada").administrator == ""


def test_who_is_an_administrator_is_not_added_as_another(visitor: Visitor) -> None:
    """Somebody else has just added them, with all that they need."""
    visitor.done("/console/administrators/add", {"identifier": "ada", "role": "full"})
    html = visitor.refused("/console/administrators/add", {"identifier": "ada@example.com", "role": "read-only"})
    assert "ada is an administrator already" in html
    assert find(visitor, "ada").administrator == "full"


@pytest.mark.parametrize("fields", [{"identifier": "no", "role": "full"}, {"identifier": "ada", "role": "owner"}, {}])
def test_an_unknown_user_or_role_is_refused(visitor: Visitor, fields: dict[str, str]) -> None:
    visitor.refused("/console/administrators/add", fields)
    assert find(visitor, "ada").administrator == ""


def test_the_last_full_administrator_is_neither_demoted_nor_deleted_nor_suspended(
    visitor: Visitor, administrator: Callable[[str], Visitor]
) -> None:
    own = f"/console/administrators/{find(visitor, 'root').id}"
    for role in ("none", "read-only", "applications"):
        assert "last administrator" in visitor.refused(own, {"role": role})
    grace = administrator("full")
    visitor.credenza.apply({"users": [{"username": "root", "administrator": False}]})
    visitor.credenza.apply({"users": [{"username": "ada", "administrator": "full", "suspended": True}]})
    assert "last administrator" in grace.refused(
        f"/console/administrators/{find(visitor, 'grace').id}", {"role": "none"}
    )
    assert find(visitor, "grace").administrator == "full"


def test_two_full_administrators_who_demote_each_other_in_parallel_leave_one(
    visitor: Visitor, administrator: Callable[[str], Visitor]
) -> None:
    grace, credenza = administrator("full"), visitor.credenza
    forms = []
    for asking, about in ((visitor, "grace"), (grace, "root")):
        request = asking.agent
        cookie = "; ".join(f"{c.name}={c.value}" for c in request.cookies.jar)
        forms.append((find(visitor, about).id, asking.token(), cookie))

    async def both() -> list[int]:
        import httpx

        async def one(user_id: str, token: str, cookie: str) -> int:
            transport = httpx.ASGITransport(app=credenza.app)
            async with httpx.AsyncClient(transport=transport, base_url=credenza.issuer) as http:
                headers = {"cookie": cookie, "origin": credenza.issuer}
                fields = {"role": "none", "csrf_token": token}
                answer = await http.post(f"/console/administrators/{user_id}", data=fields, headers=headers)
                return answer.status_code

        return list(await asyncio.gather(*(one(*form) for form in forms)))

    statuses = credenza.run(both)
    assert 303 in statuses
    assert credenza.run(users.count_administrators) == 1


def test_users_are_found_by_name_and_filtered_by_state(visitor: Visitor) -> None:
    def found(query: str) -> str:
        return str(visitor.get(f"/console/users?{query}", HX_Request="true").text)

    visitor.credenza.apply(
        {"users": [{"username": "hedy"}, {"username": "grace", "profile": {"name": "Grace Hopper"}}]}
    )
    assert "ada@example.com" in found("q=lovelace+ada")
    assert "grace" not in found("q=lovelace")
    assert "grace@example.com" in found("q=HOPPER")
    assert "Nobody matches" in found("q=lovelace+hopper")
    assert "hedy" in found("state=invited")
    assert "grace" not in found("state=invited")
    assert "root" in found("state=administrator")
    assert "Nobody matches" in found("state=suspended")
    user = visitor.credenza.run(users.find_user_by_identifier, "grace")
    visitor.done(f"/console/users/{user.id}", {"username": "grace", "name": "Amazing Grace", "email": "g@example.com"})
    assert "g@example.com" in found("q=amazing"), "a changed name is found at once"
    assert "Nobody matches" in found("q=hopper")


def test_a_confirmed_address_is_given_to_nobody_else(visitor: Visitor) -> None:
    html = visitor.refused("/console/users/create", {"username": "bob", "email": "Ada@example.com"})
    assert "This is the confirmed address of ada." in html
    grace = visitor.credenza.run(users.find_user_by_identifier, "grace")
    assert grace is not None
    confirmed = {"email": "ada@example.com", "email_verified": "on"}
    html = visitor.refused(f"/console/users/{grace.id}", {"username": "grace", **confirmed})
    assert "This is the confirmed address of ada." in html
    ada = visitor.credenza.run(users.find_user_by_identifier, "ada@example.com")
    assert ada is not None
    visitor.done(f"/console/users/{ada.id}", {"username": "ada", "name": "Ada L.", **confirmed})


def test_another_address_is_not_confirmed_by_the_tick_of_the_one_before(visitor: Visitor) -> None:
    """The switch was on already; whoever reads mail there would be taken for whose account it is."""
    other = {**PROFILE, "email": "countess@example.com", "email_verified": "on"}
    assert "Nobody has confirmed the new address yet." in visitor.done(path_of(visitor), other).text
    ada = find(visitor, "ada")
    assert (ada.email, ada.email_verified) == ("countess@example.com", False)
    assert "Nobody has" not in visitor.done(path_of(visitor), other).text, "now it is about this one"
    assert find(visitor, "ada").email_verified
    visitor.done(path_of(visitor), {**other, "given_name": "Augusta"})
    assert find(visitor, "ada").email_verified


def test_the_subject_of_a_token_leads_to_its_user(visitor: Visitor) -> None:
    """`sub` is what stands in a partner's log."""
    grace = visitor.credenza.run(users.find_user_by_identifier, "grace")
    assert grace is not None
    for path in ("/console/users", "/console/search"):
        page = visitor.get(f"{path}?q={grace.id}")
        assert f"/console/users/{grace.id}" in page.links
    page = visitor.get(f"/console/users?q={grace.id[:-1]}0{grace.id[-1]}")
    assert f"/console/users/{grace.id}" not in page.links
