from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control

from backend.analysis.enrichment import prerank
from backend.errors import UserError


def ranking(n: int = 200) -> pd.Series:
    rng = np.random.default_rng(0)
    return pd.Series(rng.normal(size=n), index=[f"G{i}" for i in range(n)])


def collection(metric: pd.Series) -> dict[str, tuple[str, ...]]:
    rng = np.random.default_rng(1)
    order = list(metric.sort_values(ascending=False).index)
    sets = {f"random {i}": tuple(rng.choice(order, 15, replace=False)) for i in range(8)}
    return sets | {"top": tuple(order[:15]), "bottom": tuple(order[-15:]), "tiny": tuple(order[:3]), "absent": ("X",)}


def test_sets_at_the_ends_are_found_with_their_sign() -> None:
    metric = ranking()
    found = prerank(metric, collection(metric), seed=1)
    table = found.table.set_index("set")
    assert table.loc["top", "nes"] > 1.5
    assert table.loc["bottom", "nes"] < -1.5
    assert (table.loc[["top", "bottom"], "fdr"] < 0.05).all()
    assert set(table.index) == {"top", "bottom", *(f"random {i}" for i in range(8))}
    assert table.loc["top", "leading_edge"].split(";")[0] in collection(metric)["top"]


def test_the_same_seed_gives_the_same_table_whatever_the_threads() -> None:
    metric = ranking()
    one, two = (prerank(metric, collection(metric), seed=3, threads=threads).table for threads in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_the_numbers_are_those_of_gseapy() -> None:
    import gseapy

    metric = ranking()
    metric.iloc[:20] = metric.iloc[0]  # ties
    sets = collection(metric) | {"everything": tuple(metric.index)}
    table = prerank(metric, sets, seed=3).table.set_index("set")
    ranked = metric.sort_index().sort_values(ascending=False, kind="stable")
    theirs = gseapy.prerank(
        ranked, {name: list(genes) for name, genes in sets.items()}, min_size=5, max_size=500, permutation_num=1000,
        seed=3, outdir=None, no_plot=True,
    ).res2d.set_index("Term").loc[table.index]  # fmt: skip
    for ours, column in (("es", "ES"), ("nes", "NES"), ("p", "NOM p-val"), ("fdr", "FDR q-val")):
        assert table[ours].to_numpy() == pytest.approx(theirs[column].to_numpy(dtype=float), abs=1e-12)
    assert list(table["leading_edge"]) == list(theirs["Lead_genes"])


def test_benjamini_hochberg_stands_beside_and_never_trusts_a_p_of_zero() -> None:
    metric = ranking()
    found = prerank(metric, collection(metric), seed=1)
    floor = found.table["p"].clip(lower=1 / (found.facts["permutations"] + 1))
    assert found.table["fdr_bh"].to_numpy() == pytest.approx(false_discovery_control(floor))
    assert (found.table["fdr_bh"] > 0).all()


def test_the_background_is_said_and_adds_up() -> None:
    metric = ranking()
    facts = prerank(metric, collection(metric)).facts
    assert (facts["ranked"], facts["sets"], facts["too_small"], facts["too_large"]) == (200, 10, 2, 0)
    assert "200 ranked genes, not the genome" in facts["background"]


def test_the_curve_is_the_running_score_of_the_definition() -> None:
    metric = ranking()
    found = prerank(metric, collection(metric), seed=1)
    curve = found.curves[found.curves["set"] == "top"]
    assert curve["metric"].is_monotonic_decreasing
    assert set(curve.loc[curve["hit"], "gene"]) == set(collection(metric)["top"])
    weight = np.where(curve["hit"], curve["metric"].abs(), 0.0)
    expected = np.cumsum(weight / weight.sum() - (~curve["hit"]) / (~curve["hit"]).sum())
    assert curve["score"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-4)
    assert found.table.set_index("set").loc["top", "es"] == pytest.approx(expected.max(), abs=1e-4)


def test_too_few_genes_and_too_small_sets_are_said() -> None:
    metric = ranking()
    with pytest.raises(UserError, match="Only 14 genes are ranked"):
        prerank(metric[:14], collection(metric))
    with pytest.raises(UserError, match="No gene set has 20 to 500") as none:
        prerank(metric, collection(metric), min_size=20)
    assert "largest overlap is 15" in none.value.why


def test_a_large_question_gets_fewer_permutations_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.analysis.enrichment._WORK", 600_000)
    metric = ranking()
    facts = prerank(metric, collection(metric)).facts
    assert facts["permutations"] == 300
    assert "300 permutations" in facts["background"]
