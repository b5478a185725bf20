"""The whole demo journey as a user walks it: home, train, predict, niches, pathways, take home."""

from __future__ import annotations

import re
from pathlib import Path

import anndata as ad
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.around import put_cells_back, see_attention_tested
from tests.e2e.conftest import Server, pages_only

DONE = 400_000  # ms; training on two busy cores


def go(page: Page, title: str) -> None:
    """Click the navigation, and wait until the page stands."""
    page.get_by_role("link", name=re.compile(rf"{title}$")).first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settled(page)


def settled(page: Page) -> None:
    """Wait until Streamlit has stopped running the script."""
    page.wait_for_timeout(400)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)


def query(page: Page) -> dict[str, str]:
    return dict(part.split("=", 1) for part in page.url.partition("?")[2].split("&") if part)


@pytest.fixture(scope="module")
def trained(server: Server, chromium) -> str:
    """The run of the demo's quick look, started on the page, reloaded in mid-training, and waited for."""
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(30_000)
    page.goto(server.url)
    expect(page.get_by_text("Demo tumour (simulated)").first).to_be_visible(timeout=120_000)
    expect(page.get_by_text("poor cells are still in")).to_be_visible()
    go(page, "Train")
    page.get_by_text(re.compile("^Quick look")).first.click()
    settled(page)
    page.get_by_text("Start training").first.click()
    expect(page.get_by_text("Stop and keep").first).to_be_visible(timeout=60_000)
    run = query(page)["run"]
    page.reload()  # in mid-training: the address finds the job again
    expect(page.get_by_text(re.compile("Training SCXM, seed 0|The chosen run is trained")).first).to_be_visible()
    assert query(page)["run"] == run
    expect(page.get_by_text("The chosen run is trained.").first).to_be_visible(timeout=DONE)
    page.context.close()
    return run


def test_training_again_opens_at_once(server: Server, trained: str, open_page) -> None:
    page = open_page(f"{server.url}/train?study=s-demo&preset=Quick look")
    page.get_by_text("Start training").first.click()
    expect(page.get_by_text("The chosen run is trained.").first).to_be_visible(timeout=15_000)
    assert query(page)["run"] == trained


def test_map_shows_measured_predicted_difference(server: Server, trained: str, open_page) -> None:
    page = open_page(f"{server.url}/predict?study=s-demo&run={trained}&gene=CXCR4")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    titles = page.locator(".js-plotly-plot").first.inner_text()
    assert "around the cell" in titles
    assert "measured" in titles.lower()
    assert "predicted" in titles.lower()
    expect(page.get_by_text("CXCR4 is on your panel.")).to_be_visible()


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("around", "around the cell"),
        ("quality", "Every gene"),
        ("attention", "This run has no attention"),
        ("apply", "Take this run home"),
    ],
)
def test_each_view(server: Server, trained: str, open_page, view: str, words: str) -> None:
    page = open_page(f"{server.url}/predict?study=s-demo&run={trained}&gene=CXCR4&view={view}")
    expect(page.get_by_text(words).first).to_be_visible(timeout=60_000)
    settled(page)
    assert page.get_by_text("Traceback").count() == 0


def test_a_gene_that_is_not_there(server: Server, trained: str, open_page) -> None:
    page = open_page(f"{server.url}/predict?study=s-demo&run={trained}&gene=CXCR44")
    expect(page.get_by_text("is unknown")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Perhaps you meant")).to_be_visible()


def test_niche_then_pathways_then_home(server: Server, trained: str, open_page, tmp_path: Path) -> None:
    page = open_page(f"{server.url}/niche?study=s-demo&run={trained}&gene=CXCR4&type=B cell")
    page.get_by_text("Split and compare").first.click()
    expect(page.get_by_text("Genes that differ").first).to_be_visible(timeout=120_000)
    with page.expect_download() as download:
        page.get_by_text("Download table (CSV)").first.click()
    table = Path(download.value.path()).read_text()
    assert "log2_fc" in table.splitlines()[0]
    page.get_by_text("Which pathways differ?").click()
    expect(page.get_by_role("heading", name="Pathways", level=1)).to_be_visible()
    settled(page)
    page.get_by_text("Test the gene sets").first.click()
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=120_000)
    expect(page.get_by_text("NES").first).to_be_attached()
    page.goto(f"{server.url}/predict?study=s-demo&run={trained}&view=apply")
    with page.expect_download(timeout=60_000) as download:
        page.get_by_text(re.compile("h5ad")).and_(page.get_by_role("button")).or_(
            page.get_by_role("button", name=re.compile("h5ad"))
        ).first.click()
    saved = tmp_path / "export.h5ad"
    download.value.save_as(saved)
    exported = ad.read_h5ad(saved)
    context = exported.obsm["context"]
    assert context.shape == (4000, len(exported.uns["context_genes"]))
    assert context.min() >= 0
    assert context.max() <= 1


