"""A mailer of a plugin that hangs holds up no request for ever."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest

from credenza import Mail, Mailer, hookimpl, users
from credenza.testing import PageSeen, UserAgent, running
from credenza.testing import test_settings as settings_for_tests


class Hanging(Mailer):
    name = "hanging"

    async def send(self, mail: Mail) -> None:
        await asyncio.sleep(60)


def test_a_mailer_that_hangs_is_given_up_and_named(credenza_database: str, caplog: pytest.LogCaptureFixture) -> None:
    """What the mail was about is not done either: it is the same transaction."""
    plugin = SimpleNamespace(register_mailers=hookimpl(lambda: Hanging()))
    with running(settings_for_tests(credenza_database, plugins_timeout=1), [("post-office", plugin)]) as credenza:
        admin = UserAgent(credenza)
        admin.get("/console")
        admin.sign_in("root")
        page = admin.get("/console/users/create")
        assert isinstance(page, PageSeen)
        token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.html)
        assert token
        fields = {"username": "olive", "email": "olive@example.com", "name": "", "send": "on", "csrf_token": token[1]}
        answer = admin.send(
            "POST",
            "/console/users/create",
            content=urlencode(fields),
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "origin": credenza.issuer,
                "sec-fetch-site": "same-origin",
            },
        )
        assert answer.status_code == 500, answer.headers
        assert credenza.run(users.find_user_by_identifier, "olive") is None
    assert "plugin 'post-office' failed in mailer 'hanging'" in caplog.text
