"""Prepare: from the instrument's cells to named cells and an atlas that matches them."""

from __future__ import annotations

from pages.components import session
from pages.components.choice import segments
from pages.components.problems import empty, shown
from pages.components.study_picker import open_page
from pages.prepare import atlas, names, qc, quick, sections
from pages.prepare.steps import strip

VIEWS = {"qc": "Quality", "sections": "Sections", "names": "Cell names", "atlas": "Atlas", "quick": "Quick look"}
SHOW = {"qc": qc.show, "sections": sections.show, "names": names.show, "atlas": atlas.show, "quick": quick.show}


def main() -> None:
    place = open_page(
        "prepare",
        "Prepare",
        "Which cells are good enough, what are they called, and does the atlas know them?",
        "view",
        "part",
        "job",
        "how",
        "look",
    )
    if not place.study:
        empty("A study brings a tissue and an atlas together: that comes first.", "Go to Home", "home.py")
        return
    view = session.one_of("view", list(VIEWS), "qc") or "qc"
    segments("Step", VIEWS, "view", view, label_visibility="collapsed")
    strip(place.study, view)
    SHOW[view](place.study)


with shown():
    main()
