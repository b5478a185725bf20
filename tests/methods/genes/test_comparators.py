"""What holds for every comparator, on data whose truth is known and on data that are a trial."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.errors import DataError
from backend.methods import registry
from backend.methods.contract import Cells
from backend.methods.imputation import FoldView, depths
from backend.methods.reference.genes import cards
from tests.methods.genes.small_pair import TARGETS, Run, mean_correlation, sparse, view, with_reference

NAMES = [card.name for card in cards.PLAIN]
TRACK_S = [card.name for card in cards.PLAIN if "unseen-region" in card.tracks]
LEARNING = ["centroid", "knn", "ridge", "mlp", "spage"]


def fitted(name: str, seen: FoldView, run: Run | None = None):  # type: ignore[no-untyped-def]
    method = registry.method(name)
    return method.fit(seen, registry.config_from(name, {"steps": 60} if name == "mlp" else {}), run or Run())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LEARNING)
def test_a_gene_that_types_express_differently_is_imputed(name: str) -> None:
    seen, truth = view()
    assert mean_correlation(truth, fitted(name, seen).impute(TARGETS, Run()).values) > 0.7


@pytest.mark.parametrize("name", ["knn", "ridge", "mlp"])
def test_unseen_region_learns_from_the_tissue_and_not_from_the_reference(name: str) -> None:
    seen, truth = view(known=True)
    seen = with_reference(seen, np.zeros(seen.reference.expression.shape))
    imputed = fitted(name, seen).impute(TARGETS, Run())
    assert imputed.units == "tissue"
    assert mean_correlation(truth[1::2], imputed.values[1::2]) > 0.7  # the cells that were not known


@pytest.mark.parametrize("name", NAMES)
def test_portions_and_what_is_opened_again_say_the_same(name: str, tmp_path: Path) -> None:
    seen, _ = view()
    first = fitted(name, seen)
    first.save(tmp_path)
    whole = first.impute(TARGETS, Run()).values
    again = registry.method(name).load(tmp_path, seen)  # type: ignore[call-arg]
    backwards = again.impute(TARGETS[::-1], Run(seed=99)).values  # type: ignore[attr-defined]
    np.testing.assert_array_equal(whole, backwards[:, ::-1])
    np.testing.assert_allclose(first.impute(TARGETS[2:3], Run()).values, whole[:, 2:3], rtol=1e-5, atol=1e-6)
    with pytest.raises(DataError, match="Fit again"):
        registry.method(name).load(tmp_path, replace(seen, target_genes=TARGETS[:3]))  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="IN00"):
        first.impute(("IN00",), Run())


def _broken(seen: FoldView) -> dict[str, FoldView]:
    values = seen.reference.expression.toarray()
    tissue = seen.tissue.expression.toarray()
    totals = values.sum(axis=1, keepdims=True)
    flat_there, flat_here, no_cell = values.copy(), tissue.copy(), values.copy()
    flat_there[:, [3, 25]], flat_here[:, 3], no_cell[0] = 2, 1, 0
    two = seen.tissue.genes[:2]
    few = np.maximum(tissue[:, :2], [[1, 0]])
    return {
        "two inputs": replace(seen, tissue=replace(seen.tissue, expression=sparse(few), genes=two)),
        "one input": replace(seen, tissue=replace(seen.tissue, expression=sparse(few[:, :1]), genes=two[:1])),
        "constant there": with_reference(seen, flat_there),
        "constant here": replace(seen, tissue=replace(seen.tissue, expression=sparse(flat_here))),
        "20 cells": with_reference(seen, values[:20]),
        "2 cells": with_reference(seen, values[:2]),
        "cells all alike": with_reference(seen, np.repeat(values[:1], 40, axis=0)),
        "an empty cell": with_reference(seen, no_cell),
        "an empty reference": with_reference(seen, np.zeros_like(values)),
        "TPM": with_reference(seen, values / totals * 1e6, "normalised"),
        "log": with_reference(seen, np.log1p(values / totals * 1e4), "log"),
        "a tissue in log": replace(
            seen, tissue=Cells(sparse(np.log1p(tissue)), seen.tissue.genes, "log", seen.tissue.coordinates)
        ),
        "a tissue without places": replace(seen, tissue=replace(seen.tissue, coordinates=None)),
        "few tissue cells": replace(
            seen,
            tissue=Cells(sparse(tissue[:3]), seen.tissue.genes, "counts", seen.tissue.coordinates[:3]),
            known=replace(seen.known, rows=np.arange(2), expression=seen.known.expression[:2]) if seen.known else None,
        ),
    }


@pytest.mark.parametrize("name", NAMES)
def test_trying_data_give_numbers_all_the_same(name: str) -> None:
    for what, seen in _broken(view(60, 60)[0]).items():
        values = fitted(name, seen).impute(TARGETS, Run()).values
        assert values.shape == (seen.tissue.n_cells, len(TARGETS)), what
        assert values.dtype == np.float32, what
        assert np.isfinite(values).all(), what
        assert values.min() >= 0, what


@pytest.mark.parametrize("name", TRACK_S)
def test_trying_data_with_known_cells(name: str) -> None:
    for what in ("two inputs", "constant here", "a tissue in log", "a tissue without places", "few tissue cells"):
        seen = _broken(view(60, 60, known=True)[0])[what]
        assert np.isfinite(fitted(name, seen).impute(TARGETS, Run()).values).all(), what


@pytest.mark.parametrize("name", LEARNING)
def test_the_scale_of_a_reference_makes_little_difference(name: str) -> None:
    seen, _ = view()
    values = seen.reference.expression.toarray()
    share = values / values.sum(axis=1, keepdims=True)
    counts = fitted(name, seen).impute(TARGETS, Run()).values
    for scale, changed in (("normalised", share * 1e6), ("log", np.log1p(share * 1e4))):
        np.testing.assert_allclose(
            fitted(name, with_reference(seen, changed, scale)).impute(TARGETS, Run()).values, counts, atol=0.05
        )


def test_the_gene_mean_by_hand() -> None:
    seen, _ = view()
    values = seen.reference.expression.toarray().mean(axis=0)
    expected = np.log1p(values[24] * np.median(depths(seen.tissue)) / values[:24].sum())
    imputed = fitted("gene-mean", seen).impute(("T0",), Run())
    np.testing.assert_allclose(imputed.values, np.full((150, 1), expected), rtol=1e-5)
    assert imputed.units == "tissue"


def test_own_total_is_the_depth_whatever_the_gene() -> None:
    seen, _ = view()
    imputed = fitted("own-total", seen).impute(TARGETS[:2], Run())
    np.testing.assert_allclose(np.expm1(imputed.values), np.repeat(depths(seen.tissue)[:, None], 2, axis=1), rtol=1e-4)
    assert imputed.units == "arbitrary"


def test_a_network_that_finished_early_is_opened_as_it_was(tmp_path: Path) -> None:
    seen, _ = view()
    first = fitted("mlp", seen, Run(stop_after=7))  # two questions while the steps are chosen
    assert first.stopped_at == 5
    first.save(tmp_path)
    again = registry.method("mlp").load(tmp_path, seen)  # type: ignore[call-arg]
    np.testing.assert_array_equal(again.impute(TARGETS, Run()).values, first.impute(TARGETS, Run()).values)  # type: ignore[attr-defined]
    assert again.stopped_at == 5
