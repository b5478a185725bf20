"""Predict: what the model says is around or in each cell, and how far that can be trusted."""

from __future__ import annotations

from backend import api
from pages.components import session
from pages.components.choice import segments
from pages.components.job_panel import job_panel
from pages.components.problems import empty, shown
from pages.components.study_picker import open_page
from pages.imputed import attention as weights
from pages.imputed import bake_off, export, gene, next_panel, several, table
from pages.imputed import quality as trust
from pages.predict import apply, around, attention, map, quality
from pages.predict.put_back import view as put_back

AROUND = {
    "map": ("On the tissue", map.show),
    "around": ("Reference cells", around.show),
    "quality": ("Quality", quality.show),
    "put_back": ("Put back", put_back.show),
    "attention": ("Attention", attention.show),
    "apply": ("Apply and export", apply.show),
}
IN_THE_CELL = {
    "gene": ("One gene", gene.show),
    "table": ("A list of genes", table.show),
    "several": ("Several genes", several.show),
    "quality": ("Quality", trust.show),
    "bake_off": ("Bake-off", bake_off.show),
    "attention": ("Attention", weights.show),
    "next_panel": ("What to measure next", next_panel.show),
    "export": ("Export", export.show),
}


def main() -> None:
    place = open_page(
        "predict",
        "Predict",
        "What is in each cell and around it, and how far can that be trusted?",
        "view",
        "dataset",
        "type",
        "cell",
        "scale",
        "smooth",
        "relative",
        "genes",
        "shown",
        "panel",
        "gate",
        "which",
        "measure",
        "by",
        "split",
        "count",
        "ask",
        "pick",
        "around",
        "area",
        "niche_of",
        "side",
        "cells",
        "niche",
        "layer",
        "against",
    )
    if place.study is None:
        empty("There is no study yet.", "Make a study", "upload.py")
        return
    if place.run is None:
        empty("Nothing is trained in this study yet.", "Train a model", "training.py")
        return
    if not api.has_result(place.run.id):
        job_panel(place.run.id, "This run has no result yet")
        return
    views = IN_THE_CELL if api.imputed.is_imputation(place.run) else AROUND
    view = session.one_of("view", list(views)) or ""
    names = {key: name for key, (name, _) in views.items()}
    segments("View", names, "view", view, label_visibility="collapsed")
    with shown():
        views[view][1](place.study, place.run)


with shown():
    main()
