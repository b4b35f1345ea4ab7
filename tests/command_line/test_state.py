"""apply, diff and export: the declared state, and what a run of them tells."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import pytest
import yaml

from credenza.store.engine import StoreFull
from credenza.testing import ORDERS, PASSWORD, SECRET, STATE

from .conftest import Run, exported


def test_apply_brings_the_database_to_the_declared_state_and_says_so(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    done = credenza_command("apply", file(STATE))
    assert done.status == 0, done.err
    assert "+ user ada" in done.out
    assert "+ application Harbour Wiki" in done.out
    assert re.search(r"^\d+ objects changed\.$", done.out, flags=re.MULTILINE)
    state = exported(credenza_command)
    assert [user["username"] for user in state["users"]] == ["ada", "grace", "root"]
    assert {app["client_id"] for app in state["applications"]} == {"app", "spa", "native", "own", "machine"}


def test_applying_the_same_file_again_changes_nothing(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    path = file(STATE)
    credenza_command("apply", path)
    before = exported(credenza_command)
    assert credenza_command("diff", path).out == "0 objects would change.\n"
    assert credenza_command("apply", path).out == "0 objects changed.\n"
    assert credenza_command("apply", path, "--json").json == {"created": [], "updated": [], "deleted": []}
    assert exported(credenza_command) == before


@pytest.mark.parametrize(("name", "value"), [("email", "ada@new.example"), ("phone_number", "+4930123456")])
def test_another_address_is_confirmed_only_if_the_file_says_so(
    credenza_command: Run, file: Callable[[Any], Path], name: str, value: str
) -> None:
    """Else whoever has the new one would be taken for its owner because the former one was confirmed."""
    person = {"username": "ada", "email": "ada@example.com", "phone_number": "+49301"}
    verified = {"email_verified": True, "phone_number_verified": True}
    assert credenza_command("apply", file({"users": [person | verified]})).status == 0
    assert credenza_command("apply", file({"users": [person]})).out == "0 objects changed.\n"
    assert credenza_command("apply", file({"users": [person | {name: value}]})).status == 0
    (ada,) = exported(credenza_command)["users"]
    assert ada[name] == value
    assert {flag for flag in verified if ada.get(flag)} == verified.keys() - {f"{name}_verified"}
    assert credenza_command("apply", file({"users": [person | verified]})).status == 0
    (ada,) = exported(credenza_command)["users"]
    assert ada[f"{name}_verified"]


def test_what_was_exported_can_be_applied_to_an_empty_database_and_exported_again(
    credenza_command: Run, file: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    credenza_command("apply", file(STATE))
    first = credenza_command("export").out
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'second.db'}")
    done = credenza_command("apply", file(first))
    assert done.status == 0, done.err
    assert credenza_command("export").out == first
    assert credenza_command("export", "--json").json == yaml.safe_load(first)


def test_what_was_exported_into_a_folder_is_complete(
    credenza_command: Run, file: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Pictures and custom CSS go along: nothing has to be put beside it by hand."""
    from PIL import Image

    for color in ("teal", "navy"):
        Image.new("RGB", (8, 8), color).save(tmp_path / f"{color}.png")
    (tmp_path / "own.css").write_text("/* ours */ .card { border-radius: 1px; }")
    declared = {
        "provider": {"branding": {"logo": "teal.png", "stylesheet": "own.css"}},
        "organizations": [{"id": "acme", "name": "Acme", "branding": {"logo": "navy.png"}}],
        "applications": [{"client_id": "a", "name": "A", "type": "spa", "branding": {"dark_logo": "teal.png"}}],
    }
    credenza_command("apply", file(declared))
    state, folder = exported(credenza_command), tmp_path / "exported"
    done = credenza_command("export", "--directory", folder, "--json")
    assert sorted(done.json["files"]) == sorted(str(path) for path in folder.iterdir())
    assert len(done.json["files"]) == 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'second.db'}")
    assert credenza_command("apply", folder / "credenza.yaml").status == 0
    assert exported(credenza_command) == state
    assert credenza_command("diff", folder / "credenza.yaml").out == "0 objects would change.\n"
    done = credenza_command("export", "--directory", tmp_path / "own.css")
    assert (done.status, "own.css: File exists" in done.error) == (1, True)


