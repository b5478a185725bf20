"""What the reference alone says of how well a gene can be imputed: where it is expressed, and whether the genes that
the tissue measured tell of it, read as shallow as the tissue was measured
(docs/imputation/verdict.md, "Predicted score")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.expression import linear
from backend.methods.contract import Cells

MOST_CELLS = 3000
PORTION = 500  # genes at a time
GROUPS, COMPONENTS = 15, 20
RELATIVES = 10
_CLOSE = 5  # relatives whose correlation is averaged
_TARGET = 1e4
_RIDGE = 1.0  # on correlations of z-scored inputs
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Reader:
    """Some reference cells seen through the tissue's eyes. deep: cells x inputs, z-scored logs; shallow: the same cells
    drawn again at depths of the tissue; group: of similar cells; share: of a cell's input counts, per unit of
    expression; depth: drawn."""

    rows: NDArray[np.intp]
    deep: Floats
    shallow: Floats
    group: NDArray[np.integer]
    total: Floats
    input_total: Floats
    depth: Floats
    inputs: tuple[str, ...]


def describe(
    reference: Cells, inputs: Sequence[str], targets: Sequence[str], depth: Floats, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Facts, one row per target: gene, detection_reference, mean_reference (log1p at 10,000), specificity (tau over
    groups of similar reference cells: 0 everywhere, 1 in one group only), group_share (of its variance that lies
    between the groups), predictability (r of a ridge from the inputs, learnt on half of the cells, read on the other
    half at the tissue's depth), relatives_r (mean |r| of its five closest inputs), expected_detection (at the tissue's
    depth). Relatives: gene, relative, r, the ten closest inputs.

    depth: counts of the inputs in the tissue's cells."""
    values = csr_matrix(linear(reference.expression, reference.scale))
    place = {gene: column for column, gene in enumerate(reference.genes)}
    reader = _reader(values, place, tuple(inputs), depth, seed)
    rng = np.random.default_rng([seed, 1])
    facts, relatives = [], []
    for genes in _portions(targets):
        asked = _dense(values[reader.rows][:, [place[gene] for gene in genes]])
        table, closest = _facts(reader, asked, genes, rng)
        facts.append(table)
        relatives.append(closest)
    return pd.concat(facts, ignore_index=True), pd.concat(relatives, ignore_index=True)


def _reader(expression: csr_matrix, place: dict[str, int], inputs: tuple[str, ...], depth: Floats, seed: int) -> Reader:
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    rng = np.random.default_rng([seed, 0])
    columns = [place[gene] for gene in inputs]
    known = np.flatnonzero(np.asarray(expression[:, columns].sum(axis=1)).ravel() > 0)
    rows = np.sort(rng.permutation(known)[:MOST_CELLS])
    values = _dense(expression[rows][:, columns])
    total, own = np.asarray(expression[rows].sum(axis=1), dtype=np.float64).ravel(), values.sum(axis=1)
    deep = _z_scored(np.log1p(values * (_TARGET / total)[:, None]))
    drawn = rng.choice(depth[depth > 0], len(rows))
    counts = rng.poisson(values / own[:, None] * drawn[:, None])
    found = np.maximum(counts.sum(axis=1), 1)
    shallow = _z_scored(np.log1p(counts * (np.median(drawn) / found)[:, None]))
    parts = PCA(min(COMPONENTS, *deep.shape), random_state=0).fit_transform(deep)
    group = KMeans(min(GROUPS, len(rows)), n_init=2, random_state=0).fit_predict(parts)
    return Reader(rows, deep, shallow, group, total, own, drawn, inputs)


def _facts(
    reader: Reader, values: Floats, genes: Sequence[str], rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    logs = np.log1p(values * (_TARGET / reader.total)[:, None])
    count = np.bincount(reader.group)
    means = np.stack([logs[reader.group == group].mean(axis=0) for group in range(len(count))])
    top = means.max(axis=0)
    between = ((means - logs.mean(axis=0)) ** 2 * count[:, None]).sum(axis=0)
    within = ((logs - logs.mean(axis=0)) ** 2).sum(axis=0)
    drawn = rng.poisson(np.minimum(values / reader.input_total[:, None], 1.0) * reader.depth[:, None])
    seen = np.log1p(drawn * (np.median(reader.depth) / reader.depth)[:, None])
    related = reader.deep.T @ _z_scored(logs) / len(logs)
    table = pd.DataFrame(
        {
            "gene": list(genes),
            "detection_reference": (values > 0).mean(axis=0),
            "mean_reference": logs.mean(axis=0),
            "specificity": (1 - np.divide(means, top, out=np.ones_like(means), where=top > 0)).sum(axis=0)
            / max(1, len(count) - 1),
            "group_share": np.divide(between, within, out=np.zeros_like(within), where=within > 0),
            "predictability": _predictability(reader, logs, seen),
            "relatives_r": np.sort(np.abs(related), axis=0)[-_CLOSE:].mean(axis=0),
            "expected_detection": (drawn > 0).mean(axis=0),
        }
    )
    return table, _relatives(related, reader.inputs, genes)


def _predictability(reader: Reader, logs: Floats, seen: Floats) -> Floats:
    """A ridge learns the gene's logs from deep inputs in half of the cells; it reads the other half's shallow inputs,
    and is compared with the gene drawn at the same depth."""
    half = np.arange(len(logs)) % 2 == 0
    said = np.zeros_like(logs)
    for learnt, read in ((half, ~half), (~half, half)):
        x, y = reader.deep[learnt], logs[learnt]
        bend = x.T @ x / len(x) + _RIDGE * np.eye(x.shape[1])
        said[read] = reader.shallow[read] @ np.linalg.solve(bend, x.T @ (y - y.mean(axis=0)) / len(x))
    return np.asarray((_z_scored(said) * _z_scored(seen)).mean(axis=0))


def _relatives(related: Floats, inputs: tuple[str, ...], genes: Sequence[str]) -> pd.DataFrame:
    kept = min(RELATIVES, len(inputs))
    order = np.argsort(-related, axis=0, kind="stable")[:kept]
    names = np.asarray(inputs, dtype=object)[order]
    return pd.DataFrame(
        {
            "gene": np.repeat(np.asarray(genes, dtype=object), kept),
            "relative": names.T.ravel(),
            "r": np.take_along_axis(related, order, axis=0).T.ravel(),
        }
    )


def _portions(genes: Sequence[str]) -> Iterator[Sequence[str]]:
    return (genes[at : at + PORTION] for at in range(0, len(genes), PORTION))


def _z_scored(values: Floats) -> Floats:
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0))


def _dense(values: csr_matrix) -> Floats:
    return np.asarray(values.todense(), dtype=np.float64)
