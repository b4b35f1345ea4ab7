"""Write the reference pages that are made from the code: `python docs/generate.py`. A test compares them.

`settings.md` from the dataclass Settings, `pages.md` from those of pages and their templates, `cli.md` from the
parsers, `protocol.md` from the references in docstrings: section, code, test. `api.md` and `api.txt` from
`credenza.__all__` and the hooks. `conformance.md` from `tests/conformance`: plan, module, test. `routes.md` from
the console and `routes.toml`. Code blocks below
`<!-- from FILE -->` or `<!-- from FILE: NAME -->` are cut out of that file.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path

from jinja2 import Environment, nodes

import credenza_account
import credenza_organizations
from credenza import Branding, ConsoleView
from credenza.__main__ import parsers
from credenza.settings import Settings
from credenza.web import pages
from credenza.web.pages import FormPage, Look, Page

sys.path.append(str(Path(__file__).parent))

import public_api
from routes import routes_page
from security_table import security_page

DOCS = Path(__file__).parent
ROOT = DOCS.parent
CORE_TEMPLATES = ROOT / "core/credenza/web/templates"
BRINGING_PAGES = (credenza_account, credenza_organizations)  # loaded, so that their pages are known
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
    "registration_limit_per_hour": "How many clients one address may register in an hour.",
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
    )
    return f"""{NOTE}
# Settings

Settings come from the environment, and from one TOML file that `--config` or `CREDENZA_CONFIG` names. The environment
wins over the file, the command line over both. An empty variable counts as not set. An unknown key is an error that
names it.

Lists are separated by commas in the environment and are lists in the file. Switches are `on` or `off` in the
environment, and `true` or `false` in the file. A table of the file is a prefix: `disabled` in `[plugins]` is
`plugins_disabled`. Lifetimes are in seconds.

