"""An error as: what happened, why, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import streamlit as st

from backend.errors import UserError
from pages.components.words import plain, without_flags


@contextmanager
def shown() -> Iterator[None]:
    """Around a page or a part of it: a `UserError` inside is shown there, and the rest of the page stands."""
    try:
        yield
    except UserError as error:
        problem(error.to_dict())


def problem(error: Mapping[str, str]) -> None:
    """`UserError.to_dict()`: what, why, how to mend; lines of their own, such as commands, stay so."""
    what, why, mend = (_lines(without_flags(error.get(part) or "")) for part in ("what", "why", "mend"))
    lines = [f"**{what or 'Something went wrong.'}**"]
    if why:
        lines.append(why)
    if mend:
        lines.append(f"**What helps:** {mend}")
    st.error("\n\n".join(lines), icon=":material/error:")


def _lines(text: str) -> str:
    return "  \n".join(map(plain, text.splitlines()))


def empty(text: str, label: str, page: str, icon: str = ":material/arrow_forward:") -> None:
    """Nothing here yet: what to do next, and the button for it."""
    with st.container(border=True, horizontal_alignment="left"):
        st.markdown(text)
        if st.button(label, type="primary", icon=icon, key=f"empty {label}"):
            st.switch_page(page)
