"""How sure a sign-in is: classes of authentication, each including those before it. OpenID Connect Core §2, EAP ACR §2.

A class of somebody else's (a company's own, say) includes none of ours, and none of ours includes it.
"""

from __future__ import annotations

from collections.abc import Iterable

PASSWORD = "urn:credenza:acr:password"  # noqa: S105  # one factor; a name, and no secret
MFA = "urn:credenza:acr:mfa"
"""The class of a sign-in with two factors."""
PHISHING_RESISTANT = "phr"
"""The class of a sign-in with two factors, one of which answers to our address only. EAP ACR §2."""
CLASSES = (PASSWORD, MFA, PHISHING_RESISTANT)


def strength(acr: str) -> int:
    return CLASSES.index(acr) + 1 if acr in CLASSES else 0


def satisfies(reached: str, wanted: str) -> bool:
    """Whether a sign-in of the class `reached` is good enough where `wanted` is asked for."""
    return bool(wanted) and (reached == wanted or 0 < strength(wanted) <= strength(reached))


def reached_class(reached: str, wanted: Iterable[str]) -> str:
    """What to tell whoever wants one of these: the first of theirs that was reached, else what was reached. Core §2."""
    return next((acr for acr in wanted if satisfies(reached, acr)), reached)
