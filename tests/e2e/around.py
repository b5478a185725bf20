"""Two walks over a trained run: cells put back on the tissue, and attention that is tested."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

from playwright.sync_api import Page, expect

from backend.settings import PROJECT
from tests.e2e.conftest import Server

DONE = 300_000  # ms
# A transformer that is trained for seconds: what is walked is the page, not the model.
TINY = ("encoder=transformer", "epochs=1", "decoder_epochs=1", "max_tokens=16", "token_width=16", "layers=1")


def command(server: Server, *arguments: str) -> dict[str, object]:
    """`python -m backend --json ...` on the server's data."""
    done = subprocess.run(
        [sys.executable, "-m", "backend", "--json", *arguments], cwd=PROJECT, capture_output=True, text=True,
        env={**os.environ, "RESITU_HOME": str(server.home)}, check=True,
    )  # fmt: skip
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def put_cells_back(page: Page, server: Server, study: str, run: str, type_: str) -> None:
    page.goto(f"{server.url}/predict?study={study}&run={run}&view=put_back&pick=type&type={type_}")
    page.get_by_role("button", name=re.compile("Get ready$")).click(timeout=60_000)
    expect(page.get_by_text("Regions that should hold them").first).to_be_visible(timeout=DONE)
    expect(page.get_by_text(re.compile("How far to trust it")).first).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(3, timeout=60_000)
    with page.expect_download() as download:
        page.get_by_text("Best guess of each cell (CSV)").first.click()
    assert download.value.suggested_filename.endswith(".csv")
    page.goto(f"{server.url}/predict?study={study}&run={run}&view=put_back&ask=test")
    expect(page.get_by_text("Do the regions hold what they say?").first).to_be_visible(timeout=60_000)


def see_attention_tested(page: Page, server: Server, study: str) -> None:
    settings = [word for setting in TINY for word in ("--set", setting)]
    run = command(server, "runs", "start", "--study", study, *settings)["id"]
    page.goto(f"{server.url}/train?study={study}&run={run}")
    expect(page.get_by_text("The chosen run is trained.").first).to_be_visible(timeout=DONE)
    page.goto(f"{server.url}/predict?study={study}&run={run}&view=attention")
    page.get_by_role("button", name=re.compile("Test attention$")).click(timeout=60_000)
    expect(page.get_by_text("Without genes: all cells").first).to_be_visible(timeout=DONE)
    assert page.get_by_text("Traceback").count() == 0
