from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.sparse import csr_matrix

from backend.analysis.context import context_graph, spatial_context
from backend.errors import GeneMismatch, UserError
from backend.methods.contract import Cells
from backend.methods.scxm import train
from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.method import METHOD, ScxmFitted
from tests.methods.scxm.simulated import FakeRun, median_pcc, rows, simulate

SMALL = {"epochs": 2, "decoder_epochs": 1, "hidden": 16, "batch_size": 16, "sigma_um": 40.0}
TINY_TRANSFORMER = SMALL | {"encoder": "transformer", "layers": 2, "token_width": 16, "max_tokens": 16}


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[ScxmFitted, FakeRun]:
    """Trained on the left half of the simulated tissue."""
    truth = simulate(n_tissue=1200)
    assert truth.tissue.coordinates is not None
    left = rows(truth.tissue, np.flatnonzero(truth.tissue.coordinates[:, 0] < 260))
    run = FakeRun(tmp_path_factory.mktemp("fit"))
    config = ScxmConfig(epochs=12, hidden=64, sigma_um=40.0)
    return METHOD.fit(truth.pair(left), config, run), run


def test_it_learns_the_surroundings_of_cells_it_never_saw(learnt: tuple[ScxmFitted, FakeRun]) -> None:
    truth = simulate(n_tissue=1200)
    tissue = truth.tissue
    assert tissue.coordinates is not None
    right = np.flatnonzero(tissue.coordinates[:, 0] > 380)
    graph = context_graph(tissue.coordinates[right], None, 40.0, self_loop=False)
    measured = spatial_context(graph, csr_matrix(tissue.expression[right][:, : len(truth.panel)]))
    fitted, run = learnt
    predicted = fitted.predict(rows(tissue, right), run).values
    # Null: each gene's predictions shuffled over the cells by itself, which keeps every gene's own distribution.
    shuffled = np.random.default_rng(0).permuted(predicted, axis=0)
    assert abs(median_pcc(measured, shuffled)) < 0.1
    assert median_pcc(measured, predicted) > 0.4
    constant = np.square(measured - measured.mean(axis=0)).mean()
    assert np.square(measured - predicted).mean() < constant
    assert fitted.verdict[0] == "healthy"


def test_dissociated_cells_are_put_into_their_own_niche(learnt: tuple[ScxmFitted, FakeRun]) -> None:
    truth = simulate(n_tissue=1200)
    fitted, run = learnt
    context = fitted.predict(truth.reference, run).values
    assert context.min() >= 0.0
    assert context.max() <= 1.0
    standard = (context - context.mean(axis=0)) / context.std(axis=0)
    raised = np.column_stack([standard[:, niche::3].mean(axis=1) for niche in range(3)])
    assert (raised.argmax(axis=1) == truth.reference_niche).mean() > 0.7


def test_without_the_skip_the_decoder_has_none(tmp_path: Path) -> None:
    truth = simulate(n_tissue=200, n_reference=100)
    for skip in (True, False):
        run = FakeRun(tmp_path / str(skip))
        fitted = METHOD.fit(truth.pair(), ScxmConfig(**SMALL, decoder_skip=skip), run)
        assert bool(fitted.decoder.skip.any()) is skip


def test_a_killed_training_resumes_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_S", 0.0)
    truth, config = simulate(n_tissue=200, n_reference=100), ScxmConfig(**SMALL)
    whole = METHOD.fit(truth.pair(), config, FakeRun(tmp_path / "whole"))
    whole.save(tmp_path / "a")
    for kill_at in (10, 70):  # while the decoder is taught, and in the adversarial part
        folder = tmp_path / f"killed-{kill_at}"
        with pytest.raises(KeyboardInterrupt):
            METHOD.fit(truth.pair(), config, FakeRun(folder, kill_at=kill_at))
        again = FakeRun(folder)
        METHOD.fit(truth.pair(), config, again).save(tmp_path / "b")
        assert again.steps_seen[0] == kill_at + 1
        assert (tmp_path / "a/weights.safetensors").read_bytes() == (tmp_path / "b/weights.safetensors").read_bytes()


def test_reporting_does_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, config = simulate(n_tissue=200, n_reference=100), ScxmConfig(**SMALL)
    for name, pause in (("often", 0.0), ("never", 1e9)):
        monkeypatch.setattr(train, "REPORT_S", pause)
        METHOD.fit(truth.pair(), config, FakeRun(tmp_path / name)).save(tmp_path / f"{name}-saved")
    assert (tmp_path / "often-saved/weights.safetensors").read_bytes() == (
        tmp_path / "never-saved/weights.safetensors"
    ).read_bytes()


def test_a_checkpoint_of_other_work_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_S", 0.0)
    truth = simulate(n_tissue=200, n_reference=100)
    with pytest.raises(KeyboardInterrupt):
        METHOD.fit(truth.pair(), ScxmConfig(**SMALL), FakeRun(tmp_path, kill_at=70))
    other = FakeRun(tmp_path)
    METHOD.fit(truth.pair(), ScxmConfig(**SMALL | {"lambda_cons": 50.0}), other)
    assert other.steps_seen[0] == 1


