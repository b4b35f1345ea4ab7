"""Write the reference pages that are made from the code: `python docs/generate.py`. A test compares them.

Here: `settings.md` from the dataclass Settings, `cli.md` from the parsers, `protocol.md` from the references in
docstrings (section, code, test), and the code blocks below `<!-- from FILE -->` or `<!-- from FILE: NAME -->`, cut out
of that file. The other pages have files of their own.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path

from credenza.__main__ import parsers
from credenza.settings import OF_PLUGINS, Settings

sys.path.append(str(Path(__file__).parent))

import public_api
from conformance_table import conformance_page
from page_fields import pages_page
from routes import routes_page
from security_table import security_page

DOCS = Path(__file__).parent
ROOT = DOCS.parent
NOTE = "<!-- Made by `python docs/generate.py`; change that, or the code. -->\n"

# -- settings.md ------------------------------------------------------------------------------------------------------

SETTINGS = {
    "issuer": "The issuer, fixed for life and never derived from a request: scheme, host and port. https, or http on "
    "a loopback host. The default follows `--port`.",
    "database_url": "`sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://…` or `cockroachdb://…`. "
    "`?pool=20` bounds the connections of one process to PostgreSQL.",
    "secret_key": "The key from which cookie, CSRF and encryption keys are derived: at least 32 random characters. "
    "Made in a 0600 file beside a SQLite database; required with any other.",
    "former_secret_keys": "Keys that are read with and not written with: those before `secret_key`, or the one to "
    "come. See [the how-to](../how-to/secret-key.md).",
    "cache_url": "`redis://…` or `valkey://…`, for limits shared between workers.",
    "outbound_allow": "Hosts (`intranet.example`, `localhost:8401`) and networks (`10.0.0.0/8`) that outgoing calls "
    "may reach although they are private.",
    "trusted_proxies": "Addresses and networks whose `X-Forwarded-For` and `X-Request-Id` are believed.",
    "rate_limit": "Whether sign-ins and token requests are throttled; off only for benchmarks and test runs.",
    "signing_key_days": "After so many days the next signing keys sign, and new ones are published; 0 leaves that to "
    "`credenza keys rotate` and the console.",
    "audit_retention_days": "After so many days events leave the audit log; 0 keeps them for ever.",
    "log_format": "Of the log on standard error: `text` for people, `json` for programs.",
    "log_requests": "Whether each request is a line in the log: method, endpoint, status, milliseconds.",
    "metrics_token": "What Prometheus sends as bearer token to `/metrics`, at least 32 characters; without it there is "
    "no such page.",
    "shutdown_delay": "Seconds in which a server that was told to stop still serves while `/readyz` is red, 0 to 60.",
    "security_contact": "Whom to tell of a vulnerability, for `/.well-known/security.txt`: `https:`, `mailto:` or "
    "`tel:` addresses.",
    "security_policy": "The address of your policy on vulnerabilities, for the same file.",
    "registration": "Dynamic client registration (RFC 7591): `off`, `token` for whoever brings `registration_token`, "
    "or `open` for anybody.",
    "registration_token": "The initial access token that dynamic registration asks for, at least 32 characters.",
    "redirect_schemes": "Private schemes of redirect URIs that native applications may have although they are no "
    "domain names in reverse (RFC 8252 §7.1), `cursor` for example. Anything on a device may claim such a scheme.",
    "registration_limit_per_hour": "How many clients one address may register, or change, in an hour.",
    "client_id_metadata_documents": "Whether an https address may be a `client_id`.",
    "plugins_disabled": "Names of plugins that stay out.",
    "plugins_path": "A plugin in a single file: an absolute path that nobody else may write to.",
    "plugins_timeout": "Seconds that one call to a plugin may take.",
    "signing_algorithms": "What ID tokens, JWT access tokens and other answers may be signed with: RS256, and any of "
    "ES256, PS256 and EdDSA. An application chooses among them.",
    "code_lifetime": "Of an authorization code, 1 to 600.",
    "access_token_lifetime": "Of an access token, unless its client or API says otherwise.",
    "id_token_lifetime": "Of an ID token.",
    "refresh_token_lifetime": "Of a grant's refresh tokens, however often they are used.",
    "refresh_token_idle_lifetime": "Of a refresh token that is not used.",
    "refresh_token_reuse_window": "In which a public client may repeat a refresh whose answer was lost, 0 to 60.",
    "session_lifetime": "Of a browser's session, however often it is used.",
    "session_idle_lifetime": "Of a session that is not used.",
    "interaction_lifetime": "In which a user may finish a sign-in that was begun.",
    "interactions_at_most": "Sign-ins begun and not finished that are kept; who has most of them loses the oldest.",
    "invitation_lifetime": "Of a link that sets a password.",
    "second_factor": "Who is asked for one. `optional`: whoever has set one up, and whoever an application wants it "
    "of; `required`: everybody, who sets one up at the next sign-in; what was authorized with one factor ends.",
    "smtp_url": "The mail server: `smtp://user:password@host:587` (with STARTTLS where it is offered, and always "
    "before a password), or `smtps://host:465`. Without it nothing is offered that needs mail.",
    "mail_from": "Who mails come from: `Example <no-reply@example.com>`.",
    "signup": "Whether anybody may create an account; needs mail.",
    "account_deletion": "Whether people may delete their own account.",
    "argon2_time_cost": "Passes of Argon2id.",
    "argon2_memory_kib": "Memory of Argon2id, in KiB.",
    "argon2_parallelism": "Lanes of Argon2id.",
    "password_threads": "Threads in which a process checks passwords, each with the memory above; 0 means as "
    "many as there are processors, shared out among the workers.",
    "password_min_length": "Characters of a new password, at least 8; 0 means 15, or 8 where `second_factor` is "
    "`required`, because a password is never the only factor there.",
    "password_recheck": "Whether a sign-in with a password that is on the list of common ones asks for a new one.",
}


def settings_page() -> str:
    rows = "\n".join(
        f"| `{f.name}` | `CREDENZA_{f.name.upper()}` | {_default(f)} | {SETTINGS.get(f.name, '')} |"
        for f in fields(Settings)
        if f.name not in OF_PLUGINS
    )
    return f"""{NOTE}
