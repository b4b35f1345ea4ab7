"""What was typed into a branding form: each field checked, pictures encoded again, custom CSS cleaned."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from credenza import (
    Branding,
    BrandingEditor,
    CleanCss,
    ConsoleVisit,
    Palette,
    UnusableCss,
    UnusableImage,
    check_branding,
    clean_css,
    display_name_mistake,
    fetch_image,
    image_in_place,
    store_image,
)
from credenza import branding as store

IMAGES = ("logo", "dark_logo", "favicon")
CHECKED = ("primary_color", "dark_primary_color", "terms_uri", "policy_uri")
NOTHING = "/* Nothing is left of it. */\n"


@dataclass(slots=True)
class Typed:
    """`branding` is what the form makes of the one before; `texts` are its fields as they were typed."""

    branding: Branding
    texts: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    css: CleanCss = field(default_factory=CleanCss)


def read_texts(visit: ConsoleVisit, editor: BrandingEditor, before: Branding) -> Typed:
    """The fields without their checks; what the form does not have stays as it was."""
    texts = {}
    for name in (name for name in editor.fields if name not in (*IMAGES, "stylesheet")):
        texts[name] = visit.form.get(name, "").strip()
    said = dict(texts)
    said |= {name: "" for name in IMAGES if visit.form.get(f"remove_{name}") == "on"}
    if "stylesheet" in editor.fields:
        texts["css"] = visit.form.get("css", "").replace("\r\n", "\n")
    return Typed(replace(before, **said), texts)


async def check(visit: ConsoleVisit, editor: BrandingEditor, typed: Typed, palette: Palette) -> None:
    """Note what is wrong with each text, beside its field; clean the CSS."""
    texts, errors = typed.texts, typed.errors
    if message := display_name_mistake(texts.get("display_name", ""), editor.level):
        errors["display_name"] = message
    if texts.get("theme") and texts["theme"] not in visit.server.themes:
        errors["theme"] = "There is no such theme."
    for name in CHECKED:
        try:
            check_branding({name: texts.get(name, "")}, palette)
        except ValueError as error:
            errors[name] = str(error)
    try:
        typed.css = await asyncio.to_thread(clean_css, texts.get("css", ""), palette)
    except UnusableCss as error:
        errors["css"] = str(error)


async def keep(visit: ConsoleVisit, editor: BrandingEditor, typed: Typed) -> None:
    """Store pictures (uploaded, or fetched once) and CSS, as long as nothing is wrong."""
    now, images = visit.server.now(), dict[str, str]()
    for name in (name for name in IMAGES if name in editor.fields):
        address = visit.form.get(f"{name}_address", "").strip()
        at = f"{name}_address" if address and name not in visit.files else name
        try:
            if name in visit.files:
                images[name] = await store_image(visit.files[name], now, keep=not typed.errors)
            elif address:
                images[name] = await fetch_image(visit.server.settings, address, now, keep=not typed.errors)
        except UnusableImage as error:
            typed.errors[at] = str(error)
        if address:
            typed.texts[f"{name}_address"] = address
    if typed.errors:
        return
    if "css" in typed.texts:
        source = typed.texts["css"]
        kept = await store.save_stylesheet(source, typed.css.content or NOTHING, now) if source.strip() else ""
        images["stylesheet"] = kept
    typed.branding = replace(typed.branding, **images)


async def show_in_place(visit: ConsoleVisit, typed: Typed, before: Branding) -> Branding:
    """For a preview: what is wrong is as it was before, and pictures are part of the page. Nothing is stored."""
    said: dict[str, str] = {name: getattr(before, name) for name in typed.errors if hasattr(before, name)}
    for name in IMAGES:
        if name in visit.files:
            try:
                said[name] = await asyncio.to_thread(image_in_place, visit.files[name])
            except UnusableImage:
                continue
    if "css" in typed.texts:
        said["stylesheet"] = ""
    return replace(typed.branding, **said)


def texts_of(editor: BrandingEditor, branding: Branding) -> Mapping[str, str]:
    return {name: getattr(branding, name) for name in editor.fields if name not in (*IMAGES, "stylesheet")}
