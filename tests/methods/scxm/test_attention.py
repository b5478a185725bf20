from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.methods.scxm.attention import draw_once, predict_drawn, reading_of
from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.inputs import CLS, PAD
from backend.methods.scxm.method import METHOD, ScxmFitted
from backend.methods.scxm.model import TransformerEncoder
from tests.methods.scxm.backbone.tiny import put_here
from tests.methods.scxm.simulated import FakeRun, simulate
from tests.methods.scxm.test_method import TINY_TRANSFORMER


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> ScxmFitted:
    truth = simulate(n_tissue=200, n_reference=100)
    return METHOD.fit(truth.pair(), ScxmConfig(**TINY_TRANSFORMER), FakeRun(tmp_path_factory.mktemp("fit")))


def test_every_layer_and_head_attends_and_the_last_is_what_a_prediction_is_read_from() -> None:
    torch.manual_seed(0)
    encoder = TransformerEncoder(12, 5, hidden=16, layers=3, width=8, max_tokens=6)
    tokens = torch.tensor([[CLS, 3, 5, 9], [CLS, 4, PAD, PAD]])
    found = encoder.attend(tokens)
    assert found.shape == (3, 2, 4, 4)
    assert torch.allclose(found.sum(dim=-1), torch.ones(3, 2, 4), atol=1e-6)
    assert torch.all(found[:, 1, :, 2:] == 0)
    assert torch.allclose(found[-1], encoder.read(tokens)[1], atol=1e-6)


def test_a_reading_says_of_each_cell_which_genes_in_which_order_with_which_weight(fitted: ScxmFitted) -> None:
    truth = simulate(n_tissue=200, n_reference=100)
    drawn = draw_once(fitted, truth.tissue.of_rows(np.arange(70)))  # of a tissue: as it was measured
    heard: list[int] = []
    reading = reading_of(fitted, drawn, "cpu", heard.append)
    assert heard == [64, 70]
    assert reading.weight.shape[:2] == (2, 4)
    for cell in (0, 69):
        mine = reading.cell == cell
        tokens = fitted.read(drawn[cell])
        assert list(reading.gene[mine]) == list(fitted.read.genes_of(tokens)[0, 1:])
        assert list(reading.rank[mine]) == list(range(mine.sum()))
        weights = fitted.encoder.attend(torch.from_numpy(tokens))[:, 0, :, 1:].numpy()
        expected = weights / weights.sum(axis=-1, keepdims=True)
        assert np.allclose(reading.weight[:, :, mine], expected, atol=1e-6)
    assert np.allclose(reading.part()[reading.cell == 3].sum(), 1.0)
    assert np.allclose(reading.part(0, 2), reading.weight[0, 2])


def test_what_was_drawn_predicts_what_the_model_predicts_for_tissue(fitted: ScxmFitted, tmp_path: Path) -> None:
    tissue = simulate(n_tissue=200, n_reference=100).tissue
    values = predict_drawn(fitted, draw_once(fitted, tissue), "cpu")
    assert np.allclose(values, fitted.predict(tissue, FakeRun(tmp_path)).values, atol=1e-5)


def test_dissociated_cells_are_read_at_the_tissues_depth_the_same_each_time(fitted: ScxmFitted) -> None:
    truth = simulate(n_tissue=200, n_reference=100)
    one, two = (draw_once(fitted, truth.reference) for _ in range(2))
    assert (one != two).nnz == 0
    tissue, reference = truth.tissue.expression.sum(axis=1), truth.reference.expression.sum(axis=1)
    assert one.sum(axis=1).mean() == pytest.approx(tissue.mean(), rel=0.2)
    assert one.sum(axis=1).mean() < 0.5 * reference.mean()


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_published_backbone_is_read_in_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    put_here(monkeypatch, version)  # type: ignore[arg-type]
    truth = simulate(n_tissue=120, n_reference=60)
    small = {"encoder": "geneformer-v2-104m", "epochs": 1, "decoder_epochs": 1, "hidden": 16, "batch_size": 8}
    config = ScxmConfig(**small, sigma_um=60.0, trainable_blocks=1)
    fitted = METHOD.fit(truth.pair(), config, FakeRun(tmp_path))
    drawn = draw_once(fitted, truth.tissue)
    reading = reading_of(fitted, drawn, "cpu", lambda _: None)
    layers, heads = reading.weight.shape[:2]
    sums = [np.bincount(reading.cell, weights=head) for head in reading.weight.reshape(layers * heads, -1)]
    assert np.allclose(sums, 1.0, atol=1e-4)
    assert (drawn[reading.cell, reading.gene] > 0).all()
    expected = fitted.predict(truth.tissue, FakeRun(tmp_path)).values
    assert np.allclose(predict_drawn(fitted, drawn, "cpu"), expected, atol=1e-5)
