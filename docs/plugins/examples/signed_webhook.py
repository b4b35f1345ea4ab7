"""A listener that tells another service who signed in. The service checks the signature with the key that both have."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field

from credenza import Refused, events, fetch, hookimpl, place_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    address: str = ""
    key: str = field(default="", repr=False)

    def __post_init__(self):
        if self.address and len(self.key) < 32:
            raise ValueError("key: at least 32 random characters, which the other service has, too")


own_settings = WebhookSettings


def signature(body, key, now):
    """Of the moment, too, so that what somebody recorded cannot be sent again later."""
    mac = hmac.new(key.encode(), f"{now}.".encode() + body, hashlib.sha256)
    return f"t={now},v1={mac.hexdigest()}"


@hookimpl
def register_listeners(settings, server):
    own = settings.of(WebhookSettings)

    async def tell(event: events.UserSignedIn):
        body = json.dumps({"user": event.user, "client": event.client}).encode()
        signed = {"Content-Type": "application/json", "Webhook-Signature": signature(body, own.key, server.now())}
        status, _, _ = await fetch(settings, own.address, method="POST", body=body, headers=signed)
        if status >= 300:
            raise Refused(f"{place_of(own.address)} answered {status}")

    return tell if own.address else None
