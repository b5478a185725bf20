"""SCXM on a GPU: the same road as on a CPU, with predictions that agree within what two steps of training allow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.method import METHOD
from tests.methods.scxm.simulated import FakeRun, simulate

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here (docs/gpu.md)"),
]


@pytest.mark.parametrize("encoder", ["mlp", "transformer"])
def test_gpu_and_cpu_agree(tmp_path: Path, encoder: str) -> None:
    truth = simulate(n_tissue=400)
    config = ScxmConfig(epochs=1, decoder_epochs=1, hidden=32, sigma_um=40.0, encoder=encoder, layers=1)
    predictions = {}
    for device in ("cpu", "cuda"):
        run = FakeRun(tmp_path / device)
        run.device = device
        predictions[device] = METHOD.fit(truth.pair(truth.tissue), config, run).predict(truth.reference, run).values
    assert np.abs(predictions["cpu"] - predictions["cuda"]).max() < 0.02
