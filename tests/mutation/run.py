"""Break the code where it decides, one small change at a time, and see whether a test notices: `make mutants`.

`modules.toml` says what is broken and which tests must notice. mutmut makes the changes, in copies of the tree below
`build/mutation`. Not counted are changes of nothing but a sentence for people. The result is `build/mutation.json`;
`--survivors` tries only what no test noticed the last time, as long as the code is the same.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build/mutation"
RESULT = ROOT / "build/mutation.json"
SOURCE_ROOTS = ("core", "console", "plugins", "themes")
NOTICED = {1, 3, 24, -24, 36, 152, 255}  # exit codes: a test failed, or never came to its end


def main() -> None:
    document = tomllib.loads((Path(__file__).parent / "modules.toml").read_text())
    at_most = document.pop("at_most")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(document)}; all without one")
    parser.add_argument("--survivors", action="store_true", help="only those that lived the last time")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(document):
        parser.error(f"There is no {', '.join(sorted(unknown))}.")
    for name in arguments.names or document:
        found = run(name, document[name], document[name].get("at_most", at_most), again=arguments.survivors)
        before = json.loads(RESULT.read_text()) if RESULT.exists() else {}  # another run may have written meanwhile
        RESULT.write_text(json.dumps(before | found, indent=1))
    table(json.loads(RESULT.read_text()))


def run(name: str, group: dict[str, Any], at_most: int, *, again: bool) -> dict[str, dict[str, Any]]:
    folder = prepare(name, group)
    chosen, all_of = {}, {}
    for module in group["modules"]:
        mutants = counted(folder, module)
        all_of[module] = len(mutants)
        draw = random.Random(module)
        drawn = sorted(draw.sample(mutants, min(at_most, len(mutants))))
        chosen[module] = [each for each in drawn if not again or each in survived(module)]
    names = [each for module in chosen.values() for each in module]
    mutmut = [sys.executable, "-m", "mutmut", "run", "--max-children", os.environ.get("CHILDREN", "2"), *names]
    # An empty PYTHONPATH: the copies come first, not the tree this was started in.
    done = subprocess.run(mutmut, cwd=folder, env=os.environ | {"PYTHONPATH": ""}, check=False) if names else None
    if done is not None and done.returncode:
        raise SystemExit(f"mutmut ended with {done.returncode}: do the tests of {name} pass?")
    found = {}
    for module in group["modules"]:
        outcome = outcomes(folder, module, chosen[module])
        tested = min(at_most, all_of[module])
        outcome["killed"] = tested - len(outcome["survived"])
        found[module] = {"mutants": all_of[module], "tested": tested, **outcome}
    return found


def survived(module: str) -> set[str]:
    """What no test noticed the last time."""
    return {name.split(" ")[0] for name in json.loads(RESULT.read_text())[module]["survived"]}


def prepare(name: str, group: dict[str, Any]) -> Path:
    """A copy of the tree in the one layout that mutmut knows: every source root below `src`."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    for root in SOURCE_ROOTS:
        shutil.copytree(
            ROOT / root, folder / "src", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.png")
        )
    shutil.copytree(
        ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__", "mutation", "node_modules")
    )
    project = (ROOT / "pyproject.toml").read_text()
    lines = {
        "source_paths": ["src"],
        "only_mutate": [f"src/{module}" for module in group["modules"]],
        "pytest_add_cli_args_test_selection": [t for t in group["tests"] if (ROOT / t).exists()],
        "pytest_add_cli_args": [
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-p",
            "no:unraisableexception",  # what a function that fails at once was given is never awaited
            "--import-mode=importlib",
            "-k",
            "not aaaaaaaa and not ud800 and not x00 and not xe9 and not test_k1_one_file and not test_k2_every",
        ],
    }
    config = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
    (folder / "pyproject.toml").write_text(f"{project}\n[tool.mutmut]\n{config}")
    return folder


def counted(folder: Path, module: str) -> list[str]:
    """The names of the mutants of a module that change more than a sentence."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        from mutmut.mutation.file_mutation import mutate_file_contents
        from mutmut.utils.format_utils import get_mutant_name

        path = Path("src") / module
        made = mutate_file_contents(str(path), path.read_text(), None, None)
    finally:
        os.chdir(here)
    shapes = {
        node.name: shape(node)
        for node in ast.walk(ast.parse(made.code))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return [
        get_mutant_name(path, name)
        for name in made.mutant_names
        if shapes[name] != shapes[f"{name.partition('__mutmut_')[0]}__mutmut_orig"]
    ]


class WithoutSentences(ast.NodeTransformer):
    """Calls lose what they are given that is a sentence, or the None that a mutant has in its place."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        node.args = [each for each in node.args if not is_sentence(each)]
        node.keywords = [each for each in node.keywords if not is_sentence(each.value)]
        return node


def is_sentence(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return node.value is None or (isinstance(node.value, str) and " " in node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Words":
        return not node.args
    return isinstance(node, ast.JoinedStr)


def shape(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return "\n".join(ast.dump(WithoutSentences().visit(each)) for each in (node.args, *node.body))


def outcomes(folder: Path, module: str, names: list[str]) -> dict[str, Any]:
    if not names:
        return {"survived": {}}
    codes = json.loads((folder / f"mutants/src/{module}.meta").read_text())["exit_code_by_key"]
    alive = [name for name in names if codes[name] not in NOTICED]
    shown = {}
    for name in alive:
        said = subprocess.run(
            [sys.executable, "-m", "mutmut", "show", name], cwd=folder, capture_output=True, text=True, check=False
        ).stdout
        changed = [line for line in said.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        shown[f"{name} ({codes[name]})"] = changed
    return {"survived": shown}


def table(found: dict[str, dict[str, Any]]) -> None:
    for module, row in found.items():
        share = 100 * row["killed"] / row["tested"]
        print(f"{module}: {row['mutants']} mutants, {row['tested']} tested, {row['killed']} killed ({share:.0f} %)")


if __name__ == "__main__":
    main()
