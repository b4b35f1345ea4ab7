"""Two people save the same form at the same moment: both have looked at what is stored before either of them writes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from credenza import audit, clients, state, transaction, users
from credenza.testing import UserAgent
from credenza_console.console import LOOKS
from credenza_organizations import store as organizations
from credenza_organizations import template
from credenza_resources import store as resources
from credenza_upstream import console as providers
from credenza_upstream import store as upstreams

from .conftest import Visitor
from .test_branding import PROVIDER, upload
from .test_two_tabs import (
    MEANWHILE,
    administrator_role,
    allowed_host,
    api,
    api_permission,
    application,
    blocked_host,
    default_permissions,
    member_roles,
    nothing,
    organization,
    provider,
    role,
    seen_at,
    seen_in,
    template_permission,
    template_role,
    user,
)

Fields = dict[str, str]


@pytest.fixture
def credenza_database(filled_database_url: str) -> str:
    return filled_database_url


def described(what: Callable[[Visitor], tuple[str, Fields]]) -> Callable[[Visitor], tuple[str, Fields, Fields]]:
    """A form whose two senders have typed something else into one of its fields."""
    changed = "phone_number" if what is user else "description"

    def described(visitor: Visitor) -> tuple[str, Fields, Fields]:
        path, fields = what(visitor)
        return path, {**fields, changed: "One"}, {**fields, changed: "Two"}

    described.__name__ = what.__name__
    return described


def user_roles(visitor: Visitor) -> tuple[str, Fields, Fields]:
    return f"{user(visitor)[0]}/roles", *two_roles(visitor)


def service_roles(visitor: Visitor) -> tuple[str, Fields, Fields]:
    visitor.credenza.apply({"applications": [{"client_id": "night", "name": "Night", "type": "machine_to_machine"}]})
    return "/console/applications/night/roles", *two_roles(visitor)


def two_roles(visitor: Visitor) -> tuple[Fields, Fields]:
    for name in ("pilot", "mate"):
        visitor.credenza.run(resources.save_role, name, name, "", default=False, now=0)
    return {"role": "pilot"}, {"role": "mate"}


FORMS = [
    *map(described, (application, user, organization, api, role)),
    *(template_role, template_permission, api_permission, member_roles, user_roles, service_roles, provider),
    *(administrator_role, default_permissions, allowed_host, blocked_host),
]


@pytest.mark.parametrize("what", FORMS, ids=lambda what: what.__name__)
def test_of_two_who_save_at_the_same_moment_the_second_is_told(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, what: Callable[[Visitor], tuple[str, Fields, Fields]]
) -> None:
    """And keeps what was typed, as whoever is late does. One of the two is stored, and one is in the audit log."""
    monkeypatch.setattr(providers, "metadata", nothing)
    path, *typed = what(visitor)
    before, told = seen_at(visitor, path), changes(visitor)
    meet(visitor, monkeypatch)
    post = partial(visitor.post, path, token=visitor.token())
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(post, [{**fields, "seen": before} for fields in typed]))
    assert sorted(answer.status_code for answer in answers) == [303, 422]
    assert changes(visitor) == told + 1
    second = [answer.status_code for answer in answers].index(422)
    html = answers[second].text
    assert MEANWHILE in html
    for text in set(typed[second].values()) - set(typed[1 - second].values()):
        assert re.search(rf'value="{re.escape(text)}"(?: checked|[^>]*autocomplete)|>\n?{re.escape(text)}<', html), text
    visitor.done(path, {**typed[second], "seen": seen_in(html)})


@pytest.mark.parametrize("action", ["draft", "publish"])
def test_of_two_who_edit_a_branding_at_the_same_moment_the_second_is_told(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    before = seen_at(visitor, PROVIDER)
    save = partial(upload, visitor, path=PROVIDER, action=action, seen=before)
    overtake(visitor, monkeypatch, partial(save, display_name="One"))
    answer = save(display_name="Two")
    assert answer.status_code == 422
    assert MEANWHILE in answer.text
    assert 'value="Two"' in answer.text
    assert 'value="One"' in visitor.get(PROVIDER).html


def test_of_two_who_undo_a_publication_at_the_same_moment_one_does(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("First", "Second", "Third"):
        upload(visitor, path=PROVIDER, display_name=name)
    undo = partial(upload, visitor, path=PROVIDER, action="undo", seen=seen_at(visitor, PROVIDER))
    overtake(visitor, monkeypatch, undo)
    assert undo().status_code == 303
    page = visitor.get(PROVIDER)
    assert "Nothing was changed" in page.text
    assert 'value="Second"' in page.html


def test_of_two_who_add_somebody_at_the_same_moment_the_second_is_told(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The roles that the first one gave stay."""
    for name in ("one", "two"):
        visitor.credenza.run(template.save_template_role, name, name)
    path = organization(visitor)[0]
    one, two = ({"user": "ada", "role": name} for name in ("one", "two"))
    overtake(visitor, monkeypatch, partial(visitor.post, f"{path}/members/add", one, token=visitor.token()))
    assert "ada is a member already" in visitor.refused(f"{path}/members/add", two)
    ada = user(visitor)[0].rpartition("/")[2]
    assert visitor.credenza.run(organizations.member_roles, path.rpartition("/")[2], ada) == {"one": "one"}


