"""What comes back to a browser: a page with its forms, or a redirect to an application."""

from __future__ import annotations

import html.parser
from dataclasses import dataclass, field

import httpx


class Reader(html.parser.HTMLParser):
    """What a test needs of a page: its name, its forms, its text."""

    def __init__(self) -> None:
        super().__init__()
        self.name = self.error = ""
        self.forms: list[Form] = []
        self.text: list[str] = []
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
        self.text.append(data)


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


@dataclass
class PageSeen:
    """A page in the browser: `name` is its data-page, `error` its data-error, `text` what can be read."""

    url: str
    status: int
    html: str = field(repr=False)
    name: str
    error: str
    text: str
    forms: list[Form] = field(repr=False)
    links: list[str] = field(repr=False)
    headers: httpx.Headers = field(repr=False)


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
