"""Who and what is on the server of the tests, and its settings."""

from __future__ import annotations

from typing import Any

from ..settings import Settings

ISSUER = "https://id.example.com"
PASSWORD = "correct horse battery staple"
SECRET = "a-secret-of-the-tests-0123456789"
ORDERS = "https://orders.example.com"

STATE: dict[str, Any] = {
    "api_resources": [
        {
            "identifier": ORDERS,
            "name": "Orders",
            "permissions": [
                {"name": "orders:read", "description": "See your orders"},
                {"name": "orders:write", "description": "Change your orders"},
            ],
        }
    ],
    "roles": [{"name": "support", "permissions": {ORDERS: ["orders:read"]}}],
    "users": [
        {
            "username": "ada",
            "password": PASSWORD,
            "email": "ada@example.com",
            "email_verified": True,
            "profile": {"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace"},
            "roles": ["support"],
        },
        {"username": "grace", "password": PASSWORD, "email": "grace@example.com"},
        {"username": "root", "password": PASSWORD, "administrator": True},
    ],
    "applications": [
        {
            "client_id": "app",
            "client_secret": SECRET,
            "name": "Harbour Wiki",
            "type": "traditional",
            "third_party": True,
            "redirect_uris": ["https://app.example.com/cb", "https://app.example.com/cb?tenant=1"],
            "post_logout_redirect_uris": ["https://app.example.com/"],
            "permissions": {
                "profile": ["profile", "email", "phone?"],
                "api": {ORDERS: ["orders:read", "orders:write"]},
            },
        },
        {
            "client_id": "spa",
            "name": "Tide Board",
            "type": "spa",
            "third_party": True,
            "redirect_uris": ["https://spa.example.com/cb"],
            "cors_origins": ["https://spa.example.com"],
            "permissions": {"profile": ["profile", "email"]},
        },
        {
            "client_id": "native",
            "name": "Tide CLI",
            "type": "native",
            "third_party": True,
            "redirect_uris": ["http://127.0.0.1/cb", "com.example.nat:/cb"],
            "permissions": {"profile": ["profile"]},
        },
        {
            "client_id": "own",
            "client_secret": SECRET,
            "name": "Our Portal",
            "type": "traditional",
            "third_party": False,
            "redirect_uris": ["https://own.example.com/cb"],
        },
        {
            "client_id": "machine",
            "client_secret": SECRET,
            "name": "Night Job",
            "type": "machine_to_machine",
            "third_party": False,
            "permissions": {"api": {ORDERS: ["orders:read"]}},
        },
    ],
}


def test_settings(database_url: str, **changes: Any) -> Settings:
    """Settings with the cheapest password hashing, never for anything but tests."""
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "database_url": database_url,
        "secret_key": "only-for-tests-only-for-tests-only-for-tests",
        "argon2_time_cost": 1,
        "argon2_memory_kib": 8,
    }
    return Settings(**values | changes)


test_settings.__test__ = False  # type: ignore[attr-defined]  # a function that pytest would take for a test
