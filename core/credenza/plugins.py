"""Find plugins, check them, and collect what they register. What is wrong stops the start and says who and where."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pluggy

from . import hookspecs
from .settings import GROUP, KINDS, Given, Settings, SettingsError, given_to, types_of, values_of

OURS = "defaults"
"""What the server does with no plugin is a plugin of this name."""

Answer = TypeVar("Answer")

logger = logging.getLogger("credenza.plugins")


@dataclass(slots=True)
class HookTime:
    """How often one hook of a plugin was called, and how long that took in all."""

    calls: int = 0
    milliseconds: float = 0.0


_TIMES: WeakKeyDictionary[pluggy.PluginManager, dict[tuple[str, str], HookTime]] = WeakKeyDictionary()


def hook_times(manager: pluggy.PluginManager) -> dict[tuple[str, str], HookTime]:
    """Times by the names of plugin and hook, since this process started."""
    return _TIMES.setdefault(manager, {})


class PluginError(Exception):
    """Which plugin, which hook, and what to do."""


def load_plugins(
    *, disabled: Iterable[str] = (), path: str = "", extra: Iterable[tuple[str, object]] = ()
) -> pluggy.PluginManager:
    """A manager with the installed plugins, the one at `path`, and `extra` ones (name and object), all checked."""
    manager = pluggy.PluginManager("credenza")
    manager.add_hookspecs(hookspecs)
    blocked = set(disabled)
    for name in blocked:
        manager.set_blocked(name)
    for entry_point in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        if entry_point.name in blocked:
            continue
        try:
            plugin = entry_point.load()
        except Exception as error:
            raise PluginError(
                f"plugin {entry_point.name!r} ({entry_point.value}) cannot be imported: {told(error)}; "
                + _way_out(entry_point.name)
            ) from error
        _register(manager, entry_point.name, plugin)
    if path and Path(path).stem not in blocked:
        _register(manager, Path(path).stem, _load_file(Path(path)))
    for name, plugin in extra:
        if name not in blocked:
            _register(manager, name, plugin)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        owner = manager.get_name(error.plugin)
        hint = _near_hook(manager, error.plugin)
        raise PluginError(
            f"plugin {owner!r}: {error}; {hint}see docs/plugins/hooks.md for the names of all hooks"
        ) from error
    for name, plugin in manager.list_name_plugin():
        _check_hooks(manager, name, plugin)
    return manager


def _near_hook(manager: pluggy.PluginManager, plugin: object, *, alike: float = 0.6) -> str:
    """What a misspelt hook of the plugin may have been meant to be."""
    unknown = [caller.name for caller in manager.get_hookcallers(plugin) or [] if not caller.has_spec()]
    close = [near for name in unknown for near in get_close_matches(name, _known(manager), n=1, cutoff=alike)]
    return f"did you mean {close[0]!r}? " if close else ""


def _known(manager: pluggy.PluginManager) -> list[str]:
    return [name for name, caller in vars(manager.hook).items() if caller.has_spec()]


def _check_hooks(manager: pluggy.PluginManager, name: str, plugin: object) -> None:
    """Raises PluginError for what would be passed over in silence: a hook that is not marked as one, or an optional
    one whose name is nearly that of one that is there.
    """
    if hint := _near_hook(manager, plugin, alike=0.9):
        raise PluginError(f"plugin {name!r} answers an optional hook that nobody has: {hint}")
    if isinstance(plugin, ModuleType):
        for hook in _known(manager):
            function = vars(plugin).get(hook)
            own = inspect.isfunction(function) and function.__module__ == plugin.__name__
            if own and not hasattr(function, "credenza_impl"):
                raise PluginError(f"plugin {name!r}: {hook} is the name of a hook; write @hookimpl above it")


def told(error: BaseException) -> str:
    """What a plugin raised, and in which of its lines; that of a library would not say what to mend."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"  # with file and line
    ours = (Path(__file__).parent, Path(importlib.util.__file__).parent)
    frames = [
        (Path(frame.filename), frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<") and not any(Path(frame.filename).is_relative_to(o) for o in ours)
    ]
    if not frames:
        return repr(error)
    first = frames[0][0]
    theirs = first.parent if (first.parent / "__init__.py").exists() else first
    path, line = next((path, line) for path, line in reversed(frames) if path.is_relative_to(theirs))
    return f"{error!r} in {path}, line {line}"


def _way_out(name: str) -> str:
    return f"mend it, or start without it: CREDENZA_PLUGINS_DISABLED={name}"


def _register(manager: pluggy.PluginManager, name: str, plugin: object) -> None:
    if manager.has_plugin(name):
        raise PluginError(f"two plugins are called {name!r}; uninstall or rename one of them")
    try:
        if (own_specs := getattr(plugin, "hookspecs", None)) is not None:
            manager.add_hookspecs(own_specs)
        manager.register(plugin, name)
    except (ValueError, pluggy.PluginValidationError) as error:
        raise PluginError(f"plugin {name!r} cannot be registered: {error}") from error


def _load_file(path: Path) -> ModuleType:
    """A plugin in a single file, which the settings name; nothing searches for it."""
    if not path.is_absolute():
        raise PluginError(f"plugins_path must be an absolute path, not {str(path)!r}")
    try:
        if path.stat().st_mode & 0o022:
            raise PluginError(f"plugins_path: {path} may be written by others; chmod go-w it")
        # A name that hides no other module; annotations of dataclasses and handlers are looked up under it.
        spec = importlib.util.spec_from_file_location(f"credenza_plugin_file_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module.__name__] = module
        spec.loader.exec_module(module)
    except PluginError:
        raise
    except Exception as error:
        raise PluginError(f"plugins_path: {path} cannot be loaded: {told(error)}") from error
    return module


def collect(
    manager: pluggy.PluginManager, hook: str, kind: type[Any] | tuple[type[Any], ...] | None, **arguments: Any
) -> list[tuple[str, Any]]:
    """What each plugin returns from a `register_…` hook, flattened: pairs of the plugin's name and an object.

    Raises PluginError for a plugin that raises, or returns something that is not of this kind.
    """
    found: list[tuple[str, Any]] = []
    for implementation in reversed(getattr(manager.hook, hook).get_hookimpls()):
        plugin = implementation.plugin_name
        started = time.perf_counter()
        try:
            result = implementation.function(*[arguments[name] for name in implementation.argnames])
        except PluginError:
            raise  # it is about another one, which answers a hook of this one
        except Exception as error:
            raise PluginError(f"plugin {plugin!r} raised in {hook}: {told(error)}; {_way_out(plugin)}") from error
        _took(manager, plugin, hook, result, started)
        objects = result if isinstance(result, list | tuple) else [result]
        for item in objects:
            if item is None:
                continue
            if kind is not None:
                _check_kind(plugin, hook, item, kind if isinstance(kind, tuple) else (kind,))
            found.append((plugin, item))
    return found


def _check_kind(plugin: str, hook: str, item: object, kinds: tuple[type[Any], ...]) -> None:
    """An object of one of the kinds: it has what it says about itself, and its methods can be called and awaited."""
    if not isinstance(item, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise PluginError(f"plugin {plugin!r} returned a {type(item).__name__} from {hook}; it takes {wanted}")
    for kind in kinds:
        for name in _awaited(kind):  # type: ignore[arg-type]  # a class is hashable
            if isinstance(item, kind) and not inspect.iscoroutinefunction(getattr(item, name, None)):
                raise PluginError(f"plugin {plugin!r}: {type(item).__name__}.{name} ({hook}) must be `async def`")
        if isinstance(item, kind) and kind.__module__.startswith(f"{__package__}.objects."):
            for wrong in (*_unsaid(item, kind), *_uncallable(item, kind)):
                raise PluginError(f"plugin {plugin!r}: {type(item).__name__}.{wrong} ({hook})")


@cache
def _awaited(kind: type[Any]) -> tuple[str, ...]:
    return tuple(name for name, _ in inspect.getmembers(kind, inspect.iscoroutinefunction))


_SAID = {"ClassVar[str]": str, "ClassVar[int]": int, "ClassVar[bool]": bool, "ClassVar[tuple[str, ...]]": tuple}


def _unsaid(item: object, kind: type[Any]) -> Iterator[str]:
    """Attributes that are missing or of another kind: `amr = ("pin")` is no tuple."""
    for name, annotation in inspect.get_annotations(kind).items():
        wanted = _SAID.get(annotation)
        if wanted is None or name == "name":  # that of the object has its own message
            continue
        if not hasattr(item, name):
            yield f"{name} ({wanted.__name__}) is missing"
        elif not isinstance(value := getattr(item, name), wanted):
            yield f"{name} should be {wanted.__name__}, not {value!r}"


def _uncallable(item: object, kind: type[Any]) -> Iterator[str]:
    """Methods that do not take what they are called with."""
    for name, promised in inspect.getmembers(kind, inspect.isfunction):
        written = getattr(type(item), name, promised)
        if name.startswith("_") or written is promised:
            continue
        taken = [*inspect.signature(promised).parameters.values()][1:]
        places = [p.name for p in taken if p.kind is p.POSITIONAL_OR_KEYWORD]
        named = [p.name for p in taken if p.kind is p.KEYWORD_ONLY]
        try:
            inspect.signature(getattr(item, name)).bind(*places, **dict.fromkeys(named))
        except TypeError:
            yield f"{name} must take ({', '.join([*places, *(f'{n}=' for n in named)])})"


def first_answer(manager: pluggy.PluginManager, hook: str, **arguments: Any) -> str | None:
    """The first answer to a hook that is called while a page is made; a plugin that fails is logged and passed over."""
    for implementation in reversed(getattr(manager.hook, hook).get_hookimpls()):
        plugin = implementation.plugin_name
        started = time.perf_counter()
        try:
            answer = implementation.function(*[arguments[name] for name in implementation.argnames])
            if answer is not None and not isinstance(answer, str):
                raise TypeError(f"{hook} takes a str or None, not {type(answer).__name__}")
        except Exception:
            logger.exception("plugin %r failed in %s; it is passed over", plugin, hook)
            continue
        _took(manager, plugin, hook, answer, started)
        if answer is not None:
            return answer
    return None


def blame(error: Exception, plugin: str, what: str) -> None:
    """Let the log say with the error whose plugin failed, and in what."""
    error.add_note(f"plugin {plugin!r} failed in {what}")


def of_kind(answer: Answer, *kinds: type) -> Answer:
    """The answer of a plugin, if it is of one of these kinds; raises TypeError."""
    if not isinstance(answer, kinds):
        raise TypeError(f"the answer is a {type(answer).__name__}, not {' or '.join(kind.__name__ for kind in kinds)}")
    return answer


def by_name(hook: str, found: list[tuple[str, Any]]) -> dict[str, Any]:
    """Objects by their names; two plugins that claim the same name stop the start."""
    owners: dict[str, str] = {}
    objects: dict[str, Any] = {}
    for plugin, item in found:
        name = getattr(item, "name", "")
        if not isinstance(name, str) or not name:
            raise PluginError(f"plugin {plugin!r} returned a {type(item).__name__} without a name from {hook}")
        claim(owners, hook, plugin, name)
        objects[name] = item
    return objects


def claim(owners: dict[str, str], hook: str, plugin: str, name: str) -> None:
    """Note whose name it is from now on; raises PluginError when it is somebody's already."""
    if name in owners:
        raise PluginError(f"{hook}: both {owners[name]!r} and {plugin!r} bring {name!r}; disable one of them")
    owners[name] = plugin


def check_callable(hook: str, found: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """What was found, once all of it is known to be async callables; raises PluginError."""
    for plugin, item in found:
        if not any(inspect.iscoroutinefunction(call) for call in (item, getattr(item, "__call__", None))):  # noqa: B004
            raise PluginError(
                f"plugin {plugin!r} returned a {type(item).__name__} from {hook}; it takes an async callable"
            )
        try:
            inspect.signature(item).bind(None)
        except TypeError as error:
            raise PluginError(
                f"plugin {plugin!r}: what {hook} returned is called with one argument: {error}"
            ) from error
    return found


def must_be_async(function: Any, what: str) -> None:
    """Raises TypeError for a plain function where one is awaited."""
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{getattr(function, '__name__', repr(function))}, which {what}, must be `async def`")


def folders_of(manager: pluggy.PluginManager, attribute: str) -> dict[str, Path]:
    """The folders that plugins name in a module attribute (`templates`, `locales`), by the plugins' names."""
    return {
        name: folder
        for name, plugin in manager.list_name_plugin()
        if isinstance(folder := getattr(plugin, attribute, None), Path)
    }


def check_folders(manager: pluggy.PluginManager) -> None:
    """Raises PluginError for a module whose `templates` or `locales` is not the path of a folder."""
    for name, plugin in manager.list_name_plugin():
        for attribute in ("templates", "locales"):
            folder = getattr(plugin, attribute, None)
            if folder is not None and not (isinstance(folder, Path) and folder.is_dir()):
                raise PluginError(f"plugin {name!r}: `{attribute}` is the Path of a folder, not {folder!r}")


def with_own_settings(settings: Settings, manager: pluggy.PluginManager) -> Settings:
    """The settings, with those of each plugin: an instance of the class that its module calls `own_settings`.

    Raises PluginError for what is no such class, and SettingsError for what no plugin takes.
    """
    loaded = dict(manager.list_name_plugin())  # a disabled one is there, as None
    own: dict[type[Any], Any] = {}
    for name, plugin in loaded.items():
        if plugin is None:
            continue
        given = given_to(name, settings)
        if (kind := getattr(plugin, "own_settings", None)) is not None:
            _check_own_settings(name, kind)
            if kind in own:
                raise PluginError(f"plugin {name!r}: {kind.__name__} is the `own_settings` of another plugin already")
            own[kind] = _own_settings(name, kind, given)
        elif given:
            raise SettingsError(f"{_where(name, given)}: the plugin {name!r} has no settings")
    for name in sorted(settings.plugins.keys() - loaded.keys()):
        close = get_close_matches(name, loaded, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "see `credenza plugins`"
        raise SettingsError(f"{_where(name, given_to(name, settings))}: no plugin is called {name!r}; {hint}")
    return replace(settings, own=own)


def _where(plugin: str, given: Mapping[str, Given]) -> str:
    return next((one.where for one in given.values()), f"[plugins.{plugin}]")


def _check_own_settings(plugin: str, kind: Any) -> None:
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise PluginError(f"plugin {plugin!r}: `own_settings` is a dataclass, not {kind!r}")
    try:
        types = types_of(kind)
    except Exception as error:
        raise PluginError(f"plugin {plugin!r}: the annotations of {kind.__name__} cannot be read: {error}") from error
    for f in fields(kind):
        if types[f.name] not in KINDS:
            raise PluginError(f"plugin {plugin!r}: {kind.__name__}.{f.name} is a str, int, bool or tuple[str, ...]")
        if f.default is MISSING:
            raise PluginError(f"plugin {plugin!r}: {kind.__name__}.{f.name} needs a default")


def _own_settings(plugin: str, kind: type[Any], given: Mapping[str, Given]) -> Any:
    values = values_of(kind, given)
    try:
        return kind(**values)
    except (ValueError, SettingsError) as error:
        named = given.get(str(error).partition(":")[0])  # by "key: too short", as our own say it
        raise SettingsError(f"{named.where if named else _where(plugin, given)}: {error}") from error
    except Exception as error:
        raise PluginError(
            f"plugin {plugin!r} raised in its `own_settings`: {told(error)}; {_way_out(plugin)}"
        ) from error


def _took(manager: pluggy.PluginManager, plugin: str, hook: str, result: object, started: float) -> None:
    time_of = hook_times(manager).setdefault((plugin, hook), HookTime())
    milliseconds = (time.perf_counter() - started) * 1000
    time_of.calls += 1
    time_of.milliseconds += milliseconds
    if os.environ.get("CREDENZA_TRACE_PLUGINS") == "1":
        sys.stderr.write(f"plugins: {hook} {plugin} -> {str(result)[:200]} {milliseconds:.2f} ms\n")
