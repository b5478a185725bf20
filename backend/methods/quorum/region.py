"""*Measured gene, unseen region*: a few plain experts, weighed by how they did on known cells that were kept aside.

Experts (all read the tissue alone; a reference added nothing here, methods.md §9.3):
 alike   the mean of the known cells that are most alike, in principal components of the input genes;
 graph   ridge on input genes, each cell averaged with the cells most alike (known or not);
 around  ridge on what surrounds a cell and on the cell itself;
 near    the mean of the known cells that are nearest in the tissue.
The kept-aside cells lie as far from what is learnt from as the unknown cells lie from the known ones, so the experts
that lean on nearby cells are trusted only where there are nearby cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from backend.methods.contract import Floats, RunContext
from backend.methods.imputation import FoldView, Imputed
from backend.methods.reference.genes.ridge import Line
from backend.methods.reference.genes.scaled import known_columns, tissue_inputs, z_scores
from backend.training.batches import stream

PARTS, TILES = 5, 5
COMPONENTS, LATENT = 30, 15
ALIKE, SMOOTH, AROUND = 60, 30, 10
GRAPH_PENALTIES, AROUND_PENALTIES = (3e3, 1e4, 3e4), (3e2,)
FEWEST_CELLS = 50  # below, nothing is kept aside and the experts weigh alike
BATCH = 1024
_CONSTANT = 1e-6


@dataclass(frozen=True)
class Features:
    """What the experts read of every tissue cell, n x something. place: n x 2 or None, sections far apart."""

    latent: Floats
    smooth: Floats
    around: Floats | None
    place: Floats | None


def impute_region(view: FoldView, run: RunContext) -> Imputed:
    """The target genes in all tissue cells, log1p at input depth. `view.known` must be there."""
    assert view.known is not None
    features = read_features(view, run.seed)
    goals, known = known_columns(view).read(view.target_genes), view.known.rows
    weights = weigh(features, goals, known, view.tissue.n_cells, run)
    told = ask(features, goals, known, np.arange(view.tissue.n_cells))
    centre, deviation = goals.mean(axis=0), goals.std(axis=0)
    values = np.tensordot(weights, told, axes=1)
    values *= deviation
    values += centre
    return Imputed(np.maximum(values, 0.0).astype(np.float32), view.target_genes, units="tissue")


def read_features(view: FoldView, seed: int) -> Features:
    from sklearn.utils.extmath import randomized_svd

    inputs = tissue_inputs(view)
    rank = min(COMPONENTS, *inputs.shape)
    left, singular, _ = randomized_svd(inputs, rank, random_state=seed)
    scores = np.asarray(left * singular, dtype=np.float32)
    latent = _unit(scores[:, :LATENT])
    own = _unit(inputs)
    smooth = own + _mean_of(nearest(latent, latent, SMOOTH), own)
    smooth /= max(float(smooth.std()), _CONSTANT)
    if view.tissue.coordinates is None:
        return Features(latent, smooth, None, None)
    place = _apart(view.tissue.coordinates, view.tissue.section)
    _, beside = cKDTree(place).query(place, k=min(AROUND + 1, len(place)))
    beside = np.asarray(beside).reshape(len(place), -1)[:, 1:]
    around = z_scores(scores[beside].mean(axis=1)) if beside.shape[1] else np.zeros_like(scores)
    return Features(latent, smooth, np.hstack([around, _unit(scores) * np.sqrt(rank)]).astype(np.float32), place)


def ask(features: Features, goals: Floats, known: NDArray[np.intp], asked: NDArray[np.intp]) -> Floats:
    """experts x asked x genes, in deviations of the goals from their mean. goals: of the known cells, known x genes."""
    centre, deviation = goals.mean(axis=0), goals.std(axis=0)
    standard = np.asarray((goals - centre) / np.where(deviation > _CONSTANT, deviation, np.inf), dtype=np.float32)
    latent = features.latent
    told = [_mean_of(nearest(latent[known], latent[asked], ALIKE), standard)]
    told += Line.between(features.smooth[known], features.smooth[asked]).predict(standard, GRAPH_PENALTIES)
    if features.around is not None and features.place is not None:
        told += Line.between(features.around[known], features.around[asked]).predict(standard, AROUND_PENALTIES)
        count = min(AROUND, len(known))
        _, beside = cKDTree(features.place[known]).query(features.place[asked], k=count)
        told.append(_mean_of(np.asarray(beside).reshape(len(asked), count), standard))
    return np.stack(told)


def weigh(
    features: Features, goals: Floats, known: NDArray[np.intp], n_cells: int, run: RunContext
) -> NDArray[np.float64]:
    """One weight per expert, not below zero: least squares over all genes of the cells kept aside, part by part."""
    from scipy.optimize import nnls

    parts = keep_aside(features.place, known, n_cells, run.seed)
    gram, match = np.zeros((0, 0)), np.zeros(0)
    for number, part in enumerate(parts):
        rest = np.setdiff1d(np.arange(len(known)), part)
        told = ask(features, goals[rest], known[rest], known[part])
        centre, deviation = goals[rest].mean(axis=0), goals[rest].std(axis=0)
        varies = deviation > _CONSTANT
        truth = ((goals[part] - centre)[:, varies] / deviation[varies]).ravel()
        flat = told[:, :, varies].reshape(len(told), -1).astype(np.float64)
        first = number == 0
        gram = flat @ flat.T if first else gram + flat @ flat.T
        match = flat @ truth if first else match + flat @ truth
        run.report(number + 1, len(parts) + 1)
    if not parts:
        experts = len(ask(features, goals, known, known[:1]))
        return np.full(experts, 1.0 / experts)
    # Least squares from its normal equations; the small ridge lets nearly equal experts share.
    experts = len(gram)
    root = np.linalg.cholesky(gram + (1e-6 * np.trace(gram) / experts + 1e-12) * np.eye(experts))
    return np.asarray(nnls(root.T, np.linalg.solve(root, match))[0])


def keep_aside(place: Floats | None, known: NDArray[np.intp], n_cells: int, seed: int) -> list[NDArray[np.intp]]:
    """Parts of the known cells (their numbers among them): at random, or in tiles, whichever leaves them at a distance
    from the others more like that of the unknown cells from the known ones."""
    if len(known) < FEWEST_CELLS:
        return []
    order = stream(seed, "quorum/region parts").permutation(len(known))
    random = [np.sort(part) for part in np.array_split(order, PARTS)]
    unknown = np.setdiff1d(np.arange(n_cells), known)
    if place is None or len(unknown) == 0:
        return random
    wanted = _distance(place[known], place[unknown])
    number = _tiles(place[known])
    tiled = [np.flatnonzero(number == part) for part in range(PARTS)]

    def unlike(parts: list[NDArray[np.intp]]) -> float:
        gaps = [_distance(np.delete(place[known], part, axis=0), place[known[part]]) for part in parts]
        return abs(float(np.log(np.median(gaps) / wanted)))

    return min((random, tiled), key=unlike)


def nearest(pool: Floats, asked: Floats, count: int) -> NDArray[np.intp]:
    """asked x count: the rows of the pool with the largest dot product."""
    count = min(count, len(pool))
    found = np.empty((len(asked), count), dtype=np.intp)
    for start in range(0, len(asked), BATCH):
        rows = slice(start, start + BATCH)
        found[rows] = np.argpartition(-(asked[rows] @ pool.T), count - 1, axis=1)[:, :count]
    return found


def _mean_of(chosen: NDArray[np.intp], values: Floats) -> Floats:
    """Row means of the chosen rows of `values`, without a copy of them all."""
    count = chosen.shape[1]
    share = np.full(chosen.size, 1.0 / count, dtype=np.float32)
    average = csr_matrix(
        (share, chosen.ravel(), np.arange(0, chosen.size + 1, count)), shape=(len(chosen), len(values))
    )
    return np.asarray(average @ values, dtype=np.float32)


def _unit(values: Floats) -> Floats:
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), _CONSTANT), dtype=np.float32)


def _apart(place: Floats, section: NDArray[np.int32] | None) -> Floats:
    """Coordinates with every section moved away from the others, so that no cell is beside one of another section."""
    if section is None:
        return place
    codes = np.unique(section, return_inverse=True)[1]
    return np.asarray(place + np.outer(codes, [10 * np.ptp(place) + 1.0, 0.0]), dtype=np.float32)


def _tiles(place: Floats) -> NDArray[np.intp]:
    ranks = np.argsort(np.argsort(place, axis=0, kind="stable"), axis=0, kind="stable") * TILES // len(place)
    return np.asarray((ranks[:, 0] + 2 * ranks[:, 1]) % PARTS)


def _distance(pool: Floats, asked: Floats) -> float:
    """Median distance from a cell asked about to the nearest of the pool."""
    return max(float(np.median(cKDTree(pool).query(asked)[0])), _CONSTANT)
