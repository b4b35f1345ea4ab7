"""Applications in the console: PRODUCT.md M1 to M5, +21; each main task, and what is typed wrong."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from credenza import Client, audit, clients
from credenza.store import batches, clearing
from credenza.testing import Callback, PageSeen, RelyingParty, UserAgent

Visitor = Any  # see conftest.py
CREATE = "/console/applications/create"
SCRIPT = "<script>alert(1)</script>"


def find(visitor: Visitor, client_id: str) -> Client:
    found = visitor.credenza.run(clients.find_client, client_id, visitor.credenza.server.client_types)
    assert isinstance(found, Client)
    return found


def settings(visitor: Visitor, client_id: str, **changes: str) -> dict[str, str]:
    """The form as it stands, but for the changes."""
    client = find(visitor, client_id)
    return {
        "name": client.name,
        "description": client.description,
        "redirect_uris": "\n".join(client.redirect_uris),
        "post_logout_redirect_uris": "\n".join(client.post_logout_redirect_uris),
        "auth_method": client.auth_method,
        "id_token_alg": client.id_token_alg,
        "offline_access": "on",
        "access_token_lifetime": "600",
        **changes,
    }


def last_change(visitor: Visitor) -> Any:
    return visitor.credenza.run(audit.list_events, name="ObjectChanged", limit=1)[0]


# -- lists ------------------------------------------------------------------------------------------------------------


def test_two_tabs_with_addresses_of_their_own(visitor: Visitor) -> None:
    own, third = visitor.get("/console/applications"), visitor.get("/console/applications/third-party")
    assert "Our Portal" in own.text
    assert "Night Job" in own.text
    assert "Harbour Wiki" not in own.text
    assert "Harbour Wiki" in third.text
    assert "Our Portal" not in third.text
    assert "/console/applications/third-party" in own.links


def test_each_tab_has_a_title_of_its_own(visitor: Visitor) -> None:
    """WCAG 2.2 §2.4.2: windows and the history of a browser tell the pages of one application apart."""
    tabs = ("", "/permissions", "/branding", "/users", "/activity", "/kit")
    pages = [visitor.get(f"/console/applications/app{tab}").html for tab in tabs]
    titles = [page.partition("<title>")[2].partition("</title>")[0] for page in pages]
    assert len(set(titles)) == len(tabs)
    assert all("Harbour Wiki" in title for title in titles)


def test_search_finds_a_part_of_the_name_or_client_id_and_htmx_gets_the_table_only(visitor: Visitor) -> None:
    page = visitor.get("/console/applications/third-party?q=tide")
    assert "Tide Board" in page.text
    assert "Harbour Wiki" not in page.text
    part = visitor.get("/console/applications/third-party?q=tide", HX_Request="true")
    assert part.html.lstrip().startswith('<div id="table"')
    assert "Tide Board" in part.text
    assert part.headers["vary"] == "HX-Request"
    nothing = visitor.get("/console/applications/third-party?q=zzz")
    assert "No application matches" in nothing.text


def test_sorting_is_in_the_address_and_announced(visitor: Visitor) -> None:
    page = visitor.get("/console/applications/third-party?sort=-name")
    assert page.html.index("Tide CLI") < page.html.index("Harbour Wiki")
    assert 'aria-sort="descending"' in page.html


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=" + "9" * 40, "sort=secret", "q=%25%00"])
def test_a_query_that_makes_no_sense_is_no_error_of_ours(visitor: Visitor, query: str) -> None:
    assert visitor.get(f"/console/applications?{query}").status in (200, 400)


def test_paging(visitor: Visitor) -> None:
    visitor.credenza.apply({"applications": [{"name": f"App {i:02}", "type": "spa"} for i in range(30)]})
    first = visitor.get("/console/applications/third-party")
    assert "1-25 of 33" in first.text
    following = next(link for link in first.links if "page=2" in link)
    assert "26-33 of 33" in visitor.get(following).text


def test_an_empty_list_says_the_next_step(visitor: Visitor) -> None:
    for client_id in ("own", "machine"):
        visitor.credenza.run(clients.delete_client, client_id)
    page = visitor.get("/console/applications")
    assert "No apps of your own yet" in page.text
    assert f"{CREATE}/my-app" in page.links


# -- creation ---------------------------------------------------------------------------------------------------------


def test_the_steps_of_creation_are_links_and_third_parties_get_no_machine_to_machine(visitor: Visitor) -> None:
    assert f"{CREATE}/third-party-app" in visitor.get(CREATE).links
    page = visitor.get(f"{CREATE}/third-party-app")
    assert f"{CREATE}/third-party-app/traditional" in page.links
    assert f"{CREATE}/third-party-app/machine_to_machine" not in page.links
    assert f"{CREATE}/my-app/machine_to_machine" in visitor.get(f"{CREATE}/my-app").links
    assert visitor.get(f"{CREATE}/third-party-app/machine_to_machine").status == 404
    assert visitor.get(f"{CREATE}/somebody/spa").status == 404


def test_a_third_party_application_is_created_and_signs_a_user_in(visitor: Visitor, user_agent: UserAgent) -> None:
    page = visitor.done(f"{CREATE}/third-party-app/traditional", {"name": "Lighthouse", "description": "Beams"})
    client_id = re.search(r'id="client-id">([0-9a-f]+)<', page.html)
    secret = re.search(r'id="secret-value">(cz_cs_[\w-]+)<', page.html)
    assert client_id
    assert secret
    assert secret[1] not in page.url
    assert "Lighthouse was created." in page.text
    assert "Lighthouse" in visitor.get("/console/applications/third-party").text
    client = find(visitor, client_id[1])
    assert (client.third_party, client.type.name, client.ceiling) == (True, "traditional", {})
    assert not client.require_pkce, "most libraries send no PKCE until they are told to"

    path = f"/console/applications/{client.id}"
    visitor.done(path, settings(visitor, client.id, redirect_uris="https://light.example.com/cb"))
    visitor.done(f"{path}/permissions/add", [("permission", "profile profile"), ("permission", "profile email")])
    party = RelyingParty(visitor.credenza, client.id, "https://light.example.com/cb", secret=secret[1])
    tokens = party.tokens(user_agent.authorize(party))
    assert party.userinfo(tokens["access_token"]).json()["email"] == "ada@example.com"
    answer = user_agent.get(party.authorization_url(code_challenge=None, code_challenge_method=None))
    assert isinstance(answer, Callback)
    assert party.redeem(answer, code_verifier=None).status_code == 200


@pytest.mark.parametrize("party", ["my-app", "third-party-app"])
def test_pkce_is_required_of_an_application_that_was_created_so(visitor: Visitor, party: str) -> None:
    """SECURITY D4: a switch, off unless somebody says so."""
    assert 'name="require_pkce"' in visitor.get(f"{CREATE}/{party}/traditional").html
    page = visitor.done(f"{CREATE}/{party}/traditional", {"name": "Lantern", "require_pkce": "on"})
    client_id = re.search(r'id="client-id">([0-9a-f]+)<', page.html)
    assert client_id
    assert find(visitor, client_id[1]).require_pkce is True
    created = visitor.credenza.run(audit.list_events, name="ObjectChanged", client=client_id[1], limit=5)[-1].data
    assert (created["action"], created["after"]["require_pkce"]) == ("created", True)


@pytest.mark.parametrize("kind", ["machine_to_machine", "spa"])
def test_where_pkce_is_no_question_it_is_not_asked(visitor: Visitor, kind: str) -> None:
    assert 'name="require_pkce"' not in visitor.get(f"{CREATE}/my-app/{kind}").html


def test_a_secret_is_shown_once_and_its_cookie_is_of_no_use_to_others(visitor: Visitor) -> None:
    response = visitor.post(f"{CREATE}/my-app/traditional", {"name": "Once"})
    cookie = response.headers["set-cookie"]
    assert "cz_cs_" not in cookie
    assert cookie.startswith("__Host-credenza_notice=")
    assert {"HttpOnly", "Secure", "SameSite=strict"} <= set(re.split("; ", cookie))
    first = visitor.get(response.headers["location"])
    assert "cz_cs_" in first.html
    assert "no-store" in first.headers["cache-control"]
    assert "cz_cs_" not in visitor.get(response.headers["location"]).html
    assert "cz_cs_" not in str(last_change(visitor))


def test_types_without_secret_get_none(visitor: Visitor) -> None:
    page = visitor.done(f"{CREATE}/third-party-app/spa", {"name": "Beam"})
    assert "cz_cs_" not in page.html
    assert "Create secret" not in page.text


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "two\nlines"])
def test_a_name_that_is_none_is_said_beside_the_field_and_nothing_is_created(visitor: Visitor, name: str) -> None:
    before = visitor.credenza.run(clients.count_clients)
    shown = visitor.refused(f"{CREATE}/my-app/spa", {"name": name, "description": "kept as typed"})
    assert 'aria-describedby="name-error' in shown
    assert "kept as typed" in shown
    assert visitor.credenza.run(clients.count_clients) == before


def test_a_form_cannot_choose_what_it_does_not_offer(visitor: Visitor) -> None:
    """SECURITY.md A-CON-03: mass assignment. SECURITY.md R-CO-04."""
    extra = {"name": "Sly", "id": "chosen", "third_party": "false", "ceiling": "x", "grant_type": "password"}
    page = visitor.done(f"{CREATE}/third-party-app/traditional", extra)
    client_id = re.search(r'id="client-id">([0-9a-f]+)<', page.html)
    assert client_id
    client = find(visitor, client_id[1])
    assert client.third_party
    assert client.grant_types == ("authorization_code", "refresh_token")


# -- settings ---------------------------------------------------------------------------------------------------------


def test_the_details_give_a_developer_everything(visitor: Visitor) -> None:
    page = visitor.get("/console/applications/app")
    for value in (
        "app",
        "https://id.example.com/authorize",
        "https://id.example.com/token",
        "https://id.example.com/.well-known/openid-configuration",
        "https://id.example.com/jwks",
        "https://id.example.com/userinfo",
        "https://id.example.com/introspect",
    ):
        assert f'data-copy="{value}"' in page.html
    assert "Show endpoint details" in page.text


def test_settings_are_saved_and_the_audit_log_knows_before_and_after(visitor: Visitor) -> None:
    changes = settings(visitor, "app", name="Harbour", require_pkce="on", cors_origins="https://app.example.com")
    page = visitor.done("/console/applications/app", changes)
    assert "Saved." in page.text
    client = find(visitor, "app")
    assert (client.name, client.require_pkce, client.cors_origins) == ("Harbour", True, ("https://app.example.com",))
    event = last_change(visitor)
    assert (event.client, event.data["action"]) == ("app", "updated")
    assert event.data["before"]["name"] == "Harbour Wiki"
    assert event.data["after"]["name"] == "Harbour"
    assert event.actor.startswith("u")
    assert event.address


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("redirect_uris", "https://app.example.com/*", "Wildcards are not allowed"),
        ("redirect_uris", "http://app.example.com/cb", "http is only allowed for"),
        ("redirect_uris", "https://app.example.com/cb#x", "no fragment"),
        ("redirect_uris", "com.example.app:/cb", "Only https addresses"),
        ("redirect_uris", "javascript:alert(1)", "not allowed"),
        ("redirect_uris", "https://good\\@evil.example/", "Character 13 of the address is U+005C REVERSE SOLIDUS"),
        ("redirect_uris", "https://app.example.com/cb\u200b", "Character 27 of the address is U+200B ZERO WIDTH SPACE"),
        ("redirect_uris", "\n".join(f"https://app.example.com/{i}" for i in range(101)), "at most 100"),
        ("post_logout_redirect_uris", "nowhere", "whole address"),
        ("cors_origins", "https://app.example.com/path", "scheme and host only"),
        ("backchannel_logout_uri", "javascript:alert(1)", "https://"),
        ("frontchannel_logout_uri", "https://other.example.net/out", "of a redirect URI"),
        ("access_token_lifetime", "0", "1 to 86400"),
        ("access_token_lifetime", "1e9", "1 to 86400"),
        ("auth_method", "none", "client_secret_basic"),
        ("id_token_alg", "HS256", "RS256"),
        ("jwks", "[1]", "JSON Web Key Set"),
        ("jwks", "[" * 50_000, "JSON Web Key Set"),
        ("jwks", '{"keys": [{"kty": "oct", "k": "AAAA"}]}', ""),
        ("jwks_uri", "http://intern.example/jwks", "https"),
        ("name", "", "Give it a name"),
        ("description", "x" * 1001, "at most"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(
    visitor: Visitor, field: str, value: str, says: str
) -> None:
    before = find(visitor, "app")
    shown = visitor.refused("/console/applications/app", settings(visitor, "app", **{field: value}))
    assert f'id="{field}-error"' in shown
    assert says in html.unescape(shown)
    assert find(visitor, "app") == before


def test_a_lifetime_that_is_left_empty_is_the_servers(visitor: Visitor) -> None:
    for text, seconds in (("900", 900), ("", 0)):
        visitor.done("/console/applications/app", settings(visitor, "app", access_token_lifetime=text))
        assert find(visitor, "app").access_token_lifetime == seconds


def test_a_signed_assertion_needs_the_public_keys_of_the_application(visitor: Visitor) -> None:
    shown = visitor.refused("/console/applications/app", settings(visitor, "app", auth_method="private_key_jwt"))
    assert "public keys are needed" in shown
    fields = settings(visitor, "app", auth_method="private_key_jwt", jwks_uri="https://app.example.com/jwks")
    visitor.done("/console/applications/app", fields)
    assert find(visitor, "app").auth_method == "private_key_jwt"


def test_a_native_application_may_have_private_schemes_and_no_others_do(visitor: Visitor) -> None:
    fields = settings(visitor, "native", redirect_uris="com.example.nat:/cb\nhttp://127.0.0.1/cb\ncom.example.nat:/two")
    visitor.done("/console/applications/native", fields)
    assert "com.example.nat:/two" in find(visitor, "native").redirect_uris


def test_settings_that_a_type_does_not_have_stay_as_they_are(visitor: Visitor) -> None:
    visitor.done("/console/applications/spa", settings(visitor, "spa", auth_method="client_secret_basic"))
    assert find(visitor, "spa").auth_method == "none"
    assert not find(visitor, "spa").confidential


def test_removing_a_redirect_uri_in_use_says_what_it_touches_first(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    client.tokens(user_agent.authorize(client))
    two = "\n".join(find(visitor, "app").redirect_uris)
    fields = settings(visitor, "app", redirect_uris="https://app.example.com/cb")
    shown = visitor.refused("/console/applications/app", fields)
    assert re.search(r"<dt>Consents</dt><dd>1</dd>", shown)
    assert re.search(r"<dt>Users</dt><dd>1</dd>", shown)
    assert re.search(r"<dt>Live tokens</dt><dd>[1-9]", shown)
    assert "Nothing is saved yet" in shown
    assert "That is not the name" not in shown, "nobody has typed a wrong one"
    shown = visitor.refused("/console/applications/app", {**fields, "confirm": "Harbour"})
    assert "That is not the name of the application." in shown
    assert len(find(visitor, "app").redirect_uris) == 2
    visitor.done("/console/applications/app", {**fields, "name": "Harbour \u2003 Wiki", "redirect_uris": two})
    visitor.done("/console/applications/app", {**fields, "confirm": "Harbour Wiki"})  # as one reads it
    assert find(visitor, "app").redirect_uris == ("https://app.example.com/cb",)


@pytest.mark.parametrize("client_id", ["a/b?c=d#e", "../..", "create", "third-party", "~7Ex", "50%25 & more", '"><x>'])
def test_any_client_id_has_an_address(visitor: Visitor, client_id: str) -> None:
    visitor.credenza.apply({"applications": [{"client_id": client_id, "name": "Odd", "type": "spa"}]})
    listed = visitor.get("/console/applications/third-party?q=Odd")
    address = next(
        link for link in listed.links if re.fullmatch(r"/console/applications/(?!create|third-party)[^/?]+", link)
    )
    page = visitor.get(address)
    assert page.status == 200
    assert f'id="client-id">{html.escape(client_id).replace("&quot;", "&#34;")}<' in page.html
    assert visitor.get(f"{address}/permissions").status == 200


@pytest.mark.parametrize("segment", ["nobody", "%00", "~00", "~ZZ", "x" * 3000])
def test_an_application_that_is_not_there_is_a_page_that_says_so(visitor: Visitor, segment: str) -> None:
    for view in ("", "/permissions", "/branding", "/users", "/activity", "/kit", "/delete", "/secrets/create"):
        assert visitor.get(f"/console/applications/{segment}{view}").status == 404


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_several_secrets_at_once_each_with_its_name_and_expiry(visitor: Visitor) -> None:
    page = visitor.done("/console/applications/app/secrets/create", {"name": "staging", "expires": "30"})
    secret = re.search(r"cz_cs_[\w-]+", page.html)
    assert secret
    assert re.search("in (1 month|29 days)", page.text)
    party = RelyingParty(visitor.credenza, "app", "https://app.example.com/cb", secret=secret[0])
    assert party.revoke("nothing").status_code == 200
    visitor.credenza.clock.move(31 * 24 * 3600)
    assert party.revoke("nothing").status_code == 401


def test_a_new_secret_is_not_used_up_by_head(visitor: Visitor) -> None:
    """It is shown once, to whoever reads the page. RFC 9110 §9.2.1."""
    sent = visitor.post("/console/applications/app/secrets/create", {"name": "staging", "expires": "30"})
    assert visitor.agent.send("HEAD", sent.headers["location"]).status_code == 200
    assert "cz_cs_" in visitor.get(sent.headers["location"]).html


@pytest.mark.parametrize("fields", [{"name": "", "expires": ""}, {"name": "x", "expires": "7"}, {"name": "x" * 101}])
def test_a_secret_has_a_name_and_one_of_the_offered_times(visitor: Visitor, fields: dict[str, str]) -> None:
    visitor.refused("/console/applications/app/secrets/create", fields)
    assert len(find(visitor, "app").secrets) == 1


def test_an_application_without_secrets_cannot_get_one(visitor: Visitor) -> None:
    assert visitor.post("/console/applications/spa/secrets/create", {"name": "x"}).status_code == 404
    assert find(visitor, "spa").secrets == ()


def test_a_secret_is_deleted_after_its_name_is_typed(visitor: Visitor) -> None:
    (secret,) = find(visitor, "app").secrets
    path = f"/console/applications/app/secrets/{secret.id}/delete"
    page = visitor.get(path)
    assert "Live tokens" in page.text
    assert "This is its only working secret" in page.text
    visitor.refused(path, {"confirm": "something else"})
    assert find(visitor, "app").secrets == (secret,)
    visitor.done(path, {"confirm": "Default"})
    assert find(visitor, "app").secrets == ()


def test_a_secret_of_another_application_is_not_there(visitor: Visitor) -> None:
    (secret,) = find(visitor, "own").secrets
    path = f"/console/applications/app/secrets/{secret.id}/delete"
    assert visitor.get(path).status == 404
    assert visitor.post(path, {"confirm": "Default"}).status_code == 404
    assert find(visitor, "own").secrets == (secret,)


# -- disabling and deleting -------------------------------------------------------------------------------------------


def test_a_disabled_application_is_refused_until_it_is_enabled(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    visitor.done("/console/applications/app/availability")
    assert not find(visitor, "app").enabled
    refused = user_agent.get(client.authorization_url())
    assert isinstance(refused, PageSeen)
    assert refused.status == 400
    visitor.done("/console/applications/app/availability", {"enabled": "on"})
    assert find(visitor, "app").enabled


def test_an_application_is_deleted_after_its_name_is_typed(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    tokens = client.tokens(user_agent.authorize(client))
    assert re.search(r"<dt>Consents</dt><dd>1</dd>", visitor.get("/console/applications/app/delete").html)
    shown = visitor.refused("/console/applications/app/delete", {"confirm": "harbour wiki"})
    assert "That is not its name." in shown
    assert find(visitor, "app")
    page = visitor.done("/console/applications/app/delete", {"confirm": "Harbour Wiki"})
    assert "Harbour Wiki was deleted." in page.text
    assert visitor.get("/console/applications/app").status == 404
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert last_change(visitor).data["action"] == "deleted"


def test_a_name_is_typed_as_the_page_shows_it(visitor: Visitor) -> None:
    """A browser shows two spaces, or one that does not break, as one."""
    page = visitor.done(f"{CREATE}/my-app/spa", {"name": "Night\u00a0 Harbour\u3000Job"})
    found = re.search(r'id="client-id">([0-9a-f]+)<', page.html)
    assert found
    address = f"/console/applications/{found[1]}/delete"
    visitor.refused(address, {"confirm": "NightHarbour Job"})
    assert "was deleted" in visitor.done(address, {"confirm": "Night Harbour Job"}).text


def test_one_with_very_many_tokens_is_disabled_and_goes_a_little_at_a_time(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one transaction, on SQLite even in one step of the event loop, it would keep everybody waiting."""
    machine = RelyingParty(visitor.credenza, "machine", "")
    kept = machine.post("/token", {"grant_type": "client_credentials"}).json()["access_token"]
    tokens = [client.tokens(user_agent.authorize(client)) for _ in range(5)]
    steps = []

    async def delete_batch(table: Any, condition: Any, *, batch: int) -> int:
        enabled = await clients.find_client("app", visitor.credenza.server.client_types)
        assert enabled is not None
        assert not enabled.enabled, "nothing new comes meanwhile"
        steps.append(await batches.delete_batch(table, condition, batch=batch))
        return steps[-1]

    monkeypatch.setattr(clearing, "LARGE", 4)
    monkeypatch.setattr(clearing, "BATCH", 2)
    monkeypatch.setattr(clearing, "delete_batch", delete_batch)
    visitor.done("/console/applications/app/delete", {"confirm": "Harbour Wiki"})
    assert steps[:4] == [2, 2, 1, 0], "the access tokens"
    assert steps[-3:] == [1, 0, 0], "and at last the consent, and nobody who is still to be told"
    assert {client.userinfo(each["access_token"]).status_code for each in tokens} == {401}
    assert machine.introspect(kept)["active"]
    actions = [event.data["action"] for event in visitor.credenza.run(audit.list_events, name="ObjectChanged")]
    assert actions[:2] == ["deleted", "disabled"]


