"""One of several named things, tied to the URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.components import session


def distinct(names: Mapping[str, str]) -> dict[str, str]:
    """The same names, numbered where two are alike: a widget knows its options by what it shows."""
    seen: dict[str, int] = {}
    told = {}
    for key, name in names.items():
        seen[name] = seen.get(name, 0) + 1
        told[key] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return told


def select(label: str, names: Mapping[str, str], name: str, chosen: str | None, **options: Any) -> None:
    """A list to choose from. names: id -> what is shown. name: the URL's parameter."""
    told = distinct(names)
    st.selectbox(label, list(told), format_func=told.__getitem__, **options, **session.bound(name, chosen, told))


def segments(label: str, names: Mapping[str, str], name: str, chosen: str | None, **options: Any) -> None:
    """A few choices side by side, one of them always taken."""
    told = distinct(names)
    st.segmented_control(
        label, list(told), format_func=told.__getitem__, required=True, **options, **session.bound(name, chosen, told)
    )