# Settings

Settings come from the environment, and from one TOML file that `--config` or `CREDENZA_CONFIG` names. The environment
wins over the file, the command line over both. An empty variable counts as not set. An unknown key is an error that
names it.

Lists are separated by commas in the environment and are lists in the file. Switches are `on` or `off` in the
environment, and `true` or `false` in the file. A table of the file is a prefix: `disabled` in `[plugins]` is
`plugins_disabled`. Lifetimes are in seconds.

What is set for a plugin stands in a table of its own, `[plugins.NAME]`, or in the environment, as
`CREDENZA_PLUGINS_NAME_SETTING` with `_` for each `-`. A plugin that is not installed, or has no such setting, is an
error, too. Nothing is read for one that is in `plugins_disabled`.

```toml
issuer = "https://id.example.com"
database_url = "postgresql://credenza@db.example.com/credenza"
trusted_proxies = ["10.0.0.0/8"]

[plugins]
disabled = ["theme-paper"]

[plugins.signed-webhook]
address = "https://events.example.com/credenza"
```

| setting | variable | default | meaning |
|---|---|---|---|
{rows}

Two variables are no settings: `CREDENZA_CONFIG` names the file, and `CREDENZA_TRACE_PLUGINS=1` prints each call to a
plugin.

Settings are read once, at the start. `credenza check` exits with 1 when they are unsafe.
"""


def _default(f: Field[object]) -> str:
    value = f.default if f.default is not MISSING else ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        value = ", ".join(value)
    return "empty" if value == "" else f"`{value}`"


# -- cli.md -----------------------------------------------------------------------------------------------------------


def cli_page() -> str:
    parser, _, _ = parsers()
    sections = "\n".join(_sections(parser))
    return f"""{NOTE}