def test_whoever_is_made_anew_elsewhere_stays_the_same(
    credenza_command: Run, file: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Applications know a user by `sub`, which is the id."""
    credenza_command("apply", file({"users": [{"username": "ada"}, {"username": "grace"}]}))
    ada, grace = exported(credenza_command)["users"]
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'second.db'}")
    made = credenza_command("apply", "--json", file({"users": [ada]})).json["created"]
    assert made[0]["id"] == ada["id"]
    assert credenza_command("diff", file({"users": [ada]})).out == "0 objects would change.\n"
    for wrong, message in (
        ({**ada, "id": grace["id"]}, "ada: id was fixed at creation"),
        ({"username": "joan", "id": "joan"}, "joan: id is u and 30 hexadecimal digits"),
    ):
        done = credenza_command("apply", file({"users": [wrong]}))
        assert (done.status, message in done.error) == (1, True)


@pytest.mark.parametrize("called", ["ada.king", "ada@example.com"])
def test_whoever_has_the_id_of_the_file_is_renamed(
    credenza_command: Run, file: Callable[[Any], Path], declared: None, called: str
) -> None:
    """And keeps everything, and is found by the email address, too: what is told before it is done is done then."""
    acme = {"name": "Acme", "members": [{"username": "ada"}]}
    credenza_command("apply", file({"organizations": [acme]}))
    state = exported(credenza_command)
    ada = next(user for user in state["users"] if user["username"] == "ada")
    root = next(user for user in state["users"] if user["username"] == "root")
    renamed = {
        "users": [{**ada, "username": "Ada.King"}, {**root, "username": "captain"}],
        "organizations": [{**acme, "members": [{"username": called}]}],
    }
    for command in ("diff", "apply"):
        told = credenza_command(command, "--prune", "--json", file(renamed)).json
        names = {action: [change["name"] for change in told[action]] for action in ("created", "updated", "deleted")}
        assert names == {"created": [], "updated": ["ada.king", "captain"], "deleted": ["grace"]}, command
        assert told["updated"][0]["before"] == {"username": "ada"}
    assert credenza_command("diff", "--prune", file(renamed)).out == "0 objects would change.\n"
    after = exported(credenza_command)
    assert after["users"] == [{**ada, "username": "ada.king"}, {**root, "username": "captain"}]
    assert [one["members"] for one in after["organizations"]] == [[{"username": "ada.king", "roles": []}]]


def test_a_name_in_a_file_is_that_of_one_person(
    credenza_command: Run, file: Callable[[Any], Path], declared: None
) -> None:
    ada, grace, _ = exported(credenza_command)["users"]
    before = exported(credenza_command)
    king = {**ada, "username": "ada.king"}
    for users, others, message in (
        ([{**ada, "username": "grace"}], [], "grace: id was fixed at creation"),
        ([{**ada, "username": "grace"}, {**grace, "username": "ada"}], [], "grace: id was fixed at creation"),
        ([king, {"username": "ada"}], [], "users: user ada is in the file twice"),
        ([{"username": "ada"}, king], [], "users: user ada is in the file twice"),
        ([king, {**king, "username": "lovelace"}], [], "users: user ada is in the file twice"),
        ([{**ada, "username": "ada king"}], [], "ada king: A username has 1 to 150 characters"),
        ([king], [{"name": "Acme", "members": [{"username": "ada"}]}], "Acme: there is no user 'ada'"),
    ):
        done = credenza_command("apply", file({"users": users, "organizations": others}))
        assert (done.status, message in done.error) == (1, True), done.error
        assert exported(credenza_command) == before


def test_a_folder_keeps_the_export_that_it_has_when_another_one_does_not_fit(
    credenza_command: Run, declared: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "exported"
    credenza_command("export", "--directory", folder)
    before = {path.name: path.read_text() for path in folder.iterdir()}

    def write_half(source: IO[str], target: IO[str]) -> None:
        target.write(source.read(100))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copyfileobj", write_half)
    done = credenza_command("export", "--directory", folder)
    assert (done.status, done.err) == (1, f"credenza: {folder}: {os.strerror(errno.ENOSPC)}\n")
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_export_has_one_order_whatever_the_order_of_making(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    """So that the files of two databases can be compared."""
    resources = [{"identifier": f"https://{name}.example.com", "name": name} for name in ("z", "a")]
    named = [{"client_id": f"id-{name}", "name": name, "type": "spa"} for name in ("Zebra", "apple", "Pear")]
    for api in resources:
        credenza_command("apply", file({"api_resources": [api]}))
    for application in named:
        credenza_command("apply", file({"applications": [application]}))
    state = exported(credenza_command)
    assert [api["name"] for api in state["api_resources"]] == ["a", "z"]
    assert [application["name"] for application in state["applications"]] == ["apple", "Pear", "Zebra"]


def test_what_was_exported_with_a_logo_and_css_can_be_applied_where_they_are(
    credenza_command: Run, file: Callable[[Any], Path], tmp_path: Path
) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8), "teal").save(tmp_path / "logo.png")
    (tmp_path / "own.css").write_text("body.page { letter-spacing: 0.01em; }")
    branding = {"logo": "logo.png", "stylesheet": "own.css"}
    assert credenza_command("apply", file({"provider": {"branding": branding}})).status == 0
    first = credenza_command("export").out
    assert "logo: /image/" in first
    assert "stylesheet: /branding/" in first
    done = credenza_command("apply", file(first))
    assert (done.status, done.out) == (0, "0 objects changed.\n"), done.err


@pytest.mark.usefixtures("declared")
def test_export_has_no_secrets_and_no_passwords(credenza_command: Run) -> None:
    out = credenza_command("export").out
    assert SECRET not in out
    assert PASSWORD not in out
    assert "argon2" not in out
    assert "password" not in out


def test_a_dry_run_and_diff_tell_and_change_nothing(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    path = file(STATE)
    credenza_command("migrate")
    for command in (["apply", path, "--dry-run"], ["diff", path]):
        done = credenza_command(*command)
        assert done.status == 0, done.err
        assert "+ user ada" in done.out
        assert "objects would change." in done.out
        assert exported(credenza_command) is None or exported(credenza_command) == {}


@pytest.mark.usefixtures("declared")
def test_an_update_shows_before_and_after(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    change = {"applications": [{"client_id": "app", "description": "A wiki for sailors"}]}
    done = credenza_command("apply", file(change), "--json")
    (updated,) = done.json["updated"]
    assert updated["before"] == {"description": ""}
    assert updated["after"] == {"description": "A wiki for sailors"}
    assert (done.json["created"], done.json["deleted"]) == ([], [])


@pytest.mark.usefixtures("declared")
def test_leaving_an_object_out_leaves_it_alone(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    before = exported(credenza_command)
    assert credenza_command("apply", file({"applications": [], "users": []})).out == "0 objects changed.\n"
    assert exported(credenza_command) == before


@pytest.mark.usefixtures("declared")
def test_prune_removes_what_the_files_sections_do_not_name(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    kept = [app for app in STATE["applications"] if app["client_id"] in ("app", "own")]
    done = credenza_command("apply", file({"applications": kept}), "--prune", "--json")
    assert {change["name"] for change in done.json["deleted"]} == {"Tide Board", "Tide CLI", "Night Job"}
    state = exported(credenza_command)
    assert {app["client_id"] for app in state["applications"]} == {"app", "own"}
    assert len(state["users"]) == 3, "sections that the file does not have are left alone"


def test_a_permission_that_is_left_out_stays_without_prune(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    """ "Leaving an object out leaves it alone unless `--prune`": what hangs on a deleted one is lost for good."""
    api = {"identifier": ORDERS, "name": "Orders"}

    def apply(name: str, *options: str) -> Any:
        path = file({"api_resources": [api | {"permissions": [{"name": name, "description": name.title()}]}]})
        assert credenza_command("apply", path, *options).status == 0
        return [permission["name"] for permission in exported(credenza_command)["api_resources"][0]["permissions"]]

    assert apply("orders:read") == ["orders:read"]
    assert apply("orders:write") == ["orders:read", "orders:write"]
    assert apply("orders:write", "--prune") == ["orders:write"]


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_weak_password_is_said(credenza_command: Run, file: Callable[[Any], Path], options: list[str]) -> None:
    """R-PW-03: a file may hold one, for a test machine, and whoever applies it hears of it, rehearsal or not."""
    done = credenza_command("apply", file({"users": [{"username": "joan", "password": "short"}]}), *options)
    assert done.status == 0
    assert "warning: users: joan: Use at least 15 characters." in done.error
    assert "short" not in done.error.replace("shorter", "")


@pytest.mark.usefixtures("declared")
def test_a_chosen_secret_that_is_short_is_said(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    """R-OP-04: a plain hash is kept of it, which is right for what was made at random."""
    crane = {"client_id": "crane", "name": "Crane", "type": "machine_to_machine", "third_party": False}
    done = credenza_command("apply", file({"applications": [crane | {"client_secret": "harbour-crane-7"}]}))
    assert done.status == 0
    assert "warning: Crane: client_secret: a chosen one can be guessed" in done.error
    assert "harbour-crane-7" not in done.error
    done = credenza_command("apply", file({"applications": [crane | {"client_secret": "0123456789abcdef" * 2}]}))
    assert "warning" not in done.err


@pytest.mark.usefixtures("declared")
def test_an_address_that_two_have_confirmed_is_told(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    """Nobody could sign in with it, because it could not be told who is meant."""
    ada = {"username": "ada", "email": "ada@example.com", "email_verified": True}
    credenza_command("apply", file({"users": [ada]}))
    message = "warning: users: eve: somebody else has confirmed ada@example.com; nobody signs in with it"
    for people in ([ada | {"username": "eve"}], [ada | {"username": "joan"}, ada | {"username": "eve"}]):
        assert message in credenza_command("diff", file({"users": people})).err
    renamed = {"username": "ada.king", "id": exported(credenza_command)["users"][0]["id"]}
    for moved in (ada, ada | renamed):
        people = [moved | {"email": "countess@example.com"}, ada | {"username": "eve"}]
        assert credenza_command("diff", file({"users": people})).err == ""


@pytest.mark.usefixtures("declared")
def test_what_is_left_empty_is_empty_and_what_is_left_out_stays(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    app = {
        "client_id": "app",
        "description": "Once",
        "jwks_uri": "https://app.example.com/jwks",
        "backchannel_logout_uri": "https://app.example.com/logout",
        "access_token_lifetime": 60,
        "userinfo_signed_response_alg": "RS256",
        "enabled": False,
        "branding": {"display_name": "Shown", "primary_color": "#1f5aa6"},
    }
    ada = {"username": "ada", "email": "ada@example.com", "phone_number": "+1", "profile": {"name": "Ada"}}
    template = {
        "permissions": [{"name": "bill", "description": "Pay"}],
        "roles": [{"name": "payer", "permissions": ["bill"]}],
    }
    credenza_command("apply", file({"users": [ada], "applications": [app], "organization_template": template}))
    empty = {key: None for key in (*app, *ada) if key not in ("client_id", "username", "branding")}
    second = {
        "users": [{"username": "ada"} | {key: empty[key] for key in ada if key in empty} | {"password": None}],
        "applications": [
            {"client_id": "app", "branding": {"display_name": None}} | {key: empty[key] for key in app if key in empty}
        ],
        "organization_template": {
            "permissions": [{"name": "bill"}],
            "roles": [{"name": "payer", "description": "Pays"}],
        },
    }
    assert credenza_command("apply", file(second)).status == 0
    state = exported(credenza_command)
    (user,) = (user for user in state["users"] if user["username"] == "ada")
    assert not {"email", "phone_number", "profile"} & user.keys()
    (found,) = (application for application in state["applications"] if application["client_id"] == "app")
    assert not {"description", "jwks_uri", "backchannel_logout_uri", "userinfo_signed_response_alg"} & found.keys()
    assert found["enabled"] is True
    assert "access_token_lifetime" not in found, "it is the server's again"
    assert found["branding"] == {"primary_color": "#1f5aa6"}
    assert {"name": "bill", "description": "Pay"} in state["organization_template"]["permissions"]
    assert {"name": "payer", "description": "Pays", "permissions": ["bill"]} in state["organization_template"]["roles"]


def test_a_rehearsal_knows_the_default_roles_of_the_file(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    path = file({"roles": [{"name": "everybody", "default": True}], "users": [{"username": "ada"}]})
    credenza_command("migrate")
    rehearsed = credenza_command("apply", "--dry-run", "--json", path).json
    assert [(change["kind"], change["name"]) for change in rehearsed["updated"]] == [("user roles", "ada")]
    assert [c["kind"] for c in credenza_command("apply", "--json", path).json["updated"]] == ["user roles"]
    assert credenza_command("diff", path).out == "0 objects would change.\n"


def test_who_has_no_roles_has_none_where_the_export_is_applied(
    credenza_command: Run, file: Callable[[Any], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = [{"name": "everybody", "default": True}]
    credenza_command("apply", file({"roles": roles, "users": [{"username": "ada", "roles": []}]}))
    state = exported(credenza_command)
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'second.db'}")
    credenza_command("apply", file(state))
    assert exported(credenza_command) == state


def test_another_secret_is_added_and_prune_ends_the_former_one(
    credenza_command: Run, file: Callable[[Any], Path], tmp_path: Path
) -> None:
    """So that a rotation overlaps, and ends when the administrator says so."""

    def apply(secret: str, *options: str) -> Any:
        app = {"client_id": "app", "name": "App", "type": "traditional", "client_secret": secret}
        return credenza_command("apply", "--json", *options, file({"applications": [app]})).json

    def kept() -> int:
        with closing(sqlite3.connect(tmp_path / "credenza.db")) as database:
            return int(database.execute("SELECT count(*) FROM credenza_client_secret").fetchone()[0])

    apply("first" * 8)
    apply("second" * 8)
    assert kept() == 2
    (gone,) = apply("second" * 8, "--prune")["deleted"]
    assert (gone["kind"], gone["name"]) == ("client secret", "Default of App")
    assert kept() == 1
    assert apply("second" * 8, "--prune") == {"created": [], "updated": [], "deleted": []}


def test_prune_keeps_whom_the_file_names_in_whatever_way(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    credenza_command("apply", file({"users": [{"username": "root", "administrator": True}, {"username": "ada"}]}))
    path = file({"users": [{"username": "root"}, {"username": " Ada"}]})
    assert credenza_command("apply", "--prune", path).out == "0 objects changed.\n"


def test_prune_keeps_an_organization_that_has_another_name_now(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    credenza_command("apply", file({"organizations": [{"id": "acme", "name": "Acme"}]}))
    path = file({"organizations": [{"id": "acme", "name": "Acme Ltd"}]})
    for command in (["diff"], ["apply"]):
        done = credenza_command(*command, "--prune", "--json", path).json
        assert ([each["name"] for each in done["updated"]], done["deleted"]) == (["Acme Ltd"], [])


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize("scopes", [["orders:read", "orders:read"], []])
def test_a_role_may_name_a_permission_twice_and_an_api_without_any(
    credenza_command: Run, file: Callable[[Any], Path], scopes: list[str]
) -> None:
    document = {
        "roles": [{"name": "clerk", "permissions": {ORDERS: scopes}}],
        "organization_template": {
            "permissions": [{"name": "bill"}],
            "roles": [{"name": "payer", "permissions": ["bill", "bill"], "api_permissions": {ORDERS: scopes}}],
        },
    }
    assert credenza_command("apply", file(document)).out.endswith("3 objects changed.\n")
    assert credenza_command("apply", file(document)).out == "0 objects changed.\n"


def test_what_a_run_made_before_it_stopped_is_printed(
    credenza_command: Run, file: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that was generated is nowhere else, and the next run makes none."""

    async def full(*_: Any) -> None:
        raise StoreFull("The disk is full.")

    monkeypatch.setattr("credenza.state.provider.save_provider_setting", full)
    app = {"client_id": "app", "name": "App", "type": "traditional"}
    document = {"applications": [app], "provider": {"branding": {"name": "Harbour"}}}
    done = credenza_command("apply", "--json", file(document))
    assert (done.status, "The disk is full" in done.error) == (1, True)
    (made,) = done.json["created"]
    assert made["client_secret"]
    assert done.json["updated"] == [], "the branding was not written"
    monkeypatch.undo()


def test_pruned_members_are_called_by_their_names(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    people = [{"username": "ada"}, {"username": "grace"}]
    credenza_command("apply", file({"users": people, "organizations": [{"name": "Acme", "members": people}]}))
    path = file({"organizations": [{"name": "Acme", "members": [{"username": "ada"}]}]})
    deleted = credenza_command("diff", "--prune", "--json", path).json["deleted"]
    assert [(change["kind"], change["name"]) for change in deleted] == [("member", "grace of Acme")]


@pytest.mark.usefixtures("declared")
def test_prune_keeps_the_last_administrator(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    done = credenza_command("apply", file({"users": []}), "--prune")
    assert done.status == 0
    assert "root stays, as the last administrator" in done.error
    assert [user["username"] for user in exported(credenza_command)["users"]] == ["root"]


def test_a_generated_secret_is_printed_once_in_the_run_that_made_it(
    credenza_command: Run, file: Callable[[Any], Path]
) -> None:
    path = file({"applications": [{"client_id": "web", "name": "Web", "type": "traditional"}]})
    (created,) = credenza_command("apply", path, "--json").json["created"]
    assert created["client_id"] == "web"
    assert len(created["client_secret"]) >= 43
    again = credenza_command("apply", path, "--json")
    assert created["client_secret"] not in again.out + again.err
    assert again.json["created"] == []


def test_generated_ids_are_printed(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    document = {"applications": [{"name": "Web", "type": "spa"}], "users": [{"username": "eve"}]}
    created = credenza_command("apply", file(document), "--json").json["created"]
    application = next(change for change in created if change["kind"] == "application")
    user = next(change for change in created if change["kind"] == "user")
    assert application["client_id"]
    assert "client_secret" not in application
    assert user["id"]
    assert user["invitation"].startswith("https://id.example.com/invitation/")


def test_a_declared_secret_or_password_is_never_printed(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    path = file(STATE)
    for command in (["diff", path], ["apply", path, "--json"], ["apply", path], ["export", "--json"]):
        done = credenza_command(*command)
        assert SECRET not in done.out + done.err
        assert PASSWORD not in done.out + done.err


def test_a_dry_run_makes_no_secret(credenza_command: Run, file: Callable[[Any], Path]) -> None:
    path = file({"applications": [{"client_id": "web", "name": "Web", "type": "traditional"}]})
    done = credenza_command("apply", path, "--dry-run", "--json")
    assert "client_secret" not in done.out
