"""`credenza admin`, `credenza keys` and `credenza revoke-all`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from ..administrators import ADMINISTRATOR_ROLES, LastAdministrator, hold_administrators, is_raised
from ..events import EmailChanged, ObjectChanged
from ..invitations import invite
from ..logout import end_all_sessions, end_most_sessions
from ..protocol.email_addresses import email_mistake
from ..protocol.names import as_identifier, username_mistake
from ..rotation import published_lately, revoke, rotate
from ..server import AuthorizationServer
from ..store import keys, users
from ..store.engine import transaction
from ..store.revocation import revoke_everything
from ..web.new_password import set_password
from ..web.passwords import WeakPassword, check_new_password
from .opening import Refusal, Subparsers, opened, run, settings_of
from .output import print_json, print_line

TOO_SOON = (
    "the keys that sign from now on were published less than an hour ago; applications that have not fetched the key "
    "set since then refuse new tokens until they do"
)


def add_admin(commands: Subparsers) -> None:
    parser = commands.add_parser("admin", help="administrators")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="create an administrator, or make a user one")
    create.add_argument("--username", required=True, help="the name to sign in with")
    create.add_argument("--email", default="", help="the email address")
    create.add_argument("--role", default="full", choices=ADMINISTRATOR_ROLES, help="what they may do in the console")
    create.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input; else a link is printed"
    )
    create.add_argument("--json", action="store_true", help="machine-readable output")
    create.set_defaults(run=create_admin)


def create_admin(arguments: argparse.Namespace) -> int:
    username, email = as_identifier(arguments.username), as_identifier(arguments.email)
    if message := username_mistake(username) or email_mistake(email):
        raise Refusal(message)
    password = sys.stdin.readline().rstrip("\r\n") if arguments.password_stdin else ""

    async def do() -> dict[str, str]:
        async with opened(settings_of(arguments), there=False) as (server, passwords):
            stored = None
            if arguments.password_stdin:
                try:
                    check_new_password(password, server.settings, context=(username,))
                except WeakPassword as error:
                    raise Refusal(str(error)) from error
                stored = await passwords.hash(password)
            user = await _save_admin(server, arguments.username, email, arguments.role, stored)
            made = {"id": user.id, "username": user.username}
            if stored is None and user.password_hash is None:
                made["invitation"] = await invite(server, purpose="password", user_id=user.id)
            return made

    made = run(do)
    if arguments.json:
        print_json(made)
    else:
        print_line(f"{made['username']} is an administrator.")
        if "invitation" in made:
            print_line(f"Choose the password here (works once): {made['invitation']}")
    return 0


async def _save_admin(server: AuthorizationServer, typed: str, email: str, role: str, stored: str | None) -> users.User:
    """The user of the `typed` name as it was, or a new one, now an administrator.

    `stored` is the hash of their new password, if there is one. Raises Refusal.
    """
    async with transaction():
        found = await _find(typed, email, role)
    if found is not None and (stored is not None or is_raised(found.administrator, role)):
        await end_most_sessions(server, found.id)
    now = server.now()
    async with transaction():
        found = await _find(typed, email, role)
        user = found or users.User(users.new_user_id(), as_identifier(typed), created_at=now)
        changed = replace(user, administrator=role, updated_at=now)
        names = ["administrator", "updated_at"]
        if email and email != user.email:
            changed = replace(changed, email=email, email_verified=False)
            names += ["email", "email_verified"]
        if found is None and stored is not None:
            changed = replace(changed, password_hash=stored, password_changed_at=now)
        await (users.edit_user(changed, names) if found else users.insert_user(changed))
        if found is not None and "email" in names:
            emailed = EmailChanged(actor="command line", user=user.id, before=user.email or "", after=email)
            await server.emit(emailed)
        if found is not None and is_raised(found.administrator, role):
            await end_all_sessions(server, user.id)
        if found is not None and stored is not None:
            await set_password(server, user, stored, through="command line", address="", actor="command line")
        await server.emit(
            ObjectChanged(
                actor="command line",
                user=user.id,
                kind="user",
                action="updated" if found else "created",
                target=user.username,
                after={"administrator": role},
            )
        )
    return user


async def _find(username: str, email: str, role: str) -> users.User | None:
    """Who has this name, in a transaction that gives them the role. Raises Refusal."""
    found = await users.find_user_by_identifier(username)
    if email and (owner := await users.find_confirmed_owner(email, found.id if found is not None else "")):
        raise Refusal(f"{email} is the confirmed address of {owner.username}")
    if found is not None and role != "full":
        try:
            await hold_administrators(found)
        except LastAdministrator as error:
            raise Refusal(f"{found.username} is the last administrator, and stays one") from error
    return found


def add_revoke_all(commands: Subparsers) -> None:
    parser = commands.add_parser("revoke-all", help="end every session, grant and token, as after restoring a backup")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=revoke_all)


def revoke_all(arguments: argparse.Namespace) -> int:
    async def do() -> dict[str, int]:
        async with opened(settings_of(arguments)) as (server, _):
            async with transaction():
                ended = await revoke_everything(server.now())
                await server.emit(
                    ObjectChanged(actor="command line", kind="provider", action="revoked everything", after=ended)
                )
            return ended

    ended = run(do)
    if arguments.json:
        print_json(ended)
    else:
        print_line(", ".join(f"{number} {what.replace('_', ' ')}" for what, number in ended.items()) + " ended.")
    return 0


def add_keys(commands: Subparsers) -> None:
    parser = commands.add_parser("keys", help="signing keys")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text, function in (
        ("list", "which keys there are, and what each is doing", list_keys),
        ("rotate", "the next keys sign from now on, and new ones are published", rotate_keys),
        ("revoke", "take a key that somebody else may have out of the key set, at once", revoke_key),
    ):
        action = actions.add_parser(name, help=text)
        if name == "revoke":
            action.add_argument("kid", help="its id, as `credenza keys list` has it")
        action.add_argument("--json", action="store_true", help="machine-readable output")
        action.set_defaults(run=function)


def list_keys(arguments: argparse.Namespace) -> int:
    async def do() -> list[keys.StoredKey]:
        async with opened(settings_of(arguments)) as (server, _):
            await server.keys()
            return await keys.list_keys()

    return _print_keys(run(do), as_json=arguments.json)


def rotate_keys(arguments: argparse.Namespace) -> int:
    async def do() -> list[keys.StoredKey]:
        async with opened(settings_of(arguments)) as (server, _):
            too_soon = await published_lately(server) is not None
            await rotate(server, actor="command line")
            if too_soon:
                sys.stderr.write(f"credenza: warning: {TOO_SOON}\n")
            return await keys.list_keys()

    return _print_keys(run(do), as_json=arguments.json)


def revoke_key(arguments: argparse.Namespace) -> int:
    async def do() -> list[keys.StoredKey]:
        async with opened(settings_of(arguments)) as (server, _):
            if not await revoke(server, arguments.kid, actor="command line"):
                raise Refusal(f"there is no signing key {arguments.kid!r}; `credenza keys list` has their ids")
            return await keys.list_keys()

    return _print_keys(run(do), as_json=arguments.json)


def _print_keys(found: list[keys.StoredKey], *, as_json: bool) -> int:
    if as_json:
        print_json([{"kid": k.kid, "alg": k.alg, "state": k.state, "created_at": k.created_at} for k in found])
    else:
        for key in found:
            print_line(f"{key.state:8} {key.alg:6} {key.kid}")
    return 0
