"""Try it: the whole flow of an application in a new tab, with this server as the application, up to decoded tokens.

The application's own redirect URIs and secrets stay as they are: the run comes back to a page of ours, and has a secret
of its own, which ends with it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import ClassVar
from urllib.parse import urlencode

from credenza import (
    AnyResponse,
    AuthorizationServer,
    Client,
    ClientSource,
    ConsoleVisit,
    clients,
    console_get,
    console_post,
    digest_secret,
    new_id,
    new_token,
    redirect_response,
    s256,
    transaction,
)

from ..cookies import SessionCookie
from .application import ONE, ApplicationForm, back_to, find
from .snippets import scopes_of

TRY = ONE + "/try"
BACK = "/console/trial"
LIFETIME = 600  # seconds from the start of a run to its end
COOKIE = SessionCookie("trial", LIFETIME, samesite="lax")
SECRET_NAME = "Trial run"  # noqa: S105  # a name for one
PROMPTS = (("", "As usual"), ("consent", "Ask for consent again"), ("login", "Sign in again"), ("none", "Ask nothing"))


@dataclass(frozen=True, slots=True)
class Run:
    """What must be remembered from the start of a run to its end."""

    client: str
    state: str
    nonce: str
    verifier: str
    scope: str
    resource: str
    secret: str
    secret_id: str


class TrialSource(ClientSource):
    """Where a run comes back to: a page of ours, beside what is registered for the client."""

    name = "console trial runs"

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Client, Client]] = {}

    def concerns(self, client_id: str, stored: Client | None) -> bool:
        return stored is not None and stored.type.redirects

    async def find(self, client_id: str, stored: Client | None, *, fresh: bool) -> Client | None:
        if stored is None or not fresh:
            return stored
        known = self._seen.get(client_id)
        if known is None or known[0] is not stored:
            if len(self._seen) > 20_000:
                self._seen.clear()
            known = stored, replace(stored, trial_uri=self.server.issuer + BACK)
            self._seen[client_id] = known
        return known[1]


@dataclass(kw_only=True)
class TryPage(ApplicationForm):
    """`hindrance` says why there can be no run; `apis` are what a token may be for."""

    template: ClassVar[str] = "applications/try.html"
    hindrance: str
    apis: tuple[tuple[str, str], ...]
    prompts: tuple[tuple[str, str], ...] = PROMPTS


@console_get(TRY, "applications:write")
async def show_try(visit: ConsoleVisit, application: str) -> TryPage:
    return await _page(visit.server, await find(visit, application))


@console_post(TRY, "applications:write")
async def start(visit: ConsoleVisit, application: str) -> AnyResponse | TryPage:
    client = await find(visit, application)
    page = await _page(visit.server, client)
    typed = {name: visit.form.get(name, "").strip() for name in ("scope", "resource", "prompt")}
    errors = {}
    if len(typed["scope"]) > 2000 or not typed["scope"].isprintable():
        errors["scope"] = "Scopes are words with spaces between them."
    if typed["resource"] not in dict(page.apis):
        errors["resource"] = "Choose one of these."
    if typed["prompt"] not in dict(PROMPTS):
        errors["prompt"] = "Choose one of these."
    if page.hindrance:
        errors[""] = page.hindrance
    if errors:
        return page.refused({"": "Nothing was started. Check the marked fields."} | errors, **typed)
    typed["scope"] = _for_the_api(client, typed["scope"], typed["resource"])
    secret_id, secret = await _lend_secret(visit, client)
    run = Run(
        client=client.id,
        state=new_id(),
        nonce=new_id(),
        verifier=new_id() + new_id(),
        scope=typed["scope"],
        resource=typed["resource"],
        secret=secret,
        secret_id=secret_id,
    )
    address = _authorization(visit.server, run, typed["prompt"]) if client.type.interactive else _straight(visit, run)
    response = redirect_response(visit.server.settings, address)
    COOKIE.write(visit.server, visit.session, response, asdict(run))
    return response


def hindrance(client: Client) -> str:
    """Why a run is not possible, in a sentence; empty when it is."""
    if not client.enabled:
        return "This application is disabled."
    if client.auth_method == "private_key_jwt":
        return "It signs in with a private key that only its developer has, so it cannot be tried from here."
    if client.par_required or client.dpop_required:
        return "Its security profile needs keys that only its developer has, so it cannot be tried from here."
    if client.type.interactive and not client.type.redirects:
        return "People sign in to it with a code that the device shows: use the snippet of the integration kit."
    return ""


async def _page(server: AuthorizationServer, client: Client) -> TryPage:
    resources = sorted({permission.resource for permission in client.ceiling or {} if permission.resource})
    only = resources[0] if len(resources) == 1 and not client.type.interactive else ""  # a user may hold none of it
    return TryPage(
        title=f"Try {client.name}",
        lead="Goes through the whole sign-in in a new tab, with this console in place of the application.",
        path=back_to(client, "Integration kit", "/kit"),
        client=client,
        hindrance=hindrance(client),
        apis=(("", "None"), *((resource, resource) for resource in resources)),
        values={
            "scope": await scopes_of(server, client) if client.type.interactive else "",
            "resource": only,
            "prompt": "",
        },
    )


def _for_the_api(client: Client, scope: str, resource: str) -> str:
    """A token for an API needs one of its permissions: where none is named, all are asked for that are enabled here."""
    enabled = sorted(p.scope for p in client.ceiling or {} if resource and p.resource == resource)
    return scope if set(enabled) & set(scope.split()) else " ".join([*scope.split(), *enabled])


async def _lend_secret(visit: ConsoleVisit, client: Client) -> tuple[str, str]:
    """A secret for this run; those of earlier runs end. Nothing for a public client."""
    async with transaction():
        for row in await clients.list_secrets(client.id):
            if row["name"] == SECRET_NAME:
                await clients.delete_secret(client.id, row["id"])
        await visit.changed("trial run", "started", client.id, client=client.id)
        if not client.confidential:
            return "", ""
        secret, now = new_token("client_secret"), visit.server.now()
        secret_id = await clients.insert_secret(
            client.id,
            name=SECRET_NAME,
            digest=digest_secret(secret),
            hint=secret[-4:],
            now=now,
            expires_at=now + LIFETIME,
        )
    return secret_id, secret


def request_of(server: AuthorizationServer, run: Run) -> dict[str, str]:
    """The authorization request of a run."""
    return {
        "client_id": run.client,
        "response_type": "code",
        "redirect_uri": server.issuer + BACK,
        "scope": run.scope,
        "state": run.state,
        "nonce": run.nonce,
        "code_challenge": s256(run.verifier),
        "code_challenge_method": "S256",
        **({"resource": run.resource} if run.resource else {}),
    }


def _authorization(server: AuthorizationServer, run: Run, prompt: str) -> str:
    return f"{server.issuer}/authorize?" + urlencode(request_of(server, run) | ({"prompt": prompt} if prompt else {}))


def _straight(visit: ConsoleVisit, run: Run) -> str:
    """A service has no user to ask: its run is over when its token is there."""
    return f"{visit.server.issuer}{BACK}?{urlencode({'state': run.state})}"


def running(visit: ConsoleVisit) -> Run | None:
    """The run that this browser began; None when there is none, or it took too long."""
    content = COOKIE.read(visit.server, visit.session, visit.request)
    return Run(**content) if content else None
