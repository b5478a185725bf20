"""A tissue and a reference as the doctor writes them, small enough to count by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.datasets import canonical
from backend.datasets.versions.make import make
from backend.records import DatasetRecord, Recipe
from backend.store import index
from tests.datasets.desk import Desk
from tests.datasets.raws import counts, look, make_raw

N_CELLS = 240


def tissue(**obs: Any) -> DatasetRecord:
    """Two sections, L and R, of 120 cells each, on squares of 110 um that are 500 um apart; types a, b, c in turn."""
    rng = np.random.default_rng(1)
    grid = np.array([(i % 11, i // 11) for i in range(120)]) * 10.0 + rng.uniform(-2, 2, (120, 2))
    places = np.concatenate([grid, grid + (600.0, 0.0)])
    columns = {
        "section": ["L"] * 120 + ["R"] * 120,
        "cell_type": list("abc") * 80,
        "area_um2": np.linspace(40, 160, N_CELLS),
        "batch_no": np.arange(N_CELLS),
        **obs,
    }
    raw = make_raw(counts(N_CELLS), obs=columns, where=places)
    return _kept(canonical.write(look(raw, unit="um").require(), "Lung"))


def reference(sizes: dict[str, int]) -> DatasetRecord:
    names = [name for name, size in sizes.items() for _ in range(size)]
    raw = make_raw(counts(len(names)), obs={"cell_type": names}, where=False)
    return _kept(canonical.write(look(raw, "reference").require(), "Atlas"))


def _kept(record: DatasetRecord) -> DatasetRecord:
    index.put(record)
    return record


def version(parent: DatasetRecord, recipe: Recipe, desk: Desk, name: str = "a version") -> DatasetRecord:
    done = make({"dataset": parent.id, "recipe": recipe.model_dump(mode="json"), "name": name}, desk)  # type: ignore[arg-type]
    return index.get(DatasetRecord, done["dataset"])
