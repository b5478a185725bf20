"""A choice that the URL carries is found again after the navigation only where its page has named it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "pages"
SHARED = {"study", "run", "gene"}
# A page's file -> the folders of what it shows.
VIEWS = {"prediction.py": ("predict", "imputed"), "enrichment.py": ("pathways",)}


@pytest.mark.parametrize("page", VIEWS)
def test_every_choice_is_named_by_its_page(page: str) -> None:
    files = [PAGES / page, *(file for folder in VIEWS[page] for file in (PAGES / folder).rglob("*.py"))]
    read = {name for file in files for name in re.findall(r"one_of\(\s*\"(\w+)\"", file.read_text())}
    named = set(re.findall(r"\"(\w+)\"", (PAGES / page).read_text().split("open_page(")[1].split("if place.study")[0]))
    assert read
    assert read <= named | SHARED
