"""Consent x-ray: what this user would see of this application, and for each permission why. It asks the real thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlencode

from litestar.exceptions import NotFoundException

from credenza import (
    AnyResponse,
    Client,
    ConsoleForm,
    ConsolePage,
    ConsoleVisit,
    Explanation,
    Outcome,
    Permission,
    ProtocolError,
    Question,
    User,
    Verdict,
    branding_of,
    clients,
    console_get,
    enabled_permissions,
    explain,
    own_frame,
    render,
    users,
)

from .applications.application import address_of_client

HERE = "/console/xray"
FOLDER = Path(__file__).parent / "templates"
KNOWN = 100
NOTHING = "There is nothing to show yet. Check the marked fields."
FIELDS = ("client", "user", "scope", "resource")
# How far a permission came: each outcome is the filter that stopped it.
STEPS = {Outcome.NOT_ENABLED: 0, Outcome.NOT_HELD: 1, Outcome.NOT_CONSENTED: 2, Outcome.GRANTED: 3}


@dataclass(frozen=True, slots=True)
class Step:
    """One filter's answer: "yes", "no", or "" when it was not asked any more; and where it can be changed."""

    title: str
    answer: str
    why: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    scope: str
    resource: str
    source: str
    granted: bool
    steps: tuple[Step, ...]


@dataclass(kw_only=True)
class XrayPage(ConsoleForm):
    template: ClassVar[str] = "xray/xray.html"
    folder: ClassVar[Path | None] = FOLDER
    frames: ClassVar[bool] = True
    fragment: str = "result"
    lines: tuple[Line, ...] = ()
    questions: tuple[Question, ...] = ()
    choices: Mapping[str, str]
    outcome: str = ""
    refusal: str = ""
    preview: str = ""
    shown: bool = False
    applications: tuple[tuple[str, str], ...] = ()
    people: tuple[tuple[str, str], ...] = ()


@console_get(HERE, "xray:read")
async def show_xray(visit: ConsoleVisit) -> XrayPage:
    values = _values(visit)
    page = XrayPage(
        title="Consent x-ray",
        lead="Choose an application and a user to see their consent page, and the reason for each permission.",
        values=values,
        choices={},
    )
    page.applications, page.people = await _known()
    if not values["client"] and not values["user"]:
        return page
    client, user = await _chosen(visit, values)
    errors = {}
    if client is None:
        errors["client"] = "No application has this client ID."
    if user is None:
        errors["user"] = "There is no such user."
    if errors or client is None or user is None:
        return page.refused({"": NOTHING} | errors)
    values["scope"] = values["scope"] or await everything(visit, client)
    try:
        found = await _explain(visit, client, user, values)
    except ProtocolError as error:
        return page.refused({"": NOTHING, "scope": error.description or error.code})
    return _filled(visit, page, client, user, found)


def _values(visit: ConsoleVisit) -> dict[str, str]:
    """What is asked, as it stands in the address; scopes and resources may be repeated there."""
    return {name: " ".join(visit.query.all_values(name)).strip()[:4000] for name in FIELDS}


async def _known() -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """What was used last, to choose from while typing; everything else can be typed."""
    rows = await clients.list_clients(order="last_used_at", descending=True, limit=KNOWN)
    people = await users.list_users(order="last_sign_in_at", descending=True, limit=KNOWN)
    return tuple((row["id"], row["name"]) for row in rows), tuple((u.username, u.display_name) for u in people)


async def everything(visit: ConsoleVisit, client: Client) -> str:
    """All that an application may ask for, when nobody says what it asks; of our own that is no list."""
    enabled = await enabled_permissions(visit.server, client) if client.third_party else {}
    return " ".join(dict.fromkeys(["openid", *(p.scope for p in enabled)]))


async def _chosen(visit: ConsoleVisit, values: Mapping[str, str]) -> tuple[Client | None, User | None]:
    client = await visit.server.find_client(values["client"])
    user = await users.find_user_by_identifier(values["user"]) or await users.find_user(values["user"])
    return client, user


