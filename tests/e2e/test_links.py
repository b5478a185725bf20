"""A link is the first thing that a fresh server hears; and a server without workers says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Server, pages_only

TITLES = {
    "": "Put dissociated cells back in situ",
    "data": "Data",
    "prepare": "Prepare",
    "train": "Train",
    "predict": "Predict",
    "niche": "Niches",
    "pathways": "Pathways",
    "words": "Words",
}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    server = pages_only(tmp_path)
    yield server
    server.stop()


@pytest.mark.parametrize("path", TITLES)
def test_deep_link_as_first_request(path: str, fresh: Server, open_page) -> None:
    page = open_page(f"{fresh.url}/{path}")
    expect(page.get_by_role("heading", name=TITLES[path], level=1)).to_be_visible(timeout=60_000)
    expect(page.get_by_role("link", name="Predict").first).to_be_attached()  # app.py ran: there is a navigation
    expect(page.get_by_text("No workers").first).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
