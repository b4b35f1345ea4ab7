"""The section `terms` of the desired-state file: `{version: 2, text: "…"}`."""

from credenza import StateError, StateSection, check_keys, provider


async def apply(part, run):
    members = check_keys(part or {}, ("version", "text"), "terms")
    version, text = members.get("version"), members.get("text")
    if not isinstance(version, int) or version < 1 or not isinstance(text, str):
        raise StateError("version is a whole number from 1, text is a text")
    terms = {"version": version, "text": text}

    async def write():
        await provider.save_provider_setting("terms", terms)

    await run.compare("terms", f"version {version}", await export() or None, terms, write)


async def export():
    return await provider.find_provider_setting("terms")


SECTION = StateSection("terms", 300, apply, export)
