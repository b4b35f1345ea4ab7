"""A browser, as far as pages without script need one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx

from .pages import Callback, Form, PageSeen
from .relying_party import RelyingParty
from .server import Credenza
from .state import PASSWORD


class UserAgent:
    """A browser: it keeps cookies, follows redirects within the issuer, and fills in forms."""

    def __init__(self, credenza: Credenza) -> None:
        self.credenza = credenza
        self.cookies = httpx.Cookies()
        self.address = "203.0.113.7"
        self.page: PageSeen | None = None
        self.history: list[httpx.Response] = []

    def send(self, method: str, url: str, **options: Any) -> httpx.Response:
        """One request with this browser's cookies; what the answer sets is kept."""
        url = urljoin(self.credenza.issuer, url)
        request = httpx.Request(method, url)
        self.cookies.set_cookie_header(request)
        headers = {
            "accept": "text/html",
            **({"cookie": request.headers["cookie"]} if "cookie" in request.headers else {}),
        }
        headers |= options.pop("headers", {})
        response = self.credenza.request(method, url, headers=headers, address=self.address, **options)
        self.cookies.extract_cookies(response)
        self.history.append(response)
        return response

    def get(self, url: str, **options: Any) -> PageSeen | Callback:
        """Open an address, and see where it leads: a page, or the application's redirect URI."""
        return self._follow(self.send("GET", url, **options))

    def post(
        self, url: str, form: Mapping[str, str] | Sequence[tuple[str, str]], **options: Any
    ) -> PageSeen | Callback:
        """Post a form as a page of the issuer would."""
        pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": self.credenza.issuer,
            "sec-fetch-site": "same-origin",
            **options.pop("headers", {}),
        }
        return self._follow(self.send("POST", url, content=urlencode(pairs), headers=headers, **options))

    def _follow(self, response: httpx.Response) -> PageSeen | Callback:
        for _ in range(20):
            if not response.is_redirect:
                return self._see(response)
            location = urljoin(str(response.url), response.headers["location"])
            if not location.startswith(self.credenza.issuer + "/"):
                parts = urlsplit(location)
                came = parse_qs(parts.query, keep_blank_values=True) | parse_qs(parts.fragment, keep_blank_values=True)
                return Callback(location, {name: values[0] for name, values in came.items()})
            response = self.send("GET", location)
        raise AssertionError("too many redirects")

    def _see(self, response: httpx.Response) -> PageSeen:
        self.page = PageSeen(response)
        return self.page

    def submit(self, fields: Sequence[tuple[str, str]], form: int = 0) -> PageSeen | Callback:
        """Submit a form of the page that is open, by its place there: its hidden fields and these, and nothing else."""
        page, target = self._open_form(form)
        return self.post(urljoin(page.url, target.action or page.url), [*target.hidden(), *fields])

    def _open_form(self, place: int = 0) -> tuple[PageSeen, Form]:
        assert self.page is not None, "no page is open"
        assert place < len(self.page.forms), f"no form to fill in, but {self.page}"
        return self.page, self.page.forms[place]

    def sign_in(self, identifier: str = "ada", password: str = PASSWORD) -> PageSeen | Callback:
        """Fill in the sign-in page that is open."""
        return self.submit([("identifier", identifier), ("password", password)])

    def decide(
        self, decision: str = "authorize", *, permissions: Sequence[str] | None = None, **choices: str
    ) -> PageSeen | Callback:
        """Answer the consent page; optional permissions stay as they are on it unless they are named."""
        _, form = self._open_form()
        ticked = form.checked("permission") if permissions is None else permissions
        fields = [("decision", decision), *(("permission", key) for key in ticked), *choices.items()]
        return self.submit(fields)

    def authorize(self, client: RelyingParty, *, user: str = "ada", **changes: str | None) -> PageSeen | Callback:
        """Open the client's authorization request and answer whatever comes: sign-in and consent."""
        return self.through(client.authorization_url(**changes), user)

    def through(self, url: str, identifier: str = "ada", password: str = PASSWORD) -> PageSeen | Callback:
        """Open an address and answer whatever comes on the way: sign-in and consent."""
        seen = self.get(url)
        if isinstance(seen, PageSeen) and seen.name == "sign-in":
            seen = self.sign_in(identifier, password)
        if isinstance(seen, PageSeen) and seen.name == "consent":
            seen = self.decide()
        return seen

    def connect(self, user_code: str, identifier: str = "ada", password: str = PASSWORD) -> PageSeen | Callback:
        """Type in the code that a device shows, and answer whatever comes: sign-in, "is it yours?" and consent."""
        self.get("/device")
        seen = self.submit([("user_code", user_code)])
        if isinstance(seen, PageSeen) and seen.name == "sign-in":
            seen = self.sign_in(identifier, password)
        if isinstance(seen, PageSeen) and seen.name == "device" and self._open_form()[1].values_of("decision"):
            seen = self.submit([("decision", "authorize")])
        if isinstance(seen, PageSeen) and seen.name == "consent":
            seen = self.decide()
        return seen
