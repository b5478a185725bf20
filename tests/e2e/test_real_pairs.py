"""Two real pairs, from the files on the server to a figure, a table and a file to take home, on the pages alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import anndata as ad
import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect

from backend.settings import PROJECT
from tests.e2e.around import put_cells_back, see_attention_tested
from tests.e2e.conftest import Server
from tests.e2e.test_journey import query, settled

DATA = PROJECT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data of ../shared/data are not here")


@dataclass(frozen=True)
class Pair:
    name: str
    tissue: str
    reference: str
    type_: str
    gene: str
    gene_sets: str
    answers: dict[str, str] = field(default_factory=dict)
    attention: bool = False


PAIRS = (
    Pair(
        "Lung tumour",
        "st_human_NSCLC_CosMx960.h5ad",
        "sc_human_lungNSCLC_Maynard3k.h5ad",
        "Macrophage",
        "CXCR4",
        "gseapy_h.all.v7.0.symbols.gmt",
        attention=True,
    ),
    Pair(
        "Mouse cortex",
        "st_mouse_cortex_osmFISH.h5ad",
        "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL.h5ad",
        "MOL1",
        "Gad2",
        "ReactomePathways_mouse.gmt",
        {"unit": "px", "um_per_px": "0.065", "keep": "Valid", "value": "1"},
    ),
)


def pick(page: Page | Locator, label: str, words: str) -> None:
    """Choose in the select box with this label, anywhere on a page or in a part of it."""
    within, page = page, page.page if isinstance(page, Locator) else page
    box = within.get_by_test_id("stSelectbox").filter(has_text=label).first.locator("input")
    option = page.get_by_role("option", name=re.compile(re.escape(words))).first
    for _ in range(5):  # a script that runs just then closes the list again
        box.click()
        box.fill(words)
        try:
            option.click(timeout=4000)
            break
        except TimeoutError:
            settled(page)
    settled(page)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(rf"{re.escape(name)}$")).first.click()
    settled(page)


def add(page: Page, server: Server, role: str, file: str, answers: dict[str, str]) -> None:
    page.goto(f"{server.url}/data?view=add&role={role}&source=server")
    pick(page, "File", file)
    press(page, "Check")
    expect(page.get_by_text(re.compile("Guessed: please confirm|Stops it")).first).to_be_visible(timeout=120_000)
    settled(page)
    if answers:
        pick(page, "Unit of the coordinates", "pixels")
        page.get_by_label("Micrometres per pixel").fill(answers["um_per_px"])
        page.keyboard.press("Enter")
        settled(page)
        pick(page, "Keep", answers["keep"])
        pick(page, "with the value", answers["value"])
        press(page, "Check again with these answers")
        expect(page.get_by_text(re.compile("Guessed: please confirm")).first).to_be_visible(timeout=120_000)
        settled(page)
    press(page, "Add")
    expect(page.get_by_test_id("stSelectbox").filter(has_text="Data set").first).to_be_visible(timeout=180_000)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_pair(server: Server, open_page, pair: Pair, tmp_path: Path) -> None:
    page = open_page(server.url)
    add(page, server, "tissue", pair.tissue, pair.answers)
    add(page, server, "reference", pair.reference, {})

    page.goto(f"{server.url}/data?view=studies")
    page.get_by_label("Name").first.fill(pair.name)
    pick(page, "Tissue", pair.tissue.split(".")[0])
    pick(page, "Reference", pair.reference.split(".")[0])
    press(page, "Make the study")
    expect(page.get_by_role("heading", name=pair.name)).to_be_visible(timeout=60_000)
    study = query(page)["study"]

    page.goto(f"{server.url}/train?study={study}&preset=Quick look")
    press(page, "Start training")
    expect(page.get_by_text("The chosen run is trained.").first).to_be_visible(timeout=600_000)
    run = query(page)["run"]

    page.goto(f"{server.url}/predict?study={study}&run={run}&gene={pair.gene}")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)

    page.goto(f"{server.url}/niche?study={study}&run={run}&gene={pair.gene}&type={pair.type_}")
    press(page, "Split and compare")
    expect(page.get_by_text("Genes that differ").first).to_be_visible(timeout=180_000)
    press(page, "Which pathways differ?")
    expect(page.get_by_role("heading", name="Pathways", level=1)).to_be_visible()
    settled(page)
    pick(page, "Gene sets", "My own gene sets")
    page.locator("input[type=file]").first.set_input_files(DATA / "genesets" / pair.gene_sets)
    settled(page)
    press(page, "Test the gene sets")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=180_000)

    page.goto(f"{server.url}/predict?study={study}&run={run}&view=apply")
    with page.expect_download(timeout=120_000) as download:
        page.get_by_role("button", name=re.compile("h5ad")).first.click()
    saved = tmp_path / "export.h5ad"
    download.value.save_as(saved)
    exported = ad.read_h5ad(saved)
    assert exported.obsm["context"].shape[1] == len(exported.uns["context_genes"]) > 30

    put_cells_back(page, server, study, run, pair.type_)
    if pair.attention:
        see_attention_tested(page, server, study)
