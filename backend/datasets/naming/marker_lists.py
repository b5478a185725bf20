"""Cell types by marker genes that a user pastes: read, checked against the panel, scored per Leiden cluster.

The score of a cell for a list is the mean of the list's genes, each in units of its own spread, minus the mean of all
genes of the panel: a module score after Tirosh et al. (Science 2016), with the whole panel as control, since targeted
panels are too small for controls binned by expression (scanpy.tl.score_genes finds none there).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.datasets.naming.found import UNSURE, Found
from backend.datasets.naming.labels import MOST_TYPES, clean, fault
from backend.errors import DataError
from backend.records import DatasetRecord
from backend.store import matrix

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from backend.training.job import Job

MOST_LETTERS = 200_000
MOST_GENES = 2_000  # of one list
MARGIN = 0.5  # between the best and the second best list of a cluster, in spreads over clusters
_SHOWN = 8  # unknown genes named per list
_PLOTTED = 12  # genes of a list in the dot plot's table
_TYPE_HEADS = {"type", "celltype", "cluster", "group", "name", "label"}
_GENE_HEADS = {"gene", "genes", "marker", "markers", "symbol", "genesymbol", "feature"}


@dataclass(frozen=True)
class MarkerLists:
    """lists: type -> its genes as the data set spells them. notes: what was left out or joined, in sentences. faults:
    what stands in the way; with any of them nothing can be scored."""

    lists: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]
    faults: tuple[str, ...]

    def require(self) -> dict[str, tuple[str, ...]]:
        """The lists. Raises `DataError` with all faults."""
        if self.faults:
            mend = "Write one type per line, `T cell: CD3D, CD3E`, with genes of this panel."
            raise DataError("The marker lists cannot be used.", " ".join((*self.faults, *self.notes)), mend)
        return self.lists


def spellings(dataset_id: str) -> dict[str, str]:
    """Every spelling of a gene, in lower case -> the name under which the data set holds it."""
    table = matrix.var(dataset_id)
    known: dict[str, str] = {}
    for column in ("ensembl", "symbol"):
        if column in table:
            known |= {str(other).casefold(): str(gene) for gene, other in table[column].dropna().items() if other}
    return known | {str(gene).casefold(): str(gene) for gene in table.index}


def read_lists(text: str, known: Mapping[str, str]) -> MarkerLists:
    """text: lines `type: GENE, GENE`, or a table of two columns (tab or comma) with a type and a gene, or genes, in
    each row. known: `spellings` of the data set. All problems are told at once."""
    if len(text) > MOST_LETTERS:
        return MarkerLists({}, (), (f"The text has {len(text):,} letters; {MOST_LETTERS:,} are read.",))
    asked: dict[str, dict[str, None]] = {}
    notes, faults = [], []
    for number, name, genes, one_line in _lines(text):
        if told := fault(name):
            faults.append(f"Line {number}: {told}")
        elif not genes and name not in asked:
            faults.append(f"Line {number}: {name!r} names no gene.")
        else:
            if one_line and name in asked:
                notes.append(f"{name!r} stands there twice: its lists were joined.")
            asked.setdefault(name, {}).update(dict.fromkeys(genes))
    if len(asked) > MOST_TYPES:
        faults.append(f"There are {len(asked):,} types; {MOST_TYPES} are the most.")
    lists = {}
    for name, wanted in asked.items():
        here = tuple(dict.fromkeys(known[gene.casefold()] for gene in wanted if gene.casefold() in known))
        notes += _told(name, [gene for gene in wanted if gene.casefold() not in known], len(wanted))
        if here:
            lists[name] = here[:MOST_GENES]
    if not lists:
        faults.append("No list has a gene of this panel." if asked else "No marker list was given.")
    return MarkerLists(lists, tuple(dict.fromkeys(notes)), tuple(faults))


def _told(name: str, unknown: list[str], wanted: int) -> list[str]:
    if not unknown:
        return []
    if len(unknown) == wanted:
        return [f"{name!r} is left out: none of its {wanted} genes is measured here."]
    listed = ", ".join(unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else "")
    return [f"{name!r}: {len(unknown)} of {wanted} genes are not measured here ({listed})."]


def _lines(text: str) -> Iterator[tuple[int, str, list[str], bool]]:
    """(line number, type, genes, whether the line is a whole list). Empty lines, comments and a heading are skipped."""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        colon, tab = line.find(":"), line.find("\t")
        if colon >= 0 and (tab < 0 or colon < tab):
            name, rest = line.split(":", 1)
            yield number, clean(name), _genes(rest), True
            continue
        if tab >= 0:
            name, rest = line.split("\t", 1)
        else:
            name, *genes = next(csv.reader([line]))
            rest = ",".join(genes)
        heading = _letters(name) in _TYPE_HEADS and _letters(rest) in _GENE_HEADS
        if not heading:
            yield number, clean(name), _genes(rest), False


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())


def _genes(text: str) -> list[str]:
    return [gene for part in re.split(r"[,;\s]+", text) if (gene := part.strip("\"'"))]


def by_markers(record: DatasetRecord, params: dict[str, Any], job: Job) -> Found:
    """params: lists (type -> genes of the data set), resolution, seed. Tables: `scores` (cluster, type, score, share,
    genes), `dots` (cluster, type, gene, mean, share). facts["suggestions"]: per cluster its best two lists."""
    from backend.datasets.expression import log_normalise  # here, because it brings scipy
    from backend.datasets.naming.clusters import cluster_types

    job.stage("grouping cells by expression")
    values, genes = matrix.load_csr(record.id)
    resolution = float(params.get("resolution", 1.0))
    clusters = cluster_types(values, record.scale, resolution, int(params.get("seed", 0)))
    job.stage("scoring the marker lists")
    lists = {str(name): tuple(wanted) for name, wanted in params["lists"].items()}
    logged = log_normalise(values, record.scale)
    scores = cluster_scores(cell_scores(logged, genes, lists), clusters, lists)
    suggestions = suggest(scores, clusters)
    label = {row["group"]: row["suggestion"] for row in suggestions}
    types = np.array([label[cluster] for cluster in clusters], dtype=object)
    sure = sum(row["suggestion"] != UNSURE for row in suggestions)
    source = (
        f"Named by {len(lists)} marker lists: {sure} of {len(suggestions)} groups of similar expression (Leiden, "
        f"resolution {resolution:g}) score clearly best for one list; the others are unsure."
    )
    facts = {"types": len(set(types) - {UNSURE}), "suggestions": suggestions, "lists": len(lists)}
    tables = {"scores": scores, "dots": marker_dots(logged, genes, lists, clusters)}
    unknown = np.full(len(types), np.nan, dtype=np.float32)
    return Found(types, unknown, source, facts, tables, {"group": clusters})


def cell_scores(
    logged: csr_matrix, genes: tuple[str, ...], lists: Mapping[str, tuple[str, ...]]
) -> NDArray[np.float32]:
    """n cells x lists. logged: n cells x genes, log-normalised."""
    mean = np.asarray(logged.mean(axis=0), dtype=np.float64).ravel()
    square = np.asarray(logged.multiply(logged).mean(axis=0), dtype=np.float64).ravel()
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    inverse = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-8)
    place = {gene: column for column, gene in enumerate(genes)}
    weights = np.full((len(genes), len(lists)), -1.0 / len(genes))
    for column, wanted in enumerate(lists.values()):
        weights[[place[gene] for gene in wanted], column] += 1.0 / len(wanted)
    weights *= inverse[:, None]  # a gene that is constant says nothing
    return np.asarray(logged @ weights - mean @ weights, dtype=np.float32)


def cluster_scores(
    scores: NDArray[np.float32], clusters: NDArray[np.object_], lists: Mapping[str, tuple[str, ...]]
) -> pd.DataFrame:
    """A row per cluster and list. mean: of the cells' scores. score: the mean, z-scored over clusters (the mean itself
    where there is one cluster). share: of the cluster's cells that score highest for this list. genes: how many."""
    names = list(lists)
    table = pd.DataFrame(scores, columns=names)
    means = table.groupby(clusters).mean()
    spread = means.std(ddof=0)
    score = (means - means.mean()) / spread.where(spread > 1e-8) if len(means) > 1 else means
    best = np.array(names, dtype=object)[scores.argmax(axis=1)]
    share = pd.crosstab(clusters, best, normalize="index").reindex(columns=names, fill_value=0.0)
    return pd.DataFrame({
        "cluster": np.repeat(means.index.to_numpy(), len(names)), "type": names * len(means),
        "mean": means.to_numpy().ravel(), "score": score.fillna(0.0).to_numpy().ravel(),
        "share": share.to_numpy().ravel(), "genes": [len(genes) for genes in lists.values()] * len(means),
    })  # fmt: skip


