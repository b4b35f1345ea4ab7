"""Which page is previewed, with whom: any application and any user, or made-up ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from litestar.exceptions import NotFoundException

from credenza import (
    AnyResponse,
    Branded,
    Client,
    ConsolePreview,
    ConsoleVisit,
    Look,
    Page,
    Parameters,
    User,
    preview,
    preview_pages,
    users,
)

PAGES = (
    ("sign-in", "Sign-in"),
    ("consent", "Consent"),
    ("error", "Error"),
    ("device", "Device"),
    ("sign-out", "Sign-out"),
)


async def show_preview(
    visit: ConsoleVisit,
    branded: Branded,
    wanted: Parameters,
    look_of: Callable[[Client | None], Awaitable[Look]],
    previews: Sequence[ConsolePreview],
    css: str,
    refused: Sequence[str] = (),
) -> AnyResponse:
    client = branded.client or await visit.server.find_client(wanted.get("preview_client", "").strip())
    user = await _user(visit, wanted.get("preview_user", "").strip())
    page = await _page(visit, wanted.get("preview_page", "sign-in"), client, user, branded, previews)
    if page is None:
        raise NotFoundException
    scheme = wanted.get("preview_scheme", "")
    return preview(visit.request, page, await look_of(client), scheme=scheme, css=css, refused=refused)


async def _user(visit: ConsoleVisit, identifier: str) -> User | None:
    """Whoever may not see users is shown made-up ones."""
    if not identifier or not visit.may("users:read"):
        return None
    return await users.find_user_by_identifier(identifier)


async def _page(
    visit: ConsoleVisit,
    name: str,
    client: Client | None,
    user: User | None,
    branded: Branded,
    previews: Sequence[ConsolePreview],
) -> Page | None:
    for contributed in previews:
        if contributed.name == name:
            return await contributed.show(visit, user)
    pages = await preview_pages(visit.server, client, user, branded.choices)
    return pages.get(name)
