"""Browsers, in words, as they name themselves. RFC 9110 §10.1.5."""

from __future__ import annotations

from collections.abc import Iterable

from ..protocol.words import Words

# The first that is found counts: every browser says that it is several others too.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
HANDHELD = ("iPhone", "iPad", "Android")


def browser_in_words(user_agent: str) -> str:
    """ "Firefox on Linux"; what no browser sends goes by the name it gives itself."""
    name = _first(BROWSERS, user_agent)
    system = _first(SYSTEMS, user_agent)
    if not name:
        product = user_agent.split("/")[0].strip()[:60]
        name = product if product and product != "Mozilla" else Words("Unknown browser")
    return Words("%(browser)s on %(system)s", browser=name, system=system) if system else name


def is_handheld(user_agent: str) -> bool:
    """A telephone or a tablet."""
    return _first(SYSTEMS, user_agent) in HANDHELD


def _first(table: Iterable[tuple[str, str]], user_agent: str) -> str:
    return next((name for mark, name in table if mark in user_agent), "")
