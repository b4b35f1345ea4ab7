"""The desired-state file: apply it, tell what would change, write down what is (`docs/reference/state.md`).

The whole file is tried first without writing, so that a mistake in its last line changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..objects import StateSection
from ..plugins import by_name, collect
from ..server import AuthorizationServer
from ..web.passwords import Passwords
from ..web.themes import Wardrobe
from . import applications, files, provider, users
from .run import Change, Run, StateError


class Loader(yaml.SafeLoader):
    """YAML without dates: `birthdate: 1815-12-10` is the text that it looks like."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- as the library has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        """A NUL has no place in a text of PostgreSQL."""
        if "\0" in str(node.value):
            raise yaml.constructor.ConstructorError(problem="a text has no NUL", problem_mark=node.start_mark)
        return str(super().construct_scalar(node))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A key that stands twice is a mistake: of two sections `users`, the first would go unread."""
        seen: set[str] = set()
        for key in (key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key!r} is there twice", problem_mark=node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read(path: Path) -> dict[str, Any]:
    """The file's content, with nothing in it that JSON could not hold; raises StateError."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506 -- a safe loader
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StateError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise StateError(f"{path}: only mappings, lists, texts, numbers, true and false: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise StateError(f"{path}: the file is a mapping of sections: users, applications, …")
    return document


def sections_of(server: AuthorizationServer) -> list[StateSection]:
    """Our own sections and the plugins', in the order in which they depend on one another."""
    found = collect(server.plugins, "register_state", StateSection, settings=server.settings)
    ours = [
        users.section([section for _, section in found]),
        applications.section(server, [section for _, section in found]),
        provider.SECTION,
    ]
    sections = by_name("register_state", [*found, *(("credenza", section) for section in ours)])
    return sorted(sections.values(), key=lambda section: section.order)


async def apply(
    server: AuthorizationServer,
    passwords: Passwords,
    document: Mapping[str, Any],
    folder: Path,
    *,
    dry: bool = False,
    prune: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    changes: list[Change] | None = None,
) -> Run:
    """Bring the database to the declared state, or with `dry` only tell. Raises StateError before anything is written.

    `on_progress` is called with how many changes are made and how many there are. `changes` gets what was made, for
    whoever wants to know it of a run that stops half way: secrets that were generated are nowhere else.
    """
    sections = sections_of(server)
    known = [section.name for section in sections]
    if unknown := [name for name in document if name not in known]:
        raise StateError(f"there is no section {unknown[0]!r}; the sections are {', '.join(known)}")
    rehearsal = Run(server, passwords, folder, dry=True, prune=prune)
    await _pass(rehearsal, sections, document)
    if dry:
        return rehearsal
    run = Run(server, passwords, folder, dry=False, prune=prune, changes=[] if changes is None else changes)
    if on_progress is not None:
        run.progress = lambda: on_progress(len(run.changes), len(rehearsal.changes))
    await _pass(run, sections, document)
    return run


async def _pass(run: Run, sections: Sequence[StateSection], document: Mapping[str, Any]) -> None:
    for section in sections:
        if section.name in document:
            try:
                await section.apply(document[section.name], run)
            except StateError as error:
                raise StateError(f"{section.name}: {error}") from error
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise StateError(
                    f"{section.name}: not in the form it should have ({type(error).__name__}: {error})"
                ) from error


async def export(server: AuthorizationServer) -> dict[str, Any]:
    """The present state as such a file, without secrets and passwords."""
    parts = {section.name: await section.export() for section in sections_of(server)}
    return {name: part for name, part in parts.items() if part}


async def with_files(
    server: AuthorizationServer, document: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The exported state as it stands in a folder: with names of files for pictures and custom CSS, and these files."""
    theme = str((document.get("provider") or {}).get("branding", {}).get("theme", ""))
    return await files.name_files(document, Wardrobe(server.themes.values()).palette(theme))


__all__ = ["Change", "Run", "StateError", "apply", "export", "read", "sections_of", "with_files"]
