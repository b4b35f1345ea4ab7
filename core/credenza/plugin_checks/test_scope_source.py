"""A scope source answers every question with the right type, about nothing but what it was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from credenza.objects import Question, ScopeProvider, Subject
from credenza.outbound import Refused
from credenza.protocol.scopes import SCOPE_TOKEN, Asked, Permission, Scope
from credenza.testing import Credenza

STANDARD = {
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "sid",
}


def asked_for(credenza: Credenza, source: ScopeProvider, answer: str, *arguments: Any) -> Any:
    """Within the time that a server gives it. Without the service that a source asks there is nothing to look at."""

    async def within() -> Any:
        import asyncio

        async with asyncio.timeout(source.server.settings.plugins_timeout):
            return await getattr(source, answer)(*arguments)

    try:
        return credenza.run(within)
    except Refused as error:
        pytest.skip(f"{source.name} could not ask: {error}")


def catalogue(credenza: Credenza, source: ScopeProvider) -> list[Scope]:
    return list(asked_for(credenza, source, "catalogue"))


def test_it_says_what_it_is(scope_source: ScopeProvider) -> None:
    assert scope_source.title
    assert scope_source.section in ("user", "organization")
    assert isinstance(scope_source.order, int)


def test_each_scope_of_its_catalogue_is_its_own_and_has_words(credenza: Credenza, scope_source: ScopeProvider) -> None:
    scopes = catalogue(credenza, scope_source)
    for scope in scopes:
        assert isinstance(scope, Scope)
        assert scope.permission.source == scope_source.name, f"{scope.permission} names another source"
        assert SCOPE_TOKEN.fullmatch(scope.permission.scope), "RFC 6749 §3.3"
        assert scope.title, f"{scope.permission} has no title"
        assert not STANDARD & set(scope.claims), f"{scope.permission} releases a claim of the protocol"
    assert len({scope.permission for scope in scopes}) == len(scopes), "a permission stands twice in the catalogue"


def test_a_request_for_nothing_names_nothing_of_it(credenza: Credenza, scope_source: ScopeProvider) -> None:
    assert not list(asked_for(credenza, scope_source, "requested", Asked()))


def test_a_request_names_scopes_of_its_own(credenza: Credenza, scope_source: ScopeProvider) -> None:
    for scope in asked_for(credenza, scope_source, "requested", everything(catalogue(credenza, scope_source))):
        assert isinstance(scope, Scope)
        assert scope.permission.source == scope_source.name


def test_it_knows_no_resource_of_somebody_else(credenza: Credenza, scope_source: ScopeProvider) -> None:
    assert asked_for(credenza, scope_source, "knows", "https://nobody.invalid/api") is False


def test_a_steady_one_answers_the_same_twice(credenza: Credenza, scope_source: ScopeProvider) -> None:
    if scope_source.steady:
        assert catalogue(credenza, scope_source) == catalogue(credenza, scope_source)


def test_a_subject_holds_at_most_what_was_asked_about(
    credenza: Credenza, scope_source: ScopeProvider, subject: Subject
) -> None:
    permissions = [scope.permission for scope in catalogue(credenza, scope_source)]
    for some in ([], permissions[:1], permissions):
        held = asked_for(credenza, scope_source, "held", subject, some, {})
        assert isinstance(held, Mapping)
        assert set(held) <= set(some), "it answers about more than it was asked"
        assert all(isinstance(through, str) for through in held.values())


def test_its_claims_are_json_and_none_of_the_protocols(
    credenza: Credenza, scope_source: ScopeProvider, subject: Subject
) -> None:
    permissions = [scope.permission for scope in catalogue(credenza, scope_source)]
    claims = asked_for(credenza, scope_source, "claims", subject, permissions, {})
    json.dumps(dict(claims))
    assert not STANDARD & set(claims)


def test_its_claims_for_access_tokens_are_json(
    credenza: Credenza, scope_source: ScopeProvider, subject: Subject
) -> None:
    claims = asked_for(credenza, scope_source, "access_token_claims", subject, "https://api.example.com", {})
    json.dumps(dict(claims))
    assert not STANDARD & set(claims)
    lifetime = asked_for(credenza, scope_source, "access_token_lifetime", "https://api.example.com")
    assert lifetime is None or 0 < lifetime <= 24 * 3600


def test_its_question_can_be_answered(credenza: Credenza, scope_source: ScopeProvider, subject: Subject) -> None:
    permissions = [scope.permission for scope in catalogue(credenza, scope_source)]
    question = asked_for(credenza, scope_source, "question", subject, permissions)
    assert question is None or isinstance(question, Question)
    if question is not None:
        assert question.name
        assert question.title
        for value, label in question.options:
            assert value
            assert label
            title = asked_for(credenza, scope_source, "answer_title", question.name, value)
            assert title is None or isinstance(title, str)


def test_answers_of_others_are_not_its_business(
    credenza: Credenza, scope_source: ScopeProvider, subject: Subject
) -> None:
    assert asked_for(credenza, scope_source, "answer_title", "somebody-elses", "x") is None
    assert asked_for(credenza, scope_source, "still_valid", subject, {}) is True


def test_audience_and_binding_are_texts(credenza: Credenza, scope_source: ScopeProvider) -> None:
    for scope in catalogue(credenza, scope_source):
        assert isinstance(scope_source.audience(scope.permission, {}), str)
        assert isinstance(scope_source.binding(scope.permission, {}), str)


def test_what_it_implies_is_its_own(credenza: Credenza, scope_source: ScopeProvider) -> None:
    ceiling = {scope.permission: True for scope in catalogue(credenza, scope_source)}
    implied = scope_source.implied(ceiling)
    assert all(isinstance(p, Permission) and p.source == scope_source.name for p in implied)
    assert not scope_source.implied({})


def everything(scopes: list[Scope]) -> Asked:
    """A request that names all of them."""
    return Asked(
        tuple({scope.permission.scope for scope in scopes}),
        tuple({scope.permission.resource for scope in scopes if scope.permission.resource}),
    )
