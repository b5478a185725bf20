"""Links that name an analysis: `?job=`."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.errors import NotFound
from backend.records import JobStatus
from pages.components import session
from pages.components.words import plain


def linked_job(*kinds: str) -> JobStatus | None:
    """The job of `?job=`. One that is not here, or is of another kind, is said once and forgotten."""
    asked = session.get("job")
    if not asked:
        return None
    try:
        job = api.job(asked)
    except NotFound:
        job = None
    if job and job.kind in kinds:
        return job
    why = "belongs to another page" if job else "is not on this server"
    st.warning(f"{plain(asked)} of this link {why}.", icon=":material/link_off:")
    session.put("job", None)
    return None


def follow(job: JobStatus | None, *names: str) -> None:
    """A link may name a finished analysis alone: the choices that made it are then read from its job."""
    own = [name for name in names if name not in session.SHARED]
    if job and not any(map(session.get, own)):
        for name, value in job.params.items():
            if name in names and isinstance(value, str):
                session.put(name, value)
