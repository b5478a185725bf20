"""The final fit: genes that were never measured, imputed in portions and written as they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.imputation.attention import entropy
from backend.analysis.imputation.moran import morans_i, neighbour_graph
from backend.analysis.imputation.reference_facts import describe
from backend.errors import UserError
from backend.evaluation.genes.source import GenePair, Seen
from backend.evaluation.imputed.fits import ImputerFits, in_tissue_units
from backend.evaluation.imputed.held_out import attended
from backend.methods.contract import Floats
from backend.methods.imputation import Attention, FittedImputer, FoldView, Imputed, depths
from backend.store.arrays import write_columns, write_portions

FINAL = "final"
PORTION = 256  # genes at a time


@dataclass(frozen=True)
class BeyondPanel:
    """table: one row per gene off the panel: gene, fold ("final"), facts of the reference, moran_imputed,
    imputed_spread, attention_entropy, own_doubt. relatives: gene, relative, r."""

    table: pd.DataFrame
    relatives: pd.DataFrame


def impute_beyond(pair: GenePair, seen: Seen, fits: ImputerFits) -> tuple[BeyondPanel, FittedImputer, bool] | None:
    """seen: all shared genes as inputs, the genes off the panel as targets. Writes `imputed_<tissue>` and, where the
    method attends, `attention_<tissue>` and `attention_members.parquet`. Returns also the fit, and whether it is whole
    (it was not told to stop). None: told to stop with nothing to keep."""
    job, targets = fits.job, seen.view.target_genes
    job.stage(f"training on the whole panel, for {len(targets):,} genes that it lacks")
    try:
        fitted, whole = fits.fit(FINAL, seen.view)
    except UserError:
        if not job.should_stop():
            raise
        return None
    job.stage(f"imputing {len(targets):,} genes that were not measured")
    attention = fitted.attention()
    unsure = None if attention is None else entropy(attention.weights)
    places, section = pair.tissue.coordinates, pair.tissue.section
    assert places is not None
    graph = neighbour_graph(places[seen.rows], None if section is None else section[seen.rows])
    kept: list[pd.DataFrame] = []

    def portions() -> Iterator[Floats]:
        for at in range(0, len(targets), PORTION):
            imputed = _finite(fitted, targets[at : at + PORTION], seen.view, fits)
            values = imputed.values
            measures = {
                "moran_imputed": morans_i(values, graph),
                "imputed_spread": values.std(axis=0, dtype=np.float64),
                "attention_entropy": attended(values, unsure),
                "own_doubt": np.nan if imputed.doubt is None else imputed.doubt,
            }
            kept.append(pd.DataFrame(measures))
            yield _over_all(values, seen.rows, pair.tissue.n_cells)

    tissue = fits.opened.tissue.id
    write_portions(job.result / f"imputed_{tissue}.zarr", pair.tissue.n_cells, targets, portions())
    if attention is not None:
        write_attention(job.result, tissue, attention, seen.rows, pair.tissue.n_cells)
    depth = depths(seen.view.tissue)
    facts, relatives = describe(pair.reference, seen.view.input_genes, targets, depth, fits.opened.run.seed)
    table = pd.concat([facts.assign(fold=FINAL), pd.concat(kept, ignore_index=True)], axis=1)
    return BeyondPanel(table, relatives), fitted, whole


def write_attention(result: Path, tissue: str, attention: Attention, rows: NDArray[np.intp], n_cells: int) -> None:
    names = tuple(str(number) for number in range(attention.weights.shape[1]))
    write_columns(result / f"attention_{tissue}.zarr", _over_all(attention.weights, rows, n_cells), names)
    pd.DataFrame({"centroid": attention.members}).to_parquet(result / "attention_members.parquet")


def _finite(fitted: FittedImputer, genes: tuple[str, ...], view: FoldView, fits: ImputerFits) -> Imputed:
    imputed = in_tissue_units(fitted.impute(genes, fits.quiet(FINAL)), view)
    if not np.isfinite(imputed.values).all():
        raise UserError(
            f"{fits.opened.card.title} gave values that are not numbers for genes off the panel.",
            "Its training diverged.",
            "Lower its learning rate, or choose another method.",
        )
    return imputed


def _over_all(values: Floats, rows: NDArray[np.intp], n_cells: int) -> Floats:
    found = np.full((n_cells, values.shape[1]), np.nan, dtype=np.float32)
    found[rows] = values
    return found
