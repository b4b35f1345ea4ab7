"""The public API, read from the code: `reference/api.md` for people, and `reference/api.txt` to notice every change.

`api.txt` has a line for each public name and each member of a public class. It is written afresh only when the newest
section of CHANGELOG.md names what differs, in backticks: nothing that plugins rely on changes in silence.
"""

from __future__ import annotations

import ast
import enum
import inspect
import itertools
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, ForwardRef

from _pytest.fixtures import FixtureFunctionDefinition

import credenza
import credenza_account
import credenza_console
from credenza import hookspecs, testing

Lines = dict[str, str]

# Where a name is defined says what it is about; the first that fits counts.
TOPICS = (
    ("What plugins register", ("objects", "hookspecs", "plugins", "protocol.clients", "protocol.scopes", "pluggy")),
    ("The server", ("server", "settings", "app", "encryption", "rotation", "endpoints.discovery")),
    ("Pages", ("web.pages", "web.rendering", "web.responses", "web.static", "web.branding", "web.images")),
    ("Texts, languages and times", ("protocol.words", "protocol.names", "web.moments", "web.claims", "mails")),
    ("Requests", ("web.requests", "protocol.parameters", "litestar", "web.inside")),
    (
        "Who is signed in",
        (
            *("web.accounts", "web.sessions", "web.visitors", "web.user_agents", "endpoints", "invitations"),
            *("web.passwords", "web.new_password", "web.limits", "web.rules", "protocol.assurance"),
            *("logout", "suspension"),
        ),
    ),
    ("Permissions", ("permissions", "catalogue", "protocol.permissions", "prompts", "withdrawal")),
    ("The console", ("console_api", "administrators")),
    ("The account pages", ("account_api",)),
    ("What happened", ("events",)),
    ("The store", ("store",)),
    ("The desired-state file", ("state",)),
    ("Outgoing calls", ("outbound",)),
    ("The protocol", ("protocol", "relying_party")),
    ("Looks", ("web", "commands.theme_package")),
)


def public() -> dict[str, Any]:
    return {name: getattr(credenza, name) for name in credenza.__all__}


def hooks() -> dict[str, Any]:
    return {
        name: function
        for module in (hookspecs, credenza_console.hookspecs, credenza_account.hookspecs)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if hasattr(function, "credenza_spec")
    }


def snapshot() -> str:
    lines = {**{f"hook {name}": signature(hook) for name, hook in hooks().items()}, **_lines()}
    return "".join(f"{name}{said}\n" for name, said in sorted(lines.items()))


def _lines() -> Lines:
    lines: Lines = {}
    for name, thing in public().items():
        lines[name] = said(thing)
        if isinstance(thing, type | ModuleType):
            lines |= {f"{name}.{member}": said(value) for member, value in members(thing)}
    return lines


def said(thing: Any) -> str:
    """What of a thing others rely on, in one line: how it is called, what it holds, what it is another name for."""
    if isinstance(thing, ModuleType):
        return " (module)"
    if isinstance(thing, enum.EnumMeta):
        return f": {', '.join(thing.__members__)}"
    if isinstance(thing, str):
        return f": {thing}"
    if isinstance(thing, property):
        return f": {annotation(thing.fget)}"
    if callable(thing) and not hasattr(thing, "__origin__"):
        return signature(thing)
    return f" = {thing!r}"


class _Bare(str):
    """Shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def signature(thing: Any) -> str:
    """As it stands in the source: annotations are strings there, and what nobody can write down is an ellipsis."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    parameters = [
        parameter.replace(annotation=_bare(parameter.annotation), default=_default(parameter.default))
        for parameter in found.parameters.values()
    ]
    returned = inspect.Signature.empty if isinstance(thing, type) else _bare(found.return_annotation)
    shown = str(found.replace(parameters=parameters, return_annotation=returned))
    return shown.replace("typing.", "")  # as Python 3.14 shows some of them


def _bare(annotation: Any) -> Any:
    if isinstance(annotation, ForwardRef):  # a named tuple's
        annotation = annotation.__forward_arg__
    return _Bare(annotation) if isinstance(annotation, str) else annotation


def _default(value: Any) -> Any:
    return _Bare("…") if repr(value).startswith("<") and value is not inspect.Parameter.empty else value


