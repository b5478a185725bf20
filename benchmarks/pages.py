"""What a page takes on the server: Streamlit's own test runner, from the navigation on, no browser.

*First*: nothing is in the pages' memory. *Warm*: the same address again, as a click on the page would run it.
"""

from __future__ import annotations

import time

from backend.settings import PROJECT
from benchmarks.large import GENE, TYPE, Large
from benchmarks.measured import Row

WARM_RUNS = 3
GOAL_S = 1.0
NAVIGATION = PROJECT / "pages" / "navigation.py"


def measure(large: Large) -> list[Row]:
    from streamlit import config, logger

    # AppTest itself keeps each widget's format function in session state, which the app's own setting refuses.
    config.set_option("runner.enforceSerializableSessionState", False)
    logger.set_log_level("ERROR")  # its warnings miss a browser
    time_page("home", {})  # the libraries are loaded once per server
    rows = []
    for words, page, link in views(large):
        own = {} if "study" in link else {"run": large.run}
        link = {"study": large.study, "gene": GENE, **own, **link}
        first_s, warm_s, figures = time_page(page, link)
        rows.append(Row(f"Page {words}", warm_s, "s", GOAL_S, f"first {first_s:.2f} s; figures: {figures}"))
    return rows


def views(large: Large) -> list[tuple[str, str, dict[str, str]]]:
    """(in words, file, parameters of the address) of every page and view."""
    tissue, reference = large.niches
    return [
        ("Home, cell types", "home", {"study": large.prepared, "gene": ""}),
        ("Home, a gene of the panel", "home", {"study": large.prepared}),
        ("Prepare, quality", "preparation", {"study": large.prepared, "view": "qc"}),
        ("Prepare, quality of the atlas", "preparation", {"study": large.prepared, "view": "qc", "part": "atlas"}),
        ("Prepare, sections drawn", "preparation", {"study": large.prepared, "view": "sections", "how": "draw"}),
        ("Prepare, sections by gaps", "preparation", {"study": large.prepared, "view": "sections", "how": "gaps"}),
        ("Prepare, cell names", "preparation", {"study": large.prepared, "view": "names"}),
        ("Prepare, where to doubt", "preparation", {"study": large.prepared, "view": "names", "look": "doubt"}),
        ("Prepare, atlas", "preparation", {"study": large.prepared, "view": "atlas"}),
        ("Prepare, quick look", "preparation", {"study": large.prepared, "view": "quick"}),
        ("Words", "glossary", {}),
        ("Data, add", "upload", {"view": "add"}),
        ("Data, data sets: a tissue", "upload", {"view": "library", "dataset": large.validation}),
        ("Data, data sets: a reference", "upload", {"view": "library", "dataset": large.reference}),
        ("Data, studies", "upload", {"view": "studies"}),
        ("Train", "training", {}),
        ("Predict, on the tissue", "prediction", {"view": "map"}),
        ("Predict, reference cells", "prediction", {"view": "around"}),
        ("Predict, quality", "prediction", {"view": "quality"}),
        ("Predict, put back", "prediction", {"view": "put_back", "pick": "type", "type": TYPE}),
        ("Predict, put back: how sure", "prediction", {"view": "put_back", "ask": "test"}),
        ("Predict, attention", "prediction", {"view": "attention"}),
        ("Predict, applied to another tissue", "prediction", {"view": "apply", "dataset": large.other}),
        ("Niches of the tissue", "niches", {"dataset": large.validation, "type": TYPE, "job": tissue}),
        ("Niches of the reference", "niches", {"dataset": large.reference, "type": TYPE, "job": reference}),
        ("Pathways", "enrichment", {"job": large.enrichment}),
    ]


def time_page(page: str, link: dict[str, str]) -> tuple[float, float, int]:
    """Seconds with nothing in memory, the median of some runs after that, and how many figures there are. Stops where
    the page shows an error."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    st.cache_resource.clear()
    app = AppTest.from_file(str(NAVIGATION), default_timeout=120)
    app.run()
    app.switch_page(f"{page}.py")
    for name, value in link.items():
        app.query_params[name] = value
    taken = []
    for _ in range(1 + WARM_RUNS):
        began = time.perf_counter()
        app.run()
        taken.append(time.perf_counter() - began)
        if app.exception or app.error:
            raise SystemExit(f"{page} {link}: {[str(found.value) for found in (*app.exception, *app.error)]}")
    return taken[0], sorted(taken[1:])[WARM_RUNS // 2], len(app.get("plotly_chart"))
