"""Every page that users see, as a dataclass. It is all that the page's template gets, and what themes may rely on.

A theme is CSS variables first, template blocks second, whole templates last (`{% extends "core:consent.html" %}`).
The sentence below a field is its documentation; `docs/reference/pages.md` is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from ..objects import Way
from ..protocol.clients import Branding


@dataclass(frozen=True, slots=True)
class Look:
    """What a page looks like: whose branding, which theme's stylesheets, which language."""

    provider: Branding = field(default_factory=lambda: Branding(display_name="Credenza"))
    """The identity provider's branding, as it stands."""
    application: Branding | None = None
    """The branding of the application that the page is about, if there is one."""
    context: Branding | None = None
    """The branding of what the user chose (an organization), if that has one."""
    theme: str = ""
    """The theme that a plugin chose (`choose_theme`); empty when it goes by the brandings."""
    stylesheets: tuple[str, ...] = ()
    """Addresses on our origin, of the theme first, then of colours and custom CSS."""
    language: str = "en"
    """A language tag, for `<html lang>`. BCP 47."""
    direction: str = "ltr"
    """`ltr`, or `rtl` for languages that are written from right to left."""

    @property
    def house(self) -> Branding:
        """Who opens the door: the provider, with what the user chose put over it."""
        return self.provider.then(self.context)


@dataclass(kw_only=True)
class Page:
    """What all pages have. A plugin's page sets `folder` to where its template is."""

    template: ClassVar[str]
    translated: ClassVar[bool] = True
    """Whether it is in the reader's language; one that is not is in English for everybody."""
    name: ClassVar[str]
    folder: ClassVar[Path | None] = None
    themed: ClassVar[bool] = True
    """Whether it wears the theme that was picked; a page that must always work does not."""
    title: str
    """For the browser's tab, without the provider's name."""
    look: Look = field(default_factory=Look)
    """Filled in when the page is rendered."""


@dataclass(kw_only=True)
class FormPage(Page):
    """A page with a form."""

    action: str
    """Where the form is posted to."""
    csrf_token: str
    """For the hidden field of this name."""
    message: str = ""
    """What went wrong, in a sentence; empty when nothing did."""
    status: int = 200
    """Of the HTTP answer."""


@dataclass(kw_only=True)
class SignInPage(FormPage):
    """Sign-in: inputs named `identifier` and `password`. Without `password` there are only the `ways`."""

    template: ClassVar[str] = "sign_in.html"
    name: ClassVar[str] = "sign-in"
    application: str = ""
    """Who sent the user here; empty for our own pages."""
    identifier: str = ""
    """What was typed before, or what the application hinted at."""
    account: str = ""
    """Who is signed in already and should confirm it."""
    current: str = ""
    """Who is signed in already and may go on so, with a form that sends `decision=continue`."""
    notice: str = ""
    """A friendly sentence."""
    password: bool = True
    """Whether one can sign in with a password."""
    ways: tuple[Way, ...] = ()
    """Other ways to sign in."""
    cancel: bool = False
    """Whether a Cancel button makes sense."""
    links: tuple[tuple[str, str], ...] = ()
    """Labels and addresses: "Forgot your password?", for example."""

    @property
    def scripted(self) -> bool:
        """Whether all other ways stay hidden until a script shows them."""
        return all(way.script for way in self.ways)


