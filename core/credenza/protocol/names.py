"""What people, organizations and applications are called, in any script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from itertools import groupby

from .words import Words

LONGEST_DESCRIPTION = 1000
"""Characters of what an administrator says about something."""
LONGEST_PERMISSION_DESCRIPTION = 500
"""Characters of a permission's description, which users read when they are asked."""

JOINERS = "\u200c\u200d"  # between letters, in Persian and Hindi, and between the parts of an emoji. Unicode §23.2
# Letters of Korean, a pattern of Braille, hieroglyphs and a note without a head: what is no space and shows nothing.
BLANK = "\u115f\u1160\u2800\u3164\uffa0\U00013441\U00013442\U0001d159"
SPACES = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")  # of any script: category Zs
MARKS = 4  # above and below one letter; as many has Hebrew with all its points
# Consonants of Tibetan and Burmese that stand below another one: letters, though Unicode has them among the marks.
SUBJOINED = frozenset(map(chr, (*range(0x0F8D, 0x0FBD), *range(0x103B, 0x103F))))
LONGEST = 1000  # characters, more than any name has; to order the marks of a pile takes the square of its height
UNREADABLE = Words("A name fits on one line: it has no invisible characters, and at most four marks on one letter.")


def is_name(text: str, most: int) -> bool:
    """Whether it is 1 to `most` characters that can be read on one line.

    Spaces are those of any script. What nobody sees is no name, and neither is a line break, a character that turns the
    direction of what follows, or a pile of marks that reaches into the lines above and below.
    """
    seen = any(unicodedata.category(character)[0] in "LNPS" and character not in BLANK for character in text)
    return seen and len(text) <= most and all(map(_has_place, text)) and not _is_piled(text)


def name_mistake(name: str, most: int, *, missing: str = "") -> str:
    """What is wrong with a name, in a sentence; empty when nothing is. `missing` is what to say of an empty one."""
    if len(name) > most:
        return Words("A name has at most %(count)s characters.", count=most)
    return "" if is_name(name, most) else UNREADABLE if name else missing


def username_mistake(username: str) -> str:
    """What is wrong with a user name, in a sentence; empty when nothing is."""
    if "@" in username or any(map(str.isspace, username)) or not 1 <= len(username) <= 150:
        return Words("A username has 1 to 150 characters, no spaces and no @.")
    return "" if username.isprintable() and is_name(username, 150) else UNREADABLE


def _is_piled(text: str) -> bool:
    piles = groupby((character for character in text if character not in JOINERS), _is_mark)
    for pile in (list(pile) for mark, pile in piles if mark):
        below = sum(character in SUBJOINED for character in pile)
        if max(below, len(pile) - below) > MARKS:
            return True
    return False


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me")


def _has_place(character: str) -> bool:
    return character.isprintable() or character in JOINERS or unicodedata.category(character) == "Zs"


def in_lower(text: str) -> str:
    """As lists are searched: the İ of Turkish is found as i, where Python makes two characters of it."""
    return text.lower().replace("i\u0307", "i")


def in_one_form(text: str) -> str:
    """A letter with its marks is the one character that another keyboard makes of it: NFC. Unicode §3.11.

    What is longer than a name stays as it is: somebody's 60 KiB of marks would keep everybody waiting for a second.
    """
    return unicodedata.normalize("NFC", text) if len(text) <= LONGEST else text


def forms_of(name: str) -> tuple[str, ...]:
    """How a name may be kept that looks like this one: as it is typed, in one form, with its marks apart, and each of
    these with its spaces as they look.
    """
    one = in_one_form(name)
    forms = (name, one, unicodedata.normalize("NFD", one) if len(one) <= LONGEST else one)
    return tuple(dict.fromkeys((*forms, *map(_with_spaces_as_seen, forms))))


def as_kept(name: str, known: Container[str] = ()) -> str:
    """A name as it is kept: as it stands among those that are `known`, in whatever form, else in one form and
    with its spaces as they look.
    """
    return next((form for form in forms_of(name) if form in known), _with_spaces_as_seen(in_one_form(name)))


def _with_spaces_as_seen(name: str) -> str:
    """Those around a name are none, and of any width and number they are one."""
    return SPACES.sub(" ", name).strip(" ")


def as_identifier(typed: str) -> str:
    """A user name or an email address as it is kept and looked for, whoever typed it. RFC 8265 §3.3.1."""
    return in_one_form(typed.strip().lower())


def as_typed(name: str) -> str:
    """As somebody types a name that they see: spaces of any width and number are one, and joiners are none."""
    return " ".join(in_one_form(name.translate(dict.fromkeys(map(ord, JOINERS)))).split())
