"""Is it your device? Asked of everybody who was led here by a code, before anything is granted. RFC 8628 §5.4."""

from __future__ import annotations

from typing import Any

from ..objects import Prompt, Waiting
from ..protocol.errors import AccessDenied
from ..protocol.parameters import Parameters
from ..protocol.words import Words
from ..web.pages import DevicePage


class DevicePrompt(Prompt):
    name = "device"
    order = 200

    async def required(self, waiting: Waiting) -> bool:
        if not waiting.device:
            return False
        return waiting.session is None or waiting.state.get("confirmed") != waiting.session.id

    async def show(self, waiting: Waiting) -> DevicePage:
        assert waiting.client is not None
        assert waiting.user is not None
        return DevicePage(
            title=Words("Connect a device"),
            action=waiting.action,
            csrf_token=waiting.csrf_token,
            user_code=waiting.user_code,
            application=waiting.client.display_name,
            account=waiting.user.email or waiting.user.username,
        )

    async def submit(self, waiting: Waiting, form: Parameters) -> Any:
        if form.get("decision") != "authorize":
            raise AccessDenied("The user did not recognize the device.")
        assert waiting.session is not None
        waiting.state["confirmed"] = waiting.session.id
        return None
