"""Cell types from a typed reference, with a calibrated probability; cells of types that the reference lacks are unsure.

Every step works with counts over the shared genes: a tissue's cells against each type's profile as the tissue would
show it (`counterparts`, docs/methods.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from backend.datasets.checks.columns import UNKNOWN
from backend.datasets.expression import linear, log_normalise
from backend.datasets.naming.counterparts.calibration import (
    FOLDS,
    WITHIN_LIMIT,
    HeldOut,
    Scorer,
    calibrate,
    calibration,
    mean_shares,
)
from backend.datasets.naming.counterparts.groups import BLOCK, Groups, group_cells
from backend.datasets.naming.counterparts.matching import LIMIT, Match, agree
from backend.datasets.naming.found import COLUMN, UNSURE, Found, read_source
from backend.datasets.naming.labels import MOST_TYPES
from backend.datasets.paired import plan_genes, read_cells
from backend.errors import DataError
from backend.methods.contract import Cells
from backend.records import DatasetRecord
from backend.store import index, matrix

if TYPE_CHECKING:
    from backend.training.job import Job

SURE_FROM = 0.5
MOST_GENES = 2000
GROUPINGS = 5  # of the same cells, by other seeds: what is lost in most of them is lost
_MARKERS = 6


@dataclass(frozen=True)
class Transferred:
    """names: of the types, sorted. For each of n cells: code of the likeliest type; probability that it is right;
    distance, 1 at the limit; resemblance, the probability before it was asked whether the type is there at all. groups,
    group_distance: the first grouping, and how much of what sets each group apart no type explains (the mean over its
    cells in all groupings)."""

    names: NDArray[np.object_]
    likeliest: NDArray[np.int64]
    probability: NDArray[np.float32]
    distance: NDArray[np.float32]
    resemblance: NDArray[np.float32]
    genes: tuple[str, ...]
    groups: Groups
    group_distance: NDArray[np.float64]
    match: Match
    scorer: Scorer
    held_out: HeldOut

    @property
    def types(self) -> NDArray[np.object_]:
        return np.where(self.probability >= SURE_FROM, self.names[self.likeliest], UNSURE)


def by_reference(record: DatasetRecord, params: dict[str, Any], job: Job) -> Found:
    """params: reference, orthologues, seed; reference_types: "column" or an annotation of the reference."""
    reference = index.get(DatasetRecord, params["reference"])
    labels = _labels(reference, params.get("reference_types") or COLUMN)
    job.stage(f"transferring types from {reference.name}")
    plan = plan_genes(record, reference, None, params.get("orthologues"))
    ours, theirs = (read_cells(part, plan.input_genes, plan.measured[part.id]) for part in (record, reference))
    found = transfer(theirs, labels, ours, int(params.get("seed", 0)))
    types = found.types
    facts = _facts(found) | {"shared_genes": len(plan.input_genes)}
    lost = sum(group["cells"] for group in facts["no_counterpart"])
    held_out = facts["held_out_accuracy"]
    source = (
        f"Transferred from {reference.name} ({len(plan.input_genes):,} shared genes): predictions, not annotations. "
    )
    if held_out is not None:
        source += f"Of held-out reference cells made as shallow as the tissue's, {held_out:.0%} are named rightly. "
    source += f"{np.mean(types == UNSURE):.0%} unsure; {lost:,} cells in groups without a counterpart in the reference."
    if record.spots:
        source += " A spot holds several cells: its type is the likeliest of them."
    extra = {
        "distance": found.distance,
        "likeliest": found.names[found.likeliest],
        "group": found.groups.names[found.groups.group],
    }
    sure = (found.held_out.probability >= SURE_FROM) & (found.held_out.surprise <= found.scorer.limit)
    tables = {"confusion": found.held_out.confusion(found.names, sure), "groups": _group_table(found)}
    return Found(types, found.probability, source, facts, tables, extra)


def _labels(reference: DatasetRecord, source: str) -> NDArray[np.object_]:
    """The names of the reference's cells. Raises `DataError` where nothing can be learnt from them."""
    if source == COLUMN and not reference.has_types:
        raise DataError(
            f"{reference.name!r} names no cell types.",
            "There is nothing to transfer.",
            "Group the cells by expression (Leiden), or add the reference again with --type-column.",
        )
    cells = matrix.obs(reference.id, []).index
    labels = read_source(reference, source).cells["type"].reindex(cells, fill_value=UNKNOWN)
    names = labels.astype(str).to_numpy(dtype=object)
    number = len(set(names) - {UNKNOWN, UNSURE})
    if number < 2:
        raise DataError(
            f"{reference.name!r} names {number} usable cell type{'' if number == 1 else 's'}; two are needed.",
            "With fewer every cell would be called the same. Cells called unknown or unsure teach nothing.",
            "Choose another reference, or name its cells first.",
        )
    if number > MOST_TYPES:
        raise DataError(
            f"{reference.name!r} names {number:,} cell types; {MOST_TYPES} are the most that can be transferred.",
            "A type is a name that many cells share.",
            "Choose a coarser column of types, or merge types first.",
        )
    return names


