"""What operators get: a subcommand of `credenza`, and a section of the desired-state file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..protocol.clients import Client
from ..store.users import User


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand of `credenza`: `run` gets the rest of the command line and returns the exit status; None is 0."""

    name: str
    help: str
    run: Callable[[Sequence[str]], int | None]


@dataclass(frozen=True, slots=True)
class StateSection:
    """A part of the desired-state file that a plugin owns.

    `apply` gets the part as it stands in the file, and makes each change through `StateRun.compare` or `change`, which
    write nothing while the file is only tried. `export` gives the part as it is now; where that is a list which may be
    very long, it is an async generator of its entries, and nobody holds all of them in memory. Sections are applied by
    `order`; users come at 400, applications at 600. `user_keys` are members of a user in the file that belong to this
    section: `apply_user(run, user, members)` and `export_user(user)` handle them. For applications it is the same.
    """

    name: str
    order: int
    apply: Callable[[Any, Any], Awaitable[None]]
    export: Callable[[], Awaitable[Any] | AsyncIterator[Any]]
    user_keys: tuple[str, ...] = ()
    apply_user: Callable[[Any, User, Mapping[str, Any]], Awaitable[None]] | None = None
    export_user: Callable[[User], Awaitable[Mapping[str, Any]]] | None = None
    client_keys: tuple[str, ...] = ()
    apply_client: Callable[[Any, Client, Mapping[str, Any]], Awaitable[None]] | None = None
    export_client: Callable[[Client], Awaitable[Mapping[str, Any]]] | None = None
