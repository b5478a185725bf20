from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.errors import GeneMismatch
from backend.methods.scxm.backbone.reader import Sentences
from backend.methods.scxm.geneformer.tokens import RankTokens
from backend.methods.scxm.geneformer.vocabulary import Vocabulary
from tests.methods.scxm.backbone.tiny import tiny_vocabulary

GENES = ("unknown", *(f"G{number:03d}" for number in range(29, -1, -1)), "twin")


def _vocabulary() -> Vocabulary:
    """One in which `twin` is a second name of G007."""
    plain = tiny_vocabulary()
    return Vocabulary(
        plain.version, plain.ids, plain.tokens, plain.medians, plain.names | {"twin": plain.names["G007"]}
    )


@pytest.fixture
def rows() -> csr_matrix:
    return csr_matrix(np.random.default_rng(0).poisson(0.7, (20, len(GENES))), dtype=np.float32)


def test_cells_are_read_as_the_whole_vocabulary_reads_them(rows: csr_matrix) -> None:
    reader, published = Sentences.of(_vocabulary(), GENES), RankTokens(_vocabulary(), GENES, species="human")
    assert reader.n_known == 31
    read, expected = reader.ragged(rows), published(rows)
    assert np.array_equal(read.flat, expected.flat)
    assert np.array_equal(read.offsets, expected.offsets)
    padded = reader(rows)
    assert padded.shape == (20, expected.lengths.max())
    for cell in range(20):
        assert padded[cell][padded[cell] > 0].tolist() == expected.sentence(cell).tolist()


def test_what_is_saved_of_it_reads_the_same(rows: csr_matrix) -> None:
    reader = Sentences.of(_vocabulary(), GENES)
    saved = reader.arrays()
    again = Sentences(saved["tokens"], saved["token_medians"], "V2")
    assert np.array_equal(reader(rows), again(rows))


def test_tokens_lead_back_to_input_genes() -> None:
    reader = Sentences.of(_vocabulary(), GENES)
    one = csr_matrix(np.eye(len(GENES), dtype=np.float32))
    tokens = reader(one)
    assert tokens[1, 0] == 2
    assert tokens[1, 2] == 3
    assert reader.genes_of(tokens[:, 1])[1:-1].tolist() == list(range(1, 31))
    assert GENES[reader.genes_of(tokens[-1:, 1])[0]] == "G007"  # twins share a token, the first stands for it
    assert np.all(reader.genes_of(np.array([0, 1, 2, 3])) == -1)


def test_too_few_known_genes_are_refused() -> None:
    with pytest.raises(GeneMismatch, match="needs 20"):
        Sentences.of(_vocabulary(), (*GENES[:10], *(f"X{number}" for number in range(30))))
