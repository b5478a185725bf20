from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend.errors import Stopped, UserError
from backend.evaluation.context_track import COMPARATORS
from backend.evaluation.run import train
from backend.store.arrays import column_genes, read_column, read_columns
from backend.store.layout import read_json
from tests.evaluation.small_study import (
    GENES,
    SmallJob,
    make_reference,
    make_run,
    make_tissue,
    write_dataset,
    write_study,
)
from tests.evaluation.tiny_method import Tiny


def params(validation: bool = False, **config: object) -> dict[str, object]:
    return make_run(validation, **config).model_dump(mode="json", exclude={"created", "owner"})


def scored(job: SmallJob) -> bytes:
    return (job.result / "scores.parquet").read_bytes()


def weights(job: SmallJob, name: str) -> bytes:
    return (job.folder / "checkpoint" / name / "fitted" / "weights.safetensors").read_bytes()


@pytest.mark.usefixtures("every_comparator")
def test_halves_leave_what_the_pages_read(job: SmallJob) -> None:
    write_study()
    brief = train(params(), job)
    assert "stopped_at" not in brief
    scores = pd.read_parquet(job.result / "scores.parquet")
    assert len(scores) == 12 * 2 * (1 + len(COMPARATORS))
    assert not scores.duplicated(["gene", "method", "self_loop"]).any()
    assert set(scores.method) == {"tiny", *COMPARATORS}
    assert set(scores.fold) == {"both halves"}
    by_fold = pd.read_parquet(job.result / "scores_by_fold.parquet")
    assert set(by_fold.fold) == {"held-out-1", "held-out-2"}
    summary = read_json(job.result / "summary.json")
    assert brief["median"] == scores[(scores.method == "tiny") & ~scores.self_loop].pcc.median()
    assert summary["verdict"] == brief["verdict"]
    assert summary["sigma_um"] == 20
    assert 0 < summary["ceiling"] <= 1
    assert (job.result / "fits" / "final" / "weights.safetensors").exists()
    reference, genes = read_columns(job.result / "context_d-reference.zarr")
    assert genes == GENES[:12]
    assert reference.shape == (90, 12)
    held_out, _ = read_columns(job.result / "held_out_d-tissue.zarr")
    in_buffer = np.isnan(held_out).all(axis=1)
    assert 0 < in_buffer.sum() < 250
    assert not np.isnan(held_out[~in_buffer]).any()
    truth = read_column(job.result / "truth_d-tissue.zarr", "GENE03")
    seen = ~in_buffer & ~np.isnan(truth)
    assert np.corrcoef(truth[seen], held_out[seen, 3])[0, 1] > 0.3
    assert not (job.result / "context_d-tissue.zarr").exists()


def test_progress_only_grows_and_ends_full(job: SmallJob) -> None:
    write_study()
    train(params(steps=4), job)
    shares = [step / steps for step, steps in job.reports]
    assert shares == sorted(shares)
    assert job.reports[-1] == (12, 12)


def test_a_validation_tissue_is_scored_by_the_only_fit_and_never_trained_on(job: SmallJob) -> None:
    write_study(validation=True)
    train(params(validation=True), job)
    assert Tiny.fits == 1
    scores = pd.read_parquet(job.result / "scores.parquet")
    assert set(scores.fold) == {"validation"}
    assert scores.n_cells.max() <= 300
    assert read_json(job.result / "manifest.json")["input_genes"] == list(GENES[:14])
    assert column_genes(job.result / "truth_d-validation.zarr") == GENES[:12]
    assert read_columns(job.result / "context_d-validation.zarr")[0].shape == (300, 12)
    assert not (job.result / "held_out_d-tissue.zarr").exists()


def test_poison_in_the_validation_tissue_changes_no_weight(
    job: SmallJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(validation=True)
    train(params(validation=True), job)
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "another"))
    write_study()
    write_dataset("validation", "validation", make_tissue(9, n_cells=300, n_genes=14))
    other = SmallJob(tmp_path / "another" / "jobs" / "tiny-run")
    train(params(validation=True), other)
    assert weights(other, "final") == weights(job, "final")
    assert scored(other) != scored(job)


