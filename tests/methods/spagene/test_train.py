from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from backend.methods.spagene.train import PearsonSums


def test_the_mean_correlation_is_that_of_numpy_however_the_cells_come() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(50, 4)), random.normal(3.0, 2.0, size=(50, 4))
    a[:, 1], b[:, 2] = 1.0, 0.0  # a constant prediction counts as 0; a gene that does not vary is left out
    sums = PearsonSums()
    for part in (slice(0, 7), slice(7, 50)):
        sums.add(torch.from_numpy(a[part]), torch.from_numpy(b[part]))
    expected = (np.corrcoef(a[:, 0], b[:, 0])[0, 1] + 0.0 + np.corrcoef(a[:, 3], b[:, 3])[0, 1]) / 3
    assert sums.mean_pcc() == pytest.approx(expected)


def test_predictions_that_are_no_numbers_are_not_taken_for_constants() -> None:
    sums = PearsonSums()
    sums.add(torch.tensor([[math.nan], [1.0]]), torch.tensor([[1.0], [2.0]]))
    assert math.isnan(sums.mean_pcc())
