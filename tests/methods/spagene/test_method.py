from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.sparse import csr_matrix

from backend.errors import DataError, UserError
from backend.evaluation.genes.source import GenePair, cut_view
from backend.methods.contract import Cells
from backend.methods.imputation import FoldView
from backend.methods.spagene import train
from backend.methods.spagene.config import SpageneConfig, card
from backend.methods.spagene.method import METHOD, SpageneFitted
from tests.methods.scxm.simulated import FakeRun, median_pcc, simulate

SMALL = {"autoencoder_epochs": 1, "epochs": 2, "batch_size": 32, "reference_genes": 30}


def small_view(n_inputs: int = 20, n_tissue: int = 150) -> FoldView:
    truth = simulate(n_tissue=n_tissue, n_reference=100)
    return cut_view(GenePair(truth.tissue, truth.reference), truth.genes[:n_inputs], truth.genes[n_inputs:]).view


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[SpageneFitted, FakeRun]:
    """Forty genes are read; twenty are known from the reference alone, ten of these to its auto-encoder."""
    truth = simulate(n_tissue=600)
    seen = cut_view(GenePair(truth.tissue, truth.reference), truth.genes[:40], truth.genes[40:])
    run = FakeRun(tmp_path_factory.mktemp("fit"))
    return METHOD.fit(seen.view, SpageneConfig(reference_genes=50), run), run


def test_it_imputes_genes_that_the_tissue_never_showed(learnt: tuple[SpageneFitted, FakeRun]) -> None:
    fitted, run = learnt
    truth = simulate(n_tissue=600)
    found = fitted.impute(truth.genes[40:], run)
    assert found.values.shape == (600, 20)
    assert found.values.dtype == np.float32
    assert found.values.min() >= 0.0
    measured = truth.tissue.expression[:, 40:].toarray()
    shuffled = np.random.default_rng(0).permuted(found.values, axis=0)
    assert abs(median_pcc(measured, shuffled)) < 0.1
    assert median_pcc(measured, found.values) > 0.3
    # Against the gene's mean, which is the best constant: a line through the imputed values leaves less.
    left = [np.polyfit(x, y, 1, full=True)[1][0] for x, y in zip(found.values.T, measured.T)]
    assert np.mean(np.array(left) < 0.95 * len(measured) * measured.var(axis=0)) > 0.8
    assert 0.2 < run.metrics["training_pcc"] <= 1.0


def test_each_cell_gets_the_genes_of_its_niche(learnt: tuple[SpageneFitted, FakeRun]) -> None:
    fitted, run = learnt
    truth = simulate(n_tissue=600)
    assert truth.tissue.coordinates is not None
    niche = (truth.tissue.coordinates[:, 1] // 200).astype(int).clip(0, 2)
    values = fitted.impute(truth.genes[40:], run).values
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    raised = np.column_stack([standard[:, (np.arange(40, 60) % 3) == number].mean(axis=1) for number in range(3)])
    assert (raised.argmax(axis=1) == niche).mean() > 0.7


def test_any_of_the_genes_in_any_order(learnt: tuple[SpageneFitted, FakeRun]) -> None:
    fitted, run = learnt
    genes = fitted.view.target_genes
    whole = fitted.impute(genes, run).values
    picked = fitted.impute((genes[7], genes[2]), run)
    assert picked.genes == (genes[7], genes[2])
    assert np.allclose(picked.values, whole[:, [7, 2]], atol=1e-6)
    assert fitted.attention() is None
    assert picked.doubt is None


def test_nothing_but_the_view_is_read(tmp_path: Path) -> None:
    """Poison: the tissue's target genes are other numbers; every weight and every imputed value is the same."""
    truth = simulate(n_tissue=150, n_reference=100)
    values = truth.tissue.expression.toarray()
    values[:, 20:] = np.random.default_rng(9).poisson(50.0, values[:, 20:].shape)
    poisoned = replace(truth.tissue, expression=csr_matrix(values))
    for name, tissue in (("a", truth.tissue), ("b", poisoned)):
        view = cut_view(GenePair(tissue, truth.reference), truth.genes[:20], truth.genes[20:]).view
        METHOD.fit(view, SpageneConfig(**SMALL), FakeRun(tmp_path / f"run-{name}")).save(tmp_path / name)
    assert (tmp_path / "a/weights.safetensors").read_bytes() == (tmp_path / "b/weights.safetensors").read_bytes()


def test_a_killed_training_resumes_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_S", 0.0)
    view, config = small_view(), SpageneConfig(**SMALL)
    METHOD.fit(view, config, FakeRun(tmp_path / "whole")).save(tmp_path / "a")
    for kill_at in (11, 18, 27):  # second auto-encoder, first epoch of the translators and second
        folder = tmp_path / f"killed-{kill_at}"
        with pytest.raises(KeyboardInterrupt):
            METHOD.fit(view, config, FakeRun(folder, kill_at=kill_at))
        again = FakeRun(folder)
        METHOD.fit(view, config, again).save(tmp_path / "b")
        assert again.steps_seen[0] == kill_at + 1
        assert (tmp_path / "a/weights.safetensors").read_bytes() == (tmp_path / "b/weights.safetensors").read_bytes()
    other = FakeRun(tmp_path / "killed-18")
    METHOD.fit(view, SpageneConfig(**SMALL | {"lambda_cycle": 1.0}), other)
    assert other.steps_seen[0] == 1  # a checkpoint of other work is not used


def test_reporting_does_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, pause in (("often", 0.0), ("never", 1e9)):
        monkeypatch.setattr(train, "REPORT_S", pause)
        METHOD.fit(small_view(), SpageneConfig(**SMALL), FakeRun(tmp_path / f"run-{name}")).save(tmp_path / name)
    often, never = (tmp_path / f"{name}/weights.safetensors" for name in ("often", "never"))
    assert often.read_bytes() == never.read_bytes()


def test_the_epoch_kept_is_the_one_that_read_its_own_genes_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.3, 0.5, 0.4])
    monkeypatch.setattr(train.PearsonSums, "mean_pcc", lambda self: next(scores))
    three = METHOD.fit(small_view(), SpageneConfig(**SMALL | {"epochs": 3}), FakeRun(tmp_path / "three"))
    assert three.metrics["training_pcc"] == 0.5
    scores = iter([0.3, 0.5])
    two = METHOD.fit(small_view(), SpageneConfig(**SMALL), FakeRun(tmp_path / "two"))
    genes = two.view.target_genes
    run = FakeRun(tmp_path)
    assert np.array_equal(three.impute(genes, run).values, two.impute(genes, run).values)