def annotation(function: Any) -> str:
    return str(getattr(function, "__annotations__", {}).get("return", "Any"))


def members(owner: type | ModuleType) -> Iterator[tuple[str, Any]]:
    """Methods, properties and annotated attributes of a class; functions and classes that a module defines."""
    if isinstance(owner, enum.EnumMeta) or "Table" in {base.__name__ for base in getattr(owner, "__mro__", ())}:
        return
    if isinstance(owner, ModuleType):
        for name, value in sorted(vars(owner).items()):
            if not name.startswith("_") and getattr(value, "__module__", "") == owner.__name__:
                yield name, value
        return
    for name, value in sorted(vars(owner).items()):
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if not name.startswith("_") and isinstance(function, FunctionType | property):
            yield name, function
    for name, kind in sorted(inspect.get_annotations(owner).items()):
        if not name.startswith("_"):
            yield name, str(_bare(kind))


# -- what changed -----------------------------------------------------------------------------------------------------


def differing(before: str, after: str) -> set[str]:
    """Public names, with or without a member, whose lines are not the same in both."""
    lines = set(before.splitlines()) ^ set(after.splitlines())
    return {re.split(r"[(:= ]", line.removeprefix("hook "))[0] for line in lines}


def unmentioned(names: set[str], changelog: str) -> list[str]:
    """Those that the newest section does not name: `ScopeProvider.held`, or `ScopeProvider` for all of it."""
    newest = re.split(r"^## ", changelog, flags=re.MULTILINE)[1]
    words = set(re.findall(r"`([\w.]+)[^`]*`", newest))
    return sorted(name for name in names if name not in words and name.split(".")[0] not in words)


# -- for people -------------------------------------------------------------------------------------------------------


def page() -> str:
    parts = [
        "# The public API\n\nEverything that a plugin may import: `from credenza import …`. "
        "What is said in [Hooks](../plugins/hooks.md) is not said again here, and how long a name lasts is said in "
        "[What plugins may rely on](../explanation/compatibility.md).\n"
    ]
    left = public()
    for topic, modules in TOPICS:
        names = [name for name, thing in left.items() if _about(name, thing).startswith(modules)]
        if names:
            parts.append(f"## {topic}\n")
            parts += [_entry(name, left.pop(name)) for name in sorted(names, key=str.lower)]
    assert not left, f"TOPICS has no place for {left.keys()}"
    return "\n".join(parts)


def testing_page() -> str:
    """`credenza.testing`: its fixtures, who is on its server, and its classes."""
    named = [(name, getattr(testing, name)) for name in testing.__all__]
    fixtures = [
        f"| `{name}` | {' '.join((inspect.getdoc(thing) or '').split())} |"
        for name, thing in vars(testing).items()
        if isinstance(thing, FixtureFunctionDefinition)
    ]
    people = [
        f"| `{user['username']}` | {'administrator' if user.get('administrator') else ''}"
        f"{', '.join(['confirmed address', 'role support'] if user.get('email_verified') else [])} |"
        for user in testing.STATE["users"]
    ]
    applications = [
        f"| `{one['client_id']}` | {one['type']}, {'third party' if one['third_party'] else 'first party'} "
        f"| {', '.join(f'`{uri}`' for uri in one.get('redirect_uris', []))} |"
        for one in testing.STATE["applications"]
    ]
    return "\n".join(
        [
            "# Tests of a plugin",
            "",
            "`from credenza.testing import …`. Where Credenza is installed, pytest has the fixtures: a whole server\n"
            "in memory, with every plugin that is installed, and the roles of a sign-in, played over HTTP. Requests\n"
            "are right but for the changes that a test names. What `pytest --credenza-plugin NAME` does is told in\n"
            "[Write a plugin](../how-to/write-a-plugin.md).",
            "",
            "## Fixtures",
            "",
            "| fixture | is |",
            "|---|---|",
            *fixtures,
            "",
            "## Who is there",
            "",
            "`STATE` is what the server holds; `credenza.apply({…})` adds to it, in the form of [the\n"
            "desired-state file](state.md). Everybody's password is `PASSWORD`, every secret is `SECRET`, the server\n"
            "is at `ISSUER`, and `ORDERS` is the identifier of an API with the permissions `orders:read` and\n"
            "`orders:write`.",
            "",
            "| user | |",
            "|---|---|",
            *people,
            "",
            "| application | is | redirect URIs |",
            "|---|---|---|",
            *applications,
            "",
            "## Classes and functions",
            "",
            *(_entry(name, thing) for name, thing in named if callable(thing)),
        ]
    )


