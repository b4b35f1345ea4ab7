"""Redirect URIs: which may be registered, and whether the one sent is. RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from .errors import UnsafeRequest
from .words import Words

MAX_LENGTH = 2000
USUAL_PORTS = {"https": 443, "http": 80}  # RFC 9110 §4.2
LONGEST_HOST = 253  # RFC 1035 §2.3.4; the port counts too here
DANGEROUS_SCHEMES = frozenset(
    {
        "javascript",
        "data",
        "vbscript",
        "file",
        "blob",
        "about",
        "filesystem",
        "view-source",
        "ftp",
        "ws",
        "wss",
        "urn",
        "mailto",
    }
)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(?::([0-9]{1,5}))?((?:[/?].*)?)")


def check_registrable(uri: str, *, native: bool = False, schemes: Collection[str] = ()) -> None:
    """Raise ValueError, with a sentence for the person who typed it, unless the URI may be registered.

    `schemes` are private ones that are no domain name in reverse (`settings.redirect_schemes`). RFC 8252 §7.1, §8.4.
    """
    _check_characters(uri)
    scheme, colon, rest = uri.partition(":")
    if not colon:
        raise ValueError("Give the whole address, for example https://app.example.com/callback.")
    if scheme != scheme.lower() or scheme in DANGEROUS_SCHEMES:
        raise ValueError(f"The scheme {scheme} is not allowed.")
    if "*" in uri:
        raise ValueError("Wildcards are not allowed: addresses are compared character by character.")
    if "#" in uri:
        raise ValueError("A redirect address has no fragment (#...).")
    if scheme in ("https", "http"):
        _check_web(uri)
        return
    if not native:
        raise ValueError("Only https addresses are allowed; other schemes are for native applications.")
    if scheme in schemes and rest.startswith("/"):
        return
    # "apps MUST use a URI scheme based on a domain name under their control, expressed in reverse order."
    if not PRIVATE_SCHEME.fullmatch(scheme) or scheme.startswith(("https.", "http.")):
        raise ValueError(
            "A private scheme is a domain name in reverse, for example com.example.app:/callback, or one that the "
            "setting redirect_schemes names."
        )
    if rest.startswith("//") or not rest.startswith("/"):
        raise ValueError("A private scheme is followed by a single slash, for example com.example.app:/callback.")


def check_scheme(scheme: str) -> None:
    """Raise ValueError for a scheme that no application may come back to, whoever says so."""
    if not SCHEME.fullmatch(scheme) or scheme in DANGEROUS_SCHEMES or scheme in USUAL_PORTS:
        raise ValueError(f"{scheme!r} is no private scheme")


def check_web_uri(uri: str) -> None:
    """Raise ValueError unless a page may link to the URI, or the server call it: https, or http on loopback."""
    _check_characters(uri)
    if not uri.startswith(("https://", "http://")):
        raise ValueError("Give an address that begins with https://.")
    _check_web(uri)


def _check_characters(uri: str) -> None:
    if len(uri) > MAX_LENGTH:
        raise ValueError(f"The address is longer than {MAX_LENGTH} characters.")
    # Browsers and parsers disagree about these, so nothing that has one is ever registered.
    for at, character in enumerate(uri, 1):
        if not 0x21 <= ord(character) <= 0x7E or character in '\\"<>^`{|}':
            raise ValueError(
                f"Character {at} of the address is {_called(character)}: leave it out, or percent-encode it. A host "
                "beyond ASCII is written as DNS knows it (xn--…)."
            )


def _called(character: str) -> str:
    """Its number and name: nobody sees a ZERO WIDTH SPACE, which comes with what is copied from a chat."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def _check_web(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise ValueError("This is not a valid address.") from error
    if not parts.hostname or port == 0:
        raise ValueError("The address has no host.")
    if len(host_of(uri)) > LONGEST_HOST:
        raise ValueError(f"The host of the address is longer than {LONGEST_HOST} characters.")
    if "@" in parts.netloc:
        raise ValueError("The address must not contain a user name (...@).")
    if not re.fullmatch(r"\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?", re.sub(r":[0-9]+$", "", host_of(uri))):
        raise ValueError("Write the host in lower case ASCII letters, digits, dots and hyphens.")
    if uri.startswith("http://") and not is_loopback(uri):
        raise ValueError("http is only allowed for 127.0.0.1, [::1] and localhost; use https.")
    if any(segment in (".", "..") for segment in re.split("/|%2f", parts.path.lower().replace("%2e", "."))):
        raise ValueError("The path must not contain . or .. segments.")


