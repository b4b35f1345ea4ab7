"""Which language a page is in: the one an application wishes, then the browser's, then English. Core §3.1.2.1."""

from __future__ import annotations

import pytest

from credenza import Moment
from credenza.languages import Languages, accepted, reader, reading
from credenza.protocol.words import Counted, Listed, Translated, Words
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent, running, test_settings

LANGUAGES = Languages()


def language_of(page: object) -> str:
    assert isinstance(page, PageSeen)
    return page.html.split('<html lang="')[1].split('"')[0]


@pytest.mark.parametrize(
    ("wishes", "tag"),
    [
        (["de"], "de"),
        (["DE-at"], "de"),
        (["tlh", "fr-CA", "de"], "fr"),
        (["zh-CN"], "zh-Hans"),
        (["zh"], "zh-Hans"),
        (["zh-TW"], "zh-Hans"),
        (["zh-Hans-SG"], "zh-Hans"),
        (["en-GB", "de"], "en"),
        (["x", "*", "de_DE", "../../etc", "a" * 1000, "日本語"], "en"),
        ([], "en"),
    ],
)
def test_the_first_wish_that_can_be_met_counts(wishes: list[str], tag: str) -> None:
    """ "the language range is progressively truncated from the end until a matching language tag is located". RFC 4647
    §3.4.
    """
    assert LANGUAGES.choose(wishes).tag == tag


def test_a_later_list_counts_when_an_earlier_one_has_nothing_for_us() -> None:
    assert LANGUAGES.choose(["tlh"], ["ja", "de"]).tag == "ja"


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("de-CH, fr;q=0.9, en;q=0.8", ["de-CH", "fr", "en"]),
        ("en;q=0.2, ja;q=0.9, es", ["es", "ja", "en"]),
        ("de;q=0, fr", ["fr"]),
        ("", []),
        (";;;,q=,de;q=nan;x", ["q=", "de"]),
    ],
)
def test_the_browsers_header_is_read_by_weight(header: str, tags: list[str]) -> None:
    """Each language may have "an associated quality value", RFC 9110 §12.5.4; of 0 it is "not acceptable", and without
    one it is 1, §12.4.2.
    """
    assert accepted(header) == tags


def test_a_sentence_is_english_but_on_a_page() -> None:
    name = Words("%(name)s wants to use your account", name="Wiki")
    assert name == "Wiki wants to use your account"
    assert LANGUAGES["de"].say(name) == "Wiki möchte Ihr Konto verwenden"
    assert LANGUAGES["de"].say(Words("Nobody translated this")) == "Nobody translated this"
    with reading(LANGUAGES["fr"]):
        assert reader().say(Words("Cancel")) == "Annuler"
    assert reader().tag == "en"


def test_what_a_sentence_mentions_is_translated_and_numbers_are_written_as_usual() -> None:
    outer = Words("You will return to %(host)s.", host=Words("your device"))
    assert LANGUAGES["de"].say(outer) == "Sie kehren zu Ihrem Gerät zurück."
    assert LANGUAGES["de"].say(Words("Use at most %(count)s characters.", count=1024)).count("1.024") == 1
    assert LANGUAGES["ja"].say(Listed([Words("Yes"), "Ada"])) == "はい, Ada"


def test_one_and_many() -> None:
    assert [Counted("%(count)s day", "%(count)s days", count=n) for n in (1, 2)] == ["1 day", "2 days"]
    assert LANGUAGES["en"].say(Counted("%(count)s day", "%(count)s days", count=2)) == "2 days"


def test_a_text_with_translations_of_its_own_falls_back_to_itself() -> None:
    text = Translated("See your orders", {"de": "Bestellungen ansehen", "fr": ""})
    assert [LANGUAGES[tag].say(text) for tag in ("de", "fr", "ja")] == [
        "Bestellungen ansehen",
        "See your orders",
        "See your orders",
    ]


def test_times_are_said_in_the_language() -> None:
    moment = Moment(at=1_700_000_000, now=1_700_000_000 + 3 * 3600)
    assert moment.relative == "3 hours ago"
    assert moment.exact == "2023-11-14 22:13:20 UTC"
    assert LANGUAGES["de"].say(moment.relative) == "vor 3 Stunden"
    assert LANGUAGES["ja"].say(moment.relative) == "3 時間前"
    assert LANGUAGES["de"].say(moment.exact) == "14.11.2023, 22:13:20 UTC"
    assert LANGUAGES["fr"].say(Moment(at=0, now=86400).relative) == "hier"


