"""A scope source: the groups a person is in, from the staff directory."""

from credenza import Permission, Scope, ScopeProvider, hookimpl

DIRECTORY = {"ada": ["harbour-pilots", "night-watch"]}
GROUPS = Scope(Permission("staff", "", "groups"), "Your groups", group="Staff directory", claims=("groups",))


class StaffDirectory(ScopeProvider):
    name, title = "staff", "Staff directory"

    async def catalogue(self):
        return [GROUPS]

    async def held(self, subject, permissions, choices):
        listed = subject.user and subject.user.username in DIRECTORY
        return dict.fromkeys(permissions, "the staff directory") if listed else {}

    async def claims(self, subject, permissions, choices):
        return {"groups": DIRECTORY[subject.user.username]}


@hookimpl
def register_scopes():
    return StaffDirectory()
