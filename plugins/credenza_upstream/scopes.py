"""The scope `identities`: which accounts at other providers a user has linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from credenza import Choices, Permission, Scope, ScopeProvider, Subject, Words

from .store import linked

CLAIM = Words("Identities")  # for translators: what claim_label makes of the claim `identities`


class IdentityScopes(ScopeProvider):
    """Accounts are named by issuer and subject, and for people by the provider's name. OpenID Connect Core §5.7."""

    name = "identities"
    title = "Linked accounts"
    order = 250
    refuses = True
    steady = True
    scope = Scope(
        Permission("identities", "", "identities"),
        Words("Your linked accounts"),
        Words("Your accounts elsewhere with which you can sign in here"),
        group=Words("Your account"),
        claims=("identities",),
        icon="id-card",
    )

    async def catalogue(self) -> Sequence[Scope]:
        return [self.scope]

    async def claims(self, subject: Subject, permissions: Sequence[Permission], choices: Choices) -> Mapping[str, Any]:
        if subject.user is None:
            return {}
        links = await linked(subject.user.id)
        found = [{"issuer": u.issuer, "subject": link.subject, "name": u.title} for link, u in links]
        return {"identities": found} if found else {}
