"""`credenza reseal`: what rests encrypted, under the newest secret key, so that the former one can be dropped."""

from __future__ import annotations

import argparse

from ..encryption import Undecryptable
from ..events import ObjectChanged
from ..server import AuthorizationServer
from ..store.engine import transaction
from ..store.sealed import Resealed, reseal, sealed_columns
from .opening import Refusal, Subparsers, opened, run, settings_of
from .output import print_json, print_line


def add_reseal(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "reseal", help="encrypt what rests in the database with the newest secret key; safe while servers run"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=reseal_all)


def reseal_all(arguments: argparse.Namespace) -> int:
    async def do() -> Resealed:
        async with opened(settings_of(arguments)) as (server, _):
            return await reseal_everything(server)

    done = run(do)
    if arguments.json:
        print_json({"values": done.values, "unread": done.unread})
    else:
        print_line(f"{done.values} {'value' if done.values == 1 else 'values'} encrypted with the newest secret key.")
    if done.unread:
        raise Refusal(
            f"{len(done.unread)} values open with none of the secret keys, for example {done.unread[0]}; "
            "name their key in former_secret_keys"
        )
    return 0


async def reseal_everything(server: AuthorizationServer) -> Resealed:
    def again(sealed: str, place: str) -> str | None:
        try:
            return server.keyring.encrypt(server.keyring.decrypt(sealed, place=place), place=place)
        except (Undecryptable, ValueError):
            return None

    done = Resealed()
    for column in sealed_columns(table for app in server.table_apps for table in app.table_classes):
        await reseal(column, server.keyring.newest_prefix, again, done)
    async with transaction():
        after = {"values": done.values, "unread": len(done.unread)}
        await server.emit(ObjectChanged(actor="command line", kind="provider", action="encrypted anew", after=after))
    return done