# The command line

Every command takes `--help`. It exits with 0 on success, 1 on a refused operation, 2 on wrong usage. An error is one
line on standard error. `--json` prints machine-readable output. `--config FILE`, a TOML file with
[settings](settings.md), may stand before or after the command.

{sections}
Plugins may bring commands of their own, with the hook [`register_commands`](../plugins/hooks.md).
"""


def _sections(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, sub in action.choices.items():
                if any(isinstance(a, argparse._SubParsersAction) for a in sub._actions):
                    yield from _sections(sub)
                else:
                    yield _section(sub, helps.get(name, ""))


def _section(parser: argparse.ArgumentParser, text: str) -> str:
    usage = re.sub(r"\s+", " ", parser.format_usage()).removeprefix("usage: ").replace(" [-h]", "").strip()
    options = "".join(f"| {_option(a)} | {_help(a)} |\n" for a in parser._actions if a.dest != "help")
    table = f"\n| | |\n|---|---|\n{options}" if options else ""
    return f"## `{parser.prog}`\n\n{text[:1].upper()}{text[1:]}.\n\n```console\n$ {usage}\n```\n{table}"


def _option(action: argparse.Action) -> str:
    return "`" + (", ".join(action.option_strings) or str(action.metavar or action.dest)) + "`"


def _help(action: argparse.Action) -> str:
    default = action.default
    shown = f"default `{default}`" if default not in (None, False, "", [], argparse.SUPPRESS) else ""
    return "; ".join(part for part in (action.help or "", shown) if part)


# -- protocol.md ------------------------------------------------------------------------------------------------------

NAMES = (
    r"RFC \d{4}|OpenID Connect Core|OpenID Connect Discovery|OpenID Connect Dynamic Client Registration|"
    r"OpenID Connect Registration|"
    r"OpenID Connect RP-Initiated Logout|OpenID Connect Back-Channel Logout|OpenID Connect Front-Channel Logout|"
    r"RP-Initiated Logout|Back-Channel Logout|Front-Channel Logout|"
    r"OAuth 2\.0 Form Post Response Mode|JARM|FAPI 2\.0 Security Profile|Core|Discovery"
)
FULL = {
    "Core": "OpenID Connect Core",
    "Discovery": "OpenID Connect Discovery",
    "OpenID Connect Registration": "OpenID Connect Dynamic Client Registration",
    "RP-Initiated Logout": "OpenID Connect RP-Initiated Logout",
    "Back-Channel Logout": "OpenID Connect Back-Channel Logout",
    "Front-Channel Logout": "OpenID Connect Front-Channel Logout",
}
SECTION = r"§\d+(?:\.\d+)*(?:-\d+(?:\.\d+)*)?"
REFERENCE = re.compile(rf"\b({NAMES})(?:\s+1\.0)?,?\s+({SECTION}(?:(?:, | and |,\s)(?:{SECTION}))*)")
IN_PATH = re.compile(r"rfc(\d{4})/test_(\d+(?:_\d+)*)_[a-z]")

Found = dict[tuple[str, str], dict[str, None]]


def protocol_page() -> str:
    code = references(ROOT / "core", ROOT / "plugins", ROOT / "console")
    tests = references(ROOT / "tests")
    lines = []
    specification = ""
    for key in sorted({*code, *tests}, key=_in_order):
        if key[0] != specification:
            specification = key[0]
            lines.append(f"\n## {specification}\n\n| section | code | tests |\n|---|---|---|")
        lines.append(f"| {_link(*key)} | {_cell(code.get(key, {}))} | {_cell(tests.get(key, {}))} |")
    return f"""{NOTE}
# Protocol

