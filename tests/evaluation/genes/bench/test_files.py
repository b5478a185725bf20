"""Two files become a pair, and nothing measured of a hidden gene has a say in how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from backend.errors import DataError
from backend.evaluation.genes.bench.files import PairFiles, open_files
from backend.evaluation.genes.folds import gene_folds
from backend.records import Answers
from tests.evaluation.genes.simulated_pair import (
    OFF_PANEL,
    SHARED,
    simulate,
    write_pair,
    write_reference,
    write_tissue,
)

MB = 512
REAL = Path(__file__).resolve().parents[5] / "shared/data"


def opened(tissue: Path, reference: Path, **given: Any) -> PairFiles:
    return open_files(tissue, reference, MB, **given)


def test_a_pair_holds_what_the_files_hold(tmp_path: Path) -> None:
    made = simulate()
    files = opened(*write_pair(tmp_path))
    assert files.shared == SHARED
    pair = files.open(SHARED[:20]).pair
    np.testing.assert_array_equal(pair.tissue.expression.toarray(), made.tissue)
    np.testing.assert_allclose(pair.tissue.coordinates, made.coordinates, rtol=1e-5)
    assert pair.reference.genes == (*SHARED, *OFF_PANEL)
    np.testing.assert_array_equal(pair.reference.expression.toarray(), made.reference)
    assert (pair.tissue.scale, pair.reference.scale) == ("counts", "counts")


@pytest.mark.parametrize("kind", ["fractions", "negative", "nan", "zero", "huge"])
def test_hidden_values_decide_neither_cells_nor_genes_nor_scale(tmp_path: Path, kind: str) -> None:
    made = simulate()
    fold = gene_folds(SHARED)[0]
    hidden = [SHARED.index(gene) for gene in fold.targets]
    poisoned = made.tissue.copy()
    noise = np.random.default_rng(0).normal(size=(len(poisoned), len(hidden)))
    kinds = {"fractions": abs(noise), "nan": noise * np.nan, "zero": noise * 0, "huge": noise * 1e30}
    poisoned[:, hidden] = kinds.get(kind, noise)
    columns = {name: np.random.default_rng(1).integers(0, 3, 240).astype(str) for name in ("section", "sample", "type")}
    reference = write_reference(tmp_path / "reference.h5ad", made.reference)
    clean = write_tissue(tmp_path / "a.h5ad", made.tissue, made.coordinates)
    other = write_tissue(tmp_path / "b.h5ad", poisoned, made.coordinates, **columns)
    files = [opened(path, reference) for path in (clean, other)]
    assert files[0].shared == files[1].shared
    one, two = (part.open(fold.inputs).pair.tissue for part in files)
    read = [SHARED.index(gene) for gene in fold.inputs]
    np.testing.assert_array_equal(one.expression[:, read].toarray(), two.expression[:, read].toarray())
    np.testing.assert_array_equal(one.coordinates, two.coordinates)
    np.testing.assert_array_equal(one.section, two.section)
    assert (one.scale, one.genes) == (two.scale, two.genes)


def test_what_a_fold_reads_is_refused_by_the_doctor(tmp_path: Path) -> None:
    made = simulate()
    made.tissue[0, 3] = -1.0
    files = opened(
        write_tissue(tmp_path / "t.h5ad", made.tissue, made.coordinates),
        write_reference(tmp_path / "r.h5ad", made.reference),
    )
    with pytest.raises(DataError, match="negative"):
        files.open(SHARED[:20])
    assert files.open(SHARED[10:]).pair.tissue.scale == "counts"


def test_genes_never_seen_stay_and_cells_without_a_count_too(tmp_path: Path) -> None:
    made = simulate()
    made.tissue[:, 7], made.tissue[4], made.reference[:, 9] = 0, 0, 0
    files = opened(
        write_tissue(tmp_path / "t.h5ad", made.tissue, made.coordinates),
        write_reference(tmp_path / "r.h5ad", made.reference),
    )
    assert files.shared == SHARED
    pair = files.open(SHARED[:20]).pair
    assert pair.tissue.n_cells == len(made.tissue)
    reference = pair.reference.expression[:, pair.reference.genes.index(SHARED[9])]
    assert reference.nnz == 0


def test_duplicated_symbols_are_summed_on_both_sides(tmp_path: Path) -> None:
    made = simulate()
    names = (*SHARED[:-1], SHARED[0])
    files = opened(
        write_tissue(tmp_path / "t.h5ad", made.tissue, made.coordinates, genes=names),
        write_reference(tmp_path / "r.h5ad", made.reference[:, : len(SHARED)], genes=names),
    )
    assert files.shared == SHARED[:-1]
    pair = files.open(SHARED[:20]).pair
    for cells, counts in ((pair.tissue, made.tissue), (pair.reference, made.reference)):
        found = cells.expression[:, cells.genes.index(SHARED[0])].toarray().ravel()
        np.testing.assert_array_equal(found, counts[:, 0] + counts[:, len(SHARED) - 1])


def test_only_the_first_cells_and_only_those_asked_for(tmp_path: Path) -> None:
    made = simulate()
    valid = (np.arange(240) % 3 > 0).astype(int)
    tissue = write_tissue(tmp_path / "t.h5ad", made.tissue, made.coordinates, Valid=valid)
    reference = write_reference(tmp_path / "r.h5ad", made.reference)
    answers = Answers(keep={"Valid": "1"})
    pair = opened(tissue, reference, answers=answers, first=90).open(SHARED[:20]).pair
    np.testing.assert_array_equal(pair.tissue.expression.toarray(), made.tissue[:90][valid[:90] == 1])
    assert opened(tissue, reference).open(SHARED[:20]).pair.tissue.n_cells == 240


def test_pixels_of_unknown_size_are_taken_as_likely_and_said(tmp_path: Path) -> None:
    made = simulate()
    tissue = write_tissue(tmp_path / "t.h5ad", made.tissue, made.coordinates * 40)
    reference = write_reference(tmp_path / "r.h5ad", made.reference)
    taken = opened(tissue, reference).open(SHARED[:20])
    distance = cKDTree(taken.pair.tissue.coordinates).query(taken.pair.tissue.coordinates, k=2)[0][:, 1]
    assert np.median(distance) == pytest.approx(10, rel=0.01)
    assert any("size of a pixel is not known" in finding.what for finding in taken.said)
    given = opened(tissue, reference, answers=Answers(unit="px", um_per_px=0.025)).open(SHARED[:20])
    np.testing.assert_allclose(given.pair.tissue.coordinates, made.coordinates, rtol=1e-4)


def test_sections_are_those_of_the_column_that_was_named(tmp_path: Path) -> None:
    made = simulate()
    slides = np.repeat(["left", "right"], 120)
    tissue = write_tissue(tmp_path / "t.h5ad", made.tissue, made.coordinates, section=slides)
    reference = write_reference(tmp_path / "r.h5ad", made.reference)
    unnamed = opened(tissue, reference, answers=Answers(section_column="")).open(SHARED[:20]).pair.tissue
    assert set(unnamed.section) == {0}
    named = opened(tissue, reference, answers=Answers(section_column="section")).open(SHARED[:20]).pair.tissue
    np.testing.assert_array_equal(named.section, np.repeat([0, 1], 120))


def test_a_matrix_of_counts_beside_logarithms_is_found_by_the_inputs(tmp_path: Path) -> None:
    made = simulate()
    path = write_tissue(tmp_path / "t.h5ad", np.log1p(made.tissue / 3), made.coordinates)
    data = anndata.read_h5ad(path)
    data.layers["counts"] = csr_matrix(made.tissue)
    data.write_h5ad(path)
    files = opened(path, write_reference(tmp_path / "r.h5ad", made.reference))
    tissue = files.open(SHARED[:20]).pair.tissue
    assert tissue.scale == "counts"
    np.testing.assert_array_equal(tissue.expression.toarray(), made.tissue)


@pytest.mark.parametrize(("kind", "scale"), [("tpm", "normalised"), ("log", "log")])
def test_a_reference_without_counts_is_taken_as_what_it_is(tmp_path: Path, kind: str, scale: str) -> None:
    made = simulate()
    tpm = 1e6 * made.reference / made.reference.sum(axis=1, keepdims=True)
    tissue = write_tissue(tmp_path / "t.h5ad", made.tissue, made.coordinates)
    values = tpm if kind == "tpm" else np.log1p(tpm / 100)
    assert opened(tissue, write_reference(tmp_path / "r.h5ad", values)).reference.scale == scale


def test_a_scaled_reference_is_refused_by_name(tmp_path: Path) -> None:
    made = simulate()
    scaled = (made.reference - made.reference.mean(axis=0)) / made.reference.std(axis=0)
    tissue = write_tissue(tmp_path / "t.h5ad", made.tissue, made.coordinates)
    with pytest.raises(DataError) as caught:
        opened(tissue, write_reference(tmp_path / "r.h5ad", scaled))
    assert caught.value.what.startswith("The reference cannot be used.")
    assert "scaled" in caught.value.what


@pytest.mark.skipif(not REAL.exists(), reason="the real files (../shared/data) are not here")
@pytest.mark.parametrize(
    ("tissue", "reference", "shared", "cells", "given"),
    [
        ("st_human_NSCLC_CosMx960", "sc_human_lung_TabulaSapiens1k", 876, 2198, {}),
        (
            "st_mouse_cortex_osmFISH",
            "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL",
            32,
            4839,
            {"answers": Answers(keep={"Valid": "1"}, unit="px", um_per_px=0.065)},
        ),
        ("st_human_breast_Xenium380_scider", "sc_human_breastTNBC_copykat", 334, 4000, {"first": 4000}),
    ],
)
def test_real_pairs(tissue: str, reference: str, shared: int, cells: int, given: dict[str, Any]) -> None:
    files = open_files(REAL / f"{tissue}.h5ad", REAL / f"{reference}.h5ad", 4096, **given)
    assert len(files.shared) == shared
    assert files.open(gene_folds(files.shared)[0].inputs).pair.tissue.n_cells == cells
