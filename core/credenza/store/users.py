"""Users: their accounts, and how they are found, listed and counted. What a search finds is in `user_search.py`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from piccolo.columns import Column
from piccolo.columns.combination import WhereRaw

from ..protocol.documents import read_json
from ..protocol.names import as_identifier, in_one_form
from ..protocol.tokens import new_id
from .batches import pages
from .engine import Statement, database
from .lists import count_up_to, in_order
from .statements import names, select
from .user_rows import InvitationRow, UserRow
from .user_search import MANY as MANY  # for plugins: `users.MANY`
from .user_search import matching, words_of


@dataclass(frozen=True, slots=True)
class User:
    """An account. `id` is its subject identifier: never reused, and never like a client id.

    `profile` holds standard claims by their names (OpenID Connect Core §5.1); `custom_data` is the company's own.
    `administrator` is the name of an administrator's role, or empty.
    """

    id: str
    username: str
    email: str | None = None
    email_verified: bool = False
    phone_number: str = ""
    phone_number_verified: bool = False
    profile: Mapping[str, Any] = field(default_factory=dict)
    custom_data: Mapping[str, Any] = field(default_factory=dict)
    password_hash: str | None = field(default=None, repr=False)
    password_changed_at: int | None = None
    administrator: str = ""
    suspended: bool = False
    password_change_required: bool = False
    created_at: int = 0
    updated_at: int = 0
    last_sign_in_at: int | None = None

    @property
    def must_change_password(self) -> bool:
        """Whoever signs in without one has none to change."""
        return self.password_change_required and self.password_hash is not None

    @property
    def display_name(self) -> str:
        return str(self.profile.get("name") or self.username)

    @property
    def handle(self) -> str:
        """What is theirs for sure: their email address if it is confirmed, else their user name."""
        return self.email if self.email and self.email_verified else self.username

    def answers_to(self, identifier: str) -> bool:
        """Whether that user name or email address is theirs for sure: an address is when they have confirmed it."""
        return self.email_verified or as_identifier(identifier) != self.email


def new_user_id() -> str:
    return "u" + new_id()


JOINED = ", ".join(f'u."{name}" AS user_{name}' for name in User.__slots__)
"""The columns of an account `u` in a row of something that hangs on it, for `joined_user`."""
_JOINED = tuple(f"user_{name}" for name in User.__slots__)


def _user(row: Mapping[str, Any], columns: Sequence[str] = User.__slots__) -> User:
    values = dict(zip(User.__slots__, [row[column] for column in columns], strict=True))
    values["profile"], values["custom_data"] = read_json(values["profile"]), read_json(values["custom_data"])
    return User(**values)


def joined_user(row: Mapping[str, Any]) -> User:
    """From a row of a statement that joins users, with the columns that JOINED names."""
    return _user(row, _JOINED)


def _columns(user: User) -> dict[Any, Any]:
    values: dict[Any, Any] = {name: getattr(user, name) for name in User.__slots__}
    return values | {
        "profile": json.dumps(dict(user.profile)),
        "custom_data": json.dumps(dict(user.custom_data)),
        "words": words_of(user.username, user.email or "", str(user.profile.get("name") or "")),
    }


_FIND = select(UserRow, "id = {}")
_HOLD = select(UserRow, "id = {}", locks=True)
_CONFIRMED = select(UserRow, "email = {} AND id <> {} AND email_verified = {} LIMIT 1")
_NAMED = select(UserRow, "username = {}")
_BY_CHARACTERS = Statement(
    f"DECLARE every_user NO SCROLL CURSOR FOR SELECT {names(UserRow)} FROM credenza_user "  # noqa: S608  # names of columns and tables
    'ORDER BY username COLLATE "C"'
)
_NEXT = Statement("FETCH 500 FROM every_user")
_ENOUGH = Statement("CLOSE every_user")
_IDENTIFY = select(  # who has the address longest comes first
    UserRow,
    "username = {} OR email = {} "
    "ORDER BY email_verified DESC, COALESCE(email_since, created_at), created_at, id LIMIT 3",
)
_SINCE = Statement("UPDATE credenza_user SET email_since = {} WHERE id = {} AND (email IS NULL OR email <> {})")


async def find_user(user_id: str) -> User | None:
    row = await _FIND.first(user_id)
    return _user(row) if row else None


async def hold_user(user_id: str) -> User | None:
    """The account, which nobody else changes until the transaction ends."""
    row = await _HOLD.first(user_id)
    return _user(row) if row else None


async def find_user_by_identifier(identifier: str) -> User | None:
    """By user name, else by an email address: whoever alone has confirmed it, or alone has it. In any letter case, and
    in any form of Unicode; an account that is kept in another one (`list_other_forms`) is the one who types that.
    """
    called = await _called(identifier)
    return called[0] if len(called) == 1 else None


async def find_user_signing_in(identifier: str) -> User | None:
    """Who is to prove that they are meant by it. Of several who have an address that nobody has confirmed it is the one
    who has had it longest; else as `find_user_by_identifier`, which is asked wherever somebody is given something.
    """
    called = await _called(identifier)
    return called[0] if len(called) == 1 or (called and not called[0].email_verified) else None


async def _called(identifier: str) -> list[User]:
    """Whoever may be meant, first who has had the address longest."""
    typed, identifier = identifier.strip().lower(), as_identifier(identifier)
    if not identifier or len(typed) > 320:
        return []
    if typed != identifier and (row := await _NAMED.first(typed)):
        return [_user(row)]
    rows = await _IDENTIFY.all(identifier, identifier)
    by_name = [row for row in rows if row["username"] == identifier]
    return [_user(row) for row in by_name or [row for row in rows if row["email_verified"]] or rows]


async def find_confirmed_owner(email: str, but: str = "") -> User | None:
    """Whose confirmed address this is, when it is not that of the user `but`.

    Several accounts may have an address as long as nobody has confirmed it: see `find_user_signing_in`.
    """
    row = await _CONFIRMED.first(as_identifier(email), but, True)
    return _user(row) if row else None


async def insert_user(user: User) -> None:
    """Raises AlreadyExists when the username is taken, in whatever form."""
    await UserRow.insert(UserRow(**_columns(replace(user, username=as_identifier(user.username)))))


async def update_user(user: User) -> None:
    """Write all of it but id, creation and last sign-in; `edit_user` writes some members only."""
    values = _columns(user)
    del values["id"], values["created_at"], values["last_sign_in_at"]
    await _SINCE.all(user.updated_at, user.id, user.email or "")
    await UserRow.update(values).where(UserRow.id == user.id)


async def edit_user(user: User, names: Iterable[str]) -> None:
    """Write these members of the account only: whatever else is changed meanwhile stays.

    With another `email`, links that were mailed to the one before open nothing any more, and they have it since
    `updated_at`. Call it in a transaction. Raises AlreadyExists when another `username` is taken.
    """
    names = set(names)
    if "username" in names:
        user = replace(user, username=as_identifier(user.username))
    columns = _columns(user)
    if "email" in names:
        await delete_invitations(user.id)
        await _SINCE.all(user.updated_at, user.id, user.email or "")
    names |= {"words"} if names & {"username", "email", "profile"} else set()
    await UserRow.update({name: columns[name] for name in names}).where(UserRow.id == user.id)


async def update_password(user_id: str, stored: str, now: int) -> None:
    """Only the password: what else was changed while it was being hashed stays."""
    u = UserRow
    values: dict[Any, Any] = {u.password_hash: stored, u.password_changed_at: now, u.updated_at: now}
    values[u.password_change_required] = False
    await u.update(values).where(u.id == user_id)


async def replace_hash(user_id: str, old: str, new: str) -> None:
    """The same password, hashed anew; nothing happens when it was changed meanwhile."""
    u = UserRow
    await u.update({u.password_hash: new}).where((u.id == user_id) & (u.password_hash == old))


async def touch_user(user_id: str, now: int) -> None:
    """Note the time of the last sign-in."""
    await UserRow.update({UserRow.last_sign_in_at: now}).where(UserRow.id == user_id)


async def delete_user(user_id: str) -> bool:
    """Remove the account; its sessions, consents, codes and tokens go with it."""
    return bool(await UserRow.delete().where(UserRow.id == user_id).returning(UserRow.id))


async def delete_invitations(user_id: str) -> None:
    """All links that set their password."""
    await InvitationRow.delete().where(InvitationRow.user == user_id)


async def list_users(
    *,
    search: str = "",
    state: str = "",
    order: str = "username",
    descending: bool = False,
    offset: int = 0,
    limit: int = 50,
    among: Any = None,
) -> list[User]:
    """`state` is "active", "suspended", "invited" (no password yet) or "administrator"; `among` comes from `among`."""
    orders = {
        "username": UserRow.words,  # which begin with it
        "created_at": UserRow.created_at,
        "last_sign_in_at": UserRow.last_sign_in_at,
    }
    column = orders.get(order, UserRow.words)
    query = in_order(UserRow.select(UserRow.id), column, descending=descending)
    query = query.where(*await _wanted(search, state, among))
    # Whoever is found is read afterwards: the search itself reads nothing but an index.
    ids = [row["id"] for row in await query.offset(offset).limit(limit)]
    found = await list_users_by_id(ids)
    return [found[user_id] for user_id in ids if user_id in found]


async def every_user() -> AsyncIterator[User]:
    """By user name, each once, whoever comes and goes meanwhile."""
    async for page in pages(UserRow.username):
        for row in page:
            yield _user(row)


async def in_one_order() -> AsyncIterator[User]:
    """By the characters of their user names, whatever the database's own order is. Call it in a `snapshot`."""
    if database().engine_type != "postgres":  # the others have no other order
        async for user in every_user():
            yield user
        return
    await _BY_CHARACTERS.all()
    while rows := await _NEXT.all():
        for row in rows:
            yield _user(row)
    await _ENOUGH.all()  # a plugin's section may ask in the same transaction


