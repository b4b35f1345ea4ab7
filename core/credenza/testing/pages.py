"""What comes back to a browser: a page with its forms, or a redirect to an application."""

from __future__ import annotations

import html.parser
from dataclasses import dataclass, field
from functools import cached_property

import httpx


class Reader(html.parser.HTMLParser):
    """What a test needs of a page: its name, its forms, its text."""

    def __init__(self) -> None:
        super().__init__()
        self.name = self.error = ""
        self.forms: list[Form] = []
        self.pieces: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "main":
            self.name, self.error = given.get("data-page", ""), given.get("data-error", "")
        elif tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        elif tag in ("input", "button", "select", "textarea") and self.forms:
            self.forms[-1].fields.append(given)

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @cached_property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())


@dataclass
class Form:
    """A form as it stands in the page: `fields` are the attributes of its inputs and buttons."""

    action: str
    method: str
    fields: list[dict[str, str]] = field(default_factory=list)

    def hidden(self) -> list[tuple[str, str]]:
        return [(f["name"], f.get("value", "")) for f in self.fields if f.get("type") == "hidden"]

    def values_of(self, name: str) -> list[str]:
        """The values of every input and button of that name."""
        return [f.get("value", "") for f in self.fields if f.get("name") == name]

    def checked(self, name: str) -> list[str]:
        """The values of those that are ticked."""
        return [f.get("value", "") for f in self.fields if f.get("name") == name and "checked" in f]


class PageSeen:
    """A page in the browser: `name` is its data-page, `error` its data-error, `text` what can be read.

    `url`, `status`, `headers` and `html` are as they came. Many tests want no more, so the page is read when something
    else is asked for.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.url = str(response.url)
        self.status = response.status_code
        self.html = response.text
        self.headers = response.headers

    @cached_property
    def _read(self) -> Reader:
        reader = Reader()
        reader.feed(self.html)
        return reader

    @property
    def name(self) -> str:
        return self._read.name

    @property
    def error(self) -> str:
        return self._read.error

    @property
    def text(self) -> str:
        return self._read.text

    @property
    def forms(self) -> list[Form]:
        return self._read.forms

    @property
    def links(self) -> list[str]:
        return self._read.links

    def __repr__(self) -> str:
        return f"PageSeen({self.url!r}, {self.status}, name={self.name!r}, error={self.error!r}, text={self.text!r})"


@dataclass
class Callback:
    """The browser arrived at a redirect URI: `parameters` came with it."""

    url: str
    parameters: dict[str, str]

    @property
    def code(self) -> str:
        return self.parameters["code"]

    @property
    def error(self) -> str:
        return self.parameters.get("error", "")
