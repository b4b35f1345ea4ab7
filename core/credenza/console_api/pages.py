"""What a page of the console is, and what a form is answered with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Self

from ..languages import Language
from ..protocol.names import LONGEST_DESCRIPTION, name_mistake
from ..protocol.parameters import Parameters
from ..protocol.tokens import digest
from ..protocol.words import Translated
from ..store.engine import ChangedMeanwhile, alone
from ..web.pages import Page
from ..web.responses import AnyResponse
from .addresses import Link

MEANWHILE = (
    "Somebody has changed this since you opened the page, so nothing was saved. Below is what you typed: compare it "
    "with what is stored now, in another tab. Saving again puts yours in its place."
)


@dataclass(frozen=True, slots=True)
class ConsoleFrame:
    """What stands around every page; the console fills it in. `may` tells what the reader's role allows, and
    `account_page` is where they find their own password and second factor, where there is such a page."""

    menu: tuple[tuple[str, tuple[Link, ...]], ...] = ()
    account: str = ""
    account_page: str = ""
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
    """A page with a form: `values` as they were typed, `errors` by the name of their field (422 when there are any).

    `seen` is what was stored when the page was made (`state_of`): its form brings it along, for `changed_meanwhile`.
    """

    seen: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    _focused: str = field(default="", init=False, repr=False)

    def refused(self, errors: Mapping[str, str], **typed: str) -> Self:
        """The same page with what is wrong (422), and what was typed."""
        self.errors, self.status = errors, 422
        self.values = {**self.values, **typed}
        return self

    def focuses(self, name: str) -> bool:
        """Whether this is the first wrong field that a template asks for: it has the `autofocus`; HTML allows one."""
        if not self._focused and name in self.errors:
            self._focused = name
        return name == self._focused


def naming_mistakes(typed: Mapping[str, str], *, most: int = 200) -> dict[str, str]:
    """What is wrong with a `name` of at most so many characters and a `description` in a form, by field."""
    errors = {}
    if message := name_mistake(typed["name"], most, missing="Give it a name."):
        errors["name"] = message
    if len(typed["description"]) > LONGEST_DESCRIPTION:
        errors["description"] = f"A description has at most {LONGEST_DESCRIPTION:,} characters."
    return errors


def state_of(*stored: object) -> str:
    """What a form edits, as it is stored now, in a few characters."""
    return digest(json.dumps(stored, sort_keys=True, default=str))[:22]


def changed_meanwhile(form: Parameters, *stored: object, beside: Mapping[str, str] | None = None) -> dict[str, str]:
    """What is wrong `beside`, and whether the page was made before somebody else changed what the form edits.

    Both are told at once: the page that tells of a mistake has seen what is stored now. A form that does not say what
    it saw, as a script's, is taken as it is.
    """
    errors = dict(beside or {})
    if form.get("seen", "") not in ("", state_of(*stored)):
        errors[""] = f"{MEANWHILE} {errors.get('', '')}".strip()
    return errors


@asynccontextmanager
async def unchanged(stored: object, read: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """A transaction in which something is as it was `stored` when `changed_meanwhile` looked: `read` reads it again.

    Raises ChangedMeanwhile when somebody else has saved it between the two looks. The console then calls the route's
    function once more, which sees what they saved and tells of it; so what comes before this may be done twice. What
    takes long stays outside: everybody else who saves something waits.
    """
    async with alone():
        if await read() != stored:
            raise ChangedMeanwhile("Somebody else has saved this at the same moment.")
        yield


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