# -- other views ------------------------------------------------------------------------------------------------------


def test_users_tells_who_authorized_it_and_for_what(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    assert "Nobody authorized it yet" in visitor.get("/console/applications/app/users").text
    user_agent.authorize(client)
    page = visitor.get("/console/applications/app/users")
    assert "Ada Lovelace" in page.text
    assert "ada@example.com" in page.text
    assert "Ada Lovelace" in visitor.get("/console/applications/app/users?q=ADA").text
    assert "Nobody matches" in visitor.get("/console/applications/app/users?q=grace").text


def test_activity_finds_the_error_that_a_developer_reports(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    refused = user_agent.get(client.authorization_url(redirect_uri="https://app.example.com/wrong"))
    assert isinstance(refused, PageSeen)
    error_id = re.search(r"Error id ([0-9a-f]+)", refused.text)
    assert error_id
    page = visitor.get(f"/console/applications/app/activity?q={error_id[1]}")
    assert "Authorization refused" in page.text
    assert "is not registered for it. redirect_uri that was sent: https://app.example.com/wrong" in page.text
    assert "No such event" in visitor.get("/console/applications/app/activity?q=abcdef").text


def test_the_kit_is_filled_in(visitor: Visitor) -> None:
    page = visitor.get("/console/applications/app/kit")
    for value in ("OIDC_CLIENT_ID=app", "Authlib", "openid-client", "OIDCClientID app", "https://app.example.com/cb"):
        assert value in page.text
    assert "grant_type=client_credentials" in visitor.get("/console/applications/machine/kit").text
    assert "OIDCClientID" not in visitor.get("/console/applications/spa/kit").text


def test_a_name_with_markup_is_shown_as_text_everywhere(visitor: Visitor) -> None:
    evil = SCRIPT + '"><x hx-get=/console/audit-log hx-trigger=load>{{7*7}}'
    visitor.done("/console/applications/app", settings(visitor, "app", name=evil, description=evil))
    for path in (
        "/console",
        "/console/applications/third-party",
        "/console/audit-log",
        "/console/applications/app",
        *(
            f"/console/applications/app/{view}"
            for view in ("permissions", "branding", "users", "activity", "kit", "delete", "permissions/add")
        ),
    ):
        page = visitor.get(path)
        assert SCRIPT not in page.html, path
        assert "<x hx-get" not in page.html, path


def test_whoever_comes_from_a_disabled_application_reads_which(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    visitor.done("/console/applications/app/availability")
    page = user_agent.get(client.authorization_url())
    assert "Harbour Wiki has been disabled here." in page.text
    assert "client_id app" in page.text, "for its developer"


def test_applications_are_filtered_by_type_and_state(visitor: Visitor) -> None:
    def found(query: str) -> list[str]:
        return list(visitor.get(f"/console/applications/third-party?{query}", HX_Request="true").links)

    spa = "/console/applications/spa"
    assert spa in found("kind=spa")
    assert "/console/applications/app" not in found("kind=spa")
    assert spa in found("state=unused&kind=spa")
    assert spa not in found("state=disabled")
    visitor.done(f"{spa}/availability")
    assert spa in found("state=disabled")
    assert spa not in found("state=active")
    assert spa in found("state=nonsense")


def test_what_is_still_to_do_is_said_until_it_is_done(visitor: Visitor) -> None:
    page = visitor.done("/console/applications/create/third-party-app/traditional", {"name": "Gull Watch"})
    address = page.url.removeprefix(visitor.credenza.issuer)
    assert "Add a redirect URI" in page.text
    assert f"{address}/permissions/add" in page.links
    assert "Create a secret" not in page.text
    visitor.done(address, settings(visitor, address.rpartition("/")[2], redirect_uris="https://gull.example.net/cb"))
    visitor.done(f"{address}/permissions/add", {"permission": "profile email"})
    assert "Still to do" not in visitor.get(address).text
    assert "Still to do" not in visitor.get("/console/applications/app").text


def test_a_list_sorted_by_last_use_ends_with_what_was_never_used(visitor: Visitor) -> None:
    visitor.credenza.run(clients.touch_client, "native", None, visitor.credenza.server.now())
    three = {f"/console/applications/{name}" for name in ("app", "native", "spa")}
    for sort, place in (("-last_used_at", 0), ("last_used_at", -1)):
        page = visitor.get(f"/console/applications/third-party?sort={sort}")
        assert [link for link in page.links if link in three][place] == "/console/applications/native"
