"""JSON Web Signatures and Keys. The only file that knows the JOSE library. RFC 7515, RFC 7517, RFC 7519, RFC 8725.

The library is handed key objects with exactly one algorithm each, and only after this file has read the header itself:
it would accept some forgeries when it had to choose an algorithm or a key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from jose import jwk, jws
from jose.backends.base import Key
from jose.backends.cryptography_backend import CryptographyECKey, CryptographyRSAKey

from . import base64url
from .documents import parse_json, to_json

ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA")  # what is signed with, here and by clients
SAME = {"Ed25519": "EdDSA"}  # what clients may call one of them as well
CLIENT_ALGORITHMS = (*ALGORITHMS, *SAME)
FAPI_ALGORITHMS = ("ES256", "PS256", "EdDSA")  # FAPI 2.0 Security Profile §5.4.1
KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
CURVES = {"EC": "P-256", "OKP": "Ed25519"}
COMPACT = re.compile(r"[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){2}")
MAX_TOKEN = 16 * 1024
MAX_KEYS = 50
SKEW = 60  # seconds that a clock elsewhere may be ahead


class InvalidJWT(Exception):
    """The token is not acceptable; the message is for the log."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One of our own keys, parsed once: the library takes 90 times longer with PEM text."""

    kid: str
    alg: str
    key: Key
    public_jwk: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the one algorithm it is for."""

    kid: str | None
    alg: str
    key: Key


def generate_private_key(alg: str) -> bytes:
    """A new private key as PKCS #8 PEM. RSA of 2048 bits takes about 50 ms."""
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    if KEY_TYPES[alg] == "RSA":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    elif KEY_TYPES[alg] == "EC":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_signing_key(pem: bytes, alg: str) -> SigningKey:
    """Parse one of our private keys; raises ValueError for a weak or mismatching one.

    It was made here and comes out of authenticated encryption: to look for primes in it again would take 27 ms.
    """
    if alg not in ALGORITHMS:
        raise ValueError(f"no such signing algorithm: {alg}")
    private = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    public = private.public_key()
    if isinstance(public, rsa.RSAPublicKey) and KEY_TYPES[alg] == "RSA" and public.key_size >= 2048:
        members = {"kty": "RSA", "n": _number(public.public_numbers().n), "e": _number(public.public_numbers().e)}
    elif isinstance(public, ec.EllipticCurvePublicKey) and alg == "ES256" and public.curve.name == "secp256r1":
        numbers = public.public_numbers()
        members = {"kty": "EC", "crv": "P-256", "x": _number(numbers.x, 32), "y": _number(numbers.y, 32)}
    elif isinstance(public, ed25519.Ed25519PublicKey) and alg == "EdDSA":
        members = {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(public.public_bytes_raw())}
    else:
        raise ValueError(f"this key cannot be used with {alg}")
    kid = thumbprint(members)
    return SigningKey(kid, alg, _construct(private, alg), {**members, "kid": kid, "use": "sig", "alg": alg})


def verification_key(key: SigningKey) -> VerificationKey:
    return VerificationKey(key.kid, key.alg, key.key.public_key())


def thumbprint(members: Mapping[str, str]) -> str:
    """The hash of a key's required members, in order. RFC 7638 §3."""
    return base64url.encode(
        hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest()
    )


def sign(claims: Mapping[str, Any], key: SigningKey, *, typ: str) -> str:
    """A compact JWS with `kid` and `typ` in its header. RFC 7515 §3.1, §5.1.

    Put together here, since the header is the same for every token of a key; what signs is the library's key.
    """
    signed = f"{_header(key.alg, key.kid, typ)}.{base64url.encode(to_json(dict(claims)))}"
    return f"{signed}.{base64url.encode(key.key.sign(signed.encode()))}"


@lru_cache(maxsize=64)
def _header(alg: str, kid: str, typ: str) -> str:
    return base64url.encode(to_json({"alg": alg, "kid": kid, "typ": typ}))


def algorithm(name: str) -> str:
    """By the name that is used here; clients may say it more exactly. RFC 9864 §2.2."""
    return SAME.get(name, name)


class ForeignKey(ValueError):
    """A key of a kind that we do not use; its owner may well use it elsewhere."""


def parse_jwks(jwks: Mapping[str, Any]) -> list[VerificationKey]:
    """The public keys of a client that we can use; those of other kinds are ignored beside them. RFC 7517 §5.

    Raises ValueError, in a sentence, for a private, weak or broken key, and when none is left.
    """
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise ValueError(f"A JWKS is an object with at most {MAX_KEYS} keys.")
    parsed: list[VerificationKey] = []
    foreign: ForeignKey | None = None
    for key in keys:
        try:
            parsed += _parse_jwk(key)
        except ForeignKey as error:
            foreign = error
    if foreign is not None and not parsed:
        raise foreign
    return parsed


