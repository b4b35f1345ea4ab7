"""The two ceremonies: a new passkey, and a proof that one is there. WebAuthn Level 3 §7.

Both ask for user verification (a finger, a face or a PIN), so a passkey is two factors by itself, and both name our own
address, so it answers to nobody else. The library is imported by the first of them: it is large, and most servers
never see a passkey.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from credenza import AuthorizationServer, User, base64url, parse_json

from . import store
from .store import Passkey

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

MOST_CHARACTERS = 20_000
KNOWN_TRANSPORTS = ("ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb")


class Refused(Exception):
    """The answer of the browser proves nothing; the message is for the log."""


def rp_id(server: AuthorizationServer) -> str:
    """The host of the issuer: never of a request. WebAuthn §5.1.2."""
    return urlsplit(server.issuer).hostname or ""


def possible(issuer: str) -> bool:
    """Browsers know passkeys for names, and for no bare address."""
    host = urlsplit(issuer).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


async def creation_options(server: AuthorizationServer, user: User, challenge: bytes) -> str:
    """As JSON, for the script."""
    import webauthn
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = webauthn.generate_registration_options(
        rp_id=rp_id(server),
        rp_name=(await server.provider_branding()).display_name,
        user_id=user.id.encode(),
        user_name=user.email or user.username,
        user_display_name=user.display_name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(await store.list_passkeys(user.id)),
    )
    return webauthn.options_to_json(options)


def request_options(server: AuthorizationServer, challenge: bytes, passkeys: Sequence[Passkey] = ()) -> str:
    """Without passkeys the browser offers those it has, so that nobody learns which accounts have any."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=rp_id(server),
        challenge=challenge,
        allow_credentials=_descriptors(passkeys) or None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    return [
        PublicKeyCredentialDescriptor(
            id=p.credential_id, transports=[AuthenticatorTransport(t) for t in p.transports] or None
        )
        for p in passkeys
    ]


def registered(server: AuthorizationServer, user: User, text: str, challenge: bytes, name: str) -> Passkey:
    """The new passkey in a browser's answer. Raises Refused. WebAuthn §7.1."""
    import webauthn

    answer = _parsed(text)
    try:
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=rp_id(server),
            expected_origin=server.issuer,
            require_user_verification=True,
        )
    except Exception as error:  # its parser meets strangers' bytes, and raises more than its own errors
        raise Refused(f"not a new passkey: {error!r}") from error
    offered = answer["response"].get("transports") if isinstance(answer.get("response"), dict) else None
    transports = [t for t in offered if t in KNOWN_TRANSPORTS] if isinstance(offered, list) else []
    return Passkey(
        id=store.key_of(verified.credential_id),
        user_id=user.id,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        synced=verified.credential_device_type.value == "multi_device",
        transports=tuple(dict.fromkeys(transports)),
        name=name,
        added_at=server.now(),
        last_used_at=None,
    )


async def proved(server: AuthorizationServer, text: str, challenge: bytes, user: User | None = None) -> Passkey:
    """The passkey that a browser's answer proves, of this user if one is given. Raises Refused. WebAuthn §7.2."""
    import webauthn

    answer = _parsed(text)
    passkey = await store.find_passkey(_credential_id(answer))
    if passkey is None:
        raise Refused("nobody has this passkey")
    if user is not None and passkey.user_id != user.id:
        raise Refused("it is somebody else's passkey")
    response = answer.get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    # "If the user was not identified …, verify that response.userHandle is present." §7.2, step 6
    if (handle is not None or user is None) and handle != base64url.encode(passkey.user_id.encode()):
        raise Refused("the passkey speaks of another user, or of none")
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=rp_id(server),
            expected_origin=server.issuer,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception as error:
        raise Refused(f"no proof: {error!r}") from error
    if not await store.use_passkey(passkey, verified.new_sign_count, server.now()):
        raise Refused("its counter was moved on by another answer")
    return passkey


def _parsed(text: str) -> dict[str, Any]:
    if not text or len(text) > MOST_CHARACTERS:
        raise Refused("there is no answer of a browser")
    try:
        answer = parse_json(text.encode())
    except ValueError as error:
        raise Refused(f"not JSON: {error}") from error
    if not isinstance(answer, dict):
        raise Refused("not an object")
    return answer


def _credential_id(answer: dict[str, Any]) -> bytes:
    given = answer.get("rawId")
    try:
        return base64url.decode(given) if isinstance(given, str) else b""
    except ValueError as error:
        raise Refused("rawId is not base64url") from error
