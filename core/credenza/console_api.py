"""What plugins and the admin console say to each other. The console is a plugin too; the core only lends the words.

A plugin brings pages with the hook `console_pages` and parts of other pages with `console_panels`. Both are the
console's hooks, so a plugin marks them `@hookimpl(optionalhook=True)` and also runs where there is no console:

    @console_get("/console/roles", "roles:read")
    async def list_roles(visit: ConsoleVisit) -> RoleList: ...

    @hookimpl(optionalhook=True)
    def console_pages() -> ConsolePage:
        return ConsolePage("Roles", "/console/roles", icon="shield", routes=(list_roles, …))

The console asks nobody in who has no right to come: before a handler is called, an administrator is signed in, their
role holds the route's permission, and a form carries its token. Templates extend `console:layout.html`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self
from urllib.parse import quote, unquote, urlencode

from .events import ObjectChanged
from .languages import Language
from .objects import Choices
from .protocol.clients import Branding, Client
from .protocol.parameters import Parameters
from .protocol.words import Translated
from .server import AuthorizationServer
from .store.sessions import Session
from .store.users import User
from .web.moments import Moment
from .web.pages import Page
from .web.requests import AnyRequest, address_of, query_parameters
from .web.responses import AnyResponse

MOST_PAGES = 100_000  # of a list; a larger number in an address is somebody's joke


@dataclass(frozen=True, slots=True)
class Link:
    """A word with an address. `current` is where the reader is."""

    title: str
    address: str
    icon: str = ""
    current: bool = False


def segment_of(identifier: str) -> str:
    """An identifier as one segment of a path, whatever is in it: slashes, dots, percent signs. `~` begins an escape."""
    return quote(identifier, safe="").replace("~", "~7E").replace("%", "~").replace(".", "~2E")


def identifier_of(segment: str) -> str:
    """The identifier again; empty when the segment holds what no identifier may."""
    identifier = unquote(segment.replace("~", "%"))
    return identifier if identifier.isprintable() else ""


@dataclass(frozen=True, slots=True)
class ConsoleFrame:
    """What stands around every page; the console fills it in. `may` tells what the reader's role allows."""

    menu: tuple[tuple[str, tuple[Link, ...]], ...] = ()
    account: str = ""
    role: str = ""
    csrf_token: str = ""
    notice: str = ""
    assets: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[Language, ...] = ()
    may: Callable[[str], bool] = lambda permission: False


@dataclass(kw_only=True)
class ConsoleView(Page):
    """A page of the console. Its template extends `console:layout.html`; `console:macros.html` has tables and fields.

    `lead` is a sentence below the title, `path` the way back up, `tabs` the page's neighbours. htmx gets the block
    named `fragment` only. `status` is of the answer: 422 when a form is shown again.
    """

    name: ClassVar[str] = "console"
    themed: ClassVar[bool] = False
    lead: str = ""
    path: tuple[Link, ...] = ()
    tabs: tuple[Link, ...] = ()
    fragment: str = ""
    status: int = 200
    translated: ClassVar[bool] = False
    frames: ClassVar[bool] = False
    """Whether it shows another page of ours in a frame (`own_frame`)."""
    frame: ConsoleFrame = field(default_factory=ConsoleFrame)

    def sent(self, response: AnyResponse) -> None:
        """The answer, just before it goes out: for a cookie of the page's own, say."""