def _about(name: str, thing: Any) -> str:
    if isinstance(thing, ModuleType):
        return thing.__name__.removeprefix("credenza.")
    module = str(getattr(thing, "__module__", "")) or _made(name, thing)[0]
    return "objects" if module == "collections.abc" else module.removeprefix("credenza.")


def _entry(name: str, thing: Any) -> str:
    lines = [f"### `{name}`", ""]
    if (call := said(thing)) and not isinstance(thing, ModuleType):
        call = f' = "{thing}"' if isinstance(thing, str) else call
        lines += ["```python", _broken(f"{_keyword(thing)}{name}{call}"), "```", ""]
    plain = isinstance(thing, str | int | dict) or hasattr(thing, "__origin__")
    text = _made(name, thing)[1] if plain else inspect.getdoc(thing)
    if text and not text.startswith(f"{name}("):  # the docstring that a dataclass is given says nothing
        lines += [text.strip(), ""]
    if isinstance(thing, type | ModuleType):
        lines += _attributes(thing) if isinstance(thing, type) and not is_dataclass(thing) else []
        lines += [_member(member, value) for member, value in members(thing) if not isinstance(value, str)]
        lines += [""] if lines[-1] else []
    return "\n".join(lines)


def _member(name: str, value: Any) -> str:
    function = value.fget if isinstance(value, property) else value
    text = " ".join((inspect.getdoc(function) or "").split())
    text = "" if text.startswith(f"{name}(") else text  # the docstring that a dataclass is given says nothing
    return f"- `{_keyword(value)}{name}{said(value)}`" + (f": {text}" if text else "")


def _attributes(kind: type) -> list[str]:
    """What a plugin sets or finds in a class that is no dataclass; of a dataclass the signature has it."""
    found = []
    below, slots = meanings(Path(inspect.getfile(kind))), getattr(kind, "__slots__", ())
    for name, value in members(kind):
        if isinstance(value, str) and not hasattr(kind, "_fields"):
            default = f" = {_shown(vars(kind)[name])}" if hasattr(kind, name) and name not in slots else ""
            text = " ".join(below.get((kind.__name__, name), "").split())
            found.append(f"- `{name}: {value}{default}`" + (f": {text}" if text else ""))
    return found


def _shown(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)


Meanings = Mapping[tuple[str, str], str]


@cache
def meanings(path: Path) -> Meanings:
    """The strings below the attributes of classes, by class and name, and below a module's own under an empty class."""
    tree = ast.parse(path.read_text())
    bodies = {node.name: node.body for node in tree.body if isinstance(node, ast.ClassDef)}
    return {
        (
            owner,
            ast.unparse(before.target if isinstance(before, ast.AnnAssign) else before.targets[0]),
        ): after.value.value
        for owner, body in {**bodies, "": tree.body}.items()
        for before, after in itertools.pairwise(body)
        if isinstance(before, ast.Assign | ast.AnnAssign)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
    }


def _made(name: str, thing: Any) -> tuple[str, str]:
    """Where a constant or a type alias is made, and what stands below it there."""
    for module in [module for key, module in sys.modules.items() if key.startswith("credenza.")]:
        if vars(module).get(name) is thing and (text := meanings(Path(str(module.__file__))).get(("", name))):
            return module.__name__, text
    return "", ""


def _keyword(thing: Any) -> str:
    return "await " if inspect.iscoroutinefunction(thing) else ""


def _broken(call: str) -> str:
    """One parameter a line, where one line would be too long."""
    if len(call) <= 100:
        return call
    opening, inside, end = call.index("("), 0, len(call)
    lines, begin = [call[: opening + 1]], opening + 1
    for at in range(opening, len(call)):
        inside += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(call[at], 0)
        if inside == 1 and call[at] == ",":
            lines.append(f"    {call[begin:at].strip()},")
            begin = at + 1
        if inside == 0:
            end = at
            break
    return "\n".join([*lines, f"    {call[begin:end].strip()},", call[end:]])
