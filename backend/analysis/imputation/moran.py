"""Moran's I of measured and imputed genes, and whether imputing puts order into space that is not there.

An imputed gene has no counting noise, so its I is nearly always above the measured one. To compare like with like, the
measurement is drawn again from the imputed values: rescaled to the gene's measured mean, as Poisson counts at each
cell's depth (docs/imputation/verdict.md, "Spatial order").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

NEIGHBOURS = 6
Floats = NDArray[np.floating]


def neighbour_graph(coordinates: Floats, section: NDArray[np.integer] | None) -> csr_matrix:
    """n x n, each row the mean over the six nearest cells of the same section; an empty row for a cell alone."""
    from scipy.spatial import cKDTree

    n = len(coordinates)
    labels = np.zeros(n, dtype=np.int64) if section is None else np.asarray(section)
    parts, order = [], []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        near = min(NEIGHBOURS, len(members) - 1)
        order.append(members)
        if near < 1:
            parts.append(csr_matrix((len(members), n)))
            continue
        _, found = cKDTree(coordinates[members]).query(coordinates[members], k=near + 1)
        others = np.array([[other for other in row if other != own][:near] for own, row in enumerate(found)])
        columns, rows = members[others].ravel(), np.repeat(np.arange(len(members)), near)
        parts.append(csr_matrix((np.full(len(columns), 1 / near), (rows, columns)), shape=(len(members), n)))
    return csr_matrix(vstack(parts, format="csr")[np.argsort(np.concatenate(order), kind="stable")])


def morans_i(values: Floats, graph: csr_matrix) -> Floats:
    """Per column of n x genes, rows of the graph summing to one: sum z (W z) / sum z^2; NaN for a constant gene."""
    z = np.asarray(values, dtype=np.float64) - np.mean(values, axis=0, dtype=np.float64)
    power = (z * z).sum(axis=0)
    found = np.full(z.shape[1], np.nan)
    np.divide((z * (graph @ z)).sum(axis=0), power, out=found, where=power > 1e-9)
    return found


def as_measured(imputed: Floats, truth: Floats, depth: Floats, seed: int) -> Floats:
    """n x genes: imputed log values drawn as a measurement at each cell's depth would show them, log1p at the median
    depth. truth: what was measured, for each gene's mean; depth: n, counts of the input genes."""
    size = (depth / np.median(depth))[:, None]
    rate = np.expm1(np.clip(np.asarray(imputed, dtype=np.float64), 0.0, 20.0))
    mean = rate.mean(axis=0)
    wanted = np.expm1(np.asarray(truth, dtype=np.float64)).mean(axis=0)
    rate = rate * np.divide(wanted, mean, out=np.zeros_like(mean), where=mean > 0)
    counts = np.random.default_rng(seed).poisson(np.minimum(rate * size, 1e6))
    return np.asarray(np.log1p(counts / size))