NOT_ASCII = "OCTET_LENGTH(username) > CHAR_LENGTH(username)"  # all other names are in one form
NOT_ASCII_IN_SQLITE = "LENGTH(CAST(username AS BLOB)) > LENGTH(username)"


async def list_other_forms(most: int) -> list[tuple[User, User | None]]:
    """Accounts whose user name is not in the form that names are kept in, each with the one that has it in that form:
    migration 0005 left them theirs.
    """
    found: list[tuple[User, User | None]] = []
    others = WhereRaw(NOT_ASCII_IN_SQLITE if database().engine_type == "sqlite" else NOT_ASCII)
    async for page in pages(UserRow.username, others):
        for row in page:
            if (name := in_one_form(row["username"])) != row["username"] and len(found) < most:
                found.append((_user(row), await find_user_by_identifier(name)))
    return found


STATES: dict[str, Any] = {  # what few are is written as in the index of it, in migration 0002
    "active": UserRow.suspended.eq(False) & UserRow.password_hash.is_not_null(),
    "suspended": WhereRaw("suspended"),
    "invited": WhereRaw("password_hash IS NULL AND NOT suspended"),
    "administrator": WhereRaw("administrator <> ''"),
}


async def among(user: Column, condition: Any) -> Any:
    """Who is named by that column of another table, in rows for which the condition holds.

    Few are sorted by name. Of many it takes SQLite less to go through everybody by name until a page is full; it does
    what stands here, where PostgreSQL finds out by itself.
    """
    table = user._meta.table
    if not await table.select(user).where(condition).offset(MANY).limit(1):
        return UserRow.id.is_in(table.select(user).where(condition))
    theirs = WhereRaw(f"{user._meta.get_full_name(with_alias=False)} = credenza_user.id")
    return WhereRaw("EXISTS ({})", table.select(user).where(condition, theirs).querystrings[0])


