"""Two real pairs, a field of view and a layer of them: impute, read the verdict, compare methods, see where a
prediction was read, take it home."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.around import command
from tests.e2e.conftest import Server
from tests.e2e.test_journey import query, settled
from tests.e2e.test_real_pairs import DATA, press

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data of ../shared/data are not here")
DONE = 600_000


@dataclass(frozen=True)
class Pair:
    """methods: ticked in the bake-off. casper: trained by the command line, with few epochs. gene: on the panel;
    missing: off it."""

    name: str
    tissue: tuple[str, ...]
    reference: str
    methods: str
    gene: str
    missing: str
    casper: bool = False


LUNG = ("st_human_NSCLC_CosMx960.h5ad", "--keep", "fov=23")
CORTEX = ("st_mouse_cortex_osmFISH.h5ad", "--unit", "px", "--um-per-px", "0.065", "--keep", "Valid=1", "--keep",
          "Region=Layer 4")  # fmt: skip
PAIRS = (
    Pair("Imputed lung", LUNG, "sc_human_lungNSCLC_Maynard3k.h5ad", "knn", "KRT19", "ACTB", casper=True),
    Pair("Imputed cortex", CORTEX, "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL.h5ad", "quorum,knn", "Gad2", "Snap25"),
)


def make_study(server: Server, pair: Pair) -> str:
    names = []
    for role, (file, *answers) in (("tissue", pair.tissue), ("reference", (pair.reference,))):
        names.append(f"{pair.name}, {role}")
        command(server, "datasets", "add", str(DATA / file), "--role", role, "--name", names[-1], *answers)
    told = dict(zip(("--tissue", "--reference"), names, strict=True))
    made = command(server, "studies", "create", "--name", pair.name, *(word for part in told.items() for word in part))
    return str(made["id"])


def figure(page: Page) -> None:
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    settled(page)
    assert page.get_by_text("Traceback").count() == 0


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_imputed(server: Server, open_page, pair: Pair, tmp_path: Path) -> None:
    study = make_study(server, pair)
    casper = ""
    if pair.casper:
        small = [word for setting in ("epochs=1", "width=32", "hidden=32") for word in ("--set", setting)]
        casper = str(command(server, "runs", "start", "--study", study, "--method", "casper", *small)["id"])
    page = open_page(f"{server.url}/train?study={study}&method=quorum&way=several&methods={pair.methods}"
                     "&preset=Quick look")  # fmt: skip
    press(page, r"Start 1 training" if "," not in pair.methods else "Start 2 trainings")
    use = page.get_by_role("button", name=re.compile("in this study$"))
    expect(page.get_by_role("button", name="Cancel all")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Cancel all")).to_have_count(0, timeout=DONE)
    settled(page)
    expect(page.get_by_text(re.compile("mean r")).first).to_be_visible()
    figure(page)
    use.first.click()
    expect(page.get_by_text(re.compile("is shown in this study")).first).to_be_visible(timeout=60_000)

    page.goto(f"{server.url}/predict?study={study}&gene={pair.gene}")
    expect(page.get_by_text(re.compile("May I print")).first).to_be_visible(timeout=60_000)
    expect(
        page.get_by_role("heading", name=re.compile("Figure|Supplement, labelled|Do not show")).first
    ).to_be_visible()
    figure(page)
    run = query(page)["run"]
    page.goto(f"{server.url}/?study={study}&gene={pair.missing}")
    expect(page.get_by_text(re.compile("imputed by (Quorum|CASPER|Nearest cells)"))).to_be_visible(timeout=60_000)
    figure(page)

    if casper:
        page.goto(f"{server.url}/predict?study={study}&run={casper}&view=attention")
        expect(page.get_by_text("Dominant centroid").first).to_be_visible(timeout=60_000)
        figure(page)

    page.goto(f"{server.url}/predict?study={study}&run={run}&view=export&which=all")
    with page.expect_download(timeout=180_000) as download:
        page.get_by_role("button", name=re.compile("h5ad")).first.click()
    saved = tmp_path / "export.h5ad"
    download.value.save_as(saved)
    exported = ad.read_h5ad(saved, backed="r")
    assert {"imputed", "interval_low", "interval_high"} <= set(exported.layers)
    assert set(exported.var["resitu_verdict"]) <= {"figure", "supplement", "no"}
    assert bool(exported.var.loc[pair.gene, "resitu_measured"])
    assert not bool(exported.var.loc[pair.missing, "resitu_measured"])
