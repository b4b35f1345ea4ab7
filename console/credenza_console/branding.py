"""Branding of the provider: its name, colours that can be read, logos, and the theme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsolePage,
    ConsoleVisit,
    UnusableImage,
    check_branding,
    console_get,
    console_post,
    provider,
    store_image,
    transaction,
)

HERE = "/console/branding"
IMAGES = ("logo", "dark_logo", "favicon")
TEXTS = ("display_name", "primary_color", "dark_primary_color", "terms_uri", "policy_uri", "theme")


@dataclass(kw_only=True)
class BrandingPage(ConsoleForm):
    template: ClassVar[str] = "branding/branding.html"
    folder: ClassVar[Path | None] = Path(__file__).parent / "templates"
    images: Mapping[str, str]
    themes: tuple[tuple[str, str], ...]


@console_get(HERE, "branding:read")
async def show_branding(visit: ConsoleVisit) -> BrandingPage:
    return _page(visit, await provider.find_provider_setting("branding"))


@console_post(HERE, "branding:write", uploads=True)
async def save_branding(visit: ConsoleVisit) -> ConsoleDone | BrandingPage:
    before = await provider.find_provider_setting("branding")
    typed = {name: visit.form.get(name, "").strip() for name in TEXTS}
    errors = {}
    if len(typed["display_name"]) > 100 or not typed["display_name"].isprintable():
        errors["display_name"] = "A name has at most 100 characters."
    if typed["theme"] and typed["theme"] not in visit.server.themes:
        errors["theme"] = "There is no such theme."
    for name in ("primary_color", "dark_primary_color", "terms_uri", "policy_uri"):
        try:
            check_branding({name: typed[name]})
        except ValueError as error:
            errors[name] = str(error)
    images: dict[str, str] = {name: "" for name in IMAGES if visit.form.get(f"remove_{name}") == "on"}
    for name in IMAGES:
        if name in visit.files:
            try:
                images[name] = await store_image(visit.files[name], visit.server.now(), keep=not errors)
            except UnusableImage as error:
                errors[name] = str(error)
    if errors:
        return _page(visit, before).refused(errors, **typed)
    after = {name: value for name, value in {**before, **typed, **images}.items() if value}
    if after != before:
        async with transaction():
            await provider.save_provider_setting("branding", after)
            await visit.changed("provider", "updated", "branding", before=before, after=after)
    return ConsoleDone(HERE, "Saved.")


def _page(visit: ConsoleVisit, branding: Mapping[str, str]) -> BrandingPage:
    themes = [(theme.name, theme.title) for theme in visit.server.themes.values()]
    return BrandingPage(
        title="Branding",
        lead="How this identity provider shows itself, wherever an application says nothing else.",
        values={name: branding.get(name, "") for name in TEXTS},
        images={name: branding.get(name, "") for name in IMAGES},
        themes=(("", "The usual one"), *themes),
    )


PAGE = ConsolePage("Branding", HERE, (show_branding, save_branding), icon="palette", section="Policy", order=100)
