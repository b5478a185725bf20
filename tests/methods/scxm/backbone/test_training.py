"""SCXM trained on a backbone, from the contract's side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from scipy.sparse import csr_matrix

from backend.analysis.context import context_graph, spatial_context
from backend.errors import NotFound
from backend.methods.scxm import method, train
from backend.methods.scxm.backbone import source
from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.cost import cache_words, cached_gb, estimate_memory_gb, estimate_minutes
from backend.methods.scxm.geneformer.layout import Version
from backend.methods.scxm.method import METHOD, ScxmFitted
from tests.methods.scxm.backbone.tiny import FINGERPRINT, put_here
from tests.methods.scxm.simulated import FakeRun, Truth, median_pcc, rows, simulate

SMALL = {
    "encoder": "geneformer-v2-104m",
    "epochs": 1,
    "decoder_epochs": 1,
    "hidden": 16,
    "batch_size": 8,
    "sigma_um": 60.0,
}


class Quiet(FakeRun):
    """Checkpoints just before it is killed, or never: each takes longer than a step."""

    def checkpoint_due(self) -> bool:
        return len(self.steps_seen) == self.kill_at - 1


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate(n_tissue=120, n_reference=60)


def _fit(truth: Truth, folder: Path, **settings: object) -> ScxmFitted:
    return METHOD.fit(truth.pair(), ScxmConfig(**(SMALL | settings)), Quiet(folder))


def test_even_an_untrained_frozen_backbone_tells_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_here(monkeypatch, spread=0.05, width=64)
    truth = simulate(n_tissue=800, n_reference=300)
    place = truth.tissue.coordinates
    assert place is not None
    left, right = (rows(truth.tissue, np.flatnonzero(side)) for side in (place[:, 0] < 260, place[:, 0] > 380))
    config = ScxmConfig(encoder="geneformer-v2-104m", epochs=8, hidden=64, sigma_um=40.0)
    run = Quiet(tmp_path)
    fitted = METHOD.fit(truth.pair(left), config, run)
    assert right.coordinates is not None
    graph = context_graph(right.coordinates, None, 40.0, self_loop=False)
    measured = spatial_context(graph, csr_matrix(right.expression[:, : len(truth.panel)]))
    assert median_pcc(measured, fitted.predict(right, run).values) > 0.6


@pytest.mark.parametrize(("version", "blocks"), [("V2", 0), ("V1", 1)])
def test_a_saved_model_holds_what_it_learnt_and_predicts_the_same(
    truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: Version, blocks: int
) -> None:
    put_here(monkeypatch, version)
    fitted = _fit(truth, tmp_path / "fit", trainable_blocks=blocks)
    fitted.save(tmp_path / "saved")
    loaded = METHOD.load(tmp_path / "saved")
    assert loaded.backbone == FINGERPRINT
    for cells in (truth.reference, truth.tissue):
        before, after = (one.predict(cells, FakeRun(tmp_path)) for one in (fitted, loaded))
        assert np.array_equal(before.values, after.values)
        assert before.values.std(axis=0).max() > 1e-4
        attention = after.extras["attention"]
        assert attention.shape == (cells.n_cells, len(truth.genes))
        assert (attention > 0).multiply(cells.expression > 0).nnz == attention.nnz > 0
    parts = {name.split("/")[1].split(".")[0] for name in load_file(tmp_path / "saved/weights.safetensors")}
    assert ("blocks" in parts) == bool(blocks)
    assert not any("embedding" in part for part in parts)
    assert fitted.about["trainable_blocks"] == blocks


def test_a_model_without_its_backbone_is_refused_in_words(
    truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match=r"weights of .*104M are not here") as refused:
        _fit(truth, tmp_path / "none")
    assert "backbones fetch geneformer-v2-104m" in refused.value.mend
    with monkeypatch.context() as patch:
        put_here(patch)
        _fit(truth, tmp_path / "fit").save(tmp_path / "saved")
    with pytest.raises(NotFound, match="not here"):
        METHOD.load(tmp_path / "saved")


def test_other_weights_than_the_models_own_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Here:
        weights = "ffff"

    monkeypatch.setattr(source, "open_backbone", lambda name: (tmp_path, None, None))
    monkeypatch.setattr(source, "backbone", lambda name: Here)
    with pytest.raises(NotFound, match="other weights") as refused:
        source.open_source("geneformer-v2-104m", FINGERPRINT)
    assert FINGERPRINT in refused.value.why


@pytest.mark.parametrize(("blocks", "kills"), [(0, (1, 70)), (1, (70,))])
def test_a_killed_training_resumes_to_the_same_bits(
    truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks: int, kills: tuple[int, ...]
) -> None:
    put_here(monkeypatch)
    monkeypatch.setattr(train, "REPORT_S", 0.0)
    _fit(truth, tmp_path / "whole", trainable_blocks=blocks).save(tmp_path / "a")
    for kill_at in kills:  # while what is frozen is computed, and in the adversarial part
        folder = tmp_path / f"killed-{kill_at}"
        config = ScxmConfig(**SMALL | {"trainable_blocks": blocks})
        with pytest.raises(KeyboardInterrupt):
            METHOD.fit(truth.pair(), config, Quiet(folder, kill_at=kill_at))
        again = Quiet(folder)
        METHOD.fit(truth.pair(), config, again).save(tmp_path / "b")
        assert again.steps_seen[0] == kill_at + 1
        assert (tmp_path / "a/weights.safetensors").read_bytes() == (tmp_path / "b/weights.safetensors").read_bytes()


def test_the_memory_budget_changes_the_time_and_not_the_result(
    truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_here(monkeypatch)
    values = []
    for budget in ("1", "0"):
        monkeypatch.setenv("RESITU_CACHE_GB", budget)
        fitted = _fit(truth, tmp_path / budget, trainable_blocks=2)
        values.append(fitted.predict(truth.tissue, FakeRun(tmp_path)).values)
    assert np.abs(values[0] - values[1]).max() < 1e-3
    assert values[0].std(axis=0).max() > 1e-2


def test_small_references_leave_the_backbone_as_it_was() -> None:
    config = ScxmConfig(encoder="geneformer-v2-104m")
    assert config.resolved_trainable_blocks(9_999) == 0
    assert config.resolved_trainable_blocks(10_000) == 4
    assert ScxmConfig(encoder="geneformer-v1-10m", trainable_blocks=9).resolved_trainable_blocks(50) == 6
    assert ScxmConfig().resolved_trainable_blocks(50_000) == 0


def test_the_preflight_states_the_memory_and_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(**settings: object) -> ScxmConfig:
        return ScxmConfig(encoder="geneformer-v2-104m", **settings)  # type: ignore[arg-type]

    def memory(config: ScxmConfig, cells: int = 20_000) -> float:
        return estimate_memory_gb(3_000, cells, 900, config)

    assert cached_gb(20_000, 900, ScxmConfig()) == 0
    needed = {}
    for budget in (2.0, 6.0):
        monkeypatch.setenv("RESITU_CACHE_GB", str(budget))
        assert cached_gb(20_000, 900, asked()) == budget
        needed[budget] = memory(asked())
    assert cached_gb(20_000, 900, asked(trainable_blocks=0)) < 0.3
    assert needed[6.0] - needed[2.0] == pytest.approx(4.0)
    assert memory(asked(trainable_blocks=0)) > memory(ScxmConfig()) + 0.8
    assert estimate_minutes(3_000, 20_000, asked()) > 3 * estimate_minutes(3_000, 20_000, asked(trainable_blocks=0))


def test_the_preflight_says_what_is_kept_and_whether_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    def words(**settings: object) -> str:
        return cache_words(20_000, 900, ScxmConfig(**{"encoder": "geneformer-v2-104m"} | settings))  # type: ignore[arg-type]

    assert words(encoder="mlp") == ""
    assert "whole backbone is frozen" in words(trainable_blocks=0)
    assert "last 4 of 12 blocks learn" in words()
    assert "4 GB" in words()
    assert "computed again" in words()
    monkeypatch.setenv("RESITU_CACHE_GB", "400")
    assert "computed again" not in words()


def test_the_backbone_takes_the_threads_of_the_run(tmp_path: Path) -> None:
    run = FakeRun(tmp_path, threads=7)
    assert method.threads(ScxmConfig(encoder="geneformer-v2-104m"), run) == 7
    assert method.threads(ScxmConfig(), run) == 1
