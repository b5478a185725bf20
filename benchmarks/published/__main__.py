"""A published method in a process of its own: `python -m benchmarks.published FOLDER METHOD SEED EPOCHS`.

FOLDER holds the views that backend.evaluation.genes.bench writes; predictions and `facts.json` are left there."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from backend.evaluation.genes.bench.alone import peak_mb
from backend.evaluation.genes.bench.handed import REFERENCE, read_cells, read_view, write_imputed
from benchmarks.published import stdiff, stplus

METHODS = {"stplus": stplus, "stdiff": stdiff}


def main(folder: Path, method: str, seed: int, epochs: int) -> None:
    reference = read_cells(folder / REFERENCE)
    seconds = 0.0
    for path in sorted(folder.glob("view-*.npz")):
        view = read_view(path, reference)
        began = time.perf_counter()
        imputed = METHODS[method].impute(view, seed, epochs or METHODS[method].EPOCHS)
        seconds += time.perf_counter() - began
        write_imputed(folder / f"{method}-{path.stem.split('-')[1]}.npz", imputed)
    (folder / "facts.json").write_text(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
