"""OpenID Connect Core §8: pairwise subject identifiers, everywhere a subject is given or accepted."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from credenza import StateError
from credenza.logout import logout_token
from credenza.store.logout import Delivery
from credenza.testing import ORDERS, SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent

PAIRWISE = {"client_id": "app", "name": "Harbour Wiki", "subject_type": "pairwise"}
BESIDE = {
    "client_id": "beside",
    "client_secret": SECRET,
    "name": "Harbour Shop",
    "type": "traditional",
    "third_party": True,
    "subject_type": "pairwise",
    "redirect_uris": ["https://app.example.com/shop"],
    "permissions": {"profile": ["profile", "email"]},
}


@pytest.fixture
def pairwise(credenza: Credenza, client: RelyingParty) -> RelyingParty:
    """The application `app`, with pairwise subjects."""
    credenza.apply({"applications": [PAIRWISE]})
    return client


def read(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def subject_at(user_agent: UserAgent, party: RelyingParty, **changes: str) -> str:
    return str(read(party.tokens(user_agent.authorize(party, **changes))["id_token"])["sub"])


def test_8_the_metadata_says_so(credenza: Credenza) -> None:
    document = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert document["subject_types_supported"] == ["public", "pairwise"]


def test_8_1_it_is_the_same_within_a_sector_and_different_elsewhere(
    credenza: Credenza, user_agent: UserAgent, pairwise: RelyingParty
) -> None:
    """ "The Subject Identifier value MUST NOT be reversible … Distinct … MUST result in distinct". SECURITY R-ID-02.

    OpenID Connect Core §8.1.
    """
    elsewhere = {**BESIDE, "client_id": "elsewhere", "redirect_uris": ["https://elsewhere.example.com/cb"]}
    credenza.apply({"applications": [BESIDE, elsewhere]})
    own = RelyingParty(credenza, "own", "https://own.example.com/cb")
    public = subject_at(user_agent, own)
    here = subject_at(user_agent, pairwise)
    assert subject_at(user_agent, pairwise) == here
    assert subject_at(user_agent, RelyingParty(credenza, "beside", "https://app.example.com/shop")) == here
    there = subject_at(user_agent, RelyingParty(credenza, "elsewhere", "https://elsewhere.example.com/cb"))
    assert len({public, here, there}) == 3
    assert public not in here
    grace = UserAgent(credenza)
    assert subject_at(grace, pairwise, user="grace") != here


@pytest.mark.parametrize(
    ("redirect_uri", "registered"),
    [("http://127.0.0.1:51004/cb", ["http://127.0.0.1/cb"]), ("com.example.nat:/cb", ["com.example.nat:/cb"])],
)
def test_8_1_an_address_that_nobody_owns_is_no_common_sector(
    credenza: Credenza, user_agent: UserAgent, redirect_uri: str, registered: list[str]
) -> None:
    """R-ID-02: each application on a device would know its user by the name that every other one has."""
    native: dict[str, Any] = {"name": "On a device", "type": "native", "third_party": True, "subject_type": "pairwise"}
    native["permissions"] = {"profile": ["profile", "email"]}
    names = ("one", "two")
    credenza.apply({"applications": [{**native, "client_id": name, "redirect_uris": registered} for name in names]})
    parties = [RelyingParty(credenza, name, redirect_uri, auth_method="none") for name in names]
    found = [subject_at(user_agent, party) for party in (*parties, parties[0])]
    assert found[0] != found[1]
    assert found[0] == found[2]


def test_8_1_the_host_of_the_sector_identifier_uri_is_the_sector(credenza: Credenza, user_agent: UserAgent) -> None:
    sector = {"sector_identifier_uri": "https://sector.example.com/list.json"}
    one = {**BESIDE, **sector, "client_id": "one", "redirect_uris": ["https://one.example.com/cb"]}
    two = {**BESIDE, **sector, "client_id": "two", "redirect_uris": ["https://two.example.com/cb"]}
    credenza.apply({"applications": [one, two]})
    found = {
        subject_at(user_agent, RelyingParty(credenza, name, f"https://{name}.example.com/cb"))
        for name in ("one", "two")
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"redirect_uris": ["https://one.example.com/cb", "https://two.example.com/cb"]}, "sector_identifier_uri"),
        ({"sector_identifier_uri": "http://localhost/list.json"}, "must begin with https"),
        ({"subject_type": "secret"}, "public or pairwise"),
    ],
)
def test_8_1_a_client_without_one_sector_is_not_accepted(
    credenza: Credenza, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(StateError, match=said):
        credenza.apply({"applications": [{**BESIDE, **changes}]})


def test_no_answer_tells_the_public_subject(credenza: Credenza, user_agent: UserAgent, pairwise: RelyingParty) -> None:
    own = RelyingParty(credenza, "own", "https://own.example.com/cb")
    public = subject_at(user_agent, own)
    seen = user_agent.authorize(pairwise, scope="openid email offline_access orders:read", resource=ORDERS)
    tokens = pairwise.tokens(seen, resource=ORDERS)
    subject = read(tokens["id_token"])["sub"]
    refreshed = pairwise.refresh(tokens["refresh_token"]).json()
    said = [
        read(tokens["id_token"]),
        read(tokens["access_token"]),
        read(refreshed["id_token"]),
        pairwise.introspect(tokens["access_token"]),
        pairwise.introspect(tokens["refresh_token"]),
        pairwise.userinfo(pairwise.tokens(user_agent.authorize(pairwise))["access_token"]).json(),
    ]
    delivery = Delivery("d", "app", public, "a-session", credenza.clock.now())
    found = credenza.run(credenza.server.find_client, "app")
    assert found is not None
    said.append(read(credenza.run(logout_token, credenza.server, found, delivery)))
    for answer in said:
        assert answer["sub"] == subject, answer
        assert public not in json.dumps(answer)
        assert "username" not in answer


def test_3_1_2_1_an_id_token_hint_with_a_pairwise_subject_is_understood(
    credenza: Credenza, user_agent: UserAgent, pairwise: RelyingParty
) -> None:
    hint = pairwise.tokens(user_agent.authorize(pairwise))["id_token"]
    seen = user_agent.get(pairwise.authorization_url(prompt="none", id_token_hint=hint))
    assert isinstance(seen, Callback)
    assert "code" in seen.parameters
    grace = UserAgent(credenza)
    grace.authorize(pairwise, user="grace")
    refused = grace.get(pairwise.authorization_url(prompt="none", id_token_hint=hint))
    assert isinstance(refused, Callback)
    assert refused.error == "login_required"


def test_3_1_2_1_a_hint_of_another_application_is_read_with_its_own_sector(
    credenza: Credenza, user_agent: UserAgent, pairwise: RelyingParty
) -> None:
    """ "The OP need not be listed as an audience of the ID Token". OpenID Connect Core §3.1.2.1."""
    credenza.apply({"applications": [{**BESIDE, "redirect_uris": ["https://elsewhere.example.com/cb"]}]})
    beside = RelyingParty(credenza, "beside", "https://elsewhere.example.com/cb")
    hint = pairwise.tokens(user_agent.authorize(pairwise))["id_token"]
    user_agent.authorize(beside)
    seen = user_agent.get(beside.authorization_url(prompt="none", id_token_hint=hint))
    assert isinstance(seen, Callback)
    assert "code" in seen.parameters


def test_5_5_1_the_claims_parameter_names_the_pairwise_subject(
    credenza: Credenza, user_agent: UserAgent, pairwise: RelyingParty
) -> None:
    """SECURITY R-AZ-23: tokens only for that `sub`; the public one is nobody's here. OpenID Connect Core §5.5.1."""
    subject = subject_at(user_agent, pairwise)
    public = subject_at(user_agent, RelyingParty(credenza, "own", "https://own.example.com/cb"))
    for wanted, error in ((subject, ""), (public, "login_required")):
        claims = json.dumps({"id_token": {"sub": {"value": wanted}}})
        seen = user_agent.get(pairwise.authorization_url(prompt="none", claims=claims))
        assert isinstance(seen, Callback)
        assert seen.error == error


