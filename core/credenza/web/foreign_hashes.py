"""Passwords that another system hashed: bcrypt, PBKDF2, and the other kinds of Argon2. RFC 8018 §5.2, RFC 9106.

Until the person signs in, what rests here is an Argon2id hash of that hash; then it is one of the password.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Self

import bcrypt
from argon2.low_level import Type, hash_secret_raw

MOST_ITERATIONS = 5_000_000  # seconds of a processor, at the one sign-in that needs them
MOST_MEMORY = 1 << 20  # KiB
MOST_WRITTEN = 1 << 22  # KiB in all passes, seconds as well
MOST_ROUNDS = 15  # of bcrypt, as a power of two
BCRYPT_BYTES = 72  # of a password; what follows never counted
BASE64 = "[A-Za-z0-9+/]"
RECIPE = re.compile(
    r"\$pbkdf2-(?P<digest>sha1|sha256|sha512)\$i=(?P<i>[1-9]\d{0,7})(?:,l=(?P<l>\d{1,3}))?"
    r"\$(?P<salt>" + BASE64 + "{11,96})"
    r"|\$argon2(?P<kind>id?|d)\$v=(?P<v>16|19)\$m=(?P<m>\d{1,8}),t=(?P<t>[1-9]\d{0,3}),p=(?P<p>[1-9]\d?)"
    r"\$(?P<argon2_salt>" + BASE64 + "{11,96})"
    r"|\$2[aby]\$(?P<rounds>0[4-9]|[1-3]\d)\$[A-Za-z0-9./]{21}[.Oeu]",  # the last stands for two bits
    re.ASCII,
)
TAG = re.compile(r"\$(" + BASE64 + "{22,86})")
BCRYPT_TAG = re.compile("[A-Za-z0-9./]{31}")


@dataclass(frozen=True, slots=True)
class ForeignHash:
    """`recipe` is how the password was hashed, with the salt; `tag` is what came out."""

    recipe: str
    tag: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the PHC string format, or bcrypt's; raises ValueError, with the rest of a sentence about it."""
        recipe = RECIPE.match(text)
        form = BCRYPT_TAG if recipe and recipe["rounds"] else TAG
        tag = form.fullmatch(text, recipe.end()) if recipe else None
        if recipe is None or tag is None or not _whole(recipe, tag):
            raise ValueError("is no bcrypt, Argon2 or PBKDF2 hash like $pbkdf2-sha256$i=27500,l=32$salt$hash")
        memory, passes = int(recipe["m"] or MOST_MEMORY), int(recipe["t"] or 1)
        much = int(recipe["i"] or 1) > MOST_ITERATIONS or int(recipe["rounds"] or 4) > MOST_ROUNDS
        much = much or memory > MOST_MEMORY or memory * passes > MOST_WRITTEN
        if much or memory < 8 * int(recipe["p"] or 1):
            raise ValueError("has parameters with which no sign-in can check it")
        return cls(recipe[0], tag[0].encode() if recipe["rounds"] else _decoded(tag[1]))

    @property
    def text(self) -> str:
        """What is hashed again."""
        return b64encode(self.tag).decode()

    @property
    def beginning(self) -> str:
        """What the wrapped hash begins with, in the database."""
        return f"{self.recipe}${len(self.tag)}"


def wrapped(stored: str) -> tuple[str, str]:
    """What `ForeignHash.beginning` was, and the Argon2id hash behind it; the first is empty for a hash of ours."""
    beginning, sign, rest = stored.partition("$argon2id$")
    return (beginning, sign + rest) if sign and RECIPE.match(beginning) else ("", stored)


def made_as(beginning: str, password: str) -> ForeignHash:
    """The same with this password."""
    recipe, length = beginning.rsplit("$", 1)
    found = RECIPE.fullmatch(recipe)
    assert found is not None  # as it was taken
    secret, size = password.encode(), int(length)
    if found["digest"]:
        tag = hashlib.pbkdf2_hmac(found["digest"], secret, _decoded(found["salt"]), int(found["i"]), size)
    elif found["rounds"]:
        tag = bcrypt.hashpw(secret[:BCRYPT_BYTES], recipe.encode())[-size:]
    else:
        kind = Type.I if found["kind"] == "i" else Type.D
        t, m, p, v = (int(found[name]) for name in "tmpv")
        tag = hash_secret_raw(secret, _decoded(found["argon2_salt"]), t, m, p, size, kind, v)
    return ForeignHash(recipe, tag)


def _whole(recipe: re.Match[str], tag: re.Match[str]) -> bool:
    """Whether salt and tag are base64 of something, and the tag is as long as it is said to be."""
    if recipe["rounds"]:
        return True
    if len(recipe["salt"] or recipe["argon2_salt"]) % 4 == 1 or len(tag[1]) % 4 == 1:
        return False
    return recipe["l"] is None or int(recipe["l"]) == len(_decoded(tag[1]))


def _decoded(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4))
