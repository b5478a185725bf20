"""Which of the tested cells one looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scope:
    """by: "all", "type", "niche" or "cell". name: of the group, or of the cell with its type. rows: of the test."""

    by: str
    name: str
    rows: NDArray[np.integer[Any]]

    def heads(self, found: Any) -> pd.DataFrame:
        """layer, head, gene, weight of these cells."""
        if self.by == "cell":
            table: pd.DataFrame = found.tables["cell_heads"]
            return table[table["row"].isin(self.rows)]
        table = found.tables["heads"]
        return table[(table["by"] == self.by) & (table["group"] == self.name)]
