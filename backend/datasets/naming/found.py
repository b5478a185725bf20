"""What every way of naming cells gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

UNSURE = "unsure"  # the name of a cell that got no name


@dataclass(frozen=True)
class Found:
    """types: n names, one per cell in the data set's order. probability: n float32, NaN where nothing was estimated.
    source: where the types come from, in a sentence. facts: what else the page shows, as JSON. tables: further
    results, written as `<name>.parquet`. extra: columns of n values beside type and probability."""

    types: NDArray[np.object_]
    probability: NDArray[np.float32]
    source: str
    facts: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    extra: dict[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def unsure(self) -> float:
        """The share of cells without a name."""
        return float(np.mean(self.types == UNSURE))
