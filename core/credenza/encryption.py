"""Keys for each purpose, derived from one secret that is never in the database; encryption of what rests there."""

from __future__ import annotations

import base64
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Undecryptable(Exception):
    """The ciphertext is not for this key or this place."""


class Keyring:
    """Every purpose has a key of its own (HKDF with a label, RFC 5869), so that one leak is not all of them."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._encryption = AESGCM(self.derive("encryption at rest"))
        self._csrf = self.derive("csrf")
        self._names = self.derive("low-entropy names")

    def derive(self, purpose: str) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"credenza " + purpose.encode()).derive(self._secret)

    def encrypt(self, plaintext: bytes, *, place: str) -> str:
        """AES-256-GCM; `place` (table, row and column) is authenticated, so a value moved elsewhere does not open."""
        nonce = os.urandom(12)
        return "v1:" + base64.b64encode(nonce + self._encryption.encrypt(nonce, plaintext, place.encode())).decode()

    def decrypt(self, ciphertext: str, *, place: str) -> bytes:
        data = base64.b64decode(ciphertext.removeprefix("v1:"))
        try:
            return self._encryption.decrypt(data[:12], data[12:], place.encode())
        except InvalidTag as error:
            raise Undecryptable(
                f"{place} was encrypted with another secret key; start with the CREDENZA_SECRET_KEY of this database"
            ) from error

    def csrf_token(self, cookie: str) -> str:
        """Bound to the cookie of one browser: a pair planted from elsewhere does not fit."""
        return hmac.new(self._csrf, cookie.encode(), "sha256").hexdigest()

    def keyed_name(self, name: str) -> str:
        """A name for something that could be guessed, so that the database does not tell who tried to sign in."""
        return hmac.new(self._names, name.encode(errors="surrogatepass"), "sha256").hexdigest()
