"""The pictures of docs/images: every page of the demo, 1440 and 390 pixels wide, light and dark.

make screenshots; python -m tests.e2e.screenshots impute: only those whose name begins so
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from backend import api
from tests.e2e.conftest import CHROMIUM, FLAGS, PROJECT, start

OUT = PROJECT / "docs" / "images"
WIDTHS = {1440: 1000, 390: 844}


def main(beginning: str = "") -> None:
    """Only those whose name has this beginning."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RESITU_HOME"] = folder
        study = api.wait(api.make_demo().id).result["study"]
        run = api.start_run(study, "scxm", api.preset("scxm", "Standard")).id
        api.wait(run)
        reference = api.study(study).reference
        niche = api.start_niche(run, reference, "B cell", "CXCR4", None).id
        api.wait(niche)
        pathways = api.start_enrichment(niche, "de", api.gene_set_libraries()[0]).id
        api.wait(pathways)
        api.wait(api.start_match(study).id)
        api.settle(study, "quality")
        api.wait(api.context.start_put_back(run).id)
        imputed = {method: impute(study, method) for method in ("quorum", "casper", "knn")}
        there = f"study={study}&run={imputed['quorum']}"
        at = f"study={study}&run={run}&gene=CXCR4"
        pages = {
            "home": f"?{at}",
            "data": f"data?{at}",
            "add": f"data?{at}&view=add",
            "studies": f"data?{at}&view=studies",
            "quality-control": f"prepare?{at}&view=qc",
            "sections": f"prepare?{at}&view=sections&how=draw",
            "names": f"prepare?{at}&view=names",
            "atlas": f"prepare?{at}&view=atlas",
            "quick-look": f"prepare?{at}&view=quick",
            "words": f"words?{at}",
            "train": f"train?{at}",
            "predict": f"predict?{at}",
            "reference": f"predict?{at}&view=around",
            "quality": f"predict?{at}&view=quality",
            "put-back": f"predict?{at}&view=put_back&pick=type&type=B cell",
            "apply": f"predict?{at}&view=apply",
            "niches": f"niche?{at}&dataset={reference}&type=B cell&job={niche}",
            "pathways": f"pathways?{at}&source={niche}&job={pathways}",
            "impute-train": f"train?study={study}&method=quorum&way=several",
            "impute-gene": f"predict?{there}",
            "impute-several": f"predict?{there}&view=several",
            "impute-quality": f"predict?{there}&view=quality",
            "impute-bake-off": f"predict?{there}&view=bake_off",
            "impute-attention": f"predict?study={study}&run={imputed['casper']}&view=attention",
        }
        pages = {name: path for name, path in pages.items() if name.startswith(beginning)}
        server = start(Path(folder), "backend.jobs.serve")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                for name, path in pages.items():
                    for width in WIDTHS:
                        for theme in ("light", "dark"):
                            take(browser, f"{server.url}/{path}", f"{name}-{width}-{theme}", width, theme)
        finally:
            server.stop()


def impute(study: str, method: str) -> str:
    run = api.start_run(study, method, api.preset(method, "Standard" if method == "knn" else "Quick look")).id
    api.wait(run)
    return run


def take(browser: Browser, url: str, name: str, width: int, theme: str) -> None:
    """The first screen of a wide page; a narrow one, where the figure lies below, whole up to three screens."""
    size = {"width": width, "height": WIDTHS[width] * (3 if width == 390 else 1)}
    context = browser.new_context(viewport=size, color_scheme="dark" if theme == "dark" else "light")
    page = context.new_page()
    page.goto(url)
    page.get_by_role("heading", level=1).wait_for(timeout=60_000)
    page.wait_for_timeout(1500)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)
    page.wait_for_timeout(2500)  # figures draw after the script has ended
    page.screenshot(path=OUT / f"{name}.png")
    context.close()
    print(name, flush=True)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    main(*sys.argv[1:])
