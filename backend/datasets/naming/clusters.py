"""Groups of similar expression as cell types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.expression import leiden
from backend.datasets.naming.found import Found
from backend.records import DatasetRecord
from backend.store import matrix

if TYPE_CHECKING:
    from backend.training.job import Job


def by_clusters(record: DatasetRecord, params: dict[str, Any], job: Job) -> Found:
    """params: resolution (1 where it is not named), seed."""
    job.stage("grouping cells by expression")
    values, _ = matrix.load_csr(record.id)
    resolution = float(params.get("resolution", 1.0))
    types = cluster_types(values, record.scale, resolution, int(params.get("seed", 0)))
    number = len(set(types))
    source = f"{number} groups of similar expression (Leiden, resolution {resolution:g}): numbered, not named."
    unknown = np.full(len(types), np.nan, dtype=np.float32)
    return Found(types, unknown, source, {"types": number, "shared_genes": record.n_genes})


def cluster_types(values: csr_matrix, scale: Any, resolution: float = 1.0, seed: int = 0) -> NDArray[np.object_]:
    """Leiden clusters as types: "cluster 1" is the largest."""
    labels = leiden(values, scale, resolution, seed)
    width = len(str(labels.max() + 1))
    return np.array([f"cluster {label + 1:0{width}d}" for label in labels], dtype=object)
