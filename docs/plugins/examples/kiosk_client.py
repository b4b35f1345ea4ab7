"""A client type: a screen in a public place. It keeps no secret, and nobody's access for longer than a visit."""

from credenza import ClientType, hookimpl

KIOSK = ClientType(
    name="kiosk",
    title="Kiosk",
    description="A screen in a public place, where people sign in, do one thing and walk away.",
    grant_types=("authorization_code",),  # no refresh_token: access ends with the visit
    auth_methods=("none",),
    pkce="required",
    icon="app-window",
)


@hookimpl
def register_client_types():
    return KIOSK
