"""The section `users`."""

from __future__ import annotations

from asyncio import gather
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from ..administrators import ADMINISTRATOR_ROLES, LastAdministrator, hold_administrators, is_raised
from ..events import EmailChanged
from ..invitations import invite
from ..logout import end_all_sessions, end_most_sessions
from ..objects import StateSection
from ..protocol.email_addresses import email_mistake
from ..protocol.names import as_identifier, name_mistake, username_mistake
from ..store import users
from ..store.clearing import clear_user
from ..store.engine import database
from ..store.reach import count_open
from ..store.user_rows import USER_ID
from ..store.users import User
from ..suspension import suspend_user
from ..web.new_password import require_new_password, set_password
from .members import ANYTHING, FLAG, MAPPING, TEXT, StateMember, check_keys
from .run import ACTOR, Run, StateError
from .user_passwords import Declared, hash_to_store

MEMBERS = {
    "username": StateMember(str, required=True),
    "id": TEXT,
    "password": TEXT,
    "password_hash": TEXT,
    "email": TEXT,
    "email_verified": FLAG,
    "phone_number": StateMember(str, most=50),
    "phone_number_verified": FLAG,
    "profile": MAPPING,
    "custom_data": MAPPING,
    "administrator": ANYTHING,
    "suspended": FLAG,
    "password_change_required": FLAG,
}
PLAIN = (
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "profile",
    "custom_data",
    "suspended",
    "password_change_required",
)
WRITTEN = (*PLAIN, "username", "email", "administrator")
# What the standard claims are, so that libraries can read them. OpenID Connect Core §5.1.
PROFILE = {
    **dict.fromkeys(("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username"), TEXT),
    **dict.fromkeys(("profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"), TEXT),
    "address": MAPPING,
}
NAMES = ("name", "given_name", "family_name")  # of those, what the console shows and checks
OPEN = ("sessions", "tokens")
LAST = "is the last administrator, and stays one"
AT_ONCE = 16  # whose passwords are hashed at the same time, on as many processors as there are


def section(plugin_sections: Sequence[StateSection]) -> StateSection:
    """Plugins may own members of a user: roles, for example."""
    extensions = [s for s in plugin_sections if s.user_keys]

    async def apply(items: Any, run: Run) -> None:
        emails = run.declared.setdefault("email of", set())
        emails |= {
            as_identifier(str(item.get(name)))  # by the id whoever is renamed is known
            for item in items or []
            for name in ("username", "id")
            if isinstance(item, dict) and "email" in item
        }
        rest = iter(items or [])
        while people := [await _read(run, item, extensions) for item in islice(rest, AT_ONCE)]:
            hashes = await gather(*(hash_to_store(run, person) for person in people))
            for person, password_hash in zip(people, hashes, strict=True):
                try:
                    await _apply_user(run, person, password_hash, extensions)
                except LastAdministrator as error:
                    raise StateError(f"{person.after.username}: {LAST}") from error
        if run.prune:
            await _prune(run, run.declared.get("user", set()))

    async def export() -> AsyncIterator[dict[str, Any]]:
        async for user in users.in_one_order():
            yield await _export_user(user, extensions)

    return StateSection("users", 400, apply, export)


async def _read(run: Run, item: Any, extensions: Sequence[StateSection]) -> Declared:
    extra = dict.fromkeys((key for section in extensions for key in section.user_keys), ANYTHING)
    members = check_keys(item, MEMBERS | extra, "a user")
    username = as_identifier(members["username"])
    if message := username_mistake(username) or email_mistake(as_identifier(members.get("email", ""))):
        raise StateError(f"{username}: {message}")
    before = await users.find_user_by_identifier(members["username"])
    before = before if before is not None and as_identifier(before.username) == username else None
    declared = members.get("id", "")
    if before is not None:
        username = before.username
    elif declared and (before := await users.find_user(declared)) is not None:
        run.once("user", before.username)
        run.rename(before, username)
    run.once("user", username)
    user_id = _id(run, username, declared, before)
    after = _declared(members, replace(before or User(user_id, "", created_at=run.server.now()), username=username))
    return Declared(members, before, after)


