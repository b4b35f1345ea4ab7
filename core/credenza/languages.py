"""Languages of the pages: which there are, which one a reader wants, and how it says texts, numbers and times.

A plugin's module attribute `locales` is a folder of gettext catalogues, `{language}/LC_MESSAGES/*.mo`; every one of
them speaks for all pages, so a plugin may bring its own words, or a whole new language. RFC 4647, RFC 5646.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property, lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal

from .plugins import PluginError
from .protocol.names import LONGEST_PERMISSION_DESCRIPTION, is_name
from .protocol.words import Words

DEFAULT = "en"
LOCALES = Path(__file__).parent / "locales"
TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
MOST_WISHES = 20


class Language:
    """One language: `tag` is what BCP 47 calls it ("zh-Hans"), `name` what its speakers do, `direction` ltr or rtl."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.locale = Locale.parse(tag, sep="-")
        self._catalogue = NullTranslations()

    # Both read what is known of a language, a megabyte for each: when somebody wants to know it.

    @cached_property
    def name(self) -> str:
        return self.locale.get_display_name(self.locale) or self.tag

    @cached_property
    def direction(self) -> str:
        return self.locale.text_direction

    def add(self, catalogue: GNUTranslations) -> None:
        """Beside what is there: the first catalogue that knows a sentence is the one that counts."""
        if isinstance(self._catalogue, GNUTranslations):
            self._catalogue.add_fallback(catalogue)
        else:
            self._catalogue = catalogue

    def gettext(self, message: str) -> str:
        return self._catalogue.gettext(message)

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        return self._catalogue.ngettext(singular, plural, count)

    def say(self, value: Any) -> Any:
        """A text in this language, a number as it is written in it; anything else as it is."""
        if isinstance(value, Words):
            return value.said_in(self)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return format_decimal(value, locale=self.locale)
        return value

    def say_away(self, seconds: int, english: str) -> str:
        """How far a time is from now, into the past when it is negative."""
        if self.tag == DEFAULT:
            return english
        return format_timedelta(timedelta(seconds=seconds), threshold=1, add_direction=True, locale=self.locale)

    def say_day(self, day: date, english: str) -> str:
        return english if self.tag == DEFAULT else format_date(day, "long", locale=self.locale)

    def say_time(self, at: int, english: str) -> str:
        """A Unix time, in UTC."""
        if self.tag == DEFAULT:
            return english
        return f"{format_datetime(datetime.fromtimestamp(at, UTC), 'medium', locale=self.locale)} UTC"


ENGLISH = Language(DEFAULT)
_reader: ContextVar[Language] = ContextVar("reader's language", default=ENGLISH)


def reader() -> Language:
    """The language of the page that is being made."""
    return _reader.get()


@contextmanager
def reading(language: Language) -> Iterator[None]:
    token = _reader.set(language)
    try:
        yield
    finally:
        _reader.reset(token)


@cache
def _parsed(path: Path, _changed_at: int) -> GNUTranslations:
    """Once for all servers of a process: a test suite has thousands."""
    with path.open("rb") as file:
        return GNUTranslations(file)


class Languages:
    """Those that the core and the plugins have catalogues for, read once at the start."""

    def __init__(self, folders: Mapping[str, Path] | None = None) -> None:
        """`folders` are those of plugins, by their names. Raises PluginError for what is no catalogue."""
        self._languages = {DEFAULT: ENGLISH}
        for plugin, folder in {"": LOCALES, **(folders or {})}.items():
            for path in sorted(folder.glob("*/LC_MESSAGES/*.mo")):
                try:
                    self._read(path)
                except (OSError, ValueError, UnknownLocaleError) as error:
                    raise PluginError(f"plugin {plugin!r}: {path} is not a catalogue of a language: {error}") from error
        self._by_key = {tag.lower(): language for tag, language in self._languages.items()}

    def _read(self, path: Path) -> None:
        tag = path.parent.parent.name.replace("_", "-")
        if tag not in self._languages:
            self._languages[tag] = Language(tag)
        if tag != DEFAULT:
            self._languages[tag].add(copy(_parsed(path, path.stat().st_mtime_ns)))

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self._languages)

    def translations(self, given: object, *, most: int = LONGEST_PERMISSION_DESCRIPTION) -> dict[str, str]:
        """Texts by language, as a form or a file has them, without empty ones. Raises ValueError, in a sentence."""
        if not isinstance(given, Mapping):
            raise ValueError("translations is a mapping from a language to a text")
        for tag in given:
            if tag not in self._languages:
                raise ValueError(f"{tag!r} is not a language of the pages; there are {', '.join(self.tags)}")
        texts = {str(tag): str(text).strip() for tag, text in sorted(given.items()) if text is not None}
        for tag, text in texts.items():
            if text and not is_name(text, most):
                raise ValueError(
                    f"the text in {self._languages[tag].name} has more than {most} characters, or odd ones"
                )
        return {tag: text for tag, text in texts.items() if text}

    def __iter__(self) -> Iterator[Language]:
        return iter(self._languages.values())

    def __getitem__(self, tag: str) -> Language:
        return self._languages.get(tag, ENGLISH)

    def choose(self, *wishes: Iterable[str]) -> Language:
        """The first that we have, of what is wished for: a list of tags after the other, each with the best first."""
        for wish in wishes:
            for tag in list(wish)[:MOST_WISHES]:
                if TAG.fullmatch(tag) and (found := self._look_up(tag)) is not None:
                    return found
        return ENGLISH

    def _look_up(self, tag: str) -> Language | None:
        """A region may be left out, and a script that is not written is the usual one. RFC 4647 §3.4."""
        for range_ in _ranges(tag):
            if range_ in self._by_key:
                return self._by_key[range_]
        return None


@lru_cache(maxsize=1000)
def _ranges(tag: str) -> tuple[str, ...]:
    """ "zh-TW" is "zh-TW", "zh", "zh-Hant", and rather "zh-Hans" than nothing."""
    parts = tag.lower().split("-")
    ranges = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    for wanted in (tag, parts[0]):
        try:
            locale = Locale.parse(get_global("likely_subtags").get(wanted, wanted.replace("-", "_")))
        except (UnknownLocaleError, ValueError):
            continue
        ranges += [f"{locale.language}-{locale.script}".lower()] if locale.script else []
    return tuple(dict.fromkeys(ranges))


def accepted(header: str) -> list[str]:
    """What an Accept-Language header names, or another of that form, the best first. RFC 9110 §12.4.2, §12.5.4."""
    weighed = []
    for part in header[:1000].split(","):
        tag, _, parameter = part.partition(";")
        quality = parameter.strip().removeprefix("q=")
        weight = float(quality) if re.fullmatch(r"[01](?:\.[0-9]{0,3})?", quality) else 1.0
        if weight > 0 and tag.strip():
            weighed.append((-weight, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda item: item[0])]
