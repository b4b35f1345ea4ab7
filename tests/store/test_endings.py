"""Very many grants end in a moment, and are marked a little at a time: nobody waits, and nothing is lost in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from credenza import audit, end_all_sessions, revoke_grants, transaction, users
from credenza.ending import mark_all
from credenza.grants import refresh_token, token_exchange
from credenza.store import clearing, endings
from credenza.store.access_tokens import AccessTokenRow
from credenza.store.endings import EndingRow, claim_ending, mark_ended
from credenza.store.engine import StoreUnavailable
from credenza.store.grants import Details, GrantRow
from credenza.store.logout import LogoutDeliveryRow
from credenza.store.revocation import revoke_consented_grants
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests
from credenza.web.new_password import set_password

OLD = endings.SKEW + 1  # seconds; what is younger is marked at once
ONLINE, OFFLINE = "openid profile", "openid profile offline_access"


@pytest.fixture
def here(filled_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Credenza]:
    """Where one grant is very many."""
    monkeypatch.setattr(endings, "LARGE", 0)
    monkeypatch.setattr(endings, "BATCH", 1)
    monkeypatch.setattr(endings, "ROUND", 2)
    with running(settings_for_tests(filled_database_url)) as credenza:
        app = {"client_id": "app", "name": "Harbour Wiki", "backchannel_logout_uri": "https://app.example.com/out"}
        credenza.apply({"applications": [app]})
        yield credenza


def client_of(credenza: Credenza) -> RelyingParty:
    return RelyingParty(credenza, "app", "https://app.example.com/cb")


def ada(credenza: Credenza) -> users.User:
    found = credenza.run(users.find_user_by_identifier, "ada")
    assert found is not None
    return found


def signed_in(credenza: Credenza, scope: str = ONLINE) -> dict[str, Any]:
    client = client_of(credenza)
    return dict(client.tokens(UserAgent(credenza).authorize(client, scope=scope)))


async def suspended(server: Any, user: users.User) -> None:
    async with transaction():
        await users.edit_user(replace(user, suspended=True), ("suspended",))
        await end_all_sessions(server, user.id)
        await revoke_grants(server.now(), user_id=user.id)


async def another_password(server: Any, user: users.User) -> None:
    await set_password(server, user, user.password_hash or "", through="reset", address="")


async def signed_out(server: Any, user: users.User) -> None:
    await end_all_sessions(server, user.id)


async def unmarked() -> int:
    return int(await GrantRow.count().where(GrantRow.revoked_at.is_null()))


@pytest.mark.parametrize("ending", [suspended, another_password, signed_out])
def test_tokens_end_at_once_and_grants_are_marked_later(here: Credenza, ending: Any) -> None:
    client, user = client_of(here), ada(here)
    tokens = [signed_in(here, scope) for scope in (ONLINE, ONLINE, OFFLINE)]
    here.clock.move(OLD)
    here.run(ending, here.server, user)
    assert here.run(unmarked) == 3
    stays = ending is signed_out  # access while the user is away, which nobody took back
    for _ in range(2):
        active = [client.introspect(each["access_token"])["active"] for each in tokens]
        assert active == [False, False, stays]
        assert client.introspect(tokens[2]["refresh_token"])["active"] is stays
        assert client.refresh(tokens[2]["refresh_token"]).is_success is stays
        if ending is suspended:  # what ended does not come back with the account
            here.run(users.edit_user, replace(user, suspended=False), ("suspended",))
        here.clock.move(endings.CLAIMED + 1)
        here.run(mark_all, here.server)
        assert here.run(unmarked) == int(stays)
        assert not here.run(EndingRow.exists().run)
    assert here.run(LogoutDeliveryRow.count().run) == 3, "each session's end is told"


def test_a_clock_that_was_set_back_shuts_nobody_out(here: Credenza) -> None:
    """What ended while it was ahead would have covered whatever begins until that moment comes, and waited so long."""
    signed_in(here)
    here.clock.move(24 * 3600)
    here.run(another_password, here.server, ada(here))
    here.clock.move(-24 * 3600)
    here.run(mark_all, here.server)
    assert not here.run(EndingRow.exists().run)
    assert client_of(here).introspect(signed_in(here)["access_token"])["active"]


def test_who_signs_in_where_the_clock_is_behind_stays(here: Credenza) -> None:
    """Ten seconds do no harm, as docs/how-to/regions.md says; what was there has ended, however young it is."""
    client = client_of(here)
    old = signed_in(here)
    here.clock.move(OLD)
    young = signed_in(here)
    here.run(another_password, here.server, ada(here))
    here.clock.move(-endings.SKEW)
    after = signed_in(here)
    for _ in range(2):
        assert [client.introspect(each["access_token"])["active"] for each in (old, young, after)] == [
            False,
            False,
            True,
        ]
        here.clock.move(endings.SKEW + endings.CLAIMED + 1)
        here.run(mark_all, here.server)


def test_asking_for_access_while_the_user_is_away_is_not_having_it(here: Credenza) -> None:
    here.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "grant_types": ["authorization_code"]}]})
    tokens = signed_in(here, OFFLINE)
    assert "refresh_token" not in tokens
    here.run(signed_out, here.server, ada(here))
    assert not client_of(here).introspect(tokens["access_token"])["active"]


@pytest.mark.parametrize("grant_type", [refresh_token, token_exchange])
def test_nothing_is_issued_afterwards(here: Credenza, grant_type: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even if it was under way, where a plugin takes its time: an API would accept a JWT until it expires."""
    kinds = ["authorization_code", "refresh_token", token_exchange.TOKEN_EXCHANGE]
    here.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "grant_types": kinds}]})
    client, user, tokens = client_of(here), ada(here), signed_in(here, OFFLINE)
    here.clock.move(OLD)
    name = "mint_tokens" if grant_type is refresh_token else "mint_access_token"
    mint = getattr(grant_type, name)

    async def slow(*arguments: Any, **options: Any) -> Any:
        minted = await mint(*arguments, **options)
        await another_password(here.server, user)
        return minted

    monkeypatch.setattr(grant_type, name, slow)
    issued = here.run(AccessTokenRow.count().run)
    if grant_type is refresh_token:
        answer = client.refresh(tokens["refresh_token"])
    else:
        subject = {"subject_token": tokens["access_token"], "subject_token_type": token_exchange.ACCESS_TOKEN}
        answer = client.post("/token", {"grant_type": token_exchange.TOKEN_EXCHANGE, **subject})
    assert answer.json()["error_description"] == "The authorization has ended."
    assert here.run(AccessTokenRow.count().run) == issued


