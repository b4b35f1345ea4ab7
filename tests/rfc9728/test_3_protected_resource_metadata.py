"""RFC 9728, protected resource metadata: what we write for an API, for whoever runs it."""

from __future__ import annotations

import html
import json

import pytest

from credenza import (
    protected_resource_address,
    protected_resource_challenge,
    protected_resource_metadata,
    segment_of,
)
from credenza.testing import ORDERS, Credenza, PageSeen, UserAgent


@pytest.mark.parametrize(
    ("resource", "address"),
    [
        ("https://mcp.example.com", "https://mcp.example.com/.well-known/oauth-protected-resource"),
        ("https://mcp.example.com/", "https://mcp.example.com/.well-known/oauth-protected-resource"),
        ("https://mcp.example.com/mcp", "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"),
        ("https://mcp.example.com:8443/a/b", "https://mcp.example.com:8443/.well-known/oauth-protected-resource/a/b"),
        ("https://mcp.example.com/a?b=c", "https://mcp.example.com/.well-known/oauth-protected-resource/a?b=c"),
        ("https://mcp.example.com/?b=c", "https://mcp.example.com/.well-known/oauth-protected-resource?b=c"),
        ("urn:example:orders", ""),
    ],
)
def test_3_1_the_well_known_part_stands_between_host_and_path(resource: str, address: str) -> None:
    """ "any terminating slash (/) following the host component MUST be removed before inserting /.well-known/". RFC
    9728 §3.1.
    """
    assert protected_resource_address(resource) == address


def test_2_the_members() -> None:
    """ "resource REQUIRED." RFC 9728 §2."""
    document = protected_resource_metadata(
        ORDERS, issuer="https://id.example.com", name="Orders", scopes=["orders:read"]
    )
    assert document["resource"] == ORDERS
    assert document["authorization_servers"] == ["https://id.example.com"]
    assert document["scopes_supported"] == ["orders:read"]
    assert document["bearer_methods_supported"] == ["header"]


def test_5_1_the_challenge_names_the_document() -> None:
    """The parameter resource_metadata has the URL of the document. RFC 9728 §5.1."""
    challenge = protected_resource_challenge(ORDERS)
    assert challenge == f'Bearer resource_metadata="{protected_resource_address(ORDERS)}"'


def test_the_console_shows_it_filled_in(credenza: Credenza, admin: UserAgent) -> None:
    page = admin.get(f"/console/api-resources/{segment_of(ORDERS)}")
    assert isinstance(page, PageSeen)
    assert protected_resource_address(ORDERS) in page.text
    shown = html.unescape(
        page.html.partition('aria-label="Protected resource metadata"><code>')[2].partition("</code>")[0]
    )
    document = json.loads(shown)
    assert document == protected_resource_metadata(
        ORDERS, issuer=credenza.issuer, name="Orders", scopes=["orders:read", "orders:write"]
    )


def test_an_api_that_is_no_address_has_none(credenza: Credenza, admin: UserAgent) -> None:
    resource = "urn:example:ledger"
    credenza.apply({"api_resources": [{"identifier": resource, "name": "Ledger", "permissions": [{"name": "read"}]}]})
    page = admin.get(f"/console/api-resources/{segment_of(resource)}")
    assert isinstance(page, PageSeen)
    assert "oauth-protected-resource" not in page.html