def is_loopback(uri: str) -> bool:
    """Whether the URI goes to the machine the browser runs on. RFC 8252 §7.3."""
    return _LOOPBACK.fullmatch(uri) is not None


def host_of(uri: str) -> str:
    """The host and port to show a person; the scheme for a private one, whatever comes after it."""
    scheme, _, rest = uri.partition(":")
    if scheme not in USUAL_PORTS or not rest.startswith("//"):
        return f"{scheme}:"
    return re.split("[/?#]", rest[2:], maxsplit=1)[0]


def place_of(uri: str) -> str:
    """Scheme, host, port and path: what a log or a page may have of an address. Its query may hold a key."""
    scheme, slashes, rest = re.split("[?#]", uri, maxsplit=1)[0].partition("//")
    host, slash, path = rest.partition("/")
    return scheme + slashes + host.rpartition("@")[2] + slash + path


def matches(sent: str, registered: str, *, native: bool) -> bool:
    """Simple string comparison, but for the port of a loopback address. RFC 3986 §6.2.1.

    "The authorization server MUST allow any port to be specified at the time of the request for loopback IP redirect
    URIs." RFC 8252 §7.3. `localhost` gets that freedom only for native applications (§8.3). A port that is registered
    is the port, unless a native application listens there: it takes another one when that is busy, as VS Code does.
    """
    if sent == registered:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(sent)
    if ours is None or theirs is None or ours[1] != theirs[1] or ours[3] != theirs[3]:
        return False
    if ours[1] == "localhost" and not native:
        return False
    free = ours[2] is None or (native and ours[1] != "localhost")
    return free and theirs[2] is not None and 0 < int(theirs[2]) < 65536


def check_redirect_uri(
    sent: str | None, registered: tuple[str, ...], *, native: bool, openid: bool, client_id: str = ""
) -> str:
    """Return the redirect URI to use; raises UnsafeRequest. Until here an error is a page, from here on a redirect."""
    if sent is None:
        # RFC 6749 §3.1.2.3 lets it be left out when there is only one; OpenID Connect Core §3.1.2.1 requires it.
        if len(registered) == 1 and not openid:
            return registered[0]
        raise UnsafeRequest(
            "invalid_request",
            Words("The application did not say where to send you back to: redirect_uri is missing."),
            client_id=client_id,
        )
    if any(matches(sent, uri, native=native) for uri in registered):
        return sent
    raise UnsafeRequest(
        "invalid_redirect_uri",
        Words("The application asked to send you to an address that is not registered for it."),
        facts=mismatch(sent, registered),
        client_id=client_id,
    )


def mismatch(sent: str, registered: tuple[str, ...], *, after_logout: bool = False) -> list[tuple[str, str]]:
    """What a developer needs to see to mend a redirect URI: both values and the first character that differs."""
    label, nothing = Words("redirect_uri that was sent"), Words("No redirect URI is registered for this application.")
    if after_logout:
        label = Words("post_logout_redirect_uri that was sent")
        nothing = Words("No post sign-out redirect URI is registered for this application.")
    facts = [(label, sent)]
    if not registered:
        return [*facts, (Words("Registered"), nothing)]
    nearest = max(registered, key=lambda uri: _common_prefix(sent, uri))
    at = _common_prefix(sent, nearest)
    facts += [(Words("Registered"), uri) for uri in registered[:10]]
    here, there = (repr(value[at : at + 1]) if value[at:] else Words("the end") for value in (sent, nearest))
    return [
        *facts,
        (
            Words("First difference"),
            Words("character %(at)s: sent %(sent)s, registered %(registered)s", at=at + 1, sent=here, registered=there),
        ),
    ]


def _common_prefix(a: str, b: str) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def check_same_origin(name: str, uri: str, redirect_uris: Sequence[str]) -> None:
    """ "The domain, port, and scheme of this URL MUST be the same as that of a registered Redirection URI value."

    Raises ValueError. OpenID Connect Front-Channel Logout §2.
    """
    origins = {(each.partition(":")[0], host_of(each)) for each in redirect_uris}
    if (uri.partition(":")[0], host_of(uri)) not in origins:
        raise ValueError(f"{name}: {uri} must be at the scheme, host and port of a redirect URI.")
