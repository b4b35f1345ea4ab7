"""What plugins registered, collected when the server is made."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import pluggy
from piccolo.conf.apps import AppConfig

from .events import Event
from .hookspecs import Cleaner, Listener
from .objects import (
    Authenticator,
    ClientSource,
    GrantType,
    Mailer,
    Prompt,
    ScopeProvider,
    SecondFactor,
    SignInLink,
    Theme,
)
from .plugins import PluginError, by_name, check_callable, check_folders, claim, collect, with_own_settings
from .protocol.clients import ClientType
from .settings import Settings, SettingsError
from .store.piccolo_app import APP_CONFIG


class Registered:
    """The part of the server that plugins fill: by name, and sorted by their order. An error stops the start."""

    def __init__(self, settings: Settings, plugins: pluggy.PluginManager) -> None:
        settings = with_own_settings(settings, plugins)
        self.settings = settings
        self.plugins = plugins
        server: Any = self  # what is made is always the whole server

        def named(hook: str, kind: type[Any]) -> dict[str, Any]:
            found = collect(plugins, hook, kind, settings=settings)
            self.owners |= {id(item): plugin for plugin, item in found}
            return by_name(hook, found)

        def called(hook: str) -> list[tuple[str, Any]]:
            return check_callable(hook, collect(plugins, hook, None, settings=settings, server=server))

        check_folders(plugins)
        self.owners: dict[int, str] = {}
        self.client_types: Mapping[str, ClientType] = named("register_client_types", ClientType)
        self.client_sources: Mapping[str, ClientSource] = named("register_client_sources", ClientSource)
        sources: dict[str, ScopeProvider] = named("register_scopes", ScopeProvider)
        self.scope_providers: Mapping[str, ScopeProvider] = dict(
            sorted(sources.items(), key=lambda item: item[1].order)
        )
        self.implying = [s for s in self.scope_providers.values() if type(s).implied is not ScopeProvider.implied]
        prompts: dict[str, Prompt] = named("register_prompts", Prompt)
        self.prompts: Mapping[str, Prompt] = dict(sorted(prompts.items(), key=lambda item: item[1].order))
        self.grant_types: Mapping[str, GrantType] = named("register_grant_types", GrantType)
        self.authenticators: Mapping[str, Authenticator] = named("register_authenticators", Authenticator)
        factors: dict[str, SecondFactor] = named("register_second_factors", SecondFactor)
        self.second_factors: Mapping[str, SecondFactor] = dict(sorted(factors.items(), key=lambda item: item[1].order))
        links = collect(plugins, "register_sign_in_links", SignInLink, settings=settings)
        self.sign_in_links: Sequence[SignInLink] = sorted((link for _, link in links), key=lambda link: link.order)
        mailers: dict[str, Mailer] = named("register_mailers", Mailer)
        if len(mailers) > 1:
            raise SettingsError(f"register_mailers: {' and '.join(mailers)} both bring mails; disable one of them")
        self.mailer = next(iter(mailers.values()), None)
        if settings.signup and self.mailer is None:
            raise SettingsError("signup: addresses are confirmed by mail; set smtp_url and mail_from")
        if settings.second_factor == "required" and not self.second_factors:
            raise SettingsError("second_factor: no plugin brings one, so nobody could sign in")
        for mapping in (mailers, self.client_sources, self.scope_providers, self.authenticators, self.second_factors):
            for item in mapping.values():
                item.server = server
        self.themes: Mapping[str, Theme] = named("register_themes", Theme)
        listeners = called("register_listeners")
        self.listeners = [(plugin, listener, heard_by(listener)) for plugin, listener in listeners]
        self.cleaners: Sequence[tuple[str, Cleaner]] = called("register_cleaners")
        members = collect(plugins, "register_metadata", Mapping, settings=settings)
        self.extra_metadata = check_metadata(members)
        tables = collect(plugins, "register_tables", AppConfig, settings=settings)
        self.table_apps: Sequence[AppConfig] = [APP_CONFIG, *check_tables(tables)]


def check_metadata(found: Sequence[tuple[str, Mapping[str, object]]]) -> dict[str, object]:
    """What was found, once all of it is JSON; else nobody could read the document that it is added to."""
    for plugin, item in found:
        try:
            json.dumps(dict(item))
        except (TypeError, ValueError) as error:
            raise PluginError(f"plugin {plugin!r} returned what is not JSON from register_metadata: {error}") from error
    return {name: value for _, item in found for name, value in item.items()}


def check_tables(found: Sequence[tuple[str, AppConfig]]) -> list[AppConfig]:
    """What was found, once all of it can be migrated; else its tables would be missed by the first request."""
    owners = {APP_CONFIG.app_name: "credenza"}
    for plugin, app in found:
        if owners.get(app.app_name) != plugin:
            claim(owners, "register_tables", plugin, app.app_name)
        if not Path(app.migrations_folder_path).is_dir():
            raise PluginError(
                f"plugin {plugin!r}: the migrations of {app.app_name!r} (register_tables) should be in "
                f"{app.migrations_folder_path}, which is no folder; is it left out of the package?"
            )
    return [app for _, app in found]


def heard_by(listener: Listener) -> tuple[type[Event], ...]:
    """The kinds of events that a listener takes, as its parameter says; all of them when it says nothing."""
    try:
        parameter = next(iter(inspect.signature(listener, eval_str=True).parameters.values()), None)
    except (NameError, TypeError, ValueError):  # an annotation that only a type checker can read
        return (Event,)
    annotation = parameter.annotation if parameter is not None else Event
    kinds = tuple(kind for kind in get_args(annotation) or (annotation,) if isinstance(kind, type))
    return kinds if kinds and all(issubclass(kind, Event) for kind in kinds) else (Event,)
