"""Which atlas fits better? CosMx lung with two real atlases, from the files on the server to the one that is used."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from backend import api
from tests.e2e.conftest import Server
from tests.e2e.test_first_hour import SOON, press
from tests.e2e.test_journey import query, settled
from tests.e2e.test_real_pairs import DATA, add, pick

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data of ../shared/data are not here")
TISSUE = "st_human_NSCLC_CosMx960"
MAYNARD, SAPIENS = "sc_human_lungNSCLC_Maynard3k", "sc_human_lung_TabulaSapiens1k"


def test_which_atlas_fits_better(server: Server, open_page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESITU_HOME", str(server.home))
    page = open_page(server.url)
    add(page, server, "tissue", f"{TISSUE}.h5ad", {})
    for atlas in (SAPIENS, MAYNARD):
        add(page, server, "reference", f"{atlas}.h5ad", {})

    page.goto(server.url)
    settled(page)
    for label, name in (("My tissue", TISSUE), ("My single-cell atlas", SAPIENS)):
        box = page.locator(".st-key-bring-tissue" if label == "My tissue" else ".st-key-bring-atlas")
        pick(box, "or one that is here already", name)
        expect(box.get_by_text("Another one")).to_be_visible(timeout=SOON)
    press(page, "Bring them together")
    settled(page)
    study = query(page)["study"]
    assert api.dataset(api.study(study).reference).name == SAPIENS

    page.goto(f"{server.url}/prepare?study={study}&view=atlas")
    settled(page)
    press(page, "Match the atlas")
    expect(page.get_by_text(re.compile(f"{SAPIENS}.*fits"))).to_be_visible(timeout=SOON)
    press(page, "more")
    expect(page.get_by_text(re.compile("is ahead (of|by)"))).to_be_visible(timeout=2 * SOON)
    settled(page)
    ranked = {row.record.name: row.facts for row in api.rank_atlases(study) if row.facts}
    assert {MAYNARD, SAPIENS} <= set(ranked)
    assert all(ranked[name]["verdict"] != "does not fit" for name in (MAYNARD, SAPIENS))

    pick(page, "Another atlas", MAYNARD)
    press(page, "Use this atlas")
    expect(page.get_by_text(re.compile(f"^Last change.*{MAYNARD} as atlas"))).to_be_visible(timeout=SOON)
    assert api.dataset(api.study(study).reference).name == MAYNARD
    press(page, "Undo")
    expect(page.get_by_text(re.compile("Taken back"))).to_be_visible(timeout=SOON)
    assert api.dataset(api.study(study).reference).name == SAPIENS
