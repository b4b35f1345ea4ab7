"""Our own applications wear the harbour theme, whatever was picked for them."""

from credenza import hookimpl


@hookimpl
def choose_theme(client):
    return "harbour" if client is not None and not client.third_party else None
