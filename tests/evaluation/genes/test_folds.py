from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import KFold

from backend.errors import GeneMismatch, UserError
from backend.evaluation.genes.folds import gene_folds

GENES = tuple(f"G{i:03d}" for i in range(33))


def test_the_published_folds_whatever_the_order_given() -> None:
    shuffled = tuple(np.random.default_rng(0).permutation(GENES))
    for fold, (read, hidden) in zip(gene_folds(shuffled), KFold(5, shuffle=True, random_state=0).split(GENES)):
        assert fold.inputs == tuple(GENES[i] for i in read)
        assert fold.targets == tuple(GENES[i] for i in hidden)


def test_every_gene_is_hidden_once() -> None:
    hidden = [gene for fold in gene_folds(GENES) for gene in fold.targets]
    assert sorted(hidden) == list(GENES)
    assert all(not set(fold.inputs) & set(fold.targets) for fold in gene_folds(GENES))


@pytest.mark.parametrize("number", [0, 1, 2, 9])
def test_too_few_shared_genes_are_said(number: int) -> None:
    with pytest.raises(GeneMismatch) as caught:
        gene_folds(GENES[:number])
    assert f"share {number} gene{'' if number == 1 else 's'}; at least 10" in caught.value.what
    assert caught.value.mend


@pytest.mark.parametrize("count", [1, 17, 40])
def test_folds_that_would_hide_everything_or_one_gene(count: int) -> None:
    with pytest.raises(UserError, match="2 to 16 folds"):
        gene_folds(GENES, count)
