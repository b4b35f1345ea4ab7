"""The integration kit of an application, and "Try it": the whole flow with the console in the application's place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from credenza import ClientType, audit, clients, hookimpl
from credenza.testing import ISSUER, ORDERS, SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent

Visitor = Any  # see conftest.py

BACK = f"{ISSUER}/console/trial"


def follow(visitor: Visitor, path: str, **fields: str) -> PageSeen:
    """Start a run, authorize, and see how it ends."""
    answer = visitor.post(path, {"scope": "openid profile email", "resource": "", "prompt": "", **fields})
    assert answer.status_code == 303, answer.text
    page = visitor.get(answer.headers["location"])
    if page.name == "consent":
        page = visitor.agent.decide()
    assert isinstance(page, PageSeen)
    return page


def blocks(page: PageSeen) -> dict[str, str]:
    """What stands in the boxes of the page, by their labels."""
    found = re.findall(r'<pre tabindex="0" aria-label="([^"]*)"><code>(.*?)</code>', page.html, re.DOTALL)
    return {label: unescape(text) for label, text in found}


# -- the kit ----------------------------------------------------------------------------------------------------------


def test_the_kit_of_a_server_is_filled_in_for_each_library(visitor: Visitor) -> None:
    page = visitor.get("/console/applications/app/kit")
    found = blocks(page)
    for library in (
        "Authlib",
        "Auth.js",
        "openid-client",
        "oauth4webapi",
        "Spring Security",
        "ASP.NET Core",
        "go-oidc",
        "OmniAuth",
        "mod_auth_openidc",
    ):
        code = found[f"Snippet for {library}"]
        assert ISSUER in code, library
        assert re.search(r"\bapp\b", code), library
        if library != "Auth.js":  # which has a path of its own, and its hint says which
            assert "https://app.example.com/cb" in code or '"/cb"' in code, library
        assert "email" in code, library
    assert SECRET not in page.html


@pytest.mark.parametrize(
    ("application", "has", "lacks"),
    [
        ("spa", ["oidc-client-ts", "openid-client", "oauth4webapi"], ["Spring Security", "mod_auth_openidc"]),
        ("native", ["openid-client", "Authlib", "go-oidc"], ["oidc-client-ts", "Auth.js"]),
        ("machine", ["curl"], ["Authlib"]),
    ],
)
def test_other_types_get_what_fits_them(visitor: Visitor, application: str, has: list[str], lacks: list[str]) -> None:
    found = blocks(visitor.get(f"/console/applications/{application}/kit"))
    assert all(f"Snippet for {name}" in found for name in has)
    assert not any(f"Snippet for {name}" in found for name in lacks)
    assert not any("SECRET" in code.upper() and "client_secret" in code for code in found.values())


def test_an_application_that_may_call_apis_is_told_how_to_name_them(visitor: Visitor) -> None:
    """RFC 8707 §2: without `resource` an API's scope names nothing, and the token is none for the API."""
    stock = {"identifier": "https://stock.example.com", "name": "Stock", "permissions": [{"name": "stock:read"}]}
    enabled = {"profile": ["email"], "api": {ORDERS: ["orders:read"], stock["identifier"]: ["stock:read"]}}
    app = {"client_id": "app", "name": "Harbour Wiki", "permissions": enabled}
    role = {"name": "support", "permissions": enabled["api"]}
    visitor.credenza.apply({"api_resources": [stock], "roles": [role], "applications": [app]})
    code = blocks(visitor.get("/console/applications/app/kit"))["Snippet for Call an API"]
    asked, exchange = ([line for line in part.splitlines() if "=" in line] for part in code.split("\n\n"))
    user_agent, party = UserAgent(visitor.credenza), RelyingParty(visitor.credenza, "app", "https://app.example.com/cb")
    pairs = [tuple(line.split("=", 1)) for line in asked]
    address = party.authorization_url(scope=dict(pairs)["scope"])
    user_agent.get(address + "&" + urlencode([pair for pair in pairs if pair[0] == "resource"]))
    user_agent.sign_in()
    tokens = party.tokens(user_agent.decide(), **dict(line.split("=", 1) for line in exchange))
    assert tokens["scope"] == "orders:read"
    visitor.credenza.apply({"applications": [app | {"permissions": {"profile": ["email"]}}]})
    assert "Snippet for Call an API" not in blocks(visitor.get("/console/applications/app/kit"))


