"""`credenza plugin new`: an installable plugin with a passing test, from the files in `plugin_templates`."""

from __future__ import annotations

import argparse
import re
import secrets
import shlex
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from string import Template

from ..app import create_application, create_state
from ..settings import Settings
from .messages import add_messages
from .opening import Refusal, Subparsers
from .output import print_json, print_line

TEMPLATES = Path(__file__).parent / "plugin_templates"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 40  # the name is stored in columns of 50 characters
# Each kind, and where the server keeps the objects of that kind by their names, if they have names.
KINDS = {
    "scope-source": "scope_providers",
    "client-type": "client_types",
    "theme": "themes",
    "prompt": "prompts",
    "second-factor": "second_factors",
    "listener": "",
    "console-page": "",
    "bare": "",
}
# Where a page of the new plugin is.
ADDRESSES = {"second-factor": "/account/security/", "console-page": "/console/"}


def add_plugin(commands: Subparsers) -> None:
    parser = commands.add_parser("plugin", help="plugins of your own")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    new = actions.add_parser("new", help="a complete, installable, tested plugin in the new folder `credenza-NAME`")
    new.add_argument("name", metavar="NAME", type=parse_name, help="lower-case letters, digits and hyphens")
    new.add_argument("--kind", required=True, choices=list(KINDS), help="what it brings")
    new.add_argument("--directory", type=Path, default=Path(), metavar="DIR", help="where the folder is made")
    new.add_argument("--json", action="store_true", help="print the paths made")
    new.set_defaults(run=new_plugin)
    add_messages(actions)


def parse_name(value: str) -> str:
    if not NAME.fullmatch(value) or len(value) > LONGEST:
        raise argparse.ArgumentTypeError(
            f"{value!r} is no name: lower-case letters, digits and single hyphens between them, a letter first, "
            f"at most {LONGEST} characters"
        )
    return value


def new_plugin(arguments: argparse.Namespace) -> int:
    check_free(arguments.name, arguments.kind)
    texts = render(arguments.name, arguments.kind)
    folder = arguments.directory.resolve() / f"credenza-{arguments.name}"
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise Refusal(f"{error.filename} is there already; choose another name or --directory") from error
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    if arguments.json:
        print_json({"directory": str(folder), "files": [str(folder / path) for path in texts]})
    else:
        print_line(f"{folder} is a {kind_of(arguments.kind)}. Next, in the environment of Credenza:")
        print_line(f"  cd {shlex.quote(str(folder))}")
        print_line("  pip install -e '.[dev]'")
        print_line("  pytest")
        print_line(f"  pytest --credenza-plugin {arguments.name}")
        print_line("  credenza plugins")
    return 0


def check_free(name: str, kind: str) -> None:
    """Raises Refusal when the server would not start with both this plugin and those that are installed."""
    state = create_state(Settings(secret_key=secrets.token_hex()))  # a key that is given is not kept in a file
    server = state.server
    if name in server.plugins_named:
        raise Refusal(f"a plugin called {name!r} is installed; choose another name")
    if KINDS[kind] and name in getattr(server, KINDS[kind]):
        raise Refusal(f"there is a {words(kind)} called {name!r}; choose another name")
    address = ADDRESSES[kind] + name if kind in ADDRESSES else ""
    if address and address in {route.path for route in create_application(state).routes}:
        raise Refusal(f"there is a page at {address}; choose another name")
    if find_spec(module_of(name)) is not None:
        raise Refusal(f"a package called {module_of(name)!r} is installed; choose another name")


def render(name: str, kind: str) -> dict[Path, str]:
    """The files of the new plugin: paths within its folder, and texts."""
    values = {
        "name": name,
        "identifier": name.replace("-", "_"),
        "module": module_of(name),
        "title": words(name).capitalize(),
        "kind": kind_of(kind),
        "version": version("credenza"),
    }
    values["use"] = Template(_read(TEMPLATES / "use" / f"{kind}.md.tmpl")).substitute(values).strip()
    return {
        Path(_named(path.relative_to(TEMPLATES / folder), values)): Template(_read(path)).substitute(values)
        for folder in ("every-kind", kind)
        for path in sorted((TEMPLATES / folder).rglob("*.tmpl"))
    }


def module_of(name: str) -> str:
    return "credenza_" + name.replace("-", "_")


def words(name: str) -> str:
    return name.replace("-", " ")


def kind_of(kind: str) -> str:
    return "plugin" if kind == "bare" else words(kind)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _named(path: Path, values: dict[str, str]) -> str:
    """MODULE, IDENTIFIER and NAME in a template's path stand for the plugin's."""
    text = path.as_posix().removesuffix(".tmpl")
    for key in ("module", "identifier", "name"):
        text = text.replace(key.upper(), values[key])
    return text
