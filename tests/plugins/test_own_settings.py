"""A plugin declares what it may be told; a declaration that cannot be one stops the start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from credenza import SettingsError, create_app
from credenza.plugins import PluginError
from credenza.settings import load_settings
from credenza.testing import test_settings as settings_for_tests

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Tides:
    harbour: str = "Bergen"
    stations: tuple[str, ...] = ()
    metric: bool = True
    hours: int = 12
    token: str = field(default="", repr=False)


@dataclass
class WithoutDefault:
    harbour: str


@dataclass
class OfAnotherKind:
    height: float = 1.5


@dataclass
class Unreadable:
    height: Decimal | None = None


@dataclass
class Misspelt:
    height: Path.Metres | None = None  # type: ignore[name-defined]


@dataclass
class Raises:
    def __post_init__(self) -> None:
        raise RuntimeError("no tide today")


def app(*plugins: tuple[str, object], **given: Any) -> Any:
    settings = settings_for_tests("sqlite:///unused.db", plugins=given)
    return create_app(settings, plugins).state.server.settings


def declaring(kind: object) -> tuple[str, object]:
    return ("tides", SimpleNamespace(own_settings=kind))


def test_each_kind_of_setting_is_read_as_ours_are() -> None:
    settings = app(declaring(Tides), tides={"stations": "a, b", "metric": "off", "hours": "6", "token": "x"})
    assert settings.of(Tides) == Tides(stations=("a", "b"), metric=False, hours=6, token="x")
    for stations in (["a", "b"], ("a", "b")):
        assert app(declaring(Tides), tides={"stations": stations}).of(Tides).stations == ("a", "b")
    assert settings.of(Tides).harbour == "Bergen"


def test_what_is_set_for_plugins_is_not_in_what_is_shown_of_the_settings() -> None:
    settings = app(declaring(Tides), tides={"token": "a-secret"})
    assert settings.of(Tides).token == "a-secret"
    assert "a-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ({"harbour": ""}, r"plugin 'tides': `own_settings` is a dataclass, not \{'harbour': ''\}"),
        (Tides(), r"plugin 'tides': `own_settings` is a dataclass, not Tides"),
        (WithoutDefault, "plugin 'tides': WithoutDefault.harbour needs a default"),
        (OfAnotherKind, r"plugin 'tides': OfAnotherKind.height is a str, int, bool or tuple\[str, ...\]"),
        (Unreadable, "plugin 'tides': the annotations of Unreadable cannot be read: .*Decimal"),
        (Misspelt, "plugin 'tides': the annotations of Misspelt cannot be read: .*Metres"),
        (Raises, r"plugin 'tides' raised in its `own_settings`: RuntimeError\('no tide today'\) in .*, line "),
    ],
)
def test_what_cannot_be_a_declaration_stops_the_start(kind: object, said: str) -> None:
    with pytest.raises(PluginError, match=said):
        app(declaring(kind))


def test_two_plugins_do_not_share_their_settings() -> None:
    with pytest.raises(PluginError, match="plugin 'other': Tides is the `own_settings` of another plugin already"):
        app(declaring(Tides), ("other", SimpleNamespace(own_settings=Tides, other=True)))


def test_settings_that_a_test_gives_are_judged_too() -> None:
    with pytest.raises(
        SettingsError, match=r"\[plugins\.tides\]: there is no setting 'harbor'; did you mean 'harbour'"
    ):
        app(declaring(Tides), tides={"harbor": "Oslo"})
    with pytest.raises(SettingsError, match=r"\[plugins\.tide\]: no plugin is called 'tide'; did you mean 'tides'"):
        app(declaring(Tides), tide={})


def test_a_variable_is_for_the_plugin_with_the_longest_name_that_fits(tmp_path: Path) -> None:
    config = tmp_path / "credenza.toml"
    config.write_text("[plugins.tide]\n[plugins.tide-table]\n")
    read = load_settings(config, {"CREDENZA_PLUGINS_TIDE_TABLE_FILE": "x", "CREDENZA_PLUGINS_TIDE_FILE": "y"}).plugins
    assert {name: list(given) for name, given in read.items()} == {"tide": ["file"], "tide-table": ["file"]}
