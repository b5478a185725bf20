"""One-way streets: who may import whom."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from tests.architecture.source import Source, sources

# From the ground up. A file imports its own floor or a lower one.
FLOORS = ("store", "datasets", "training", "analysis", "methods", "evaluation", "jobs", "api", "cli")
# Types and nouns: what a method and what a handler may count on are promises, which cost nothing to import.
GROUND = {
    "backend.records",
    "backend.errors",
    "backend.settings",
    "backend.methods.contract",
    "backend.training.job",
}
DOOR = ("backend.api", "backend.figures", "backend.records", "backend.errors")  # all that a page may know
PAGES = ("app.py", "pages")


def ground(name: str) -> bool:
    return any(name == module or name.startswith(module + ".") for module in GROUND)


def floor(name: str) -> int:
    """The height of a dotted name in the house; -1: the ground; the roof: `__main__`."""
    parts = name.split(".")
    if ground(name) or len(parts) < 2:
        return -1
    return FLOORS.index(parts[1]) if parts[1] in FLOORS else len(FLOORS)


def broken(source: Source) -> list[str]:
    return [
        f"{source.path}:{line} imports {name}"
        for line, name in source.imports()
        if name.startswith("backend.") and ".figures" not in source.module and floor(name) > floor(source.module)
    ]


def test_every_folder_of_the_backend_has_its_floor() -> None:
    known = {*FLOORS, "figures", "records", "errors", "settings", "__main__", "backend"}
    unknown = {source.module.split(".")[1] for source in sources("backend") if "." in source.module} - known
    assert not unknown, f"say in this file where {unknown} stands"


def test_imports_go_down_only() -> None:
    assert [fault for source in sources("backend") for fault in broken(source)] == []


def test_the_check_sees_an_upward_import() -> None:
    text = "def f():\n    from backend import api\n"
    upward = Source(Path("backend/store/index.py"), text, ast.parse(text))
    assert broken(upward) == ["backend/store/index.py:2 imports backend.api"]


def test_figures_are_a_leaf() -> None:
    allowed = ("backend.figures", "backend.errors", "numpy", "pandas", "plotly", "PIL")  # PIL: rasters of many cells
    faults = [
        f"{source.path}:{line} imports {name}"
        for source in sources("backend/figures")
        for line, name in source.imports()
        if not name.startswith(allowed) and name.split(".")[0] not in sys.stdlib_module_names
    ]
    assert faults == []


def test_only_pages_and_the_door_know_the_figures() -> None:
    faults = [
        f"{source.path}:{line}"
        for source in sources("backend")
        for line, name in source.imports()
        if name.startswith("backend.figures") and not source.module.startswith("backend.figures")
    ]
    assert faults == []


def test_nothing_in_the_backend_imports_streamlit() -> None:
    faults = [
        f"{source.path}:{line}"
        for source in sources("backend")
        for line, name in source.imports()
        if name.split(".")[0] == "streamlit"
    ]
    assert faults == []


def test_methods_do_not_import_each_other() -> None:
    shared = {"contract", "imputation", "registry", "reference", "thinning"}
    faults = []
    for source in sources("backend/methods"):
        own = source.module.split(".")[2:3]
        if own in ([], ["registry"]):
            continue
        for line, name in source.imports():
            parts = name.split(".")
            if parts[:2] == ["backend", "methods"] and parts[2:3] != own and not shared.intersection(parts[2:3]):
                faults.append(f"{source.path}:{line} imports {name}")
    assert faults == []


def test_pages_use_the_door() -> None:
    faults = [
        f"{source.path}:{line} imports {name}"
        for source in sources(*PAGES)
        for line, name in source.imports()
        if name.startswith("backend") and not name.startswith(DOOR)
    ]
    assert faults == []


def test_components_do_not_import_pages() -> None:
    faults = [
        f"{source.path}:{line} imports {name}"
        for source in sources("pages/components")
        for line, name in source.imports()
        if name.startswith("pages.") and not name.startswith("pages.components")
    ]
    assert faults == []