def transfer(reference: Cells, types: NDArray[np.object_], query: Cells, seed: int = 0) -> Transferred:
    """Types of the query's cells. Both hold the same genes, in order; cells called unknown or unsure are not learnt.

    Raises `DataError` where fewer than two types have a cell with any of the genes.
    """
    if reference.genes != query.genes:
        raise ValueError("reference and query must hold the same genes, in order")
    rng = np.random.default_rng(seed)
    values = csr_matrix(linear(reference.expression, reference.scale))
    learnt = ~np.isin(types.astype(str), [UNKNOWN, UNSURE]) & (np.asarray(values.sum(axis=1)).ravel() > 0)
    names, code = np.unique(types[learnt].astype(str), return_inverse=True)
    if len(names) < 2:
        raise DataError(
            "Fewer than two cell types of the reference express any of the shared genes.",
            "Types are told apart by these genes alone.",
            "Choose another reference.",
        )
    chosen = _varied(reference, learnt)
    values, counts = csr_matrix(values[learnt][:, chosen]), _as_counts(query)[:, chosen]
    if not counts.nnz:
        raise DataError("No cell of the tissue shows any of the shared genes.", mend="Choose another reference.")
    groupings = [group_cells(counts, seed * GROUPINGS + i) for i in range(GROUPINGS)]
    matches = agree(groupings, mean_shares(values, code, len(names)))
    scorer, held_out = calibrate(matches[0], values, code, counts, rng)
    likeliest, resemblance, surprise, lost = _score(scorer, groupings, matches, counts)
    away = np.mean([found.distance[groups.group] for found, groups in zip(matches, groupings)], axis=0)
    kept = away <= LIMIT
    beyond = surprise > scorer.limit
    share = float(beyond[kept].mean()) if kept.any() else 0.0
    # Of cells of known types so few lie beyond the limit; what there are more of them are of another type.
    known = np.where(beyond, min(1.0, (1 - WITHIN_LIMIT) / max(share, 1e-9)), 1.0)
    empty = np.asarray(counts.sum(axis=1)).ravel() == 0
    return Transferred(
        names=names.astype(object),
        likeliest=likeliest,
        probability=np.where(empty, 0.0, resemblance * (1 - lost) * known).astype(np.float32),
        distance=np.maximum(away / LIMIT, surprise / scorer.limit).astype(np.float32),
        resemblance=resemblance.astype(np.float32),
        genes=tuple(np.array(reference.genes)[chosen]),
        groups=groupings[0],
        group_distance=np.bincount(groupings[0].group, weights=away) / np.bincount(groupings[0].group),
        match=matches[0],
        scorer=scorer,
        held_out=held_out,
    )


