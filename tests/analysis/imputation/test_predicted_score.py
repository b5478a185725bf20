from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.analysis.imputation.predicted_score import DOUBT, ENTROPY, FACTS, predict_scores


def table(n: int, seed: int = 0, told: bool = True) -> pd.DataFrame:
    """Genes whose score follows two of the facts, or nothing."""
    rng = np.random.default_rng(seed)
    facts = pd.DataFrame(rng.uniform(0.02, 0.8, (n, len(FACTS))), columns=list(FACTS))
    score = 0.5 * facts["predictability"] + 0.3 * facts["group_share"] + rng.normal(0, 0.04, n)
    facts["score"] = score if told else rng.permutation(score)
    facts[ENTROPY] = facts[DOUBT] = np.nan
    return facts.assign(gene=[f"G{i}" for i in range(n)], fold=[f"genes-{i % 5 + 1}" for i in range(n)])


def test_scores_that_follow_the_facts_are_predicted_and_their_intervals_hold() -> None:
    unknown = table(300, seed=1)
    found = predict_scores(table(200), unknown.drop(columns=["score", "fold"]), 0)
    assert found.spearman is not None
    assert found.spearman > 0.85
    assert found.spearman_low is not None
    assert found.spearman_low < found.spearman < found.spearman_high
    off = found.unknown.set_index("gene")
    true = unknown.set_index("gene")["score"]
    assert np.corrcoef(off["predicted"], true)[0, 1] > 0.85
    assert ((true >= off["low"]) & (true <= off["high"])).mean() == pytest.approx(0.9, abs=0.06)
    known = found.known
    assert ((known["score"] >= known["low"]) & (known["score"] <= known["high"])).mean() == pytest.approx(0.9, abs=0.03)


def test_scores_that_follow_nothing_are_said_not_to_be_predictable() -> None:
    found = predict_scores(table(200, told=False), table(5, seed=1), 0)
    assert found.spearman is not None
    assert abs(found.spearman) < 0.25
    assert found.spearman_low < 0.1


def test_a_gene_is_predicted_by_other_folds_only() -> None:
    """A score that only a gene itself could know is not found again."""
    known = table(60, told=False)
    changed = known.copy()
    own = changed["fold"] == "genes-1"
    changed.loc[own, "score"] = 5.0
    one, other = (predict_scores(each, known.iloc[:0], 0).known for each in (known, changed))
    first = one["gene"].isin(known.loc[own, "gene"])
    np.testing.assert_array_equal(one.loc[first, "predicted"], other.loc[first, "predicted"])
    assert (one.loc[~first, "predicted"] != other.loc[~first, "predicted"]).all()


def test_a_doubt_that_the_method_tells_is_listened_to() -> None:
    known, unknown = table(200), table(50, seed=1)
    rng = np.random.default_rng(3)
    for part in (known, unknown):
        part["score"] = rng.normal(0.2, 0.15, len(part))
        part[DOUBT] = np.exp(-4 * part["score"] + rng.normal(0, 0.1, len(part)))
    assert (predict_scores(known, unknown, 0).spearman or 0) > 0.8
    unknown[DOUBT] = np.nan  # not known of every gene: not used
    assert abs(predict_scores(known, unknown, 0).spearman or 0) < 0.3


def test_too_few_genes_say_nothing() -> None:
    found = predict_scores(table(6), table(3, seed=1), 0)
    assert found.spearman is None
    assert found.unknown["predicted"].isna().all()
    assert list(found.unknown["gene"]) == ["G0", "G1", "G2"]


def test_genes_without_a_score_are_left_out() -> None:
    known = table(50)
    known.loc[:4, "score"] = np.nan
    assert len(predict_scores(known, known.iloc[:0], 0).known) == 45