@dataclass(kw_only=True)
class SecondFactorPage(FormPage):
    """Asks for a second factor, or sets one up: an input named `code`, and buttons for the other factors."""

    template: ClassVar[str] = "second_factor.html"
    name: ClassVar[str] = "second-factor"
    factor: str = ""
    """Its name; the value of the hidden field `factor`."""
    icon: str = "shield-check"
    """The name of [an icon](#icons)."""
    heading: str
    """What the page is about."""
    explanation: str = ""
    """A sentence below."""
    account: str = ""
    """Who is signing in."""
    code: bool = True
    """Whether there is an input for a code."""
    code_label: str = ""
    """What stands above it; "Code" when empty."""
    code_mode: str = "numeric"
    """Which keyboard a telephone shows: numeric or text."""
    button: str = ""
    """What the button says; "Continue" when empty."""
    hidden: tuple[tuple[str, str], ...] = ()
    """Names and values of hidden fields."""
    lines: tuple[str, ...] = ()
    """What is to be put away: recovery codes, for example."""
    ways: tuple[Way, ...] = ()
    """Other factors: buttons named `use`."""
    script: str = ""
    """The address of a script on our origin; the button is hidden until it shows it."""
    data: Mapping[str, str] = field(default_factory=dict)
    """What the script finds as `data-…` attributes of the button."""
    skip: bool = False
    """Whether there is a "Not now": `decision` with the value `skip`."""
    cancel: bool = False
    """Whether a Cancel button makes sense: `decision` with the value `deny`."""


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One permission, in words. Only a line that is not `required` has a checkbox."""

    key: str
    """The value of its checkbox, named `permission`."""
    title: str
    """What it is, in a few words."""
    description: str = ""
    """What it means."""
    data: str = ""
    """The actual value ("ada@example.com"), or that none is stored."""
    icon: str = "key"
    """The name of [an icon](#icons)."""
    required: bool = True
    """Whether the user cannot decline it."""
    checked: bool = True
    """Whether the checkbox begins ticked."""
    new: bool = True
    """Whether it was not allowed before."""


@dataclass(frozen=True, slots=True)
class ConsentGroup:
    """Lines that belong together: the user's own data, one API, an organization's data."""

    title: str
    """What they have in common."""
    lines: tuple[ConsentLine, ...]
    """At least one."""
    description: str = ""
    """A sentence below the title."""


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question."""

    value: str
    """Of the radio button."""
    label: str
    """What it says."""
    selected: bool = False
    """Whether it begins selected."""


@dataclass(frozen=True, slots=True)
class ConsentQuestion:
    """What the user must choose first."""

    name: str
    """Of the radio buttons."""
    title: str
    """The question."""
    description: str
    """A sentence below it; may be empty."""
    options: tuple[Option, ...]
    """The answers."""


@dataclass(kw_only=True)
class ConsentPage(FormPage):
    """Consent: buttons named `decision` with the values authorize, deny, and refresh (after another answer)."""

    template: ClassVar[str] = "consent.html"
    name: ClassVar[str] = "consent"
    application: str
    """Who asks; of an unverified application its host."""
    claimed_name: str = ""
    """What an unverified application calls itself; empty for others."""
    application_description: str = ""
    """What the application is, in a sentence."""
    account: str
    """Who is signed in: an email address or a user name."""
    account_name: str = ""
    """The name of who is signed in."""
    switch_account: str
    """The address behind "Not you?"."""
    redirect_host: str
    """Where the browser goes next."""
    groups: tuple[ConsentGroup, ...] = ()
    """What is asked now."""
    known: tuple[ConsentGroup, ...] = ()
    """What was allowed before; empty unless something is new."""
    questions: tuple[ConsentQuestion, ...] = ()
    """What must be chosen first."""
    offline: ConsentLine | None = None
    """Access while the user is away, on a line of its own."""
    terms_uri: str = ""
    """The application's terms of use."""
    policy_uri: str = ""
    """The application's privacy policy."""
    warnings: tuple[str, ...] = ()
    """Sentences that must stand out."""
    account_page: str = ""
    """Where consents can be taken back; empty without that page."""

    @property
    def can_answer_otherwise(self) -> bool:
        """Whether there is an answer for which the list would be another one."""
        return any(not option.selected for question in self.questions for option in question.options)


@dataclass(kw_only=True)
class ErrorPage(Page):
    """Something cannot be done. It never leads anywhere by itself."""

    template: ClassVar[str] = "error.html"
    name: ClassVar[str] = "error"
    code: str
    """The registered error code, also in `data-error`."""
    heading: str
    """What is wrong, for users."""
    description: str
    """What that means and what to do."""
    facts: tuple[tuple[str, str], ...] = ()
    """Labels and values that help a developer to mend the request."""
    error_id: str = ""
    """Finds the event in the console."""
    application: str = ""
    """Where the user was on the way to."""
    links: tuple[tuple[str, str], ...] = ()
    """Labels and addresses of where one can go on; an empty address is the same page once more."""


@dataclass(kw_only=True)
class DevicePage(FormPage):
    """Three pages of one journey: enter the code; is it your device (with `application`); and the end (`done`).

    The second has buttons named `decision` with the values authorize and deny.
    """

    template: ClassVar[str] = "device.html"
    name: ClassVar[str] = "device"
    user_code: str = ""
    """The code as it was typed, or as the link brought it."""
    application: str = ""
    """Which application the device runs."""
    account: str = ""
    """Who is signed in."""
    done: bool = False
    """Whether this is the end."""
    heading: str = ""
    """What the end says."""
    explanation: str = ""
    """A sentence below it."""


@dataclass(kw_only=True)
class SignOutPage(FormPage):
    """Asks before signing out, when the request could have come from anywhere."""

    template: ClassVar[str] = "sign_out.html"
    name: ClassVar[str] = "sign-out"
    account: str
    """Who is signed in."""
    application: str = ""
    """The application that asked for it."""
    asked: tuple[tuple[str, str], ...] = ()
    """Its request, as hidden fields that come back with the answer: what leads back to it."""


@dataclass(kw_only=True)
class SignedOutPage(Page):
    """The user is signed out."""

    template: ClassVar[str] = "signed_out.html"
    name: ClassVar[str] = "signed-out"
    frames: tuple[str, ...] = ()
    """Addresses that tell other applications, each in a hidden frame."""
    location: str = ""
    """Where the browser goes next, if anywhere."""


@dataclass(kw_only=True)
class PasswordPage(FormPage):
    """Sets a password through a link that works once."""

    template: ClassVar[str] = "password.html"
    name: ClassVar[str] = "password"
    heading: str
    """What the page is for."""
    explanation: str
    """A sentence below it."""
    username: str = ""
    """Whose password it is."""
    email: str = ""
    """The email address that was typed."""
    ask_username: bool = False
    """Whether this creates the first administrator, whose inputs are `username` and `email`."""
    minimum: int = 15
    """Characters that a password has at least."""
    wrong: str = ""
    """The name of the input that `message` is about; empty when it is about none."""


@dataclass(kw_only=True)
class InterstitialPage(Page):
    """Names the host before the browser leaves for an application that nobody here vouches for."""

    template: ClassVar[str] = "interstitial.html"
    name: ClassVar[str] = "error"
    application: str
    """What the application calls itself."""
    redirect_host: str
    """Where the browser would go."""
    location: str
    """The whole address."""
    code: str = ""
    """The error that it would bring there, if any."""


@dataclass(kw_only=True)
class FormPostPage(Page):
    """Sends an authorization response as a form. OAuth 2.0 Form Post Response Mode §2."""

    template: ClassVar[str] = "form_post.html"
    name: ClassVar[str] = "form-post"
    action: str
    """The application's redirect URI."""
    parameters: tuple[tuple[str, str], ...]
    """Names and values of the hidden fields."""
