"""Every page that users see, filled with made-up people: to try a theme on, to preview one, and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..objects import Way
from .pages import (
    ConsentGroup,
    ConsentLine,
    ConsentPage,
    ConsentQuestion,
    DevicePage,
    ErrorPage,
    FormPostPage,
    InterstitialPage,
    Option,
    Page,
    PasswordPage,
    SecondFactorPage,
    SignedOutPage,
    SignInPage,
    SignOutPage,
)

APPLICATION = "Harbour Wiki"


@dataclass(frozen=True, slots=True)
class Sample:
    """Somebody for the pages: the application that asks, and the user who is asked."""

    application: str = APPLICATION
    account: str = "ada@example.com"
    account_name: str = "Ada Lovelace"


def sign_in_page(sample: Sample | None = None) -> SignInPage:
    who = sample or Sample()
    return SignInPage(
        title="Sign in",
        action="",
        csrf_token="",
        application=who.application,
        ways=(Way("passkey", "Use a passkey", "key-round"),),
        links=(("Forgot your password?", "#"),),
        cancel=True,
    )


def second_factor_page(sample: Sample | None = None) -> SecondFactorPage:
    return SecondFactorPage(
        title="Second step",
        action="",
        csrf_token="",
        factor="totp",
        icon="smartphone",
        heading="Enter the code",
        explanation="Your authenticator app shows six digits for this account.",
        account=(sample or Sample()).account,
        lines=("k4mn-8pqr-tx2w", "7hjd-wm4e-z9cf"),
        ways=(Way("recovery-code", "Use a recovery code", "file-text"),),
        skip=True,
        cancel=True,
    )


def error_page(sample: Sample | None = None) -> ErrorPage:
    return ErrorPage(
        title="Error",
        code="invalid_redirect_uri",
        heading="This application sent you to the wrong place",
        description="The address to go back to is not registered for it. Its developer can mend that.",
        facts=(
            ("Sent", "https://wiki.harbour.example/callbak"),
            ("Registered", "https://wiki.harbour.example/callback"),
            ("First difference", "character 36"),
        ),
        error_id="3f9c2b71a0de",
        application=(sample or Sample()).application,
    )


def device_page(sample: Sample | None = None) -> DevicePage:
    who = sample or Sample()
    return DevicePage(
        title="Device",
        action="",
        csrf_token="",
        user_code="BCDF-GHJK",
        application=who.application,
        account=who.account,
    )


def sign_out_page(sample: Sample | None = None) -> SignOutPage:
    who = sample or Sample()
    return SignOutPage(title="Sign out", action="", csrf_token="", account=who.account, application=who.application)


def consent_page(sample: Sample | None = None) -> ConsentPage:
    who = sample or Sample()
    return ConsentPage(
        title="Authorize",
        action="",
        csrf_token="",
        application=who.application,
        application_description="Notes and charts of the harbour",
        account=who.account,
        account_name=who.account_name,
        switch_account="#",
        redirect_host="wiki.harbour.example",
        groups=(
            ConsentGroup(
                "Your data",
                (
                    ConsentLine("profile", "Your profile", "Name, picture and locale", who.account_name, "user"),
                    ConsentLine("email", "Your email address", "", who.account, "mail"),
                    ConsentLine("phone", "Your phone number", "To call you back", "", "phone", required=False),
                ),
            ),
            ConsentGroup(
                "Orders", (ConsentLine("orders:read", "See your orders", icon="eye"),), "Of the company you work for"
            ),
        ),
        known=(ConsentGroup("Charts", (ConsentLine("charts:read", "See your charts", new=False),)),),
        questions=(
            ConsentQuestion(
                "organization",
                "Which organization?",
                "The application only learns about the one you choose.",
                (Option("a", "Acme", selected=True), Option("b", "Harbour Board")),
            ),
        ),
        offline=ConsentLine(
            "offline_access", "Stay connected", "Keep access while you are away", icon="refresh-cw", required=False
        ),
        terms_uri="https://wiki.harbour.example/terms",
        policy_uri="https://wiki.harbour.example/privacy",
        account_page="/account",
    )


def sample_pages() -> list[Page]:
    """Each page at least once, and each of its parts on one of them."""
    form: dict[str, Any] = {"action": "", "csrf_token": ""}
    unverified = consent_page()
    unverified.claimed_name, unverified.message = "Harbour Wiki", "What is asked has changed."
    unverified.warnings = ("This application runs on your own device.",)
    confirm = sign_in_page()
    confirm.account, confirm.notice, confirm.message = "ada", "Your password is changed.", "This did not match."
    return [
        sign_in_page(),
        second_factor_page(),
        confirm,
        SignInPage(title="Sign in", **form, password=False),
        consent_page(),
        unverified,
        error_page(),
        DevicePage(title="Device", **form, message="This code is not known."),
        device_page(),
        DevicePage(title="Device", **form, done=True, heading="Connected", explanation="You can go back to it."),
        sign_out_page(),
        SignedOutPage(title="Signed out"),
        SignedOutPage(title="Signed out", location="https://wiki.harbour.example/", frames=("https://a.example/out",)),
        PasswordPage(title="Password", **form, heading="Welcome", explanation="Begin.", ask_username=True),
        PasswordPage(title="Password", **form, heading="Choose", explanation="", username="ada", message="Too short."),
        InterstitialPage(
            title="Leaving",
            application=APPLICATION,
            redirect_host="wiki.harbour.example",
            location="https://wiki.harbour.example/",
            code="login_required",
        ),
        FormPostPage(title="Continue", action="https://wiki.harbour.example/callback", parameters=(("code", "x"),)),
    ]
