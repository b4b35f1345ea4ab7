"""The secret that an authenticator app shares with us. RFC 4226 §4."""

from __future__ import annotations

import re
from base64 import b32decode

from credenza.testing import Credenza, PageSeen, UserAgent


def seed(user_agent: UserAgent) -> bytes:
    user_agent.get("/account/security/authenticator")
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    return b32decode(re.findall(r"<code>([A-Z2-7]+)</code>", page.html)[0])


def test_it_has_160_bits_and_is_a_new_one_each_time(credenza: Credenza) -> None:
    """ "The length of the shared secret MUST be at least 128 bits. This document RECOMMENDs a shared secret length of
    160 bits." RFC 4226 §4.
    """
    seeds = {seed(UserAgent(credenza)) for _ in range(3)}
    assert [len(each) * 8 for each in seeds] == [160, 160, 160]
