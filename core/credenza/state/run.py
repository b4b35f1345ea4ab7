"""One pass over a desired-state file, and what it changes."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..events import ObjectChanged
from ..protocol.names import as_identifier
from ..protocol.words import Translated
from ..server import AuthorizationServer
from ..store import users
from ..store.engine import alone
from ..store.users import User
from ..store.version import bump_version
from ..web.passwords import Passwords

ACTOR = "desired state"
HEARING = 16  # listeners that hear of changes, while more are made
NOTHING: Mapping[str, Any] = MappingProxyType({})


class StateError(Exception):
    """What is wrong with the file, and where."""


@dataclass(slots=True)
class Change:
    """One object. `made` holds what was generated: ids, secrets, links; `before` and `after` what an update changes."""

    action: str
    kind: str
    name: str
    before: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    after: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    made: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    def as_json(self) -> dict[str, Any]:
        differs = {"before": dict(self.before), "after": dict(self.after)} if self.action == "updated" else {}
        return {"kind": self.kind, "name": self.name, **self.made, **differs}


@dataclass(slots=True)
class Run:
    """One pass over a file: `dry` writes nothing, `prune` removes what the file does not name.

    Sections note what the file declares in `declared` (kind to names): later ones may refer to it in a dry pass, and
    not to what is noted in `removed`. `renamed` are new names of users to their ids. Scopes that a section brings are
    of the kind "permission", by their `Permission.key`: then applications of the same file may have them. `changes` are
    those that were made. What took long to find out about a password is `checked`: the hash that is stored, by the
    user's name and the hash that was stored before.
    """

    server: AuthorizationServer
    passwords: Passwords
    folder: Path
    dry: bool
    prune: bool = False
    progress: Callable[[], None] | None = None
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    declared: dict[str, set[str]] = field(default_factory=dict)
    removed: dict[str, set[str]] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    checked: dict[tuple[str, str], str] = field(default_factory=dict)
    _named: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False)

    def once(self, kind: str, name: str) -> None:
        """Raises StateError when the file has this object a second time: the first would be overwritten in silence."""
        if (kind, name) in self._named:
            raise StateError(f"{kind} {name} is in the file twice")
        self._named.add((kind, name))

    def knows(self, kind: str, name: str, *, there: bool) -> bool:
        """Whether the file may refer to it: declared, or `there` in the database and not removed in this run."""
        return name in self.declared.get(kind, ()) or (there and name not in self.removed.get(kind, ()))

    def rename(self, user: User, username: str) -> None:
        """Note a user's new name: from here on the file means them by this one only."""
        self.renamed[username] = user.id
        self.removed.setdefault("user", set()).add(user.username)

    async def find_user(self, identifier: str) -> User | None:
        """Whom the file means by a user name, or an email address, as they are called from here on.

        Raises StateError for an address that neither they have confirmed nor the file says is theirs.
        """
        if (user_id := self.renamed.get(name := as_identifier(identifier))) is not None:
            user = await users.find_user(user_id)
            return replace(user, username=name) if user is not None else None
        user = await users.find_user_by_identifier(identifier)
        said = self.declared.get("email of", set())
        if user is not None and not user.answers_to(identifier) and said.isdisjoint((user.username, user.id)):
            raise StateError(f"nobody has confirmed {identifier}; if {user.username} is meant, name them so")
        if user is None or user.username not in self.removed.get("user", ()):
            return user
        if as_identifier(user.username) == name:  # which is theirs no more
            return None
        return next((replace(user, username=new) for new, user_id in self.renamed.items() if user_id == user.id), None)

    async def change(
        self,
        action: str,
        kind: str,
        name: str,
        write: Callable[[], Awaitable[Mapping[str, Any] | None]],
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        user: str = "",
    ) -> None:
        """Note a change, and unless this is a dry pass make it: `write` returns what it generated, if anything.

        What servers keep of the configuration, they read anew.
        """
        change = Change(action, kind, name)
        if action == "updated":  # of a million that are created, it would be in memory for nobody
            change.before, change.after = before or {}, after or {}
        if action == "deleted":
            self.removed.setdefault(kind, set()).add(name)
        if not self.dry:
            written = False
            try:
                async with alone():  # or a form that is saved at this moment undoes it
                    change.made = await write() or NOTHING
                    await bump_version()
                    await self.note(action, kind, name, before=before, after=after, user=user)
                    written = True
            except CancelledError:
                if written:  # whether it is kept is not known, and if it is, its secrets are nowhere else
                    self.changes.append(change)
                raise
        self.changes.append(change)
        if self.progress is not None:
            self.progress()
        if not self.dry:
            await self.server.heard(but=HEARING)

    async def note(
        self,
        action: str,
        kind: str,
        name: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        user: str = "",
    ) -> None:
        """Say in the audit log what is done, to the `user` of an id; call it in the transaction that does it."""
        event = ObjectChanged(
            actor=ACTOR, user=user, kind=kind, action=action, target=name, before=before or {}, after=after or {}
        )
        await self.server.emit(event)

    def translated(self, members: Mapping[str, Any], name: str, before: Translated | None = None) -> Translated:
        """A member and its `translations`; what is not given stays as it was before.

        Raises StateError for a language that the pages do not have.
        """
        before = before or Translated("", {})
        text = str(members[name] or "") if name in members else str(before)
        try:
            said = self.server.languages.translations(members.get("translations") or {})
        except ValueError as error:
            raise StateError(f"{text}: {error}") from error
        return Translated(text, said if "translations" in members else before.translations)

    async def compare(
        self,
        kind: str,
        name: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
        write: Callable[[], Awaitable[Mapping[str, Any] | None]],
        *,
        user: str = "",
    ) -> None:
        """Created when there was nothing before, updated when something differs; only the difference is noted."""
        self.declared.setdefault(kind, set()).add(name)
        if before is None:
            await self.change("created", kind, name, write, after=after, user=user)
            return
        differing = [key for key in after if before.get(key) != after[key]]
        if differing:
            await self.change(
                "updated",
                kind,
                name,
                write,
                before={key: before.get(key) for key in differing},
                after={key: after[key] for key in differing},
                user=user,
            )
