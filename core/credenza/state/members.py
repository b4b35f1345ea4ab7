"""What the keys of the file may hold, so that a mistake is found while it is tried, on every database alike."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ..protocol.names import UNREADABLE, as_kept, in_one_form, name_mistake
from .run import StateError

NAMES = ("username", "client_id", "identifier", "name")
WORDS: Mapping[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    list: "a list",
    dict: "a mapping",
}
ENTRIES: Mapping[type, str] = {str: "texts", list: "lists", dict: "mappings"}


@dataclass(frozen=True, slots=True)
class StateMember:
    """What a key may hold: `kind` as YAML has it (str, bool, int, list, dict, object for anything).

    `most` is how many characters a text may have. `of` is the kind of a list's entries, or of a mapping's values. A key
    without a value (`null`) counts as an empty one, which `empty` may replace.
    """

    kind: type
    most: int | None = None
    required: bool = False
    of: type | None = None
    empty: Any = None

    def wrong(self, value: object) -> str:
        """What it should be instead; empty when it is right."""
        if self.kind is not object and type(value) is not self.kind:
            return WORDS[self.kind] + (", in quotes" if self.kind is str and not isinstance(value, list | dict) else "")
        if isinstance(value, str) and self.most is not None and self.most < max(len(value), len(in_one_form(value))):
            return f"a text of at most {self.most} characters"
        entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if self.of is not None and any(type(entry) is not self.of for entry in entries):
            return f"{WORDS[self.kind]} of {ENTRIES[self.of]}"
        return ""

    def taken(self, value: object) -> object:
        """The value, or what an absent one stands for."""
        if value is not None or self.kind is object:
            return value
        return self.kind() if self.empty is None else self.empty


TEXT = StateMember(str)
FLAG = StateMember(bool)
TEXTS = StateMember(list, of=str)
MAPPING = StateMember(dict)
ANYTHING = StateMember(object)


def check_keys(item: object, allowed: Mapping[str, StateMember], what: str) -> Mapping[str, Any]:
    """A mapping with no other keys than these, each holding what it may.

    Raises StateError naming `what` and the key that is wrong.
    """
    if not isinstance(item, Mapping):
        raise StateError(f"{what} is a mapping")
    called = what + next((f" ({item[name]})" for name in NAMES if item.get(name)), "")
    for key in item:
        if key not in allowed:
            close = get_close_matches(str(key), allowed, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"the keys are {', '.join(allowed)}"
            raise StateError(f"{called}: unknown key {key!r}; {hint}")
    members = {key: allowed[key].taken(value) for key, value in item.items()}
    for key, member in allowed.items():
        if member.required and item.get(key) in (None, ""):
            raise StateError(f"{called}: {key} is required")
        if key in members and (wrong := member.wrong(members[key])):
            raise StateError(f"{called}: {key} is {wrong}")
    return members


def kept_name(what: str, name: str, known: Container[str] = ()) -> str:
    """A name in the file `as_kept`; raises StateError naming `what` for one that the console would not take either.

    One that is `known` stays, whatever it is: what an older release took can be exported and applied.
    """
    kept = as_kept(name, known)
    if kept not in known and (wrong := name_mistake(kept, len(kept), missing=UNREADABLE)):
        raise StateError(f"{what}: {name!r}: {wrong}")
    return kept
