"""Home: what do you want to know, what do you bring, and the next step of the study that is open."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import JobState
from pages.components import session
from pages.components.job_panel import job_panel
from pages.components.links import linked_job
from pages.components.problems import shown
from pages.components.study_picker import open_page
from pages.start import bring, goals, overview, recent


def main() -> None:
    place = open_page(
        "start",
        "Put dissociated cells back in situ",
        "Bring a tissue and a single-cell atlas. Resitu learns from the pair what the one does not show of the other, "
        "and says how far that can be trusted.",
        "job",
        "goal",
        "tissue",
        "atlas",
    )
    _demo_job()
    bringing = bool(session.get("tissue") or session.get("atlas"))
    if bringing:  # what was just added is not to be looked for
        bring.show(first=True)
    if place.study:
        overview.show(place.study, place.run, blue=not bringing)
    goals.show(place.study)
    if not bringing:
        bring.show(first=place.study is None)
    recent.show()


def _demo_job() -> None:
    """The demo in the making: asked for here, or by `make run`."""
    making = (job.id for job in api.jobs() if job.kind == "demo" and not job.state.finished)
    linked = linked_job("demo")
    asked = linked.id if linked else next(making, None)
    if not asked:
        return
    with shown():
        job = job_panel(asked, "Making the simulated study")
        if job.state is JobState.SUCCEEDED:
            session.put("job", None)
            session.choose_study(job.result["study"])
            st.rerun()


with shown():
    main()
