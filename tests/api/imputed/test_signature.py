"""A signature is read gene by gene, and scored as genes are."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from backend.api.imputed import _signature
from backend.errors import UserError

N = 600
RNG = np.random.default_rng(0)
TRUE = RNG.normal(size=(3, N)).astype(np.float32)
GUESS = (TRUE + RNG.normal(size=(3, N))).astype(np.float32)
GENES = {"A": 0, "B": 1, "OFF": 2}


@pytest.fixture(autouse=True)
def run_of_three_genes(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(run_id: str, names: list[str]) -> pd.DataFrame:
        rows = [(name, name if name in GENES else "", "" if name in GENES else "unknown") for name in names]
        table = pd.DataFrame(rows, columns=["asked", "gene", "found"])
        return table.assign(measured=table["gene"].isin(["A", "B"]))

    def layers(run_id: str, gene: str, study_id: str | None = None) -> SimpleNamespace:
        row = GENES[gene]
        return SimpleNamespace(imputed=GUESS[row], measured=None if gene == "OFF" else 5 * TRUE[row] + 2)

    cells = pd.DataFrame({"type": "T", "depth_genes-1": np.full(N, 100.0) + np.arange(N), "depth_final": 200.0})
    places = pd.DataFrame(
        {"x_um": RNG.uniform(0, 500, N), "y_um": RNG.uniform(0, 500, N), "section": pd.Categorical(["1"] * N)}
    )
    monkeypatch.setattr(_signature, "ask_genes", ask)
    monkeypatch.setattr(_signature, "gene_layers", layers)
    monkeypatch.setattr(_signature, "run_cells", lambda run_id: cells)
    monkeypatch.setattr(_signature, "run", lambda run_id: SimpleNamespace(tissue="d-tissue"))
    monkeypatch.setattr(_signature.matrix, "obs", lambda dataset, columns: places[columns])


def standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


def test_a_score_takes_what_was_measured_and_imputes_the_rest() -> None:
    found = _signature.signature("run", ["B", "OFF", "A", "NOSUCH"])
    assert (found.genes, found.off_panel, found.left_out) == (("A", "B", "OFF"), ("OFF",), ("NOSUCH",))
    expected = (standard(TRUE[0]) + standard(TRUE[1]) + standard(GUESS[2])) / 3
    assert found.values == pytest.approx(expected, abs=1e-5)


def test_its_panel_genes_are_scored_as_imputed_while_hidden() -> None:
    found = _signature.signature("run", ["A", "B", "OFF"])
    before, after = (sum(standard(part[row]) for row in (0, 1)) / 2 for part in (TRUE, GUESS))
    assert found.measured == pytest.approx(before, abs=1e-5)
    assert found.held_out == pytest.approx(after, abs=1e-5)
    assert found.scores["pcc"] == pytest.approx(np.corrcoef(before, after)[0, 1], abs=1e-5)
    assert 0.5 < found.scores["pcc_bin"] < 0.9
    assert set(found.scores) == {"pcc", "pcc_depth_partial", "srcc", "pcc_bin"}


def test_what_cannot_be_tested_is_not() -> None:
    found = _signature.signature("run", ["A", "OFF"])
    assert found.measured is None
    assert found.scores == {}


def test_lists_of_nothing_known_or_too_much_are_refused() -> None:
    with pytest.raises(UserError, match="None of these"):
        _signature.signature("run", ["NOSUCH"])
    with pytest.raises(UserError, match="too long"):
        _signature.signature("run", [f"G{i}" for i in range(101)])
