from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.analysis.imputation import next_panel_job
from backend.analysis.imputation.next_panel_job import propose
from backend.errors import DataError
from tests.evaluation.small_study import SmallJob, write_dataset

SHARED = tuple(f"GENE{i:02d}" for i in range(30))
BEYOND = (*(f"NEW{i}" for i in range(10)), "MT-ND1", "RPL3", "AL512646.1", "SELDOM1")
PARAMS = {"tissue": "d-tissue", "reference": "d-reference", "count": 5, "seed": 0, "version": 1}


def write_pair(beyond: tuple[str, ...] = BEYOND) -> None:
    """NEW0 to NEW4 move together and with nothing on the panel; the others follow the panel's own factor."""
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 300, (150, 2)).astype(np.float32)
    data = {"genes": SHARED, "xy": xy, "section": np.full(150, "S0"), "counts": rng.poisson(2, (150, len(SHARED)))}
    write_dataset("tissue", "tissue", data)
    own, new = rng.normal(size=(2, 300, 1))
    rate = np.exp(np.hstack([np.repeat(own, len(SHARED), 1), np.repeat(new, 5, 1), np.repeat(own, 9, 1)]) * 0.8)
    counts = rng.poisson(0.8 * rate)
    counts[:, -1] *= rng.random(300) < 0.02  # SELDOM1
    keep = len(SHARED) + len(beyond)
    write_dataset("reference", "reference", {"genes": (*SHARED, *beyond), "counts": counts[:, :keep]})


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallJob:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(next_panel_job, "simulate", lambda *given: SIMULATE(*given, 2, 2))
    return SmallJob(tmp_path / "job")


SIMULATE = next_panel_job.simulate


def test_a_list_with_its_test(job: SmallJob) -> None:
    write_pair()
    facts = propose(PARAMS, job)
    table = pd.read_parquet(job.result / "genes.parquet")
    assert table["gene"].iloc[0] in {f"NEW{i}" for i in range(5)}
    assert not {"MT-ND1", "RPL3", "AL512646.1", "SELDOM1"} & set(table["gene"])
    assert table["cumulative"].iloc[-1] == pytest.approx(table["gain"].sum())
    assert table["rank"].tolist() == list(range(1, len(table) + 1))
    assert set(table["nearest"]) <= set(SHARED)
    assert facts["tested"]
    assert facts["added"] == 5
    assert set(facts["against"]) == {"most variable", "random"}
    tests = pd.read_parquet(job.result / "tests.parquet")
    assert set(tests["gene"]) <= set(SHARED)
    assert job.reports[-1] == (3, 3)


def test_a_reference_without_other_genes_is_refused(job: SmallJob) -> None:
    write_pair(beyond=())
    with pytest.raises(DataError, match="no gene to propose"):
        propose(PARAMS, job)


def test_a_panel_too_small_to_be_halved_is_listed_and_not_tested(
    job: SmallJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(next_panel_job, "FEWEST_GENES", 31)
    write_pair()
    facts = propose(PARAMS, job)
    assert not facts["tested"]
    assert "30 shared genes" in facts["why_not"]
    assert not (job.result / "tests.parquet").exists()


def test_of_too_many_genes_those_that_vary_beyond_their_mean_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 rare genes and 20 common ones; every fourth is on in few cells and off elsewhere. Even the plain common genes
    vary more than the rare ones that are asked for."""
    monkeypatch.setattr(next_panel_job, "MOST_OPEN", 10)
    monkeypatch.setattr(next_panel_job, "_BINS", 2)
    rng = np.random.default_rng(0)
    mean = np.repeat([0.2, 1.0], 20)
    counts = rng.poisson(mean, (500, 40)).astype(np.float32)
    counts[:, ::4] = np.where(rng.random((500, 10)) < 0.1, 20 * mean[::4], 0.0)
    logged = csr_matrix(np.log1p(np.hstack([np.ones((500, 2), np.float32), counts])))
    chosen = next_panel_job._worth_asking(logged, 2, tuple(f"G{i}" for i in range(40)))
    assert chosen.tolist() == list(range(2, 42, 4))
