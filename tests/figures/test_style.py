from __future__ import annotations

import plotly.graph_objects as go
import pytest

from backend.figures.style import GROUND, caption, describe, dress, label, number, shorten

LINK = '<a href="https://elsewhere.example">click</a> & $x$'


def test_markup_and_formulas_from_data_are_shown_as_letters() -> None:
    shown = label(LINK)
    assert "<" not in shown
    assert "$" not in shown
    assert "&lt;a" in shown and "&amp;" in shown  # noqa: PT018


def test_long_names_keep_both_ends() -> None:
    short = shorten("Positive Regulation Of <i>Alpha-Beta</i> T Cell Activation (GO:0046635)", 30)
    assert short.startswith("Positive")
    assert short.endswith("046635)")
    assert len(shorten("x" * 100, 30)) == 30


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_dressed_figure_has_title_ground_and_alternative(theme: str) -> None:
    figure = dress(go.Figure(), LINK, theme, alt="What it shows.")
    assert figure.layout.title.text.replace("<br>", "") == label(LINK)
    assert figure.layout.template.layout.paper_bgcolor == GROUND[theme]
    assert describe(figure) == "What it shows."


def test_a_long_title_is_wrapped_for_a_telephone_and_has_room() -> None:
    short, long = (dress(go.Figure(), title, "light", alt="") for title in ("Short", "Some HLA-DRB1 words " * 4))
    lines = long.layout.title.text.split("<br>")
    assert len(lines) == 3
    assert max(map(len, lines)) <= 36
    assert not any(line.endswith("-") for line in lines)
    grown = long.layout.margin.t - short.layout.margin.t
    assert grown == long.layout.height - short.layout.height > 30


def test_a_caption_is_part_of_the_figure_and_makes_room_for_itself() -> None:
    figure = dress(go.Figure(), "Title", "light", alt="", height=400)
    text = "n = 4,000 cells; seed 0; " * 8 + LINK
    captioned = caption(figure, text)
    note = next(note for note in captioned.layout.annotations if note.name == "caption")
    assert note.text.count("<br>") >= 1
    assert "<a" not in note.text
    assert captioned.layout.height > 400
    assert captioned.layout.margin.b > 56


@pytest.mark.parametrize(("value", "text"), [(0.4216, "0.42"), (240.0, "240"), (12345.6, "12,346"), (-0.05, "-0.05")])
def test_numbers_carry_honest_digits(value: float, text: str) -> None:
    assert number(value) == text
