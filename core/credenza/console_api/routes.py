"""A request to the console, what answers it, and where that stands: in the menu, or as a part of another page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..events import ObjectChanged
from ..plugins import must_be_async
from ..protocol.names import as_kept, as_typed
from ..protocol.parameters import Parameters
from ..server import AuthorizationServer
from ..store.sessions import Session
from ..store.users import User
from ..web.moments import Moment
from ..web.pages import Page
from ..web.requests import AnyRequest, address_of, query_parameters
from ..web.responses import AnyResponse
from .addresses import Link
from .pages import ConsoleDone, ConsoleView, ShownPanel


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleVisit:
    """One request to the console that was let in. `form` and `files` (names to bytes) are of a POST, already checked.

    `may` answers for the reader's role; `secret` is what a ConsoleDone left for this page.
    """

    request: AnyRequest
    server: AuthorizationServer
    session: Session
    user: User
    may: Callable[[str], bool]
    shown_panels: Callable[[ConsoleVisit, str, Any], Awaitable[Sequence[ShownPanel]]]
    form: Parameters
    files: Mapping[str, bytes] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict)

    @property
    def query(self) -> Parameters:
        """The parameters of the address."""
        return query_parameters(self.request)

    def moment(self, at: int | None) -> Moment | None:
        """A Unix time, to be shown as "3 minutes ago"; None stays None."""
        return Moment(at, self.server.now()) if at else None

    def typed(self, *fields: str, kept: str = "") -> dict[str, str]:
        """What stands in these fields of the form, without spaces around it; the `name` in the form that names are
        kept in, or as it is `kept` when it looks the same.
        """
        typed = {name: self.form.get(name, "").strip() for name in fields}
        return typed | ({"name": as_kept(typed["name"], (kept,))} if "name" in typed else {})

    def confirms(self, name: str) -> bool:
        """Whether the form's `confirm` is a name as the page shows it, in which several spaces look like one."""
        return as_typed(self.form.get("confirm", "")) == as_typed(name)

    def translations(self, name: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """A text in other languages, as the form has it in its fields `{name}-{tag}` (`ui.translations` draws them).

        The texts by language, what was typed by the names of the fields, and what is wrong by those.
        """
        typed = {f"{name}-{tag}": self.form.get(f"{name}-{tag}", "").strip() for tag in self.server.languages.tags}
        texts, wrong = dict[str, str](), dict[str, str]()
        for field_name, text in typed.items():
            tag = field_name.removeprefix(f"{name}-")
            try:
                texts |= self.server.languages.translations({tag: text})
            except ValueError as error:
                wrong[field_name] = f"{str(error).capitalize()}."
        return texts, typed, wrong

    async def panels(self, about: str, target: Any) -> Sequence[ShownPanel]:
        """What plugins have to show about something: `await visit.panels("user", user)`."""
        return await self.shown_panels(self, about, target)

    async def changed(
        self,
        kind: str,
        action: str,
        target: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        client: str = "",
        user: str = "",
    ) -> None:
        """Write into the audit log what this administrator changed, in the transaction that changes it. No secrets."""
        await self.server.emit(
            ObjectChanged(
                actor=self.user.id,
                user=user,
                client=client,
                target=target,
                address=address_of(self.request),
                kind=kind,
                action=action,
                before=before or {},
                after=after or {},
            )
        )


Handle = Callable[..., Awaitable[ConsoleView | ConsoleDone | AnyResponse]]


@dataclass(frozen=True, slots=True)
class ConsoleRoute:
    """One method of one address, who may use it ("roles:read", "roles:write"), and what answers.

    `handle` takes the ConsoleVisit and the parameters of the path, by their names. Reading permissions end in ":read";
    whatever changes something has another one. With `uploads` a form may be multipart/form-data.
    """

    method: str
    path: str
    permission: str
    handle: Handle
    uploads: bool = False

    def __post_init__(self) -> None:
        must_be_async(self.handle, f"answers {self.method} {self.path}")


def console_get(path: str, permission: str) -> Callable[[Handle], ConsoleRoute]:
    """Makes a route of an async function that takes a ConsoleVisit and the path's parameters; returns a ConsoleView."""
    return lambda handle: ConsoleRoute("GET", path, permission, handle)


def console_post(path: str, permission: str, *, uploads: bool = False) -> Callable[[Handle], ConsoleRoute]:
    """Each has a `console_get` at the same path: who must sign in again comes back there."""
    return lambda handle: ConsoleRoute("POST", path, permission, handle, uploads)


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """An entry of the menu, in one of the sections Directory, Policy and System (or a new one), with its routes.

    It is shown to those who may use the route at `path`. Lower `order` is higher up. `find` is asked by the search for
    what the page is about: a few links to the things that are called like these words (never empty).
    """

    title: str
    path: str
    routes: tuple[ConsoleRoute, ...]
    icon: str = "plug"
    section: str = "Directory"
    order: int = 500
    find: Callable[[ConsoleVisit, str], Awaitable[Sequence[Link]]] | None = None


@dataclass(frozen=True, slots=True)
class ConsolePanel:
    """A part of a page `about` something: "application" (given a Client), "user" (given a User) or "overview" (None).

    `show` returns a ConsoleView whose template is the panel alone, without layout, or None for nothing. It is shown to
    those who hold `permission`. `routes` take its forms.
    """

    title: str
    about: str
    permission: str
    show: Callable[[ConsoleVisit, Any], Awaitable[ConsoleView | None]]
    routes: tuple[ConsoleRoute, ...] = ()
    order: int = 500


@dataclass(frozen=True, slots=True)
class ConsolePreview:
    """A page of users that a plugin brings, for the previews of the console.

    `show` makes it for a user, of whom it writes nothing; without one it makes up somebody. None for nothing to show.
    """

    name: str
    title: str
    show: Callable[[ConsoleVisit, User | None], Awaitable[Page | None]]
