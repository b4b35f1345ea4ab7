"""The question itself: when it is asked, its page, its answer. And the terms for everybody, at `/terms`."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from litestar import get

from credenza import AnyRequest, AnyResponse, FormPage, Prompt, errors, provider, render

from .tables import accept, accepted_version


@dataclass(kw_only=True)
class TermsPage(FormPage):
    """All that the template gets."""

    template: ClassVar[str] = "terms.html"
    name: ClassVar[str] = "terms"
    folder: ClassVar[Path] = Path(__file__).parent / "templates"
    text: str


class AcceptTerms(Prompt):
    name, order = "terms", 500  # after the sign-in (100), before the consent page (900)

    async def required(self, waiting):
        terms = await provider.find_provider_setting("terms")
        return bool(terms) and await accepted_version(waiting.user.id) < terms["version"]

    async def show(self, waiting, message=""):
        terms = await provider.find_provider_setting("terms")
        waiting.state["shown"] = terms["version"]
        return TermsPage(
            title="Terms of use",
            action=waiting.action,
            csrf_token=waiting.csrf_token,
            message=message,
            text=terms["text"],
        )

    async def submit(self, waiting, form):
        if form.get("decision") == "deny":
            raise errors.AccessDenied("The user did not accept the terms.")
        if form.get("accept") != "yes" or "shown" not in waiting.state:
            return await self.show(waiting, "Tick the box first.")
        await accept(waiting.user.id, waiting.state["shown"])
        return None


@get("/terms")
async def terms_page(request: AnyRequest) -> AnyResponse:
    terms = await provider.find_provider_setting("terms")
    text = terms.get("text", "There are no terms.")
    return await render(request, TermsPage(title="Terms of use", action="", csrf_token="", text=text))
