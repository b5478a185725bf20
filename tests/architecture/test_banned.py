"""What must not stand in the code: unpickling, raw HTML, and words that mean something else here."""

from __future__ import annotations

import ast
import re

from tests.architecture.source import sources

CODE = ("app.py", "pages", "backend", "benchmarks")
PICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = {"torch.load", "torch.save", "pandas.read_pickle", "pd.read_pickle", "eval", "exec"}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_nothing_imports_a_pickler() -> None:
    faults = [
        f"{source.path}:{line} imports {name}"
        for source in sources(*CODE)
        for line, name in source.imports()
        if name.split(".")[0] in PICKLERS
    ]
    assert faults == []


def test_nothing_calls_what_unpickles_or_evaluates() -> None:
    faults = [
        f"{source.path}:{call.lineno} calls {dotted(call.func)}"
        for source in sources(*CODE)
        for call in calls(source.tree)
        if dotted(call.func) in CALLS or dotted(call.func).endswith((".read_pickle", ".to_pickle"))
    ]
    assert faults == []


def test_no_flag_opens_a_door_for_html_pickle_or_a_shell() -> None:
    banned = {"unsafe_allow_html", "allow_pickle", "shell"}
    faults = [
        f"{source.path}:{call.lineno} sets {keyword.arg}=True"
        for source in sources(*CODE)
        for call in calls(source.tree)
        for keyword in call.keywords
        if keyword.arg in banned and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
    ]
    assert faults == []


def test_no_path_of_one_machine_stands_in_the_code() -> None:
    machine = re.compile(r"""["'](/work/|/home/|/Users/)""")
    faults = [str(source.path) for source in sources(*CODE, "tests") if machine.search(source.text)]
    assert [fault for fault in faults if "test_banned" not in fault] == []


def test_warnings_are_not_silenced_for_everything() -> None:
    faults = [
        f"{source.path}:{call.lineno}"
        for source in sources(*CODE)
        for call in calls(source.tree)
        if dotted(call.func) in ("warnings.filterwarnings", "warnings.simplefilter")
        and len(call.args) + len(call.keywords) == 1
    ]
    assert faults == []
