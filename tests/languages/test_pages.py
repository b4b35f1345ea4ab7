"""Every page for people renders in every language, and nothing on it is left in English."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.messages.pofile import read_po
from markupsafe import Markup

from credenza import Branding, ConsentGroup, ConsentLine, FormPage, Look, Moment, Page, Words
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.pages import ConsentQuestion, Option
from credenza.web.rendering import Renderer
from credenza_account.applications import Application
from credenza_account.frame import AccountPage

ROOT = Path(__file__).parents[2]
TAGS = ("en", "de", "es", "fr", "ja", "zh-Hans")
NOW = Moment(at=1_700_000_000, now=1_700_090_000)
LINE = ConsentLine("profile email", Words("Your email address"), Words("And whether it is verified"), "a@b.example")
# What no default can be made up for.
SAMPLES: Mapping[str, Any] = {
    "application": Application("id", "Wiki", "", Branding(), True, "Acme", NOW, NOW, ()),
    "groups": (),
    "picture": Markup("<svg></svg>"),
    "data": {"kind": "create"},
}


def kinds(kind: type[Page] = Page) -> Iterator[type[Page]]:
    """Every page that somebody declared, whose template is there."""
    for child in kind.__subclasses__():
        ours = child.__module__.startswith("credenza")  # other tests declare pages, too
        if ours and hasattr(child, "template") and child.translated:
            yield child
        yield from kinds(child)


def sample(kind: type[Page], **changes: Any) -> Page:
    """A page with every field filled in that has no default; `changes` as the field is called."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            made_up = {"str": "Sample", "int": 15, "bool": True}.get(str(field.type), ())
            is_made_up = str(field.type) in ("str", "int", "bool") or str(field.type).startswith("tuple")
            values[field.name] = made_up if is_made_up else SAMPLES[field.name]
    return kind(**values | changes)


def variants(kind: type[Page]) -> Iterator[Page]:
    """The page as it is with nothing, and with everything that a template may ask for."""
    yield sample(kind)
    names = {field.name: str(field.type) for field in dataclasses.fields(kind)}
    if issubclass(kind, FormPage):
        yield sample(kind, message=Words("Try again in a moment."))
    for name, type_ in names.items():
        if type_ == "bool" and name != "translated":
            moments = {other: NOW for other, kind_ in names.items() if kind_.startswith("Moment")}
            yield sample(kind, **{name: True}, **moments)
            yield sample(kind, **{name: False})
    if kind.__name__ == "ConsentPage":
        question = ConsentQuestion("organization", Words("Which organization?"), "", (Option("a", "Acme", True),))
        group = ConsentGroup(Words("Your account"), (LINE, dataclasses.replace(LINE, required=False)))
        full = {"known": (group,), "offline": LINE, "questions": (question,), "account_page": "/account"}
        yield sample(kind, groups=(group,), claimed_name="X", terms_uri="https://t.example", policy_uri="/p", **full)
    if kind.__name__ == "DevicePage":
        yield sample(kind, application="TV", account="ada")
    if kind.__name__ == "ErrorPage":
        yield sample(kind, facts=((Words("Registered"), "x"),), error_id="x", application="Wiki")
    if kind.__name__ == "SignedOutPage":
        yield sample(kind, location="https://a.example/")


@pytest.mark.parametrize("tag", TAGS)
def test_every_page_renders_in_every_language(credenza: Credenza, tag: str) -> None:
    renderer: Renderer = credenza.app.state.renderer
    language = credenza.server.languages[tag]
    seen = set()
    for kind in kinds():
        for page in variants(kind):
            page.look = Look(language=tag, direction=language.direction)
            html = renderer.html(page, theme="plain")
            assert f'<html lang="{tag}" dir="ltr">' in html
            assert "%(" not in html
            assert_not_in_english(html, tag)
        seen.add(kind.__name__)
    assert {"SignInPage", "ConsentPage", "ErrorPage", "DevicePage", "SignOutPage", "SignedOutPage"} <= seen
    assert {"PasswordPage", "InterstitialPage", "FormPostPage", "JoinPage", "DataPage", "SessionsPage"} <= seen
    assert AccountPage.__name__ not in seen


def test_the_journey_has_nothing_left_in_english(credenza: Credenza, client: RelyingParty) -> None:
    """The real pages: what Python makes up is translated too."""
    agent, german = UserAgent(credenza), {"accept-language": "de"}
    pages = [agent.get(client.authorization_url(ui_locales="de")), agent.sign_in(password="wrong"), agent.sign_in()]
    agent.decide()
    addresses = ("/account", "/account/sessions", "/account/password", "/account/data", "/device", "/nowhere")
    pages += [agent.get(address, headers=german) for address in addresses]
    assert isinstance(pages[3], PageSeen)
    one = next(link for link in pages[3].links if "/account/applications/" in link)
    pages += [agent.get(one, headers=german), agent.get("/logout", headers=german)]
    pages.append(agent.get("/authorize?client_id=nobody", headers=german))
    for page in pages:
        assert isinstance(page, PageSeen)
        assert '<html lang="de"' in page.html, page.url
        assert_not_in_english(page.html, "de")


