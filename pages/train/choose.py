"""Which question, then which method: our own first, simple methods and others' behind one more choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from backend import api
from backend.records import RunRecord
from pages.components import session
from pages.components.choice import distinct, segments, select
from pages.components.words import plain

QUESTIONS = {
    "around the cell": "Around the cell: which surroundings does a dissociated cell come from?",
    "in the cell": "In the cell: what else does each tissue cell express?",
}
SHORT = {"around the cell": "Around the cell", "in the cell": "In the cell"}
TRACKS = {"unmeasured-gene": "unmeasured gene", "unseen-region": "measured gene, unseen region"}
TRACK_WORDS = {
    "unmeasured-gene": "The gene was never measured in this tissue; the method is scored on genes that it did not see.",
    "unseen-region": "The gene was measured in a part of the tissue, and is predicted for the rest; the method is "
    "scored on cells that it did not see.",
}
FIRST = ("scxm", "quorum", "spagene", "casper")  # the order in which our methods stand
SIMPLE = "simple"


def method_names(where: str, *, comparators: bool) -> dict[str, str]:
    """name -> title of the methods that answer a question; the best of ours first, comparators as registered."""
    found = {name: card for name, card in api.cards().items() if card.where == where and card.comparator == comparators}
    ordered = sorted(found, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return {name: found[name].title for name in ordered}


def choose_method(run: RunRecord | None) -> str:
    """The method that the URL names; the one of the chosen run, or the first of all, where it names none."""
    cards = api.cards()
    method = session.one_of("method", list(cards), run.method if run else FIRST[0]) or FIRST[0]
    where = cards[method].where
    asked = {key: words for key, words in QUESTIONS.items() if any(card.where == key for card in cards.values())}
    if len(asked) > 1:
        st.radio(
            "What do you want to know?", list(asked), format_func=asked.__getitem__, **_leads("question", where, _first)
        )
    own, simple = (method_names(where, comparators=which) for which in (False, True))
    if len(own) + len(simple) > 1:
        names = own | ({SIMPLE: "Simple methods and others’"} if simple else {})
        leads = {name: name for name in own} | ({SIMPLE: next(iter(simple))} if simple else {})
        _segments("Method", names, method if method in own else SIMPLE, leads)
        if method in simple:
            select("Which one", simple, "method", method, width=420)
    _about(method)
    return method


def choose_track(method: str) -> str | None:
    """Which of its tasks a method is given; None where it knows but one."""
    tracks = api.cards()[method].tracks
    if len(tracks) < 2:
        return None
    track = session.one_of("track", list(tracks), tracks[0])
    segments("Task", {name: TRACKS[name] for name in tracks}, "track", track)
    st.caption(TRACK_WORDS[track or tracks[0]])
    return track


def _about(method: str) -> None:
    card = api.cards()[method]
    st.markdown(f"**{plain(card.title)}.** {plain(card.question)}")
    with st.expander(f"What {plain(card.title)} needs and gives", icon=":material/info:"):
        with st.grid(2, min_column_width=260):
            for head, lines in (("It needs", card.needs), ("It gives", card.gives)):
                st.markdown(f"**{head}**\n\n" + "\n".join(f"- {plain(line)}" for line in lines))
        st.caption(plain(card.paper))


def _first(where: str) -> str:
    own, simple = (method_names(where, comparators=which) for which in (False, True))
    return next(iter(own | simple))


def _segments(label: str, names: Mapping[str, str], chosen: str, leads: Mapping[str, str]) -> None:
    told = distinct(names)
    tied = _leads("family", chosen, leads.__getitem__)
    st.segmented_control(label, list(told), format_func=told.__getitem__, required=True, **tied)


def _leads(name: str, value: str, method_of: Callable[[str], str]) -> dict[str, Any]:
    """A widget that stands where the method says, and leads to another method: the URL knows the method alone."""
    key = f"widget.train.{name}"
    st.session_state[key] = value
    return {"key": key, "on_change": _to, "args": (key, method_of)}


def _to(key: str, method_of: Callable[[str], str]) -> None:
    value = st.session_state[key]
    if value is not None:
        session.put("method", method_of(value))
