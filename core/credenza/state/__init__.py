"""The desired-state file: apply it, tell what would change, write down what is (`docs/reference/state.md`).

The whole file is tried first without writing, so that a mistake in its last line changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..objects import StateSection
from ..outbound import Refused
from ..plugins import by_name, claim, collect
from ..server import AuthorizationServer
from ..store.engine import snapshot
from ..web.passwords import Passwords
from ..web.themes import Wardrobe
from . import applications, files, provider, users
from .reading import as_yaml, read
from .run import Change, Run, StateError


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


async def export(server: AuthorizationServer) -> dict[str, Any]:
    """The state at one moment as such a file, without secrets and passwords."""
    async with snapshot():  # or a member of an organization could be no user yet
        parts = {section.name: await section.export() for section in sections_of(server)}
    return {name: part for name, part in parts.items() if part}


async def with_files(
    server: AuthorizationServer, document: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The exported state as it stands in a folder: with names of files for pictures and custom CSS, and these files."""
    theme = str((document.get("provider") or {}).get("branding", {}).get("theme", ""))
    return await files.name_files(document, Wardrobe(server.themes.values()).palette(theme))


__all__ = ["Change", "Run", "StateError", "apply", "as_yaml", "export", "read", "sections_of", "with_files"]
