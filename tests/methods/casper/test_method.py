from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from scipy.sparse import csr_matrix

from backend.errors import DataError, UserError
from backend.methods.casper import centroids
from backend.methods.casper.config import CasperConfig
from backend.methods.casper.method import METHOD, CasperFitted
from backend.methods.contract import Cells
from backend.methods.imputation import FoldView
from tests.methods.casper.simulated import FakeRun, Truth, mean_pcc, simulate

SMALL = CasperConfig(epochs=8, hidden=32, width=16, heads=2, batch_size=64, resolution=1.0)
TRAIN = np.arange(350)
TEST = np.arange(350, 500)


def fit(view: FoldView, folder: Path, config: CasperConfig = SMALL, seed: int = 0) -> CasperFitted:
    return METHOD.fit(view, config, FakeRun(folder, seed=seed))


def told(fitted: CasperFitted, folder: Path) -> np.ndarray:
    return fitted.impute(fitted.basis.view.target_genes, FakeRun(folder)).values


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate()


@pytest.fixture(scope="module")
def unmeasured(truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> CasperFitted:
    return fit(truth.view, tmp_path_factory.mktemp("gene"))


@pytest.fixture(scope="module")
def region(truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> CasperFitted:
    return fit(truth.measured_in(TRAIN), tmp_path_factory.mktemp("region"))


def test_a_gene_that_was_never_measured_follows_its_type(
    truth: Truth, unmeasured: CasperFitted, tmp_path: Path
) -> None:
    values = told(unmeasured, tmp_path)
    assert mean_pcc(np.log1p(truth.expected), values) > 0.6
    assert abs(mean_pcc(truth.expected, np.random.default_rng(0).permutation(values))) < 0.1
    imputed = unmeasured.impute(truth.view.target_genes, FakeRun(tmp_path))
    assert imputed.units == "tissue"
    assert imputed.doubt is not None
    assert imputed.doubt.shape == (len(imputed.genes),)
    assert imputed.doubt.min() > 0
    # Levels are guessed from the reference: on average they are those of the tissue, within a factor.
    assert 0.5 < values.mean() / np.log1p(truth.counts).mean() < 2.0


def test_a_measured_gene_is_told_in_cells_that_were_not_trained_on(
    truth: Truth, region: CasperFitted, tmp_path: Path
) -> None:
    values = told(region, tmp_path)
    assert mean_pcc(np.log1p(truth.expected)[TEST], values[TEST]) > 0.6
    assert abs(values[TEST].mean() / np.log1p(truth.counts[TEST]).mean() - 1) < 0.2


@pytest.mark.parametrize("mode", ["unmeasured", "region"])
def test_attention_is_kept_for_every_cell(mode: str, truth: Truth, request: pytest.FixtureRequest) -> None:
    attention = request.getfixturevalue(mode).attention()
    n_tissue, n_reference = truth.view.tissue.n_cells, truth.view.reference.n_cells
    assert attention.weights.shape == (n_tissue, attention.members.max() + 1)
    assert attention.members.shape == (n_reference,)
    assert np.allclose(attention.weights.sum(axis=1), 1.0, atol=1e-5)
    assert attention.weights.min() >= 0


def test_a_portion_of_the_genes_is_told_as_all_of_them_are(unmeasured: CasperFitted, tmp_path: Path) -> None:
    genes = unmeasured.basis.view.target_genes
    one = unmeasured.impute(genes[3:4], FakeRun(tmp_path)).values
    assert np.allclose(one[:, 0], told(unmeasured, tmp_path)[:, 3], atol=1e-6)


def test_the_controls_know_nothing_of_the_gene(truth: Truth, unmeasured: CasperFitted, tmp_path: Path) -> None:
    zero = told(fit(truth.view, tmp_path / "z", SMALL.model_copy(update={"centroids": "zero"})), tmp_path)
    assert np.ptp(zero, axis=0).max() < 1e-5
    shuffled = told(fit(truth.view, tmp_path / "s", SMALL.model_copy(update={"centroids": "shuffled"})), tmp_path)
    real = mean_pcc(truth.expected, told(unmeasured, tmp_path))
    assert mean_pcc(truth.expected, shuffled) < real - 0.3


def test_without_a_reference_the_other_mode_still_reads_the_tissue(
    truth: Truth, region: CasperFitted, tmp_path: Path
) -> None:
    """The residual query makes it a regression of its own: the control must differ, and need not be worse."""
    zero = fit(truth.measured_in(TRAIN), tmp_path, SMALL.model_copy(update={"centroids": "zero"}))
    assert not np.allclose(told(zero, tmp_path), told(region, tmp_path))
    assert mean_pcc(truth.expected[TEST], told(zero, tmp_path)[TEST]) > 0.5
    assert np.ptp(zero.attention().weights, axis=1).max() < 1e-5


@pytest.mark.parametrize("mode", ["unmeasured", "region"])
def test_saved_and_loaded_it_says_the_same(mode: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    fitted = request.getfixturevalue(mode)
    fitted.save(tmp_path)
    again = METHOD.load(tmp_path, fitted.basis.view)
    assert np.array_equal(told(again, tmp_path), told(fitted, tmp_path))
    assert np.array_equal(again.attention().weights, fitted.attention().weights)
    other = replace(fitted.basis.view, target_genes=fitted.basis.view.target_genes[:-1], known=None)
    with pytest.raises(DataError, match="other cells or genes"):
        METHOD.load(tmp_path, other)


@pytest.mark.parametrize("mode", ["unmeasured", "region"])
def test_a_killed_training_resumes_to_the_same_bits(mode: str, truth: Truth, tmp_path: Path) -> None:
    view = truth.view if mode == "unmeasured" else truth.measured_in(TRAIN)
    config = SMALL.model_copy(update={"epochs": 3})
    whole = FakeRun(tmp_path / "whole")
    METHOD.fit(view, config, whole).save(tmp_path / "a")
    for kill_at in (2, whole.steps_seen[-1]):  # in a trial, and in the last training
        folder = tmp_path / f"killed-{kill_at}"
        with pytest.raises(KeyboardInterrupt):
            METHOD.fit(view, config, FakeRun(folder, kill_at=kill_at))
        again = FakeRun(folder)
        METHOD.fit(view, config, again).save(tmp_path / "b")
        assert again.steps_seen == [step for step in whole.steps_seen if step > kill_at]
        a, b = (load_file(tmp_path / name / "weights.safetensors") for name in "ab")
        assert all(np.array_equal(a[name], b[name]) for name in a)


def test_the_cells_that_are_asked_about_decide_nothing(truth: Truth, tmp_path: Path) -> None:
    """Poisoned measurements outside the known rows cannot be in the view; the known ones decide alone."""
    poisoned = replace(truth, counts=np.where(np.isin(np.arange(500), TRAIN)[:, None], truth.counts, 1e6))
    results = [fit(one.measured_in(TRAIN), tmp_path / name) for name, one in (("a", truth), ("b", poisoned))]
    assert np.array_equal(*(told(result, tmp_path) for result in results))


def test_stopped_early_it_keeps_what_it_has(truth: Truth, tmp_path: Path) -> None:
    run = FakeRun(tmp_path, stop_at=2)
    fitted = METHOD.fit(truth.view, SMALL, run)
    assert fitted.stopped_at == 2
    assert np.isfinite(told(fitted, tmp_path)).all()


def test_divergence_is_said_and_leaves_no_holes(truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.methods.casper import train

    calls = iter([0.5, float("nan")])
    monkeypatch.setattr(train.Stage, "pass_once", lambda stage, number: next(calls))
    fitted = fit(truth.view, tmp_path / "later")
    assert fitted.stopped_at == 1
    assert np.isfinite(told(fitted, tmp_path)).all()
    calls = iter([float("nan")])
    with pytest.raises(UserError, match="diverged"):
        fit(truth.view, tmp_path / "at-once")


@pytest.mark.parametrize("case", ["twenty cells", "two groups", "one type", "constant genes", "two inputs", "log"])
def test_poor_references_give_numbers(case: str, tmp_path: Path) -> None:
    truth = simulate(n_tissue=120, n_reference=20 if case == "twenty cells" else 80, n_inputs=12, n_targets=4)
    view = truth.view
    tissue, reference = view.tissue, view.reference
    counts = reference.expression.toarray()
    if case == "two groups":
        counts = counts[[0, 1]]
    elif case == "one type":
        counts = np.tile(counts[:1], (80, 1))
    elif case == "constant genes":
        counts[:, [0, 13]] = 0.0
        seen = tissue.expression.toarray()
        seen[:, 1] = 0.0
        tissue = replace(tissue, expression=csr_matrix(seen))
    elif case == "two inputs":
        few = tissue.expression[:, :2].toarray()
        few[few.sum(axis=1) == 0, 0] = 1.0
        tissue = Cells(csr_matrix(few), tissue.genes[:2], "counts", tissue.coordinates)
    scale = "log" if case == "log" else "counts"
    values = csr_matrix(np.log1p(counts) if case == "log" else counts, dtype=np.float32)
    poor = replace(view, tissue=tissue, reference=Cells(values, reference.genes, scale))
    config = SMALL.model_copy(update={"epochs": 2})
    known = replace(truth, view=poor).measured_in(np.arange(60))
    for name, seen_as in (("gene", poor), ("region", known)):
        fitted = fit(seen_as, tmp_path / name, config)
        imputed = fitted.impute(poor.target_genes, FakeRun(tmp_path))
        assert np.isfinite(imputed.values).all()
        assert imputed.doubt is None or np.isfinite(imputed.doubt).all()
        assert np.isfinite(fitted.attention().weights).all()


def test_one_reference_is_grouped_once(truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    centroids._GROUPED.clear()
    first = centroids.group_cells(truth.view.reference, 1.0)
    monkeypatch.setattr(centroids, "leiden", lambda *_, **__: pytest.fail("grouped twice"))
    assert np.array_equal(centroids.group_cells(replace(truth.view.reference), 1.0), first)