def test_ui_locales_comes_before_the_browser(user_agent: UserAgent, client: RelyingParty) -> None:
    browser = {"accept-language": "fr"}
    page = user_agent.get(client.authorization_url(), headers=browser)
    assert isinstance(page, PageSeen)
    assert language_of(user_agent.get(page.url, headers=browser)) == "fr"
    page = user_agent.get(client.authorization_url(ui_locales="tlh ja de"), headers=browser)
    assert isinstance(page, PageSeen)
    page = user_agent.get(page.url, headers=browser)
    assert isinstance(page, PageSeen)
    assert language_of(page) == "ja"
    assert "サインイン" in page.text
    assert "Sign in" not in page.text


def test_an_answer_to_a_form_is_in_the_language_too(user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.get(client.authorization_url(ui_locales="de"))
    page = user_agent.sign_in(password="wrong password")
    assert isinstance(page, PageSeen)
    assert "E-Mail, Benutzername oder Passwort ist falsch." in page.text


def test_consent_in_the_language_of_the_application(user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.get(client.authorization_url(ui_locales="de"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "Harbour Wiki möchte Ihr Konto verwenden" in page.text
    assert "Ihre E-Mail-Adresse" in page.text
    assert "Your" not in page.text


def test_an_error_page_is_translated_and_its_code_is_not(user_agent: UserAgent, client: RelyingParty) -> None:
    page = user_agent.get(client.authorization_url(ui_locales="es", redirect_uri="https://evil.example/cb"))
    assert isinstance(page, PageSeen)
    assert page.error == "invalid_redirect_uri"
    assert "Esta aplicación te ha enviado al lugar equivocado" in page.text


def test_programs_are_answered_in_english(credenza: Credenza, client: RelyingParty) -> None:
    headers = {"accept-language": "de"}
    answer = client.post("/token", {"grant_type": "authorization_code", "code": "x"}, headers=headers)
    english = client.post("/token", {"grant_type": "authorization_code", "code": "x"})
    assert answer.json() == english.json()
    callback = UserAgent(credenza).get(
        client.authorization_url(ui_locales="de", scope="openid nonsense", prompt="none")
    )
    assert isinstance(callback.parameters["error_description"], str)  # type: ignore[union-attr]
    assert callback.parameters["error_description"].isascii()  # type: ignore[union-attr]


def test_metadata_names_the_languages(credenza: Credenza) -> None:
    metadata = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert set(metadata["ui_locales_supported"]) == {"en", "de", "fr", "es", "zh-Hans", "ja"}


def test_every_advertised_language_works(credenza: Credenza, client: RelyingParty) -> None:
    for tag in credenza.request("GET", "/.well-known/openid-configuration").json()["ui_locales_supported"]:
        assert language_of(UserAgent(credenza).get(client.authorization_url(ui_locales=tag))) == tag


def test_the_console_is_in_english_for_everybody(admin: UserAgent) -> None:
    page = admin.get("/console", headers={"accept-language": "de"})
    assert isinstance(page, PageSeen)
    assert language_of(page) == "en"


def test_logout_follows_ui_locales(user_agent: UserAgent) -> None:
    page = user_agent.get("/logout?ui_locales=fr")
    assert isinstance(page, PageSeen)
    assert "Vous êtes déconnecté" in page.text


@pytest.mark.parametrize("path", ["/password-reset", "/signup"])
def test_pages_beside_a_sign_in_follow_its_application(credenza_database: str, path: str) -> None:
    """ "Passwort vergessen?" led to a page in the browser's language; in another browser that is right."""
    mail = {"smtp_url": "smtp://localhost:9", "mail_from": "harbour@example.com", "signup": True}
    with running(test_settings(credenza_database, **mail)) as credenza:
        client = RelyingParty(credenza, "app", "https://app.example.com/cb")
        agent = UserAgent(credenza)
        page = agent.get(client.authorization_url(ui_locales="de"))
        assert isinstance(page, PageSeen)
        (link,) = [link for link in page.links if link.startswith(f"{path}?")]
        assert language_of(agent.get(link)) == "de"
        assert language_of(UserAgent(credenza).get(link)) == "en"
