"""The people, the API and the application of the demo, as a desired-state file would declare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import logos

CLIENT_ID = "harbour-wiki"
ORDERS = "https://orders.example.com"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody to sign in as. The passwords are public: the demo listens on this machine only."""

    username: str
    password: str
    who: str


ACCOUNTS = (
    Account("ada", "rowing past the lighthouse", "may see orders, through the role “support”"),
    Account("grace", "charts and compass roses", "has no role, so no orders"),
    Account("admin", "keys to every harbour gate", "administrator"),
)


def document(home: str, secret: str) -> dict[str, Any]:
    """The desired state, for an application at `home`."""
    ada, grace, admin = ACCOUNTS
    return {
        "api_resources": [
            {
                "identifier": ORDERS,
                "name": "Orders",
                "token_lifetime": 300,
                "permissions": [
                    {"name": "orders:read", "description": "See your orders"},
                    {"name": "orders:write", "description": "Change your orders"},
                ],
            }
        ],
        "roles": [
            {
                "name": "support",
                "description": "Helps people with their orders",
                "permissions": {ORDERS: ["orders:read"]},
            }
        ],
        "users": [
            {
                "username": ada.username,
                "password": ada.password,
                "email": "ada@example.com",
                "email_verified": True,
                "phone_number": "+442079460123",
                "phone_number_verified": True,
                "profile": {
                    "name": "Ada Lovelace",
                    "given_name": "Ada",
                    "family_name": "Lovelace",
                    "birthdate": "1815-12-10",
                    "zoneinfo": "Europe/London",
                },
                "roles": ["support"],
            },
            {
                "username": grace.username,
                "password": grace.password,
                "email": "grace@example.com",
                "email_verified": True,
                "profile": {"name": "Grace Hopper", "given_name": "Grace", "family_name": "Hopper"},
            },
            {
                "username": admin.username,
                "password": admin.password,
                "email": "admin@example.com",
                "profile": {"name": "Demo Administrator"},
                "administrator": True,
            },
        ],
        "applications": [
            {
                "client_id": CLIENT_ID,
                "client_secret": secret,
                "name": "Harbour Wiki",
                "description": "Tides, berths and the people who know them",
                "type": "traditional",
                "third_party": True,
                "redirect_uris": [f"{home}/callback"],
                "post_logout_redirect_uris": [f"{home}/signed-out"],
                "require_pkce": True,
                "offline_access": True,
                "permissions": {
                    "profile": ["profile", "email", "phone?"],
                    "api": {ORDERS: ["orders:read", "orders:write"]},
                },
                "branding": {
                    "display_name": "Harbour Wiki",
                    "logo": logos.LIGHT,
                    "dark_logo": logos.DARK,
                    "terms_uri": f"{home}/terms",
                    "policy_uri": f"{home}/privacy",
                },
            }
        ],
    }
