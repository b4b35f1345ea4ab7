"""`credenza plugin messages`: collect a package's sentences, bring its catalogues up to date, and compile them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from ..languages import LOCALES
from ..plugins import folders_of, load_plugins
from .opening import Refusal
from .output import print_json, print_line

METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
OPTIONS = {"**/templates/**.html": {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}}
KEYWORDS = {"Words": None, "Counted": (1, 2), "_": None, "gettext": None, "ngettext": (1, 2)}
# Dates would make every run a change.
AT = datetime(2026, 1, 1, tzinfo=UTC)
DROPPED = (b'"POT-Creation-Date:', b'"PO-Revision-Date:', b'"Generated-By:', b'"Last-Translator:', b'"Language-Team:')


def add_messages(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "messages", help="collect the sentences of a package into its folder `locales`, and compile the translations"
    )
    parser.add_argument("package", metavar="FOLDER", type=Path, help="the package's folder, which holds `locales`")
    parser.add_argument(
        "--language", action="append", default=[], metavar="TAG", help="begin a language, such as pt-BR"
    )
    parser.add_argument(
        "--whole",
        action="store_true",
        help="also what Credenza and the installed plugins say, for a language that they do not have",
    )
    parser.add_argument("--json", action="store_true", help="print what is missing in each language")
    parser.set_defaults(run=messages)


def messages(arguments: argparse.Namespace) -> int:
    package: Path = arguments.package.resolve()
    if not package.is_dir():
        raise Refusal(f"{package} is no folder")
    locales, domain = package / "locales", package.name
    template = collect(package, whole=arguments.whole)
    _write(locales / "messages.pot", template)
    tags = {path.parent.parent.name for path in locales.glob("*/LC_MESSAGES/*.po")} | set(arguments.language)
    missing = {}
    for tag in sorted(tag.replace("-", "_") for tag in tags):
        path = locales / tag / "LC_MESSAGES" / f"{domain}.po"
        catalogue = _read(path) if path.exists() else Catalog(_locale(tag), domain)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        _write(path, catalogue)
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalogue)
        missing[tag.replace("_", "-")] = sum(1 for m in catalogue if m.id and not translated(m.string))
    if arguments.json:
        print_json({"sentences": len(template), "missing": missing})
    else:
        counts = ", ".join(f"{tag} {count or 'complete'}" for tag, count in missing.items())
        print_line(f"{locales}: {len(template)} sentences; not translated: {counts or 'no language yet (--language)'}")
    return 0


def collect(package: Path, *, whole: bool = False) -> Catalog:
    """The sentences of a package's code and templates, but for those that Credenza itself translates."""
    template = Catalog(project=package.name, creation_date=AT, copyright_holder="", msgid_bugs_address="")
    ours = LOCALES.parent == package
    known = set() if ours or whole else {entry.id for entry in _read(LOCALES / "messages.pot")}
    for entry in _everybodys() if whole else ():
        template.add(entry.id, flags=entry.flags, locations=entry.locations)
    for path, line, sentence, comments, _ in extract_from_dir(package, METHODS, OPTIONS, KEYWORDS):
        if sentence not in known:
            template.add(sentence, locations=[(path, line)], auto_comments=comments)
    return template


def _everybodys() -> Iterator[Message]:
    """What Credenza and the installed plugins have to say."""
    for folder in (LOCALES, *folders_of(load_plugins(), "locales").values()):
        if (folder / "messages.pot").exists():
            yield from (entry for entry in _read(folder / "messages.pot") if entry.id)


def translated(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)


def _locale(tag: str) -> Locale:
    try:
        return Locale.parse(tag)
    except (UnknownLocaleError, ValueError) as error:
        raise Refusal(f"{tag!r} is no language; write it like pt-BR") from error


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        catalogue = read_po(file)
    catalogue.creation_date = catalogue.revision_date = AT
    return catalogue


def _write(path: Path, catalogue: Catalog) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w+b") as file:
        write_po(file, catalogue, width=120, sort_output=True, include_lineno=False)
        file.seek(0)
        kept = list(_kept(file.readlines()))
        file.seek(0)
        file.truncate()
        file.writelines(kept)


def _kept(lines: list[bytes]) -> Iterator[bytes]:
    """Without the comment at the top, which is about a year and a company, and the dates."""
    begun = False
    for line in lines:
        begun = begun or not line.startswith(b"#")
        if begun and not line.startswith(DROPPED):
            yield line