def test_told_to_stop_it_keeps_what_it_has_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_S", 0.0)
    truth = simulate(n_tissue=200, n_reference=100)
    fitted = METHOD.fit(truth.pair(), ScxmConfig(**SMALL), FakeRun(tmp_path, stop_at=80))
    assert fitted.stopped_at == 80
    with pytest.raises(UserError, match="before the encoder"):
        METHOD.fit(truth.pair(), ScxmConfig(**SMALL), FakeRun(tmp_path / "early", stop_at=5))


def test_divergence_is_told_and_not_kept(tmp_path: Path) -> None:
    truth = simulate(n_tissue=200, n_reference=100)
    config = ScxmConfig(**SMALL | {"decoder_lr": 0.1, "encoder_lr": 0.1, "critic_lr": 0.1, "lambda_adv": 1e3})
    unstable = config.model_copy(update={"encoder_lr": 1e30})
    with pytest.raises(UserError, match="diverged"):
        METHOD.fit(truth.pair(), unstable, FakeRun(tmp_path))


@pytest.mark.parametrize("settings", [SMALL, TINY_TRANSFORMER])
def test_a_saved_model_predicts_the_same(tmp_path: Path, settings: dict) -> None:
    truth, run = simulate(n_tissue=200, n_reference=100), FakeRun(tmp_path / "fit")
    fitted = METHOD.fit(truth.pair(), ScxmConfig(**settings), run)
    fitted.save(tmp_path / "saved")
    loaded = METHOD.load(tmp_path / "saved")
    for cells in (truth.reference, truth.tissue):
        before, after = fitted.predict(cells, run), loaded.predict(cells, run)
        assert before.genes == truth.panel
        assert np.array_equal(before.values, after.values)
        assert ("attention" in after.extras) == (
            settings["encoder"] == "transformer" if "encoder" in settings else False
        )
    assert sorted(file.name for file in (tmp_path / "saved").iterdir()) == ["manifest.json", "weights.safetensors"]
    assert all(torch.isfinite(tensor).all() for tensor in load_file(tmp_path / "saved/weights.safetensors").values())


def test_attention_names_the_genes_of_the_cell(tmp_path: Path) -> None:
    truth, run = simulate(n_tissue=200, n_reference=100), FakeRun(tmp_path)
    fitted = METHOD.fit(truth.pair(), ScxmConfig(**TINY_TRANSFORMER), run)
    attention = fitted.predict(truth.tissue, run).extras["attention"]
    assert attention.shape == (200, len(truth.genes))
    assert np.diff(attention.indptr).max() <= 20
    assert (attention > 0).multiply(truth.tissue.expression > 0).nnz == attention.nnz


def test_missing_genes_are_refused(tmp_path: Path) -> None:
    truth, run = simulate(n_tissue=200, n_reference=100), FakeRun(tmp_path)
    fitted = METHOD.fit(truth.pair(), ScxmConfig(**SMALL), run)
    fewer = Cells(csr_matrix(truth.reference.expression[:, 1:]), truth.genes[1:], "counts")
    with pytest.raises(GeneMismatch, match="G000"):
        fitted.predict(fewer, run)


@pytest.mark.parametrize("spots", [False, True])
def test_tissue_may_lack_the_genes_beyond_the_panel(tmp_path: Path, spots: bool) -> None:
    truth = simulate(n_tissue=200, n_reference=100)
    panel_only = Cells(
        csr_matrix(truth.tissue.expression[:, :40]),
        truth.panel,
        "counts",
        truth.tissue.coordinates,
        truth.tissue.section,
    )
    data = truth.pair(panel_only)
    data = type(data)(data.tissue, data.reference, data.input_genes, data.panel_genes, spots)
    fitted = METHOD.fit(data, ScxmConfig(**SMALL), FakeRun(tmp_path))
    assert np.isfinite(fitted.predict(truth.reference, FakeRun(tmp_path)).values).all()
    assert fitted.about["cells_per_input"] == (8 if spots else 1)


def test_pretraining_learns_to_guess_hidden_genes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_S", 0.0)
    losses: list[float] = []

    class Listening(FakeRun):
        def report(self, step: int, steps: int, **metrics: float) -> None:
            losses.extend([metrics["pretraining"]] if "pretraining" in metrics else [])

        def checkpoint_due(self) -> bool:
            return False

    config = ScxmConfig(**TINY_TRANSFORMER | {"pretrain_epochs": 8, "epochs": 1})
    METHOD.fit(simulate(n_tissue=200, n_reference=100).pair(), config, Listening(tmp_path))
    assert len(losses) == 400
    by_chance = np.log(60)  # a uniform guess among the genes; the tiny model starts above it
    assert np.mean(losses[:20]) > by_chance
    assert np.mean(losses[-50:]) < by_chance - 0.05  # some eight standard errors of this mean