def _parse_jwk(members: object) -> list[VerificationKey]:
    if not isinstance(members, dict):
        raise ValueError("A key is an object.")
    if members.get("use", "sig") != "sig":
        return []
    if members.get("alg") in [*SAME]:
        members = {**members, "alg": algorithm(members["alg"])}
    kty, kid = members.get("kty"), members.get("kid")
    if {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} & members.keys():
        raise ValueError("This is a private key; register the public one only, and make a new pair.")
    if not isinstance(kty, str) or kty == "oct":
        raise ValueError("Only RSA, EC and OKP keys are accepted.")
    if kid is not None and not isinstance(kid, str):
        raise ValueError("kid is a string.")
    _check_kind(kty, members.get("alg"), members.get("crv"))
    # A key without `alg` may be used with each algorithm of its type.
    algorithms = [members["alg"]] if "alg" in members else [a for a, t in KEY_TYPES.items() if t == kty]
    if any(not isinstance(a, str) or KEY_TYPES.get(a) != kty for a in algorithms):
        raise ValueError(f"Keys are accepted for {', '.join(ALGORITHMS)}.")
    public = {name: members.get(name) for name in ("kty", *MEMBERS[kty])}
    if not all(isinstance(value, str) and value.isascii() for value in public.values()):
        raise ValueError("A member of the key is missing.")
    if kty in CURVES and public["crv"] != CURVES[kty]:
        raise ValueError(f"{kty} keys are on {CURVES[kty]}.")
    try:
        return [VerificationKey(kid, alg, _public_key(public, alg)) for alg in algorithms]
    except ValueError:
        raise
    except Exception as error:  # also TypeError and KeyError, for points off the curve and the like
        raise ValueError("The key is not valid.") from error


def _check_kind(kty: str, alg: object, crv: object) -> None:
    """Raises ForeignKey for a type, an algorithm or a curve that is not ours; what contradicts itself comes later."""
    if kty not in MEMBERS:
        raise ForeignKey("Only RSA, EC and OKP keys are accepted.")
    if isinstance(alg, str) and alg not in KEY_TYPES and alg != "none" and not alg.startswith("HS"):
        raise ForeignKey(f"Keys are accepted for {', '.join(ALGORITHMS)}.")
    if alg is None and kty in CURVES and isinstance(crv, str) and crv != CURVES[kty]:
        raise ForeignKey(f"{kty} keys are on {CURVES[kty]}.")


def _public_key(members: Mapping[str, Any], alg: str) -> Key:
    """Of the one algorithm, and strong enough for it. RFC 7518 §3.3, §3.5, RFC 8037 §2."""
    if alg == "EdDSA":
        return EdDSAKey(ed25519.Ed25519PublicKey.from_public_bytes(base64url.decode(members["x"])), alg)
    key = _construct({**members, "alg": "RS256" if alg == "PS256" else alg}, "RS256" if alg == "PS256" else alg)
    prepared = key.prepared_key
    if isinstance(prepared, rsa.RSAPublicKey) and (
        prepared.key_size < 2048 or prepared.key_size > 8192 or prepared.public_numbers().e < 3
    ):
        raise ValueError("RSA keys have 2048 to 8192 bits.")
    return PS256Key(prepared, alg) if alg == "PS256" else key


