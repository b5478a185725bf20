"""Data: bring files in, look at what is here, put data sets together into a study."""

from __future__ import annotations

from backend import api
from pages.components import session
from pages.components.choice import segments
from pages.components.problems import shown
from pages.components.study_picker import open_page
from pages.data import add, library, studies

VIEWS = {"add": "Add data", "library": "Data sets", "studies": "Studies"}


def main() -> None:
    place = open_page(
        "data",
        "Data",
        "Which tissue and which reference should be brought together, and are they fit for it?",
        "view",
        "job",
        "dataset",
        "role",
        "source",
        "back",
    )
    view = session.one_of("view", list(VIEWS), "library" if api.datasets() else "add")
    segments("View", VIEWS, "view", view, label_visibility="collapsed")
    if view == "add":
        add.show()
    elif view == "library":
        library.show(place.study)
    else:
        studies.show(place.study)


with shown():
    main()