def test_who_strays_into_the_console_is_told_so_in_their_language(credenza: Credenza, client: RelyingParty) -> None:
    """The console is in English, and this page is not one of the console's."""
    agent = UserAgent(credenza)
    agent.authorize(client)
    page = agent.get("/console", headers={"accept-language": "de"})
    assert isinstance(page, PageSeen)
    assert page.status == 403
    assert "Ihr Konto ist dazu nicht berechtigt." in page.text


def english_sentences(tag: str) -> set[str]:
    """What must not be seen: sentences that are said differently in this language."""
    found = set()
    for path in ROOT.glob(f"*/*/locales/{tag.replace('-', '_')}/LC_MESSAGES/*.po"):
        with path.open("rb") as file:
            for message in read_po(file):
                if (
                    message.id
                    and isinstance(message.id, str)
                    and "%(" not in message.id
                    and message.id != message.string
                ):
                    found.add(message.id)
    return found


def assert_not_in_english(html: str, tag: str) -> None:
    if tag == "en":
        return
    body = html.split("<body", 1)[1]
    texts = {unescape(text).strip() for text in re.findall(r">([^<>]+)<", body)}
    texts |= {unescape(text) for text in re.findall(r'(?:aria-label|title|placeholder)="([^"]*)"', body)}
    assert not texts & english_sentences(tag)


def test_a_plugin_adds_a_language(arabic_plugin: Path, credenza_database: str) -> None:
    from credenza.testing import running, test_settings

    plugin = ModuleType("arabic")
    plugin.locales = arabic_plugin.parent / "locales"  # type: ignore[attr-defined]
    with running(test_settings(credenza_database), [("arabic", plugin)]) as credenza:
        metadata = credenza.request("GET", "/.well-known/openid-configuration").json()
        assert "ar" in metadata["ui_locales_supported"]
        page = UserAgent(credenza).get("/account", headers={"accept-language": "ar-EG"})
        assert isinstance(page, PageSeen)
        page = UserAgent(credenza).get("/logout?ui_locales=ar")
        assert isinstance(page, PageSeen)
        assert '<html lang="ar" dir="rtl">' in page.html


def test_a_plugin_brings_words_of_its_own(tmp_path: Path, credenza_database: str) -> None:
    """Its catalogue stands beside ours: our sentences stay as they are, and it need not repeat them."""
    from credenza.__main__ import main
    from credenza.testing import running, test_settings

    package = tmp_path / "credenza_tide"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").write_text(
        'from credenza import Words\n\nTITLE = Words("High tide at %(time)s", time=1)\n'
    )
    (package / "templates" / "tide.html").write_text('{{ _("Cancel") }} {{ _("Low tide") }}')
    assert main(["plugin", "messages", str(package), "--language", "de"]) == 0
    path = package / "locales" / "de" / "LC_MESSAGES" / "credenza_tide.po"
    text = path.read_text()
    assert "High tide" in text
    assert "Low tide" in text
    assert "Cancel" not in text
    path.write_text(
        text.replace('msgid "Low tide"\nmsgstr ""', 'msgid "Low tide"\nmsgstr "Ebbe"').replace(
            'msgid "High tide at %(time)s"\nmsgstr ""', 'msgid "High tide at %(time)s"\nmsgstr "Flut um %(time)s"'
        )
    )
    assert main(["plugin", "messages", str(package)]) == 0
    plugin = ModuleType("tide")
    plugin.locales = package / "locales"  # type: ignore[attr-defined]
    with running(test_settings(credenza_database), [("tide", plugin)]) as credenza:
        german = credenza.server.languages["de"]
        assert german.say(Words("High tide at %(time)s", time=3)) == "Flut um 3"
        assert german.gettext("Low tide") == "Ebbe"
        assert german.gettext("Cancel") == "Abbrechen"


def test_a_broken_catalogue_stops_the_start_and_says_which(tmp_path: Path, sqlite_url: str) -> None:
    from credenza.plugins import PluginError
    from credenza.testing import running, test_settings

    folder = tmp_path / "locales" / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "x.mo").write_bytes(b"not a catalogue")
    plugin = ModuleType("broken")
    plugin.locales = tmp_path / "locales"  # type: ignore[attr-defined]
    with (
        pytest.raises(PluginError, match=r"plugin 'broken': .*x\.mo"),
        running(test_settings(sqlite_url), [("broken", plugin)]),
    ):
        pass
