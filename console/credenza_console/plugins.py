"""Plugins: what is loaded, from where, and what each one does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import ClassVar

from credenza import AuthorizationServer, ConsolePage, ConsoleView, ConsoleVisit, HookTime, console_get, hook_times


@dataclass(frozen=True, slots=True)
class Row:
    """`origin` is the distribution it was installed with, or its module; `brings` what it registered, by kind.

    `hooks` are those it answers, and in words how often each was called and how long that took.
    """

    name: str
    origin: str
    hooks: tuple[tuple[str, str], ...]
    brings: tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class PluginList(ConsoleView):
    template: ClassVar[str] = "plugins/list.html"
    folder: ClassVar[Path | None] = Path(__file__).parent / "templates"
    rows: tuple[Row, ...]
    disabled: tuple[str, ...]


@console_get("/console/plugins", "plugins:read")
async def list_plugins(visit: ConsoleVisit) -> PluginList:
    server = visit.server
    origins = {point.name: point.dist for point in entry_points(group="credenza")}
    rows = []
    times = hook_times(server.plugins)
    for name, plugin in sorted(server.plugins.list_name_plugin()):
        if plugin is None:
            continue
        answered = sorted({caller.name for caller in server.plugins.get_hookcallers(plugin) or []})
        hooks = tuple((hook, in_words(times.get((name, hook)))) for hook in answered)
        dist = origins.get(name)
        module = getattr(plugin, "__name__", type(plugin).__module__)
        origin = f"{dist.name} {dist.version}" if dist is not None else module
        rows.append(Row(name, origin, hooks, tuple(brings(server, name))))
    return PluginList(
        title="Plugins",
        lead="Plugins that are running. Install more, or disable some with plugins_disabled, and restart the server.",
        rows=tuple(rows),
        disabled=tuple(sorted(server.settings.plugins_disabled)),
    )


def in_words(time: HookTime | None) -> str:
    if time is None:
        return "not asked yet"
    calls = f" in {time.calls:,} calls" if time.calls > 1 else ""
    return f"{time.milliseconds:.2f} ms{calls}"


def brings(server: AuthorizationServer, plugin: str) -> Iterable[tuple[str, str]]:
    kinds = (
        ("Client types", server.client_types),
        ("Scope sources", server.scope_providers),
        ("Prompts", server.prompts),
        ("Themes", server.themes),
        ("Grant types", server.grant_types),
        ("Ways to sign in", server.authenticators),
    )
    for title, objects in kinds:
        own = [name for name, item in objects.items() if server.plugin_of(item) == plugin]
        if own:
            yield title, ", ".join(own)


PAGE = ConsolePage("Plugins", "/console/plugins", (list_plugins,), icon="plug", section="System", order=100)
