"""Settings, ours and those of plugins: environment over one TOML file. An unknown key is an error that names it."""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from email.utils import getaddresses
from importlib.metadata import entry_points
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar, get_type_hints
from urllib.parse import urlsplit

from .protocol.email_addresses import email_mistake
from .protocol.jose import ALGORITHMS
from .protocol.redirect_uris import USUAL_PORTS, check_scheme, is_loopback

GROUP = "credenza"
"""The entry points that are plugins."""
PREFIX = "CREDENZA_"
# Read elsewhere, before there are settings: where the file is, and whether to print what plugins do.
OTHER_VARIABLES = frozenset({"CREDENZA_CONFIG", "CREDENZA_TRACE_PLUGINS"})
OF_PLUGINS = frozenset({"plugins", "own"})  # fields of Settings that are none of ours
KINDS = (str, int, bool, tuple[str, ...])  # what a setting may be
SECOND_FACTOR = ("optional", "required")
REGISTRATION = ("off", "token", "open")  # nobody, whoever brings the initial access token, anybody
CACHE_SCHEMES = ("valkey", "valkeys", "redis", "rediss")
SAMPLE_SECRETS = frozenset({"secret", "changeme", "change-me", "password", "credenza", "example", "test"})


FORMATS = ("text", "json")  # of the log
DESTINATION = re.compile(r"([\w-]+(\.[\w-]+)*\.?|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?", re.ASCII)
# What more would do to a server, or to its database, nobody means.
AT_MOST = {
    "shutdown_delay": 60,
    "code_lifetime": 600,
    "access_token_lifetime": 24 * 3600,
    "refresh_token_reuse_window": 60,
    "argon2_time_cost": 100,
    "argon2_memory_kib": 4 * 1024 * 1024,
    "argon2_parallelism": 64,
    "password_threads": 256,
    "password_min_length": 64,  # SP 800-63B §3.1.1.2: so long ones must be possible, and longer ones not necessary
}
LARGEST = 2**31 - 1
MAY_BE_ZERO = frozenset(
    {
        "refresh_token_reuse_window",
        "shutdown_delay",
        "password_threads",
        "audit_retention_days",
        "signing_key_days",
        "password_min_length",
    }
)


Own = TypeVar("Own")


