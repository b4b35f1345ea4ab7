"""A new secret key: what was written with a former one is read, nobody notices, and the former one can go.

SECURITY.md P-03, P-04, P-05; R-PW-11.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest

from credenza import new_id
from credenza.__main__ import main
from credenza.commands.sealing import reseal_everything
from credenza.encryption import Keyring, Undecryptable
from credenza.settings import Settings, SettingsError, secret_keys
from credenza.store import sealed
from credenza.store.keys import SigningKeyRow
from credenza.store.sealed import place_of, sealed_columns
from credenza.testing import Credenza, RelyingParty, UserAgent, running, test_settings

OLD = test_settings("sqlite://").secret_key
NEW, OTHER = "new-" * 10, "other-" * 8
PAIRWISE = {"client_id": "app", "subject_type": "pairwise", "name": "Harbour Wiki"}

Start = Callable[..., Any]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def start(request: pytest.FixtureRequest) -> Start:
    """Start a server on one and the same database, with these keys."""
    url = str(request.getfixturevalue(f"filled_{request.param}_url"))

    @contextmanager
    def server(key: str = OLD, *former: str) -> Iterator[Credenza]:
        with running(test_settings(url, secret_key=key, former_secret_keys=former)) as started:
            yield started

    return server


def subject(credenza: Credenza) -> str:
    client = RelyingParty(credenza, "app", "https://app.example.com/cb")
    tokens = client.tokens(UserAgent(credenza).authorize(client))
    return str(jwt.decode(tokens["id_token"], options={"verify_signature": False})["sub"])


def ciphertexts(credenza: Credenza) -> dict[str, str]:
    """Everything that rests encrypted, by its place."""

    async def read() -> dict[str, str]:
        found = {}
        for column in sealed_columns(table for app in credenza.server.table_apps for table in app.table_classes):
            key = column._meta.table._meta.primary_key
            for row in await column._meta.table.select(key, column).where(column != ""):
                found[place_of(column, row[key._meta.name])] = row[column._meta.name]
        return found

    return credenza.run(read)


def add_signing_keys(credenza: Credenza, number: int) -> None:
    async def add() -> None:
        for _ in range(number):
            key = new_id()
            value = credenza.server.keyring.encrypt(b"x", place=f"credenza_signing_key/{key}/private_key")
            await SigningKeyRow.insert(SigningKeyRow(kid=key, alg="RS256", state="retired", private_key=value))

    credenza.run(add)


def test_p_04_a_key_is_changed_and_nobody_notices(start: Start) -> None:
    """The whole way: both keys, reseal, the old key gone. Tokens verify and pairwise names stay."""
    with start() as credenza:
        credenza.apply({"applications": [PAIRWISE]})
        before, jwks = subject(credenza), credenza.request("GET", "/jwks").json()
        codes = credenza.server.keyring.keyed_name("recovery code")
        place = "credenza_totp/x/seed"
        seed = credenza.server.keyring.encrypt(b"seed", place=place)
    with start(NEW, OLD) as credenza:
        assert subject(credenza) == before
        assert credenza.server.keyring.decrypt(seed, place=place) == b"seed"
        assert all(
            not value.startswith(credenza.server.keyring.newest_prefix) for value in ciphertexts(credenza).values()
        )
        done = credenza.run(reseal_everything, credenza.server)
        rest = ciphertexts(credenza)
        assert done.values == len(rest) > 0
        assert done.unread == []
        assert all(value.startswith(credenza.server.keyring.newest_prefix) for value in rest.values())
        assert credenza.run(reseal_everything, credenza.server).values == 0
    with start(NEW) as credenza:
        assert credenza.request("GET", "/readyz").status_code == 200
        assert credenza.request("GET", "/jwks").json() == jwks
        assert subject(credenza) == before
        assert credenza.server.keyring.keyed_name("recovery code") == codes
    with start(OLD) as credenza:
        assert credenza.request("GET", "/readyz").status_code == 503


def test_p_04_it_may_be_stopped_and_begun_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches, each of which counts; what is written meanwhile is not touched."""
    monkeypatch.setattr(sealed, "BATCH", 3)
    with start() as credenza:
        add_signing_keys(credenza, 10)
    with start(NEW, OLD) as credenza:
        calls = 0
        real = credenza.server.keyring.encrypt

        def stopping(plaintext: bytes, *, place: str) -> str:
            nonlocal calls
            calls += 1
            if calls == 8:
                raise InterruptedError
            return real(plaintext, place=place)

        monkeypatch.setattr(credenza.server.keyring, "encrypt", stopping)
        with pytest.raises(InterruptedError):
            credenza.run(reseal_everything, credenza.server)
        monkeypatch.setattr(credenza.server.keyring, "encrypt", real)
        fresh = sum(v.startswith(credenza.server.keyring.newest_prefix) for v in ciphertexts(credenza).values())
        assert 3 <= fresh < 8
        done = credenza.run(reseal_everything, credenza.server)
        assert done.values == len(ciphertexts(credenza)) - fresh


