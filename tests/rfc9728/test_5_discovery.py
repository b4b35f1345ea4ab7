"""RFC 9728 §5, from the other side: the console asks an API as a client does that knows nothing but its address."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from credenza import protected_resource_address, protected_resource_metadata, segment_of
from credenza.testing import ISSUER, Credenza, PageSeen, UserAgent

NAMES = [
    "A request without a token gets a 401",
    "WWW-Authenticate says where the document is",
    "The document is there",
    "The document is about this API",
    "It says that tokens come from here",
    "Its scopes are permissions of this API",
    "Tokens are taken in the Authorization header",
]


@pytest.fixture
def credenza_settings(web_site: Any) -> dict[str, Any]:
    return {"outbound_allow": (web_site.host,)}


@pytest.fixture
def resource(web_site: Any) -> str:
    return str(web_site.url("/mcp"))


@pytest.fixture
def publish(credenza: Credenza, web_site: Any, resource: str) -> Callable[..., None]:
    """An API that does everything right, but for these members of its document and this answer without a token."""
    tools = {"identifier": resource, "name": "Tools", "permissions": [{"name": "tools:call"}]}
    credenza.apply({"api_resources": [tools]})

    def there(*, status: int = 401, challenge: str | None = None, at: str = "", **changes: Any) -> None:
        document = protected_resource_metadata(resource, issuer=ISSUER, name="Tools", scopes=["tools:call"]) | changes
        known = {name: value for name, value in document.items() if value is not None}
        address = protected_resource_address(resource)
        at = at or address
        web_site.publish(at.removeprefix(web_site.url("")), known, content_type="application/json")
        said = f'Bearer resource_metadata="{at}"' if challenge is None else challenge
        web_site.publish("/mcp", {}, status=status, **({"www_authenticate": said} if said else {}))

    return there


def ask(admin: UserAgent, resource: str) -> dict[str, str]:
    """What is found: each sentence that was looked at, and why it does not hold; empty when it does."""
    page = admin.get(f"/console/api-resources/{segment_of(resource)}")
    assert isinstance(page, PageSeen)
    (link,) = (link for link in page.links if link.endswith("/check"))
    page = admin.get(link)
    assert isinstance(page, PageSeen)
    (place,) = (place for place, form in enumerate(page.forms) if form.action == link)
    page = admin.submit([], form=place)
    assert isinstance(page, PageSeen)
    assert page.status == 200
    shown = page.html.partition('aria-label="What was found">')[2].partition("</ul>")[0]
    found = {}
    for line in shown.split("<li ")[1:]:
        title = re.search(r'class="words"><span>(.*?)( <span class="badge"|</span>)', line)
        why = re.search(r"<small><code>(.*?)</code>", line)
        assert title is not None
        assert ("does not hold" in line) == (why is not None)
        found[title[1]] = html.unescape(why[1]) if why else ""
    return found


def test_5_a_client_finds_its_way(admin: UserAgent, web_site: Any, resource: str, publish: Callable[..., None]) -> None:
    publish()
    assert ask(admin, resource) == dict.fromkeys(NAMES, "")
    assert admin.page is not None
    assert "Clients find their way" in admin.page.text
    hello = json.loads(web_site.posted["/mcp"][0])
    assert (hello["jsonrpc"], hello["method"]) == ("2.0", "initialize")
    assert not [headers for _, headers in web_site.seen if "authorization" in headers]
    # It was found out once, and is not said of another time.
    assert "What was found" not in admin.get(admin.page.url).html  # type: ignore[union-attr]


def test_5_1_the_document_may_be_anywhere_when_the_header_says_so(
    admin: UserAgent, web_site: Any, resource: str, publish: Callable[..., None]
) -> None:
    publish(at=web_site.url("/elsewhere.json"))
    assert ask(admin, resource) == dict.fromkeys(NAMES, "")
    assert "/elsewhere.json" in [path for path, _ in web_site.seen]


def test_an_api_that_takes_no_post_is_asked_with_get(
    admin: UserAgent, web_site: Any, resource: str, publish: Callable[..., None]
) -> None:
    publish()
    right = web_site.pages["/mcp"]
    web_site.publish("/mcp", {}, status=405)
    refused = web_site.pages["/mcp"]
    web_site.pages["/mcp"] = lambda handler: (right if handler.command == "GET" else refused)(handler)
    assert ask(admin, resource) == dict.fromkeys(NAMES, "")


@pytest.mark.parametrize(
    ("changes", "title", "why"),
    [
        ({"status": 200}, NAMES[0], "it got 200"),
        ({"status": 403}, NAMES[0], "it got 403"),
        ({"challenge": ""}, NAMES[1], "no such header"),
        ({"challenge": 'Bearer realm="tools"'}, NAMES[1], 'Bearer realm="tools"'),
        ({"resource": "https://other.example.com"}, NAMES[3], "resource is 'https://other.example.com'"),
        ({"resource": None}, NAMES[3], "resource is None"),
        ({"authorization_servers": ["https://other.example.com"]}, NAMES[4], "['https://other.example.com']"),
        ({"authorization_servers": f"{ISSUER}/"}, NAMES[4], f"authorization_servers is '{ISSUER}/'"),
        ({"scopes_supported": ["tools:call", "tools:write"]}, NAMES[5], "there is no permission tools:write"),
        ({"bearer_methods_supported": ["query"]}, NAMES[6], "bearer_methods_supported is ['query']"),
    ],
)
def test_what_is_wrong_is_told(
    admin: UserAgent, resource: str, publish: Callable[..., None], changes: dict[str, Any], title: str, why: str
) -> None:
    """The rest holds, and is looked at all the same."""
    publish(**changes)
    found = ask(admin, resource)
    assert why in found.pop(title)
    assert found == {name: "" for name in NAMES if name != title}
    assert admin.page is not None
    assert "Clients do not find their way" in admin.page.text


@pytest.mark.parametrize("changes", [{"scopes_supported": None}, {"bearer_methods_supported": None}])
def test_what_may_be_left_out_is_no_mistake(
    admin: UserAgent, resource: str, publish: Callable[..., None], changes: dict[str, Any]
) -> None:
    publish(**changes)
    assert ask(admin, resource) == dict.fromkeys(NAMES, "")


def test_a_document_that_is_not_there(
    admin: UserAgent, web_site: Any, resource: str, publish: Callable[..., None]
) -> None:
    publish()
    path = protected_resource_address(resource).removeprefix(web_site.url(""))
    for content, why in ((b"<p>Not JSON", "Expecting value"), (["a list"], "is no JSON object")):
        web_site.publish(path, content, content_type="application/json")
        found = ask(admin, resource)
        assert list(found) == NAMES[:3]
        assert why in found[NAMES[2]]
    del web_site.pages[path]
    assert "answered 404" in ask(admin, resource)[NAMES[2]]


def test_what_somebody_elses_server_says_does_no_harm(
    admin: UserAgent, resource: str, publish: Callable[..., None]
) -> None:
    publish(challenge="<script>alert(1)</script>" + "x" * 5000, scopes_supported={"a": "<b>"}, resource=["<i>"])
    found = ask(admin, resource)
    assert found[NAMES[1]].startswith("<script>alert(1)</script>xxx")
    assert max(map(len, found.values())) == 200
    assert admin.page is not None
    assert "<script>alert(1)" not in admin.page.html


def test_a_list_of_other_things_than_scopes_is_told_too(
    admin: UserAgent, resource: str, publish: Callable[..., None]
) -> None:
    """SECURITY G1: no input from outside is an error of ours."""
    publish(scopes_supported=[{"a": 1}, ["b"], None])
    assert ask(admin, resource)[NAMES[5]] == "there is no permission {'a': 1}, ['b'], None"


def test_a_header_without_end_holds_nobody_up(admin: UserAgent, resource: str, publish: Callable[..., None]) -> None:
    """It was gone through once for each scheme in it: whoever waited meanwhile waited for half a minute, and the time
    for the second question was over.
    """
    publish(challenge="Bearer " * 8_000)
    found = ask(admin, resource)
    assert found.pop(NAMES[1]).startswith("Bearer Bearer ")
    assert found == {name: "" for name in NAMES if name != NAMES[1]}


def test_an_address_that_leads_inside_is_not_asked(credenza: Credenza, admin: UserAgent) -> None:
    """SECURITY A-SSR-01: what an administrator names is judged as what a stranger does."""
    inside = "https://127.0.0.1:9/mcp"
    credenza.apply({"api_resources": [{"identifier": inside, "name": "Inside", "permissions": [{"name": "read"}]}]})
    refusal = "127.0.0.1 leads to 127.0.0.1, which is not a public address and not in outbound_allow"
    assert ask(admin, inside) == {"The address answers": refusal}


def test_an_api_that_is_no_address_cannot_be_asked(credenza: Credenza, admin: UserAgent) -> None:
    ledger = "urn:example:ledger"
    credenza.apply({"api_resources": [{"identifier": ledger, "name": "Ledger", "permissions": [{"name": "read"}]}]})
    address = f"/console/api-resources/{segment_of(ledger)}"
    page = admin.get(address)
    assert isinstance(page, PageSeen)
    assert "/check" not in page.html
    page = admin.get(f"{address}/check")
    assert isinstance(page, PageSeen)
    assert page.status == 404