async def _apply_user(
    run: Run, person: Declared, password_hash: str | None, extensions: Sequence[StateSection]
) -> None:
    members, before, after = person
    username = after.username
    stays = after.administrator == "full" and not after.suspended
    was = before is not None and before.administrator == "full" and not before.suspended
    if stays and not was:
        run.declared.setdefault("administrator", set()).add(username)
    elif was and not stays:
        if await _administrators(run) <= 1:
            raise StateError(f"{username}: {LAST}")
        run.removed.setdefault("administrator", set()).add(username)

    async def write() -> dict[str, Any]:
        now = run.server.now()
        user = replace(after, password_hash=password_hash, updated_at=now)
        if before is None:
            await users.insert_user(replace(user, password_changed_at=now if password_hash else None))
            made: dict[str, Any] = {"id": user.id}
            if password_hash is None:
                made["invitation"] = await invite(run.server, purpose="password", user_id=user.id)
            return made
        await _update(run, before, user)
        return {"id": user.id}

    shown_before = _shown(before) if before is not None else None
    shown_after = {
        key: value for key, value in _shown(after).items() if before is None or key in members or key == "username"
    }
    if before is not None and password_hash != before.password_hash:
        assert shown_before is not None
        shown_before["password"], shown_after["password"] = "…", "… (changed)"
    if before is not None and _ends(before, replace(after, password_hash=password_hash)):
        assert shown_before is not None
        shown_before |= await _open(run, before)
        shown_after |= dict.fromkeys(OPEN, 0)
        if not run.dry:
            await end_most_sessions(run.server, before.id)
    await run.compare("user", username, shown_before, shown_after, write, user=after.id)
    await _warn_of_shared(run, after)  # whoever confirms the address from now on is refused
    for section in extensions:
        mine = {key: members[key] for key in section.user_keys if key in members}
        if section.apply_user is not None and (mine or before is None):
            await section.apply_user(run, after, mine)


async def _administrators(run: Run) -> int:
    """How many may do everything when the file is applied up to here; a dry pass has written nothing of it."""
    now = await users.count_administrators()
    if not run.dry:
        return now
    return now + len(run.declared.get("administrator", ())) - len(run.removed.get("administrator", ()))


def _id(run: Run, username: str, declared: str, before: User | None) -> str:
    """What applications know the user by, and fixed. Raises StateError."""
    if not declared or (before is not None and declared == before.id):
        return before.id if before is not None else users.new_user_id()
    if before is not None:
        raise StateError(f"{username}: id was fixed at creation")
    if not USER_ID.fullmatch(declared):
        raise StateError(f"{username}: id is u and 30 hexadecimal digits, as `credenza export` writes it")
    run.once("user with the id", declared)
    return declared


async def _warn_of_shared(run: Run, user: User) -> None:
    """A confirmed address is one account's, or nobody signs in with it."""
    claimed = run.declared.setdefault("confirmed", set())
    owner = await users.find_confirmed_owner(user.email, user.id) if user.email else None
    if user.email in claimed or (owner is not None and run.declared["email of"].isdisjoint((owner.username, owner.id))):
        run.warnings.append(
            f"users: {user.username}: somebody else has confirmed {user.email}; nobody signs in with it"
        )
    if user.email and user.email_verified:
        claimed.add(user.email)


def _ends(before: User, after: User) -> bool:
    """Whether everything that is open ends: nobody stays signed in who may not be the one that the account is for."""
    return (
        (after.suspended and not before.suspended)
        or (after.password_change_required and not before.password_change_required)
        or after.password_hash != before.password_hash
    )


async def _open(run: Run, user: User) -> dict[str, int]:
    alive, reach = await count_open(user.id, run.server.now())
    return dict(zip(OPEN, (alive, reach.tokens), strict=True))


