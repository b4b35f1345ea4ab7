"""An email address names one mailbox: never a list, a display name or a comment. RFC 5321 §4.1.2, RFC 5890."""

from __future__ import annotations

import re

import idna

from .words import Words

MAX_LENGTH = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})+")


def email_mistake(email: str) -> str:
    """What is wrong with an email address, in a sentence; empty when nothing is, or none was given.

    A dot-atom of at most 64 characters before the "@", and a host of letters, digits and hyphens, or an
    internationalized one, after it. RFC 5321 §4.1.2.
    """
    local, _, host = email.rpartition("@")
    right = len(email) <= MAX_LENGTH and len(local) <= 64 and _LOCAL.fullmatch(local) and _is_host(host)
    return "" if right or not email else Words("This is not an email address.")


def _is_host(host: str) -> bool:
    try:
        return _HOST.fullmatch(host if host.isascii() else idna.encode(host.lower(), strict=True).decode()) is not None
    except idna.IDNAError:
        return False
