"""The section `terms` of the desired-state file: `{version: 2, text: "…"}`."""

from credenza import StateError, StateMember, StateSection, check_keys, provider

MEMBERS = {"version": StateMember(int, required=True), "text": StateMember(str, required=True)}


async def apply(part, run):
    terms = dict(check_keys(part or {}, MEMBERS, "terms"))
    if terms["version"] < 1:
        raise StateError("version is a whole number from 1")

    async def write():
        await provider.save_provider_setting("terms", terms)

    await run.compare("terms", f"version {terms['version']}", await export() or None, terms, write)


async def export():
    return await provider.find_provider_setting("terms")


SECTION = StateSection("terms", 300, apply, export)
