"""What a client finds that knows nothing but an API's address: an answer without a token, and a document. RFC 9728."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from credenza import Refused, Settings, fetch_answer, fetch_document, place_of, protected_resource_address

# Two searches, so that a header as long as the API likes is gone through once, and not once for each "Bearer" in it.
SCHEME = re.compile(r"\b(?:bearer|dpop)\b", re.IGNORECASE)
LINK = re.compile(r"\bresource_metadata\s*=\s*\"?([^\",\s]+)", re.IGNORECASE)
# As clients of the Model Context Protocol begin; an API of another kind answers it with 401 all the same.
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "Credenza", "version": "1"},
    },
}
ACCEPT = "application/json, text/event-stream"
LONGEST = 200  # characters of what somebody else's server said


class Finding(NamedTuple):
    """Whether the sentence `title` holds, and `why` not, or what was found."""

    good: bool
    title: str
    why: str = ""


async def look(settings: Settings, issuer: str, identifier: str, scopes: Sequence[str]) -> list[Finding]:
    """Ask the API as such a client does. `scopes` are those that it has here."""
    found: list[Finding] = []
    try:
        answer = await fetch_answer(settings, identifier, method="POST", document=HELLO, accept=ACCEPT)
        if answer.status != 401:  # not every API takes a POST at its address
            answer = await fetch_answer(settings, identifier, accept=ACCEPT)
    except Refused as error:
        return [_finding(False, "The address answers", str(error))]
    found.append(_finding(answer.status == 401, "A request without a token gets a 401", f"it got {answer.status}"))
    challenge = answer.headers.get("www-authenticate", "")
    scheme = SCHEME.search(challenge)
    link = LINK.search(challenge, scheme.end()) if scheme is not None else None
    found.append(
        _finding(link is not None, "WWW-Authenticate says where the document is", challenge or "no such header")
    )
    address = link[1] if link is not None else protected_resource_address(identifier)
    try:
        document = (await fetch_document(settings, address)).content
    except Refused as error:
        return [*found, _finding(False, "The document is there", str(error))]
    found.append(
        _finding(isinstance(document, Mapping), "The document is there", f"{place_of(address)} is no JSON object")
    )
    return [*found, *_judged(document, issuer, identifier, scopes)] if isinstance(document, Mapping) else found


def _judged(document: Mapping[str, Any], issuer: str, identifier: str, scopes: Sequence[str]) -> Iterator[Finding]:
    """ "If these values are not identical, the data contained in the response MUST NOT be used." RFC 9728 §3.3."""
    resource, servers = document.get("resource"), document.get("authorization_servers")
    yield _finding(resource == identifier, "The document is about this API", f"resource is {resource!r}")
    here = isinstance(servers, list) and issuer in servers
    yield _finding(here, "It says that tokens come from here", f"authorization_servers is {servers!r}")
    listed = document.get("scopes_supported", [])
    unknown = [scope for scope in listed if scope not in scopes] if isinstance(listed, list) else [listed]
    told = ", ".join(map(str, unknown))
    yield _finding(not unknown, "Its scopes are permissions of this API", f"there is no permission {told}")
    methods = document.get("bearer_methods_supported", ["header"])
    in_header = isinstance(methods, list) and "header" in methods
    yield _finding(
        in_header, "Tokens are taken in the Authorization header", f"bearer_methods_supported is {methods!r}"
    )


def _finding(good: bool, title: str, why: str) -> Finding:
    return Finding(good, title, "" if good else why[:LONGEST])
