"""Comparator *mlp*: three small networks from masked expression to the leading components of the context, taught with
the tissue's own pairs; their mean. How much is masked and how long they train is read from strips of the training
tissue, then they are trained on all of it.

A thousand cells are soon learnt by heart: on the CosMx lung (σ 30 µm) half as much masking, five times as many hidden
units and a third of the step size reach .25 where these reach .34."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.analysis.agreement import median_pearson
from backend.methods.contract import Floats
from backend.methods.reference.task import ContextTask

RANK = 20
HIDDEN = 64
MASKED = (0.8, 0.4)  # share of inputs set to their mean in each training step: the usual one, one for few genes
STEPS = 200
BATCH = 256
CHECK_EVERY = 25
STRIPS = slice(None, None, 2)  # every other strip is enough to see when it overfits
NETWORKS = 3


def predict_context(task: ContextTask) -> Floats:
    """n_queries x panel, clipped to [0, 1]."""
    import torch

    # A state of its own: the global one belongs to the method under test.
    with torch.random.fork_rng(devices=[]):
        masked, steps = _choose(task)
        values = np.zeros((len(task.queries), task.contexts.shape[1]), dtype=np.float32)
        for number in range(NETWORKS):
            net = _Network(task, np.arange(len(task.inputs)), masked, number)
            net.train(steps)
            values += net.predict(task.queries) / NETWORKS
    return np.clip(values, 0.0, 1.0)


def _choose(task: ContextTask) -> tuple[float, int]:
    """Share masked and steps that predict strips left out best, on the mean."""
    strips = task.strips[STRIPS]
    if not strips:
        return MASKED[0], STEPS // 2
    curves = np.array([np.mean([_curve(task, *strip, masked) for strip in strips], axis=0) for masked in MASKED])
    best, check = np.unravel_index(int(np.argmax(curves)), curves.shape)
    return MASKED[int(best)], CHECK_EVERY * (1 + int(check))


def _curve(task: ContextTask, learn: Any, check: Any, masked: float) -> list[float]:
    net = _Network(task, learn, masked, 0)
    scores = []
    for _ in range(STEPS // CHECK_EVERY):
        net.train(CHECK_EVERY)
        scores.append(median_pearson(task.contexts[check], net.predict(task.inputs[check])))
    return scores


class _Network:
    def __init__(self, task: ContextTask, rows: Any, masked: float, number: int) -> None:
        import torch
        from sklearn.utils.extmath import randomized_svd

        torch.manual_seed(task.seed * NETWORKS + number)
        contexts = task.contexts[rows]
        self._mean = contexts.mean(axis=0)
        rank = min(RANK, *contexts.shape)
        _, singular, self._basis = randomized_svd(contexts - self._mean, rank, random_state=task.seed)
        self._scale = float(max(singular[0] / np.sqrt(len(contexts)), 1e-6))
        self._masked = masked
        self._inputs = torch.from_numpy(task.inputs[rows])
        self._goals = torch.from_numpy(((contexts - self._mean) @ self._basis.T / self._scale).astype(np.float32))
        self._net = torch.nn.Sequential(
            torch.nn.Linear(self._inputs.shape[1], HIDDEN),
            torch.nn.LayerNorm(HIDDEN),
            torch.nn.GELU(),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(HIDDEN, len(self._basis)),
        )
        self._optimiser = torch.optim.AdamW(self._net.parameters(), lr=3e-3, weight_decay=0.1)

    def train(self, steps: int) -> None:
        import torch

        self._net.train()
        for _ in range(steps):
            chosen = torch.randint(len(self._inputs), (min(BATCH, len(self._inputs)),))
            seen = torch.rand(len(chosen), self._inputs.shape[1]) > self._masked
            loss = torch.nn.functional.mse_loss(self._net(self._inputs[chosen] * seen), self._goals[chosen])
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()

    def predict(self, inputs: Floats) -> Floats:
        import torch

        self._net.eval()
        with torch.no_grad():
            out = self._net(torch.from_numpy(inputs)).numpy()
        return np.asarray(out @ self._basis * self._scale + self._mean, dtype=np.float32)
