"""The kinds of applications: traditional web, single page, native, machine-to-machine."""

from __future__ import annotations

from collections.abc import Sequence

from credenza import ClientType, hookimpl

TYPES = [
    ClientType(
        name="traditional",
        title="Traditional web",
        description="A web application with a server of its own that can keep a secret: most wikis, forums and shops.",
        grant_types=("authorization_code", "refresh_token"),
        auth_methods=("client_secret_basic", "client_secret_post", "private_key_jwt"),
        optional_grant_types=("urn:ietf:params:oauth:grant-type:token-exchange",),
        icon="globe",
    ),
    ClientType(
        name="spa",
        title="Single page app",
        description="An application that runs in the browser only and has no server of its own to keep a secret on.",
        grant_types=("authorization_code", "refresh_token"),
        auth_methods=("none",),
        pkce="required",
        icon="app-window",
    ),
    ClientType(
        name="native",
        title="Native",
        description="An application that people install on a phone, a computer or a television.",
        grant_types=("authorization_code", "refresh_token"),
        auth_methods=("none",),
        optional_grant_types=("urn:ietf:params:oauth:grant-type:device_code",),
        pkce="required",
        native=True,
        icon="smartphone",
    ),
    ClientType(
        name="machine_to_machine",
        title="Machine-to-machine",
        description="A service that calls your APIs on its own behalf, without a user.",
        grant_types=("client_credentials",),
        auth_methods=("client_secret_basic", "client_secret_post", "private_key_jwt"),
        third_party=False,
        icon="server",
    ),
]


@hookimpl
def register_client_types() -> Sequence[ClientType]:
    return TYPES