async def count_among(user: Column, condition: Any, *, search: str = "") -> int:
    """How many of them a search finds, as `count_users` says; where nothing is searched for, the rows, each of which is
    about one of them."""
    if search.strip():
        return await count_users(search=search, among=await among(user, condition))
    return int(await user._meta.table.count().where(condition))


async def count_users(*, search: str = "", state: str = "", among: Any = None) -> int:
    """Of what a search finds, `lists.count_up_to` MANY."""
    if state == "active" and not search.strip() and among is None:  # else each of very many would be looked at
        return await count_users() - sum([await count_users(state=other) for other in ("suspended", "invited")])
    wanted = await _wanted(search, state, among)
    if not search.strip():
        return int(await UserRow.count().where(*wanted))
    return await count_up_to(MANY, UserRow.select(UserRow.id).where(*wanted))


async def _wanted(search: str, state: str, among: Any) -> list[Any]:
    wanted = [STATES[state]] if state in STATES else []
    wanted += [await matching(search)] if search.strip() else []
    return wanted if among is None else [*wanted, among]


async def list_users_by_id(ids: list[str]) -> dict[str, User]:
    if not ids:
        return {}
    return {row["id"]: _user(row) for row in await UserRow.select().where(UserRow.id.is_in(ids))}


async def list_administrators() -> list[User]:
    query = UserRow.select().where(STATES["administrator"]).order_by(UserRow.words)
    return [_user(row) for row in await query.limit(1000)]


async def count_administrators(role: str = "full") -> int:
    """How many could still sign in and administer everything."""
    condition = (UserRow.administrator == role) & (UserRow.suspended.eq(False))
    return int(await UserRow.count().where(STATES["administrator"], condition))
