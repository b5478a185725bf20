"""What an imputed gene is compared with (methods.md §8: T1, T2, T3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, diags

from backend.evaluation.genes.source import Seen, columns
from backend.methods.contract import Cells, Floats
from backend.methods.imputation import depths


def at_input_depth(tissue: Cells, seen: Seen, targets: Sequence[str]) -> Floats:
    """T1, the primary truth: log1p of the targets' counts, scaled by size factors of the input genes alone.

    n cells of the view x len(targets). A total that held the targets would tell of them (trap 5)."""
    measured = columns(tissue, targets)
    linear = measured.expression.expm1() if tissue.scale == "log" else measured.expression
    total = depths(seen.view.tissue)
    factor = diags(float(np.median(total)) / total)
    return np.log1p(np.asarray((factor @ csr_matrix(linear)[seen.rows]).todense(), dtype=np.float32))
