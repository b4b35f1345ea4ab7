"""Client types are whole, client sources keep to their own, an empty request names no user and proves nothing."""

from __future__ import annotations

from credenza.objects import (
    Authentication,
    Authenticator,
    ClientSource,
    GrantType,
    SecondFactor,
    TokenRequest,
    Waiting,
)
from credenza.protocol.clients import Client, ClientType
from credenza.protocol.errors import ProtocolError
from credenza.protocol.metadata import AUTH_METHODS
from credenza.protocol.parameters import Parameters
from credenza.server import AuthorizationServer
from credenza.store.users import User
from credenza.testing import Credenza


def test_a_client_type_says_what_its_applications_may(client_type: ClientType, server: AuthorizationServer) -> None:
    assert client_type.title
    assert client_type.description
    assert client_type.pkce in ("required", "optional")
    assert client_type.auth_methods
    assert set(client_type.auth_methods) <= set(AUTH_METHODS)
    unknown = {*client_type.grant_types, *client_type.optional_grant_types} - set(server.grant_types)
    assert not unknown, f"no plugin brings the grant types {', '.join(unknown)}"


def test_a_client_source_leaves_others_alone(client_source: ClientSource, credenza: Credenza) -> None:
    stored = credenza.run(credenza.server.find_client, "app")
    assert isinstance(client_source.concerns("app", stored), bool)
    if client_source.concerns("app", stored):
        found = credenza.run(client_source.find, "app", stored, fresh=False)
        assert found is None or isinstance(found, Client)
    if client_source.concerns("nobody", None):
        assert credenza.run(client_source.find, "nobody", None, fresh=False) is None


def test_a_grant_type_names_nobody_for_an_empty_request(grant_type: GrantType, credenza: Credenza) -> None:
    client = credenza.run(credenza.server.find_client, "app")
    assert client is not None
    try:
        answer = credenza.run(grant_type.token_response, credenza.server, TokenRequest(client, Parameters([])))
    except ProtocolError:
        return
    assert "id_token" not in answer, "an application alone has no user"
    assert "refresh_token" not in answer, "RFC 6749 §4.4.3"


def test_an_authenticator_says_how_it_does_it(authenticator: Authenticator) -> None:
    assert authenticator.title
    assert isinstance(authenticator.amr, tuple), "values of RFC 8176; empty when somebody else says"
    assert all(isinstance(value, str) and value for value in authenticator.amr)


def test_an_authenticator_lets_nobody_in_for_nothing(authenticator: Authenticator, credenza: Credenza) -> None:
    try:
        answer = credenza.run(authenticator.authenticate, credenza.server, Parameters([]), "203.0.113.9")
    except (ProtocolError, NotImplementedError):  # one that has a page of its own is not asked
        return
    assert not isinstance(answer, Authentication)
    assert answer, "a sentence for the user"


def test_a_second_factor_says_how_it_does_it(second_factor: SecondFactor) -> None:
    assert second_factor.title
    assert isinstance(second_factor.amr, tuple), "values of RFC 8176"
    assert all(isinstance(value, str) and value for value in second_factor.amr)


def test_a_second_factor_takes_nothing_for_the_right_answer(
    second_factor: SecondFactor, waiting: Waiting, ada: User, credenza: Credenza
) -> None:
    try:
        answer = credenza.run(second_factor.check, waiting, ada, Parameters([]))
    except Exception:  # noqa: BLE001 - of who has not set it up nobody asks it
        return
    assert isinstance(answer, str), "it answers with a sentence, or with an empty one when the code is right"
    assert answer, "a sentence for the user"