def test_whoever_joins_while_they_are_added_keeps_the_roles_that_they_were_given(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link for them has others."""
    for name in ("one", "two"):
        visitor.credenza.run(template.save_template_role, name, name)
    path = organization(visitor)[0]
    html = visitor.done(f"{path}/invitations/create", {"email": "", "role": "two"}).html
    link = html.split('id="link-value">')[1].split("<")[0]
    ada = UserAgent(visitor.credenza)
    ada.get(link)
    ada.sign_in("ada")
    joined: list[Any] = []

    async def join() -> None:
        joined.append(await asyncio.to_thread(ada.submit, []))

    form = f"{path}/members/add", {"user": "ada", "role": "one"}
    done_while(visitor, monkeypatch, form, (organizations, "add_member"), join, late=True)
    assert [(page.status, page.error) for page in joined] == [(409, "already_member")]
    key = user(visitor)[0].rpartition("/")[2]
    assert visitor.credenza.run(organizations.member_roles, path.rpartition("/")[2], key) == {"one": "one"}


@pytest.mark.parametrize("what", [role, template_role, template_permission, api_permission], ids=lambda w: w.__name__)
def test_what_is_deleted_at_the_same_moment_does_not_come_back(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, what: Callable[[Visitor], tuple[str, Fields, Any]]
) -> None:
    path, fields, *_ = what(visitor)
    confirm = {"confirm": confirmed(what, fields)}
    overtake(visitor, monkeypatch, partial(visitor.post, f"{path}/delete", confirm, token=visitor.token()))
    assert visitor.post(path, {**fields, "description": "One"}).status_code == 404
    assert visitor.get(path).status == 404


DELETED = {  # by which function
    role: (resources, "delete_role"),
    api: (resources, "delete_resource"),
    api_permission: (resources, "delete_permission"),
    template_role: (template, "delete_template_role"),
    template_permission: (template, "delete_template_permission"),
    member_roles: (organizations, "remove_member"),
    provider: (upstreams, "delete_upstream"),
}


@pytest.mark.parametrize("what", DELETED, ids=lambda what: what.__name__)
def test_what_is_being_deleted_does_not_come_back(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, what: Callable[[Visitor], tuple[str, Fields, Any]]
) -> None:
    """Whoever saves it before the one who deletes it is done still sees it where there is no lock."""
    monkeypatch.setattr(providers, "metadata", nothing)
    path, fields, *_ = what(visitor)
    typed = {"description": "One", **fields}
    answers: list[httpx.Response] = []
    save = partial(visitor.post, path, typed, token=visitor.token())

    async def saved() -> None:
        answers.append(await asyncio.to_thread(save))

    form = f"{path}/{'remove' if what is member_roles else 'delete'}", {"confirm": confirmed(what, fields)}
    done_while(visitor, monkeypatch, form, DELETED[what], saved, late=True)
    assert [answer.status_code for answer in answers] == [404]
    assert visitor.get(path).status == 404


def confirmed(what: Callable[..., Any], fields: Fields) -> str:
    called = {template_role: "biller", template_permission: "weigh", api_permission: "orders:read"}
    called |= {member_roles: "ada", provider: "other"}
    return called.get(what) or fields["name"]


def test_a_change_that_a_person_makes_at_the_same_moment_is_made_afterwards(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked at a second time stays so until it is written: a change between the two would be lost."""
    path, fields = user(visitor)
    ada = visitor.credenza.run(users.find_user, path.rpartition("/")[2])
    assert ada is not None
    edit = users.edit_user

    async def change() -> None:
        async with transaction():
            await edit(replace(ada, phone_number="+44 20 7946 0000"), ("phone_number",))

    form = path, {**fields, "phone_number": "123"}
    done_while(visitor, monkeypatch, form, (users, "edit_user"), change)
    saved = visitor.credenza.run(users.find_user, ada.id)
    assert saved is not None
    assert saved.phone_number == "+44 20 7946 0000"


def test_a_change_that_an_application_makes_at_the_same_moment_is_made_afterwards(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that registered itself may change itself. RFC 7592 §2.2."""
    path, fields = application(visitor)
    find = partial(visitor.credenza.run, clients.find_client, "app", visitor.credenza.server.client_types)
    app, edit = find(), clients.edit_client
    assert app is not None
    own = partial(edit, replace(app, description="Its own"), ("description",), 1)
    form = path, {**fields, "description": "Saved"}
    done_while(visitor, monkeypatch, form, (clients, "edit_client"), own)
    saved = find()
    assert saved is not None
    assert saved.description == "Its own"


def test_a_desired_state_at_the_same_moment_is_applied_afterwards(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fields = organization(visitor)
    credenza, key = visitor.credenza, path.rpartition("/")[2]
    document = {"organizations": [{"id": key, "name": "Two tabs", "description": "Applied"}]}

    async def apply() -> None:
        await state.apply(credenza.server, credenza.app.state.passwords, document, Path.cwd())

    form = path, {**fields, "description": "Saved"}
    done_while(visitor, monkeypatch, form, (organizations, "edit_organization"), apply)
    saved = credenza.run(organizations.find_organization, key)
    assert saved is not None
    assert saved["description"] == "Applied"


def test_whose_thing_never_rests_is_asked_to_try_again(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The author of a form that never finds what it found before finds it named in the log."""
    looks = 0

    async def another(user_id: str) -> None:
        nonlocal looks
        looks += 1

    monkeypatch.setattr(users, "hold_user", another)
    path, fields = user(visitor)
    answer = visitor.post(path, {**fields, "phone_number": "123"})
    assert (answer.status_code, answer.headers["retry-after"], looks) == (503, "5", LOOKS)
    assert "/console/users/{user:str} was changed at each of 4 looks" in caplog.text


def changes(visitor: Visitor) -> int:
    return len(visitor.credenza.run(audit.list_events, name="ObjectChanged", limit=1000))


def meet(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first two to begin a transaction from here on begin it when both are there; others do not wait."""
    kind: Any = type(visitor.credenza.server.engine.transaction())
    begin, there = kind.__aenter__, 0
    both = visitor.credenza.run(event)

    async def begin_together(self: Any) -> Any:
        nonlocal there
        if self._parent is None and not both.is_set():
            there += 1
            if there == 2:
                both.set()
            async with asyncio.timeout(30):
                await both.wait()
        return await begin(self)

    monkeypatch.setattr(kind, "__aenter__", begin_together)


async def event() -> asyncio.Event:
    return asyncio.Event()


def overtake(visitor: Visitor, monkeypatch: pytest.MonkeyPatch, other: Callable[[], httpx.Response]) -> None:
    """The first to begin a transaction from here on begins it when the `other` form is saved."""
    kind: Any = type(visitor.credenza.server.engine.transaction())
    begin, waiting = kind.__aenter__, [other]

    async def begin_afterwards(self: Any) -> Any:
        while waiting:
            saved = await asyncio.to_thread(waiting.pop())
            assert saved.status_code == 303, saved.text
        return await begin(self)

    monkeypatch.setattr(kind, "__aenter__", begin_afterwards)


def done_while(
    visitor: Visitor,
    monkeypatch: pytest.MonkeyPatch,
    form: tuple[str, Fields],
    written_by: tuple[ModuleType, str],
    other: Callable[[], Awaitable[None]],
    *,
    late: bool = False,
) -> None:
    """Post the form. When it is about to be written, by the function of this name, or is written but not yet kept
    (`late`), the `other` begins; with nothing in its way it would be done before. Both are done in the end."""
    written, others = getattr(*written_by), list[asyncio.Future[None]]()

    async def be_followed() -> None:
        if not others:
            others.append(asyncio.get_running_loop().create_task(awaited(other), context=Context()))
            await asyncio.wait(others, timeout=0.2)

    async def write_and_be_followed(*arguments: Any, **options: Any) -> Any:
        if not late:
            await be_followed()
        done = await written(*arguments, **options)
        if late:
            await be_followed()
        return done

    monkeypatch.setattr(*written_by, write_and_be_followed)
    visitor.done(*form)
    visitor.credenza.run(asyncio.wait, others)


async def awaited(other: Callable[[], Awaitable[None]]) -> None:
    await other()
