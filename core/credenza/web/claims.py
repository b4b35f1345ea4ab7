"""Claims in words, for the pages that show people their own data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from ..protocol.words import Listed, Speaker, Words

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

LABELS = {
    "address": Words("Postal address"),
    "birthdate": Words("Date of birth"),
    "custom_data": Words("Additional data"),
    "email": Words("Email"),
    "email_verified": Words("Email verified"),
    "family_name": Words("Family name"),
    "gender": Words("Gender"),
    "given_name": Words("Given name"),
    "locale": Words("Language"),
    "middle_name": Words("Middle name"),
    "name": Words("Name"),
    "nickname": Words("Nickname"),
    "phone_number": Words("Phone number"),
    "phone_number_verified": Words("Phone number verified"),
    "picture": Words("Picture"),
    "preferred_username": Words("Preferred name"),
    "profile": Words("Profile"),
    "website": Words("Website"),
    "zoneinfo": Words("Time zone"),
}


def claim_label(claim: str) -> str:
    """ "given_name" is "Given name"; a plugin's catalogue may have the words for claims of its own."""
    return LABELS.get(claim) or Words(claim.replace("_", " ").capitalize())


def claims_in_words(claims: Mapping[str, Any]) -> dict[str, str]:
    """Each claim's value as text. Where a value speaks of something by its id, and another has its name, the name."""
    names = {item["id"]: item["name"] for item in _items(claims.values()) if item.get("id") and item.get("name")}

    def text(value: object) -> str:
        if isinstance(value, bool):
            return Words("Yes") if value else Words("No")
        if isinstance(value, Mapping):
            whole = value.get("formatted") or value.get("name")
            return str(whole or ", ".join(f"{key}: {text(part)}" for key, part in value.items() if part != ""))
        if isinstance(value, list | tuple):
            return ", ".join(text(item) for item in value)
        found = str(value)
        for key, name in names.items():
            found = found.replace(key, name)
        return found

    return {name: _day(value) or text(value) for name, value in claims.items()}


def _items(values: Iterable[object]) -> Iterator[Mapping[str, Any]]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, Mapping))


def claims_summary(names: Iterable[str], claims: Mapping[str, Any]) -> str:
    """The values of these claims in one line: no numbers, no yes and no, and nothing twice."""
    texts = claims_in_words(claims)
    kept: list[str] = []
    for name in names:
        plain = isinstance(claims.get(name, 0), bool | int | float)
        if not plain and texts[name] and not any(texts[name] in before for before in kept):
            kept.append(texts[name])
    return Listed(kept)


def _day(value: object) -> Words | None:
    """A date, as OpenID Connect writes a birthdate. Core §5.1."""
    if not isinstance(value, str) or not DAY.fullmatch(value):
        return None
    try:
        return Day(value, day=date.fromisoformat(value))
    except ValueError:
        return None


class Day(Words):
    """A date, as the reader's language writes it."""

    def said_in(self, language: Speaker) -> str:
        return language.say_day(self.values["day"], english=self.message)
