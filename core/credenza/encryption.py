"""Keys for each purpose, derived from one secret that is never in the database; encryption of what rests there."""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .store.engine import StoreUnavailable

FORMAT = "v1"


class Undecryptable(Exception):
    """The ciphertext is not for these keys or this place."""


def derive(secret: bytes, purpose: str) -> bytes:
    """A key of its own for every purpose (HKDF with a label, RFC 5869), so that one leak is not all of them."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"credenza " + purpose.encode()).derive(secret)


class Keyring:
    """What is derived from the secret key, which may be changed, and from the lasting secret, which never is.

    `former` are keys that are read with and not written with: the ones before, or the one to come.
    """

    def __init__(self, secret: bytes, former: Sequence[bytes] = ()) -> None:
        self._ciphers = {key_id(each): AESGCM(derive(each, "encryption at rest")) for each in (secret, *former)}
        self._csrf = [derive(each, "csrf") for each in (secret, *former)]
        self._newest = key_id(secret)
        self._lasting: bytes | None = None

    def encrypt(self, plaintext: bytes, *, place: str) -> str:
        """AES-256-GCM under the newest key, which it names.

        `place` is authenticated, so a value moved elsewhere does not open: "table/row/column" of what rests in the
        database, so that it is found when the key changes.
        """
        nonce = os.urandom(12)
        sealed = nonce + self._ciphers[self._newest].encrypt(nonce, plaintext, place.encode())
        return self.newest_prefix + base64.b64encode(sealed).decode()

    def decrypt(self, ciphertext: str, *, place: str) -> bytes:
        """Raises Undecryptable, and ValueError for what was never encrypted here."""
        name, _, content = ciphertext.removeprefix(f"{FORMAT}:").partition(":")
        data = base64.b64decode(content, validate=True)
        try:
            return self._ciphers[name].decrypt(data[:12], data[12:], place.encode())
        except (KeyError, InvalidTag) as error:
            raise Undecryptable(
                f"{place} was encrypted with another secret key; start with the CREDENZA_SECRET_KEY of this database, "
                "or name that one in CREDENZA_FORMER_SECRET_KEYS"
            ) from error

    @property
    def newest_prefix(self) -> str:
        """What everything begins with that was encrypted with the newest key."""
        return f"{FORMAT}:{self._newest}:"

    def csrf_token(self, cookie: str) -> str:
        """Bound to the cookie of one browser: a pair planted from elsewhere does not fit."""
        return _csrf(self._csrf[0], cookie)

    def is_csrf_token(self, token: str, cookie: str) -> bool:
        """Whether the form was made for this browser, with whichever key; a form outlives a change of keys."""
        expected = [_csrf(key, cookie).encode() for key in self._csrf]
        return any(hmac.compare_digest(each, token.encode()) for each in expected)

    def use_lasting(self, secret: bytes) -> None:
        """Called once, as soon as the database tells it."""
        self._lasting = secret
        self._names = derive(secret, "low-entropy names")
        self._subjects = derive(secret, "pairwise subjects")

    @property
    def complete(self) -> bool:
        return self._lasting is not None

    @property
    def subjects(self) -> bytes:
        """The key of pairwise subjects, which never changes. Raises StoreUnavailable before the database is there."""
        self._check_complete()
        return self._subjects

    def keyed_name(self, name: str) -> str:
        """A name for something that could be guessed, so that the database does not tell who tried to sign in.

        It outlives a change of keys. Raises StoreUnavailable before the database is there.
        """
        self._check_complete()
        return hmac.new(self._names, name.encode(errors="surrogatepass"), "sha256").hexdigest()

    def _check_complete(self) -> None:
        if self._lasting is None:
            raise StoreUnavailable("the lasting secret has not been read yet")


def key_id(secret: bytes) -> str:
    """Tells keys apart, and nothing about them."""
    return derive(secret, "key id")[:4].hex()


def _csrf(key: bytes, cookie: str) -> str:
    return hmac.new(key, cookie.encode(), "sha256").hexdigest()
