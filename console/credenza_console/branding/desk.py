"""The page that edits a branding: a draft, a live preview, publishing, and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlencode

from litestar import Response
from piccolo.query.functions import Lower

from credenza import (
    LARGEST_IMAGE,
    AnyResponse,
    Branded,
    Branding,
    BrandingEditor,
    CleanCss,
    Client,
    ConsoleDone,
    ConsoleForm,
    ConsolePreview,
    ConsoleRoute,
    ConsoleVisit,
    Look,
    Moment,
    Palette,
    SavedBranding,
    ThemeState,
    UnusableCss,
    UserRow,
    changed_meanwhile,
    clean_css,
    clients,
    console_get,
    console_post,
    palette_of_look,
    published_look,
    state_of,
    theme_package,
    theme_states,
    unchanged,
)
from credenza import branding as store

from . import typed as forms
from .previews import PAGES, show_preview

LABELS = {
    "display_name": "name",
    "logo": "logo",
    "dark_logo": "logo for dark pages",
    "favicon": "favicon",
    "terms_uri": "terms of use",
    "policy_uri": "privacy policy",
    "primary_color": "colour",
    "dark_primary_color": "colour for dark pages",
    "theme": "theme",
    "stylesheet": "custom CSS",
}

PUBLISHED = "Published. Users see it from now on."
MEANWHILE = "Nothing was changed: somebody has drafted or published something since you opened the page."


@dataclass(frozen=True, slots=True)
class Version:
    """Something that was published. `differs` says in words in what it differs from what is published now."""

    id: str
    at: Moment | None
    by: str
    undone: bool
    current: bool
    differs: str


@dataclass(kw_only=True)
class BrandingPage(ConsoleForm):
    """`draft` and `draft_by` are of the draft, if there is one; `remarks` what was left out of the custom CSS.

    `usual` are the colours where none is chosen, in the light and in the dark: the provider's, or those of the theme.
    """

    template: ClassVar[str] = "branding/branding.html"
    folder: ClassVar[Path | None] = Path(__file__).parents[1] / "templates"
    frames: ClassVar[bool] = True
    largest: ClassVar[int] = LARGEST_IMAGE
    address: str
    permission: str
    level: str
    fields: tuple[str, ...]
    images: Mapping[str, str]
    themes: tuple[tuple[str, str], ...]
    broken: tuple[ThemeState, ...]
    inherits: str
    usual: tuple[str, str]
    css: CleanCss
    draft: Moment | None = None
    draft_by: str = ""
    versions: tuple[Version, ...] = ()
    can_undo: bool = False
    pages: tuple[tuple[str, str], ...]
    applications: tuple[tuple[str, str], ...] = ()
    preview: str = ""


class Desk:
    """The routes of one editor."""

    def __init__(self, editor: BrandingEditor, previews: Sequence[ConsolePreview]) -> None:
        self.editor = editor
        self.previews = previews

    def routes(self) -> list[ConsoleRoute]:
        path, permission = self.editor.path, self.editor.permission
        return [
            console_get(path, f"{permission}:read")(self.show),
            console_post(path, f"{permission}:write", uploads=True)(self.submit),
            console_get(f"{path}/preview", f"{permission}:read")(self.preview),
            console_post(f"{path}/preview", f"{permission}:write", uploads=True)(self.preview),
            console_get(f"{path}/theme", f"{permission}:read")(self.export),
        ]

    async def show(self, visit: ConsoleVisit, **parameters: str) -> BrandingPage:
        branded = await self.editor.find(visit, **parameters)
        draft = await store.find_draft(branded.owner)
        return await self._page(visit, branded, draft, Branding.load(draft.value) if draft else branded.branding)

    async def submit(self, visit: ConsoleVisit, **parameters: str) -> ConsoleDone | BrandingPage:
        branded = await self.editor.find(visit, **parameters)
        draft = await store.find_draft(branded.owner)
        before = Branding.load(draft.value) if draft else branded.branding
        stored = asdict(before), asdict(branded.branding)
        action, _, version = visit.form.get("action", "publish").partition(":")
        as_seen = unchanged((branded.branding, draft), partial(self._stored, visit, parameters))
        if action in ("discard", "undo", "again"):
            if changed_meanwhile(visit.form, *stored):
                return ConsoleDone(branded.address, MEANWHILE)
            async with as_seen:
                return await self._step(visit, branded, action, version)
        typed = forms.read_texts(visit, self.editor, before)
        look = await self._look(visit, branded, typed.branding)
        await forms.check(visit, self.editor, typed, palette_of_look(visit.request, look))
        await forms.keep(visit, self.editor, typed)
        if errors := changed_meanwhile(visit.form, *stored, beside=typed.errors):
            page = await self._page(visit, branded, draft, before)
            page.css = typed.css
            return page.refused(errors, **typed.texts)
        notice = "Published. Some of the custom CSS was removed." if typed.css.remarks else PUBLISHED
        async with as_seen:
            if action == "draft":
                return await self._save_draft(visit, branded, typed.branding)
            return await self._publish(visit, branded, typed.branding, notice)

    async def preview(self, visit: ConsoleVisit, **parameters: str) -> AnyResponse:
        """What users would see; nothing is stored, sent or fetched."""
        branded = await self.editor.find(visit, **parameters)
        draft = await store.find_draft(branded.owner)
        before = Branding.load(draft.value) if draft else branded.branding
        css, wanted, refused = "", visit.query, tuple[str, ...]()
        if visit.request.method == "POST":
            typed = forms.read_texts(visit, self.editor, before)
            palette = palette_of_look(visit.request, await self._look(visit, branded, typed.branding))
            await forms.check(visit, self.editor, typed, palette)
            before, css, wanted = await forms.show_in_place(visit, typed, before), typed.css.content, visit.form
            refused = tuple(f"Not shown: {message}" for message in typed.errors.values())

        if self.editor.level == "application" and branded.client is not None:
            branded = replace(branded, client=replace(branded.client, branding=before))

        async def look_of(client: Client | None) -> Look:
            return await self._look(visit, replace(branded, client=branded.client or client), before)

        return await show_preview(visit, branded, wanted, look_of, self.previews, css, refused)

    async def export(self, visit: ConsoleVisit, **parameters: str) -> BrandingPage | AnyResponse:
        """What is edited here, as a theme that can be installed elsewhere."""
        branded = await self.editor.find(visit, **parameters)
        draft = await store.find_draft(branded.owner)
        branding = Branding.load(draft.value) if draft else branded.branding
        name = visit.query.get("name", "").strip()
        css = await store.find_stylesheet(branding.stylesheet.rpartition("/")[2]) if branding.stylesheet else ""
        try:
            content = await asyncio.to_thread(theme_package, visit.server, branding, name, css)
        except ValueError as error:
            page = await self._page(visit, branded, draft, branding)
            nothing = "Nothing was downloaded. Check the marked field."
            return page.refused({"": nothing, "name": str(error)}, name=name)
        headers = {
            "Content-Disposition": f'attachment; filename="credenza-{name}.zip"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(content, media_type="application/zip", headers=headers)

    async def _look(self, visit: ConsoleVisit, branded: Branded, branding: Branding) -> Look:
        """What is published, with this in its place."""
        client = branded.client
        look = await published_look(visit.request, client)
        if self.editor.level == "provider":
            return replace(look, provider=Branding(display_name="Credenza").then(branding))
        if self.editor.level == "application" and client is not None:
            shown = replace(client, branding=branding).display_name
            return replace(look, application=replace(branding, display_name=shown))
        return replace(look, context=branding)

    async def _stored(
        self, visit: ConsoleVisit, parameters: Mapping[str, str]
    ) -> tuple[Branding, SavedBranding | None]:
        branded = await self.editor.find(visit, **parameters)
        return branded.branding, await store.find_draft(branded.owner)

    # What follows is called in a transaction.

    async def _step(self, visit: ConsoleVisit, branded: Branded, action: str, version: str) -> ConsoleDone:
        """What a button does for which nothing is typed."""
        if action == "discard":
            return await self._discard(visit, branded)
        if action == "undo":
            return await self._undo(visit, branded)
        found = next((v for v in await store.list_versions(branded.owner) if v.id == version), None)
        if found is None:
            return ConsoleDone(branded.address, "This version is not kept any more.")
        return await self._publish(visit, branded, Branding.load(found.value), "That version is published again.")

    async def _discard(self, visit: ConsoleVisit, branded: Branded) -> ConsoleDone:
        await store.discard_draft(branded.owner)
        await visit.changed("branding", "draft discarded", branded.owner)
        return ConsoleDone(branded.address, "The draft was discarded. Nothing changes for users.")

    async def _save_draft(self, visit: ConsoleVisit, branded: Branded, branding: Branding) -> ConsoleDone:
        await store.save_draft(branded.owner, asdict(branding), by=visit.user.id, now=visit.server.now())
        await visit.changed("branding", "drafted", branded.owner)
        return ConsoleDone(branded.address, "The draft is saved. Users do not see it until it is published.")

    async def _publish(self, visit: ConsoleVisit, branded: Branded, branding: Branding, notice: str) -> ConsoleDone:
        before, after = asdict(branded.branding), asdict(branding)
        if branding != branded.branding:
            await self.editor.publish(visit, branded, branding)
            await store.record_published(branded.owner, before, after, by=visit.user.id, now=visit.server.now())
        else:
            await store.discard_draft(branded.owner)
        return ConsoleDone(branded.address, notice)

    async def _undo(self, visit: ConsoleVisit, branded: Branded) -> ConsoleDone:
        previous = await store.step_back(branded.owner, asdict(branded.branding), now=visit.server.now())
        if previous is not None:
            await visit.changed("branding", "publication undone", branded.owner)
            await self.editor.publish(visit, branded, Branding.load(previous.value))
        notice = "Undone. Users see what they saw before." if previous else "There is no earlier version."
        return ConsoleDone(branded.address, notice)

    async def _page(
        self, visit: ConsoleVisit, branded: Branded, draft: SavedBranding | None, branding: Branding
    ) -> BrandingPage:
        states = await asyncio.to_thread(theme_states, visit.request)
        versions = await store.list_versions(branded.owner)
        look = await self._look(visit, branded, branding)
        css = await store.find_stylesheet_source(branding.stylesheet) if branding.stylesheet else ""
        names = await _names(versions, draft)
        usual = "Default" if self.editor.level == "provider" else "Same as everywhere"
        inherited = Branding() if self.editor.level == "provider" else look.provider
        return BrandingPage(
            title=branded.title,
            lead=branded.lead,
            path=branded.path,
            tabs=branded.tabs,
            address=branded.address,
            permission=self.editor.permission,
            level=self.editor.level,
            fields=tuple(self.editor.fields),
            seen=state_of(asdict(branding), asdict(branded.branding)),
            values={**forms.texts_of(self.editor, branding), "css": css},
            images={name: getattr(branding, name) for name in forms.IMAGES if name in self.editor.fields},
            themes=(("", usual), *((s.name, f"{s.title} (broken)" if s.problems else s.title) for s in states)),
            broken=tuple(state for state in states if state.problems),
            inherits=branded.title if self.editor.level != "provider" else "",
            usual=_usual(palette_of_look(visit.request, look), inherited),
            css=_cleaned(visit, css, look),
            draft=visit.moment(draft.at) if draft else None,
            draft_by=names.get(draft.by, "") if draft else "",
            versions=tuple(_version(visit, v, versions, branded.branding, names) for v in versions),
            can_undo=len([v for v in versions if not v.undone]) > 1,
            pages=(*PAGES, *((preview.name, preview.title) for preview in self.previews)),
            applications=await _applications(branded),
            preview=f"{branded.address}/preview?{urlencode({'preview_page': 'sign-in', 'preview_scheme': 'light'})}",
        )


def _usual(palette: Palette, provider: Branding) -> tuple[str, str]:
    return (
        provider.primary_color or palette.light.get("--primary", "#000000"),
        provider.dark_primary_color or palette.dark.get("--primary", "#ffffff"),
    )


def _cleaned(visit: ConsoleVisit, css: str, look: Look) -> CleanCss:
    try:
        return clean_css(css, palette_of_look(visit.request, look))
    except UnusableCss:
        return CleanCss()


def _version(
    visit: ConsoleVisit,
    version: SavedBranding,
    versions: Sequence[SavedBranding],
    published: Branding,
    names: Mapping[str, str],
) -> Version:
    current = next((v.id for v in versions if not v.undone), "") == version.id
    now = asdict(published)
    differing = [LABELS[name] for name in LABELS if version.value.get(name, "") != now.get(name, "")]
    return Version(
        version.id,
        visit.moment(version.at),
        names.get(version.by, ""),
        version.undone,
        current,
        ", ".join(differing),
    )


async def _names(versions: Sequence[SavedBranding], draft: SavedBranding | None) -> dict[str, str]:
    """Who made them, by their ids."""
    wanted = {v.by for v in (*versions, *([draft] if draft else [])) if v.by}
    rows = await UserRow.select(UserRow.id, UserRow.username).where(UserRow.id.is_in(sorted(wanted))) if wanted else []
    return {row["id"]: row["username"] for row in rows}


async def _applications(branded: Branded) -> tuple[tuple[str, str], ...]:
    """Some to preview with; any other can be typed."""
    if branded.client is not None:
        return ((branded.client.id, branded.client.display_name),)
    c = clients.ClientRow
    rows = await c.select(c.id, c.name).where(c.third_party.eq(True)).order_by(Lower(c.name)).limit(50)
    return tuple((row["id"], row["name"]) for row in rows)
