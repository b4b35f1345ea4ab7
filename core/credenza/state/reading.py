"""Reads and writes the file: YAML, or JSON, which is read sixty times as fast."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import yaml

from .run import StateError

try:  # in C, where the library was built with it: a tenth of the time
    from yaml import CSafeDumper as SafeDumper
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeDumper, SafeLoader  # type: ignore[assignment]

NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # in JSON
NO_NUL = "a text has no NUL"  # PostgreSQL has no place for it


class Loader(SafeLoader):
    """YAML without dates: `birthdate: 1815-12-10` is the text that it looks like."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- as the library has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        if "\0" in str(node.value):
            raise yaml.constructor.ConstructorError(problem=NO_NUL, problem_mark=node.start_mark)
        return str(super().construct_scalar(node))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key in seen:
                raise yaml.constructor.ConstructorError(problem=twice(key), problem_mark=node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read(path: Path) -> dict[str, Any]:
    """The file's content, with nothing in it that JSON could not hold; raises StateError."""
    kind = "JSON" if path.suffix == ".json" else "YAML"
    try:
        text = path.read_text(encoding="utf-8")
        document = _from_json(text) if kind == "JSON" else yaml.load(text, Loader)  # noqa: S506 -- a safe loader
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise StateError(f"{path}: not {kind}: {' '.join(str(error).split())}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise StateError(f"{path}: only mappings, lists, texts, numbers, true and false: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise StateError(f"{path}: the file is a mapping of sections: users, applications, …")
    return document


def _from_json(text: str) -> Any:
    if NUL.search(text):
        raise yaml.YAMLError(NO_NUL)
    return json.loads(text, object_pairs_hook=_mapping)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise yaml.YAMLError(twice(next(name for name in names if names.count(name) > 1)))
    return found


def twice(key: str) -> str:
    """What is wrong with it: of two sections `users`, the first would go unread."""
    return f"the key {key!r} is there twice"


async def as_yaml(parts: AsyncIterator[tuple[str, Any]]) -> AsyncIterator[str]:
    """The text, some of it at a time: while it writes, the library needs kilobytes of memory for each user."""
    last = ""
    async for name, part in parts:
        yield _dumped(part if name == last else {name: part})
        last = name


async def as_json(parts: AsyncIterator[tuple[str, Any]]) -> AsyncIterator[str]:
    """The same, with each entry of a list in a line."""
    last, end = "", "{"
    async for name, part in parts:
        entries = part if isinstance(part, list) else [part]
        lines = ",\n".join(json.dumps(entry, ensure_ascii=False, default=str) for entry in entries)
        if name == last:
            yield f",\n{lines}"
            continue
        start, after = ("[\n", "\n]") if isinstance(part, list) else ("", "")
        yield f"{end}\n{json.dumps(name)}: {start}{lines}"
        last, end = name, f"{after},"
    yield f"{end.removesuffix(',')}\n}}\n"


def _dumped(part: Any) -> str:
    return str(yaml.dump(part, Dumper=SafeDumper, sort_keys=False, allow_unicode=True, width=120))
