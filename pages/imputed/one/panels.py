"""A gene's layers as panels: in the measurement's units or its ranks, per cell or per 50-um bin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend import api
from backend.figures.imputed import levels
from backend.figures.imputed.panels import Hatched, Panel, shared_range
from backend.figures.points import Measure, Places
from pages.components import session
from pages.components.choice import segments

Layers = api.imputed.GeneLayers
Values = NDArray[np.float32]
UNIT = "log counts"
SCALES = {"units": "same units", "ranks": "same ranks"}
SMOOTH = {"cells": "single cells", "bins": "50 µm bins"}
ORDER = """Imputed values shrink towards their mean, so in the same units a good map looks pale. *Same ranks* deals the
measured values out in the order of the imputed ones: both maps then hold the same numbers, and only places differ."""


@dataclass(frozen=True)
class Look:
    """How values are shown. group: the bin of each cell, or None."""

    ranks: bool
    group: NDArray[np.intp] | None

    def of(self, values: Values) -> Values:
        return values if self.group is None else levels.group_mean(values, self.group)


def choose_look(places: Places, layers: Layers) -> Look:
    """Tied to the URL. Only what was measured too can be compared in units or ranks."""
    scale = session.one_of("scale", list(SCALES), "ranks")
    if layers.measured is not None and layers.units == "tissue":
        segments("Compare in", SCALES, "scale", scale, help=ORDER)
    smooth = session.one_of("smooth", list(SMOOTH))
    segments("Show", SMOOTH, "smooth", smooth, help="Over bins, single cells' noise averages out.")
    return Look(scale == "ranks" or layers.units != "tissue", levels.bins(places) if smooth == "bins" else None)


def against_truth(layers: Layers, measured: Values, look: Look) -> tuple[Panel, ...]:
    """measured | imputed | difference."""
    true, guess = look.of(measured), look.of(layers.imputed)
    guess = levels.in_order_of(guess, true) if look.ranks else guess
    before, after = Measure(true, layers.gene, UNIT), Measure(guess, layers.gene, UNIT, predicted=True)
    limits = shared_range(before, after)
    return (
        Panel("Measured", replace(before, limits=limits)),
        Panel(f"Imputed, gene hidden{' (ranks)' if look.ranks else ''}", replace(after, limits=limits), same=True),
        Panel("Difference", Measure(guess - true, "imputed − measured", UNIT, predicted=True, diverging=True)),
    )


def off_panel(layers: Layers, relative: Layers | None, look: Look) -> tuple[Panel, ...]:
    """imputed | interval width | nearest measured relative (where there is one)."""
    guess = Measure(look.of(layers.imputed), layers.gene, unit_of(layers), predicted=True)
    width = Measure(look.of(layers.high - layers.low), "width of the 90 % interval", UNIT, predicted=True)
    panels = (Panel("Imputed, never measured", guess), Panel("How unsure", width))
    if relative is None or relative.measured is None:
        return panels
    known = Measure(look.of(relative.measured), relative.gene, UNIT)
    return (*panels, Panel(f"{relative.gene}, measured", known))


def beyond(layers: Layers) -> tuple[Panel, ...]:
    """imputed | type mean | what is left."""
    unit = unit_of(layers)
    whole, mean = (Measure(values, layers.gene, unit, predicted=True) for values in (layers.imputed, layers.type_mean))
    limits = shared_range(whole)
    left = Measure(layers.residual, "imputed − type mean", unit, predicted=True, diverging=True)
    return (
        Panel("Imputed", replace(whole, limits=limits)),
        Panel("Mean of its type", replace(mean, limits=limits), same=True),
        Panel("What is left", left),
    )


def unit_of(layers: Layers) -> str:
    return UNIT if layers.units == "tissue" else "the method’s own scale"


def hatched(layers: Layers) -> Hatched | None:
    """Cells that have no counterpart in the atlas. Types are named where they lack one as a whole."""
    if not layers.hatched.any():
        return None
    share = pd.Series(layers.hatched).groupby(layers.types.astype(str)).agg(["mean", "size"])
    gone = share[share["mean"] == 1].sort_values("size", ascending=False)
    named = ", ".join(gone.index[:3]) + (f" and {len(gone) - 3} more" if len(gone) > 3 else "")
    whole = gone["size"].sum() == layers.hatched.sum()
    who = f"the atlas lacks {named}" if whole else "cells like none in the atlas"
    return Hatched(layers.hatched, f"{who} ({layers.hatched.mean():.0%} of cells)")
