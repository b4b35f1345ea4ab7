"""The desired-state file: apply it, tell what would change, write down what is (`docs/reference/state.md`).

The whole file is tried first without writing, so that a mistake in its last line changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from ..objects import StateSection
from ..outbound import Refused
from ..plugins import by_name, claim, collect
from ..server import AuthorizationServer
from ..store.batches import batches, gathered
from ..store.engine import snapshot
from ..web.passwords import Passwords
from ..web.themes import Wardrobe
from . import applications, files, provider, users
from .reading import as_json, as_yaml, read
from .run import Change, Run, StateError

BATCH = 500  # entries of a list that are in memory


def sections_of(server: AuthorizationServer) -> list[StateSection]:
    """Our own sections and the plugins', in the order in which they depend on one another."""
    found = collect(server.plugins, "register_state", StateSection, settings=server.settings)
    _check_keys_of("user_keys", users.MEMBERS, found)
    _check_keys_of("client_keys", applications.MEMBERS, found)
    ours = [
        users.section([section for _, section in found]),
        applications.section(server, [section for _, section in found]),
        provider.SECTION,
    ]
    sections = by_name("register_state", [*found, *(("credenza", section) for section in ours)])
    return sorted(sections.values(), key=lambda section: section.order)


def _check_keys_of(name: str, ours: Iterable[str], found: Sequence[tuple[str, StateSection]]) -> None:
    """Each member of a user or an application belongs to one section; raises PluginError."""
    owners = dict.fromkeys(ours, "credenza")
    for plugin, section in found:
        for key in getattr(section, name):
            claim(owners, f"register_state, {name}", plugin, key)


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
    run.checked, expected = rehearsal.checked, len(rehearsal.changes)
    del rehearsal
    if on_progress is not None:
        run.progress = lambda: on_progress(len(run.changes), expected)
    await _pass(run, sections, document)
    return run


async def _pass(run: Run, sections: Sequence[StateSection], document: Mapping[str, Any]) -> None:
    for section in sections:
        if section.name in document:
            try:
                await section.apply(document[section.name], run)
            except (StateError, Refused) as error:
                raise StateError(f"{section.name}: {error}") from error
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise StateError(
                    f"{section.name}: not in the form it should have ({type(error).__name__}: {error})"
                ) from error


async def parts(server: AuthorizationServer) -> AsyncGenerator[tuple[str, Any], None]:
    """The state at one moment, without secrets and passwords: each section's name and what is in it.

    Of a list it is some of it at a time, with the same name again.
    """
    async with snapshot():  # or a member of an organization could be no user yet
        for section in sections_of(server):
            found = section.export()
            if isinstance(found, AsyncIterator):
                async for batch in gathered(found, BATCH):
                    yield section.name, batch
                continue
            part = await found
            for batch in batches(part, BATCH) if isinstance(part, list) else [part] if part else []:
                yield section.name, batch


async def export(server: AuthorizationServer) -> dict[str, Any]:
    """All of it as such a file."""
    document: dict[str, Any] = {}
    async with aclosing(parts(server)) as each:
        async for name, part in each:
            document[name] = document[name] + part if name in document else part
    return document


async def with_files(
    server: AuthorizationServer, each: AsyncIterator[tuple[str, Any]], held: dict[str, bytes]
) -> AsyncIterator[tuple[str, Any]]:
    """The parts as they stand in a folder: with names of files for pictures and custom CSS, which come into `held`."""
    wardrobe = Wardrobe(server.themes.values())
    async for name, part in each:
        yield name, await files.name_files(part, wardrobe.palette, held)


__all__ = [
    "Change",
    "Run",
    "StateError",
    "apply",
    "as_json",
    "as_yaml",
    "export",
    "parts",
    "read",
    "sections_of",
    "with_files",
]
