"""What the server tells itself from one page to a later one, in a cookie that only it can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from credenza import AnyRequest, AnyResponse, AuthorizationServer, Session, Undecryptable


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """Encrypted, of no use in another session, and for `lifetime` seconds only."""

    name: str
    lifetime: int
    samesite: Literal["lax", "strict"]

    def write(
        self, server: AuthorizationServer, session: Session, response: AnyResponse, content: Mapping[str, Any]
    ) -> None:
        text = json.dumps({**content, "at": server.now()}, ensure_ascii=False)
        self._set(server, response, server.keyring.encrypt(text.encode(), place=self._place(session)), self.lifetime)

    def read(self, server: AuthorizationServer, session: Session, request: AnyRequest) -> dict[str, Any] | None:
        """What was written; None without a cookie, and nothing in it when it is old or somebody else's."""
        cookie = request.cookies.get(self._key(server), "")
        if not cookie:
            return None
        try:
            content: dict[str, Any] = json.loads(server.keyring.decrypt(cookie, place=self._place(session)))
        except (Undecryptable, ValueError):
            return {}
        return content if 0 <= server.now() - content.pop("at") <= self.lifetime else {}

    def clear(self, server: AuthorizationServer, response: AnyResponse) -> None:
        self._set(server, response, "", 0)

    def _place(self, session: Session) -> str:
        return f"console {self.name}/{session.id}"

    def _key(self, server: AuthorizationServer) -> str:
        return f"__Host-credenza_{self.name}" if server.settings.secure else f"credenza_{self.name}"

    def _set(self, server: AuthorizationServer, response: AnyResponse, value: str, max_age: int) -> None:
        response.set_cookie(
            key=self._key(server),
            value=value,
            max_age=max_age,
            httponly=True,
            samesite=self.samesite,
            secure=server.settings.secure,
        )
