"""Every page that users see, as a dataclass. It is all that the page's template gets, and what themes may rely on.

A theme is CSS variables first, template blocks second, whole templates last (`{% extends "core:consent.html" %}`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from ..protocol.clients import Branding


@dataclass(frozen=True, slots=True)
class Look:
    """What a page looks like: whose branding, which theme's stylesheets (addresses on our origin), which language."""

    provider: Branding = field(default_factory=lambda: Branding(display_name="Credenza"))
    application: Branding | None = None
    stylesheets: tuple[str, ...] = ()
    language: str = "en"
    direction: str = "ltr"


@dataclass(kw_only=True)
class Page:
    """What all pages have. `title` is for the browser's tab, without the provider's name.

    A plugin's page sets `folder` to where its template is. One that is not `translated` is in English for everybody.
    """

    template: ClassVar[str]
    translated: ClassVar[bool] = True
    name: ClassVar[str]
    folder: ClassVar[Path | None] = None
    title: str
    look: Look = field(default_factory=Look)


@dataclass(kw_only=True)
class FormPage(Page):
    """It posts to `action` with `csrf_token`. `message` says what went wrong, or is empty; `status` is the answer's."""

    action: str
    csrf_token: str
    message: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True)
class Way:
    """Another way to sign in, offered beside the password: a button that posts `authenticator` with its name."""

    name: str
    title: str
    icon: str = "key"


@dataclass(kw_only=True)
class SignInPage(FormPage):
    """`application` is who sent the user here, empty for our own pages; `account` is who is signed in already. `notice`
    is a friendly sentence, `cancel` whether a Cancel button makes sense. Without `password` there are only the `ways`.
    """

    template: ClassVar[str] = "sign_in.html"
    name: ClassVar[str] = "sign-in"
    application: str = ""
    identifier: str = ""
    account: str = ""
    notice: str = ""
    password: bool = True
    ways: tuple[Way, ...] = ()
    cancel: bool = False
    links: tuple[tuple[str, str], ...] = ()  # label and address: "Forgot your password?", for example


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One permission, in words. `data` is the actual value ("ada@example.com"); `key` is the value of its checkbox.

    Only a line that is not `required` has a checkbox. `new` lines were not allowed before.
    """

    key: str
    title: str
    description: str = ""
    data: str = ""
    icon: str = "key"
    required: bool = True
    checked: bool = True
    new: bool = True


@dataclass(frozen=True, slots=True)
class ConsentGroup:
    """Lines that belong together: the user's own data, one API, an organization's data."""

    title: str
    lines: tuple[ConsentLine, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True, slots=True)
class ConsentQuestion:
    """What the user must choose first: radio buttons named `name`."""

    name: str
    title: str
    description: str
    options: tuple[Option, ...]


@dataclass(kw_only=True)
class ConsentPage(FormPage):
    """The buttons are named `decision`: authorize, deny, and refresh (after another answer to a question).

    `application` is the host of an unverified application, and `claimed_name` what that calls itself.

    `account` is who is signed in, `switch_account` the address behind "Not you?". `redirect_host` is where the browser
    goes next. `warnings` are sentences that must stand out (an unverified application, for example). `groups` hold what
    is asked now, `known` what was allowed before.
    """

    template: ClassVar[str] = "consent.html"
    name: ClassVar[str] = "consent"
    application: str
    claimed_name: str = ""
    application_description: str = ""
    account: str
    account_name: str = ""
    switch_account: str
    redirect_host: str
    groups: tuple[ConsentGroup, ...] = ()
    known: tuple[ConsentGroup, ...] = ()
    questions: tuple[ConsentQuestion, ...] = ()
    offline: ConsentLine | None = None
    terms_uri: str = ""
    policy_uri: str = ""
    warnings: tuple[str, ...] = ()
    account_page: str = ""


@dataclass(kw_only=True)
class ErrorPage(Page):
    """`code` is the registered error code; `facts` are label and value pairs that help a developer to mend the request.

    `error_id` finds the event in the console.
    """

    template: ClassVar[str] = "error.html"
    name: ClassVar[str] = "error"
    code: str
    heading: str
    description: str
    facts: tuple[tuple[str, str], ...] = ()
    error_id: str = ""
    application: str = ""


@dataclass(kw_only=True)
class DevicePage(FormPage):
    """Three pages of one journey: enter the code; is it your device (with `application`); and the end (`done`)."""

    template: ClassVar[str] = "device.html"
    name: ClassVar[str] = "device"
    user_code: str = ""
    application: str = ""
    account: str = ""
    scopes: tuple[str, ...] = ()
    done: bool = False
    heading: str = ""
    explanation: str = ""


@dataclass(kw_only=True)
class SignOutPage(FormPage):
    """Asks before signing out, when the request could have come from anywhere. `account` is who is signed in."""

    template: ClassVar[str] = "sign_out.html"
    name: ClassVar[str] = "sign-out"
    account: str
    application: str = ""


@dataclass(kw_only=True)
class SignedOutPage(Page):
    """`frames` tell other applications, each in a hidden frame; the browser then goes on to `location`, if any."""

    template: ClassVar[str] = "signed_out.html"
    name: ClassVar[str] = "signed-out"
    frames: tuple[str, ...] = ()
    location: str = ""


@dataclass(kw_only=True)
class PasswordPage(FormPage):
    """Sets a password through a link that works once; with `ask_username` it creates the first administrator."""

    template: ClassVar[str] = "password.html"
    name: ClassVar[str] = "password"
    heading: str
    explanation: str
    username: str = ""
    email: str = ""
    ask_username: bool = False
    minimum: int = 15


@dataclass(kw_only=True)
class InterstitialPage(Page):
    """Names the host before the browser leaves for an application that nobody here vouches for."""

    template: ClassVar[str] = "interstitial.html"
    name: ClassVar[str] = "error"
    application: str
    redirect_host: str
    location: str
    code: str


@dataclass(kw_only=True)
class FormPostPage(Page):
    """Sends an authorization response as a form. OAuth 2.0 Form Post Response Mode §2."""

    template: ClassVar[str] = "form_post.html"
    name: ClassVar[str] = "form-post"
    action: str
    parameters: tuple[tuple[str, str], ...]
