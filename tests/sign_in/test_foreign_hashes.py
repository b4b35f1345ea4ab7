"""Passwords that another system hashed are good here once: the first sign-in makes an Argon2id hash of the password."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from argon2.exceptions import HashingError
from argon2.low_level import Type, error_to_str, hash_secret, hash_secret_raw

from credenza import state, users
from credenza.state import StateError
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web import foreign_hashes
from credenza.web.passwords import normalized

SECRET = "e\u0301cluse \ufb01 1842"  # not in the normal form: others hash what was typed
SALT = b"0123456789abcdef"
SCRIPT = Path(__file__).parents[2] / "docs/how-to/move/keycloak_users.py"


def base64(content: bytes) -> str:
    return b64encode(content).rstrip(b"=").decode()


def pbkdf2(digest: str, times: int, size: int, password: str = SECRET) -> str:
    tag = hashlib.pbkdf2_hmac(digest, password.encode(), SALT, times, size)
    return f"$pbkdf2-{digest}$i={times},l={size}${base64(SALT)}${base64(tag)}"


def argon2(kind: Type, password: str = SECRET) -> str:
    return hash_secret(password.encode(), SALT, 2, 64, 1, 32, kind).decode()


BCRYPT = "$2b$05$abcdefghijklmnopqrstuuMOK.UXUS9caPFvb9oRCiG2WNj3trhoi"  # SECRET, by libxcrypt
LONG = "$2y$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q"  # 80 times x, likewise
FOREIGN = [
    BCRYPT,
    BCRYPT.replace("2b", "2a"),
    BCRYPT.replace("2b", "2y"),
    pbkdf2("sha1", 1000, 20),
    pbkdf2("sha256", 2750, 64),
    pbkdf2("sha512", 2100, 64),
    argon2(Type.I),
    argon2(Type.D),
]


def declare(credenza: Credenza, stored: str) -> list[Any]:
    return credenza.apply({"users": [{"username": "mary", "password_hash": stored}]}).changes


def stored(credenza: Credenza) -> str:
    user = credenza.run(users.find_user_by_identifier, "mary")
    assert user is not None
    return user.password_hash or ""


def sign_in(agent: UserAgent, client: RelyingParty, password: str = SECRET) -> str:
    agent.get(client.authorization_url())
    page = agent.sign_in("mary", password)
    assert isinstance(page, PageSeen)
    return page.name


@pytest.mark.parametrize("foreign", FOREIGN)
def test_the_password_is_right_and_is_hashed_anew_at_the_first_sign_in(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, foreign: str
) -> None:
    """Of PBKDF2 (RFC 8018 §5.2), bcrypt and Argon2, as other systems wrote them."""
    declare(credenza, foreign)
    before = stored(credenza)
    assert foreign.rpartition("$")[2] not in before, "what rests here is Argon2id, whatever the other system took"
    assert "$argon2id$" in before
    assert sign_in(user_agent, client, SECRET + "x") == "sign-in"
    assert stored(credenza) == before
    assert sign_in(user_agent, client) == "consent"
    assert stored(credenza).startswith("$argon2id$")
    assert sign_in(UserAgent(credenza), client) == "consent"


@pytest.mark.parametrize("foreign", [BCRYPT, argon2(Type.ID)])
def test_a_password_that_was_chosen_here_stays(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, foreign: str
) -> None:
    """By a link, before the first sign-in: whoever knows the old one is out."""
    declare(credenza, foreign)
    mary = credenza.run(users.find_user_by_identifier, "mary")
    assert mary is not None
    ours = credenza.run(credenza.app.state.passwords.hash, "a password of her own")
    credenza.run(users.update_password, mary.id, ours, credenza.server.now())
    assert not declare(credenza, foreign)
    assert sign_in(user_agent, client) == "sign-in"
    assert sign_in(user_agent, client, "a password of her own") == "consent"


def test_bcrypt_never_looked_at_more_than_72_bytes(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    declare(credenza, LONG)
    assert sign_in(user_agent, client, "x" * 71) == "sign-in"
    assert sign_in(user_agent, client, "x" * 80) == "consent"


@pytest.mark.parametrize(
    "foreign", [pbkdf2("sha1", 1000, 20), BCRYPT, argon2(Type.ID, "a plain password of another system")]
)
def test_the_same_file_changes_nothing_the_second_time(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, foreign: str
) -> None:
    """Neither before the first sign-in, nor when the password is ours by then."""
    assert declare(credenza, foreign)
    assert not declare(credenza, foreign)
    password = "a plain password of another system" if "argon2" in foreign else SECRET
    assert sign_in(user_agent, client, password) == "consent"
    ours = stored(credenza)
    assert ours != foreign
    assert not declare(credenza, foreign)
    assert stored(credenza) == ours


@pytest.mark.parametrize("member", ["password", "password_hash"])
def test_what_would_change_is_told_of_somebody_who_had_no_password(credenza: Credenza, member: str) -> None:
    credenza.apply({"users": [{"username": "mary"}]})
    document = {"users": [{"username": "mary", member: BCRYPT}]}
    run = credenza.run(state.apply, credenza.server, credenza.app.state.passwords, document, Path.cwd(), dry=True)
    assert len(run.changes) == 1
    assert len(credenza.apply(document).changes) == 1


@pytest.mark.parametrize(
    ("before", "foreign"),
    [
        (pbkdf2("sha256", 1000, 32, "the one before"), pbkdf2("sha256", 1000, 32)),
        (argon2(Type.ID, "the one before"), argon2(Type.ID, normalized(SECRET))),
    ],
)
def test_until_the_first_sign_in_the_newest_hash_counts(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, before: str, foreign: str
) -> None:
    """The other system goes on until the day of the move."""
    declare(credenza, before)
    assert declare(credenza, foreign)
    assert sign_in(user_agent, client, "the one before") == "sign-in"
    assert sign_in(user_agent, client) == "consent"


@pytest.mark.parametrize(
    ("foreign", "message"),
    [
        (BCRYPT.replace("2b", "2x"), "is no bcrypt, Argon2 or PBKDF2 hash"),
        (BCRYPT[:-1], "is no bcrypt, Argon2 or PBKDF2 hash"),
        (BCRYPT.replace("$05", "$16"), "no sign-in can check it"),
        ("$pbkdf2-md5$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$" + "A" * 43, "is no bcrypt, Argon2 or PBKDF2 hash"),
        (pbkdf2("sha256", 1000, 32) + "=", "is no bcrypt, Argon2 or PBKDF2 hash"),
        (pbkdf2("sha256", 1000, 32).replace("i=1000", "i=9000000"), "no sign-in can check it"),
        (argon2(Type.I).replace("m=64", "m=9999999"), "no sign-in can check it"),
        (argon2(Type.I).replace("m=64", "m=7"), "no sign-in can check it"),
        (argon2(Type.I).replace("m=64,t=2", "m=1048576,t=5"), "no sign-in can check it"),
        (argon2(Type.ID).replace("m=64", "m=9999999"), "no sign-in can check it"),
        (argon2(Type.ID).replace("m=64,t=2", "m=65536,t=9999"), "no sign-in can check it"),
        (argon2(Type.ID)[:-43], "is no bcrypt, Argon2 or PBKDF2 hash"),
        (argon2(Type.ID).replace(base64(SALT), "!" * 22), "is no bcrypt, Argon2 or PBKDF2 hash"),
        (argon2(Type.D).replace(base64(SALT), "A" * 13), "is no bcrypt, Argon2 or PBKDF2 hash"),
        (pbkdf2("sha256", 1000, 32).replace(base64(SALT), "A" * 97), "is no bcrypt, Argon2 or PBKDF2 hash"),
        (pbkdf2("sha256", 1000, 32).replace(base64(SALT), "A" * 17), "is no bcrypt, Argon2 or PBKDF2 hash"),
        (pbkdf2("sha256", 1000, 32)[:-10], "is no bcrypt, Argon2 or PBKDF2 hash"),
        (pbkdf2("sha256", 1000, 32).replace("l=32", f"l={'0' * 200}32"), "is no bcrypt, Argon2 or PBKDF2 hash"),
        (pbkdf2("sha256", 1000, 32).replace("i=1000", "i=1\u0663\u0663\u0663"), "is no bcrypt, Argon2 or PBKDF2 hash"),
        (BCRYPT.replace("uuMOK", "uvMOK"), "is no bcrypt, Argon2 or PBKDF2 hash"),
    ],
)
def test_what_cannot_be_checked_is_refused(credenza: Credenza, foreign: str, message: str) -> None:
    with pytest.raises(StateError, match=f"mary: password_hash .*{message}"):
        declare(credenza, foreign)


def test_a_shortage_of_memory_is_no_failure_of_the_server(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other system took may be more than there is at this moment."""
    declare(credenza, argon2(Type.D))

    def without_memory(*_: object) -> bytes:
        raise HashingError(error_to_str(-22))  # ARGON2_MEMORY_ALLOCATION_ERROR

    monkeypatch.setattr(foreign_hashes, "hash_secret_raw", without_memory)
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in("mary", SECRET)
    assert isinstance(page, PageSeen)
    assert page.status == 503
    monkeypatch.undo()
    assert sign_in(user_agent, client) == "consent"


