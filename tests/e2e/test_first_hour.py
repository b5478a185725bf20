"""The first hour with a Xenium run and a published atlas: the instrument's files, the pages alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backend import api
from tests.e2e.conftest import Server, start
from tests.e2e.instrument import DEBRIS, MISSING, Truth, write_atlas, write_xenium
from tests.e2e.test_journey import DONE, query, settled

SOON = 120_000  # ms


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "home").mkdir()
    server = start(tmp_path / "home", "backend.jobs.serve")
    yield server
    server.stop()


def press(page: Page, name: str, *, wait_ms: int = 30_000) -> None:
    button = page.get_by_role("button", name=re.compile(rf"{re.escape(name)}( \S+)?$")).first
    expect(button).to_be_enabled(timeout=wait_ms)
    button.click()
    settled(page)


def go_on(page: Page, button: str, view: str) -> None:
    """To the next view of Prepare; a script that runs just then may replace the button under the mouse."""
    for _ in range(3):
        press(page, button)
        try:
            expect(page.get_by_role("radio", name=view)).to_be_checked(timeout=10_000)
            return
        except AssertionError:
            continue
    raise AssertionError(f"{button} does not lead to {view}")


def bring(page: Page, box: str, *files: Path) -> None:
    """Drop files into one of Home's boxes, hear the doctor, add."""
    inputs = page.locator(f".st-key-bring-{box} input[type=file]")
    inputs.set_input_files(files)
    settled(page)
    page.locator(f".st-key-check-{box} button").click()
    expect(page.get_by_text("Guessed: please confirm").first).to_be_visible(timeout=SOON)
    settled(page)
    press(page, "Add")
    expect(page.locator(f".st-key-bring-{box}").get_by_text("Another one")).to_be_visible(timeout=SOON)
    settled(page)


def blue(page: Page) -> list[str]:
    return [text.split("\n")[-1] for text in page.locator('[data-testid="stBaseButton-primary"]').all_inner_texts()]


def draw_box(page: Page) -> None:
    """Drag a box over most of the left section."""
    plot = page.locator(".js-plotly-plot").first
    expect(plot).to_be_visible(timeout=SOON)
    plot.locator("[data-attr=dragmode][data-val=select]").click()
    frame = plot.locator(".nsewdrag").first.bounding_box()
    assert frame
    x, y, wide, tall = frame["x"], frame["y"], frame["width"], frame["height"]
    page.mouse.move(x + 0.08 * wide, y + 0.2 * tall)
    page.mouse.down()
    page.mouse.move(x + 0.25 * wide, y + 0.5 * tall, steps=5)
    page.mouse.move(x + 0.42 * wide, y + 0.85 * tall, steps=5)
    page.mouse.up()
    settled(page)


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    write_atlas(tmp_path / "atlas.h5ad")
    return write_xenium(tmp_path / "run")


def test_the_first_hour(own_server: Server, open_page, truth: Truth, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("RESITU_HOME", str(own_server.home))
    page = open_page(own_server.url)
    settled(page)
    bring(page, "tissue", tmp_path / "run" / "cell_feature_matrix.h5", tmp_path / "run" / "cells.parquet")
    bring(page, "atlas", tmp_path / "atlas.h5ad")
    press(page, "Bring them together")
    expect(page.get_by_text("poor cells are still in")).to_be_visible(timeout=SOON)
    assert blue(page) == ["Look at the quality of the cells"]
    study = query(page)["study"]

    press(page, "Look at the quality of the cells")
    press(page, "Take the suggested cut-offs")
    press(page, "Keep these cells")
    expect(page.get_by_text(re.compile("^Last change.*QC of the tissue")).first).to_be_visible(timeout=SOON)
    kept = set(api.dataset_obs(api.study(study).tissue, ["counts"]).index)
    debris = {cell for cell, name in truth.cell.items() if name == "debris"}
    assert len(kept & debris) < 0.05 * DEBRIS
    assert len(kept) > 0.95 * (len(truth.cell) - DEBRIS)
    settled(page)

    go_on(page, "o on: Sections", "Sections")
    page.get_by_text("Cut at gaps", exact=True).click()
    settled(page)
    press(page, "Cut at these gaps")
    expect(page.get_by_text(re.compile("^Last change.*Sections of the tissue")).first).to_be_visible(timeout=SOON)
    assert len(api.dataset(api.study(study).tissue).sections) == 2
    settled(page)

    go_on(page, "o on: Cell names", "Cell names")
    expect(page.get_by_text(re.compile("Transferred from atlas")).first).to_be_visible(timeout=SOON)
    settled(page)
    tissue = api.study(study).tissue
    table = api.cell_types(study, tissue).table
    true = table["cell"].map(truth.cell)
    present = (true != MISSING) & (true != "debris")
    assert (table["type"][present] == true[present]).mean() > 0.8
    go_on(page, "o on: Atlas", "Atlas")

    press(page, "Match the atlas")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=SOON)
    settled(page)
    go_on(page, "o on: Quick look", "Quick look")

    page.get_by_text("I draw a region", exact=True).click()
    settled(page)
    draw_box(page)
    expect(page.get_by_text(re.compile("lie in the region"))).to_be_visible(timeout=SOON)
    page.locator(".st-key-train-Quick-look button").click()
    expect(page.get_by_text("The quick look is done")).to_be_visible(timeout=DONE)
    region = api.dataset(api.study(study).quick or "")
    assert len(region.sections) == 1
    assert 500 < region.n_cells < 2600
    inside = api.dataset_obs(region.id, ["x_um", "y_um"])
    around = api.dataset_obs(tissue, ["x_um", "y_um", "section"])
    around = around[around["section"].astype(str) == region.sections[0]]
    box = (around["x_um"].between(*inside["x_um"].agg(["min", "max"]))) & (
        around["y_um"].between(*inside["y_um"].agg(["min", "max"]))
    )
    assert box.sum() == region.n_cells, "contiguous: no cell within the box is left out"

    page.goto(f"{own_server.url}/?study={study}&gene=CXCR4")
    expect(page.get_by_text("CXCR4 is on your panel: measured")).to_be_visible(timeout=SOON)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=SOON)
    assert blue(page) == ["Train on the whole tissue"]
    press(page, "Where did my dissociated cells come from?")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=SOON)
    assert query(page)["run"] == api.runs(study)[-1].id
