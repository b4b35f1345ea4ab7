"""Applications without number: what is the same for each of them is read once.

Litestar reads the signature of each handler, and we the metadata of every installed package in search of plugins. Both
are a third of the time in which an application is made, and a test suite makes thousands. What pluggy and Piccolo ask
of each plugin and each engine is asked in a shorter way, and so is what we ask of what each plugin registers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import piccolo.engine.base
import pluggy
from litestar.utils.signature import ParsedSignature
from piccolo.conf.apps import AppConfig

from credenza import plugins, server
from credenza.languages import Languages
from credenza.store import migrate
from credenza.web.static import StaticFiles

ROOT = Path(__file__).parents[1]


def everything() -> None:
    _signatures()
    _entry_points()
    _catalogues()
    _files()
    _migrations()
    _methods()
    _hooks()
    _questions()


def _entry_points() -> None:
    """The same folders hold the same packages."""

    @cache
    def found(group: str, path: tuple[str, ...]) -> EntryPoints:
        return entry_points(group=group)

    plugins.entry_points = lambda *, group: found(group, tuple(sys.path))  # type: ignore[assignment]


def _signatures() -> None:
    """A function that its module makes again and again, with the same annotations, has the same signature."""
    read: Callable[..., ParsedSignature] = ParsedSignature.from_fn.__func__  # type: ignore[attr-defined]
    known: dict[tuple[Any, ...], tuple[Any, ParsedSignature]] = {}  # with the code, whose id is good while it is there

    def from_fn(kind: type[ParsedSignature], function: Any, namespace: dict[str, Any]) -> ParsedSignature:
        if not hasattr(function, "__code__"):
            return read(kind, function, namespace)
        key = id(function.__code__), function.__defaults__, repr(function.__annotations__)
        if key not in known:
            known[key] = function.__code__, read(kind, function, namespace)
        return known[key][1]

    ParsedSignature.from_fn = classmethod(from_fn)  # type: ignore[assignment]


def _catalogues() -> None:
    """What lies in the folders of this repository is the same for each server, and nobody changes it."""

    @cache
    def kept(folders: tuple[tuple[str, Path], ...]) -> Languages:
        return Languages(dict(folders))

    def found(folders: Mapping[str, Path]) -> Languages:
        ours = all(folder.is_relative_to(ROOT) for folder in folders.values())
        return kept(tuple(folders.items())) if ours else Languages(folders)

    server.Languages = found  # type: ignore[assignment,misc]


def _files() -> None:
    """So is what it serves from there."""
    read = StaticFiles.__init__
    known: dict[tuple[str, Path], dict[str, Any]] = {}

    def __init__(files: StaticFiles, prefix: str, folder: Path) -> None:  # noqa: N807
        key = prefix, folder
        if key in known:
            vars(files).update(known[key])
            return
        read(files, prefix, folder)
        if folder.is_relative_to(ROOT):
            known[key] = vars(files)

    StaticFiles.__init__ = __init__  # type: ignore[method-assign]


def _migrations() -> None:
    """So are the migrations there."""
    read = migrate.migrations_of
    known: dict[str, list[ModuleType]] = {}

    def migrations_of(app_config: AppConfig) -> list[ModuleType]:
        folder = app_config.migrations_folder_path
        if folder not in known:
            found = read(app_config)
            if not Path(folder).is_relative_to(ROOT):
                return found
            known[folder] = found
        return known[folder]

    migrate.migrations_of = migrations_of


def _methods() -> None:
    """Objects of a class take the same, but for one that has a method of its own."""
    read = plugins._uncallable
    known: dict[tuple[type[Any], type[Any]], tuple[str, ...]] = {}

    def uncallable(item: object, kind: type[Any]) -> Iterable[str]:
        key = type(item), kind
        if any(isinstance(getattr(kind, name, None), FunctionType) for name in getattr(item, "__dict__", ())):
            return read(item, kind)
        if key not in known:
            known[key] = tuple(read(item, kind))
        return known[key]

    plugins._uncallable = uncallable  # type: ignore[assignment]


def _hooks() -> None:
    """Of a module's names only marked functions are hooks, and pluggy goes a long way round to see that one is none."""
    read = pluggy.PluginManager.parse_hookimpl_opts

    def parse_hookimpl_opts(manager: pluggy.PluginManager, plugin: object, name: str) -> Any:
        if isinstance(plugin, ModuleType):
            found = vars(plugin).get(name)
            if not isinstance(found, FunctionType | MethodType) or not hasattr(found, f"{manager.project_name}_impl"):
                return None
        return read(manager, plugin, name)

    pluggy.PluginManager.parse_hookimpl_opts = parse_hookimpl_opts  # type: ignore[method-assign]


def _questions() -> None:
    """Piccolo asks a new engine two things, each in a loop and a thread of its own. Ours has nothing to wait for."""

    def ask(question: Coroutine[Any, Any, None]) -> None:
        with suppress(StopIteration):
            question.send(None)
            raise RuntimeError("an engine waits for something while it is made")

    piccolo.engine.base.run_sync = ask
