"""A gene's layers as panels: in the measurement's units or as ranks, per cell or per 50-um bin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from backend import api
from backend.figures.imputed import levels
from backend.figures.imputed.panels import Hatched, Panel, shared_range
from backend.figures.points import Measure, Places
from pages.components import session
from pages.components.choice import segments

Layers = api.imputed.GeneLayers
UNIT = "log counts"
SCALES = {"units": "same units", "ranks": "same ranks"}
SMOOTH = {"cells": "cells", "bins": "50 µm bins"}
OWN_SCALE = "This method’s values are on a scale of their own, so ranks are compared."


@dataclass(frozen=True)
class Look:
    """How values are shown. group: the bin of each cell, or None."""

    ranks: bool
    group: NDArray[np.intp] | None

    @property
    def unit(self) -> str:
        return "rank" if self.ranks else UNIT

    def of(self, values: NDArray[np.float32], ranks: bool | None = None) -> NDArray[np.float32]:
        shown = values if self.group is None else levels.group_mean(values, self.group)
        return levels.ranked(shown) if (self.ranks if ranks is None else ranks) else shown


def choose_look(places: Places, units: str) -> Look:
    """Two choices, tied to the URL. units: of the run."""
    scale, smooth = session.one_of("scale", list(SCALES)), session.one_of("smooth", list(SMOOTH))
    if units == "tissue":
        segments("Compare in", SCALES, "scale", scale, help="Imputed values shrink; ranks do not.")
    segments("Show", SMOOTH, "smooth", smooth, help="Bins average single cells' noise out.")
    if units != "tissue":
        st.caption(OWN_SCALE)
    return Look(units != "tissue" or scale == "ranks", levels.bins(places) if smooth == "bins" else None)


def against_truth(layers: Layers, measured: NDArray[np.float32], look: Look) -> tuple[Panel, ...]:
    """measured | imputed | difference."""
    true, guess = look.of(measured), look.of(layers.imputed)
    before, after = Measure(true, layers.gene, look.unit), Measure(guess, layers.gene, look.unit, predicted=True)
    limits = shared_range(before, after)
    return (
        Panel("Measured", replace(before, limits=limits)),
        Panel("Imputed, gene hidden", replace(after, limits=limits), same=True),
        Panel("Difference", Measure(guess - true, "imputed − measured", look.unit, predicted=True, diverging=True)),
    )


def off_panel(layers: Layers, relative: Layers | None, look: Look) -> tuple[Panel, ...]:
    """imputed | interval width | nearest measured relative (where there is one)."""
    guess = Measure(look.of(layers.imputed), layers.gene, look.unit, predicted=True)
    width = look.of(layers.high - layers.low, ranks=False)
    panels = (
        Panel("Imputed, never measured", guess),
        Panel("How unsure", Measure(width, "width of the 90 % interval", UNIT, predicted=True)),
    )
    if relative is None or relative.measured is None:
        return panels
    known = Measure(look.of(relative.measured), relative.gene, look.unit)
    return (*panels, Panel(f"{relative.gene}, measured", known))


def beyond(layers: Layers) -> tuple[Panel, ...]:
    """imputed | type mean | what is left."""
    whole, mean = (Measure(values, layers.gene, UNIT, predicted=True) for values in (layers.imputed, layers.type_mean))
    limits = shared_range(whole)
    left = Measure(layers.residual, "imputed − type mean", UNIT, predicted=True, diverging=True)
    return (
        Panel("Imputed", replace(whole, limits=limits)),
        Panel("Mean of its type", replace(mean, limits=limits), same=True),
        Panel("What is left", left),
    )


def hatched(layers: Layers) -> Hatched | None:
    """Cells whose type the atlas lacks."""
    if not layers.hatched.any():
        return None
    names, counts = np.unique(layers.types[layers.hatched].astype(str), return_counts=True)
    named = [str(name) for name in names[np.argsort(-counts)]]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return Hatched(layers.hatched, f"the atlas lacks {', '.join(named[:3])}{more}")