def test_a_refresh_token_that_comes_back_afterwards_is_no_alarm(here: Credenza) -> None:
    kinds = ["authorization_code", "refresh_token"]
    here.apply({"applications": [{"client_id": "native", "name": "Tide CLI", "grant_types": kinds}]})
    native = RelyingParty(here, "native", "http://127.0.0.1/cb", auth_method="none")
    spent = native.tokens(UserAgent(here).authorize(native, scope=OFFLINE))["refresh_token"]
    assert native.refresh(spent).is_success
    here.clock.move(OLD + here.server.settings.refresh_token_reuse_window)
    here.run(another_password, here.server, ada(here))
    answer = native.refresh(spent)
    assert answer.json()["error_description"] == "The authorization has ended."
    assert not here.run(audit.list_events, name="ReuseDetected")


def test_what_hangs_on_one_consent(here: Credenza) -> None:
    client, user = client_of(here), ada(here)
    elsewhere = {"id": "elsewhere", "user": user.id, "client": "app", "details": Details(choices={"of": "Acme"}).dump()}
    here.run(GrantRow.insert(GrantRow(**elsewhere, created_at=here.server.now())).run)
    before = [signed_in(here, scope) for scope in (ONLINE, OFFLINE)]
    here.clock.move(OLD)
    here.run(revoke_consented_grants, user.id, "app", {}, here.server.now())
    assert here.run(unmarked) == 3
    after = signed_in(here)
    for left in (4, 2):
        assert here.run(unmarked) == left
        assert [client.introspect(each["access_token"])["active"] for each in before] == [False, False]
        assert not client.refresh(before[1]["refresh_token"]).is_success
        assert client.introspect(after["access_token"])["active"]
        here.clock.move(endings.CLAIMED + 1)
        here.run(mark_all, here.server)
    assert not here.run(EndingRow.exists().run)
    there = here.run(GrantRow.select().where(GrantRow.id == "elsewhere").first().run)
    assert there["revoked_at"] is None, "another answer is another consent"


