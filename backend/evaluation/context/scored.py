"""One learner's answers against the truth: per gene, per half, and how sure the median is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.imputation.moran import morans_i, neighbour_graph
from backend.errors import UserError
from backend.evaluation.context.files import Opened
from backend.evaluation.context_track import Truth, measure, score_method
from backend.evaluation.genes.compare import block_draws
from backend.evaluation.genes.regions import tiles
from backend.evaluation.scores import combine_folds, split_half_ceiling
from backend.evaluation.splits import halves
from backend.methods.contract import Cells, Floats
from backend.training.batches import stream

MEASURED, SHIFTED = "measured", "shifted"
DRAWS = 2000


@dataclass(frozen=True)
class Half:
    """One direction. rows: of the tissue, that are asked about; block: the tile of each that is scored; moran: of each
    gene's true context among them; ceiling: what a perfect prediction would score."""

    name: str
    words: str
    sigma_um: float
    train: Cells
    test: Cells
    rows: NDArray[np.intp]
    panel: tuple[str, ...]
    truth: Truth
    block: NDArray[np.int64]
    moran: NDArray[np.floating]
    ceiling: float | None


def cut_halves(opened: Opened, sigma_um: float) -> tuple[Half, ...]:
    """Both directions. Raises `UserError` where the tissue is too small for the radius."""
    tissue = opened.tissue
    assert tissue.coordinates is not None
    return tuple(
        _half(opened, sigma_um, fold.name, fold.words, fold.train, fold.test)
        for fold in halves(tissue.coordinates, tissue.section, sigma_um)
    )


def _half(
    opened: Opened, sigma_um: float, name: str, words: str, train: NDArray[np.intp], test: NDArray[np.intp]
) -> Half:
    asked = opened.tissue.of_rows(test)
    panel = asked.of_genes(opened.panel)
    truth = measure(panel, sigma_um)
    if not truth.kept.any():
        raise UserError(
            f"With σ = {sigma_um:g} µm no cell has a neighbour.",
            "A context is what the cells around a cell express.",
            "Choose a larger σ, or check the unit of the coordinates.",
        )
    scored = panel.of_rows(truth.kept)
    assert scored.coordinates is not None
    graph = neighbour_graph(scored.coordinates, scored.section)
    return Half(
        name,
        words,
        sigma_um,
        opened.tissue.of_rows(train),
        asked,
        test,
        opened.panel,
        truth,
        tiles(scored.coordinates, scored.section),
        morans_i(truth.without_self[truth.kept], graph),
        split_half_ceiling(panel, sigma_um, 0),
    )


@dataclass
class Answered:
    """tables: per kind (measured, shifted, a null) one table of scores per half. draws: per half, draws of blocks x
    genes. seconds: of learning and answering, without nulls."""

    title: str
    config: Mapping[str, Any] | None
    tables: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    draws: list[NDArray[np.float64]] = field(default_factory=list)
    seconds: float = 0.0
    error: UserError | None = None

    def add(self, half: Half, kind: str, values: Mapping[str, Floats], seconds: float, seed: int) -> None:
        """values: by what was asked, test cells x panel. kind: of the lesson, `measured` or the name of a null."""
        for asked, predicted in values.items():
            table = score_method(self.title, predicted, half.truth, half.panel).assign(fold=half.name)
            self.tables.setdefault(asked if kind == MEASURED else kind, []).append(table)
        if kind == MEASURED:
            kept = half.truth.kept
            step = len(self.draws)  # halves are drawn apart
            self.draws.append(
                block_draws(half.truth.without_self[kept], values[MEASURED][kept], half.block, seed + step)
            )
            self.seconds += seconds

    def genes(self, kind: str = MEASURED) -> pd.DataFrame:
        """One row per gene and self_loop: the mean over the halves."""
        return combine_folds(pd.concat(self.tables[kind], ignore_index=True), "both halves")

    def block_interval(self) -> list[float] | None:
        """95 % interval of the median over genes when blocks of cells are drawn with replacement."""
        stacked = np.stack(self.draws)
        known = np.isfinite(stacked).all(axis=(0, 1))
        if not known.any():
            return None
        return _ends(np.median(stacked[:, :, known].mean(axis=0), axis=1))


def gene_interval(values: NDArray[np.floating], seed: int) -> list[float] | None:
    """95 % interval of the median when genes are drawn with replacement."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return None
    drawn = stream(seed, "bootstrap over genes").integers(len(known), size=(DRAWS, len(known)))
    return _ends(np.median(known[drawn], axis=1))


def _ends(draws: NDArray[np.float64]) -> list[float]:
    return [float(end) for end in np.quantile(draws, [0.025, 0.975])]