def suggest(scores: pd.DataFrame, clusters: NDArray[np.object_]) -> list[dict[str, Any]]:
    """Per cluster the list with the highest score, "unsure" where it is no better than the rest of the panel (mean of 0
    or less) or less than `MARGIN` above the second."""
    sizes = pd.Series(clusters).value_counts()
    told = []
    for cluster, rows in scores.groupby("cluster", sort=True):
        order = rows.sort_values(["score", "mean"], ascending=False, kind="stable")
        best = order.iloc[0]
        second = order.iloc[1] if len(order) > 1 else None
        margin = float(best["score"] - second["score"]) if second is not None else float(best["score"])
        sure = best["mean"] > 0 and margin >= MARGIN
        told.append(
            {"group": str(cluster), "cells": int(sizes[cluster]), "suggestion": str(best["type"]) if sure else UNSURE,
             "best": str(best["type"]), "score": round(float(best["score"]), 3),
             "second": str(second["type"]) if second is not None else "", "margin": round(margin, 3)}
        )  # fmt: skip
    return told


def marker_dots(
    logged: csr_matrix, genes: tuple[str, ...], lists: Mapping[str, tuple[str, ...]], clusters: NDArray[np.object_]
) -> pd.DataFrame:
    """Long: cluster, type, gene, mean (log-normalised), share (of cells above 0). At most 12 genes of a list."""
    from scipy.sparse import csr_matrix  # here, because the door reads this file

    place = {gene: column for column, gene in enumerate(genes)}
    wanted = [(name, gene) for name, those in lists.items() for gene in those[:_PLOTTED]]
    values = csr_matrix(logged[:, [place[gene] for _, gene in wanted]])
    names, codes = np.unique(clusters.astype(str), return_inverse=True)
    member = csr_matrix((1 / np.bincount(codes)[codes], (codes, np.arange(len(codes)))))
    means, shares = ((member @ part).toarray() for part in (values, values > 0))
    return pd.DataFrame({
        "cluster": np.repeat(names, len(wanted)),
        "type": [name for name, _ in wanted] * len(names), "gene": [gene for _, gene in wanted] * len(names),
        "mean": means.ravel(), "share": shares.ravel(),
    })  # fmt: skip
