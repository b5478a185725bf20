"""Which question, then which method: our own first, simple methods and others' behind one more choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from backend import api
from backend.records import RunRecord
from pages.components import session
from pages.components.choice import distinct, segments, select
from pages.components.words import plain

Track = Literal["unmeasured-gene", "unseen-region"]
AROUND, INSIDE = "around the cell", "in the cell"
QUESTIONS = {
    AROUND: "Around the cell: which surroundings does a dissociated cell come from?",
    INSIDE: "In the cell: what else does each tissue cell express?",
}
WAYS = {"one": "One method", "several": "Compare several"}
TRACKS = {"unmeasured-gene": "unmeasured gene", "unseen-region": "measured gene, unseen region"}
TRACK_WORDS = {
    "unmeasured-gene": "The gene was never measured in this tissue. Scored on genes that the method did not see.",
    "unseen-region": "The gene was measured in a part of the tissue and is predicted for the rest. Scored on cells "
    "that the method did not see.",
}
FIRST = ("scxm", "environs", "quorum", "spagene", "casper")  # the order in which our methods stand
SIMPLE = "simple"


def method_names(where: str, *, comparators: bool) -> dict[str, str]:
    """name -> title of the methods that answer a question; the best of ours first, comparators as registered."""
    found = {name: card for name, card in api.cards().items() if card.where == where and card.comparator == comparators}
    ordered = sorted(found, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return {name: found[name].title for name in ordered}


def choose_question(run: RunRecord | None) -> str:
    """Where the answer lies: around the cell or in it. It is the question of the method that the URL names, or of the
    chosen run's method where the URL names none."""
    cards = api.cards()
    method = session.one_of("method", list(cards), run.method if run else FIRST[0]) or FIRST[0]
    asked = [where for where in QUESTIONS if method_names(where, comparators=False)]
    if len(asked) > 1:
        firsts = {where: next(iter(method_names(where, comparators=False))) for where in asked}
        tied = _leads("question", "method", cards[method].where, firsts)
        st.radio("What do you want to know?", asked, format_func=QUESTIONS.__getitem__, **tied)
    return cards[method].where


def choose_way() -> str:
    """One method, or several on the same split."""
    way = session.one_of("way", list(WAYS), "one") or "one"
    segments("How many methods", WAYS, "way", way, label_visibility="collapsed")
    return way


def choose_method(where: str) -> str:
    method = session.get("method") or FIRST[0]
    own, simple = (method_names(where, comparators=which) for which in (False, True))
    if len(own) + len(simple) > 1:
        names = own | ({SIMPLE: "Simple methods and others’"} if simple else {})
        leads = {name: name for name in own} | ({SIMPLE: next(iter(simple))} if simple else {})
        lead("method", "Method", names, method if method in own else SIMPLE, leads)
        if method in simple:
            select("Which one", simple, "method", method, width=420)
    _about(method)
    return method


def choose_track(method: str) -> Track | None:
    """Which of its tasks a method is given; None where it knows but one."""
    tracks = api.cards()[method].tracks
    if len(tracks) < 2:
        return None
    asked = session.one_of("track", list(tracks), tracks[0])
    track = next(name for name in tracks if name == asked)
    segments("Task", {name: TRACKS[name] for name in tracks}, "track", track)
    st.caption(TRACK_WORDS[track])
    return track


def _about(method: str) -> None:
    card = api.cards()[method]
    st.markdown(f"**{plain(card.title)}.** {plain(card.question)}")
    with st.expander(f"What {plain(card.title)} needs and gives", icon=":material/info:"):
        with st.grid(2, min_column_width=260):
            for head, lines in (("It needs", card.needs), ("It gives", card.gives)):
                st.markdown(f"**{head}**\n\n" + "\n".join(f"- {plain(line)}" for line in lines))
        st.caption(plain(card.paper))


def lead(name: str, label: str, names: Mapping[str, str], chosen: str, leads: Mapping[str, str]) -> None:
    """A few choices side by side that stand where the URL's `name` says, and lead to a value of it each."""
    told = distinct(names)
    tied = _leads(f"{name} family", name, chosen, leads)
    st.segmented_control(label, list(told), format_func=told.__getitem__, required=True, **tied)


def _leads(slot: str, name: str, chosen: str, leads: Mapping[str, str]) -> dict[str, Any]:
    key = f"widget.train.{slot}"
    st.session_state[key] = chosen
    return {"key": key, "on_change": _to, "args": (key, name, dict(leads))}


def _to(key: str, name: str, leads: Mapping[str, str]) -> None:
    value = st.session_state[key]
    if value is not None:
        session.put(name, leads[value])