class SettingsError(Exception):
    """One line for the person who starts the server."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was read, and where: a variable, or a file and its table."""

    value: object = field(repr=False)
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Read-only after the start. Lifetimes are in seconds, sizes in bytes unless a name says otherwise.

    Each field is `CREDENZA_` and its name in upper case in the environment, and its name in the file. Lists are
    separated by commas in the environment. `plugins` is what was given for each plugin, by its name and the names of
    its settings; `own` is what the plugins take of it, once they are loaded.
    """

    issuer: str = "http://localhost:8400"
    database_url: str = "sqlite:///credenza.db"
    secret_key: str = field(default="", repr=False)
    former_secret_keys: tuple[str, ...] = field(default=(), repr=False)
    cache_url: str = ""
    outbound_allow: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    rate_limit: bool = True

    audit_retention_days: int = 0
    signing_key_days: int = 0
    log_format: str = "text"
    log_requests: bool = False
    metrics_token: str = field(default="", repr=False)
    shutdown_delay: int = 0
    security_contact: tuple[str, ...] = ()
    security_policy: str = ""

    registration: str = "off"
    registration_token: str = field(default="", repr=False)
    registration_limit_per_hour: int = 20
    client_id_metadata_documents: bool = False
    redirect_schemes: tuple[str, ...] = ()

    plugins_disabled: tuple[str, ...] = ()
    plugins_path: str = ""
    plugins_timeout: int = 10

    signing_algorithms: tuple[str, ...] = ("RS256", "ES256", "PS256")

    code_lifetime: int = 60
    access_token_lifetime: int = 600
    id_token_lifetime: int = 3600
    refresh_token_lifetime: int = 60 * 24 * 3600
    refresh_token_idle_lifetime: int = 30 * 24 * 3600
    refresh_token_reuse_window: int = 10
    session_lifetime: int = 30 * 24 * 3600
    session_idle_lifetime: int = 7 * 24 * 3600
    interaction_lifetime: int = 3600
    interactions_at_most: int = 10_000
    invitation_lifetime: int = 7 * 24 * 3600

    second_factor: str = "optional"
    smtp_url: str = field(default="", repr=False)
    mail_from: str = ""
    signup: bool = False
    account_deletion: bool = True

    argon2_time_cost: int = 2
    argon2_memory_kib: int = 19_456
    argon2_parallelism: int = 1
    password_threads: int = 0
    password_min_length: int = 0
    password_recheck: bool = False

    plugins: Mapping[str, Mapping[str, object]] = field(default_factory=dict, repr=False, hash=False)
    own: Mapping[type[Any], Any] = field(default_factory=dict, repr=False, hash=False)

    def of(self, kind: type[Own]) -> Own:
        """What is set for a plugin, by the class that its module calls `own_settings`; else that class's defaults."""
        return self.own[kind] if kind in self.own else kind()

    def __post_init__(self) -> None:
        _check_issuer(self.issuer)
        self._check_numbers()
        self._check_choices()
        self._check_network()
        self._check_mail()
        if not self.password_min_length:  # SP 800-63B §3.1.1.2: less is enough where it is never the only factor
            object.__setattr__(self, "password_min_length", 8 if self.second_factor == "required" else 15)
        if self.password_min_length < 8:
            raise SettingsError("password_min_length: at least 8")

    def _check_numbers(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if type(value) is int and value < (0 if f.name in MAY_BE_ZERO else 1):
                raise SettingsError(f"{f.name}: {value} is too small")
            if type(value) is int and value > AT_MOST.get(f.name, LARGEST):
                raise SettingsError(f"{f.name}: {value} is too large, {AT_MOST.get(f.name, LARGEST)} is the most")
        if self.argon2_memory_kib < 8 * self.argon2_parallelism:
            raise SettingsError("argon2_memory_kib: at least 8 for each lane of argon2_parallelism")

    def _check_choices(self) -> None:
        for name, known in (("log_format", FORMATS), ("registration", REGISTRATION), ("second_factor", SECOND_FACTOR)):
            if getattr(self, name) not in known:
                raise SettingsError(f"{name}: one of {', '.join(known)}")
        if self.registration == "token" and len(self.registration_token) < 32:
            raise SettingsError("registration_token: at least 32 random characters when registration is token")
        if self.metrics_token and len(self.metrics_token) < 32:
            raise SettingsError("metrics_token: at least 32 random characters, which Prometheus sends")
        if "RS256" not in self.signing_algorithms or not set(self.signing_algorithms) <= set(ALGORITHMS):
            raise SettingsError(f"signing_algorithms: RS256, and any of {', '.join(ALGORITHMS[1:])}")
        for scheme in self.redirect_schemes:
            try:
                check_scheme(scheme)
            except ValueError as error:
                raise SettingsError(f"redirect_schemes: {error}") from error

    def _check_network(self) -> None:
        if self.cache_url and not _names_host(self.cache_url, CACHE_SCHEMES):
            raise SettingsError("cache_url: valkey://host:6379 or redis://host:6379, with an s for TLS: valkeys://")
        for proxy in self.trusted_proxies:
            try:
                ip_network(proxy, strict=False)
            except ValueError as error:
                raise SettingsError(f"trusted_proxies: {proxy!r} is not an address or a network") from error
        for entry in self.outbound_allow:
            if not _is_destination(entry):
                raise SettingsError(f"outbound_allow: {entry!r} is not a host, a host with a port, or a network")
        for address in (*self.security_contact, *((self.security_policy,) if self.security_policy else ())):
            if not address.startswith(("https://", "mailto:", "tel:")) or not address.isprintable():
                raise SettingsError(f"security_…: {address!r} does not begin with https://, mailto: or tel:")

    def _check_mail(self) -> None:
        if self.smtp_url and not _names_host(self.smtp_url, ("smtp", "smtps")):
            raise SettingsError("smtp_url: smtp://user:password@host:587, or smtps://… for TLS from the first byte")
        if bool(self.smtp_url) != bool(self.mail_from):
            raise SettingsError("smtp_url and mail_from: one without the other sends nothing")
        if self.mail_from and not _is_sender(self.mail_from):
            raise SettingsError("mail_from: one address, with or without a name: Example <no-reply@example.com>")

    @property
    def secure(self) -> bool:
        return self.issuer.startswith("https://")

    @property
    def sqlite_path(self) -> Path | None:
        if not self.database_url.startswith("sqlite:///"):
            return None
        return Path(self.database_url.removeprefix("sqlite:///"))


def _check_issuer(issuer: str) -> None:
    """https, no query, no fragment; http only on loopback, for development. RFC 8414 §2."""
    parts = urlsplit(issuer) if _names_host(issuer, ("https", "http")) else None
    if parts is None or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise SettingsError(f"issuer: {issuer!r} is not an address such as https://id.example.com")
    usual = f":{USUAL_PORTS[parts.scheme]}"
    if parts.netloc != parts.netloc.lower() or parts.netloc.endswith((usual, ":")) or parts.hostname.endswith("."):
        # Browsers name it so, and a form of ours that comes from another origin is refused. RFC 6454 §6.1
        raise SettingsError(
            f"issuer: {issuer!r}: write the host in lower case, without a dot at the end and without the usual port"
        )
    if parts.path:
        raise SettingsError(f"issuer: {issuer!r}: give scheme, host and port only, without a slash at the end")
    if parts.scheme == "http" and not is_loopback(issuer):
        raise SettingsError(
            f"issuer: {issuer!r}: http is accepted for localhost, 127.0.0.1 and [::1] only; elsewhere it is https, "
            "with a reverse proxy in front that ends TLS"
        )


def _names_host(address: str, schemes: Sequence[str]) -> bool:
    """Whether an address has one of these schemes, a host as DNS has it, and a port that can be."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    host = parts.netloc.rpartition("@")[2]
    return parts.scheme in schemes and port != 0 and DESTINATION.fullmatch(host.removesuffix(":")) is not None


def _is_sender(text: str) -> bool:
    found = getaddresses([text])
    return len(found) == 1 and found[0][1] != "" and not email_mistake(found[0][1])


def _is_destination(entry: str) -> bool:
    """`intranet.example`, `localhost:8401` or `10.0.0.0/8`; an address stands for itself."""
    try:
        ip_network(entry, strict=False)
    except ValueError:
        return DESTINATION.fullmatch(entry) is not None
    return True


def load_settings(
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    port: int | None = None,
    **overrides: object,
) -> Settings:
    """Read the file, then the environment, then `overrides` (from the command line; None means not given).

    Where nobody says what the issuer is, it follows the `port`.
    """
    environ = os.environ if environ is None else environ
    config = config_of(config, environ)
    values, plugins = _from_file(config) if config is not None else ({}, {})
    variables = {
        name: value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in OTHER_VARIABLES and value != ""
    }
    ours = types_of(Settings)
    values |= {_key(name): _convert(_key(name), value, name) for name, value in variables.items() if _key(name) in ours}
    if others := {name: value for name, value in variables.items() if _key(name) not in ours}:
        installed = {entry_point.name for entry_point in entry_points(group=GROUP)}
        known = {*installed, *plugins, Path(values.get("plugins_path", "")).stem}
        for name, value in others.items():
            plugin, key = _of_plugin(name, known)
            plugins.setdefault(plugin, {})[key] = Given(value, name)
    values |= {name: value for name, value in overrides.items() if value is not None}
    if port is not None:
        values.setdefault("issuer", "http://localhost" if port == USUAL_PORTS["http"] else f"http://localhost:{port}")
    try:
        settings = Settings(**values, plugins=plugins)
    except TypeError as error:
        raise SettingsError(str(error)) from error
    return settings


def config_of(config: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file of settings: the one that is given, else that of CREDENZA_CONFIG, if there is one."""
    return config or (Path(environ["CREDENZA_CONFIG"]) if environ.get("CREDENZA_CONFIG") else None)


def _from_file(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, object]]]:
    """Our settings by name, and what is given for plugins by their names."""
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    flat: dict[str, Any] = {}
    plugins: dict[str, dict[str, object]] = {}
    for name, value in document.items():
        for inner, inner_value in value.items() if isinstance(value, dict) else ():
            if name == "plugins" and isinstance(inner_value, dict):
                where = f"{path}: [plugins.{inner}]"
                plugins[inner] = {key: Given(given, where) for key, given in inner_value.items()}
            else:  # [plugins] disabled = […] is plugins_disabled
                flat[f"{name}_{inner}"] = inner_value
        if not isinstance(value, dict):
            flat[name] = value
    return {name: _convert(name, value, str(path)) for name, value in flat.items()}, plugins


