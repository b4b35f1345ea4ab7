"""Codes, refresh tokens, consent and sessions in any order, against a model of a page. SECURITY.md P-11, I1, I2.

The model knows the rules of RFC 6749 §4.1.2, RFC 9700 §4.14 and SECURITY D1, D2; the server is asked over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from properties.profile import profile

from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent

CODE, ACCESS, WINDOW = 60, 600, 10  # seconds, as the settings have them
MONTH = 31 * 24 * 3600  # after which every session, and every refresh token that nobody used, has ended


@dataclass
class Access:
    value: str
    issued_at: int
    revoked: bool = False


@dataclass
class Refresh:
    """`replaced_at`: when a repeated refresh put another one in the place of this one."""

    value: str
    issued_at: int
    spent_at: int | None = None
    successor: Refresh | None = None
    replaced_at: int | None = None


@dataclass
class Authorization:
    """One code, and whatever came of it."""

    code: str
    verifier: str
    issued_at: int
    offline: bool
    redeemed: bool = False
    ended: bool = False
    refresh: list[Refresh] = field(default_factory=list)
    access: list[Access] = field(default_factory=list)

    def live(self, now: int) -> list[Refresh]:
        return [] if self.ended else [t for t in self.refresh if usable(t, now)]


def usable(token: Refresh, now: int) -> bool:
    return token.spent_at is None and token.replaced_at is None and now < token.issued_at + MONTH


class Lifecycle(RuleBasedStateMachine):
    """One user with one browser, and one public client, whose refresh tokens rotate."""

    authorizations = Bundle("authorizations")

    def __init__(self, credenza: Credenza, user: str) -> None:
        super().__init__()
        self.credenza, self.user = credenza, user
        self.browser = UserAgent(credenza)
        self.signed_in = False
        self.consented: frozenset[str] | None = None
        self.known: list[Authorization] = []

    @property
    def now(self) -> int:
        return self.credenza.server.now()

    def pick(self, data: st.DataObject, among: list[Authorization]) -> Authorization:
        """One that has not ended, most of the time: there is more to be wrong about those."""
        return data.draw(st.sampled_from([*among, *[each for each in among if not each.ended] * 4]))

    def party(self) -> RelyingParty:
        return RelyingParty(self.credenza, "spa", "https://spa.example.com/cb", auth_method="none")

    @initialize()
    def begin(self) -> None:
        """Everything interesting comes after this."""
        self.authorize_and_redeem(offline=True, after=0)

    # -- the browser --------------------------------------------------------------------------------------------------

    @rule(target=authorizations, offline=st.booleans())
    def authorize(self, offline: bool) -> Authorization:
        """The sign-in page comes when nobody is signed in, the consent page when something was never agreed to."""
        party, wanted = self.party(), frozenset({"profile", "email"} | ({"offline_access"} if offline else set()))
        seen = self.browser.get(party.authorization_url(scope=" ".join(["openid", *sorted(wanted)])))
        if not self.signed_in:
            assert isinstance(seen, PageSeen)
            assert seen.name == "sign-in", seen.text
            seen = self.browser.sign_in(self.user)
            self.signed_in = True
        if self.consented is None or not wanted <= self.consented:
            assert isinstance(seen, PageSeen)
            assert seen.name == "consent", seen.text
            seen = self.browser.decide()
            self.consented = (self.consented or frozenset()) | wanted
        assert isinstance(seen, Callback), seen.text
        made = Authorization(seen.code, party.verifier, self.now, offline)
        self.known.append(made)
        return made

    @rule()
    def refuse_consent(self) -> None:
        """Saying no gives nothing, and takes nothing away."""
        seen = self.browser.get(self.party().authorization_url(prompt="consent"))
        if not self.signed_in:
            seen = self.browser.sign_in(self.user)
            self.signed_in = True
        assert isinstance(seen, PageSeen)
        assert seen.name == "consent", seen.text
        refused = self.browser.decide("deny")
        assert isinstance(refused, Callback)
        assert refused.error == "access_denied"
        assert "code" not in refused.parameters

    @precondition(lambda self: self.signed_in and len(self.known) > 2)
    @rule()
    def sign_out(self) -> None:
        """What was granted in the session ends with it, but for access while the user is away."""
        self.browser.get("/logout")
        self.browser.submit([("decision", "sign-out")])
        self.signed_in = False
        for each in self.known:
            if not each.redeemed or not each.refresh:
                each.ended = True

    @precondition(lambda self: self.signed_in and self.consented is not None and len(self.known) > 2)
    @rule()
    def take_consent_back(self) -> None:
        page = self.browser.get("/account")
        assert isinstance(page, PageSeen)
        address = next(link for link in page.links if link.startswith("/account/applications/"))
        page = self.browser.get(address)
        assert isinstance(page, PageSeen)
        form = next(i for i, f in enumerate(page.forms) if f.action == f"{address}/remove")
        self.browser.submit([], form=form)
        self.consented = None
        for each in self.known:
            each.ended = True

    # -- the application ----------------------------------------------------------------------------------------------

    def keep(self, of: Authorization, answer: dict[str, str]) -> Refresh | None:
        of.access.append(Access(answer["access_token"], self.now))
        if "refresh_token" not in answer:
            return None
        of.refresh.append(Refresh(answer["refresh_token"], self.now))
        return of.refresh[-1]

    @rule(of=authorizations, after=st.sampled_from([0, 0, CODE - 1, CODE]))
    def redeem(self, of: Authorization, after: int) -> None:
        """A code works once, for a minute; a replay ends what came of it."""
        self.wait_until(of.issued_at + after)
        party = self.party()
        party.verifier = of.verifier
        answer = party.redeem(Callback("", {"code": of.code}))
        if of.redeemed or of.ended or self.now >= of.issued_at + CODE:
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
            of.ended |= of.redeemed
            return
        assert answer.status_code == 200, answer.text
        of.redeemed = True
        assert (self.keep(of, answer.json()) is not None) == of.offline

    @rule(offline=st.sampled_from([True, True, False]), after=st.sampled_from([0, 0, 0, CODE - 1, CODE]))
    def authorize_and_redeem(self, offline: bool, after: int) -> None:
        self.redeem(self.authorize(offline), after)

    @rule(of=authorizations)
    def redeem_without_the_verifier(self, of: Authorization) -> None:
        """Whoever saw the code, and no more, gets nothing and ends nothing."""
        answer = self.party().redeem(Callback("", {"code": of.code}))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")

    @precondition(lambda self: any(each.refresh for each in self.known))
    @rule(data=st.data())
    def refresh(self, data: st.DataObject) -> None:
        """The latest refresh token of an authorization."""
        of = self.pick(data, [each for each in self.known if each.refresh])
        self._refresh(of, of.refresh[-1])

    @precondition(lambda self: any(each.live(self.now) for each in self.known))
    @rule(data=st.data(), times=st.integers(1, 3), after=st.sampled_from([0, WINDOW - 1, WINDOW]))
    def repeat_a_refresh(self, data: st.DataObject, times: int, after: int) -> None:
        """So often in a row, and then once more with one that was used on the way, so many seconds after it was."""
        of = data.draw(st.sampled_from([each for each in self.known if each.live(self.now)]))
        for _ in range(times):
            self._refresh(of, of.refresh[-1])
        token = data.draw(st.sampled_from(of.refresh[-times - 1 : -1]))
        self.wait_until((token.spent_at or self.now) + after)
        self._refresh(of, token)

    def _refresh(self, of: Authorization, token: Refresh) -> None:
        answer = self.party().refresh(token.value)
        if not self._refreshes(of, token):
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), answer.text
            return
        assert answer.status_code == 200, answer.text
        if token.successor is not None:
            token.successor.replaced_at = self.now
        else:
            token.spent_at = self.now
        token.successor = self.keep(of, answer.json())
        assert token.successor is not None

    def _refreshes(self, of: Authorization, token: Refresh) -> bool:
        """Whether it may; a repeat that is no accident ends the family."""
        if of.ended:
            return False
        if token.replaced_at is not None:
            of.ended = self.now >= token.replaced_at + WINDOW
            return False
        if token.spent_at is None:
            return usable(token, self.now)
        assert token.successor is not None
        if self.now < token.spent_at + WINDOW and token.successor.spent_at is None:
            return True
        of.ended = True
        return False

    @precondition(lambda self: any(each.refresh for each in self.known))
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        """Revoking a refresh token ends the family, also one that was spent or replaced."""
        of = self.pick(data, [each for each in self.known if each.refresh])
        token = data.draw(st.sampled_from(of.refresh))
        assert self.party().revoke(token.value).status_code == 200
        of.ended = True

    @precondition(lambda self: any(each.access for each in self.known))
    @rule(data=st.data())
    def revoke_access(self, data: st.DataObject) -> None:
        of = self.pick(data, [each for each in self.known if each.access])
        token = data.draw(st.sampled_from(of.access))
        assert self.party().revoke(token.value).status_code == 200
        token.revoked = True

    # -- time ---------------------------------------------------------------------------------------------------------

    def wait_until(self, moment: int) -> None:
        self.credenza.clock.move(max(0, moment - self.now))

    @rule(seconds=st.sampled_from([1, WINDOW, ACCESS - 1, ACCESS]))
    def wait(self, seconds: int) -> None:
        self.credenza.clock.move(seconds)

    @precondition(lambda self: len(self.known) > 4)
    @rule()
    def wait_a_month(self) -> None:
        self.credenza.clock.move(MONTH)
        self.signed_in = False

    # -- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def every_access_token_works_or_does_not(self) -> None:
        party = self.party()
        for each in self.known:
            for token in each.access[-2:]:
                alive = not each.ended and not token.revoked and self.now < token.issued_at + ACCESS
                assert (party.userinfo(token.value).status_code == 200) == alive

    @invariant()
    def a_family_has_at_most_one_live_refresh_token(self) -> None:
        assert all(len(each.live(self.now)) <= 1 for each in self.known)


def test_p_11_any_order_of_events(patient: Credenza, new_user: Callable[[], str]) -> None:
    """SECURITY P-11: R-CD, R-TK, R-RV, A-COD and A-REF in every order that Hypothesis comes up with."""
    run_machine(lambda: Lifecycle(patient, new_user()), settings=profile(40, stateful_step_count=25))
