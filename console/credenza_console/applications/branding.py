"""How an application shows itself on the sign-in and consent pages."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import ClassVar

from credenza import (
    Client,
    ConsoleDone,
    ConsoleVisit,
    UnusableImage,
    check_web_uri,
    clients,
    console_get,
    console_post,
    store_image,
    transaction,
)

from .common import ONE, ApplicationForm, find, tabs

IMAGES = ("logo", "dark_logo")
TEXTS = ("display_name", "terms_uri", "policy_uri", "theme")


@dataclass(kw_only=True)
class BrandingPage(ApplicationForm):
    template: ClassVar[str] = "applications/branding.html"
    themes: tuple[tuple[str, str], ...]


@console_get(ONE + "/branding", "applications:read")
async def show_branding(visit: ConsoleVisit, application: str) -> BrandingPage:
    client = await find(visit, application)
    return _page(visit, client, asdict(client.branding))


@console_post(ONE + "/branding", "applications:write", uploads=True)
async def save_branding(visit: ConsoleVisit, application: str) -> ConsoleDone | BrandingPage:
    client = await find(visit, application)
    typed = {name: visit.form.get(name, "").strip() for name in TEXTS}
    errors = {}
    if len(typed["display_name"]) > 200 or not typed["display_name"].isprintable():
        errors["display_name"] = "A name has at most 200 characters."
    for name in ("terms_uri", "policy_uri"):
        if typed[name]:
            try:
                check_web_uri(typed[name])
            except ValueError as error:
                errors[name] = str(error)
    if typed["theme"] and typed["theme"] not in visit.server.themes:
        errors["theme"] = "There is no such theme."
    images: dict[str, str] = {}
    for name in IMAGES:
        if visit.form.get(f"remove_{name}") == "on":
            images[name] = ""
        if name in visit.files:
            try:
                images[name] = await store_image(visit.files[name], visit.server.now(), keep=not errors)
            except UnusableImage as error:
                errors[name] = str(error)
    if errors:
        return _page(visit, client, asdict(client.branding)).refused(errors, **typed)
    branding = replace(client.branding, **typed, **images)
    before, after = asdict(client.branding), asdict(branding)
    differing = [name for name in after if before[name] != after[name]]
    if differing:
        async with transaction():
            await clients.update_client(replace(client, branding=branding), visit.server.now())
            await visit.changed(
                "branding",
                "updated",
                client.id,
                client=client.id,
                before={name: before[name] for name in differing},
                after={name: after[name] for name in differing},
            )
    page = _page(visit, client, {})
    return ConsoleDone(f"{page.address}/branding", "Saved.")


def _page(visit: ConsoleVisit, client: Client, values: dict[str, str]) -> BrandingPage:
    themes = [(theme.name, theme.title) for theme in visit.server.themes.values()]
    return BrandingPage(
        title=client.name,
        lead=client.description,
        tabs=tabs(client, "Branding"),
        client=client,
        values=values,
        themes=(("", "The same as everywhere"), *themes),
    )