def _key(variable: str) -> str:
    return variable.removeprefix(PREFIX).lower()


def _of_plugin(variable: str, names: Iterable[str]) -> tuple[str, str]:
    """The plugin that a variable is for, and its setting: CREDENZA_PLUGINS_VISITOR_BOOK_FILE."""
    for name in sorted(names, key=len, reverse=True):
        prefix = f"plugins_{re.sub('[^a-z0-9]', '_', name.lower())}_"
        if name and _key(variable).startswith(prefix):
            return name, _key(variable).removeprefix(prefix)
    raise _unknown(_key(variable), Settings, variable)


def types_of(kind: type[Any]) -> dict[str, Any]:
    """What the settings of a class are: `Settings`, or that of a plugin."""
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind) if kind is not Settings or f.name not in OF_PLUGINS}


def given_to(plugin: str, settings: Settings) -> dict[str, Given]:
    return {
        name: value if isinstance(value, Given) else Given(value, f"[plugins.{plugin}]")
        for name, value in settings.plugins.get(plugin, {}).items()
    }


def values_of(kind: type[Any], given: Mapping[str, Given]) -> dict[str, Any]:
    """What was given, as the fields of the class take it. Raises SettingsError."""
    return {name: _convert(name, one.value, one.where, kind) for name, one in given.items()}


