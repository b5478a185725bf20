"""When to stop: how well the encoder, which learns from reference cells, predicts the training tissue's own cells.

Their surroundings are known, and were already shown to the critic and the decoder. No cell of a validation tissue, and
of no half that is scored, is among them, so stopping never sees what a run is judged by.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.analysis.agreement import median_pearson
from backend.methods.scxm.backbone.encoder import BackboneEncoder, States, pack_tokens
from backend.methods.scxm.encoders import Encoder
from backend.methods.scxm.problem import Problem
from backend.training.batches import stream

CELLS = 512


class Watch:
    """Some cells of the training tissue, and the best encoder so far. epoch and agreement: of that one."""

    def __init__(self, problem: Problem, encoder: Encoder, seed: int, device: str) -> None:
        assert problem.tissue is not None
        n_cells = problem.tissue.shape[0]
        rows = stream(seed, "scxm/watch").permutation(n_cells)[:CELLS]
        tokens = torch.from_numpy(problem.read(problem.tissue[rows])).to(device)
        self._inputs: Tensor | States = tokens
        if isinstance(encoder, BackboneEncoder):  # what is frozen is computed once
            flat, packed, order = pack_tokens(tokens)
            rows = rows[order]
            self._inputs = States(encoder.frozen.read(flat, packed), None if encoder.frozen.whole else packed)
        self._truth: NDArray[np.float32] = problem.contexts[rows]
        self.record = torch.tensor([0.0, -2.0], dtype=torch.float64)  # epoch and agreement, as a checkpoint keeps them

    @property
    def epoch(self) -> int:
        return int(self.record[0])

    @property
    def agreement(self) -> float:
        return float(self.record[1])

    def look(self, encoder: nn.Module) -> float:
        """Median over panel genes of the correlation over the watched cells; genes that do not vary are left out."""
        with torch.no_grad():
            return median_pearson(self._truth, encoder(self._inputs).cpu().numpy())

    def better(self, epoch: int, encoder: nn.Module) -> bool:
        """Whether it is the best so far, which is then remembered."""
        agreement = self.look(encoder)
        if agreement <= self.agreement:
            return False
        self.record = torch.tensor([epoch, agreement], dtype=torch.float64)
        return True
