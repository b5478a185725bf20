"""The pages' process never imports torch, scanpy, transformers or anndata."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.source import PROJECT, sources

HEAVY = ("torch", "scanpy", "transformers", "anndata", "celltypist", "gseapy", "spatialdata", "umap")


def loaded_by(modules: list[str]) -> set[str]:
    code = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
print(*sorted({{name.split('.')[0] for name in sys.modules}}))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_door_is_light() -> None:
    assert loaded_by(["backend.api"]).isdisjoint(HEAVY)


def test_the_command_line_is_light() -> None:
    """It answers in half a second, so what reads matrices is imported when one is read."""
    assert loaded_by(["backend.__main__"]).isdisjoint({*HEAVY, "zarr", "scipy", "sklearn"})


def test_what_pages_import_is_light() -> None:
    names = {
        name if name.split(".")[0] in ("streamlit", "numpy", "pandas") else ".".join(name.split(".")[:2])
        for source in sources("app.py", "pages")
        for _, name in source.imports()
        if name.startswith(("backend.", "plotly."))
    }
    if not names:
        pytest.skip("no page stands yet")
    components = [source.module for source in sources("pages/components") if not source.path.name.startswith("__")]
    assert loaded_by([*sorted(names), *components]).isdisjoint(HEAVY)