def test_a_logout_hint_with_a_pairwise_subject_signs_out_at_once(user_agent: UserAgent, pairwise: RelyingParty) -> None:
    hint = pairwise.tokens(user_agent.authorize(pairwise))["id_token"]
    query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": "https://app.example.com/"})
    assert isinstance(user_agent.get(f"/logout?{query}"), Callback)
    refused = user_agent.get(pairwise.authorization_url(prompt="none"))
    assert isinstance(refused, Callback)
    assert refused.error == "login_required"


def test_a_client_id_cannot_look_like_a_subject(credenza: Credenza) -> None:
    """SECURITY R-TK-22."""
    for name in ("u" + "0" * 30, "p" + "0" * 40):
        with pytest.raises(StateError, match="subject identifier"):
            credenza.apply({"applications": [{**BESIDE, "client_id": name}]})


def test_it_is_exported(credenza: Credenza, pairwise: RelyingParty) -> None:
    assert not credenza.apply({"applications": [PAIRWISE]}).changes
    credenza.apply({"applications": [{**PAIRWISE, "subject_type": "public"}]})
    page = UserAgent(credenza).authorize(pairwise)
    assert not isinstance(page, PageSeen)


def test_an_administrator_chooses_it_in_the_console(credenza: Credenza, admin: UserAgent) -> None:
    page = admin.get("/console/applications/app")
    assert isinstance(page, PageSeen)
    hidden = next(form for form in page.forms if "subject_type" in str(form.fields)).hidden()
    values = {
        "name": "Harbour Wiki",
        "redirect_uris": "https://app.example.com/cb\nhttps://elsewhere.example.com/cb",
        "auth_method": "client_secret_basic",
        "id_token_alg": "RS256",
        "access_token_lifetime": "600",
        "offline_access": "on",
        "subject_type": "pairwise",
    }
    refused = admin.post("/console/applications/app", [*hidden, *values.items()])
    assert isinstance(refused, PageSeen)
    assert refused.status == 422
    assert "unless all redirect URIs have one host" in refused.text
    values |= {"sector_identifier_uri": "https://sector.example.com/list.json"}
    assert isinstance(admin.post("/console/applications/app", [*hidden, *values.items()]), PageSeen)
    client = credenza.run(credenza.server.find_client, "app")
    assert client is not None
    assert client.metadata == {
        "subject_type": "pairwise",
        "sector_identifier_uri": "https://sector.example.com/list.json",
    }


def test_8_1_the_session_has_another_name_in_another_sector_too(
    credenza: Credenza, user_agent: UserAgent, pairwise: RelyingParty
) -> None:
    """With one `sid` everywhere, two applications would know that their two subjects are the same person."""
    elsewhere = {**BESIDE, "client_id": "elsewhere", "redirect_uris": ["https://elsewhere.example.com/cb"]}
    credenza.apply({"applications": [BESIDE, elsewhere]})
    parties = [
        pairwise,
        RelyingParty(credenza, "beside", "https://app.example.com/shop"),
        RelyingParty(credenza, "elsewhere", "https://elsewhere.example.com/cb"),
        RelyingParty(credenza, "own", "https://own.example.com/cb"),
    ]
    here, beside, there, public = (
        read(party.tokens(user_agent.authorize(party))["id_token"])["sid"] for party in parties
    )
    assert here == beside
    assert len({here, there, public}) == 3
    assert read(pairwise.tokens(user_agent.authorize(pairwise))["id_token"])["sid"] == here
    another = UserAgent(credenza)
    assert read(pairwise.tokens(another.authorize(pairwise))["id_token"])["sid"] != here
