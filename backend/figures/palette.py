"""Colours: one per cell type, everywhere, and scales that colour-blind readers can tell apart.

The type colours start with five of Okabe and Ito (2008); the rest were chosen one after another to be as far as
possible, in OKLab, from all before them and from the grey, for normal sight and under simulated protanopia,
deuteranopia and tritanopia (Machado 2009), and to show on white and on near-black. Above some 16 types no palette keeps
all pairs apart: hover and the legend then carry the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

Theme = Literal["light", "dark"]

TYPE_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#784B4B", "#00F0A5", "#B42D87", "#9669F0", "#D2D25A",
    "#A5D2E1", "#5A3CB4", "#B40000", "#96C378", "#B478C3", "#87694B", "#1E6978", "#8796FF", "#D2873C", "#2DB469",
    "#69D2B4", "#784BD2", "#FF78D2", "#A56996", "#78874B", "#A55A00", "#871E96", "#7869D2", "#FF6996", "#A54BA5",
)  # fmt: skip
GREY = "#9AA0A6"
NO_TYPE = frozenset({"unsure", "unknown", "unassigned", "other", "other cells", "nan", "none", ""})
NICHE_COLOURS = {"clustered": "#D55E00", "isolated": "#0072B2", "other cells": GREY}

SEQUENTIAL = "Viridis"
# Blue below, orange-red above; the middle is a grey that shows on its ground, so that no cell vanishes.
DIVERGING: dict[Theme, list[tuple[float, str]]] = {
    "light": [
        (0.0, "rgb(11, 60, 140)"),
        (0.25, "rgb(94, 148, 212)"),
        (0.5, "rgb(218, 218, 218)"),
        (0.75, "rgb(229, 138, 91)"),
        (1.0, "rgb(143, 42, 0)"),
    ],
    "dark": [
        (0.0, "rgb(142, 197, 255)"),
        (0.25, "rgb(60, 120, 192)"),
        (0.5, "rgb(59, 63, 71)"),
        (0.75, "rgb(194, 96, 43)"),
        (1.0, "rgb(255, 195, 154)"),
    ],
}


def type_colours(types: Iterable[str], chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """A colour for each cell type, by its place in alphabetical order.

    Call it once with all types of a study (tissue, reference and validation together), so that a type keeps its colour
    from figure to figure. Names that mean "no type" are grey. Beyond 30 types the colours come round again.
    chosen: type -> colour, where the user decided otherwise; no other type gets one of these.
    """
    names = sorted({str(name) for name in types}, key=lambda name: (name.casefold(), name))
    own = {name: colour for name, colour in (chosen or {}).items() if name in names}
    typed = [name for name in names if name not in own and name.strip().casefold() not in NO_TYPE]
    taken = {colour.casefold() for colour in own.values()}
    free = [colour for colour in TYPE_COLOURS if colour.casefold() not in taken] or list(TYPE_COLOURS)
    colours = {name: free[place % len(free)] for place, name in enumerate(typed)}
    return dict.fromkeys(names, GREY) | colours | own