async def _update(run: Run, before: User, user: User) -> None:
    """Write what differs, and end what ends with it, as the console does: whatever else is changed meanwhile stays."""
    held = await users.hold_user(user.id)
    if held is None:
        raise StateError(f"{user.username}: was deleted meanwhile; apply the file once more")
    if user.suspended and not before.suspended:
        await suspend_user(run.server, user)
    elif before.administrator == "full" != user.administrator:
        await hold_administrators(user)
    differing = [name for name in WRITTEN if getattr(user, name) != getattr(before, name)]
    for name in ("email", "phone_number"):
        if name in differing and (flag := f"{name}_verified") not in differing:
            differing.append(flag)  # the former one may have been confirmed meanwhile
    if user.password_hash is not None and user.password_hash != before.password_hash:
        if held.password_hash != before.password_hash:
            raise StateError(f"{user.username}: the password was changed meanwhile; apply the file once more")
        await set_password(run.server, user, user.password_hash, through="desired state", address="", actor=ACTOR)
        differing.append("password_change_required")  # it is not any more, unless the file says so
    await users.edit_user(user, (*differing, "updated_at"))
    if "email" in differing and user.email != held.email:
        changed = EmailChanged(actor=ACTOR, user=user.id, before=held.email or "", after=user.email or "")
        await run.server.emit(changed)
    required = user.password_change_required
    if required != before.password_change_required:
        await require_new_password(run.server, user, required=required, actor=ACTOR, sign_out=required)
    if is_raised(before.administrator, user.administrator):
        await end_all_sessions(run.server, user.id)


def _declared(members: Mapping[str, Any], user: User) -> User:
    values: dict[str, Any] = {key: members[key] for key in PLAIN if key in members}
    for name, value in members.get("profile", {}).items():
        if name in PROFILE and (wrong := PROFILE[name].wrong(value)):
            raise StateError(f"{user.username}: profile: {name} is {wrong}")
        if name in NAMES and value != user.profile.get(name) and (wrong := name_mistake(value, 200)):
            raise StateError(f"{user.username}: profile: {name}: {wrong}")
    if "email" in members:
        values["email"] = as_identifier(members["email"]) or None
    for name in ("email", "phone_number"):
        if values.get(name, getattr(user, name)) != getattr(user, name):
            values.setdefault(f"{name}_verified", False)  # that was about the one before
    if "administrator" in members:
        values["administrator"] = _administrator(user.username, members["administrator"])
    return replace(user, **values)


def _administrator(username: str, wanted: object) -> str:
    """`true` is the role that may do everything."""
    if wanted is True:
        return "full"
    if wanted in (False, None, ""):
        return ""
    if isinstance(wanted, str) and wanted in ADMINISTRATOR_ROLES:
        return wanted
    raise StateError(f"{username}: administrator is true, false, or one of {', '.join(ADMINISTRATOR_ROLES)}")


def _shown(user: User) -> dict[str, Any]:
    """Members as they stand in the file, but for the password."""
    return {
        "username": user.username,
        "email": user.email or "",
        "email_verified": user.email_verified,
        "phone_number": user.phone_number,
        "phone_number_verified": user.phone_number_verified,
        "profile": dict(user.profile),
        "custom_data": dict(user.custom_data),
        "administrator": user.administrator,
        "suspended": user.suspended,
        "password_change_required": user.password_change_required,
    }


async def _export_user(user: User, extensions: Sequence[StateSection]) -> dict[str, Any]:
    shown = {"username": user.username, "id": user.id, **_shown(user)}
    members = {key: value for key, value in shown.items() if value not in ("", {}, False)}
    for section in extensions:
        if section.export_user is not None:
            members |= await section.export_user(user)
    return members


async def _prune(run: Run, keep: set[str]) -> None:
    """Remove users that the file does not name; never the last full administrator."""
    renamed = frozenset(run.renamed.values())
    async for user in users.every_user():
        if user.username in keep or user.id in renamed:
            continue
        stays = f"users: {user.username} stays, as the last administrator"
        if user.administrator == "full" and not user.suspended:
            if await _administrators(run) <= 1:
                run.warnings.append(stays)
                continue
            run.removed.setdefault("administrator", set()).add(user.username)

        async def write(user: User = user) -> None:
            async with database().transaction():
                await hold_administrators(user)
                await end_all_sessions(run.server, user.id)
                await users.delete_user(user.id)

        try:
            if not run.dry:
                await end_most_sessions(run.server, user.id)
                await clear_user(user.id, partial(_suspend, run, user))
            await run.change("deleted", "user", user.username, write, before=_shown(user))
        except LastAdministrator:  # the others went meanwhile
            run.warnings.append(stays)


async def _suspend(run: Run, user: User) -> None:
    """Before it goes a little at a time."""
    async with database().transaction():
        await suspend_user(run.server, user)
        if not user.suspended:
            await run.note("suspended", "user", user.username, before={"suspended": False}, after={"suspended": True})
