"""The page `reference/security.md`: each requirement, attack and fault of the security standard, with its tests.

The standard is `reference/security.toml`. A test belongs to a line when its name holds the line's id
(`test_a_cod_04_…`), or its docstring, its table of cases or its module does (`A-COD-04`). Faults are `F-08`, promises
`P-08`.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
IN_NAME = re.compile(r"(?:test|_)_?([ra])_([a-z]{2,3})_(\d\d)(?=_|$)")
SHORT_IN_NAME = re.compile(r"test_([fp])_(\d\d)(?=_|$)")
SHORT_IN_TEXT = re.compile(r"(?<![\w-])([FP])-(\d\d)\b")
IN_TEXT = re.compile(r"\b([RA])-([A-Z]{2,3})-(\d\d)((?:(?:, | and |/)-?\d\d)*)")
MOST = 4  # tests named in a row


def standard() -> dict[str, dict[str, str]]:
    return tomllib.loads((DOCS / "reference/security.toml").read_text())


def ids_in(name: str, text: str) -> set[str]:
    found = {"-".join(part.upper() for part in match.groups()) for match in IN_NAME.finditer(name)}
    short = (*SHORT_IN_NAME.findall(name), *SHORT_IN_TEXT.findall(text))
    found |= {f"{kind.upper()}-{number}" for kind, number in short}
    for kind, family, number, more in IN_TEXT.findall(" ".join(text.split())):
        found |= {f"{kind}-{family}-{n}" for n in (number, *re.findall(r"\d\d", more))}
    return found


def tests() -> dict[str, list[str]]:
    """Which tests each id has: `path: name`, or the path alone when the whole file is about it."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        place = path.relative_to(ROOT).as_posix()
        tree = ast.parse(path.read_text())
        for key in ids_in("", ast.get_docstring(tree) or ""):
            found.setdefault(key, []).append(place)
        tables = {ast.unparse(n.targets[0]): ast.unparse(n.value) for n in tree.body if isinstance(n, ast.Assign)}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                cases = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
                named = [text for name, text in tables.items() if re.search(rf"\b{name}\b", cases)]
                for key in ids_in(node.name, " ".join([ast.get_docstring(node) or "", cases, *named])):
                    found.setdefault(key, []).append(f"{place}: {node.name}")
    return found


def gaps() -> list[str]:
    """Lines with neither a test nor a reason, and reasons and ids that belong to no line."""
    document, named = standard(), tests()
    lines = document["lines"]
    without = [key for key in lines if key not in named and key not in document["reasons"]]
    return without + [key for key in (*named, *document["reasons"]) if key not in lines]


def security_page(note: str) -> str:
    document, named = standard(), tests()
    rows: dict[str, list[str]] = {}
    for key, sentence in document["lines"].items():
        cells = [_link(place) for place in sorted(named.get(key, []))]
        more = f" and {len(cells) - MOST} more" if len(cells) > MOST else ""
        proof = ", ".join(cells[:MOST]) + more
        reason = document["reasons"].get(key, "")
        cell = " ".join(part for part in (proof, reason) if part)
        rows.setdefault(key.rsplit("-", 1)[0], []).append(f"| {key} | {_cell(sentence)} | {cell} |")
    head = "| id | what must hold | tests |\n|---|---|---|\n"
    sections = "\n".join(
        f"## {document['families'][family]}\n\n{head}" + "\n".join(found) + "\n" for family, found in rows.items()
    )
    return f"""{note}
# Security

What Credenza must withstand, line by line, and the tests that prove it. Lines that begin with R are rules, lines with A
are attacks and the answer they get: PAGE is an error page that redirects nowhere, REDIR an error sent to the registered
address, TOK an error of the token endpoint, INACTIVE the one answer of introspection about what is not alive, CLEAN-4xx
a refusal without a trace. Lines with F are faults that are survived: `make faults` brings them about under traffic and
counts how often an invariant was looked at, and how often one did not hold. Lines with P are what else is promised;
where no test can hold one, the page that does stands beside it. `python docs/generate.py` makes the table from the
names and docstrings of the tests, and a test fails when a line has neither a test nor a reason.

{sections}"""


def _link(place: str) -> str:
    path, _, name = place.partition(": ")
    return f"[{name.removeprefix('test_') if name else Path(path).stem}](../../{path})"


def _cell(sentence: str) -> str:
    return sentence.replace("|", "\\|").replace("<", "&lt;").replace("{{", "{ {")
