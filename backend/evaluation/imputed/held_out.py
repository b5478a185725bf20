"""The folds of a run put together: every shared gene as the fold that hid it imputes it, beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.imputation.beyond_type import adjusted, beyond_type
from backend.analysis.imputation.intervals import Column
from backend.analysis.imputation.moran import as_measured, morans_i, neighbour_graph
from backend.analysis.imputation.reference_facts import describe
from backend.evaluation.genes.regions import tiles
from backend.evaluation.genes.source import GenePair
from backend.evaluation.genes.tracks import Trial
from backend.evaluation.imputed.fits import Scored
from backend.methods.contract import Floats
from backend.methods.imputation import depths


@dataclass(frozen=True)
class HeldOut:
    """All over the tissue's n cells and the genes of the folds that are done, in `genes`. imputed, truth: n x genes,
    NaN where a cell was not read or not scored. depth: fold -> n, counts of its inputs, 0 where a cell has none.
    table: one row per gene: gene, fold, score, score_partial, score_bin, beyond_type, beyond_type_p, Moran's I, facts
    of the reference. relatives: gene, relative, r."""

    genes: tuple[str, ...]
    imputed: Floats
    truth: Floats
    depth: dict[str, NDArray[np.float64]]
    table: pd.DataFrame
    relatives: pd.DataFrame
    units: str

    @property
    def folds(self) -> list[str]:
        return list(self.depth)

    def columns(self) -> list[Column]:
        """What intervals are made from, in the order of `genes`."""
        rows = self.table[["fold", "detection_reference", "mean_reference"]].itertuples(index=False)
        return [
            Column(self.imputed[:, at], self.depth[str(fold)], float(detection), float(mean))
            for at, (fold, detection, mean) in enumerate(rows)
        ]


def put_together(
    pair: GenePair, method: str, trials: Sequence[Trial], scored: Sequence[Scored], labels: NDArray[np.str_], seed: int
) -> HeldOut:
    """labels: n, the type of each tissue cell."""
    n, units = pair.tissue.n_cells, scored[0].units
    genes = tuple(gene for trial in trials for gene in trial.fold.targets)
    imputed = np.full((n, len(genes)), np.nan, dtype=np.float32)
    truth, depth = imputed.copy(), {}
    tables, relatives = [], []
    at = 0
    for trial, found in zip(trials, scored, strict=True):
        place = slice(at, at + len(trial.fold.targets))
        at = place.stop
        rows = trial.seen.rows[trial.rows]
        imputed[rows, place] = found.values[trial.rows]
        truth[rows, place] = trial.truth.values[trial.rows]
        own = np.zeros(n)
        own[trial.seen.rows] = depths(trial.view.tissue)
        depth[trial.fold.name] = own
        facts, close = describe(pair.reference, trial.fold.inputs, trial.fold.targets, own, seed)
        tables.append(_table(pair, method, trial, found, facts, labels, seed))
        relatives.append(close)
    table = pd.concat(tables, ignore_index=True)
    table["beyond_type_p"] = adjusted(table["beyond_type_p"].to_numpy())
    return HeldOut(genes, imputed, truth, depth, table, pd.concat(relatives, ignore_index=True), units)


def _table(
    pair: GenePair,
    method: str,
    trial: Trial,
    found: Scored,
    facts: pd.DataFrame,
    labels: NDArray[np.str_],
    seed: int,
) -> pd.DataFrame:
    own = found.scores[found.scores["method"] == method].set_index(["level", "gene"])
    targets = list(trial.fold.targets)

    def score(level: str, name: str) -> NDArray[np.float64]:
        known = level in own.index.get_level_values(0)
        return own.loc[level][name].reindex(targets).to_numpy() if known else np.full(len(targets), np.nan)

    inner = trial.rows
    rows = trial.seen.rows[inner]
    truth, values = trial.truth.values[inner], found.values[inner]
    places, section = pair.tissue.coordinates, pair.tissue.section
    assert places is not None
    depth = depths(trial.view.tissue)[inner]
    within = beyond_type(truth, values, labels[rows], np.log1p(depth), tiles(places, section)[rows])
    graph = neighbour_graph(places[rows], None if section is None else section[rows])
    noised = np.full(len(targets), np.nan)
    if found.units != "arbitrary":
        noised = morans_i(as_measured(values, truth, depth, seed), graph)
    return facts.assign(
        fold=trial.fold.name,
        detection_tissue=(truth > 0).mean(axis=0),
        cells=(truth > 0).sum(axis=0),
        score=score("cell", "pcc"),
        score_partial=score("cell", "pcc_depth_partial"),
        score_bin=score("bin", "pcc"),
        beyond_type=within["beyond_type"].to_numpy(),
        beyond_type_p=within["p"].to_numpy(),
        moran_measured=morans_i(truth, graph),
        moran_imputed=morans_i(values, graph),
        moran_noised=noised,
        imputed_spread=values.std(axis=0, dtype=np.float64),
        attention_entropy=attended(values, None if found.entropy is None else found.entropy[inner]),
        own_doubt=np.nan if found.doubt is None else found.doubt,
    )


def attended(values: Floats, entropy: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Per gene: the attention's mean entropy, over cells weighed by what is imputed in them; NaN without attention."""
    if entropy is None:
        return np.full(values.shape[1], np.nan)
    weight = np.maximum(np.asarray(values, dtype=np.float64), 0.0)
    total = weight.sum(axis=0)
    mean = np.full(values.shape[1], float(entropy.mean()))
    np.divide((weight * entropy[:, None]).sum(axis=0), total, out=mean, where=total > 0)
    return mean