def test_p_04_what_no_key_opens_is_named_and_left_as_it_is(start: Start) -> None:
    with start() as credenza:
        foreign = Keyring(OTHER.encode()).encrypt(b"x", place="credenza_signing_key/strange/private_key")

        async def insert() -> None:
            await SigningKeyRow.insert(SigningKeyRow(kid="strange", alg="RS256", state="retired", private_key=foreign))

        credenza.run(insert)
    with start(NEW, OLD) as credenza:
        done = credenza.run(reseal_everything, credenza.server)
        assert done.unread == ["credenza_signing_key/strange/private_key"]
        assert ciphertexts(credenza)["credenza_signing_key/strange/private_key"] == foreign
        assert done.values == len(ciphertexts(credenza)) - 1


def test_p_03_every_ciphertext_is_for_its_place(start: Start) -> None:
    """What plugins encrypt too: or `reseal` would not open it."""
    with start() as credenza:
        agent = UserAgent(credenza)
        agent.get("/account/security")  # a way back rests encrypted
        rest = ciphertexts(credenza)
        assert {place.split("/")[0] for place in rest} >= {
            "credenza_secret",
            "credenza_signing_key",
            "credenza_interaction",
        }
        for place, value in rest.items():
            assert credenza.server.keyring.decrypt(value, place=place)


def test_a_form_outlives_the_change(start: Start) -> None:
    """Until the former key is taken away."""
    cookie = "a cookie"
    old, both, new = Keyring(OLD.encode()), Keyring(NEW.encode(), [OLD.encode()]), Keyring(NEW.encode())
    assert both.is_csrf_token(old.csrf_token(cookie), cookie)
    assert both.is_csrf_token(both.csrf_token(cookie), cookie)
    assert not new.is_csrf_token(old.csrf_token(cookie), cookie)
    assert not both.is_csrf_token(old.csrf_token(cookie), "another cookie")
    assert not both.is_csrf_token("", cookie)


def test_several_that_start_together_have_one_lasting_secret(start: Start) -> None:
    with start() as credenza:
        mine, theirs = (credenza.server.keyring.encrypt(b"x" * 32, place=sealed.LASTING_PLACE) for _ in range(2))
        counts = credenza.run(sealed.save_lasting_secret, mine, 0)
        assert counts == credenza.run(sealed.save_lasting_secret, theirs, 0)
        assert counts not in (mine, theirs)


def test_p_04_a_lost_key_is_said_and_nothing_is_made_anew(start: Start) -> None:
    with start() as credenza:
        before = ciphertexts(credenza)
    with start(NEW) as credenza:
        assert credenza.request("GET", "/readyz").status_code == 503
        assert credenza.request("GET", "/healthz").status_code == 200
        with pytest.raises(Undecryptable, match="another secret key"):
            credenza.run(credenza.server.read_lasting_secret)
        agent = UserAgent(credenza)
        client = RelyingParty(credenza, "app", "https://app.example.com/cb")
        agent.get(client.authorization_url())
        page: Any = agent.sign_in()
        assert page.status == 503
        assert {place: v for place, v in ciphertexts(credenza).items() if place in before} == before


# -- settings ---------------------------------------------------------------------------------------------------------


def test_r_pw_11_a_weak_former_key_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="former_secret_keys"):
        secret_keys(Settings(secret_key=NEW, former_secret_keys=("short",)))


def test_keys_are_never_printed() -> None:
    assert OTHER not in repr(Settings(secret_key=NEW, former_secret_keys=(OTHER,)))


def test_the_file_has_the_newest_key_in_its_first_line(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'credenza.db'}", former_secret_keys=(OTHER,))
    (tmp_path / "credenza.db.key").write_text(f"{NEW}\n{OLD}\n")
    assert secret_keys(settings) == (NEW.encode(), [OLD.encode(), OTHER.encode()])


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in [name for name in os.environ if name.startswith("CREDENZA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'x.db'}")

    def call(*arguments: str, key: str = OLD, former: str = "") -> tuple[int, str, str]:
        monkeypatch.setenv("CREDENZA_SECRET_KEY", key)
        monkeypatch.setenv("CREDENZA_FORMER_SECRET_KEYS", former)
        status = main(arguments)
        return (status, *capsys.readouterr())

    assert call("migrate")[0] == call("keys", "list")[0] == 0
    status, out, err = call("reseal", "--json", key=NEW, former=OLD)
    assert status == 0, err
    assert json.loads(out)["values"] > 1
    _, out, _ = call("reseal", "--json", key=NEW, former=OLD)
    assert json.loads(out) == {"values": 0, "unread": []}
    status, _, err = call("reseal", key=OTHER)
    assert status == 1
    assert "another secret key" in err