def _unknown(name: str, kind: type[Any], where: str) -> SettingsError:
    types = types_of(kind)
    close = get_close_matches(name, types, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the settings are {', '.join(types)}"
    return SettingsError(f"{where}: there is no setting {name!r}; {hint}")


def _convert(name: str, value: object, where: str, kind: type[Any] = Settings) -> object:
    types = types_of(kind)
    if name not in types:
        raise _unknown(name, kind, where)
    wanted = types[name]
    told = f", not {value!r}" if all(f.repr for f in fields(kind) if f.name == name) else ""  # a secret is not told
    if isinstance(value, dict):
        raise SettingsError(f"{where}: {name} must not be a table")
    if wanted is bool:
        words = {"on": True, "off": False, "true": True, "false": False, "1": True, "0": False}
        if str(value).lower() not in words:
            raise SettingsError(f"{where}: {name} must be on or off{told}")
        return words[str(value).lower()]
    if wanted is int:
        try:
            return int(str(value))
        except ValueError:
            raise SettingsError(f"{where}: {name} must be a whole number{told}") from None
    if wanted is str:
        if isinstance(value, list | tuple | bool):
            raise SettingsError(f"{where}: {name} must be a text{told}")
        return str(value)
    items = value if isinstance(value, list | tuple) else str(value).split(",")
    return tuple(str(item).strip() for item in items if str(item).strip())


def secret_keys(settings: Settings) -> tuple[bytes, list[bytes]]:
    """The key that all others are derived from, and those that are only read with.

    Given, or kept in a file of ours beside a SQLite database: a line for each, the newest first.
    """
    former = [_checked("former_secret_keys", key) for key in settings.former_secret_keys]
    if settings.secret_key:
        return _checked("secret_key", settings.secret_key), former
    newest, *older = _kept_keys(settings)
    return newest, [*older, *former]


def _checked(name: str, key: str) -> bytes:
    if len(key) < 32 or key.lower() in SAMPLE_SECRETS:
        raise SettingsError(f"{name}: at least 32 random characters, for example from `openssl rand -hex 32`")
    return key.encode()


def _kept_keys(settings: Settings) -> list[bytes]:
    path = settings.sqlite_path
    if path is None:
        raise SettingsError(
            "secret_key: set CREDENZA_SECRET_KEY, once and for good, for example to what "
            "`openssl rand -hex 32` prints; it is only made for you beside a SQLite database"
        )
    key_path = path.with_name(path.name + ".key")
    if not key_path.exists():
        if path.exists() and path.stat().st_size > 0:
            raise SettingsError(f"{key_path} is missing, and {path} cannot be read without it; bring it back")
        try:
            key_path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass  # another process was quicker
        except OSError as error:
            raise SettingsError(
                f"database_url: {key_path} cannot be written: {error.strerror}; who runs Credenza must own the folder"
            ) from error
        else:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
    keys = key_path.read_text().split()
    if not keys or any(len(key) < 32 for key in keys):
        raise SettingsError(f"{key_path} does not hold a key of 32 characters or more")
    return [key.encode() for key in keys]
