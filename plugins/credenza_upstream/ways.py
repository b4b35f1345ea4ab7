"""A button for each provider on the sign-in page. It is a link: the answer comes back at an address of its own."""

from __future__ import annotations

from collections.abc import Sequence

from credenza import Authentication, Authenticator, AuthorizationServer, Parameters, User, Waiting, Way, Words

from . import store
from .pages import ACR


class Upstreams(Authenticator):
    name = "upstream"
    title = Words("Another provider")
    amr = ()
    acr = ACR
    icon = "log-in"

    async def ways(self, waiting: Waiting) -> Sequence[Way]:
        return [
            Way(
                f"upstream-{upstream.id}",
                Words("Continue with %(provider)s", provider=upstream.title),
                self.icon,
                address=f"/upstream/{upstream.id}/begin?continue={waiting.token}",
            )
            for upstream in await store.list_upstreams(enabled=True)
        ]

    async def opens(self, user: User) -> bool:
        enabled = {upstream.id for upstream in await store.list_upstreams(enabled=True)}
        return any(link.upstream in enabled for link in await store.list_links(user.id))

    async def authenticate(self, server: AuthorizationServer, form: Parameters, address: str) -> Authentication | str:
        return Words("Choose the provider again.")
