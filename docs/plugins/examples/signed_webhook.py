"""A listener that tells another service who signed in. The service checks the signature with the key that both have."""

import hashlib
import hmac
import json
import os
import time

from credenza import Refused, events, fetch, hookimpl

ADDRESS = os.environ.get("SIGNED_WEBHOOK_ADDRESS", "")
KEY = os.environ.get("SIGNED_WEBHOOK_KEY", "")


def signature(body, key, now):
    """Of the moment, too, so that what somebody recorded cannot be sent again later."""
    mac = hmac.new(key.encode(), f"{now}.".encode() + body, hashlib.sha256)
    return f"t={now},v1={mac.hexdigest()}"


@hookimpl
def register_listeners(settings):
    async def tell(event: events.UserSignedIn):
        body = json.dumps({"user": event.user, "client": event.client}).encode()
        headers = {"Content-Type": "application/json", "Webhook-Signature": signature(body, KEY, int(time.time()))}
        status, _, _ = await fetch(settings, ADDRESS, method="POST", body=body, headers=headers)
        if status >= 300:
            raise Refused(f"{ADDRESS} answered {status}")

    return tell if ADDRESS else None
