"""What one access token is for: a single audience, and what is granted there. RFC 8707 §2.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..objects import Choices
from ..permissions import Decision, audience_of, binding_of
from ..protocol.errors import InvalidScope, InvalidTarget
from ..protocol.parameters import Parameters
from ..protocol.resources import as_known, parse_resources
from ..protocol.scopes import Asked, Permission, join_scope, parse_scope
from ..server import AuthorizationServer


class Target(NamedTuple):
    """What one access token is for: an audience (empty for the provider itself) and the permissions in it.

    `binding` is what else it is bound to, an organization for example; see ScopeProvider.binding.
    """

    audience: str
    permissions: Sequence[Permission]
    binding: str = ""

    @property
    def scope(self) -> str:
        return join_scope(permission.scope for permission in self.permissions)


def choose_target(server: AuthorizationServer, decision: Decision, parameters: Parameters) -> Target:
    """One audience for each token, so that a scope of one API is never read as a scope of another.

    The resource that the token request names; else the only one that was granted, together with the provider's own
    scopes; else the provider alone. If the token request names scopes, "the only one" is the only one of those; if it
    names what the user chose (an organization), that comes before an API. Where some permissions are bound and others
    are not, the scopes it names decide.
    """
    asked = set(decision.asked.scopes)
    wanted = parse_scope(parameters.get("scope", ""))
    audiences = {p: audience_of(server, p, decision.choices) for p in decision.granted if p.scope in asked}
    named = parse_resources(parameters)
    if len(named) > 1:
        raise InvalidTarget("Ask for one resource at a time.")
    if named:
        target = _at(server, decision, audiences, named[0], wanted)
    else:
        choice = _names_choice(server, decision.choices, parameters)
        target = _usual(server, decision, audiences, wanted, choice=choice)
    return _narrowed(target, wanted, decision.asked)


def _at(
    server: AuthorizationServer,
    decision: Decision,
    audiences: Mapping[Permission, str],
    named: str,
    wanted: Sequence[str],
) -> Target:
    """The resource that the request names, with what is granted there."""
    known = {*decision.asked.resources, *audiences.values()}
    resource = as_known(named, known)
    if resource not in known:
        raise InvalidTarget("This resource was not part of the authorization.")
    target = _bound(server, decision, resource, [p for p in audiences if audiences[p] == resource], wanted)
    if not target.permissions:
        raise InvalidTarget("Nothing is granted at this resource.")
    return target


def _usual(
    server: AuthorizationServer,
    decision: Decision,
    audiences: Mapping[Permission, str],
    wanted: Sequence[str],
    *,
    choice: bool,
) -> Target:
    """The only audience beside the provider, if it is one; `choice` when what the user chose comes before an API."""
    candidates = [p for p in audiences if p.scope in wanted] or audiences
    apis = {audiences[p] for p in candidates if p.resource}
    chosen = {audiences[p] for p in candidates if not p.resource} - {""}
    preferred = chosen or apis if choice else apis or chosen
    audience = preferred.pop() if len(preferred) == 1 else ""
    at = [p for p in audiences if audience and audiences[p] == audience]
    there = _bound(server, decision, audience, at, wanted)
    return there._replace(permissions=[p for p in audiences if not audiences[p] or p in there.permissions])


def _names_choice(server: AuthorizationServer, choices: Choices, parameters: Parameters) -> bool:
    """Whether the request names one of these answers to a source's question, an organization's id for example.

    A code is for what was chosen before it was issued: another answer beside it does not count.
    """
    if not choices:
        return False
    asked = (provider.question_parameter or ("", "") for provider in server.scope_providers.values())
    return any(name in parameters and parameters[name] == choices.get(question) for name, question in asked)


def _bound(
    server: AuthorizationServer,
    decision: Decision,
    audience: str,
    permissions: list[Permission],
    wanted: Sequence[str],
) -> Target:
    """The permissions that may share a token: those with one binding, which is that of a wanted scope if any is wanted,
    else any binding before none.
    """
    bindings = {p: binding_of(server, p, decision.choices) for p in permissions}
    binding = max([b for p, b in bindings.items() if p.scope in wanted] or bindings.values(), default="")
    return Target(audience, [p for p in permissions if bindings[p] == binding], binding)


def _narrowed(target: Target, wanted: Sequence[str], asked: Asked) -> Target:
    """ "The requested scope MUST NOT include any scope not originally granted." RFC 6749 §6."""
    if not wanted:
        return target
    if beyond := [scope for scope in wanted if scope not in asked.scopes]:
        raise InvalidScope(f"Not part of the authorization: {', '.join(beyond)}.")
    return target._replace(permissions=[p for p in target.permissions if p.scope in wanted])
