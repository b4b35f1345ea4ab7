"""A plugin adds a page to the menu and a panel to an application, by the console's own hooks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from credenza import (
    Client,
    ConsoleDone,
    ConsoleForm,
    ConsolePage,
    ConsolePanel,
    ConsoleView,
    ConsoleVisit,
    Link,
    account_get,
    console_get,
    console_post,
    hookimpl,
)
from credenza.plugins import PluginError, load_plugins
from credenza.settings import Settings
from credenza_console import build_console

Visitor = Any  # see conftest.py
STAMPS: list[str] = []


@dataclass(kw_only=True)
class StampPage(ConsoleForm):
    template: ClassVar[str] = "stamps.html"
    folder: ClassVar[Path | None] = None


@dataclass(kw_only=True)
class StampPanel(ConsoleView):
    template: ClassVar[str] = "panel.html"
    folder: ClassVar[Path | None] = None
    client: Client


@console_get("/console/stamps", "stamps:read")
async def list_stamps(visit: ConsoleVisit) -> StampPage:
    return StampPage(title="Stamps", lead=", ".join(STAMPS))


@console_post("/console/stamps", "stamps:write")
async def add_stamp(visit: ConsoleVisit) -> ConsoleDone | StampPage:
    if "name" not in visit.form:
        return StampPage(title="Stamps").refused({"name": "Give it a name."})
    STAMPS.append(visit.form["name"])
    return ConsoleDone("/console/stamps", "Stamped.")


async def find_stamps(visit: ConsoleVisit, words: str) -> list[Link]:
    if "dry" in words:
        raise RuntimeError("the ink is dry")
    return [Link(f"Stamp {words} {number}", f"/console/stamps#{number}") for number in range(100)]


async def show_panel(visit: ConsoleVisit, client: Client) -> StampPanel:
    if client.id == "own":
        raise RuntimeError("the ink is dry")
    return StampPanel(title="Stamps", client=client)


@console_get("/console/stamps/lost", "stamps:read")
async def lose_stamps(visit: ConsoleVisit) -> Any:
    StampPage(title="Stamps")  # and not returned


class Stamps:
    @hookimpl(optionalhook=True)
    def console_pages(self) -> ConsolePage:
        routes = (list_stamps, add_stamp, lose_stamps)
        return ConsolePage("Stamps", "/console/stamps", routes, section="Harbour", find=find_stamps)

    @hookimpl(optionalhook=True)
    def console_panels(self) -> ConsolePanel:
        return ConsolePanel("Stamps", "application", "stamps:read", show_panel)


@pytest.fixture
def credenza_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    (tmp_path / "stamps.html").write_text(
        '{% extends "console:layout.html" %}{% import "console:macros.html" as ui %}'
        '{% block main %}<form method="post">{{ ui.csrf(page) }}{{ ui.field(page, "name", "Name") }}</form>'
        "{% endblock %}"
    )
    (tmp_path / "panel.html").write_text("<p>Stamped: {{ page.client.name }}</p>")
    monkeypatch.setattr(StampPage, "folder", tmp_path)
    monkeypatch.setattr(StampPanel, "folder", tmp_path)
    STAMPS.clear()
    return [("stamps", Stamps())]


def test_console_pages(visitor: Visitor, administrator: Any) -> None:
    page = visitor.get("/console")
    assert "Harbour" in page.text
    assert "/console/stamps" in page.links
    visitor.refused("/console/stamps")
    assert "Stamped." in visitor.done("/console/stamps", {"name": "first"}).text
    assert visitor.post("/console/stamps", {"name": "forged"}, token="").status_code == 403
    reader = administrator("read-only")
    assert reader.get("/console/stamps").status == 200
    assert reader.post("/console/stamps", {"name": "read-only"}, token=visitor.token()).status_code == 403
    assert STAMPS == ["first"]


def test_console_panels(visitor: Visitor) -> None:
    assert "Stamped: Harbour Wiki" in visitor.get("/console/applications/app").text


def test_the_search_asks_each_page_what_it_is_about(visitor: Visitor, administrator: Any) -> None:
    page = visitor.get("/console/search?q=wiki")
    assert "Stamp wiki 0" in page.text
    assert len([link for link in page.links if "/stamps#" in link]) == 6
    assert "/console/applications/app" in page.links
    assert "Stamp wiki" not in administrator("applications").get("/console/search?q=wiki").text


def test_a_search_that_raises_is_named_in_the_log_and_the_others_are_found(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    visitor.credenza.apply({"users": [{"username": "dry-dock"}]})
    with caplog.at_level(logging.ERROR, logger="credenza.plugins"):
        page = visitor.get("/console/search?q=dry")
    assert "dry-dock" in page.text
    assert "'stamps'" in caplog.text


def test_a_panel_that_raises_is_named_in_the_log_and_the_page_comes(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="credenza.plugins"):
        page = visitor.get("/console/applications/own")
    assert page.status == 200
    assert "This part could not be shown." in page.text
    assert "Our Portal" in page.text
    assert "'stamps'" in caplog.text


def test_a_route_that_returns_nothing_is_told(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    assert visitor.get("/console/stamps/lost").status == 500
    assert "plugin 'stamps': GET /console/stamps/lost takes a ConsoleView, a ConsoleDone" in caplog.text


def test_two_plugins_at_one_address_stop_the_start() -> None:
    class Thief:
        @hookimpl(optionalhook=True)
        def console_pages(self) -> ConsolePage:
            return ConsolePage("Users", "/console/users", (console_get("/console/users", "users:read")(show_panel),))

    with pytest.raises(PluginError, match=r"'thief'.*is there already"):
        build_console(load_plugins(extra=[("thief", Thief())]), settings=Settings())


def test_a_hook_that_returns_something_else_stops_the_start() -> None:
    class Wrong:
        @hookimpl(optionalhook=True)
        def console_pages(self) -> str:
            return "a page"

    with pytest.raises(PluginError, match=r"'wrong'.*ConsolePage"):
        build_console(load_plugins(extra=[("wrong", Wrong())]), settings=Settings())


def test_a_function_that_is_no_route_stops_the_start() -> None:
    class Bare:
        @hookimpl(optionalhook=True)
        def console_pages(self) -> ConsolePage:
            return ConsolePage("Stamps", "/console/stamps", (show_panel,))  # type: ignore[arg-type]

    with pytest.raises(PluginError, match=r"'bare': show_panel is no route; write @console_get"):
        build_console(load_plugins(extra=[("bare", Bare())]), settings=Settings())


@pytest.mark.parametrize("route", [console_get("/console/stamps", "stamps:read"), account_get("/account/stamps")])
def test_a_function_that_cannot_be_awaited_is_no_route(route: Callable[[Any], object]) -> None:
    def show_stamps(visit: object) -> None: ...

    with pytest.raises(TypeError, match=r"show_stamps, which answers GET /\w+/stamps, must be `async def`"):
        route(show_stamps)


def test_a_form_without_a_page_to_come_back_to_stops_the_start() -> None:
    class Lonely:
        @hookimpl(optionalhook=True)
        def console_pages(self) -> ConsolePage:
            routes = (list_stamps, console_post("/console/stamps/new", "stamps:write")(show_panel))
            return ConsolePage("Stamps", "/console/stamps", routes)

    with pytest.raises(PluginError, match=r"'lonely': /console/stamps/new needs a console_get: who must sign in"):
        build_console(load_plugins(extra=[("lonely", Lonely())]), settings=Settings())