def keycloak(name: str, algorithm: str, times: int, tag: bytes, **more: str) -> dict[str, Any]:
    """A user as `kc.sh export` writes it."""
    how = {"hashIterations": times, "algorithm": algorithm, "additionalParameters": {k: [v] for k, v in more.items()}}
    what = {"value": b64encode(tag).decode(), "salt": b64encode(SALT).decode(), "additionalParameters": {}}
    password = {"type": "password", "secretData": json.dumps(what), "credentialData": json.dumps(how)}
    return {
        "id": f"2a6f{len(name):04}-0000-4000-8000-000000000000",
        "username": name,
        "email": name if "@" in name else f"{name}@old.example.com",
        "emailVerified": True,
        "firstName": "Mary",
        "enabled": True,
        "credentials": [password, {"type": "otp", "secretData": "{}", "credentialData": "{}"}],
    }


def test_the_script_for_keycloak_makes_a_file_that_signs_people_in(
    credenza: Credenza, client: RelyingParty, tmp_path: Path
) -> None:
    password = "an old song of the sea"
    raw = password.encode()
    id_tag = hash_secret_raw(raw, SALT, 5, 7168, 1, 32, Type.ID)
    realm = [
        keycloak("mary", "argon2", 5, id_tag, type="id", version="1.3", memory="7168", parallelism="1"),
        keycloak("nell", "pbkdf2-sha256", 2750, hashlib.pbkdf2_hmac("sha256", raw, SALT, 2750, 64)),
        keycloak("olga@old.example.com", "pbkdf2", 2000, hashlib.pbkdf2_hmac("sha1", raw, SALT, 2000, 64)),
        {"id": "x", "username": "service-account-a", "serviceAccountClientId": "a", "enabled": True},
    ]
    export = tmp_path / "realm.json"
    export.write_text(json.dumps({"realm": "old", "users": realm}))
    done = subprocess.run([sys.executable, SCRIPT, export], capture_output=True, text=True, check=True)
    credenza.apply(json.loads(done.stdout))
    for name in ("mary", "nell", "olga-at-old.example.com", "nell@old.example.com"):
        agent = UserAgent(credenza)
        agent.get(client.authorization_url())
        page = agent.sign_in(name, password)
        assert isinstance(page, PageSeen)
        assert page.name == "consent", name
    assert credenza.run(users.find_user_by_identifier, "service-account-a") is None


def test_the_script_for_keycloak_takes_a_realm_that_was_exported_without_users(
    credenza: Credenza, tmp_path: Path
) -> None:
    export = tmp_path / "realm.json"
    export.write_text(json.dumps({"realm": "old", "clients": []}))
    done = subprocess.run([sys.executable, SCRIPT, export], capture_output=True, text=True, check=True)
    assert credenza.apply(json.loads(done.stdout)).changes == []
