"""`credenza.testing` for those who write plugins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from litestar import Request, get

from credenza import hookimpl, users
from credenza.app import create_server
from credenza.store import engine
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent, running, test_settings
from credenza.web.observing import MOST

MACHINE = {"client_secret": "a-secret-of-a-machine", "name": "Night Job", "type": "machine_to_machine"}


def test_each_of_two_servers_in_one_process_has_its_own_database(tmp_path: Path) -> None:
    """A fixture of a whole session outlives servers that single tests start."""

    def knows(server: object, client_id: str) -> bool:
        party = RelyingParty(server, client_id, "", secret=MACHINE["client_secret"])  # type: ignore[arg-type]
        return party.post("/token", {"grant_type": "client_credentials"}).status_code == 200

    with running(test_settings(f"sqlite:///{tmp_path / 'first.db'}")) as first:
        first.apply({"applications": [MACHINE | {"client_id": "night", "third_party": False}]})
        with running(test_settings(f"sqlite:///{tmp_path / 'second.db'}")) as second:
            second.apply({"applications": [MACHINE | {"client_id": "day", "third_party": False}]})
            assert (knows(first, "night"), knows(first, "day")) == (True, False)
            assert (knows(second, "night"), knows(second, "day")) == (False, True)
        assert knows(first, "night")


def test_a_server_that_is_made_and_never_started_takes_no_tables(tmp_path: Path) -> None:
    """Commands make one to ask about plugins; what another server does meanwhile, in the background, stays its own."""
    with running(test_settings(f"sqlite:///{tmp_path / 'first.db'}")) as first:
        create_server(test_settings(f"sqlite:///{tmp_path / 'second.db'}"))
        assert engine.database() is first.server.engine


class Page:
    """A plugin with a page that says which server answers."""

    asked = 0

    @hookimpl
    def register_routes(self) -> object:
        self.asked += 1

        @get("/which", sync_to_thread=False)
        def which(request: Request) -> str:
            return str(request.app.state.server.settings.database_url)

        return which


def test_routes_are_made_once_and_lead_to_the_server_that_runs(tmp_path: Path) -> None:
    page = Page()
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("first", "second")]
    for url in urls:
        with running(test_settings(url), [("page", page)]) as credenza:
            assert credenza.request("GET", "/which").text == url
            assert credenza.request("GET", "/.well-known/openid-configuration").status_code == 200
            assert credenza.run(credenza.server.keys).active  # of its own database
    assert page.asked == 1


def test_two_servers_at_once_have_routes_of_their_own(tmp_path: Path) -> None:
    page = Page()
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("first", "second")]
    first, second = (running(test_settings(url), [("page", page)]) for url in urls)
    with first as one, second as another:
        assert [credenza.request("GET", "/which").text for credenza in (one, another)] == urls
    assert page.asked == 2


@pytest.mark.parametrize(
    "other", [{"plugins": [("page", Page())]}, {"settings": {"registration": "open"}}, {"plugins": []}]
)
def test_other_plugins_or_settings_have_other_routes(tmp_path: Path, other: dict[str, Any]) -> None:
    page = Page()
    with running(test_settings(f"sqlite:///{tmp_path / 'first.db'}"), [("page", page)]) as first:
        routes = first.app
    settings = test_settings(f"sqlite:///{tmp_path / 'second.db'}", **other.get("settings", {}))
    with running(settings, other.get("plugins", [("page", page)])) as second:
        assert second.app is not routes
        assert second.request("GET", "/which").status_code == (200 if other.get("plugins", True) else 404)


def test_a_server_does_not_wait_for_what_an_earlier_one_left_undone(tmp_path: Path) -> None:
    page = Page()
    with running(test_settings(f"sqlite:///{tmp_path / 'first.db'}"), [("page", page)]) as first:
        first.app.under_way = MOST
        pages = first.app.pages
    with running(test_settings(f"sqlite:///{tmp_path / 'second.db'}"), [("page", page)]) as second:
        assert second.app is first.app
        assert second.request("GET", "/which").status_code == 200
        assert second.app.pages is not pages


def test_a_page_without_a_form_is_told_with_what_stands_there(user_agent: UserAgent) -> None:
    with pytest.raises(AssertionError, match="no page is open"):
        user_agent.submit([("code", "1815")])
    user_agent.get("/nowhere")
    for fill_in in (user_agent.decide, user_agent.sign_in):
        with pytest.raises(AssertionError, match=r"no form to fill in, but PageSeen\(.*/nowhere"):
            fill_in()


def test_what_was_applied_can_be_exported(credenza: Credenza) -> None:
    credenza.apply({"roles": [{"name": "pilot", "description": "Brings ships in."}]})
    roles = {role["name"]: role for role in credenza.export()["roles"]}
    assert roles["pilot"]["description"] == "Brings ships in."


def test_a_device_is_connected_in_a_browser(credenza: Credenza, user_agent: UserAgent) -> None:
    device = "urn:ietf:params:oauth:grant-type:device_code"
    credenza.apply({"applications": [{"client_id": "native", "grant_types": ["authorization_code", device]}]})
    screen = RelyingParty(credenza, "native", auth_method="none")
    begun = screen.begin_device()
    assert screen.poll_device(begun).json()["error"] == "authorization_pending"
    page = user_agent.connect(begun["user_code"], "grace")
    assert isinstance(page, PageSeen)
    assert page.name == "device"
    credenza.clock.move(5)
    tokens = screen.poll_device(begun).json()
    assert screen.userinfo(tokens["access_token"]).json()["sub"] == id_of(credenza, "grace")


def id_of(credenza: Credenza, username: str) -> str:
    found = credenza.run(users.find_user_by_identifier, username)
    assert found is not None
    return found.id
