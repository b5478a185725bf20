"""Predict: what the model says is around each cell, and how far that can be trusted."""

from __future__ import annotations

from backend import api
from pages.components import session
from pages.components.choice import segments
from pages.components.job_panel import job_panel
from pages.components.problems import empty, shown
from pages.components.study_picker import open_page
from pages.predict import apply, around, attention, map, quality

VIEWS = {
    "map": ("On the tissue", map.show),
    "around": ("Reference cells", around.show),
    "quality": ("Quality", quality.show),
    "attention": ("Attention", attention.show),
    "apply": ("Apply and export", apply.show),
}


def main() -> None:
    place = open_page(
        "predict",
        "Predict",
        "What is around each cell, and how far can that be trusted?",
        "view",
        "dataset",
        "type",
        "cell",
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
    view = session.one_of("view", list(VIEWS), "map") or "map"
    names = {key: name for key, (name, _) in VIEWS.items()}
    segments("View", names, "view", view, label_visibility="collapsed")
    with shown():
        VIEWS[view][1](place.study, place.run)


with shown():
    main()