Which section of which specification is where in the code, and where it is tested. The table is made from the references
in docstrings, so an empty cell is a gap: code that no test names the sentence of, or the other way round.
{chr(10).join(lines)}
"""


def references(*folders: Path) -> Found:
    """What docstrings refer to, and where they are: `path` or `path: name`."""
    found: Found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            if {"node_modules", "demo"} & set(path.parts):  # others' code, and an application that is not ours
                continue
            place = path.relative_to(ROOT).as_posix()
            if match := IN_PATH.search(place):
                found.setdefault((f"RFC {match[1]}", match[2].replace("_", ".")), {})[place] = None
            for text in _docstrings(ast.parse(path.read_text())):
                for key in _named(text):
                    found.setdefault(key, {})[place] = None
    return found


def _docstrings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def _named(text: str) -> Iterator[tuple[str, str]]:
    """`RFC 6749 §4.1.2.1, §5.2` is two sections; `§4.5-4.6` is the two that it names."""
    for name, sections in REFERENCE.findall(" ".join(text.split())):
        for section in re.findall(SECTION, sections):
            for part in section.removeprefix("§").split("-"):
                yield FULL.get(name, name), part


def _in_order(key: tuple[str, str]) -> tuple[object, ...]:
    specification, section = key
    return (not specification.startswith("RFC 6749"), specification, *(int(n) for n in section.split(".")))


def _link(specification: str, section: str) -> str:
    if specification.startswith("RFC "):
        number = specification.removeprefix("RFC ")
        return f"[§{section}](https://www.rfc-editor.org/rfc/rfc{number}#section-{section})"
    return f"§{section}"


def _cell(places: dict[str, None]) -> str:
    return " ".join(f"[{_short(place)}](../../{place})" for place in places)


def _short(place: str) -> str:
    for prefix in ("core/credenza/", "plugins/", "console/", "tests/"):
        place = place.removeprefix(prefix)
    return place.removesuffix(".py")


# -- code blocks ------------------------------------------------------------------------------------------------------

FROM = re.compile(r"(<!-- from (\S+?)(?:: (\w+))? -->\n+```(\w+)\n)(.*?)(```\n)", flags=re.DOTALL)


def with_code(path: Path) -> str:
    """The page with its code blocks as the files are now."""

    def cut(match: re.Match[str]) -> str:
        source = (path.parent / match[2]).read_text()
        return f"{match[1]}{_function(source, match[3]) if match[3] else source}{match[6]}"

    return FROM.sub(cut, path.read_text())


def _function(source: str, name: str) -> str:
    node = next(
        n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == name
    )
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno]) + "\n"


def handwritten() -> list[Path]:
    return [
        *sorted(ROOT.glob("*.md")),
        *(path for path in sorted(DOCS.rglob("*.md")) if str(path.relative_to(DOCS)) not in PAGES | API),
    ]


# ---------------------------------------------------------------------------------------------------------------------

PAGES = {
    "reference/settings.md": settings_page,
    "reference/cli.md": cli_page,
    "reference/protocol.md": protocol_page,
    "reference/pages.md": lambda: pages_page(NOTE),
    "reference/conformance.md": lambda: conformance_page(NOTE),
    "reference/security.md": lambda: security_page(NOTE),
    "reference/routes.md": lambda: routes_page(NOTE),
    "reference/testing.md": lambda: f"{NOTE}\n{public_api.testing_page()}",
}
API = {"reference/api.md": lambda: f"{NOTE}\n{public_api.page()}"}


def main() -> int:
    pages = {**PAGES, **API}
    texts = {DOCS / name: page() for name, page in pages.items()} | {path: with_code(path) for path in handwritten()}
    for path, text in texts.items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return _snapshot()


def _snapshot() -> int:
    """The public API as it is now; what changed must be in the CHANGELOG first."""
    path, now = DOCS / "reference/api.txt", public_api.snapshot()
    before = path.read_text() if path.exists() else now
    missing = public_api.unmentioned(public_api.differing(before, now), (ROOT / "CHANGELOG.md").read_text())
    if missing:
        sys.stderr.write(f"reference/api.txt: name these in the newest section of CHANGELOG.md: {', '.join(missing)}\n")
        return 1
    if not path.exists() or before != now:
        path.write_text(now)
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
