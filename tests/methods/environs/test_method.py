from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.analysis.context import context_graph, spatial_context
from backend.errors import DataError, GeneMismatch, UserError
from backend.methods.contract import Cells, PairedData
from backend.methods.environs.config import EnvironsConfig
from backend.methods.environs.method import METHOD, EnvironsFitted
from tests.methods.scxm.simulated import FakeRun, Truth, median_pcc, simulate

SIGMA_UM = 40.0
SMALL = {"sigma_um": SIGMA_UM, "networks": 2, "steps": 60}


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate(n_tissue=1200)


def halves(truth: Truth) -> tuple[Cells, Cells, np.ndarray]:
    """The left part, the right part, and the right part's contexts over the panel."""
    tissue = truth.tissue
    assert tissue.coordinates is not None
    x = tissue.coordinates[:, 0]
    left, right = tissue.of_rows(np.flatnonzero(x < 260)), tissue.of_rows(np.flatnonzero(x > 380))
    graph = context_graph(right.coordinates, None, SIGMA_UM, self_loop=False)
    return left, right, spatial_context(graph, csr_matrix(right.of_genes(truth.panel).expression))


@pytest.fixture(scope="module")
def learnt(truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> EnvironsFitted:
    run = FakeRun(tmp_path_factory.mktemp("fit"))
    return METHOD.fit(truth.pair(halves(truth)[0]), EnvironsConfig(**SMALL), run)


def scored(fitted: EnvironsFitted, truth: Truth, tissue: Cells, folder: Path) -> float:
    return median_pcc(halves(truth)[2], fitted.predict(tissue, FakeRun(folder)).values)


def test_it_learns_the_surroundings_of_cells_it_never_saw(learnt: EnvironsFitted, truth: Truth, tmp_path: Path) -> None:
    _, right, measured = halves(truth)
    predicted = learnt.predict(right, FakeRun(tmp_path)).values
    assert median_pcc(measured, predicted) > 0.4
    assert abs(median_pcc(measured, np.random.default_rng(0).permuted(predicted, axis=0))) < 0.1
    assert np.square(measured - predicted).mean() < np.square(measured - measured.mean(axis=0)).mean()
    assert predicted.min() >= 0.0
    assert predicted.max() <= 1.0


def test_either_voice_can_speak_alone(truth: Truth, tmp_path: Path) -> None:
    left, right, _ = halves(truth)
    for number, config in enumerate(({"networks": 0}, {"linear": False})):
        folder = tmp_path / str(number)
        fitted = METHOD.fit(truth.pair(left), EnvironsConfig(**{**SMALL, **config}), FakeRun(folder))
        assert scored(fitted, truth, right, folder) > 0.35
    with pytest.raises(DataError, match="Nothing is left"):
        METHOD.fit(truth.pair(left), EnvironsConfig(networks=0, linear=False), FakeRun(tmp_path))


def test_dissociated_cells_are_put_into_their_own_niche(learnt: EnvironsFitted, truth: Truth, tmp_path: Path) -> None:
    context = learnt.predict(truth.reference, FakeRun(tmp_path)).values
    standard = (context - context.mean(axis=0)) / context.std(axis=0)
    raised = np.column_stack([standard[:, niche::3].mean(axis=1) for niche in range(3)])
    assert (raised.argmax(axis=1) == truth.reference_niche).mean() > 0.7


@pytest.mark.parametrize("extra", [{"lambda_adv": 0.1}, {"lambda_agree": 1.0}, {"augmentation": 0.5}])
def test_each_ingredient_changes_the_networks_and_stays_finite(
    truth: Truth, learnt: EnvironsFitted, tmp_path: Path, extra: dict[str, float]
) -> None:
    left, right, _ = halves(truth)
    fitted = METHOD.fit(truth.pair(left), EnvironsConfig(**{**SMALL, "networks": 1}, **extra), FakeRun(tmp_path))
    values = fitted.predict(right, FakeRun(tmp_path)).values
    assert np.isfinite(values).all()
    assert scored(fitted, truth, right, tmp_path) > 0.3
    assert not np.array_equal(values, learnt.predict(right, FakeRun(tmp_path)).values)


def test_a_killed_training_resumes_to_the_same_bits(truth: Truth, tmp_path: Path) -> None:
    data, config = truth.pair(halves(truth)[0]), EnvironsConfig(**SMALL)
    METHOD.fit(data, config, FakeRun(tmp_path / "whole")).save(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        METHOD.fit(data, config, FakeRun(tmp_path / "killed", kill_at=8))
    again = FakeRun(tmp_path / "killed")
    METHOD.fit(data, config, again).save(tmp_path / "b")
    assert again.steps_seen[0] > 1
    assert (tmp_path / "a/weights.safetensors").read_bytes() == (tmp_path / "b/weights.safetensors").read_bytes()


def test_told_to_stop_it_keeps_the_networks_that_are_done(truth: Truth, tmp_path: Path) -> None:
    data = truth.pair(halves(truth)[0])
    config = EnvironsConfig(**{**SMALL, "networks": 4})
    with pytest.raises(UserError, match="stopped before a network was trained"):
        METHOD.fit(data, config, FakeRun(tmp_path / "early", stop_at=1))
    whole = FakeRun(tmp_path / "whole")
    METHOD.fit(data, config, whole)
    stopped = METHOD.fit(data, config, FakeRun(tmp_path / "late", stop_at=whole.steps_seen[-2]))
    assert 0 < len(stopped.networks) < 4
    assert stopped.stopped_at == whole.steps_seen[-2]


def test_what_is_saved_predicts_the_same(learnt: EnvironsFitted, truth: Truth, tmp_path: Path) -> None:
    learnt.save(tmp_path)
    loaded = METHOD.load(tmp_path)
    for cells in (halves(truth)[1], truth.reference):
        expected = learnt.predict(cells, FakeRun(tmp_path)).values
        np.testing.assert_array_equal(loaded.predict(cells, FakeRun(tmp_path)).values, expected)
    assert loaded.about == learnt.about


def test_genes_that_the_training_tissue_lacks_say_nothing_of_a_cell(truth: Truth, tmp_path: Path) -> None:
    left, right, _ = halves(truth)
    lacked = [place for place, gene in enumerate(truth.genes) if gene not in truth.panel]
    padded, loud = left.expression.tolil(), right.expression.tolil()
    padded[:, lacked], loud[:, lacked] = 0, 50  # a validation tissue measured them, and in plenty
    data = truth.pair(replace(left, expression=csr_matrix(padded)))
    fitted = METHOD.fit(data, EnvironsConfig(**SMALL), FakeRun(tmp_path))
    some = np.arange(60)  # too few for their own means to be taken
    plain, louder = (
        fitted.predict(cells.of_rows(some), FakeRun(tmp_path)).values
        for cells in (right, replace(right, expression=csr_matrix(loud)))
    )
    np.testing.assert_array_equal(plain, louder)


def test_what_cannot_work_is_said(learnt: EnvironsFitted, truth: Truth, tmp_path: Path) -> None:
    few = truth.tissue.of_genes(truth.genes[:-3])
    with pytest.raises(GeneMismatch, match="3 of 60 genes are missing"):
        learnt.predict(few, FakeRun(tmp_path))
    apart = truth.tissue.of_rows(np.arange(30))
    assert apart.coordinates is not None
    lonely = Cells(apart.expression, apart.genes, apart.scale, apart.coordinates * 1000, apart.section)
    with pytest.raises(DataError, match="neighbours within"):
        METHOD.fit(
            PairedData(lonely, truth.reference, truth.genes, truth.panel), EnvironsConfig(**SMALL), FakeRun(tmp_path)
        )