def test_cells_are_put_back(server: Server, trained: str, open_page) -> None:
    put_cells_back(open_page(server.url), server, "s-demo", trained, "B cell")


def test_attention_is_tested(server: Server, trained: str, open_page) -> None:
    see_attention_tested(open_page(server.url), server, "s-demo")


def test_navigation_and_reload_keep_the_view(server: Server, trained: str, open_page) -> None:
    page = open_page(f"{server.url}/predict?study=s-demo&run={trained}&gene=CXCL13&view=quality")
    expect(page.get_by_text("Every gene").first).to_be_visible(timeout=60_000)
    go(page, "Data")
    go(page, "Predict")
    assert query(page) | {"study": "s-demo", "run": trained, "gene": "CXCL13", "view": "quality"} == query(page)
    page.reload()
    expect(page.get_by_text("Every gene").first).to_be_visible(timeout=60_000)
    assert query(page)["gene"] == "CXCL13"


def test_two_browsers_at_once(server: Server, trained: str, open_page) -> None:
    one = open_page(f"{server.url}/predict?study=s-demo&run={trained}&gene=CXCR4")
    two = open_page(f"{server.url}/predict?study=s-demo&run={trained}&gene=CA9")
    expect(one.get_by_text("CXCR4 is on your panel.")).to_be_visible(timeout=60_000)
    expect(two.get_by_text("CA9 is on your panel.")).to_be_visible(timeout=60_000)
    one.reload()
    expect(one.get_by_text("CXCR4 is on your panel.")).to_be_visible(timeout=60_000)
    assert (query(one)["gene"], query(two)["gene"]) == ("CXCR4", "CA9")


@pytest.mark.parametrize("dark", [False, True])
def test_no_page_is_wider_than_a_phone(server: Server, trained: str, open_page, dark: bool) -> None:
    views = tuple(f"prepare?view={view}&" for view in ("qc", "sections", "names", "atlas", "quick"))
    for path in ("?", "data?", *views, "train?", "predict?", "niche?", "pathways?", "words?"):
        page = open_page(f"{server.url}/{path}study=s-demo&run={trained}&gene=CXCR4", width=390, dark=dark)
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_a_restarted_app_has_the_run_and_its_results(home: Path, trained: str, open_page) -> None:
    """A second app on the same data root is what a restart is: nothing lives in the first one's memory."""
    again = pages_only(home)
    try:
        page = open_page(f"{again.url}/train?study=s-demo&run={trained}")
        expect(page.get_by_text("The chosen run is trained.").first).to_be_visible(timeout=60_000)
        page.goto(f"{again.url}/predict?study=s-demo&run={trained}&gene=CXCR4")
        expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
        page.context.close()
    finally:
        again.stop()


def test_stop_and_keep(server: Server, trained: str, open_page) -> None:
    page = open_page(f"{server.url}/train?study=s-demo&preset=Standard")
    page.get_by_text("Start training").first.click()
    expect(page.get_by_text(re.compile("^Healthy")).first).to_be_visible(timeout=240_000)
    page.get_by_text("Stop and keep").first.click()
    expect(page.get_by_text("The chosen run is trained.").first).to_be_visible(timeout=240_000)
    expect(page.get_by_text("stopped early, kept").first).to_be_visible()
    assert query(page)["run"] != trained
