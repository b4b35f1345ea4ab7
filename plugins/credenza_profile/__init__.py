"""User profile scopes. OpenID Connect Core §5.1, §5.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from credenza import Choices, Permission, Scope, ScopeProvider, Subject, User, Words, hookimpl

locales = Path(__file__).parent / "locales"

PROFILE_CLAIMS = (
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
)


def _scope(scope: str, title: str, description: str, claims: tuple[str, ...], icon: str) -> Scope:
    return Scope(
        Permission("profile", "", scope), title, description, group=Words("Your account"), claims=claims, icon=icon
    )


SCOPES = [
    _scope(
        "profile",
        Words("Your profile"),
        Words("Name, picture, language and the rest of your profile"),
        PROFILE_CLAIMS,
        "user",
    ),
    _scope(
        "email",
        Words("Your email address"),
        Words("And whether it is verified"),
        ("email", "email_verified"),
        "mail",
    ),
    _scope(
        "phone",
        Words("Your phone number"),
        Words("And whether it is verified"),
        ("phone_number", "phone_number_verified"),
        "phone",
    ),
    _scope("address", Words("Your postal address"), "", ("address",), "map-pin"),
    _scope(
        "custom_data",
        Words("Additional data about you"),
        Words("What your organization keeps in your account"),
        ("custom_data",),
        "database",
    ),
]


class ProfileScopes(ScopeProvider):
    """Everybody holds their own data; what is not there is left out, never null."""

    name = "profile"
    title = "User profile"
    order = 100
    refuses = True
    steady = True

    async def catalogue(self) -> Sequence[Scope]:
        return SCOPES

    async def claims(self, subject: Subject, permissions: Sequence[Permission], choices: Choices) -> Mapping[str, Any]:
        if subject.user is None:
            return {}
        values = claims_of(subject.user)
        granted = {p.scope for p in permissions}
        return {
            n: values[n] for scope in SCOPES if scope.permission.scope in granted for n in scope.claims if n in values
        }


def claims_of(user: User) -> dict[str, Any]:
    """Address and number are the account's own: of those it is known whether somebody has confirmed them. Those in a
    profile may have come with it from another system.
    """
    values: dict[str, Any] = {
        **user.profile,
        "preferred_username": user.profile.get("preferred_username") or user.username,
        "updated_at": user.updated_at,
        "custom_data": dict(user.custom_data) or None,
        "email": user.email,
        "email_verified": user.email_verified if user.email else None,
        "phone_number": user.phone_number,
        "phone_number_verified": user.phone_number_verified if user.phone_number else None,
    }
    return {name: value for name, value in values.items() if value not in (None, "", {}, [])}


@hookimpl
def register_scopes() -> ScopeProvider:
    return ProfileScopes()