def test_who_may_call_an_api_in_an_organization_is_told_to_ask_which(visitor: Visitor) -> None:
    """PRODUCT M23: "Organization permissions need the first of them in the request"; it is enabled with them."""
    role = {"name": "owner", "api_permissions": {ORDERS: ["orders:write"]}}
    organization = {"name": "Acme", "members": [{"username": "ada", "roles": ["owner"]}]}
    enabled = {"organization_api": {ORDERS: ["orders:write"]}}
    visitor.credenza.apply(
        {
            "organization_template": {"roles": [role]},
            "organizations": [organization],
            "applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": enabled}],
        }
    )
    asked, exchange = blocks(visitor.get("/console/applications/app/kit"))["Snippet for Call an API"].split("\n\n")
    user_agent, party = UserAgent(visitor.credenza), RelyingParty(visitor.credenza, "app", "https://app.example.com/cb")
    user_agent.get(party.authorization_url(**dict(line.split("=", 1) for line in asked.splitlines()[1:])))
    user_agent.sign_in()
    tokens = party.tokens(user_agent.decide(), **dict(line.split("=", 1) for line in exchange.splitlines()[1:]))
    assert tokens["scope"] == "orders:write"


class Television:
    """Whoever brings this type has no redirect URIs: people sign in with a code."""

    @hookimpl
    def register_client_types(self) -> ClientType:
        grants = ("urn:ietf:params:oauth:grant-type:device_code", "refresh_token")
        return ClientType("tv", "TV", "A television.", grants, auth_methods=("none",))


@pytest.mark.parametrize("credenza_plugins", [[("tv", Television())]])
def test_an_application_of_codes_only_is_one_that_people_sign_in_to(visitor: Visitor) -> None:
    telly = {"client_id": "telly", "name": "Telly", "type": "tv", "third_party": True}
    visitor.credenza.apply({"applications": [telly | {"permissions": {"profile": ["profile"]}}]})
    page = visitor.get("/console/applications/telly/kit")
    assert list(blocks(page)) == ["The .env file", "Snippet for Device authorization"]
    assert "client_credentials" not in page.text
    assert "redirect URI" not in page.text
    assert "OIDC_REDIRECT_URI" not in blocks(page)["The .env file"]
    assert "a code that the device shows" in visitor.get("/console/applications/telly/try").text
    page = visitor.get("/console/applications/telly")
    assert {"/console/applications/telly/branding", "/console/applications/telly/users"} <= set(page.links)
    assert "Redirect URIs" not in page.text
    assert "Edit roles" not in page.text
    fields = {"name": "Telly two", "offline_access": "on", "id_token_alg": "RS256", "access_token_lifetime": "600"}
    visitor.done("/console/applications/telly", fields)
    assert "Telly two" in visitor.get("/console/applications/telly").text


def test_a_native_application_that_may_use_codes_is_told_how(visitor: Visitor) -> None:
    assert "Snippet for Device authorization" not in blocks(visitor.get("/console/applications/native/kit"))
    codes = {
        "client_id": "box",
        "name": "Box",
        "type": "native",
        "third_party": True,
        "redirect_uris": ["com.example.box:/callback"],
        "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
    }
    visitor.credenza.apply({"applications": [codes]})
    found = blocks(visitor.get("/console/applications/box/kit"))
    assert f"{ISSUER}/device_authorization -d client_id=box" in found["Snippet for Device authorization"]
    assert "Snippet for Authlib" in found


def test_auth_js_asks_userinfo_unless_the_id_token_has_it_all(visitor: Visitor) -> None:
    """It shows a user without a name otherwise."""
    assert "idToken: false" in blocks(visitor.get("/console/applications/app/kit"))["Snippet for Auth.js"]
    visitor.credenza.apply({"applications": [{"client_id": "app", "id_token_claims": "granted"}]})
    assert "idToken" not in blocks(visitor.get("/console/applications/app/kit"))["Snippet for Auth.js"]


def test_go_tells_an_error_instead_of_redeeming_no_code(visitor: Visitor) -> None:
    """Somebody who says no comes back without a code, and x/oauth2 would send the empty one."""
    code = blocks(visitor.get("/console/applications/app/kit"))["Snippet for go-oidc"]
    assert code.index('query.Has("error")') < code.index("config.Exchange")


