"""A mistake in a desired-state file is one line that says what is wrong, and changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from credenza.testing import ORDERS

from .conftest import Run, exported

LONG = "x" * 1001


def written(folder: Path) -> list[str]:
    """All that is in the database."""
    with closing(sqlite3.connect(folder / "credenza.db")) as connection:
        return list(connection.iterdump())


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("users: [", "not YAML"),
        ("[]", "a mapping of sections"),
        ({"people": []}, "there is no section 'people'"),
        ({"users": [{"username": "eve", "pasword": "x"}]}, "unknown key 'pasword'; did you mean 'password'?"),
        (
            {"applications": [{"client_id": "app", "permissions": {"profile": ["mail"]}}]},
            "profile knows no 'mail'; there is address, custom_data, email, identities",
        ),
        (
            {"applications": [{"client_id": "app", "permissions": {"api": {ORDERS: ["eat"]}}}]},
            f"api knows no 'eat' at {ORDERS}; there is orders:read, orders:write",
        ),
        (
            {"applications": [{"client_id": "app", "permissions": {"api": {"https://x.example.com": ["eat"]}}}]},
            "api knows no 'eat' at https://x.example.com; nothing is declared there",
        ),
        ({"users": [{"username": "eve smith"}]}, "no spaces"),
        *(
            ({"applications": [{"client_id": "app", "metadata": {name: value}}]}, name)
            for name, value in (
                ("consent_lifetime", "an hour"),
                ("consent_lifetime", True),
                ("consent_lifetime", 0),
                ("default_max_age", "600"),
                ("resources", "https://orders.example.com/v2"),  # every part of it would be one
                ("resources", [{"identifier": "https://orders.example.com"}]),
                ("dpop_bound_access_tokens", "no"),
                ("require_pushed_authorization_requests", "false"),
            )
        ),
        ({"users": [{"username": "eve"}, {"username": "Eve"}]}, "users: user eve is in the file twice"),
        ("users: []\nroles: []\nusers: []", "the key 'users' is there twice"),
        (
            {"applications": [{"client_id": "app", "description": "one"}, {"client_id": "app", "description": "two"}]},
            "applications: application app is in the file twice",
        ),
        (
            {"applications": [{"name": "Same", "type": "spa"}] * 2},
            "applications: application Same is in the file twice",
        ),
        (
            {"applications": [{"client_id": "app", "colour": "red"}]},
            "an application (app): unknown key 'colour'; the keys are",
        ),
        ({"api_resources": [{"identifier": ORDERS, "name": "x"}] * 2}, f"api_resource {ORDERS} is in the file twice"),
        (
            {"api_resources": [{"identifier": ORDERS, "permissions": [{"name": "orders:eat"}] * 2}]},
            f"{ORDERS}: permission orders:eat is in the file twice",
        ),
        ({"roles": [{"name": "captain"}] * 2}, "roles: role captain is in the file twice"),
        ({"organization_template": {"roles": [{"name": "x"}] * 2}}, "organization_role x is in the file twice"),
        (
            {"organization_template": {"permissions": [{"name": "x", "description": "X"}] * 2}},
            "organization_permission x is in the file twice",
        ),
        ({"organizations": [{"name": "Acme"}] * 2}, "organizations: organization Acme is in the file twice"),
        (
            {"organizations": [{"name": "Acme", "members": [{"username": "ada"}, {"username": "ada"}]}]},
            "member ada of Acme is in the file twice",
        ),
        ({"users": [{"email": "eve@example.com"}]}, "a user: username is required"),
        *(
            ({"users": [{"username": "eve", **wrong}]}, message)
            for wrong, message in (
                ({"username": 12}, "a user (12): username is a text, in quotes"),
                ({"email_verified": "false"}, "a user (eve): email_verified is true or false"),
                ({"suspended": "no"}, "suspended is true or false"),
                ({"phone_number": 49123}, "phone_number is a text, in quotes"),
                ({"phone_number": "1" * 51}, "phone_number is a text of at most 50 characters"),
                ({"profile": []}, "profile is a mapping"),
                ({"profile": {"birthdate": 1815}}, "eve: profile: birthdate is a text, in quotes"),
                ({"profile": {"address": "Main Street 1"}}, "profile: address is a mapping"),
                ({"profile": {"name": float("nan")}}, "only mappings, lists, texts"),
                ({"administrator": "false"}, "administrator is true, false, or one of full, applications, read-only"),
                ({"roles": "sailor"}, "roles is a list"),
            )
        ),
        ('users: [{username: eve, profile: {name: "a\\0b"}}]', "a text has no NUL"),
        *(
            ({"applications": [{"client_id": "app", **wrong}]}, message)
            for wrong, message in (
                ({"third_party": "false"}, "third_party is true or false"),
                ({"enabled": "false"}, "enabled is true or false"),
                ({"access_token_lifetime": "600"}, "access_token_lifetime is a whole number"),
                ({"access_token_lifetime": True}, "access_token_lifetime is a whole number"),
                ({"name": "x" * 201}, "name is a text of at most 200 characters"),
                ({"redirect_uris": "https://app.example.com/cb"}, "redirect_uris is a list"),
                ({"redirect_uris": [5]}, "redirect_uris is a list of texts"),
                ({"permissions": ["email"]}, "permissions is a mapping"),
                ({"permissions": {"profile": "email"}}, "permissions: profile is a list of scopes, not 'email'"),
                ({"metadata": ["a"]}, "metadata is a mapping"),
                ({"branding": {"theme": "nonsense"}}, "there is no theme 'nonsense'; the themes are "),
            )
        ),
        (
            {"applications": [{"name": "Bad", "type": "spa", "client_secret": "a secret of many characters"}]},
            "client_secret: a spa application cannot keep one",
        ),
        ({"roles": [{"name": "x", "default": "false"}]}, "default is true or false"),
        ({"roles": [{"name": None}]}, "name is required"),
        ({"roles": [{"name": "x" * 101}]}, "at most 100 characters"),
        *(
            (document, f"{what}: description is a text of at most {most} characters")
            for document, what, most in (
                ({"applications": [{"client_id": "app", "description": LONG}]}, "an application (app)", 1000),
                ({"roles": [{"name": "x", "description": LONG}]}, "roles: a role (x)", 1000),
                ({"organizations": [{"name": "Acme", "description": LONG}]}, "an organization (Acme)", 1000),
                (
                    {"organization_template": {"roles": [{"name": "x", "description": LONG}]}},
                    "organization_template: a role (x)",
                    1000,
                ),
                (
                    {"organization_template": {"permissions": [{"name": "x", "description": LONG[:501]}]}},
                    "organization_template: a permission (x)",
                    500,
                ),
                ({"api_resources": [{"identifier": ORDERS, "description": LONG}]}, f"an API ({ORDERS})", 1000),
                (
                    {
                        "api_resources": [
                            {"identifier": ORDERS, "permissions": [{"name": "x", "description": LONG[:501]}]}
                        ]
                    },
                    f"{ORDERS}: a permission (x)",
                    500,
                ),
            )
        ),
        ({"roles": [{"name": "x", "permissions": ["orders:read"]}]}, "a role (x): permissions is a mapping"),
        ({"api_resources": [{"identifier": ORDERS, "token_lifetime": "abc"}]}, "token_lifetime is a whole number"),
        ({"api_resources": [{"identifier": ORDERS, "token_lifetime": 1.5}]}, "token_lifetime is a whole number"),
        (
            {"api_resources": [{"identifier": ORDERS, "permissions": [{"name": "a b"}]}]},
            f"{ORDERS}: 'a b': a permission",
        ),
        ({"organizations": [{"name": "X", "suspended": "false"}]}, "suspended is true or false"),
        ({"organizations": [{"name": "X", "members": ["ada"]}]}, "members is a list of mappings"),
        ({"organizations": [{"name": "X", "id": "../x"}]}, "an id has letters, digits"),
        ({"organizations": [{"name": "X", "branding": {"theme": "nonsense"}}]}, "there is no theme 'nonsense'"),
        ({"provider": {"branding": {"theme": "nonsense"}}}, "there is no theme 'nonsense'"),
        ({"users": "eve"}, "users"),
        (
            {"users": [{"username": "eve", "password_hash": "plain"}]},
            "eve: password_hash is no bcrypt, Argon2 or PBKDF2 hash",
        ),
        ({"users": [{"username": "eve", "roles": ["captain"]}]}, "there is no role 'captain'"),
        ({"applications": [{"name": "Bad", "type": "toaster"}]}, "type is one of traditional, "),
        ({"applications": [{"name": "Bad", "type": "spa", "redirect_uris": ["javascript:alert(1)"]}]}, "Bad"),
        ({"applications": [{"name": "Bad", "type": "spa", "redirect_uris": ["https://x.example.com/*#y"]}]}, "Bad"),
        ({"applications": [{"name": "Bad", "type": "spa", "permissions": {"profile": ["wishes"]}}]}, "wishes"),
        ({"applications": [{"name": "Bad", "type": "spa", "permissions": {"wishes": ["x"]}}]}, "no source 'wishes'"),
        ({"applications": [{"name": "Bad", "type": "machine_to_machine", "third_party": True}]}, "third party"),
        ({"applications": [{"name": "Bad", "type": "spa", "branding": {"logo": "absent.png"}}]}, "absent.png"),
        ({"applications": [{"client_id": "app", "type": "spa"}]}, "fixed at creation"),
        ({"api_resources": [{"identifier": "orders", "name": "x"}]}, "absolute URI"),
        ({"api_resources": [{"identifier": "javascript:alert(1)"}]}, "cannot begin with javascript:"),
        ({"api_resources": [{"identifier": "https://a.example/#b"}]}, "no fragment"),
        ({"roles": [{"name": "x", "permissions": {ORDERS: ["orders:eat"]}}]}, "no permission 'orders:eat'"),
        ({"provider": {"branding": {"primary_color": "#ffff00"}}}, "contrast"),
        (
            {"applications": [{"name": "Bad", "type": "spa", "branding": {"favicon": "/image/deadbeef"}}]},
            "applications: Bad: branding: favicon: /image/deadbeef is not in this database",
        ),
        (
            {"organizations": [{"name": "Acme", "branding": {"logo": "/image/deadbeef"}}]},
            "organizations: Acme: branding: logo: /image/deadbeef is not in this database",
        ),
        ({"provider": {"branding": {"dark_logo": "/image/"}}}, "dark_logo: /image/ is not in this database"),
        (
            {"provider": {"branding": {"stylesheet": "/branding/deadbeef.css"}}},
            "provider: branding: stylesheet: /branding/deadbeef.css is not in this database",
        ),
    ],
)
def test_a_mistake_in_the_last_line_changes_nothing(
    credenza_command: Run, file: Callable[[Any], Path], tmp_path: Path, document: Any, message: str
) -> None:
    before = written(tmp_path)
    if isinstance(document, dict):
        new = {"users": [{"username": "new"}], "applications": [{"name": "New", "type": "spa"}]}
        for section, items in document.items():
            merged = [*new[section], *items] if section in new and isinstance(items, list) else items
            new[section] = merged
        document = new
    done = credenza_command("apply", file(document))
    assert done.status == 1
    assert message in done.error
    assert done.out == ""
    assert written(tmp_path) == before


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"roles": [], "users": [{"username": "root"}, {"username": "ada", "roles": ["support"]}]},
            "no role 'support'",
        ),
        ({"roles": [], "applications": [{"client_id": "machine", "roles": ["support"]}]}, "no role 'support'"),
        (
            {"api_resources": [], "roles": [{"name": "clerk", "permissions": {ORDERS: ["orders:read"]}}]},
            f"no permission 'orders:read' at {ORDERS}",
        ),
        (
            {
                "api_resources": [{"identifier": ORDERS, "permissions": [{"name": "orders:read"}]}],
                "applications": [{"client_id": "app", "permissions": {"api": {ORDERS: ["orders:write"]}}}],
            },
            f"api knows no 'orders:write' at {ORDERS}; there is orders:read",
        ),
        (
            {
                "api_resources": [],
                "organization_template": {"roles": [{"name": "x", "api_permissions": {ORDERS: ["orders:read"]}}]},
            },
            f"no permission 'orders:read' at {ORDERS}",
        ),
        (
            {"organization_template": {"roles": [{"name": "x", "permissions": ["members:read"]}]}},
            "the template has no permission 'members:read'",
        ),
        (
            {
                "organization_template": {"permissions": [{"name": "members:read"}]},
                "organizations": [{"name": "Acme", "members": [{"username": "ada", "roles": ["owner"]}]}],
            },
            "the template has no role 'owner'",
        ),
        (
            {
                "users": [{"username": "root"}],
                "organizations": [{"name": "Acme", "members": [{"username": "ada"}]}],
            },
            "there is no user 'ada'",
        ),
    ],
)
def test_what_a_file_removes_it_cannot_name(
    credenza_command: Run, file: Callable[[Any], Path], document: Any, message: str
) -> None:
    """It would be found out when half of it is written: what was removed is gone, and the rest is not there."""
    template = {
        "permissions": [{"name": "members:read"}],
        "roles": [{"name": "owner", "permissions": ["members:read"]}],
    }
    assert credenza_command("apply", file({"organization_template": template})).status == 0
    before = exported(credenza_command)
    done = credenza_command("apply", "--prune", file(document))
    assert done.status == 1
    assert message in done.error
    assert exported(credenza_command) == before


def test_a_file_that_is_not_there_is_one_line(credenza_command: Run, tmp_path: Path) -> None:
    done = credenza_command("apply", tmp_path / "absent.yaml")
    assert done.status == 1
    assert "absent.yaml: No such file or directory" in done.error


def test_yaml_cannot_run_anything(credenza_command: Run, file: Callable[[Any], Path], tmp_path: Path) -> None:
    done = credenza_command("apply", file(f"users: !!python/object/apply:os.mkdir ['{tmp_path}/made']"))
    assert done.status == 1
    assert not (tmp_path / "made").exists()
