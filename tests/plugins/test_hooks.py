"""Each hook, used by an example of the documentation, from outside. docs/plugins/hooks.md."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import credenza_account
import credenza_console
from credenza import ConsentGiven, Event, cleaning, hookspecs, invitation_mail, users
from credenza.events import UserSignedIn
from credenza.registered import heard_by
from credenza.testing import ORDERS, SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "plugins" / "examples"
NAMES = {
    "accept-terms": "accept_terms",
    "badge-reader": "badge_reader",
    "careful-consent": "careful_consent",
    "house-brand": "house_brand",
    "kiosk": "kiosk_client",
    "opening-hours": "opening_hours",
    "staff-console": "staff_console",
    "staff-directory": "staff_directory",
    "theme-harbour": "theme_harbour",
    "visitor-book": "visitor_book",
}


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    """All examples at once: they get on with one another."""
    return [(name, importlib.import_module(module)) for name, module in NAMES.items()]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "visitor-book.txt"


@pytest.fixture
def credenza_settings(book: Path) -> dict[str, object]:
    return {"plugins": {"visitor-book": {"file": str(book)}}}


@pytest.fixture(autouse=True)
def badges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("badge_reader"), "TICKETS", {"harbour-night-7"})
    monkeypatch.setattr(importlib.import_module("badge_reader"), "DOOR_CODES", {"grace": ["1815", "1906"]})


def signature(hook: Any) -> str:
    """As it stands in the source: annotations are strings there."""
    return hook.__name__ + re.sub("'([^']*)'", r"\1", str(inspect.signature(hook)))


def hooks(module: Any) -> dict[str, Any]:
    return {
        name: function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if hasattr(function, "credenza_spec")
    }


ALL = hooks(hookspecs) | hooks(credenza_console.hookspecs) | hooks(credenza_account.hookspecs)


# -- the list ---------------------------------------------------------------------------------------------------------


def test_the_documentation_has_a_heading_with_the_exact_signature_of_each_hook() -> None:
    text = (ROOT / "docs/plugins/hooks.md").read_text()
    headings = re.findall(r"^### `(.*)`$", text, flags=re.MULTILINE)
    assert sorted(headings) == sorted(signature(hook) for hook in ALL.values())


def test_each_hook_has_a_test() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    missing = [name for name in ALL if not re.search(rf"^def test_{name}(_|\()", tests, flags=re.MULTILINE)]
    assert not missing


def test_each_hook_says_when_it_is_called() -> None:
    for name, hook in ALL.items():
        assert re.search(r"Called|Asked", hook.__doc__ or ""), name


# -- at the start -----------------------------------------------------------------------------------------------------


def test_register_client_types(credenza: Credenza) -> None:
    assert {"kiosk", "shift_job", "traditional"} <= set(credenza.server.client_types)


@pytest.fixture
def kiosk(credenza: Credenza) -> RelyingParty:
    application = {
        "client_id": "lobby",
        "name": "Lobby",
        "type": "kiosk",
        "redirect_uris": ["https://lobby.example.com/cb"],
    }
    credenza.apply({"applications": [application]})
    return RelyingParty(credenza, "lobby", "https://lobby.example.com/cb", auth_method="none")


@pytest.mark.parametrize(("hour", "known"), [(5, False), (6, True), (21, True), (22, False)])
def test_register_client_sources(
    credenza: Credenza, user_agent: UserAgent, kiosk: RelyingParty, hour: int, known: bool
) -> None:
    midnight = -credenza.server.now() % 86400
    credenza.clock.move(midnight + hour * 3600)
    page = user_agent.get(kiosk.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert page.name == ("sign-in" if known else "error")
    assert ("The harbour is closed" in page.text) != known


def test_register_scopes(credenza: Credenza) -> None:
    document = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert "groups" in document["scopes_supported"]


@pytest.fixture
def terms(credenza: Credenza) -> None:
    credenza.apply({"terms": {"version": 2, "text": "Leave the harbour tidy."}})


def test_register_prompts_asks_between_sign_in_and_consent(
    user_agent: UserAgent, client: RelyingParty, terms: None
) -> None:
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "terms"
    assert "Leave the harbour tidy." in page.text
    page = user_agent.submit([])
    assert isinstance(page, PageSeen)
    assert page.status == 422
    assert "Tick the box first." in page.text
    page = user_agent.submit([("accept", "yes")])
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert client.tokens(user_agent.decide())


def test_register_prompts_is_answered_once(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, spa: RelyingParty, terms: None
) -> None:
    user_agent.get(client.authorization_url())
    user_agent.sign_in()
    user_agent.submit([("accept", "yes")])
    page = user_agent.get(spa.authorization_url())
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    credenza.apply({"terms": {"version": 3, "text": "Leave the harbour very tidy."}})
    page = user_agent.get(spa.authorization_url())
    assert isinstance(page, PageSeen)
    assert page.name == "terms"


def test_register_prompts_that_is_refused_tells_the_client(
    user_agent: UserAgent, client: RelyingParty, terms: None
) -> None:
    user_agent.get(client.authorization_url())
    user_agent.sign_in()
    answer = user_agent.submit([("decision", "deny")])
    assert isinstance(answer, Callback)
    assert answer.error == "access_denied"


def test_register_prompts_with_prompt_none_answers_with_its_error(
    user_agent: UserAgent, client: RelyingParty, terms: None
) -> None:
    user_agent.get(client.authorization_url())
    user_agent.sign_in()
    answer = user_agent.get(client.authorization_url(prompt="none"))
    assert isinstance(answer, Callback)
    assert answer.error == "interaction_required"


def test_register_themes(credenza: Credenza) -> None:
    assert {"harbour", "plain"} <= set(credenza.server.themes)


@pytest.fixture
def shift_job(credenza: Credenza) -> RelyingParty:
    application = {
        "client_id": "shift",
        "client_secret": SECRET,
        "name": "Shift Job",
        "type": "shift_job",
        "third_party": False,
        "permissions": {"api": {ORDERS: ["orders:read"]}},
    }
    credenza.apply({"applications": [application]})
    return RelyingParty(credenza, "shift", "")


def test_register_grant_types(credenza: Credenza, shift_job: RelyingParty) -> None:
    """An extension grant has an absolute URI as its name. RFC 6749 §4.5."""
    document = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert "urn:harbour:grant-type:shift-ticket" in document["grant_types_supported"]
    form = {"grant_type": "urn:harbour:grant-type:shift-ticket", "resource": ORDERS, "scope": "orders:read"}
    assert shift_job.post("/token", form).json()["error"] == "invalid_grant"
    response = shift_job.post("/token", form | {"ticket": "harbour-night-7"})
    assert response.json()["scope"] == "orders:read"
    assert shift_job.post("/token", form | {"ticket": "harbour-night-7"}).json()["error"] == "invalid_grant"


def test_register_grant_types_are_only_for_clients_of_a_type_that_allows_them(client: RelyingParty) -> None:
    response = client.post("/token", {"grant_type": "urn:harbour:grant-type:shift-ticket"})
    assert response.json()["error"] == "unauthorized_client"


def test_register_authenticators(user_agent: UserAgent, client: RelyingParty) -> None:
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    assert "Use your badge" in page.text
    assert 'class="or">' in page.html, "hidden only while every other way waits for its script"
    page = user_agent.submit([("identifier", "9999"), ("password", ""), ("authenticator", "badge")])
    assert isinstance(page, PageSeen)
    assert "This badge opens nothing." in page.text
    page = user_agent.submit([("identifier", "0451"), ("password", ""), ("authenticator", "badge")])
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    tokens = client.tokens(user_agent.decide())
    assert client.userinfo(tokens["access_token"]).json()["name"] == "Ada Lovelace"


def test_register_second_factors(user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in("grace")
    assert isinstance(page, PageSeen)
    assert "Enter a door code" in page.text
    page = user_agent.submit([("code", "0000")])
    assert isinstance(page, PageSeen)
    assert "This code opens no door." in page.text
    page = user_agent.submit([("code", "1815")])
    assert isinstance(page, PageSeen)
    assert page.name == "terms" or page.name == "consent"


def test_register_mailers(credenza: Credenza, book: Path) -> None:
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert credenza.server.mailer is not None
    assert ada is not None
    mail = credenza.run(invitation_mail, credenza.server, ada, "https://id.example.com/invitation/x")
    credenza.run(credenza.server.mailer.send, mail)
    assert book.read_text() == "ada@example.com Your account at Credenza\n"


def test_register_sign_in_links(user_agent: UserAgent, client: RelyingParty) -> None:
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    token = page.url.split("/")[-2]
    assert f"/terms?continue={token}" in page.links


def test_account_sections(user_agent: UserAgent) -> None:
    for user, listed in (("grace", True), ("ada", False)):
        agent = UserAgent(user_agent.credenza)
        agent.get("/account/security")
        agent.sign_in(user)
        agent.submit([("code", "1815")]) if listed else None
        page = agent.get("/account/security")
        assert isinstance(page, PageSeen)
        assert ("1 codes left" in page.text) == listed


def test_register_routes(user_agent: UserAgent, terms: None) -> None:
    page = user_agent.get("/terms")
    assert isinstance(page, PageSeen)
    assert page.name == "terms"
    assert "Leave the harbour tidy." in page.text
    assert not page.forms


def test_register_metadata(credenza: Credenza) -> None:
    document = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert document["op_tos_uri"] == "https://id.example.com/terms"


def test_register_tables(credenza: Credenza) -> None:
    async def count() -> int:
        return int(await importlib.import_module("accept_terms.tables").Acceptance.count())

    assert credenza.run(count) == 0
    assert credenza.run(credenza.server.pending_migrations) == []


def test_register_listeners(credenza: Credenza, user_agent: UserAgent, client: RelyingParty, book: Path) -> None:
    user_agent.authorize(client)
    credenza.settle()
    assert len(book.read_text().splitlines()) == 1
    assert book.read_text().split()[1] == "app"


def test_register_listeners_do_not_hear_of_what_did_not_happen(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, book: Path
) -> None:
    user_agent.get(client.authorization_url())
    user_agent.sign_in("ada", "wrong password")
    credenza.settle()
    assert not book.exists()


async def hears_two(event: UserSignedIn | ConsentGiven) -> None: ...


async def hears_one(event: UserSignedIn) -> None: ...


async def says_nothing(event) -> None: ...  # type: ignore[no-untyped-def]


async def says_what_nobody_can_read(event: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


def test_register_listeners_hear_what_their_parameter_says() -> None:
    assert heard_by(hears_one) == (UserSignedIn,)
    assert heard_by(hears_two) == (UserSignedIn, ConsentGiven)
    assert heard_by(says_nothing) == heard_by(says_what_nobody_can_read) == (Event,)


def test_register_cleaners(credenza: Credenza, book: Path) -> None:
    book.write_text("".join(f"u{n} app\n" for n in range(1200)))
    assert credenza.run(cleaning._clean_up, credenza.server) is True
    assert len(book.read_text().splitlines()) == 1000
    assert credenza.run(cleaning._clean_up, credenza.server) is False


def test_register_commands(tmp_path: Path) -> None:
    source = EXAMPLES / "visitor_book.py"
    (tmp_path / "book.txt").write_text("u1 app\n")
    config = tmp_path / "credenza.toml"
    copy = tmp_path / "visitor_book.py"
    copy.write_text(source.read_text())
    copy.chmod(0o600)
    config.write_text(f'[plugins]\npath = "{copy}"\n\n[plugins.visitor_book]\nfile = "{tmp_path / "book.txt"}"\n')
    environment = {"PATH": os.environ["PATH"]}
    for arguments in (["visitor-book", "--config", str(config)], ["--config", str(config), "visitor-book"]):
        done = subprocess.run(
            [sys.executable, "-m", "credenza", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "u1 app\n", "")
    assert not list(tmp_path.glob("*.key")), "reading the book is no reason to make a key"


def test_register_state(credenza: Credenza, terms: None) -> None:
    from credenza import state

    document = credenza.run(state.export, credenza.server)
    assert document["terms"] == {"version": 2, "text": "Leave the harbour tidy."}
    assert credenza.apply({"terms": document["terms"]}).changes == []
    with pytest.raises(state.StateError, match="terms: version is a whole number"):
        credenza.apply(yaml.safe_load("terms: {version: two, text: x}"))


# -- while a page is made ---------------------------------------------------------------------------------------------


def test_choose_theme(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    own = RelyingParty(credenza, "own", "https://own.example.com/cb")
    page = user_agent.get(own.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert "/harbour.css" in page.html
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    assert "/plain.css" in page.html


@pytest.fixture
def ada_may_write(credenza: Credenza) -> None:
    roles = [{"name": "support", "permissions": {ORDERS: ["orders:read", "orders:write"]}}]
    credenza.apply({"roles": roles})


def test_render_consent(user_agent: UserAgent, client: RelyingParty, ada_may_write: None) -> None:
    user_agent.get(client.authorization_url(scope="openid orders:write", resource=ORDERS))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert "Harbour Wiki will be able to change something:" in page.text
    assert "Change your orders" in page.text
    assert client.tokens(user_agent.decide())["scope"] == "openid orders:write"


def test_render_consent_that_declines_leaves_the_usual_page(user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.get(client.authorization_url(scope="openid orders:read", resource=ORDERS))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert "will be able to change something" not in page.text


# -- in the console ---------------------------------------------------------------------------------------------------


def test_console_pages(admin: UserAgent) -> None:
    page = admin.get("/console")
    assert isinstance(page, PageSeen)
    assert any(link.endswith("/console/staff") for link in page.links)
    page = admin.get("/console/staff")
    assert isinstance(page, PageSeen)
    assert "harbour-pilots, night-watch" in page.text
    page = admin.get("/console/staff?q=night")
    assert isinstance(page, PageSeen)
    assert "harbour-pilots, night-watch" in page.text
    page = admin.get("/console/staff?q=captain")
    assert isinstance(page, PageSeen)
    assert "Nobody matches “captain”" in page.text
    page = admin.get("/console/search?q=Ad")
    assert isinstance(page, PageSeen)
    assert "/console/staff?q=ada" in page.links


def test_console_pages_are_for_administrators(user_agent: UserAgent) -> None:
    page = user_agent.get("/console/staff")
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    page = user_agent.sign_in("ada")
    assert isinstance(page, PageSeen)
    assert page.status == 403
    assert "harbour-pilots" not in page.text


def test_console_panels(credenza: Credenza, admin: UserAgent) -> None:
    for username, groups in (("ada", "harbour-pilots"), ("grace", "")):
        user = credenza.run(users.find_user_by_identifier, username)
        assert user is not None
        page = admin.get(f"/console/users/{user.id}")
        assert isinstance(page, PageSeen)
        assert page.status == 200
        assert ("Staff directory" in page.text and "harbour-pilots" in page.text) == bool(groups)


def test_console_brandings(credenza: Credenza, admin: UserAgent) -> None:
    credenza.apply({"organizations": [{"id": "acme", "name": "Acme"}]})
    page = admin.get("/console/organizations/acme/branding")
    assert isinstance(page, PageSeen)
    assert page.status == 200
    assert "Acme" in page.text
    assert "dark_primary_color" in page.html


def test_console_previews(admin: UserAgent) -> None:
    for name, words in (("account", "Harbour Wiki"), ("join", "Acme")):
        page = admin.get(f"/console/branding/preview?preview_page={name}")
        assert isinstance(page, PageSeen)
        assert page.name == "account"
        assert words in page.text


# -- the public interface ---------------------------------------------------------------------------------------------


@pytest.fixture
def without_examples(credenza_database: str) -> Iterator[Credenza]:
    with running(settings_for_tests(credenza_database)) as started:
        yield started


def test_examples_import_nothing_below_the_public_package() -> None:
    for path in EXAMPLES.rglob("*.py"):
        below = re.findall(r"^\s*(?:from|import) (credenza\.\S+)", path.read_text(), flags=re.MULTILINE)
        assert not below, f"{path.name} imports {below}"


def test_a_page_that_an_example_replaces_is_back_without_it(without_examples: Credenza) -> None:
    own = RelyingParty(without_examples, "own", "https://own.example.com/cb")
    page = UserAgent(without_examples).get(own.authorization_url(scope="openid"))
    assert isinstance(page, PageSeen)
    assert "/harbour.css" not in page.html