def test_go_sends_no_empty_secret(visitor: Visitor) -> None:
    """x/oauth2 tries Basic first, also without a secret, and each sign-in would begin with a refused request."""
    codes = [
        blocks(visitor.get(f"/console/applications/{app}/kit"))["Snippet for go-oidc"] for app in ("native", "app")
    ]
    assert ["AuthStyleInParams" in code for code in codes] == [True, False]
    assert "ClientSecret" not in codes[0]


WITHOUT_TLS = {
    "openid-client": "allowInsecureRequests",
    "oauth4webapi": "allowInsecureRequests",
    "ASP.NET Core": "RequireHttpsMetadata = false",
    "OmniAuth": "SWD.url_builder = URI::HTTP ",
}


@pytest.mark.parametrize("credenza_settings", [{"issuer": "http://localhost:8400"}])
def test_libraries_that_insist_on_https_are_told_of_a_server_without(visitor: Visitor) -> None:
    found = blocks(visitor.get("/console/applications/app/kit"))
    assert all(line in found[f"Snippet for {library}"] for library, line in WITHOUT_TLS.items())


def test_they_are_told_nothing_of_the_kind_otherwise(visitor: Visitor) -> None:
    found = blocks(visitor.get("/console/applications/app/kit"))
    assert not any(line in found[f"Snippet for {library}"] for library, line in WITHOUT_TLS.items())


