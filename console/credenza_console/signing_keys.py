"""Signing keys: what each is doing, rotation with a look at what applications will see, and the end of one at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsolePage,
    ConsoleView,
    ConsoleVisit,
    Link,
    Moment,
    console_get,
    console_post,
    keys,
    plan_rotation,
    published_lately,
    revoke_key,
)
from credenza import rotate_keys as rotate

HERE = "/console/signing-keys"
ONE = HERE + "/{kid:str}"
WORDS = {
    "next": "Published, so that applications know it before it signs.",
    "active": "Signs every token now.",
    "retired": "No longer signs. Published until the last token that it signed expires.",
}


@dataclass(frozen=True, slots=True)
class Row:
    kid: str
    alg: str
    state: str
    words: str
    following: str
    created: Moment | None
    since: Moment | None


@dataclass(kw_only=True)
class KeyList(ConsoleView):
    template: ClassVar[str] = "signing_keys/list.html"
    folder: ClassVar[Path | None] = Path(__file__).parent / "templates"
    rows: tuple[Row, ...]
    jwks: str


@dataclass(kw_only=True)
class RotatePage(ConsoleView):
    template: ClassVar[str] = "signing_keys/rotate.html"
    folder: ClassVar[Path | None] = Path(__file__).parent / "templates"
    rows: tuple[Row, ...]
    fresh: tuple[str, ...]
    recent: Moment | None
    before: str
    after: str


@dataclass(kw_only=True)
class RevokePage(ConsoleForm):
    template: ClassVar[str] = "signing_keys/revoke.html"
    folder: ClassVar[Path | None] = Path(__file__).parent / "templates"
    kid: str
    alg: str
    state: str
    typed: str
    """What is typed to confirm it: the beginning of the key's id."""


@console_get(HERE, "keys:read")
async def list_keys(visit: ConsoleVisit) -> KeyList:
    return KeyList(
        title="Signing keys",
        lead="They sign the tokens. Applications check the signatures with the public keys.",
        rows=await _rows(visit),
        jwks=f"{visit.server.issuer}/jwks",
    )


@console_get(HERE + "/rotate", "keys:write")
async def show_rotate(visit: ConsoleVisit) -> RotatePage:
    rows = await _rows(visit)
    plan = {key.kid: state for key, state in await plan_rotation(visit.server)}
    current = await visit.server.keys()
    published = [dict(key.public_jwk) for key in current.published]
    algorithms = tuple(dict.fromkeys([*visit.server.settings.signing_algorithms, *current.active]))
    kept = [key for key in published if plan.get(str(key["kid"])) != "gone"]
    lately = await published_lately(visit.server)
    return RotatePage(
        title="Rotate signing keys",
        lead="What changes in the key set that applications see.",
        path=(Link("Signing keys", HERE),),
        rows=rows,
        fresh=algorithms,
        recent=visit.moment(lately) if lately is not None else None,
        before=_document(published),
        after=_document([*kept, *({"kid": "(new)", "alg": alg, "use": "sig"} for alg in algorithms)]),
    )


def _document(published: list[dict[str, Any]]) -> str:
    """The key set as applications fetch it, with the numbers cut short."""
    short = [
        {name: f"{value[:16]}…" if name in ("n", "x", "y") else value for name, value in key.items()}
        for key in published
    ]
    return json.dumps({"keys": short}, indent=2, ensure_ascii=False)


@console_post(HERE + "/rotate", "keys:write")
async def rotate_keys(visit: ConsoleVisit) -> ConsoleDone:
    await rotate(visit.server, actor=visit.user.id)
    return ConsoleDone(HERE, "The keys were rotated.")


@console_get(ONE + "/revoke", "keys:write")
async def show_revoke(visit: ConsoleVisit, kid: str) -> RevokePage:
    return await _revoke_page(kid)


@console_post(ONE + "/revoke", "keys:write")
async def revoke(visit: ConsoleVisit, kid: str) -> ConsoleDone | RevokePage:
    page = await _revoke_page(kid)
    if not visit.confirms(page.typed):
        errors = {"confirm": "That is not how its ID begins."}
        return page.refused(errors, confirm=visit.form.get("confirm", ""))
    if not await revoke_key(visit.server, kid, actor=visit.user.id):
        raise NotFoundException
    return ConsoleDone(HERE, f"The key {page.typed}… was removed from the key set.")


async def _revoke_page(kid: str) -> RevokePage:
    for key in await keys.list_keys():
        if key.kid == kid:
            path = (Link("Signing keys", HERE),)
            return RevokePage(
                title=f"Revoke the key {kid[:8]}…", path=path, kid=kid, alg=key.alg, state=key.state, typed=kid[:8]
            )
    raise NotFoundException


async def _rows(visit: ConsoleVisit) -> tuple[Row, ...]:
    await visit.server.keys()
    return tuple(
        Row(
            key.kid,
            key.alg,
            key.state,
            WORDS[key.state],
            following,
            visit.moment(key.created_at),
            visit.moment(key.retired_at or key.activated_at or key.created_at),
        )
        for key, following in await plan_rotation(visit.server)
    )


PAGE = ConsolePage(
    "Signing keys",
    HERE,
    (list_keys, show_rotate, rotate_keys, show_revoke, revoke),
    icon="key-round",
    section="Policy",
    order=200,
)
