"""Track C: contexts that a model predicts, against contexts measured in cells it never saw, beside honest comparators.

Everything a comparator or a method learns from comes from the training cells; the truth of the test cells is computed
among test cells only, so no context ever mixes the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.context import context_graph, has_neighbours, spatial_context
from backend.analysis.strips import strips
from backend.errors import UserError
from backend.evaluation.scores import score_genes
from backend.methods.contract import Cells, Config, Floats
from backend.methods.reference.task import ContextTask, Scaling

COMPARATORS = {
    "own-expression": "backend.methods.reference.own_expression",
    "type-mean": "backend.methods.reference.type_mean",
    "knn": "backend.methods.reference.knn",
    "ridge": "backend.methods.reference.ridge",
    "mlp": "backend.methods.reference.mlp",
}


# The comparators' networks are small: on two threads that wait for each other a training took 113 s instead of 8.
THREADS = 1


@dataclass(frozen=True)
class Truth:
    """Measured contexts of some cells over the panel. kept: cells with a neighbour, the ones that are scored."""

    without_self: Floats
    with_self: Floats
    kept: NDArray[np.bool_]
    detection: NDArray[np.float64]


class ContextConfig(Protocol):
    """What this track asks of a method's settings."""

    def resolved_sigma_um(self, spots: bool) -> float: ...


def sigma_of(config: Config, spots: bool) -> float:
    """The radius of the contexts that a method with these settings learns, in um."""
    return cast(ContextConfig, config).resolved_sigma_um(spots)


def measure(cells: Cells, sigma_um: float) -> Truth:
    """Contexts of `cells` (over the panel), computed among these cells alone."""
    assert cells.coordinates is not None
    alone = context_graph(cells.coordinates, cells.section, sigma_um, self_loop=False)
    whole = context_graph(cells.coordinates, cells.section, sigma_um, self_loop=True)
    return Truth(
        spatial_context(alone, cells.expression),
        spatial_context(whole, cells.expression),
        has_neighbours(alone),
        np.asarray((cells.expression > 0).mean(axis=0), dtype=np.float64).ravel(),
    )


def measure_to_score(cells: Cells, sigma_um: float) -> Truth:
    """The same. Raises `UserError` where no cell has a neighbour."""
    truth = measure(cells, sigma_um)
    if not truth.kept.any():
        raise UserError(
            f"With σ = {sigma_um:g} µm no cell has a neighbour.",
            "A context is what the cells around a cell express.",
            "Choose a larger σ, or check the unit of the coordinates.",
        )
    return truth


def make_task(
    train: Cells, test: Cells, panel: tuple[str, ...], sigma_um: float, seed: int, loose: Cells | None = None
) -> ContextTask:
    """All over the genes that are read, `panel` among them. Training cells without a neighbour teach nothing and are
    left out. loose: dissociated cells, for comparators that learn without pairs."""
    learnt = measure(train.of_genes(panel), sigma_um)
    known = train.of_rows(learnt.kept)
    assert known.coordinates is not None
    scaling = Scaling(known)
    return ContextTask(
        inputs=scaling.apply(known),
        contexts=learnt.without_self[learnt.kept],
        queries=scaling.apply(test),
        own=np.asarray((test.of_genes(panel).expression > 0).todense(), dtype=np.float32),
        strips=strips(known.coordinates, known.section, sigma_um),
        seed=seed,
        unpaired=scaling.unpaired(loose) if loose else None,
    )


def run_comparators(task: ContextTask, say: Callable[[str], None] = lambda name: None) -> Iterator[tuple[str, Floats]]:
    """One after another (name, contexts of the queries), so that only one prediction is in memory. `say` hears the name
    of each before it starts."""
    for name, module in COMPARATORS.items():
        say(name)
        yield name, import_module(module).predict_context(task)


def score_method(method: str, values: Floats, truth: Truth, genes: tuple[str, ...]) -> pd.DataFrame:
    """One row per gene and self_loop, over the cells of `truth` that are kept."""
    tables = [
        score_genes(target[truth.kept], values[truth.kept], truth.detection, genes).assign(
            method=method, self_loop=self_loop
        )
        for self_loop, target in ((False, truth.without_self), (True, truth.with_self))
    ]
    return pd.concat(tables, ignore_index=True)