def test_the_environment_file_is_downloaded(visitor: Visitor) -> None:
    answer = visitor.agent.send("GET", "/console/applications/app/kit/env")
    assert answer.headers["content-disposition"] == 'attachment; filename=".env"'
    lines = dict(line.split("=", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert lines["OIDC_ISSUER"] == ISSUER
    assert lines["OIDC_CLIENT_ID"] == "app"
    assert lines["OIDC_REDIRECT_URI"] == "https://app.example.com/cb"
    assert SECRET not in answer.text


# -- try it -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("application", ["app", "spa", "own"])
def test_a_run_ends_with_decoded_tokens_and_checked_signatures(visitor: Visitor, application: str) -> None:
    before = visitor.credenza.run(clients.list_secrets, application)
    page = follow(visitor, f"/console/applications/{application}/try", scope="openid profile")
    assert "Everything worked" in page.text, page.text
    claims = json.loads(blocks(page)["Claims of the ID token"])
    assert (claims["iss"], claims["aud"]) == (ISSUER, application)
    assert "The signature is ours" in page.text
    assert "does not hold" not in page.text
    assert visitor.credenza.run(clients.list_secrets, application) == before, "the secret of the run is gone"
    assert "This run is over" in visitor.get(page.url).text


def test_nothing_of_a_run_stays_valid(visitor: Visitor) -> None:
    page = follow(visitor, "/console/applications/app/try", scope="openid offline_access")
    assert "The tokens were revoked again" in page.text
    events = visitor.credenza.run(audit.list_events, client="app", limit=20)
    assert any(event.name == "TokenRevoked" for event in events)
    assert not re.search(r"cz_(code|refresh|access|client_secret)_\w{20}", page.html), "tokens are shown in part"


def test_a_run_for_an_api_shows_what_was_left_out(visitor: Visitor) -> None:
    wanted = {"scope": "openid orders:read orders:write", "resource": ORDERS}
    page = follow(visitor, "/console/applications/app/try", **wanted)
    assert "invalid_target" in page.text, "root holds no role"
    assert any(link.startswith("/console/xray?client=app&user=root") for link in page.links)
    visitor.credenza.apply({"users": [{"username": "root", "roles": ["support"]}]})
    page = follow(visitor, "/console/applications/app/try", **wanted)
    assert "Left out: orders:write" in page.text
    assert json.loads(blocks(page)["Claims of the Access token"])["scope"] == "orders:read"


def test_the_scopes_of_the_chosen_api_are_added_where_none_is_named(visitor: Visitor) -> None:
    visitor.credenza.apply({"users": [{"username": "root", "roles": ["support"]}]})
    page = follow(visitor, "/console/applications/app/try", resource=ORDERS)
    assert "Everything" in page.text, page.text
    assert json.loads(blocks(page)["Claims of the Access token"])["scope"].split()[-1] == "orders:read"
    page = follow(visitor, "/console/applications/machine/try", scope="", resource=ORDERS)
    assert json.loads(blocks(page)["Claims of the Access token"])["scope"] == "orders:read"


def test_the_only_api_of_a_service_is_chosen_already(visitor: Visitor) -> None:
    """Without one the token is for nothing."""
    chosen = f'<option value="{ORDERS}" selected>'
    assert chosen in visitor.get("/console/applications/machine/try").html
    assert chosen not in visitor.get("/console/applications/app/try").html, "root holds nothing of it"


def test_a_run_that_cannot_start_does_not_speak_of_saving(visitor: Visitor) -> None:
    fields = {"scope": "openid", "resource": "https://nobody.example.com", "prompt": ""}
    shown = visitor.refused("/console/applications/app/try", fields)
    assert "Nothing was started. Check the marked fields." in shown
    assert "Nothing was saved" not in shown


def test_a_service_gets_its_token_at_once(visitor: Visitor) -> None:
    page = follow(visitor, "/console/applications/machine/try", scope="orders:read", resource=ORDERS)
    assert "Access token" in page.text
    assert "ID token" not in page.text


def test_an_error_is_shown_as_the_application_would_get_it(visitor: Visitor) -> None:
    page = follow(visitor, "/console/applications/app/try", prompt="none")
    assert "consent_required" in page.text
    assert "ID token" not in page.text


def test_a_run_belongs_to_the_browser_that_began_it(
    visitor: Visitor, visiting: Callable[[UserAgent], Visitor], credenza: Credenza
) -> None:
    answer = visitor.post("/console/applications/app/try", {"scope": "openid", "resource": "", "prompt": ""})
    page = visitor.agent.get(answer.headers["location"])
    assert isinstance(page, PageSeen)
    other = UserAgent(credenza)
    other.get("/console")
    other.sign_in("root")
    state = re.search(r"state=([0-9a-f]+)", answer.headers["location"])
    assert state is not None
    assert "This run is over" in visiting(other).get(f"/console/trial?state={state[1]}&code=x").text
    assert "This run is over" in visitor.get("/console/trial?state=wrong&code=x").text


def test_the_way_back_is_of_no_use_to_others(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """Whoever is sent there by somebody else's link ends at a page that tells nothing."""
    seen = user_agent.authorize(client, redirect_uri=BACK)
    assert isinstance(seen, PageSeen)
    assert seen.status == 403
    near = user_agent.get(client.authorization_url(redirect_uri=BACK + "/x"))
    assert isinstance(near, PageSeen)
    assert near.error == "invalid_redirect_uri"


def test_an_application_that_names_no_redirect_uri_still_has_only_its_own(
    user_agent: UserAgent, credenza: Credenza
) -> None:
    spa = RelyingParty(credenza, "spa", "https://spa.example.com/cb", auth_method="none")
    seen = user_agent.authorize(spa, redirect_uri=None, scope="profile")
    assert isinstance(seen, Callback)
    assert seen.url.startswith("https://spa.example.com/cb?")


def test_what_cannot_be_tried_says_why(visitor: Visitor) -> None:
    key = {"keys": [{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}]}
    key["keys"][0]["y"] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    declared = {"client_id": "app", "token_endpoint_auth_method": "private_key_jwt", "jwks": key}
    visitor.credenza.apply({"applications": [{**declared, "name": "Harbour Wiki", "type": "traditional"}]})
    assert "private key that only its developer has" in visitor.get("/console/applications/app/try").text
    visitor.refused("/console/applications/app/try", {"scope": "openid", "resource": "", "prompt": ""})


@pytest.mark.parametrize("fields", [{"resource": "https://other.example"}, {"prompt": "x"}, {"scope": "x" * 3000}])
def test_a_run_that_makes_no_sense_is_refused_with_the_form_as_typed(visitor: Visitor, fields: dict[str, str]) -> None:
    before = visitor.credenza.run(clients.list_secrets, "app")
    visitor.refused("/console/applications/app/try", {"scope": "openid", "resource": "", "prompt": "", **fields})
    assert visitor.credenza.run(clients.list_secrets, "app") == before
