from __future__ import annotations

import json

import numpy as np
import pytest

from backend.errors import GeneMismatch
from backend.evaluation.predict import predict
from backend.evaluation.run import train
from backend.store.arrays import read_columns
from tests.evaluation.small_study import (
    GENES,
    SmallJob,
    make_reference,
    make_run,
    make_tissue,
    write_dataset,
    write_study,
)


@pytest.fixture
def trained(job: SmallJob) -> SmallJob:
    """A finished run, and the job that applies it."""
    write_study()
    train(make_run().model_dump(mode="json", exclude={"created", "owner"}), job)
    return SmallJob(job.settings.home / "jobs" / "predict-1")


def test_genes_are_aligned_by_name_and_missing_ones_counted(trained: SmallJob) -> None:
    data = make_reference(5)
    kept = [9, 8, 7, 6, 5, 4, 3, 2, 1, 13]
    fewer = {"counts": data["counts"][:, kept], "genes": [GENES[i] for i in kept]}
    write_dataset("fewer", "reference", fewer)
    facts = predict({"run": "tiny-run", "dataset": "d-fewer"}, trained)
    assert facts["missing"] == ["GENE00", "GENE10", "GENE11"]
    assert (facts["found"], facts["genes"]) == (9, 12)
    assert "3 of 12" in facts["words"]
    assert facts == json.loads((trained.result / "facts.json").read_text())
    whole = {"counts": data["counts"].copy(), "genes": GENES[:14]}
    whole["counts"][:, [0, 10, 11]] = 0
    write_dataset("whole", "reference", whole)
    other = SmallJob(trained.folder.with_name("predict-2"))
    predict({"run": "tiny-run", "dataset": "d-whole"}, other)
    np.testing.assert_array_equal(
        read_columns(trained.result / "context_d-fewer.zarr")[0], read_columns(other.result / "context_d-whole.zarr")[0]
    )


def test_a_tissue_gets_its_measured_context_beside(trained: SmallJob) -> None:
    write_dataset("section", "tissue", make_tissue(7))
    facts = predict({"run": "tiny-run", "dataset": "d-section"}, trained)
    assert facts["missing"] == []
    assert read_columns(trained.result / "truth_d-section.zarr")[0].shape == (500, 12)


def test_too_few_genes_are_refused(trained: SmallJob) -> None:
    data = make_reference(5)
    write_dataset("poor", "reference", {"counts": data["counts"][:, :5], "genes": GENES[:5]})
    with pytest.raises(GeneMismatch, match="5 of the 12"):
        predict({"run": "tiny-run", "dataset": "d-poor"}, trained)
    assert not list(trained.result.iterdir())
