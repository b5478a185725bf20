"""What a reader hands to the doctor: everything found in the file, nothing decided yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.records import Answers


@dataclass
class Matrix:
    """One expression matrix of the file. values: cells x features, CSR. features: index = names as in the file, with
    columns such as `gene_ids`, `feature_types`, `gene_symbols` where the file has them."""

    values: csr_matrix
    features: pd.DataFrame


@dataclass
class Raw:
    """matrices: "X", "raw", "layers/NAME", all over the same cells. obs: index = cell ids.
    coordinates: name ("obsm/spatial", "obs/x_centroid,y_centroid") -> n x 2, best guess first; empty if there are none.
    hints: answers that the format itself fixes (a Xenium run is in um), with the reason in `reasons`.
    excluded: control probes that the format itself keeps apart, name -> total count. controls: their counts per cell.
    notes: sentences for the user about what was joined or left out while reading."""

    source: str
    matrices: dict[str, Matrix]
    obs: pd.DataFrame
    coordinates: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    hints: Answers = field(default_factory=Answers)
    reasons: dict[str, str] = field(default_factory=dict)
    excluded: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    controls: NDArray[np.float64] | None = None
