from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from backend.analysis.context import context_graph
from backend.errors import UserError
from backend.evaluation.preflight import look_ahead, sampled_neighbours
from tests.evaluation.small_study import make_reference, make_tissue, write_dataset, write_study
from tests.evaluation.tiny_method import TinyConfig


def test_it_says_what_will_be_done_in_numbers() -> None:
    write_study()
    seen = look_ahead("tiny", TinyConfig(), "d-tissue", "d-reference")
    assert "90 cells of Reference" in seen.answers
    assert "20 µm" in seen.answers
    assert (seen.shared_genes, seen.input_genes) == (12, 12)
    assert any("2 of the reference's 14 genes" in words for words in seen.dropped)
    assert any("within 30 µm of the cut" in words for words in seen.dropped)
    assert "each half" in seen.split
    assert seen.minutes > 0.3
    assert seen.memory_gb >= 0.1


def test_a_validation_tissue_is_named_as_what_is_scored() -> None:
    write_study(validation=True)
    seen = look_ahead("tiny", TinyConfig(), "d-tissue", "d-reference", "d-validation")
    assert "scored on Validation" in seen.split
    assert (seen.shared_genes, seen.input_genes) == (12, 14)


def test_it_warns_of_what_will_weaken_the_result() -> None:
    write_dataset("tissue", "tissue", make_tissue(0, n_cells=600))
    write_dataset("reference", "reference", make_reference(1), scale="log")
    warnings = " ".join(look_ahead("tiny", TinyConfig(sigma_um=10), "d-tissue", "d-reference").warnings)
    assert "mostly noise" in warnings
    assert "Only 12 genes" in warnings
    assert "Reference does not hold counts (log)" in warnings
    assert "no cell types" in warnings


def test_it_warns_of_surroundings_as_wide_as_the_tissue() -> None:
    write_study(validation=True)
    wide = look_ahead("tiny", TinyConfig(sigma_um=100), "d-tissue", "d-reference", "d-validation")
    assert any("600 µm across" in words for words in wide.warnings)
    assert not any("across" in words for words in look_ahead("tiny", TinyConfig(), "d-tissue", "d-reference").warnings)


def test_a_radius_too_large_for_the_tissue_is_refused_before_the_launch() -> None:
    write_study()
    with pytest.raises(UserError, match="two halves"):
        look_ahead("tiny", TinyConfig(sigma_um=300), "d-tissue", "d-reference")


def test_sampled_neighbours_agree_with_the_whole_graph() -> None:
    data = make_tissue(0, n_cells=390, sections=2)
    section = (data["section"] == "S1").astype(np.int32)
    graph = context_graph(data["xy"], section, 25.0, self_loop=False)
    found = sampled_neighbours(data["xy"].astype(np.float64), section, 25.0)
    squares = np.asarray(graph.multiply(graph).sum(axis=1)).ravel()  # the weights of a row sum to 1
    assert found == pytest.approx(np.median(1 / squares[squares > 0]), rel=1e-3)


def test_a_hundred_thousand_cells_take_under_a_second() -> None:
    big = make_tissue(0, n_cells=2000)
    data = {**big, "counts": np.tile(big["counts"], (50, 1)), "section": np.full(100_000, "S0")}
    data["xy"] = np.random.default_rng(0).uniform(0, 5000, (100_000, 2)).astype(np.float32)
    write_dataset("tissue", "tissue", data)
    write_dataset("reference", "reference", make_reference(1))
    started = time.perf_counter()
    look_ahead("tiny", TinyConfig(sigma_um=50), "d-tissue", "d-reference")
    assert time.perf_counter() - started < 1


def test_looking_ahead_loads_no_torch() -> None:
    code = "import sys; import backend.evaluation.preflight; print('torch' in sys.modules, 'sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]
