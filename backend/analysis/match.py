"""How well an atlas matches a tissue, number by number (docs/methods.md, "Match").

Profiles are means of log-normalised expression over the shared genes, one per type, minus the mean of all types of
the same data set: a platform's sensitivity for a gene, the same in all its types, does not count. Two types are as far
apart as their profiles correlate badly (Pearson), the measure of scmap (Kiselev 2018) on centred profiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.expression import linear, log_normalise
from backend.methods.contract import Cells

MOST_MARKERS = 20
FEWEST_CELLS = 10  # of a tissue type, to have markers and a profile
FEWEST_ATLAS_CELLS = 5  # an atlas is small in its rare types, and its cells are deep
OWN_SHARE = 1 / 3  # of what halves of the atlas reach; true pairs of CosMx and Smart-seq2 reach .45 to .8 of it
CHANCE, SHUFFLES = 0.9, 300
_LEAST_DETECTION, _LEAST_DIFFERENCE, _LEAST_T = 0.1, 0.25, 3.0
WEIGHTS = {"panel": 1, "expression": 1, "cells": 2, "names": 1, "types": 1}


@dataclass(frozen=True)
class Profiles:
    """names: k types. mean: k x genes. cells: k."""

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    cells: NDArray[np.int64]

    @property
    def centred(self) -> NDArray[np.float64]:
        return np.asarray(self.mean - self.mean.mean(axis=0))


@dataclass(frozen=True)
class Likeness:
    """Per tissue type: the nearest atlas type, their correlation r and the limit above which it is a counterpart.

    distance: (1 - r) / (1 - limit), so that 1 is the limit. own: median r of thinned halves of atlas types."""

    table: pd.DataFrame
    own: float


def profiles(values: csr_matrix, labels: NDArray[np.object_], fewest: int) -> Profiles:
    """values: cells x genes, log-normalised. Types of fewer cells are left out."""
    names, codes = np.unique(labels.astype(str), return_inverse=True)
    cells = np.bincount(codes, minlength=len(names))
    mean = _dense(_one_hot(codes, len(names)) @ values) / cells[:, None]
    kept = cells >= fewest
    return Profiles(tuple(map(str, names[kept])), mean[kept], cells[kept])


def nearest_group(values: csr_matrix, rows: NDArray[np.intp], labels: NDArray[np.object_]) -> NDArray[np.object_]:
    """Groups that were found among some rows, for all: each other cell goes to the group whose profile is most like it.
    values: cells x genes, log-normalised."""
    known = profiles(values[rows], labels, 1)
    towards = _unit(known.centred).T
    alike = np.asarray(values @ towards) - known.mean.mean(axis=0) @ towards
    named = np.asarray(known.names, dtype=object)[alike.argmax(axis=1)]
    named[rows] = labels
    return np.asarray(named)


def markers(values: csr_matrix, labels: NDArray[np.object_], genes: Sequence[str]) -> pd.DataFrame:
    """Up to 20 genes per type, surest first: Welch's t of the type against all other cells, at least 3, with a
    difference of mean log expression of 0.25 and a detection of 10 %. Columns type, gene, t, difference."""
    names, codes = np.unique(labels.astype(str), return_inverse=True)
    group, squares = _one_hot(codes, len(names)), values.multiply(values)
    total, square = np.asarray(values.sum(axis=0)).ravel(), np.asarray(squares.sum(axis=0)).ravel()
    sums, square_sums = (
        np.asarray((group @ part).todense(), dtype=np.float64) for part in (values, csr_matrix(squares))
    )
    found = _dense(group @ (values > 0).astype(np.float32))
    rows = []
    for k, name in enumerate(names):
        n, rest = int((codes == k).sum()), int((codes != k).sum())
        if n < FEWEST_CELLS or rest < FEWEST_CELLS:
            continue
        mean, other = sums[k] / n, (total - sums[k]) / rest
        spread = (square_sums[k] / n - mean**2) / n + ((square - square_sums[k]) / rest - other**2) / rest
        t = np.divide(mean - other, np.sqrt(np.maximum(spread, 1e-12)))
        good = (t >= _LEAST_T) & (mean - other >= _LEAST_DIFFERENCE) & (found[k] / n >= _LEAST_DETECTION)
        best = [j for j in np.argsort(-t, kind="stable") if good[j]][:MOST_MARKERS]
        rows += [(str(name), genes[j], float(t[j]), float((mean - other)[j])) for j in best]
    return pd.DataFrame(rows, columns=["type", "gene", "t", "difference"])


def thin(cells: Cells, totals: NDArray[np.floating], seed: int) -> csr_matrix:
    """The cells' expression as counts of the depths `totals`, drawn at random: binomial from counts, which cannot
    become more; Poisson from other scales, which have no depth of their own."""
    rng, values = np.random.default_rng(seed), linear(cells.expression, cells.scale).copy()
    depth = np.asarray(values.sum(axis=1), dtype=np.float64).ravel()
    share = rng.choice(np.asarray(totals, dtype=np.float64), len(depth)) / np.maximum(depth, 1e-9)
    each = np.repeat(share, np.diff(values.indptr))
    if cells.scale == "counts":
        values.data = rng.binomial(np.rint(values.data).astype(np.int64), np.minimum(each, 1.0)).astype(np.float32)
    else:
        values.data = rng.poisson(values.data * each).astype(np.float32)
    values.eliminate_zeros()
    return values


def likeness(tissue: Profiles, atlas: Profiles, own: float, seed: int) -> Likeness:
    """A tissue type has a counterpart where its nearest atlas type correlates above the limit: a third of what halves
    of atlas types reach with each other, and more than 9 of 10 shuffles of the genes reach with any atlas type."""
    left, right = _unit(tissue.centred), _unit(atlas.centred)
    r = left @ right.T
    rng = np.random.default_rng(seed)
    shuffled = [(left[:, rng.permutation(left.shape[1])] @ right.T).max(axis=1) for _ in range(SHUFFLES)]
    chance = np.quantile(np.asarray(shuffled), CHANCE, axis=0)
    best, limit = r.max(axis=1), np.clip(np.maximum(own * OWN_SHARE, chance), 0.05, 0.95)
    table = pd.DataFrame({"type": tissue.names, "cells": tissue.cells})
    table["nearest"] = [atlas.names[k] for k in r.argmax(axis=1)]
    table["r"], table["limit"], table["chance"] = best, limit, chance
    table["distance"] = (1 - best) / (1 - limit)
    return Likeness(table, own)


def own_likeness(atlas: Cells, thinned: csr_matrix, labels: NDArray[np.object_], seed: int) -> tuple[float, pd.Series]:
    """How well an atlas tells its own types on the shared genes at the tissue's depth: one half of its cells as they
    are, the other half thinned.

    Returns the median correlation of a type's two profiles, and F1 per type of the thinned cells named by the nearest
    profile of the first half. Types of fewer than ten cells count in neither."""
    from sklearn.metrics import f1_score

    first = _halves(labels, seed)
    big = pd.Series(labels).map(pd.Series(labels).value_counts()).to_numpy() >= 2 * FEWEST_ATLAS_CELLS
    known = profiles(log_normalise(atlas.expression[first & big], atlas.scale), labels[first & big], 1)
    second = log_normalise(csr_matrix(thinned[~first & big]), "counts")
    held = profiles(second, labels[~first & big], 1)
    if len(known.names) < 2:
        return 1.0, pd.Series(dtype=float)
    r = np.einsum("ij,ij->i", _unit(known.centred), _unit(held.centred))
    towards = _unit(known.centred).T  # a cell's own mean and length change no order
    likeness_of_cells = np.asarray(second @ towards) - held.mean.mean(axis=0) @ towards
    named = np.asarray(known.names)[likeness_of_cells.argmax(axis=1)]
    truth = labels[~first & big].astype(str)
    scores = f1_score(truth, named.astype(str), labels=list(known.names), average=None, zero_division=0.0)
    return float(np.median(r)), pd.Series(scores, index=known.names)


def fit_score(parts: Mapping[str, float]) -> float:
    """0 to 100: the weighted geometric mean of five shares, so that nothing makes up for a part that fails.

    panel (weight 1): share of the panel's genes in the atlas. expression (1): Spearman's correlation of mean
    expression over the shared genes, negative as 0. cells (2): share of the tissue's cells whose type has a
    counterpart. names (1): share of them that the transfer names surely. types (1): macro-F1 of held-out atlas cells
    on the shared genes."""
    logs = [weight * np.log(max(min(parts[name], 1.0), 1e-3)) for name, weight in WEIGHTS.items()]
    return float(100 * np.exp(sum(logs) / sum(WEIGHTS.values())))


def by_gene(tissue: Cells, atlas: Cells) -> pd.DataFrame:
    """One row per shared gene: mean log-normalised expression and the share of cells that have it, in both."""
    table = pd.DataFrame({"gene": tissue.genes})
    for name, cells in (("tissue", tissue), ("atlas", atlas)):
        mean = log_normalise(cells.expression, cells.scale).mean(axis=0)
        table[f"mean_{name}"] = np.asarray(mean, dtype=np.float64).ravel()
        found = np.bincount(cells.expression.indices, minlength=len(cells.genes))
        table[f"detection_{name}"] = found / max(cells.n_cells, 1)
    return table


def _one_hot(codes: NDArray[np.intp], groups: int) -> csr_matrix:
    """groups x cells."""
    ones = np.ones(len(codes), dtype=np.float32)
    return csr_matrix((ones, (codes, np.arange(len(codes)))), shape=(groups, len(codes)))


def _dense(matrix: csr_matrix) -> NDArray[np.float64]:
    return np.asarray(matrix.todense(), dtype=np.float64)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows without their mean, of length 1: their products are Pearson's correlations."""
    plain = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(plain / np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1e-12))


def _halves(labels: NDArray[np.object_], seed: int) -> NDArray[np.bool_]:
    """True for half of the cells of each label."""
    order = np.random.default_rng(seed).permutation(len(labels))
    place = pd.Series(labels[order]).groupby(labels[order].astype(str)).cumcount().to_numpy()
    first = np.zeros(len(labels), dtype=bool)
    first[order] = place % 2 == 0
    return first
