"""SpaGE: principal vectors, and the number it reaches on a public pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.evaluation.genes.folds import gene_folds
from backend.evaluation.genes.source import GenePair, cut_view
from backend.evaluation.genes.truth import at_input_depth
from backend.methods.contract import Cells
from backend.methods.reference.genes import cards
from backend.methods.reference.genes.spage import METHOD, principal_vectors
from tests.methods.genes.small_pair import Run

DATA = Path(__file__).resolve().parents[4] / "shared/data"


def test_two_sides_that_share_one_direction_keep_just_that() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(400, 1)) * 5
    here = np.column_stack([shared, rng.normal(size=(400, 1)) * 3, np.zeros((400, 1))]).astype(np.float32)
    there = np.column_stack([shared, np.zeros((400, 1)), rng.normal(size=(400, 1)) * 3]).astype(np.float32)
    found = principal_vectors(here, there, 2)
    np.testing.assert_allclose(np.abs(found), [[1], [0], [0]], atol=0.1)


def test_a_side_compared_with_itself_keeps_all_that_was_asked() -> None:
    values = np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32)
    found = principal_vectors(values, values, 4)
    np.testing.assert_allclose(found.T @ found, np.eye(4), atol=1e-5)
    centred = values - values.mean(axis=0)
    leading = np.linalg.svd(values, full_matrices=False)[2][:4]
    assert centred.shape == (80, 6)
    np.testing.assert_allclose(found @ found.T, leading.T @ leading, atol=1e-4)


@pytest.mark.skipif(not DATA.exists(), reason="the real files (../shared/data) are not here")
def test_osmfish_with_zeisel_reaches_what_spage_reaches() -> None:
    """Mean over 32 genes of PCC on T1: .1195 by another implementation of the same facts, with scikit-learn's PCA."""
    import anndata

    tissue = anndata.read_h5ad(DATA / "st_mouse_cortex_osmFISH.h5ad")
    tissue = tissue[tissue.obs["Valid"].astype(int) == 1]
    reference = anndata.read_h5ad(DATA / "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL.h5ad")
    pair = GenePair(
        *(Cells(csr_matrix(file.X, dtype=np.float32), tuple(file.var_names), "counts") for file in (tissue, reference))
    )
    scores = []
    for fold in gene_folds(pair.shared):
        seen = cut_view(pair, fold.inputs, fold.targets)
        values = METHOD.fit(seen.view, cards.SPAGE.config(), Run()).impute(fold.targets, Run()).values
        truth = at_input_depth(pair.tissue, seen, fold.targets)
        scores += [np.corrcoef(truth[:, gene], values[:, gene])[0, 1] for gene in range(len(fold.targets))]
    assert len(scores) == 32
    assert np.mean(scores) == pytest.approx(0.1195, abs=0.003)