```toml
issuer = "https://id.example.com"
database_url = "postgresql://credenza@db.example.com/credenza"
trusted_proxies = ["10.0.0.0/8"]

[plugins]
disabled = ["theme-paper"]
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
    parser, _ = parsers()
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
    r"OpenID Connect RP-Initiated Logout|OpenID Connect Back-Channel Logout|OpenID Connect Front-Channel Logout|"
    r"RP-Initiated Logout|Back-Channel Logout|Front-Channel Logout|"
    r"OAuth 2\.0 Form Post Response Mode|JARM|FAPI 2\.0 Security Profile|Core|Discovery"
)
FULL = {
    "Core": "OpenID Connect Core",
    "Discovery": "OpenID Connect Discovery",
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


# -- conformance.md ---------------------------------------------------------------------------------------------------

CONFORMANCE = ROOT / "tests/conformance"


def plans() -> dict[str, dict[str, object]]:
    """What `tests/conformance/plans.toml` lists, each plan with its modules."""
    found = tomllib.loads((CONFORMANCE / "plans.toml").read_text())
    return {name: {**found.get(plan.get("like", ""), {}), **plan} for name, plan in found.items()}


def test_of(module: str, prefix: str) -> str:
    """The test that a module of the suite has here: `oidcc-max-age-1` is `test_oidcc_max_age_1`."""
    return "test_" + re.sub(r"\W", "_", module.removeprefix(prefix)).lower()


def conformance_page() -> str:
    sections = "\n".join(_plan(name, plan) for name, plan in plans().items())
    return f"""{NOTE}
# Conformance

Which module of the OpenID Foundation's conformance suite has which test here, and how the suite should end it: no
result of the suite itself is published, and nobody has certified Credenza. The tests drive a running server over https
with a browser that has no script, with clients of a [desired-state file](../../tests/conformance/state.yaml) and with
clients that register themselves. How to run the suite itself is in [its own guide](../how-to/conformance.md).

| result | means |
|---|---|
| PASSED | everything that the suite checks holds |
| REVIEW | the same, and a person looks at a screenshot |
| SKIPPED | the suite finds in our metadata that we do not offer this, and asks no further |
| FAILED | we do not do this, on purpose; the test shows that it is refused cleanly |

{sections}"""


def files_of(plan: Mapping[str, object]) -> list[Path]:
    """The file with a plan's tests, or those in its folder."""
    place = CONFORMANCE / str(plan["tests"])
    return sorted(place.glob("test_*.py")) if place.is_dir() else [place]


def _plan(name: str, plan: Mapping[str, object]) -> str:
    prefix = str(plan.get("prefix", ""))
    tests = {
        node.name: (node, file)
        for file in files_of(plan)
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    rows = "\n".join(_module(str(module), *tests[test_of(str(module), prefix)]) for module in _list(plan))
    modules = f"The names of the modules begin with `{prefix}`.\n\n" if prefix else ""
    return f"## {plan['title']}\n\n`{name}`\n\n{modules}| module | asks | result | test |\n|---|---|---|---|\n{rows}\n"


def _list(plan: Mapping[str, object]) -> list[object]:
    modules = plan["modules"]
    assert isinstance(modules, list)
    return modules


def _module(module: str, test: ast.FunctionDef, file: Path) -> str:
    result, reason = "PASSED", ""
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.suite":
            result, reason = (str(_constant(argument, file)) for argument in decorator.args)
    asks = " ".join((ast.get_docstring(test) or "").split())
    link = f"[{file.stem}](../../{file.relative_to(ROOT).as_posix()})"
    return f"| `{module}` | {asks} | {result}{'. ' + reason if reason else ''} | {link} |"


def _constant(node: ast.expr, file: Path) -> object:
    """A literal, or the name of one at the top of the file."""
    if not isinstance(node, ast.Name):
        return ast.literal_eval(node)
    for statement in ast.parse(file.read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == node.id:
            return ast.literal_eval(statement.value)
    raise LookupError(node.id)


# -- pages.md ---------------------------------------------------------------------------------------------------------

BLOCKS = {
    "title": "what the browser's tab says",
    "head": "more for `<head>`",
    "header": "above everything: logos, or an icon",
    "main": "all that is on the card below the header",
    "footer": "below the card",
    "fields": "the inputs of the form",
    "factor": "what a second factor needs beside a code",
    "warnings": "what must stand out",
    "questions": "what must be chosen first",
    "permissions": "what is asked, and what was allowed before",
    "aside": "where the browser goes next, and how to take it back",
    "actions": "the buttons: `decision` with authorize and deny",
    "account": "all that is on the card below the tabs",
}


def pages_page() -> str:
    meanings = {
        **public_api.meanings(ROOT / "core/credenza/web/pages.py"),
        **public_api.meanings(ROOT / "core/credenza/protocol/clients.py"),
    }
    own = [kind for kind in vars(pages).values() if isinstance(kind, type) and kind.__module__ == pages.__name__]
    shown = [kind for kind in own if issubclass(kind, Page) and hasattr(kind, "template")]
    parts = [kind for kind in own if not issubclass(kind, Page) and kind is not Look]
    brought = [
        kind
        for kind in _kinds(Page)
        if kind.__module__.partition(".")[0] in [module.__name__ for module in BRINGING_PAGES]
        and not issubclass(kind, ConsoleView)
        and hasattr(kind, "template")
    ]
    return f"""{NOTE}
# Pages

Every page that users see is a dataclass, and its template gets one variable, `page`. Fields and blocks are added; none
is taken away without notice in the [CHANGELOG](../../CHANGELOG.md). How a theme uses them is told in
[A theme](../plugins/theme.md).

A template of a theme with the name of one of these replaces it, and may extend it:
`{{% extends "core:consent.html" %}}`. All of them extend `page.html`, whose blocks they have too:
{_blocks(CORE_TEMPLATES / "page.html")}.
`macros.html` draws what several pages have: logos, accounts, icons, messages.

## Icons

{_icons()}.

They are [Lucide](https://lucide.dev)'s. A theme brings more, or draws one of these its own way, as `icons/<name>.svg`
in its folder of templates: the content of the file is put into the page, and `stroke="currentColor"` takes the colour
of the text. A name that there is no file for shows the key.

## What all pages have

{_sections_of((Page, FormPage, Look, Branding), meanings)}
## The pages

{_sections_of(shown, meanings)}
## Parts of pages

{_sections_of(parts, meanings)}
## Pages of our plugins

{_sections_of(brought, meanings)}"""


def _icons() -> str:
    return textwrap.fill(", ".join(f"`{path.stem}`" for path in sorted((CORE_TEMPLATES / "icons").glob("*.svg"))), 118)


def _kinds(kind: type[Page]) -> list[type[Page]]:
    return [kind, *(found for sub in kind.__subclasses__() for found in _kinds(sub))]


def _sections_of(kinds: Iterable[type], meanings: public_api.Meanings) -> str:
    return "\n".join(_section_of(kind, meanings) for kind in kinds)


def _section_of(kind: type, meanings: public_api.Meanings) -> str:
    words = [" ".join((kind.__doc__ or "").split())]
    if issubclass(kind, Page) and hasattr(kind, "template"):
        words.append(f'\nTemplate `{kind.template}`, `data-page="{kind.name}"`.')
        words += ["It has the fields of `FormPage` too."] if issubclass(kind, FormPage) else []
        blocks = _blocks((kind.folder or CORE_TEMPLATES) / kind.template)
        words += [f"Blocks: {blocks}."] if blocks else []
    own = [f for f in fields(kind) if f.name in kind.__annotations__]
    rows = "".join(f"| `{f.name}` | {_type(f)} | {meanings.get((kind.__name__, f.name), '')} |\n" for f in own)
    table = f"\n| field | type | meaning |\n|---|---|---|\n{rows}" if rows else ""
    return f"### `{kind.__name__}`\n\n" + "\n".join(words) + "\n" + table


def _type(f: Field[object]) -> str:
    return f"`{f.type}`".replace("|", "\\|")


def _blocks(path: Path) -> str:
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(path.read_text())  # noqa: S701  # nothing is rendered
    return ", ".join(f"`{block.name}` ({BLOCKS[block.name]})" for block in tree.find_all(nodes.Block))


# -- code blocks ------------------------------------------------------------------------------------------------------

FROM = re.compile(r"(<!-- from (\S+?)(?:: (\w+))? -->\n+```(\w+)\n)(.*?)(```\n)", flags=re.DOTALL)


def with_code(path: Path) -> str:
    """The page with its code blocks as the files are now."""

    def cut(match: re.Match[str]) -> str:
        source = (path.parent / match[2]).read_text()
        return f"{match[1]}{_function(source, match[3]) if match[3] else source}{match[6]}"

    return FROM.sub(cut, path.read_text())


def _function(source: str, name: str) -> str:
    node = next(n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == name)
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
    "reference/pages.md": pages_page,
    "reference/conformance.md": conformance_page,
    "reference/security.md": lambda: security_page(NOTE),
    "reference/routes.md": lambda: routes_page(NOTE),
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