async def _explain(visit: ConsoleVisit, client: Client, user: User, values: Mapping[str, str]) -> Explanation:
    resources = values["resource"].split() or sorted({p.resource for p in client.ceiling or {} if p.resource})[:20]
    choices = {name: value for name, value in visit.query.items() if name not in FIELDS}
    return await explain(visit.server, client, user, scope=values["scope"], resources=resources, choices=choices)


def _filled(visit: ConsoleVisit, page: XrayPage, client: Client, user: User, found: Explanation) -> XrayPage:
    page.shown = True
    page.questions, page.choices = tuple(found.questions), found.choices
    page.refusal = found.refused.description if found.refused is not None else ""
    page.lines = tuple(_line(client, user, found, verdict) for verdict in found.verdicts)
    page.outcome = _outcome(client, user, found)
    asked = [*((name, page.values[name]) for name in FIELDS if page.values[name]), *found.choices.items()]
    page.preview = f"{HERE}/page?{urlencode(asked)}"
    return page


def _outcome(client: Client, user: User, found: Explanation) -> str:
    if not client.enabled:
        return "This application is disabled: the user sees an error page, and it gets nothing."
    if user.suspended:
        return "This user is suspended: nobody can sign in as them, and the application gets nothing."
    if found.refused is not None:
        return f"The request is refused with {found.refused.code}; the user sees no page."
    if not client.third_party:
        return "This application is your own: the user sees no consent page, and the consent is recorded as automatic."
    if found.each_time:
        return (
            "The user is asked each time: any program on their device can receive the answers at this redirect URI. "
            "With an https redirect URI they are asked once."
        )
    if found.asks:
        return "The user is asked, because something is new or was never answered."
    return "The user is not asked again, because everything was answered before."


def _line(client: Client, user: User, found: Explanation, verdict: Verdict) -> Line:
    permission, scope = verdict.permission, found.scopes[verdict.permission]
    reached = STEPS[verdict.outcome]
    person, application = f"/console/users/{user.id}", address_of_client(client.id)
    chosen = ", ".join(dict(q.options).get(found.choices.get(q.name, ""), "") for q in found.questions)
    steps = (
        Step(
            "Enabled on the application",
            _answer(0, reached),
            _enabled(client, permission),
            f"{application}/permissions",
        ),
        Step("Held by the user", _answer(1, reached), " · ".join(filter(None, (verdict.through, chosen))), person),
        Step("Consented", _answer(2, reached), _consented(client, found, permission), f"{application}/users"),
    )
    granted = verdict.granted and client.enabled and not user.suspended
    return Line(scope.title, permission.scope, permission.resource, permission.source, granted, steps)


def _answer(step: int, reached: int) -> str:
    return "yes" if step < reached else "no" if step == reached else ""


def _enabled(client: Client, permission: Permission) -> str:
    if client.ceiling is None:
        return "a first-party application has no ceiling"
    if permission in client.ceiling:
        return "required" if client.ceiling[permission] else "optional"
    return ""


def _consented(client: Client, found: Explanation, permission: Permission) -> str:
    if not client.third_party:
        return "nobody has to be asked"
    if found.consent is None:
        return "never answered"
    return "declined" if permission in found.consent.declined else ""


@console_get(f"{HERE}/page", "xray:read")
async def show_page(visit: ConsoleVisit) -> AnyResponse:
    """The exact page, for a frame of our own: nothing in it can be pressed."""
    values = _values(visit)
    client, user = await _chosen(visit, values)
    if client is None or user is None:
        raise NotFoundException
    values["scope"] = values["scope"] or await everything(visit, client)
    found = await _explain(visit, client, user, values)
    context = await branding_of(visit.server, found.choices)
    return own_frame(await render(visit.request, found.page, client=client, context=context))


PAGE = ConsolePage("Consent x-ray", HERE, (show_xray, show_page), icon="search", section="Policy", order=300)
