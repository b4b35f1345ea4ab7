"""A page in the console that edits a setting: where the tide gauge is, and from which level on it warns."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsolePage,
    changed_meanwhile,
    check_web_uri,
    console_get,
    console_post,
    hookimpl,
    provider,
    state_of,
    unchanged,
)

HERE = "/console/tide-gauge"
LEVELS = {"1": "Low", "2": "Normal", "3": "High"}
templates = Path(__file__).parent / "templates"  # reached by the plugin's name


@dataclass(kw_only=True)
class GaugePage(ConsoleForm):
    template: ClassVar[str] = "tide-gauge:gauge.html"
    levels: dict[str, str]


async def stored():
    return await provider.find_provider_setting("tide-gauge")


def page_of(kept):
    return GaugePage(
        title="Tide gauge",
        lead="Where it is asked for the level, and from which level on it warns.",
        levels=LEVELS,
        values={"level": "3", **kept},
        seen=state_of(kept),
    )


@console_get(HERE, "tide-gauge:read")
async def show_gauge(visit):
    return page_of(await stored())


@console_post(HERE, "tide-gauge:write")
async def save_gauge(visit):
    typed = {"address": visit.form.get("address", ""), "level": visit.form.get("level", "")}
    errors = {}
    try:
        check_web_uri(typed["address"])
    except ValueError as error:
        errors["address"] = str(error)
    if typed["level"] not in LEVELS:
        errors["level"] = "Choose one of these."
    before = await stored()
    if errors := changed_meanwhile(visit.form, before, beside=errors):
        return page_of(before).refused(errors, **typed)
    async with unchanged(before, stored):
        await provider.save_provider_setting("tide-gauge", typed)
        await visit.changed("tide gauge", "updated", "tide-gauge", before=before, after=typed)
    return ConsoleDone(HERE, "Saved.")


@hookimpl(optionalhook=True)
def console_pages():
    return ConsolePage("Tide gauge", HERE, (show_gauge, save_gauge), icon="activity", section="Policy")
