"""What an event's data say: permissions and organizations in words, as elsewhere, and all else by its names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from credenza import ConsoleVisit, Permission, Scope, described

from ..applications.people import in_words as contexts_in_words

PERMISSIONS = ("granted", "declined", "permissions")  # members that are keys of permissions
LABELS = {"context": "for", "verdicts": "decided"}


@dataclass(frozen=True, slots=True)
class Line:
    """Of a permission its title, its name and what became of it; of a member of something larger its name and value."""

    words: str
    code: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    label: str
    lines: tuple[Line, ...]


async def details_of(visit: ConsoleVisit, *events: Mapping[str, Any]) -> list[tuple[Detail, ...]]:
    """The data of each event; the sources of permissions are asked once for all of them."""
    keys = {key for data in events for key, _ in _answers(data)}
    named = {key: permission for key in keys if (permission := _permission(visit, key))}
    scopes = await described(visit.server, set(named.values())) if named else {}
    known = {key: scopes[permission] for key, permission in named.items()}
    contexts = await contexts_in_words(visit, {data["context"] for data in events if _text(data.get("context"))})
    return [tuple(_details(data, known, contexts)) for data in events]


def _details(data: Mapping[str, Any], known: Mapping[str, Scope], contexts: Mapping[str, str]) -> Iterable[Detail]:
    for name, value in data.items():
        if value in ("", None, [], {}, ()):
            continue
        lines: Sequence[Line]
        if name == "context" and _text(value):
            lines = [Line(contexts[value]) if contexts[value] else Line("", value)]
        elif answers := _answers({name: value}):
            lines = [_of_permission(key, outcome, known) for key, outcome in answers]
        else:
            lines = _lines(value)
        yield Detail(LABELS.get(name, name.replace("_", " ")), tuple(lines))


def _answers(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The permissions that the data name, by their keys, each with what was decided about it, if that is said."""
    lists = [data[name] for name in PERMISSIONS if isinstance(data.get(name), list)]
    found = [(key, "") for keys in lists if all(map(_text, keys)) for key in keys]
    pairs = data.get("verdicts")
    if isinstance(pairs, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        found += [(str(key), str(outcome)) for key, outcome in pairs]
    return found


def _permission(visit: ConsoleVisit, key: str) -> Permission | None:
    source, *middle, scope = key.split(" ") if " " in key else ("", key)
    if source not in visit.server.scope_providers or len(middle) > 1:
        return None
    return Permission(source, "".join(middle), scope)


def _of_permission(key: str, outcome: str, known: Mapping[str, Scope]) -> Line:
    if key not in known:
        return Line("", key, outcome)
    permission, title = known[key].permission, known[key].title
    code = f"{permission.scope} {permission.resource}".strip()
    return Line("" if title == permission.scope else title, code, outcome)


def _lines(value: Any) -> list[Line]:
    if isinstance(value, Mapping):
        return [Line(str(name).replace("_", " "), shown(member)) for name, member in value.items()]
    return [Line("", shown(member)) for member in value] if isinstance(value, list) else [Line("", shown(value))]


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def shown(value: Any) -> str:
    """A JSON value as one reads it out."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {shown(member)}" for name, member in value.items())
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return "" if value is None else str(value)
