"""Texts for people: written in English, and said in the reader's language when a page is made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol


class Speaker(Protocol):
    """A language, as a text needs it. `say` is for what a text mentions: another text, or a number."""

    tag: str

    def gettext(self, message: str) -> str: ...

    def ngettext(self, singular: str, plural: str, count: int) -> str: ...

    def say(self, value: Any) -> Any: ...

    def say_away(self, seconds: int, english: str) -> str: ...

    def say_time(self, at: int, english: str) -> str: ...

    def say_day(self, day: date, english: str) -> str: ...


class Words(str):
    """`Words("Join %(name)s?", name="Acme")`: an English sentence, which pages show in the reader's language.

    Everywhere else it is the English `str`: in JSON, in the log, in the database. Values are filled in after the
    sentence was translated; they may be texts themselves.
    """

    __slots__ = ("message", "values")

    def __new__(cls, message: str, /, **values: Any) -> Words:
        text = super().__new__(cls, message % values if values else message)
        text.message, text.values = message, values
        return text

    message: str
    values: Mapping[str, Any]

    def said_in(self, language: Speaker) -> str:
        return filled(language.gettext(self.message), self.values, language)


class Counted(Words):
    """`Counted("%(count)s permission", "%(count)s permissions", count=2)`: the same, where a number decides."""

    __slots__ = ("plural",)

    def __new__(cls, singular: str, plural: str, /, *, count: int, **values: Any) -> Counted:
        values["count"] = count
        text = super(Words, cls).__new__(cls, (singular if count == 1 else plural) % values)
        text.message, text.plural, text.values = singular, plural, values
        return text

    plural: str

    def said_in(self, language: Speaker) -> str:
        message = language.ngettext(self.message, self.plural, self.values["count"])
        return filled(message, self.values, language)


class Listed(Words):
    """Texts, one after the other."""

    __slots__ = ("parts",)

    def __new__(cls, parts: Sequence[str], /) -> Listed:
        listed = super(Words, cls).__new__(cls, ", ".join(parts))
        listed.message, listed.values, listed.parts = str(listed), {}, tuple(parts)
        return listed

    parts: Sequence[str]

    def said_in(self, language: Speaker) -> str:
        return ", ".join(language.say(part) for part in self.parts)


class Translated(Words):
    """A text that somebody wrote here, with what it is in other languages: `{"de": "Bestellungen ansehen"}`."""

    __slots__ = ("translations",)

    def __new__(cls, text: str, /, translations: Mapping[str, str]) -> Translated:
        made = super(Words, cls).__new__(cls, text)
        made.message, made.values, made.translations = text, {}, translations
        return made

    translations: Mapping[str, str]

    @classmethod
    def load(cls, text: str, stored: str) -> Translated:
        """From a column of text, and one that holds its `stored` form."""
        return cls(text, json.loads(stored or "{}"))

    @property
    def stored(self) -> str:
        """The translations, as JSON for a column of a table."""
        return json.dumps(dict(self.translations), ensure_ascii=False, sort_keys=True) if self.translations else ""

    @property
    def members(self) -> dict[str, Any]:
        """`translations` for the desired-state file, when there are any."""
        return {"translations": dict(self.translations)} if self.translations else {}

    @property
    def entry(self) -> Any:
        """All of it, to compare and to write into the audit log: the text alone when nobody translated it."""
        return {"text": str(self), **self.members} if self.translations else str(self)

    def said_in(self, language: Speaker) -> str:
        return self.translations.get(language.tag) or self.message


def filled(message: str, values: Mapping[str, Any], language: Speaker) -> str:
    return message % {name: language.say(value) for name, value in values.items()} if values else message
