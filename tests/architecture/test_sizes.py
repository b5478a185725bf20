"""Sizes that keep a house liveable, and names that say something."""

from __future__ import annotations

import ast

from tests.architecture.source import PROJECT, Source, sources

CODE = ("app.py", "pages", "backend")
TESTED = (*CODE, "tests", "benchmarks")
MAX_FUNCTION = 60
MAX_ARGUMENTS = 7
MAX_FILES = 12


def max_lines(source: Source) -> int:
    if source.path.parts[:2] == ("pages", "components"):
        return 120
    return 150 if source.path.parts[0] in ("pages", "app.py") else 350


def functions(source: Source) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_files_stay_short() -> None:
    faults = [f"{s.path}: {s.n_lines} lines" for s in sources(*CODE) if s.n_lines > max_lines(s)]
    assert faults == []


def test_functions_stay_short() -> None:
    faults = [
        f"{source.path}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for source in sources(*CODE)
        for node in functions(source)
        if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION
    ]
    assert faults == []


def test_functions_take_few_arguments() -> None:
    """Commands are let off: their arguments are the flags of the command line."""
    faults = [
        f"{source.path}:{node.lineno} {node.name}"
        for source in sources(*CODE)
        for node in functions(source)
        if len([a for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]) > MAX_ARGUMENTS
        and not source.module.startswith(("backend.cli", "backend.__main__"))
    ]
    assert faults == []


def test_folders_hold_few_files() -> None:
    folders: dict[str, int] = {}
    for source in sources(*CODE):
        if source.path.name != "__init__.py":
            folders[str(source.path.parent)] = folders.get(str(source.path.parent), 0) + 1
    assert {folder: n for folder, n in folders.items() if n > MAX_FILES} == {}


def test_names_say_something() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    faults = [str(s.path) for s in sources(*TESTED) if empty.intersection(s.path.with_suffix("").parts)]
    assert faults == []


def test_every_package_file_is_under_the_project() -> None:
    assert all((PROJECT / source.path).is_file() for source in sources(*CODE))
