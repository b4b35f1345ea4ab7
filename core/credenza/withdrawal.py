"""Taking a consent back, on the account pages and in the console: what hangs on it ends."""

from __future__ import annotations

from .events import ConsentRevoked
from .permissions import choices_of
from .server import AuthorizationServer
from .store import consents
from .store.engine import transaction
from .store.revocation import revoke_consented_grants


async def revoke_consent(
    server: AuthorizationServer, user_id: str, consent_id: str, *, actor: str, address: str
) -> bool:
    """A consent of this user is forgotten, and codes, refresh tokens and access tokens that hang on it end.

    Whether it was there. `actor` is the id of whoever takes it back, `address` where they do it from.
    """
    async with transaction():
        consent = await consents.find_user_consent(user_id, consent_id)
        if consent is None:
            return False
        # The grants first, in the order in which a refresh takes them: neither waits for the other for ever.
        await revoke_consented_grants(user_id, consent.client_id, choices_of(consent.context), server.now())
        if await consents.delete_consent(user_id, consent_id) is None:
            return False  # somebody else was quicker
        await server.emit(
            ConsentRevoked(
                actor=actor,
                user=user_id,
                client=consent.client_id,
                address=address,
                context=consent.context,
                permissions=tuple(sorted(permission.key for permission in consent.granted)),
            )
        )
    return True
