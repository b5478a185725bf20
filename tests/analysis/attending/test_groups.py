from __future__ import annotations

import numpy as np

from backend.analysis.attending.groups import balanced, predicted_niches


def test_each_type_is_taken_as_often_as_it_has_cells_for() -> None:
    types = np.array(["common"] * 500 + ["rare"] * 10 + ["some"] * 90)
    rows = balanced(types, 60, seed=0)
    names, counts = np.unique(types[rows], return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist())) == {"common": 25, "rare": 10, "some": 25}
    assert list(rows) == sorted(set(rows.tolist()))
    assert len(balanced(types, 5000, seed=0)) == 600


def test_niches_are_cells_of_like_surroundings_named_by_what_is_raised_there() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], [80, 40])
    contexts = rng.uniform(0.0, 0.1, (120, 12))
    contexts[truth == 1, 3:5] += 0.5
    names = predicted_niches(contexts, tuple(f"G{gene}" for gene in range(12)), seed=0)
    raised = np.char.find(names, "G3") + np.char.find(names, "G4") > 0
    assert (raised == (truth == 1)).mean() > 0.95
    assert names[0].startswith("niche ")
    largest = max(set(names.tolist()), key=names.tolist().count)
    assert largest.startswith("niche 1: ")


def test_few_cells_are_one_niche() -> None:
    names = predicted_niches(np.random.default_rng(0).random((25, 5)), tuple("ABCDE"), seed=0)
    assert len(set(names.tolist())) == 1
