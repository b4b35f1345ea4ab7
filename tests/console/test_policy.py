"""Signing keys, branding, the audit log, plugins, search and the overview."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from PIL import Image

from credenza import audit, clients, keys, provider, revoke_key, rotate_keys, users
from credenza.rotation import rotate_when_due
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent

Visitor = Any  # see conftest.py
DAY = 86_400


def test_the_overview_counts_today_and_draws_two_weeks(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    client.tokens(user_agent.authorize(client))
    page = visitor.get("/console")
    assert re.search(r">Sign-ins</a></span>\s*<strong>[2-9]</strong>", page.html)
    assert re.search(r">Consents</a></span>\s*<strong>1</strong>", page.html)
    assert page.html.count(" days ago</title></rect>") == 5 * 12
    assert "Harbour Wiki" in page.text
    # Since the server started, which may have been yesterday; the two that are ours are on another list.
    assert "New third-party apps: 3 in 14 days" in page.html
    assert visitor.get("/console/applications/third-party?sort=-created_at").html.count('data-label="Created"') == 3
    assert "/console/audit-log?failed=1" in page.links


def test_the_overview_counts_the_errors_that_the_audit_log_has(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    user_agent.get(client.authorization_url())
    user_agent.sign_in()
    user_agent.decide("deny")
    failed = [e for e in visitor.credenza.run(audit.list_events, limit=500) if e.result != "success"]
    assert "ConsentRefused" in {event.name for event in failed}
    assert f"Errors: {len(failed)} in 14 days" in visitor.get("/console").html


def test_the_front_door_leads_administrators_to_the_console(visitor: Visitor) -> None:
    assert visitor.get("/").url.endswith("/console")


# -- signing keys -----------------------------------------------------------------------------------------------------


def test_keys_are_rotated_after_a_look_at_what_applications_will_see(visitor: Visitor) -> None:
    before = {key.kid: key.state for key in visitor.credenza.run(keys.list_keys)}
    page = visitor.get("/console/signing-keys/rotate")
    for kid in before:
        assert kid in page.text
    seen = dict(re.findall(r'aria-label="The key set (before|after)"><code>(.*?)</code>', page.html, re.DOTALL))
    shown = {name: [key["kid"] for key in json.loads(unescape(text))["keys"]] for name, text in seen.items()}
    published = visitor.credenza.request("GET", "/jwks").json()["keys"]
    assert shown["before"] == [key["kid"] for key in published]
    assert shown["after"][: len(published)] == shown["before"]
    assert set(shown["after"][len(published) :]) == {"(new)"}
    assert {key.kid: key.state for key in visitor.credenza.run(keys.list_keys)} == before
    visitor.done("/console/signing-keys/rotate")
    after = {key.kid: key.state for key in visitor.credenza.run(keys.list_keys)}
    for kid, state in before.items():
        assert after[kid] == {"next": "active", "active": "retired"}[state]
    event = visitor.credenza.run(audit.list_events, name="SigningKeyMoved", limit=1)[0]
    assert event.actor.startswith("u")


def test_a_key_that_leaked_is_out_of_the_key_set_at_once(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    leaked = jwt.get_unverified_header(tokens["id_token"])["kid"]
    stored = {key.kid: key for key in visitor.credenza.run(keys.list_keys)}
    alg = stored[leaked].alg
    [following] = [key.kid for key in stored.values() if (key.alg, key.state) == (alg, "next")]
    path = f"/console/signing-keys/{leaked}/revoke"
    assert "The next key, which applications already know, signs from now on" in visitor.get(path).text
    assert "That is not how its ID begins." in visitor.refused(path, {"confirm": "no"})
    assert leaked in {key["kid"] for key in visitor.credenza.request("GET", "/jwks").json()["keys"]}
    visitor.done(path, {"confirm": leaked[:8]})
    published = {key["kid"] for key in visitor.credenza.request("GET", "/jwks").json()["keys"]}
    assert leaked not in published
    assert stored.keys() - {leaked} < published, "a new next one is there, and all others still are"
    states = {key.kid: key.state for key in visitor.credenza.run(keys.list_keys) if key.alg == alg}
    assert states.pop(following) == "active"
    assert list(states.values()) == ["next"]
    fresh = client.refresh(tokens["refresh_token"]).json()["id_token"]
    assert jwt.get_unverified_header(fresh)["kid"] == following
    seen = user_agent.get(
        f"/logout?id_token_hint={tokens['id_token']}&post_logout_redirect_uri=https://app.example.com/"
    )
    assert isinstance(seen, PageSeen), "what the key signed is believed by nobody, us neither"
    assert visitor.get(path).status == 404


def test_a_next_key_and_a_retired_one_can_be_revoked(credenza: Credenza) -> None:
    found = credenza.run(keys.list_keys)
    [waiting] = [key for key in found if (key.alg, key.state) == ("ES256", "next")]
    assert credenza.run(lambda: revoke_key(credenza.server, waiting.kid, actor="test"))
    credenza.run(lambda: rotate_keys(credenza.server, actor="test"))
    before = credenza.run(keys.list_keys)
    [old] = [key for key in before if (key.alg, key.state) == ("ES256", "retired")]
    assert credenza.run(lambda: revoke_key(credenza.server, old.kid, actor="test"))
    assert {key.kid for key in credenza.run(keys.list_keys)} == {key.kid for key in before} - {old.kid}
    assert not credenza.run(lambda: revoke_key(credenza.server, old.kid, actor="test"))
    assert waiting.kid not in {key.kid for key in before}


@pytest.mark.parametrize("credenza_settings", [{"signing_key_days": 90}])
def test_keys_rotate_by_themselves_when_the_settings_say_so(credenza: Credenza) -> None:
    """The keys of the tests' database began to sign when that was made: now, or an hour ago."""
    before = {key.kid: key.state for key in credenza.run(keys.list_keys)}

    def states() -> dict[str, str]:
        credenza.run(rotate_when_due, credenza.server)
        return {key.kid: key.state for key in credenza.run(keys.list_keys)}

    credenza.clock.move(89 * DAY)
    assert states() == before
    credenza.clock.move(2 * DAY)
    after = states()
    assert {after[kid] for kid, state in before.items() if state == "next"} == {"active"}
    assert states() == after, "once, whoever else looks at the same moment"
    since = credenza.server.now() - 90 * DAY
    credenza.run(lambda: rotate_keys(credenza.server, actor="another worker", unless_since=since))
    assert {key.kid: key.state for key in credenza.run(keys.list_keys)} == after


