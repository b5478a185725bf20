"""One learner's answers against the truth: per gene, per half, and how sure the median is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.imputation.moran import morans_i, neighbour_graph
from backend.errors import UserError
from backend.evaluation.context.files import Opened
from backend.evaluation.context_track import Truth, measure_to_score, score_method
from backend.evaluation.genes.compare import block_draws
from backend.evaluation.genes.regions import tiles
from backend.evaluation.scores import combine_folds, split_half_ceiling
from backend.evaluation.splits import halves
from backend.methods.contract import Cells, Floats
from backend.training.batches import stream

MEASURED, SHIFTED = "measured", "shifted"
DRAWS = 500
PORTION = 50  # genes whose products are in memory at once


@dataclass(frozen=True)
class Half:
    """One direction. rows: of the tissue, that are asked about; moran: of each gene's true context;
    ceiling: what a perfect prediction would score."""

    name: str
    words: str
    sigma_um: float
    train: Cells
    test: Cells
    rows: NDArray[np.intp]
    panel: tuple[str, ...]
    truth: Truth
    moran: Mapping[str, float]
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
    truth = measure_to_score(panel, sigma_um)
    return Half(
        name,
        words,
        sigma_um,
        opened.tissue.of_rows(train),
        asked,
        test,
        opened.panel,
        truth,
        moran_of(truth, panel),
        split_half_ceiling(panel, sigma_um, 0),
    )


@dataclass
class Answered:
    """tables: per kind (measured, shifted, a null) one table of scores per half. draws: per half, draws of blocks x
    genes. seconds: of learning and answering, without nulls."""

    title: str
    config: Mapping[str, Any] | None
    tables: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    draws: list[NDArray[np.float32]] = field(default_factory=list)
    seconds: float = 0.0
    error: UserError | None = None

    def add(self, half: Half, kind: str, values: Mapping[str, Floats], seconds: float, seed: int) -> None:
        """values: by what was asked, test cells x panel. kind: of the lesson, `measured` or the name of a null."""
        for asked, predicted in values.items():
            table = score_method(self.title, predicted, half.truth, half.panel)
            table = table.assign(fold=half.name, moran=table.gene.map(half.moran))
            self.tables.setdefault(asked if kind == MEASURED else kind, []).append(table)
        if kind == MEASURED:
            step = len(self.draws)  # halves are drawn apart
            self.draws.append(draws_of_blocks(half.truth, values[MEASURED], half.test, seed + step))
            self.seconds += seconds

    def genes(self, kind: str = MEASURED) -> pd.DataFrame:
        """One row per gene and self_loop: the mean over the halves."""
        return combine_folds(pd.concat(self.tables[kind], ignore_index=True), "both halves")

    def block_interval(self) -> list[float] | None:
        return block_interval(self.draws)


def draws_of_blocks(truth: Truth, values: Floats, cells: Cells, seed: int) -> NDArray[np.float32]:
    """Draws x genes: the scores when tiles of the tissue are drawn with replacement. cells: those of `truth`."""
    kept = truth.kept
    assert cells.coordinates is not None
    block = tiles(cells.coordinates[kept], None if cells.section is None else cells.section[kept])
    parts = [slice(start, start + PORTION) for start in range(0, values.shape[1], PORTION)]
    drawn = [block_draws(truth.without_self[kept, part], values[kept, part], block, seed)[:DRAWS] for part in parts]
    return np.concatenate(drawn, axis=1).astype(np.float32)


def block_interval(draws: Sequence[NDArray[np.float32]]) -> list[float] | None:
    """95 % interval of the median over genes, each gene the mean over the halves; the halves are drawn apart."""
    stacked = np.stack(draws)
    known = np.isfinite(stacked).all(axis=(0, 1))
    return _ends(np.median(stacked[:, :, known].mean(axis=0), axis=1)) if known.any() else None


def moran_of(truth: Truth, cells: Cells) -> dict[str, float]:
    """Moran's I of each gene's true context: how smoothly it changes from a cell to its neighbours."""
    scored = cells.of_rows(truth.kept)
    assert scored.coordinates is not None
    found = morans_i(truth.without_self[truth.kept], neighbour_graph(scored.coordinates, scored.section))
    return dict(zip(cells.genes, map(float, found), strict=True))


def gene_interval(values: NDArray[np.floating], seed: int) -> list[float] | None:
    """95 % interval of the median when genes are drawn with replacement."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return None
    drawn = stream(seed, "bootstrap over genes").integers(len(known), size=(DRAWS, len(known)))
    return _ends(np.median(known[drawn], axis=1))


def _ends(draws: NDArray[np.floating]) -> list[float]:
    return [float(end) for end in np.quantile(draws, [0.025, 0.975])]
