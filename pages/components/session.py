"""Where one is: ids only, in the URL and in this tab's session state.

The navigation clears the URL's parameters, so each page writes them again from session state; a link that names
something wins over what the tab remembers. `study`, `run` and `gene` are the same on every page, the rest
(`view`, `dataset`, `type`, `job`, ...) belongs to one page.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import streamlit as st

SHARED = ("study", "run", "gene")


def restore(page: str, *own: str) -> None:
    """At the top of each page, before anything reads `get`."""
    st.session_state["page"] = page
    for name in (*SHARED, *own):
        slot = _slot(name)
        if name in st.query_params:
            st.session_state[slot] = st.query_params[name]
        elif slot in st.session_state:
            st.query_params[name] = st.session_state[slot]


def get(name: str) -> str | None:
    """What the URL says, or None."""
    return st.query_params.get(name)


def put(name: str, value: str | None) -> None:
    """Write to the URL and to session state; None or "" takes it away."""
    slot = _slot(name)
    if value:
        st.query_params[name] = st.session_state[slot] = value
    else:
        st.session_state.pop(slot, None)
        st.query_params.pop(name, None)


def hand_over(page: str, **values: str | None) -> None:
    """What another page, opened next by `st.switch_page`, finds among its own parameters. None takes one away."""
    for name, value in values.items():
        if value is None:
            st.session_state.pop(f"{page}.{name}", None)
        else:
            st.session_state[f"{page}.{name}"] = value


def choose_study(study_id: str | None) -> None:
    """Another study: what belonged to the last one is forgotten."""
    for slot in map(str, list(st.session_state)):
        if slot in SHARED or ("." in slot and not slot.startswith("widget.")):
            del st.session_state[slot]
    for name in [name for name in st.query_params if name != "study"]:
        del st.query_params[name]
    put("study", study_id)


def one_of(name: str, options: Sequence[str], default: str | None = None) -> str | None:
    """The URL's value if it is one of `options`, else the default (or the first option), written back."""
    value = get(name)
    if value not in options:
        value = default if default in options else (options[0] if options else None)
        put(name, value)
    return value


def bound(name: str, value: Any, options: Collection[str] | None = None) -> dict[str, Any]:
    """Arguments that tie a widget to the URL: `st.selectbox("Gene", genes, **bound("gene", gene))`.

    options: all that it may say. A widget whose options have changed meanwhile gives back the words it showed."""
    key = f"widget.{st.session_state['page']}.{name}"
    st.session_state[key] = value
    return {"key": key, "on_change": _keep, "args": (name, key, None if options is None else tuple(options))}


def _keep(name: str, key: str, options: Sequence[str] | None) -> None:
    value = st.session_state[key]
    if value is None or (options is not None and value not in options):
        return
    if name == "study":
        choose_study(value)
        return
    if name == "run":  # an analysis belongs to its run
        for slot in [slot for slot in map(str, st.session_state) if slot.endswith(".job")]:
            del st.session_state[slot]
        st.query_params.pop("job", None)
    put(name, str(value))


def _slot(name: str) -> str:
    return name if name in SHARED else f"{st.session_state['page']}.{name}"
