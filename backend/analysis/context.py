"""Spatial context: the Gaussian graph convolution of binarised expression (SCXM §3.1; docs/methods.md).

s_ig = sum_j w_ij b_jg with b = 1[x > 0] and w_ij proportional to exp(-d_ij^2 / 2 sigma^2) for d_ij <= 3 sigma, rows
summing to one. Edges never cross sections. With a self-loop a cell is its own nearest neighbour, and copying its
expression looks like prediction; without one the context is the surroundings alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.spatial import cKDTree

REACH_SIGMAS = 3.0
PORTION = 4_000_000  # pairs of neighbours in memory at once


def context_graph(
    coordinates_um: NDArray[np.floating], section: NDArray[np.integer] | None, sigma_um: float, *, self_loop: bool
) -> csr_matrix:
    """Row-normalised Gaussian weights, n x n.

    A cell with no neighbour within reach has an all-zero row: see `has_neighbours`.
    """
    n = len(coordinates_um)
    groups = np.zeros(n, dtype=np.int64) if section is None else np.asarray(section)
    rows, columns, distances = [], [], []
    for label in np.unique(groups):
        members = np.flatnonzero(groups == label)
        tree = cKDTree(np.asarray(coordinates_um, dtype=np.float64)[members])
        pairs = tree.query_pairs(REACH_SIGMAS * sigma_um, output_type="ndarray")
        distance = np.linalg.norm(tree.data[pairs[:, 0]] - tree.data[pairs[:, 1]], axis=1)
        rows += [members[pairs[:, 0]], members[pairs[:, 1]]]
        columns += [members[pairs[:, 1]], members[pairs[:, 0]]]
        distances += [distance, distance]
    if self_loop:
        rows.append(np.arange(n))
        columns.append(np.arange(n))
        distances.append(np.zeros(n))
    weights = np.exp(-np.square(np.concatenate(distances)) / (2.0 * sigma_um**2))
    graph = csr_matrix((weights, (np.concatenate(rows), np.concatenate(columns))), shape=(n, n))
    total = np.asarray(graph.sum(axis=1)).ravel()
    return csr_matrix(diags(np.divide(1.0, total, out=np.zeros(n), where=total > 0)) @ graph)


def has_neighbours(graph: csr_matrix) -> NDArray[np.bool_]:
    """Which rows hold any weight: the cells whose context is defined."""
    return np.asarray(np.diff(graph.indptr) > 0)


def spatial_context(graph: csr_matrix, expression: csr_matrix) -> NDArray[np.float32]:
    """Context of every cell: graph (n x n) times 1[expression > 0] (n x genes); float32, in [0, 1]."""
    binary = csr_matrix(expression > 0, dtype=np.float32)
    return np.clip(np.asarray((graph.astype(np.float32) @ binary).todense(), dtype=np.float32), 0.0, 1.0)


def surroundings(
    coordinates_um: NDArray[np.floating],
    section: NDArray[np.integer] | None,
    sigma_um: float,
    expression: csr_matrix,
    portion: int = PORTION,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Contexts without self-loop (n x genes), and which cells have a neighbour: what `context_graph` and
    `spatial_context` give, for some cells at a time. Within 300 um a cell of a dense tissue has thousands of
    neighbours, and the graph of all cells would not fit into memory."""
    groups = np.zeros(len(coordinates_um), dtype=np.int64) if section is None else np.asarray(section)
    values = np.zeros(expression.shape, dtype=np.float32)
    known = np.zeros(len(groups), dtype=bool)
    for label in np.unique(groups):
        members = np.flatnonzero(groups == label)
        tree, shown = cKDTree(np.asarray(coordinates_um, dtype=np.float64)[members]), csr_matrix(expression[members])
        pairs = np.cumsum(tree.query_ball_point(tree.data, REACH_SIGMAS * sigma_um, return_length=True))
        for rows in np.split(np.arange(len(members)), np.flatnonzero(np.diff(pairs // portion)) + 1):
            graph = _weights_of(tree, rows, sigma_um)
            values[members[rows]] = spatial_context(graph, shown)
            known[members[rows]] = has_neighbours(graph)
    return values, known


def _weights_of(tree: cKDTree, rows: NDArray[np.intp], sigma_um: float) -> csr_matrix:
    """Of some of the tree's places to all of them; each row that has a neighbour sums to one."""
    near = cKDTree(tree.data[rows]).sparse_distance_matrix(tree, REACH_SIGMAS * sigma_um, output_type="ndarray")
    near = near[rows[near["i"]] != near["j"]]
    weights = np.exp(-np.square(near["v"]) / (2.0 * sigma_um**2))
    graph = csr_matrix((weights, (near["i"], near["j"])), shape=(len(rows), tree.n))
    total = np.asarray(graph.sum(axis=1)).ravel()
    return csr_matrix(diags(np.divide(1.0, total, out=np.zeros(len(rows)), where=total > 0)) @ graph)
