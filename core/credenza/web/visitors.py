"""Forms for people who are not signed in: bound to their browser, as the sign-in page is."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocol.parameters import Parameters
from ..protocol.tokens import new_token
from .requests import AnyRequest, check_csrf, form_parameters, server_of
from .responses import AnyResponse
from .sessions import browser_cookie, set_browser_cookie


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, whoever sits in front of it."""

    request: AnyRequest
    cookie: str

    @property
    def csrf_token(self) -> str:
        """For a form's hidden field `csrf_token`."""
        return server_of(self.request).keyring.csrf_token(self.cookie)

    async def form(self) -> Parameters:
        """What a form of ours posted from this browser. Raises Forbidden."""
        form = await form_parameters(self.request)
        check_csrf(self.request, form, browser_cookie(self.request))
        return form

    def known(self, response: AnyResponse) -> AnyResponse:
        """The same answer, with which the browser is known again when the form comes."""
        set_browser_cookie(response, server_of(self.request).settings, self.cookie)
        return response


def visitor_of(request: AnyRequest) -> Visitor:
    """The browser of this request, known from before or new."""
    return Visitor(request, browser_cookie(request) or new_token("browser"))