def test_told_to_stop_it_keeps_what_it_has_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_S", 0.0)
    fitted = METHOD.fit(small_view(), SpageneConfig(**SMALL), FakeRun(tmp_path, stop_at=20))
    assert fitted.stopped_at == 20
    assert not fitted.about["diverged"]
    assert np.isfinite(fitted.impute(fitted.view.target_genes, FakeRun(tmp_path)).values).all()
    with pytest.raises(UserError, match="before the translators"):
        METHOD.fit(small_view(), SpageneConfig(**SMALL), FakeRun(tmp_path / "early", stop_at=5))


def test_divergence_is_told_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_S", 0.0)
    mad = SpageneConfig(**SMALL).model_copy(update={"translator_lr": 1e30})
    with pytest.raises(UserError, match="diverged"):
        METHOD.fit(small_view(), mad, FakeRun(tmp_path / "mad"))

    def lr(self: train.Training, step: int) -> float:
        return 1e-3 if step < self.frozen_from + self.per_epoch else math.inf

    monkeypatch.setattr(train.Training, "_translator_lr", lr)
    fitted = METHOD.fit(small_view(), SpageneConfig(**SMALL | {"epochs": 4}), FakeRun(tmp_path / "late"))
    assert fitted.stopped_at is not None
    assert fitted.about["diverged"]
    assert all(map(math.isfinite, fitted.metrics.values()))
    assert np.isfinite(fitted.impute(fitted.view.target_genes, FakeRun(tmp_path)).values).all()


def test_a_saved_model_imputes_the_same(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "fit")
    fitted = METHOD.fit(small_view(), SpageneConfig(**SMALL), run)
    fitted.save(tmp_path / "saved")
    loaded = METHOD.load(tmp_path / "saved", small_view())
    genes = fitted.view.target_genes
    assert np.array_equal(fitted.impute(genes, run).values, loaded.impute(genes, run).values)
    assert loaded.metrics == fitted.metrics
    assert sorted(file.name for file in (tmp_path / "saved").iterdir()) == ["manifest.json", "weights.safetensors"]
    assert all(np.isfinite(tensor).all() for tensor in load_file(tmp_path / "saved/weights.safetensors").values())
    with pytest.raises(DataError, match="other genes"):
        METHOD.load(tmp_path / "saved", small_view(n_inputs=21))


@pytest.mark.parametrize("settings", [{}, {"gan_mode": "released"}, {"lambda_adversary": 0.0}, {"depth": "raw"}])
def test_five_genes_some_of_them_constant(tmp_path: Path, settings: dict) -> None:
    """A gene that never varies in the tissue, one that the reference lacks in all cells, one constant target."""
    random = np.random.default_rng(0)
    tissue, reference = random.poisson(2.0, (80, 5)) + 1, random.poisson(4.0, (60, 8))
    tissue[:, 1], reference[:, 2], reference[:, 6] = 1, 0, 0
    genes = tuple("ABCDEFGH")
    view = FoldView(
        Cells(csr_matrix(tissue, dtype=np.float32), genes[:5], "counts"),
        Cells(csr_matrix(reference, dtype=np.float32), genes, "counts"),
        genes[5:],
    )
    fitted = METHOD.fit(view, SpageneConfig(**SMALL | settings), FakeRun(tmp_path))
    values = fitted.impute(genes[5:], FakeRun(tmp_path)).values
    assert np.isfinite(values).all()
    assert values[:, 1].max() == pytest.approx(0.0, abs=0.2)


def test_the_card() -> None:
    assert list(card.presets)[:3] == ["Quick look", "Standard", "Thorough"]
    for values in card.presets.values():
        config = SpageneConfig(**values)
        assert card.minutes(2000, 3000, config) > 0
        assert card.memory_gb(2000, 3000, 20_000, config) < 10
    assert card.where == "in the cell"
    published = SpageneConfig(**card.presets["Paper: MERFISH"])
    assert (published.lambda_cycle, published.lambda_critic, published.gan_mode) == (2.0, 1e-4, "paper")