class PS256Key(Key):
    """RSASSA-PSS, which the library does not have. RFC 7518 §3.5."""

    PADDING = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)

    def __init__(self, key: rsa.RSAPrivateKey | rsa.RSAPublicKey, algorithm: str) -> None:
        super().__init__(key, algorithm)
        self._private = key if isinstance(key, rsa.RSAPrivateKey) else None
        self.prepared_key = key if isinstance(key, rsa.RSAPublicKey) else key.public_key()  # the library's name for it
        self._algorithm = algorithm

    def sign(self, msg: bytes) -> bytes:
        assert self._private is not None
        return self._private.sign(msg, self.PADDING, hashes.SHA256())

    def verify(self, msg: bytes, sig: bytes) -> bool:
        try:
            self.prepared_key.verify(sig, msg, self.PADDING, hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def public_key(self) -> PS256Key:
        return PS256Key(self.prepared_key, self._algorithm)


class EdDSAKey(Key):
    """Ed25519, which the library does not have. RFC 8037 §3.1."""

    def __init__(self, key: ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey, algorithm: str) -> None:
        super().__init__(key, algorithm)
        self._private = key if isinstance(key, ed25519.Ed25519PrivateKey) else None
        self.prepared_key = key if isinstance(key, ed25519.Ed25519PublicKey) else key.public_key()
        self._algorithm = algorithm

    def sign(self, msg: bytes) -> bytes:
        assert self._private is not None
        return self._private.sign(msg)

    def verify(self, msg: bytes, sig: bytes) -> bool:
        try:
            self.prepared_key.verify(sig, msg)
        except InvalidSignature:
            return False
        return True

    def public_key(self) -> EdDSAKey:
        return EdDSAKey(self.prepared_key, self._algorithm)


OWN_KEYS = {"PS256": PS256Key, "EdDSA": EdDSAKey}
for _alg, _class in OWN_KEYS.items():
    jwk.register_key(_alg, _class)


def thumbprint_of(jwk: Mapping[str, Any]) -> str:
    """The thumbprint of a public key as it was sent. RFC 7638 §3."""
    return thumbprint({name: jwk[name] for name in ("kty", *MEMBERS[jwk["kty"]])})


def _construct(material: Any, alg: str) -> Any:
    key = jwk.construct(material, alg)
    if not isinstance(key, CryptographyECKey | CryptographyRSAKey | PS256Key | EdDSAKey):
        raise ValueError(f"{alg} keys must be handled by the cryptography package")
    return key


def read_header(token: str) -> dict[str, Any]:
    """The header, read but not believed. Refuses what we do not support, and what is no base64url: the library would
    take padding, and the other alphabet. RFC 7515 §4.1.11, §5.2, RFC 4648 §5.
    """
    if len(token) > MAX_TOKEN or not COMPACT.fullmatch(token):
        raise InvalidJWT("not a compact JWS")
    header = _json_object(token.split(".", 1)[0])
    if not isinstance(header.get("alg"), str) or not isinstance(header.get("kid", ""), str):
        raise InvalidJWT("alg and kid are strings")
    if refused := header.keys() & {"crit", "b64", "zip", "cty"}:
        raise InvalidJWT(f"header has {', '.join(sorted(refused))}")
    return header


def read_claims(token: str) -> dict[str, Any]:
    """The claims, read but not believed: only to find out whose keys to try."""
    read_header(token)
    return _json_object(token.split(".")[1])


def verify(token: str, keys: Iterable[VerificationKey], *, types: Sequence[str | None]) -> dict[str, Any]:
    """The claims of a token that one of the keys signed; `types` are the `typ` values to accept, None for none.

    Each of them is a media type, with "application/" before it or without. RFC 7515 §4.1.9, RFC 8725 §3.1, §3.11.
    The key is chosen before anything is verified, by `kid` and `alg`; times and audience are for `check_times` and the
    caller. Raises InvalidJWT and nothing else.
    """
    header = read_header(token)
    typ = header.get("typ")
    if (typ.lower().removeprefix("application/") if isinstance(typ, str) else typ) not in types:
        raise InvalidJWT(f"typ must be {' or '.join(name for name in types if name)}")
    kid = header.get("kid")
    alg = algorithm(header["alg"])
    if alg not in ALGORITHMS:
        raise InvalidJWT(f"alg must be one of {', '.join(ALGORITHMS)}")
    candidates = [k for k in keys if k.alg == alg and (kid is None or k.kid is None or k.kid == kid)]
    if not candidates:
        raise InvalidJWT("no key for this kid and alg")
    for candidate in candidates[:5]:
        try:
            payload = jws.verify(token, candidate.key, algorithms=[header["alg"]])  # by whichever of its names
        except Exception:  # noqa: BLE001, S112 - not only JOSEError comes out of the library
            continue
        return _parse_object(payload)
    raise InvalidJWT("signature does not match")


def check_times(claims: Mapping[str, Any], now: int, *, expired_ok: bool = False, longest: int | None = None) -> None:
    """`exp` must be there and ahead, `iat` and `nbf` not in the future but for the skew.

    RFC 7519 §4.1.4, §4.1.5, §4.1.6.
    """
    times = {name: claims.get(name) for name in ("exp", "iat", "nbf")}
    for name, value in times.items():
        if value is None and name == "nbf":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
            raise InvalidJWT(f"{name} is missing or no number of seconds")
    exp, iat, nbf = (times[name] for name in ("exp", "iat", "nbf"))
    assert isinstance(exp, int | float)
    assert isinstance(iat, int | float)
    if exp <= now and not expired_ok:
        raise InvalidJWT("expired")
    if longest is not None and exp > now + longest + SKEW:
        raise InvalidJWT("exp is too far ahead")
    if iat > now + SKEW or (nbf is not None and nbf > now + SKEW):
        raise InvalidJWT("not valid yet")


def _json_object(segment: str) -> dict[str, Any]:
    try:
        return _parse_object(base64url.decode(segment))
    except ValueError as error:
        raise InvalidJWT("not base64url JSON") from error


def _parse_object(data: bytes) -> dict[str, Any]:
    try:
        value = parse_json(data)
    except ValueError as error:
        raise InvalidJWT("not JSON") from error
    if not isinstance(value, dict):
        raise InvalidJWT("not a JSON object")
    return value


def _number(value: int, length: int | None = None) -> str:
    return base64url.encode(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))
