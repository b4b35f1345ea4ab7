"""Browsers and data, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

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
LABELS = {
    "birthdate": "Date of birth",
    "locale": "Language",
    "preferred_username": "Preferred name",
    "zoneinfo": "Time zone",
}
HANDHELD = ("iPhone", "iPad", "Android")


def browser(user_agent: str) -> str:
    """ "Firefox on Linux"; what no browser sends goes by the name it gives itself. RFC 9110 §10.1.5."""
    name = _first(BROWSERS, user_agent)
    system = _first(SYSTEMS, user_agent)
    if not name:
        product = user_agent.split("/")[0].strip()[:60]
        name = product if product and product != "Mozilla" else "Unknown browser"
    return f"{name} on {system}" if system else name


def handheld(user_agent: str) -> bool:
    return _first(SYSTEMS, user_agent) in HANDHELD


def _first(table: Iterable[tuple[str, str]], user_agent: str) -> str:
    return next((name for mark, name in table if mark in user_agent), "")


def label(claim: str) -> str:
    """ "given_name" is "Given name"."""
    return LABELS.get(claim) or claim.replace("_", " ").capitalize()


def in_words(claims: Mapping[str, Any]) -> dict[str, str]:
    """Each claim's value as text. Where a value speaks of something by its id, and another has its name, the name."""
    names = {item["id"]: item["name"] for item in _items(claims.values()) if item.get("id") and item.get("name")}

    def text(value: object) -> str:
        if isinstance(value, bool):
            return "Yes" if value else "No"
        if isinstance(value, Mapping):
            whole = value.get("formatted") or value.get("name")
            return str(whole or ", ".join(f"{key}: {text(part)}" for key, part in value.items() if part != ""))
        if isinstance(value, list | tuple):
            return ", ".join(text(item) for item in value)
        found = str(value)
        for key, name in names.items():
            found = found.replace(key, name)
        return found

    return {name: text(value) for name, value in claims.items()}


def _items(values: Iterable[object]) -> Iterator[Mapping[str, Any]]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, Mapping))


def summary(names: Iterable[str], claims: Mapping[str, Any]) -> str:
    """The values of these claims in one line: no numbers, no yes and no, and nothing twice."""
    texts = in_words(claims)
    kept: list[str] = []
    for name in names:
        plain = isinstance(claims.get(name, 0), bool | int | float)
        if not plain and texts[name] and not any(texts[name] in before for before in kept):
            kept.append(texts[name])
    return ", ".join(kept)
