from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.analysis.imputation.reference_facts import describe
from backend.methods.contract import Cells


@pytest.fixture(scope="module")
def reference() -> Cells:
    """Three kinds of cells; 20 inputs tell them. KIND follows a kind, NOISE nothing, LIKE0 input 0; NEVER is unseen."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 600)
    rate = np.exp(rng.normal(0, 1.2, (3, 20)))[kind] * 2
    inputs = rng.poisson(rate * rng.lognormal(0, 0.3, (600, 1)))
    extra = np.column_stack(
        [rng.poisson(6.0 * (kind == 1)), rng.poisson(1.0, 600), inputs[:, 0] * 2 + rng.poisson(0.3, 600), np.zeros(600)]
    )
    names = tuple(f"I{i}" for i in range(20)) + ("KIND", "NOISE", "LIKE0", "NEVER")
    return Cells(csr_matrix(np.column_stack([inputs, extra]), dtype=np.float32), names, "counts")


def test_facts_tell_a_marker_from_noise(reference: Cells) -> None:
    depth = np.random.default_rng(1).integers(20, 60, 300).astype(float)
    inputs, targets = reference.genes[:20], reference.genes[20:]
    table, relatives = describe(reference, inputs, targets, depth, 0)
    facts = table.set_index("gene")
    assert list(facts.index) == list(targets)
    assert facts.loc["KIND", "predictability"] > 0.4
    assert abs(facts.loc["NOISE", "predictability"]) < 0.15
    assert facts.loc["KIND", "group_share"] > facts.loc["NOISE", "group_share"] + 0.3
    assert facts.loc["KIND", "specificity"] > 0.5 > facts.loc["NOISE", "specificity"]
    assert facts.loc["NOISE", "detection_reference"] == pytest.approx(1 - np.exp(-1), abs=0.06)
    assert np.isfinite(table.drop(columns="gene").to_numpy()).all()
    assert facts.loc["NEVER", "predictability"] == 0
    closest = relatives[relatives["gene"] == "LIKE0"]
    assert closest.iloc[0]["relative"] == "I0"
    assert closest.iloc[0]["r"] > 0.7
    assert closest["r"].is_monotonic_decreasing
    assert len(closest) == 10


def test_a_shallow_tissue_makes_genes_harder_to_predict(reference: Cells) -> None:
    inputs, targets = reference.genes[:20], reference.genes[20:]
    deep, shallow = (
        describe(reference, inputs, targets, np.full(300, float(depth)), 0)[0].set_index("gene") for depth in (300, 5)
    )
    assert shallow.loc["KIND", "predictability"] < deep.loc["KIND", "predictability"] - 0.1
    assert shallow.loc["KIND", "expected_detection"] < deep.loc["KIND", "expected_detection"]


def test_the_scale_of_a_log_reference_is_undone(reference: Cells) -> None:
    logged = Cells(csr_matrix(reference.expression.log1p()), reference.genes, "log")
    depth = np.full(300, 40.0)
    one, other = (
        describe(each, reference.genes[:20], ("KIND",), depth, 0)[0].drop(columns="gene").to_numpy()
        for each in (reference, logged)
    )
    np.testing.assert_allclose(one, other, rtol=0.15, atol=0.03)
