"""A cell as a sentence: its genes in the order of expression / the gene's median (Theodoris et al., Nature 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.methods.scxm.geneformer.layout import Version
from backend.methods.scxm.geneformer.vocabulary import CLS, EOS, MASK, Vocabulary
from backend.records import Species

PUBLISHED_LENGTH: dict[Version, int] = {"V1": 2048, "V2": 4096}


class Ragged(NamedTuple):
    """Sentences of different lengths without padding. flat: all tokens, int64. offsets: (n + 1,) int64; sentence i is
    flat[offsets[i] : offsets[i + 1]]."""

    flat: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)

    def sentence(self, cell: int) -> NDArray[np.int64]:
        return self.flat[self.offsets[cell] : self.offsets[cell + 1]]


class RankTokens:
    """Tokens of cells over `genes`. V2: <cls>, genes, <eos>; V1: genes alone. At most `max_len` tokens in all, as
    published where none is named.

    `known` counts the genes that the vocabulary holds; `column` (vocab,) leads back from a token to the (first) gene
    among `genes`, -1 for special tokens and genes that are not there. Raises GeneMismatch where too few are known.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        genes: Sequence[str],
        max_len: int | None = None,
        species: Species | None = None,
    ) -> None:
        found = vocabulary.require(genes, species)
        self.known = found.n_known
        self.has_cls = vocabulary.version == "V2"
        self.max_len = max_len or PUBLISHED_LENGTH[vocabulary.version]
        read = np.flatnonzero(found.places >= 0)
        places, which = np.unique(found.places[read], return_inverse=True)
        self._tokens, self._medians = vocabulary.tokens[places], vocabulary.medians[places]
        ones = np.ones(len(read), dtype=np.float64)
        self._pick = csr_matrix((ones, (read, which)), shape=(len(genes), len(places)))
        self.column = np.full(int(vocabulary.tokens.max()) + 1, -1, dtype=np.int64)
        self.column[self._tokens[which[::-1]]] = read[::-1]

    def __call__(self, rows: csr_matrix) -> Ragged:
        """rows: (B, G), linear and non-negative; a cell's total cancels out. Genes of one token are added up; ties go
        to the smaller token. A V1 cell without any known gene becomes <mask>, so that no sentence is empty."""
        values = csr_matrix(rows @ self._pick)  # (B, known tokens)
        values.eliminate_zeros()
        values.sort_indices()
        scaled = values.data / self._medians[values.indices]
        tokens = self._tokens[values.indices]
        before, after, nothing = ([CLS], [EOS], []) if self.has_cls else ([], [], [MASK])
        room = self.max_len - len(before) - len(after)
        sentences = []
        for start, stop in zip(values.indptr[:-1], values.indptr[1:]):
            order = np.argsort(-scaled[start:stop], kind="stable")[:room]
            genes = tokens[start:stop][order] if len(order) else nothing
            sentences.append(np.concatenate([before, genes, after]).astype(np.int64))
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in sentences], dtype=np.int64)]).astype(np.int64)
        flat = np.concatenate(sentences) if sentences else np.empty(0, dtype=np.int64)
        return Ragged(flat, offsets)
