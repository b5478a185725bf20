"""Models whose attention is known to matter, or not: their encoders are written by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from backend.errors import UserError
from backend.evaluation import attention_test
from backend.methods import registry
from backend.methods.scxm.inputs import FIRST_GENE, RankInput
from tests.evaluation.small_study import SmallJob, make_run, write_dataset, write_study

GENES = tuple(f"GENE{i:02d}" for i in range(40))
PARAMS = {"run": "tiny-run", "types": "column", "cells": 120, "seed": 0}


class HandMade(nn.Module):
    """Predicts from the genes in `heeded`; in the last of two layers of two heads it looks at those in `looked_at`."""

    def __init__(self, heeded: list[int], looked_at: list[int]) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.effect = torch.zeros(len(GENES) + FIRST_GENE, 6)
        self.effect[torch.tensor(heeded) + FIRST_GENE] = torch.randn(len(heeded), 6, generator=generator)
        self.pull = torch.ones(len(GENES) + FIRST_GENE)
        self.pull[torch.tensor(looked_at) + FIRST_GENE] = 5.0

    def forward(self, tokens: Tensor) -> Tensor:
        return torch.sigmoid(self.effect[tokens].mean(dim=1))

    def attend(self, tokens: Tensor) -> Tensor:
        real = (tokens >= FIRST_GENE).float()
        last = real * self.pull[tokens]
        both = torch.stack([real, last])[:, :, None].expand(2, len(tokens), 2, tokens.shape[1])
        return both / both.sum(dim=-1, keepdim=True)


@pytest.fixture
def study(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run of a hand-made model over a reference of two types; `study(heeded, looked_at)` says which."""
    rng = np.random.default_rng(0)
    write_study()
    counts = rng.poisson(1.2, (150, len(GENES)))
    types = np.where(np.arange(150) < 100, "T cell", "B cell")
    data = {"counts": counts, "genes": GENES, "obs": {"type": types}}
    reference = write_dataset("atlas", "reference", data, has_types=True)
    run = make_run()
    genes = SimpleNamespace(input_genes=GENES, panel_genes=GENES[:6], measured={reference.id: GENES})
    opened = SimpleNamespace(run=run, reference=reference, plan=genes)
    monkeypatch.setattr(attention_test, "open_run", lambda _: opened)

    def made(heeded: list[int], looked_at: list[int], genes_read: int = 64) -> None:
        read = RankInput(np.ones(len(GENES), dtype=np.float32), genes_read)
        encoder = HandMade(heeded, looked_at)
        fitted = SimpleNamespace(seed=0, input_genes=GENES, encoder=encoder, read=read, depth=None)
        monkeypatch.setattr(registry, "method", lambda _: SimpleNamespace(load=lambda _: fitted))

    return made


def test_attention_that_is_where_the_prediction_comes_from_is_told(study: Any, job: SmallJob) -> None:
    study(list(range(0, 40, 5)), list(range(0, 40, 5)))
    facts = attention_test.look(PARAMS, job)
    assert facts["p"] < 0.01
    assert facts["ratio"] > 1.5
    assert "do hang on what it looks at" in facts["verdict"][0]
    assert "a better guide than rank" in facts["verdict"][1]
    genes = pd.read_parquet(job.result / "genes.parquet")
    sure = genes[(genes["by"] == "all") & (genes["p"] < 0.05)]
    assert set(sure["gene"]) == {GENES[gene] for gene in range(0, 40, 5)}
    groups = pd.read_parquet(job.result / "groups.parquet")
    assert set(groups["group"][groups["by"] == "type"]) == {"T cell", "B cell"}
    assert groups[groups["by"] == "all"]["attended"].is_monotonic_increasing
    assert job.reports[-1][0] == job.reports[-1][1]


def test_attention_that_looks_elsewhere_is_told(study: Any, job: SmallJob) -> None:
    study(list(range(0, 40, 5)), list(range(1, 40, 5)))
    facts = attention_test.look(PARAMS, job)
    assert facts["p"] > 0.5
    assert "does not show what this model's predictions hang on" in facts["verdict"][0]
    assert "a poorer guide than rank" in facts["verdict"][1]


def test_layers_heads_cells_types_and_niches_are_told_apart(study: Any, job: SmallJob) -> None:
    study([0, 5], [0, 5])
    attention_test.look(PARAMS, job)
    tables = {path.stem: pd.read_parquet(path) for path in job.result.glob("*.parquet")}
    parts = tables["parts"].set_index(["layer", "head"])
    assert list(parts.index) == [(0, -1), (0, 0), (0, 1), (1, -1), (1, 0), (1, 1)]
    read = tables["cells"]["read"].mean()
    assert parts.loc[(0, 0), "spread"] == pytest.approx(read, rel=0.02)  # the first layer looks at all alike
    assert parts.loc[(1, 0), "spread"] < 0.95 * read
    assert parts.loc[(1, -1), "moved"] > 1.2 * parts.loc[(0, -1), "moved"]
    heads = tables["heads"]
    last = heads[(heads["by"] == "type") & (heads["group"] == "B cell") & (heads["layer"] == 1) & (heads["head"] == 0)]
    assert set(last["gene"].head(2)) == {"GENE00", "GENE05"}
    assert len(tables["cells"]) == 120
    assert (tables["cells"]["type"] == "B cell").sum() == 50
    assert tables["cell_heads"].groupby(["row", "layer", "head"]).size().max() <= 15
    assert {"all", "type", "niche"} == set(heads["by"])


def test_cells_of_two_genes_are_too_little_to_delete_from(study: Any, job: SmallJob) -> None:
    study([0, 5], [0, 5], genes_read=2)
    with pytest.raises(UserError, match="enough genes to delete"):
        attention_test.look(PARAMS, job)


def test_a_model_without_attention_is_refused(study: Any, job: SmallJob, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = SimpleNamespace(encoder=nn.Linear(2, 2))
    monkeypatch.setattr(registry, "method", lambda _: SimpleNamespace(load=lambda _: plain))
    with pytest.raises(UserError, match="no attention"):
        attention_test.look(PARAMS, job)
