from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from backend.analysis.imputation.coverage import cover, summarise
from backend.analysis.imputation.intervals import Intervals, calibrate, pair_up
from tests.analysis.imputation.simulated import Simulated, simulate

NAMES = [f"genes-{number}" for number in range(1, 6)]


@pytest.fixture(scope="module")
def data() -> Simulated:
    return simulate()


@pytest.fixture(scope="module")
def intervals(data: Simulated) -> Intervals:
    return calibrate(pair_up(data.columns, data.truth, data.fold, data.block, 0), NAMES, 0)


def covered(data: Simulated, intervals: Intervals) -> dict[tuple[str, str], dict[str, float]]:
    genes = cover(data.columns, data.truth, [NAMES[fold] for fold in data.fold], data.block, intervals)
    return {(row["cells"], row["tercile"]): row for row in summarise(genes, 0)}


def test_detected_and_undetected_cells_are_each_covered_nine_times_in_ten(data: Simulated, intervals) -> None:
    found = covered(data, intervals)
    for cells in ("all", "detected", "undetected"):
        assert found[cells, "all"]["coverage"] == pytest.approx(0.9, abs=0.02)
    for tercile in ("low", "middle", "high"):
        assert found["detected", tercile]["coverage"] == pytest.approx(0.9, abs=0.05)


def test_genes_that_did_not_calibrate_are_covered_too(intervals) -> None:
    fresh = simulate(seed=7)
    genes = cover(fresh.columns, fresh.truth, ["final"] * len(fresh.columns), fresh.block, intervals)
    rows = {row["cells"]: row for row in summarise(genes, 0) if row["tercile"] == "all"}
    assert rows["detected"]["coverage"] == pytest.approx(0.9, abs=0.025)
    assert rows["undetected"]["coverage"] == pytest.approx(0.9, abs=0.025)


def test_a_better_prediction_has_tighter_intervals(data: Simulated, intervals) -> None:
    rng = np.random.default_rng(0)
    blind = [replace(column, values=rng.permutation(column.values)) for column in data.columns]
    worse = replace(data, columns=blind)
    other = calibrate(pair_up(blind, data.truth, data.fold, data.block, 0), NAMES, 0)
    good, bad = covered(data, intervals), covered(worse, other)
    assert bad["all", "all"]["coverage"] == pytest.approx(0.9, abs=0.02)
    for cells in ("all", "detected"):
        assert good[cells, "all"]["score"] < bad[cells, "all"]["score"]


def test_the_gene_and_the_block_that_are_scored_have_no_say(data: Simulated, intervals) -> None:
    poisoned = [true.copy() for true in data.truth]
    poisoned[0][:] = 50.0  # a gene of the first fold
    found = calibrate(pair_up(data.columns, poisoned, data.fold, data.block, 0), NAMES, 0)
    assert found.by_fold["genes-1"] == intervals.by_fold["genes-1"]
    assert found.by_fold["genes-2"] != intervals.by_fold["genes-2"]


def test_a_spatial_block_does_not_calibrate_itself(data: Simulated) -> None:
    pairs = pair_up(data.columns, data.truth, data.fold, data.block, 0)
    found = calibrate(pairs, NAMES, 0).by_fold["genes-1"]
    truth = pairs.truth.copy()
    beyond = (pairs.block == 2) & (truth > 0)
    truth[beyond] = truth[beyond] * 1.5
    other = calibrate(replace(pairs, truth=truth), NAMES, 0).by_fold["genes-1"]
    ends = [[group.upper * np.mean(part.model.level[0]) for group in part.groups] for part in (*found, *other)]
    moved = np.abs(np.array(ends[5:]) / np.array(ends[:5]) - 1).max(axis=1)
    assert moved.argmin() == 2  # its own limits move only with the regression that all blocks share


def test_they_are_the_same_after_json(data: Simulated, intervals) -> None:
    again = Intervals.from_json(json.loads(json.dumps(intervals.to_json())))
    for one, other in zip(
        intervals.around(data.columns[3], "genes-4", data.block), again.around(data.columns[3], "genes-4", data.block)
    ):
        np.testing.assert_array_equal(one, other)


def test_a_cell_that_was_not_read_has_no_interval(data: Simulated, intervals) -> None:
    column = data.columns[0]
    values, depth = column.values.copy(), column.depth.copy()
    values[:3], depth[3:5] = np.nan, 0
    low, high, zero_in = intervals.around(replace(column, values=values, depth=depth), "genes-1", data.block)
    assert np.isnan(low[:5]).all()
    assert np.isnan(high[:5]).all()
    assert not zero_in[:5].any()
    assert np.isfinite(high[5:]).all()
    assert (low[5:] <= high[5:]).all()
    assert (low[5:][zero_in[5:]] == 0).all()


def test_few_genes_two_folds_and_a_gene_seen_in_no_cell_break_nothing() -> None:
    few = simulate(n_genes=6, folds=2)
    few.truth[0][:] = 0
    flat = replace(few.columns[1], values=np.zeros(300, np.float32))
    columns = [few.columns[0], flat, *few.columns[2:]]
    found = calibrate(pair_up(columns, few.truth, few.fold, np.zeros(300, int), 0), ["genes-1", "genes-2"], 0)
    low, high, _ = found.around(flat, "genes-2", np.zeros(300, int))
    assert np.isfinite(low).all()
    assert np.isfinite(high).all()