@dataclass(kw_only=True)
class ConsoleForm(ConsoleView):
    """A page with a form: `values` as they were typed, `errors` by the name of their field (422 when there are any)."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def refused(self, errors: Mapping[str, str], **typed: str) -> Self:
        """The same page with what is wrong (422), and what was typed."""
        self.errors, self.status = errors, 422
        self.values = {**self.values, **typed}
        return self


def typed_of(name: str, text: Translated | None) -> dict[str, str]:
    """A text and its translations as the values of a form: `name`, and `{name}-{tag}` for each language.

    `{name}-said` is how many languages there are.
    """
    if text is None:
        return {name: ""}
    said = {f"{name}-{tag}": translation for tag, translation in text.translations.items()}
    return {name: str(text), **said, **({f"{name}-said": str(len(said))} if said else {})}


@dataclass(frozen=True, slots=True)
class ConsoleDone:
    """A form was taken: the browser goes on to `address` (303), where `notice` is shown, and `secret`, both once."""

    address: str
    notice: str = ""
    secret: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShownPanel:
    """A panel of another plugin as HTML of its own template; `html` is empty when the plugin failed."""

    title: str
    html: str


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
        return query_parameters(self.request)

    def moment(self, at: int | None) -> Moment | None:
        """A Unix time, to be shown as "3 minutes ago"; None stays None."""
        return Moment(at, self.server.now()) if at else None

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


def console_get(path: str, permission: str) -> Callable[[Handle], ConsoleRoute]:
    return lambda handle: ConsoleRoute("GET", path, permission, handle)


def console_post(path: str, permission: str, *, uploads: bool = False) -> Callable[[Handle], ConsoleRoute]:
    """Each has a `console_get` at the same path: who must sign in again comes back there."""
    return lambda handle: ConsoleRoute("POST", path, permission, handle, uploads)


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """An entry of the menu, in one of the sections Directory, Policy and System (or a new one), with its routes.

    It is shown to those who may use the route at `path`. Lower `order` is higher up.
    """

    title: str
    path: str
    routes: tuple[ConsoleRoute, ...]
    icon: str = "plug"
    section: str = "Directory"
    order: int = 500


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


@dataclass(kw_only=True)
class Branded:
    """Something whose branding the console edits: what is published, and what stands around the page that edits it.

    `owner` is the key of its drafts and versions ("organization 42"), at most 300 characters. `client` is the
    application it is previewed with, `choices` are the user's answers that lead to it.
    """

    owner: str
    address: str
    title: str
    branding: Branding
    lead: str = ""
    path: tuple[Link, ...] = ()
    tabs: tuple[Link, ...] = ()
    client: Client | None = None
    choices: Choices = field(default_factory=dict)


class BrandingEditor:
    """Who shows themselves on users' pages, beside the provider and its applications. Subclass it.

    The console brings the page at `path` ("/console/organizations/{organization:str}/branding"): with drafts, a live
    preview, and a way back. `permission` is the first half of what its routes ask for. `level` is where the branding
    stands in a page's Look: "provider", "application" or "context". `fields` are those of `Branding` that are edited.
    """

    path: ClassVar[str]
    permission: ClassVar[str]
    level: ClassVar[str] = "context"
    fields: ClassVar[tuple[str, ...]] = (
        "display_name",
        "terms_uri",
        "policy_uri",
        "primary_color",
        "dark_primary_color",
        "theme",
        "logo",
        "dark_logo",
        "favicon",
    )

    async def find(self, visit: ConsoleVisit, **parameters: str) -> Branded:
        """What the parameters of the path name; raises litestar's NotFoundException."""
        raise NotImplementedError

    async def publish(self, visit: ConsoleVisit, branded: Branded, branding: Branding) -> None:
        """Make it what users see, and say so in the audit log (`visit.changed`). A transaction is open."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ConsolePreview:
    """A page of users that a plugin brings, for the previews of the console.

    `show` makes it for a user, of whom it writes nothing; without one it makes up somebody. None for nothing to show.
    """

    name: str
    title: str
    show: Callable[[ConsoleVisit, User | None], Awaitable[Page | None]]


@dataclass(frozen=True, slots=True)
class Listing:
    """What of a table is shown: searched, sorted, and cut into pages; all of it is in the address."""

    address: str
    search: str = ""
    order: str = ""
    descending: bool = False
    page: int = 1
    size: int = 25
    total: int = 0
    filters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, visit: ConsoleVisit, orders: Sequence[str] = (), *, size: int = 25, filters: Sequence[str] = ()
    ) -> Listing:
        """Read it from the query string: `q`, `sort` ("name", or "-name" for descending) and `page`.

        The first of `orders` is the usual one, and anything that makes no sense is as if it were not there.
        """
        query = visit.query
        sort = query.get("sort", "")
        order = sort.removeprefix("-")
        if order not in orders:
            sort = orders[0] if orders else ""
            order = sort.removeprefix("-")
        number = query.get("page", "1")
        page = min(int(number), MOST_PAGES) if number.isascii() and number.isdecimal() and len(number) < 9 else 1
        return cls(
            visit.request.url.path,
            search=query.get("q", "").strip()[:200],
            order=order,
            descending=sort.startswith("-"),
            page=max(page, 1),
            size=size,
            filters={name: query[name][:200] for name in filters if name in query},
        )

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size

    async def counted(self, found: Sequence[object], count: Callable[[], Awaitable[int]]) -> Listing:
        """With how many there are in all: asked for only when `found`, this page of them, is not the last one.

        To count what a search finds takes as long as to look at everybody.
        """
        last = len(found) < self.size and (found or not self.offset)
        return replace(self, total=self.offset + len(found) if last else await count())

    @property
    def narrowed(self) -> bool:
        return bool(self.search or self.filters)

    @property
    def shown(self) -> str:
        """ "26-50 of 1,204"."""
        first, last = self.offset + 1, min(self.offset + self.size, self.total)
        return f"{first:,}-{last:,} of {self.total:,}" if last > self.size or first > 1 or last < self.total else ""

    @property
    def before(self) -> str:
        return self._link(page=self.page - 1) if self.page > 1 else ""

    @property
    def after(self) -> str:
        return self._link(page=self.page + 1) if self.offset + self.size < self.total else ""

    def sort_link(self, order: str) -> str:
        """By another column; by the same one the other way round."""
        turned = order == self.order and not self.descending
        return self._link(sort=f"-{order}" if turned else order)

    def direction(self, order: str) -> str:
        """The value of `aria-sort`."""
        if order != self.order:
            return "none"
        return "descending" if self.descending else "ascending"

    def _link(self, *, page: int = 1, sort: str = "") -> str:
        sort = sort or (f"-{self.order}" if self.descending else self.order)
        wanted = {"q": self.search, **self.filters, "sort": sort, "page": str(page) if page > 1 else ""}
        return f"{self.address}?{urlencode({name: value for name, value in wanted.items() if value})}"
