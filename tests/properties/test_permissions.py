"""What the consent page asks and a token carries, against a model of a page. PRODUCT M8-M10, M13-M15, +16, +17, M24.

The model knows one sentence, *requested, enabled, held in the chosen organization, and consented*, and remembers what
the user has said in each organization; the server is asked over HTTP, as the application and the user ask it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from properties.profile import profile

from credenza import Permission, users
from credenza.testing import ORDERS, SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent
from credenza_organizations.store import remove_member

ORGANIZATIONS = "urn:credenza:scope:organizations"
AUDIENCE = "urn:credenza:organization:"
IDS = ("acme", "basalt")
OPENID, OFFLINE = (Permission("openid", "", scope) for scope in ("openid", "offline_access"))
MEMBERSHIP = Permission("membership", "", ORGANIZATIONS)
OWN = [Permission("profile", "", scope) for scope in ("email", "phone")]
ORGANIZATION = [Permission("organization", "", scope) for scope in ("members:read", "members:write")]
API = [
    Permission(source, ORDERS, f"orders:{verb}") for source in ("api", "organization_api") for verb in ("read", "write")
]
ALL = [*OWN, MEMBERSHIP, *ORGANIZATION, *API]
SCOPES = sorted({permission.scope for permission in ALL} | {OFFLINE.scope})
ROLES = {  # what each carries, everywhere and in an organization
    "reader": {API[0]},
    "writer": {API[1]},
    "owner": {*ORGANIZATION, API[3]},
    "guest": {ORGANIZATION[0], API[2]},
}
STATE: dict[str, Any] = {
    "roles": [
        {"name": "reader", "permissions": {ORDERS: ["orders:read"]}},
        {"name": "writer", "permissions": {ORDERS: ["orders:write"]}},
    ],
    "organization_template": {
        "permissions": [{"name": permission.scope} for permission in ORGANIZATION],
        "roles": [
            {
                "name": "owner",
                "permissions": ["members:read", "members:write"],
                "api_permissions": {ORDERS: ["orders:write"]},
            },
            {"name": "guest", "permissions": ["members:read"], "api_permissions": {ORDERS: ["orders:read"]}},
        ],
    },
    "organizations": [{"id": key, "name": key} for key in IDS],
}
words = st.sampled_from([SCOPES, ["email", "phone", ORGANIZATIONS, OFFLINE.scope]]) | st.lists(
    st.sampled_from(SCOPES), unique=True
)
request = st.tuples(words, st.sampled_from([ORDERS, ORDERS, ""]), st.sampled_from(["", *IDS]))


@dataclass
class Grant:
    """What a refresh token stands for."""

    scopes: frozenset[str]
    resource: str
    organization: str
    token: str


class Decisions(RuleBasedStateMachine):
    """One user with one browser, and one confidential application of their own."""

    def __init__(self, credenza: Credenza, user: str, client_id: str) -> None:
        super().__init__()
        self.credenza, self.user, self.browser = credenza, user, UserAgent(credenza)
        self.party = RelyingParty(credenza, client_id, "https://app.example.com/cb")
        self.ceiling: dict[Permission, bool] = {}
        self.roles: set[str] = set()
        self.member: dict[str, set[str]] = {}
        self.said: dict[str, dict[Permission, bool]] = {}  # by organization, the last one last
        self.grants: list[Grant] = []

    @initialize()
    def begin(self) -> None:
        self.enable({MEMBERSHIP}, {*OWN, *ORGANIZATION})
        self.give({"reader"})
        for key in IDS:
            self.join(key, {"owner"})
        self.browser.get("/account")
        self.browser.sign_in(self.user)
        scopes = frozenset([OPENID.scope, *SCOPES])
        self.browser.get(
            self.party.authorization_url(scope=" ".join(scopes), resource=ORDERS, organization_id="basalt")
        )
        self.say("authorize", {*ALL}, scopes, ORDERS, "basalt")

    # -- what administrators do ---------------------------------------------------------------------------------------

    @rule(but=st.sets(st.sampled_from(ALL), max_size=2), optional=st.sets(st.sampled_from(ALL), min_size=4))
    def enable(self, but: set[Permission], optional: set[Permission]) -> None:
        self.ceiling = {permission: permission not in optional for permission in ALL if permission not in but}
        declared: dict[str, Any] = {}
        for permission, required in self.ceiling.items():
            word = permission.scope + ("" if required else "?")
            source = declared.setdefault(
                "profile" if permission in (*OWN, MEMBERSHIP) else permission.source, {} if permission.resource else []
            )
            (source.setdefault(ORDERS, []) if permission.resource else source).append(word)
        application = {
            "client_id": self.party.client_id,
            "client_secret": SECRET,
            "name": self.party.client_id,
            "type": "traditional",
            "third_party": True,
            "redirect_uris": [self.party.redirect_uri],
            "permissions": declared,
        }
        self.credenza.apply({"applications": [application]})

    @rule(roles=st.sets(st.sampled_from(["reader", "writer"])))
    def give(self, roles: set[str]) -> None:
        self.roles = roles
        self.credenza.apply({"users": [{"username": self.user, "roles": sorted(roles)}]})

    @rule(key=st.sampled_from(IDS), roles=st.sets(st.sampled_from(["owner", "guest"])))
    def join(self, key: str, roles: set[str]) -> None:
        self.member[key] = roles
        members = [{"username": self.user, "roles": sorted(roles)}]
        self.credenza.apply({"organizations": [{"id": key, "name": key, "members": members}]})

    @rule(key=st.sampled_from(IDS))
    def leave(self, key: str) -> None:
        user = self.credenza.run(users.find_user_by_identifier, self.user)
        assert user is not None
        self.credenza.run(remove_member, key, user.id)
        self.member.pop(key, None)

    # -- the sentence -------------------------------------------------------------------------------------------------

    @property
    def enabled(self) -> dict[Permission, bool]:
        implied = {MEMBERSHIP: True} if self.ceiling.keys() & {*ORGANIZATION, *API[2:]} else {}
        return {OPENID: True, OFFLINE: True, **implied, **self.ceiling}

    def meant(self, scopes: frozenset[str]) -> str:
        """RFC 9068 §3: the only API, where anything that is named is enabled there."""
        return next((p.resource for p in self.ceiling if p.resource and p.scope in scopes), "")

    def requested(self, scopes: frozenset[str], resource: str) -> set[Permission]:
        named = {p for p in (OPENID, OFFLINE, *ALL) if p.scope in scopes and p.resource in ("", resource)}
        return named if ORGANIZATIONS in scopes else named - {*ORGANIZATION, *API[2:]}

    def offered(self, scopes: frozenset[str], resource: str, organization: str) -> set[Permission]:
        held = {OPENID, OFFLINE, *OWN}.union(
            {MEMBERSHIP} if self.member.keys() & ({organization} if organization else set(IDS)) else set(),
            *(ROLES[role] for role in self.roles | self.member.get(organization, set())),
        )
        return self.requested(scopes, resource) & self.enabled.keys() & held

    def undecided(self, offered: set[Permission], organization: str) -> bool:
        said = self.said.get(organization)
        return said is None or any(not said.get(p) and (p not in said or self.enabled[p]) for p in offered)

    # -- what the user sees and says ----------------------------------------------------------------------------------

    @rule(data=st.data(), requests=st.lists(request, min_size=1, max_size=4))
    def come(self, data: st.DataObject, requests: list[tuple[list[str], str, str]]) -> None:
        for words, resource, named in requests:
            self.authorize(data, words, resource, named)

    def authorize(self, data: st.DataObject, words: list[str], resource: str, named: str) -> None:
        scopes = frozenset([OPENID.scope, *words])
        named = named if ORGANIZATIONS in scopes and named in self.member else ""
        wishes = {"resource": resource or None, "organization_id": named or None}
        seen = self.browser.get(self.party.authorization_url(scope=" ".join(sorted(scopes)), **wishes))
        resource = resource or self.meant(scopes)
        if any(p.scope in scopes and p not in self.enabled for p in (*OWN, MEMBERSHIP)):
            assert isinstance(seen, Callback)
            assert seen.error == "invalid_scope"
            return
        organization = ""
        if ORGANIZATIONS in scopes and self.member:
            last = [key for key in reversed(self.said) if key in self.member]
            organization = named or (last[0] if last else min(self.member))
        if not self.undecided(self.offered(scopes, resource, organization), organization):
            self.redeem(seen, scopes, resource, organization)
            return
        self.check_page(seen, scopes, resource, organization)
        pick = data.draw(st.sampled_from(["", *self.member, *self.member]), label="picks") if organization else ""
        if pick:
            organization = pick
            seen = self.browser.decide("refresh", organization=organization)
            self.check_page(seen, scopes, resource, organization)
        ticked = {p for p in ALL if data.draw(st.booleans(), label=f"ticks {p.key}")}
        decision = data.draw(st.sampled_from(["authorize", "authorize", "authorize", "deny"]))
        self.say(decision, ticked, scopes, resource, organization)

    def say(
        self, decision: str, ticked: set[Permission], scopes: frozenset[str], resource: str, organization: str
    ) -> None:
        """What is pressed counts, whatever was said before."""
        choice = {"organization": organization} if organization else {}
        seen = self.browser.decide(decision, permissions=[p.key for p in ticked], **choice)
        assert isinstance(seen, Callback), seen.text
        if decision == "deny":
            assert (seen.error, seen.parameters.get("code")) == ("access_denied", None)
            return
        offered = self.offered(scopes, resource, organization)
        before = self.said.pop(organization, {})
        known = self.known(offered, organization, before)
        answers = {p: p in known or self.enabled[p] or p in ticked for p in offered}
        self.said[organization] = before | answers
        self.credenza.clock.move(1)
        self.redeem(seen, scopes, resource, organization)

    def known(self, offered: set[Permission], organization: str, said: dict[Permission, bool]) -> set[Permission]:
        """What a page that came for something new lists as agreed to before."""
        new = any(not said.get(p) and (p not in said or self.enabled[p]) for p in offered)
        return {p for p, yes in said.items() if yes} if new else set()

    def check_page(self, seen: PageSeen | Callback, scopes: frozenset[str], resource: str, organization: str) -> None:
        """The boxes are the optional permissions that are not known, ticked unless they were declined."""
        assert isinstance(seen, PageSeen), seen.url
        assert seen.name == "consent", seen.text
        offered, said = self.offered(scopes, resource, organization), self.said.get(organization, {})
        boxes = {p for p in offered - self.known(offered, organization, said) if not self.enabled[p]}
        assert set(seen.forms[0].values_of("permission")) == {p.key for p in boxes}
        assert set(seen.forms[0].checked("permission")) == {p.key for p in boxes if said.get(p, True)}
        if organization:
            assert seen.forms[0].checked("organization") == [organization]

    # -- what the application gets ------------------------------------------------------------------------------------

    def redeem(self, seen: PageSeen | Callback, scopes: frozenset[str], resource: str, organization: str) -> None:
        assert isinstance(seen, Callback), seen.text
        answer = self.party.tokens(seen)
        granted = self.granted(scopes, resource, organization)
        assert ("refresh_token" in answer) == (OFFLINE in granted)
        if OFFLINE in granted:
            self.grants.append(Grant(scopes, resource, organization, answer["refresh_token"]))

    def granted(self, scopes: frozenset[str], resource: str, organization: str) -> set[Permission]:
        said = self.said.get(organization, {})
        return {p for p in self.offered(scopes, resource, organization) if said.get(p)}

    @precondition(lambda self: self.grants)
    @rule(data=st.data(), at=st.sampled_from(["", ORDERS, *(AUDIENCE + key for key in IDS)]))
    def refresh(self, data: st.DataObject, at: str) -> None:
        grant = data.draw(st.sampled_from(self.grants[-4:]))
        another = data.draw(st.sampled_from(["", "", *IDS]), label="organization_id")
        organization = another or grant.organization
        answer = self.party.refresh(grant.token, resource=at or None, organization_id=another or None)
        granted = self.granted(grant.scopes, grant.resource, organization)
        if OFFLINE not in granted or (organization and organization not in self.member):
            assert error(answer) == "invalid_grant"
        elif at:
            there = {p for p in granted if audience(p, organization) == at}
            bound = {p for p in there if p.source.startswith("organization")}
            if there:
                assert scope(answer) == {p.scope for p in bound or there}
            else:
                assert error(answer) == "invalid_target"
        else:
            assert (
                {p.scope for p in granted if not audience(p, organization)}
                <= scope(answer)
                <= {p.scope for p in granted}
            )


def audience(permission: Permission, organization: str) -> str:
    return AUDIENCE + organization if permission.source == "organization" else permission.resource


def error(answer: httpx.Response) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"])


def scope(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return set(answer.json()["scope"].split())


@pytest.fixture(scope="module")
def numbers(patient: Credenza) -> Iterator[int]:
    patient.apply(STATE)
    return itertools.count(1)


def test_p_11_any_order_of_decisions(patient: Credenza, new_user: Callable[[], str], numbers: Iterator[int]) -> None:
    """SECURITY P-11, PRODUCT M10: whatever is enabled, held and said, in any order that Hypothesis comes up with."""
    run_machine(
        lambda: Decisions(patient, new_user(), f"decided{next(numbers)}"),
        settings=profile(30, stateful_step_count=25),
    )