def test_whoever_claims_it_next_goes_on(here: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        signed_in(here)
    here.clock.move(OLD)
    here.run(another_password, here.server, ada(here))
    assert here.run(claim_ending, here.server.now()) is None, "nobody begins in the first minute"
    here.clock.move(endings.CLAIMED + 1)
    first = here.run(claim_ending, here.server.now())
    assert first is not None
    assert here.run(claim_ending, here.server.now()) is None, "another worker has it"
    claim, claimed = endings._claim, []

    async def once(*arguments: Any) -> bool:
        claimed.append(arguments)
        return await claim(*arguments) if len(claimed) == 1 else bool(await crash())

    monkeypatch.setattr(endings, "_claim", once)
    with pytest.raises(StoreUnavailable):
        here.run(mark_ended, first, here.server.now)
    monkeypatch.setattr(endings, "_claim", claim)
    assert here.run(unmarked) == 1
    here.clock.move(endings.CLAIMED + 1)
    here.run(mark_all, here.server)
    assert here.run(unmarked) == 0


async def crash(*_: Any, **__: Any) -> int:
    raise StoreUnavailable("The disk is full.")


def crash_while_clearing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clearing, "LARGE", 0)
    monkeypatch.setattr(clearing, "delete_batch", crash)


def test_an_account_that_an_administrator_deletes(here: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it stops in the middle the account is suspended, and can be deleted once more."""
    tokens, user = signed_in(here), ada(here)
    here.clock.move(OLD)
    admin = UserAgent(here)
    admin.get("/console")
    admin.sign_in("root")
    with monkeypatch.context() as context:
        crash_while_clearing(context)
        admin.get(f"/console/users/{user.id}/delete")
        admin.submit([("confirm", "ada")])
    assert ada(here).suspended
    assert client_of(here).introspect(tokens["access_token"]) == {"active": False}
    assert here.run(LogoutDeliveryRow.count().run) == 1
    monkeypatch.setattr(clearing, "LARGE", 0)
    admin.get(f"/console/users/{user.id}/delete")
    page = admin.submit([("confirm", "ada")])
    assert isinstance(page, PageSeen)
    assert "ada was deleted" in page.text
    assert not here.run(GrantRow.exists().run)
    assert not here.run(EndingRow.exists().run)
    assert here.run(LogoutDeliveryRow.count().run) == 1
    events = here.run(audit.list_events, name="ObjectChanged")
    assert [event.data["action"] for event in events].count("deleted") == 1


def delete(browser: UserAgent) -> Any:
    assert browser.page is not None
    actions = [form.action for form in browser.page.forms]
    return browser.submit([("confirm", "ada")], form=actions.index("/account/data/delete"))


def test_an_account_that_its_user_deletes(here: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it stops in the middle the user is here still, and signed out everywhere else."""
    tokens = signed_in(here)
    here.clock.move(OLD)
    browser = UserAgent(here)
    browser.get("/account/data/delete")
    browser.sign_in("ada")
    with monkeypatch.context() as context:
        crash_while_clearing(context)
        browser.get("/account/data/delete")
        delete(browser)
    assert client_of(here).introspect(tokens["access_token"]) == {"active": False}
    assert here.run(LogoutDeliveryRow.count().run) == 1
    monkeypatch.setattr(clearing, "LARGE", 0)
    browser.get("/account/data/delete")
    page = delete(browser)
    assert isinstance(page, PageSeen)
    assert here.run(users.find_user_by_identifier, "ada") is None
    assert not here.run(GrantRow.exists().run)


def test_an_account_that_is_pruned(here: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(here)
    people = {"users": [{"username": name} for name in ("root", "grace")]}
    with monkeypatch.context() as context:
        crash_while_clearing(context)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                here.apply(people, prune=True)
    assert ada(here).suspended
    monkeypatch.setattr(clearing, "LARGE", 0)
    here.apply(people, prune=True)
    events = here.run(audit.list_events, name="ObjectChanged")
    found = [event.data["action"] for event in events if event.target == "ada"]
    assert found[:2] == ["deleted", "suspended"]
    assert found.count("suspended") == 1
    assert here.run(LogoutDeliveryRow.count().run) == 1


def test_what_a_device_is_allowed_afterwards(here: Credenza) -> None:
    """Its grant begins when it fetches the tokens, and is as new as the answer."""
    device = "urn:ietf:params:oauth:grant-type:device_code"
    here.apply(
        {"applications": [{"client_id": "native", "name": "Tide CLI", "grant_types": ["authorization_code", device]}]}
    )
    signed_in(here)
    here.clock.move(OLD)
    here.run(another_password, here.server, ada(here))
    native, browser = RelyingParty(here, "native", "http://127.0.0.1/cb", auth_method="none"), UserAgent(here)
    begun = native.post("/device_authorization", {"scope": ONLINE}).json()
    browser.get(begun["verification_uri_complete"])
    browser.submit([("user_code", begun["user_code"])])
    browser.sign_in()
    browser.submit([("decision", "authorize")])
    browser.decide()
    here.clock.move(6)
    answer = native.post("/token", {"grant_type": device, "device_code": begun["device_code"]})
    assert answer.status_code == 200, answer.text