@pytest.mark.parametrize("half", ["left", "right"])
def test_poison_in_the_half_that_is_held_out_changes_no_weight(
    half: str, job: SmallJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The held-out half's expression, and everything else that the file says of its cells, become random numbers."""
    clean = make_tissue(0, sections=2)
    write_dataset("tissue", "tissue", clean)
    write_dataset("reference", "reference", make_reference(1))
    train(params(), job)
    middle = np.array([np.median(clean["xy"][clean["section"] == label, 0]) for label in clean["section"]])
    offset = clean["xy"][:, 0] - middle
    beyond = offset > 30 if half == "right" else offset < -30
    rng = np.random.default_rng(99)
    counts = np.where(beyond[:, None], rng.poisson(5.0, clean["counts"].shape), clean["counts"])
    labels: dict[str, object] = {"type": np.where(beyond, rng.choice(["a", "b"], len(beyond)), "a")}
    labels |= {name: np.where(beyond, rng.random(len(beyond)), 0) for name in ("counts", "umap_1", "umap_2")}
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "another"))  # a data set's content never changes in place
    write_dataset("tissue", "tissue", {**clean, "counts": counts, "obs": labels}, has_types=True)
    write_dataset("reference", "reference", make_reference(1))
    poisoned = SmallJob(tmp_path / "another" / "jobs" / "tiny-run")
    train(params(), poisoned)
    blind, shown = ("held-out-1", "held-out-2") if half == "right" else ("held-out-2", "held-out-1")
    assert weights(poisoned, blind) == weights(job, blind)
    assert weights(poisoned, shown) != weights(job, shown)  # the poison was there


def test_a_killed_run_goes_on_where_a_fit_was_complete_and_ends_the_same(job: SmallJob) -> None:
    write_study()
    train(params(steps=5), job)
    whole = weights(job, "final"), scored(job)
    shutil.rmtree(job.folder)
    killed = SmallJob(job.folder, cancel_at=8)  # in the middle of the second fit
    with pytest.raises(Stopped):
        train(params(steps=5), killed)
    shutil.rmtree(killed.result)
    Tiny.fits = 0
    resumed = SmallJob(job.folder)
    train(params(steps=5), resumed)
    assert Tiny.fits == 2
    assert resumed.reports[0] == (6, 15)
    assert (weights(job, "final"), scored(job)) == whole


@pytest.mark.parametrize(("stop_at", "folds"), [(2, 1), (8, 1), (12, 2)])
def test_a_stopped_run_keeps_a_fit_that_was_scored(job: SmallJob, stop_at: int, folds: int) -> None:
    write_study()
    job.stop_at = stop_at
    brief = train(params(steps=5), job)
    assert brief["stopped_at"] == stop_at
    summary = read_json(job.result / "summary.json")
    assert (summary["stopped"], summary["folds"]) == (True, folds)
    kept = read_json(job.result / "fits" / "final" / "manifest.json")["stopped_at"]
    assert kept == (2 if stop_at == 2 else None)
    assert not (job.folder / "checkpoint" / "final" / "fitted").exists()
    held_out, _ = read_columns(job.result / "held_out_d-tissue.zarr")
    assert np.isnan(held_out).all(axis=1).mean() > (0.5 if folds == 1 else 0.1)
    assert (job.result / "context_d-reference.zarr").exists()


def test_a_run_of_another_version_of_its_method_is_refused(job: SmallJob) -> None:
    write_study()
    with pytest.raises(UserError, match="version 7"):
        train({**params(), "version": 7}, job)


def test_the_files_of_a_result_are_what_was_promised(job: SmallJob) -> None:
    write_study()
    train(params(), job)
    assert {path.name for path in Path(job.result).iterdir()} == {
        "fits", "summary.json", "manifest.json", "scores.parquet", "scores_by_fold.parquet",
        "context_d-reference.zarr", "truth_d-tissue.zarr", "held_out_d-tissue.zarr",
    }  # fmt: skip