def test_private_keys_are_nowhere(visitor: Visitor) -> None:
    private = [key.private_key for key in visitor.credenza.run(keys.list_keys)]
    for path in ("/console/signing-keys", "/console/signing-keys/rotate", "/console/audit-log"):
        assert not any(key[:40] in visitor.get(path).html for key in private)


# -- branding ---------------------------------------------------------------------------------------------------------


def brand(visitor: Visitor, files: dict[str, Any] | None = None, **fields: str) -> Any:
    return visitor.agent.send(
        "POST",
        "/console/branding",
        data={"csrf_token": visitor.token(), **fields},
        files={"favicon": ("", b""), **(files or {})},
        headers={"origin": visitor.credenza.issuer},
    )


def test_the_brand_of_the_provider_is_saved_and_shown(visitor: Visitor) -> None:
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "#123456").save(out, "PNG")
    fields = {"display_name": "Harbour ID", "primary_color": "#7a1f5a", "theme": "plain"}
    assert brand(visitor, {"logo": ("logo.png", out.getvalue(), "image/png")}, **fields).status_code == 303
    saved = visitor.credenza.run(provider.find_provider_setting, "branding")
    assert saved["display_name"] == "Harbour ID"
    assert saved["logo"].startswith("/image/")
    page = visitor.get("/console/branding")
    assert "Harbour ID console" in page.text
    assert "/branding/" in page.html


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("primary_color", "#ffff00", "The nearest colour that passes is"),
        ("primary_color", "red; } body { display:none", "not a colour"),
        ("dark_primary_color", "#000000", "contrast"),
        ("terms_uri", "javascript:alert(1)", "https://"),
        ("theme", "nothing", "no such theme"),
        ("display_name", "x" * 101, "at most 100"),
    ],
)
def test_a_brand_that_cannot_be_read_or_linked_is_refused_with_the_reason(
    visitor: Visitor, field: str, value: str, says: str
) -> None:
    answer = brand(visitor, **{field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert says in answer.text
    assert visitor.credenza.run(provider.find_provider_setting, "branding") == {}


# -- audit log --------------------------------------------------------------------------------------------------------


def test_the_audit_log_is_filtered(visitor: Visitor, user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.authorize(client)
    assert "Consent given" in visitor.get("/console/audit-log?name=ConsentGiven").text
    assert "Signed in" not in visitor.get("/console/audit-log?name=ConsentGiven", HX_Request="true").text
    assert "ada@example.com" in visitor.get("/console/audit-log?user=ada").text
    assert "Consent given" in visitor.get("/console/audit-log?client=app").text
    assert "No event matches" in visitor.get("/console/audit-log?client=nobody").text
    assert "No event matches" in visitor.get("/console/audit-log?error=abc").text


def test_the_audit_log_is_filtered_by_the_name_of_an_application(visitor: Visitor) -> None:
    """Or by its id, which still means that one when another is called so."""
    names = {"app": "Harbour Wiki", "logs": "Harbour Log", "gone": "Gone", "other": "Not gone", "third": "harbour log"}
    for client, name in names.items():
        if client != "app":
            visitor.credenza.apply({"applications": [{"client_id": client, "name": name, "type": "spa"}]})
    assert visitor.credenza.run(clients.delete_client, "gone")
    for client in names:
        visitor.credenza.run(insert, {"of": f"<{client}>"}, client)

    def found(query: str) -> set[str]:
        html = visitor.get(f"/console/audit-log?name=PartMoved&{query}", HX_Request="true").html
        answer = visitor.agent.send("GET", f"/console/audit-log/export?format=json&name=PartMoved&{query}")
        shown = set(re.findall(r"&lt;(\w+)&gt;", html))
        assert shown == {record["client"] for record in answer.json()}
        return shown

    assert found("client=HARBOUR+LOG") == {"logs", "third"}, "by the whole name"
    assert found("client=wiki+har") == {"app"}, "by words of it, in any order"
    assert found("client=harbour") == {"app", "logs", "third"}
    assert found("client=gone") == {"gone"}, "by the id, though it was deleted"
    assert found("client=harbour&actor=root") == {"app", "logs", "third"}
    assert found("client=harbour&user=nobody") == set()
    assert found("client=nothing") == set()
    assert 'placeholder="Name or client ID"' in visitor.get("/console/audit-log").html


def test_of_very_many_applications_of_a_name_the_audit_log_wants_more_of_it(visitor: Visitor) -> None:
    visitor.credenza.apply({"applications": [{"name": f"Tide {i}", "type": "spa"} for i in range(51)]})
    for page in (
        visitor.get("/console/audit-log?client=tide"),
        visitor.get("/console/audit-log?client=tide", HX_Request="true"),
    ):
        assert "More than 50 applications have this in their name" in page.text
        assert "<tbody>" not in page.html
    assert visitor.get("/console/audit-log/export?client=tide").status == 404
    assert "More than 50" not in visitor.get("/console/audit-log?client=tide+50").text


def test_the_audit_log_names_applications(visitor: Visitor, user_agent: UserAgent, client: RelyingParty) -> None:
    """By their names, beside the ids, which nobody can make look like another's."""
    client.tokens(user_agent.authorize(client))
    page = visitor.get("/console/audit-log?client=app&name=TokenIssued")
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page.html, re.DOTALL)
    name = visitor.credenza.run(clients.names_of_clients, ["app", "gone"])["app"]
    assert name != "app"
    assert "The application" in cells[2]
    assert f'href="/console/applications/app" title="{name}">{name}</a>' in cells[3]
    assert ">app</code>" in cells[3]
    event = next(link for link in page.links if re.fullmatch(r"/console/audit-log/[0-9]+", link))
    shown = visitor.get(event)
    assert f'<a href="/console/applications/app">{name}</a>' in shown.html
    assert "The application" in shown.text


def test_what_somebody_answered_is_in_the_audit_log_in_words(
    visitor: Visitor, user_agent: UserAgent, client: RelyingParty
) -> None:
    """The permissions as the consent page calls them, and the organization by its name; nothing of it is markup."""
    visitor.credenza.apply(
        {
            "organization_template": {
                "permissions": [
                    {"name": "members:read", "description": "See <b>who</b> is a member"},
                    {"name": "members:write", "description": "Change who is a member"},
                ],
                "roles": [{"name": "owner", "permissions": ["members:read", "members:write"]}],
            },
            "organizations": [{"name": "Acme <i>", "members": [{"username": "ada", "roles": ["owner"]}]}],
            "applications": [
                {
                    "client_id": "app",
                    "name": "Harbour Wiki",
                    "permissions": {"organization": ["members:read", "members:write?"]},
                }
            ],
        }
    )
    asked = "openid urn:credenza:scope:organizations members:read members:write"
    user_agent.get(client.authorization_url(scope=asked))
    user_agent.sign_in("ada")
    user_agent.decide(permissions=[])
    listed = visitor.get("/console/audit-log?name=ConsentGiven")
    for page in (listed, newest(visitor, "ConsentGiven")):
        facts = {
            name.lower(): text for name, text in re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", page.html, re.DOTALL)
        }
        assert "Acme &lt;i&gt;" in facts["for"]
        assert "See &lt;b&gt;who&lt;/b&gt; is a member <code>members:read</code>" in facts["granted"]
        assert "Change who is a member <code>members:write</code>" in facts["declined"]
        assert "Change who is a member <code>members:write</code>: declined" in facts["decided"]
        assert "organization members:" not in page.text
        assert "[" not in "".join(facts.values())
    (record,) = visitor.agent.send("GET", "/console/audit-log/export?format=json&name=ConsentGiven").json()
    assert "organization members:read" in record["data"]["granted"]


def test_other_data_of_an_event_are_names_and_values(visitor: Visitor) -> None:
    """Also what a plugin wrote that is there no more, whatever it was."""
    data = {
        "some_parts": {"first_part": ["a", "<b>"], "second": {"deep": True}},
        "granted": ["gone read:all", "unknown"],
        "declined": {"not": "a list"},
        "verdicts": ["granted", ["gone read:all", "granted", "again"]],
        "context": ["no text"],
        "permissions": [["no text"], 7],
        "done": False,
    }
    visitor.credenza.run(insert, data)
    page = newest(visitor, "PartMoved")
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", page.html, re.DOTALL))
    assert "first part <code>a, &lt;b&gt;</code>" in facts["Some parts"]
    assert "second <code>deep: yes</code>" in facts["Some parts"]
    assert "<code>gone read:all</code>" in facts["Granted"]
    assert "<code>unknown</code>" in facts["Granted"]
    assert "not <code>a list</code>" in facts["Declined"]
    assert "<code>gone read:all, granted, again</code>" in facts["Decided"]
    assert "<code>no text</code>" in facts["For"]
    assert "<code>7</code>" in facts["Permissions"]
    assert "<code>no</code>" in facts["Done"]


def test_a_context_that_is_no_answer_is_shown_as_it_stands(visitor: Visitor) -> None:
    visitor.credenza.run(insert, {"context": "the north wing"})
    assert "<code>the north wing</code>" in newest(visitor, "PartMoved").html


def newest(visitor: Visitor, name: str) -> PageSeen:
    links = visitor.get(f"/console/audit-log?name={name}").links
    seen = visitor.get(next(link for link in links if re.fullmatch(r"/console/audit-log/[0-9]+", link)))
    assert isinstance(seen, PageSeen)
    return seen


async def insert(data: dict[str, Any], client: str = "") -> None:
    root = await users.find_user_by_identifier("root")
    assert root is not None
    await audit.insert_event(at=1, name="PartMoved", result="success", actor=root.id, client=client, data=data)


def test_older_events_are_a_page_away(visitor: Visitor) -> None:
    visitor.credenza.apply({"applications": [{"name": f"App {i}", "type": "spa"} for i in range(60)]})
    page = visitor.get("/console/audit-log")
    older = next(link for link in page.links if "before=" in link)
    assert "Application created" in visitor.get(older).text


def test_an_event_has_a_page_with_what_was_before_and_after(visitor: Visitor) -> None:
    visitor.credenza.apply({"users": [{"username": "ada", "email": "ada@new.example"}]})
    user = visitor.credenza.run(users.find_user_by_identifier, "ada")
    visitor.done(f"/console/users/{user.id}", {"username": "ada", "name": "Ada King", "email": "ada@new.example"})
    listed = visitor.get("/console/audit-log?name=ObjectChanged")
    address = next(link for link in listed.links if re.fullmatch(r"/console/audit-log/[0-9]+", link))
    page = visitor.get(address)
    assert "User updated" in page.text
    assert re.search(r"<del><code>[^<]*Ada Lovelace", page.html)
    assert re.search(r"<ins><code>[^<]*Ada King", page.html)
    assert f"/console/users/{user.id}" in page.links
    for gone in ("0", "99999999", "x", "1" * 40, "-1"):
        assert visitor.get(f"/console/audit-log/{gone}").status == 404


def test_events_are_filtered_by_who_did_it_by_day_and_by_result(visitor: Visitor) -> None:
    def words(query: str) -> str:
        return str(visitor.get(f"/console/audit-log?{query}", HX_Request="true").text)

    visitor.credenza.request("GET", "/authorize?client_id=nobody")
    today = datetime.fromtimestamp(visitor.credenza.server.now(), UTC).strftime("%Y-%m-%d")
    assert "Signed in" in words("actor=root")
    assert "No event matches" in words("actor=grace")
    assert "Signed in" in words(f"since={today}&until={today}")
    assert "No event matches" in words("until=2001-01-01")
    assert "No event matches" in words("since=2999-01-01")
    only_failed = words("failed=1")
    assert "Signed in" not in only_failed
    assert "Authorization refused" in only_failed
    page = visitor.get("/console/audit-log?since=yesterday")
    assert 'id="since-error"' in page.html
    assert 'value="yesterday"' in page.html


def test_the_audit_log_is_exported_as_csv_and_json(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credenza_console.audit_log.export.BATCH", 10)
    visitor.credenza.apply({"applications": [{"name": f"=App {i}", "type": "spa"} for i in range(25)]})
    address = "/console/audit-log/export?name=ObjectChanged"
    answer = visitor.agent.send("GET", f"{address}&format=json")
    assert "attachment" in answer.headers["content-disposition"]
    records = answer.json()
    assert len(records) > 25
    assert [int(record["id"]) for record in records] == sorted((int(r["id"]) for r in records), reverse=True)
    assert {record["event"] for record in records} == {"ObjectChanged"}
    rows = list(csv.DictReader(io.StringIO(visitor.agent.send("GET", f"{address}&format=csv").text)))
    assert [row["id"] for row in rows] == [record["id"] for record in records]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert json.loads(rows[0]["data"]) == records[0]["data"]
    assert visitor.agent.send("GET", f"{address}&format=xlsx").status_code == 404
    assert visitor.agent.send("GET", "/console/audit-log/export?format=json&name=Nothing").json() == []
    for wrong in ("since=yesterday", "until=2026-02-30"):  # the page has an error beside the field, and no rows
        assert visitor.get(f"/console/audit-log/export?{wrong}").status == 404


# -- plugins and search -----------------------------------------------------------------------------------------------


def test_plugins_says_what_is_loaded_and_what_each_brings(visitor: Visitor) -> None:
    text = visitor.get("/console/plugins").text
    assert "traditional" in text
    assert "register_client_types" in text
    assert "console_pages" in text
    assert re.search(r"register_client_types [0-9]+\.[0-9]{2} ms", text)
    assert "register_state not asked yet" in text


def test_search_finds_pages_applications_and_users(visitor: Visitor) -> None:
    assert "/console/signing-keys" in visitor.get("/console/search?q=signing", HX_Request="true").links
    page = visitor.get("/console/search?q=harbour", HX_Request="true")
    assert "/console/applications/app" in page.links
    assert any(link.startswith("/console/users/u") for link in visitor.get("/console/search?q=ada").links)
    assert "Nothing matches" in visitor.get("/console/search?q=zzzz").text
    assert "/console/applications/create/third-party-app" in visitor.get("/console/search?q=create+app").links


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("ORDERS", "/console/api-resources/"),
        ("https://orders.example", "/console/api-resources/"),
        ("orders:write", "/console/api-resources/"),
        ("suppo", "/console/roles/"),
        ("acme", "/console/organizations/"),
        ("captain", "/console/organization-template/roles/"),
        ("members:re", "/console/organization-template/permissions/"),
    ],
)
def test_search_finds_what_the_pages_of_plugins_are_about(visitor: Visitor, words: str, address: str) -> None:
    visitor.credenza.apply(
        {
            "organizations": [{"name": "Acme Harbour"}],
            "organization_template": {
                "permissions": [{"name": "members:read", "description": "See who is a member"}],
                "roles": [{"name": "Captain", "permissions": ["members:read"]}],
            },
        }
    )
    found = [link for link in visitor.get(f"/console/search?q={quote(words)}").links if link.startswith(address)]
    assert found
    assert visitor.get(found[0]).status == 200


def test_search_finds_an_error_id(visitor: Visitor) -> None:
    page = visitor.agent.get("/authorize?client_id=nobody")
    error_id = visitor.credenza.run(audit.list_events, name="AuthorizationRefused", limit=1)[0].error_id
    assert error_id in page.text
    assert f"/console/audit-log?error={error_id}" in visitor.get(f"/console/search?q={error_id}").links
    assert not any("error=" in link for link in visitor.get("/console/search?q=ffffffffffff").links)


def test_search_shows_nobody_what_their_role_may_not_see(administrator: Any) -> None:
    page = administrator("applications").get("/console/search?q=ada", HX_Request="true")
    assert not any(link.startswith("/console/users/") for link in page.links)


def test_the_audit_log_leads_to_no_application_that_is_not_there(visitor: Visitor) -> None:
    """Somebody asked for one that never was; what was deleted is named, too."""
    visitor.credenza.request("GET", "/authorize?client_id=nobody-knows-it&response_type=code")
    page = visitor.get("/console/audit-log?client=nobody-knows-it")
    assert "nobody-knows-it" in page.text
    assert "/console/applications/nobody-knows-it" not in page.links
    (event,) = {link for link in page.links if re.fullmatch(r"/console/audit-log/[0-9]+", link)}
    assert "/console/applications/nobody-knows-it" not in visitor.get(event).links