def _varied(reference: Cells, learnt: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Of a whole transcriptome the genes that vary most in the reference: the tissue has no say."""
    logged = log_normalise(reference.expression[learnt], reference.scale).astype(np.float64)
    mean = np.asarray(logged.mean(axis=0)).ravel()
    variance = np.asarray(logged.multiply(logged).mean(axis=0)).ravel() - mean**2
    return np.sort(np.argsort(-variance, kind="stable")[:MOST_GENES])


def _as_counts(query: Cells) -> csr_matrix:
    """Where a tissue has no counts, each cell gets as many as it shows genes, shared out as its expression."""
    if query.scale == "counts":
        return query.expression
    values = csr_matrix(linear(query.expression, query.scale))
    total = np.asarray(values.sum(axis=1), dtype=np.float64).ravel()
    factor = np.divide(np.diff(values.indptr), total, out=np.zeros_like(total), where=total > 0)
    return csr_matrix(diags(factor) @ values, dtype=np.float32)


def _score(
    scorer: Scorer, groupings: Sequence[Groups], matches: Sequence[Match], counts: csr_matrix
) -> tuple[NDArray[Any], ...]:
    """By cell, in blocks: code of the likeliest type, its probability, surprise, probability of a lost group."""
    parts = []
    for start in range(0, counts.shape[0], BLOCK):
        block = counts[start : start + BLOCK]
        scores = scorer.score(block)
        in_lost = [groups.membership(block)[:, found.lost].sum(axis=1) for groups, found in zip(groupings, matches)]
        sure = scorer.sureness(scores)
        parts.append((scores.argmax(axis=1), sure, scorer.surprise(block, scores), np.mean(in_lost, axis=0)))
    return tuple(np.concatenate(column) for column in zip(*parts))


def _facts(found: Transferred) -> dict[str, Any]:
    held_out, scored = found.held_out, len(found.held_out.truth) > 0
    error, bins = calibration(held_out.probability, held_out.likeliest == held_out.truth)
    table = _group_table(found)
    gone = table[table["no_counterpart"]].drop(columns=["no_counterpart", "between_types", "unsure"])
    return {
        "types": len(set(found.types) - {UNSURE}),
        "method": {
            "name": "multinomial likelihood of matched profiles",
            "genes": len(found.genes),
            "background": round(found.match.background, 3),
            "platform_spread": round(float(np.std(found.match.efficiency)), 3),
            "left_spread": round(found.match.spread, 3),
            "temperature": round(found.scorer.temperature, 4),
            "within_limit": WITHIN_LIMIT,
        },
        "calibration": {"ece": round(error, 4) if scored else None, "n": len(held_out.truth), "bins": bins},
        "held_out_accuracy": round(held_out.accuracy, 4) if scored else None,
        "held_out_macro_f1": round(held_out.macro_f1, 4) if scored else None,
        "not_calibrated": [str(found.names[t]) for t in held_out.spared],
        "fewest_to_calibrate": FOLDS,
        "no_counterpart": [{**row, "markers": row["markers"].split(", ")} for row in gone.to_dict("records")],
        "sure_from": SURE_FROM,
    }


def _group_table(found: Transferred) -> pd.DataFrame:
    """One row per group of the tissue. no_counterpart: by its distance alone; between_types: of the others, those that
    resemble several types too much alike."""
    group, n_groups, lost = found.groups.group, len(found.groups.counts), found.group_distance > LIMIT
    table = pd.DataFrame({"group": group, "p": found.resemblance, "unsure": found.probability < SURE_FROM})
    by_group = table.groupby("group")
    return pd.DataFrame({
        "group": found.groups.names,
        "cells": np.bincount(group, minlength=n_groups),
        "median_probability": by_group["p"].median().round(4).to_numpy(dtype=float),
        "unsure": by_group["unsure"].mean().round(4).to_numpy(dtype=float),
        "distance": found.group_distance.round(4),
        "limit": LIMIT,
        "nearest": found.names[found.match.nearest].astype(str),
        "markers": [", ".join(_markers(found, i)) for i in range(n_groups)],
        "no_counterpart": lost,
        "between_types": ~lost & (by_group["p"].median().to_numpy() < SURE_FROM),
    })  # fmt: skip


def _markers(found: Transferred, group: int) -> list[str]:
    """The genes that set a group apart from the mean of the others most."""
    profiles = found.groups.profiles
    rest = np.delete(profiles, group, axis=0).mean(axis=0) if len(profiles) > 1 else found.match.middle
    more = profiles[group] * np.log(profiles[group] / rest)
    return [found.genes[gene] for gene in np.argsort(-more, kind="stable")[:_MARKERS] if more[gene] > 0]
