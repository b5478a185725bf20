"""Job handler: cell types for a data set that names none, from a typed reference or from clusters of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.checks.columns import UNKNOWN
from backend.datasets.expression import leiden, log_normalise
from backend.datasets.paired import plan_genes, read_cells
from backend.errors import DataError
from backend.methods.contract import Cells
from backend.records import DatasetRecord
from backend.store import index, matrix

if TYPE_CHECKING:
    from backend.training.job import Job

_Found = tuple[NDArray[np.object_], NDArray[np.float32], dict[str, Any]]  # types, probabilities, facts

UNSURE = "unsure"
SURE_FROM = 0.5
NEIGHBOURS = 30
COMPONENTS = 30
_MOST_GENES = 2000
_BLOCK = 20_000  # cells that are made dense at a time
_CLIP = 10.0


def annotate(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: dataset, how ("transfer" or "leiden"), reference, orthologues, seed. Writes `types.parquet` (cell, type,
    probability) and returns `{"source": sentence, "types": n, "unsure": share, "shared_genes": n}`."""
    record = index.get(DatasetRecord, params["dataset"])
    seed = int(params.get("seed", 0))
    if params["how"] == "leiden":
        types, probability, facts = _by_clusters(record, seed, job)
    else:
        reference = index.get(DatasetRecord, params["reference"])
        types, probability, facts = _by_reference(record, reference, params.get("orthologues"), seed, job)
    cells = matrix.obs(record.id, []).index
    table = pd.DataFrame({"cell": cells.to_numpy(), "type": pd.Categorical(types), "probability": probability})
    table.to_parquet(job.result / "types.parquet", index=False)
    return facts


def transfer_types(
    reference: Cells, types: NDArray[np.object_], query: Cells, seed: int = 0
) -> tuple[NDArray[np.object_], NDArray[np.float32]]:
    """Types of the query's cells by their nearest reference cells: k = 30, weighted by 1 / distance, among 30 principal
    components of the reference. Both hold the same genes; each is log-normalised over just these and z-scored on its
    own, so that a platform's sensitivity for a gene does not count. Below a probability of 0.5 the type is "unsure".

    Returns n types and the n probabilities of the likeliest type.
    """
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier

    if reference.genes != query.genes:
        raise ValueError("reference and query must hold the same genes, in order")
    known = np.asarray(types != UNKNOWN)
    base = log_normalise(reference.expression, reference.scale)[known]
    mean, spread = _moments(base)
    chosen = np.sort(np.argsort(-spread, kind="stable")[:_MOST_GENES])
    standard = _standardise(base[:, chosen], mean[chosen], spread[chosen])
    pca = PCA(min(COMPONENTS, *(size - 1 for size in standard.shape)), random_state=seed, svd_solver="randomized")
    neighbours = KNeighborsClassifier(min(NEIGHBOURS, len(standard)), weights="distance")
    neighbours.fit(pca.fit_transform(standard), types[known].astype(str))
    target = log_normalise(query.expression, query.scale)[:, chosen]
    mean, spread = _moments(target)
    shares = [
        neighbours.predict_proba(pca.transform(_standardise(target[start : start + _BLOCK], mean, spread)))
        for start in range(0, target.shape[0], _BLOCK)
    ]
    share = np.concatenate(shares)
    probability = share.max(axis=1).astype(np.float32)
    found = neighbours.classes_[share.argmax(axis=1)].astype(object)
    return np.where(probability >= SURE_FROM, found, UNSURE), probability


def cluster_types(values: csr_matrix, scale: Any, resolution: float = 1.0, seed: int = 0) -> NDArray[np.object_]:
    """Leiden clusters as types: "cluster 1" is the largest."""
    labels = leiden(values, scale, resolution, seed)
    width = len(str(labels.max() + 1))
    return np.array([f"cluster {label + 1:0{width}d}" for label in labels], dtype=object)


def _by_reference(
    record: DatasetRecord, reference: DatasetRecord, orthologues: str | None, seed: int, job: Job
) -> _Found:
    if not reference.has_types:
        raise DataError(
            f"{reference.name!r} names no cell types.",
            "There is nothing to transfer.",
            "Group the cells by expression (Leiden), or add the reference again with --type-column.",
        )
    job.stage(f"transferring types from {reference.name}")
    plan = plan_genes(record, reference, None, orthologues)
    ours, theirs = (read_cells(part, plan.input_genes, plan.measured[part.id]) for part in (record, reference))
    labels = matrix.obs(reference.id, ["type"])["type"].astype(str).to_numpy(dtype=object)
    types, probability = transfer_types(theirs, labels, ours, seed)
    unsure = float(np.mean(types == UNSURE))
    genes = len(plan.input_genes)
    source = (
        f"Transferred from {reference.name} (k-nearest neighbours, {genes:,} shared genes): predictions, not "
        f"annotations; {unsure:.0%} unsure. A type that the reference lacks cannot be found."
    )
    if record.spots:
        source += " A spot holds several cells: its type is the likeliest of them."
    facts = {"source": source, "types": len(set(types) - {UNSURE}), "unsure": round(unsure, 4), "shared_genes": genes}
    return types, probability, facts


def _by_clusters(record: DatasetRecord, seed: int, job: Job) -> _Found:
    job.stage("grouping cells by expression")
    values, _ = matrix.load_csr(record.id)
    types = cluster_types(values, record.scale, seed=seed)
    number = len(set(types))
    source = f"{number} groups of similar expression (Leiden, resolution 1): numbered, not named."
    facts = {"source": source, "types": number, "unsure": 0.0, "shared_genes": record.n_genes}
    return types, np.full(len(types), np.nan, dtype=np.float32), facts


def _moments(values: csr_matrix) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    mean = np.asarray(values.mean(axis=0), dtype=np.float64).ravel()
    square = np.asarray(values.multiply(values).mean(axis=0), dtype=np.float64).ravel()
    return mean.astype(np.float32), np.sqrt(np.maximum(square - mean**2, 0.0)).astype(np.float32)


def _standardise(values: csr_matrix, mean: NDArray[np.float32], spread: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled = (values.toarray() - mean) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.clip(scaled, -_CLIP, _CLIP), dtype=np.float32)
